"""How things are written on screen: numbers, times, ticks, initials, highlights."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatui.icons import ICONS
from chatui.marking import linked_and_marked, marked, marked_number
from server import phone
from server.contacts.erased import is_erased, said_number
from server.countries import country_names
from server.history.columns import COLUMNS
from server.history.rows import COUNTED_UP_TO
from server.lines import limits
from server.messaging.models import Conversation, Message, Status
from server.messaging.reasons import Reason
from server.wording import words_in

if TYPE_CHECKING:
    from django.template import Context

    from server.contacts.models import Contact
    from server.messaging.timeline import Entry

register = template.Library()


@register.simple_tag
def icon(name: str):
    """An inline drawing; the words beside it carry the meaning."""
    return ICONS[name]


@register.filter
def number(value: str) -> str:
    return said_number(value)


@register.filter
def short_number(value: str, country: str = "HU") -> str:
    return phone.display_national(value, country=country)


@register.filter
def abroad(contact: Contact) -> str:
    """The two letters of a number's country when it is not the company's own."""
    country = contact.country
    return country if country != contact.subscriber.country else ""


@register.filter
def initials(name: str) -> str:
    """One or two letters for an avatar: Kiss Ilona → KI, Szabó Eszter → SzE; a number shows its country code."""
    if name.startswith("+"):
        return phone.display(name).split(" ")[0]
    if is_erased(name):
        return "–"
    words = [word for word in re.split(r"[\s\-]+", name) if word and word[0].isalnum()]
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][:4].upper() if words[0].isupper() else words[0][0].upper()
    # A Hungarian family name begins with its letter, and Sz is one: SzE.
    first = words[0][:2] if words[0][:2] in {"Sz", "Cs", "Gy", "Ny", "Ty", "Zs", "Ly"} else words[0][0].upper()
    return first + words[1][0].upper()


@register.filter
def tint(pk: int) -> str:
    """One of six quiet colours, always the same for the same thing."""
    return f"tint-{pk % 6}"


@register.simple_tag
def avatar(who):
    """A round picture made of letters, for a contact or a colleague."""
    letters = initials(getattr(who, "name", "") or getattr(who, "number", ""))
    long = " long" if len(letters) > 2 else ""
    return format_html('<span class="avatar {}{}" aria-hidden="true">{}</span>', tint(who.pk), long, letters)


# --- Times. The browser shows them anew in the viewer's own zone (js/times.js); these are what it starts from.


HUNGARIAN_DAYS = ("H", "K", "Sze", "Cs", "P", "Szo", "V")


def _zoned(value: datetime, zone: str | None) -> datetime:
    return value.astimezone(ZoneInfo(zone)) if zone else timezone.localtime(value)


@register.filter
def clock(value: datetime, zone: str | None = None) -> str:
    local = _zoned(value, zone)
    return f"{local.hour}:{local:%M}"


@register.filter
def clock_seconds(value: datetime, zone: str | None = None) -> str:
    local = _zoned(value, zone)
    return f"{local.hour}:{local:%M:%S}"


@register.filter
def row_time(value: datetime, zone: str | None = None) -> str:
    """Short for a list: 10:42 today, "yesterday", the weekday within a week, else the date."""
    local, today = _zoned(value, zone), _zoned(timezone.now(), zone)
    days = (today.date() - local.date()).days
    if days <= 0:
        return f"{local.hour}:{local:%M}"
    if days == 1:
        return _("yesterday")
    hungarian = get_language() == "hu"
    if days < 7:
        # Calendars write H, K, Sze; Django's short names are "hét", "ked".
        return HUNGARIAN_DAYS[local.weekday()] if hungarian else formats.date_format(local, "D")
    if local.year == today.year:
        return day_and_month(value, zone)
    return formats.date_format(local, "Y. m. d." if hungarian else "n/j/Y")


def day_and_month(value: datetime, zone: str | None = None) -> str:
    return formats.date_format(_zoned(value, zone), "N j." if get_language() == "hu" else "M j")


@register.filter
def table_time(value: datetime, zone: str | None = None) -> str:
    """For the Messages table: Today 10:42, Yesterday 16:24, Nov 19 9:30."""
    local, today = _zoned(value, zone), _zoned(timezone.now(), zone)
    return f"{day_name(local, short=True, today=today)} {local.hour}:{local:%M}"


@register.filter
def day_line(value: datetime, zone: str | None = None) -> str:
    local = _zoned(value, zone)
    return day_name(local, short=False, today=_zoned(timezone.now(), zone))


def day_name(local: datetime, *, short: bool, today: datetime) -> str:
    if local.date() == today.date():
        return _("Today")
    if local.date() == (today - timedelta(days=1)).date():
        return _("Yesterday")
    hungarian = get_language() == "hu"
    if short:
        this_year = local.year == today.year
        pattern = ("N j." if this_year else "Y. N j.") if hungarian else ("M j" if this_year else "M j, Y")
    else:
        pattern = "Y. F j., l" if hungarian else "l, F j, Y"
    return formats.date_format(local, pattern)


@register.filter
def date_in_full(value: datetime, zone: str | None = None) -> str:
    """For paper, where "today" would soon be wrong."""
    return formats.date_format(_zoned(value, zone), "Y. F j., l" if get_language() == "hu" else "l, F j, Y")


@register.filter
def full_date(value: datetime, zone: str | None = None) -> str:
    return formats.date_format(_zoned(value, zone), "Y. N j." if get_language() == "hu" else "M j, Y")


@register.filter
def full_time(value: datetime, zone: str | None = None) -> str:
    """To the second, with its day: Nov 23, 2026 10:42:07."""
    return f"{full_date(value, zone)} {clock_seconds(value, zone)}"


@register.filter
def iso(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds")


@register.filter
def epoch_ms(value: datetime) -> int:
    return int(value.timestamp() * 1000)


@register.filter
def waited(since: datetime) -> str:
    """How long somebody has been waiting: 38 m, 5 h, 2 d."""
    minutes = max(0, int((timezone.now() - since).total_seconds() // 60))
    if minutes < 60:
        return _("%(n)s m") % {"n": max(1, minutes)}
    if minutes < 48 * 60:
        return _("%(n)s h") % {"n": minutes // 60}
    return _("%(n)s d") % {"n": minutes // (24 * 60)}


@register.filter
def time_left(seconds: int) -> str:
    """How long something will take: about 40 s, about 3 m."""
    if seconds < 60:
        # By fives: a figure that jumps each second says more than is known.
        return _("about %(n)s s left") % {"n": max(5, -(-seconds // 5) * 5)}
    return _("about %(n)s m left") % {"n": -(-seconds // 60)}


@register.filter
def hours_left(until: datetime) -> str:
    """For how long something is kept: 23 h, 40 m."""
    minutes = max(1, int((until - timezone.now()).total_seconds() // 60))
    return _("%(n)s h") % {"n": minutes // 60} if minutes >= 60 else _("%(n)s m") % {"n": minutes}


@register.filter
def amount(value: int) -> str:
    """A number of things as it is written in the language: 1 284, 1,284."""
    return formats.number_format(value, force_grouping=True)


@register.filter
def rows_in_words(count: int | None) -> str:
    """So many rows; None when there are too many to be counted while somebody waits."""
    if count is None:
        return _("more than %(n)s rows") % {"n": amount(COUNTED_UP_TO)}
    return _("1 row") if count == 1 else _("%(n)s rows") % {"n": amount(count)}


# --- Ticks

_TICKS = {
    Status.QUEUED: ("clock", "queued"),
    Status.SENDING: ("clock", "queued"),
    Status.HELD: ("pause", "unconfirmed"),
    Status.UNCONFIRMED: ("question", "unconfirmed"),
    Status.SENT: ("tick", "sent"),
    Status.DELIVERED: ("ticks", "delivered"),
    Status.UNDELIVERED: ("alert", "bad"),
    Status.FAILED: ("alert", "bad"),
}


@register.simple_tag
def tick(message: Message, zone: str | None = None):
    """The state of an outgoing message: a small drawing, its name for screen readers, every time in the tooltip."""
    drawing, style = _TICKS[Status(message.status)]
    label = Status(message.status).label
    return format_html(
        '<span class="tick {}" role="img" aria-label="{}"{}>{}</span>', style, label, stations(message, zone), ICONS[drawing]
    )


@register.simple_tag
def stations(message: Message, zone: str | None = None):
    """Every time of an outgoing message as a tooltip; `data-stations` lets the browser say them in the viewer's zone."""
    passed = [
        (_("Queued"), message.created_at),
        (_("Sent"), message.sent_at),
        (_("Delivered"), message.delivered_at),
        (_("Failed"), message.failed_at),
    ]
    label = str(Status(message.status).label)
    said = " · ".join([label, *(f"{name} {clock_seconds(at, zone)}" for name, at in passed if at)])
    raw = "|".join([label, *(f"{name} {epoch_ms(at)}" for name, at in passed if at)])
    return format_html(' title="{}" data-stations="{}"', said, raw)


@register.filter
def only_texts(conversation: Conversation) -> str:
    """The countries whose mobiles the line may text, where the partner's number is none of those; else nothing."""
    line = conversation.line
    return "" if limits.may_text(line, conversation.contact.number) else country_names(limits.countries_of(line))


@register.filter
def reason_text(message: Message) -> str:
    return str(Reason(message.reason).label) if message.reason in Reason.values else str(Reason.OTHER.label)


@register.filter
def is_long(text: str) -> bool:
    """Whether it may need more lines than a row gives it."""
    return len(text) > 80 or text.count("\n") > 2


@register.filter
def label_and_reason(state: str) -> tuple[str, str]:
    """`Not sent: no such number`, told apart."""
    label, _colon, reason = state.partition(": ")
    return label, reason


# --- Text


@register.filter
def linked(text: str):
    """The text, escaped, with http(s) addresses made into links that tell nothing about us."""
    return linked_and_marked(text)


# What a page looks for stands in its context: `words` as folded beginnings, `wanted` as the filter of messages.


@register.simple_tag(takes_context=True)
def highlighted(context: Context, text: str):
    """The text, escaped, with the words marked that the page was searched for."""
    return marked(text, context.get("words") or ())


@register.simple_tag(takes_context=True)
def highlighted_name(context: Context, text: str):
    """The same of a partner's name, which is looked for by a field of its own, too."""
    wanted = context.get("wanted")
    return marked(text, [*(context.get("words") or ()), *(words_in(wanted.name) if wanted else ())])


@register.simple_tag(takes_context=True)
def linked_and_highlighted(context: Context, text: str):
    return linked_and_marked(text, context.get("words") or ())


@register.simple_tag(takes_context=True)
def highlighted_number(context: Context, value: str):
    """A number as people read it, with the digits marked that the page was searched for."""
    wanted = context.get("wanted")
    if is_erased(value) or wanted is None or not (wanted.text or wanted.number):
        return number(value)
    if not value.startswith("+"):
        return marked(value, [*(context.get("words") or ()), *words_in(wanted.number)])
    return marked_number(phone.display(value), wanted, country=context["user"].subscriber.country)


@register.filter
def said(message: Message) -> dict[str, Any]:
    """What a row says, by the key of its column: the same as stands in a file."""
    return {column.key: column.of(message) for column in COLUMNS}


@register.filter
def mentioned(text: str):
    """A note's text, escaped, with its @mentions set off."""
    return mark_safe(re.sub(r"@[\w.\-]+", lambda m: f'<span class="mention">{m[0]}</span>', str(escape(text))))  # noqa: S308


# --- Which partial shows an entry of a thread


@register.filter
def partial(entry: Entry) -> str:
    return f"chatui/_{kind_of_entry(entry)}.html"


@register.filter
def kind_of_entry(entry: Entry) -> str:
    """message, note, activity, call, promise."""
    return type(entry).__name__.lower()


@register.filter
def readers(conversation) -> str:
    """Everybody's read markers, "user:count …": so a row is the same text for every colleague."""
    return " ".join(f"{marker.user_id}:{marker.inbound_read}" for marker in conversation.markers.all())


@register.filter
def unread_for(conversation, user) -> int:
    read = next((marker.inbound_read for marker in conversation.markers.all() if marker.user_id == user.pk), 0)
    return max(0, conversation.inbound_count - read)
