"""What people read of a call: a step's text in their language with its places filled in, or the usual one.

The usual text holds exactly what matters: caller, called party and time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from server import phone, sms
from server.calls.definition import Channel
from server.calls.languages import language_of_caller, language_of_person
from server.calls.models import CallEventKind
from server.calls.parameters import (
    PARAMETERS,
    TextNotValid,
    check_text,
    fill,
    own_value_name,
    places_in,
    shown,
    shown_name,
    stored,
)
from server.contacts.cleaning import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.calls.definition import Step
    from server.calls.models import Call, CallEvent

__all__ = [
    "PARAMETERS",
    "TextNotValid",
    "Words",
    "check_text",
    "fill",
    "places_in",
    "shown",
    "shown_name",
    "stored",
    "usual_subject",
    "usual_text",
    "values_of",
    "words_for",
]

LONGEST_VALUE = 200
LONGEST_SUBJECT = 200

_USUAL = gettext_lazy("Caller: {caller}\nCalled: {called}\nTime: {time}")
_SUBJECTS = {
    CallEventKind.MISSED: gettext_lazy("Missed call: {caller_name}"),
    CallEventKind.BUSY: gettext_lazy("Call to a busy line: {caller_name}"),
    CallEventKind.FAILED: gettext_lazy("Failed call: {caller_name}"),
    CallEventKind.KEY: gettext_lazy("Key {key} pressed: {caller_name}"),
    CallEventKind.NODE: gettext_lazy("{node}: {caller_name}"),
}
_SUBJECT = gettext_lazy("Call: {caller_name}")

# Short: each is a part of an SMS. Elsewhere as in English.
_DAY_AND_CLOCK = {"hu": "{0:%m}.{0:%d}. {0:%H:%M}", "en": "{0.day} {month} {0:%H:%M}"}
_DATE = {"hu": "{0:%Y}. {0:%m}. {0:%d}.", "en": "{0.day} {month} {0.year}"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody is told; the subject is an e-mail's, and a notice's first line."""

    subject: str
    body: str
    language: str

    @property
    def segments(self) -> int:
        """What it costs as an SMS."""
        return sms.count_segments(self.body).segments


def words_for(
    *,
    step: Step,
    event: CallEvent,
    person: User | None,
    promise_due: datetime | None = None,
    channel: Channel | None = None,
) -> Words:
    """A step's words to a colleague, or to the caller (`person` None), by a channel (else the step's own)."""
    texts = {language: text for language, text in step.texts.items() if text.strip()}
    there_are = texts or dict.fromkeys(usual_languages(), "")
    language = _language(event.call, person, there_are)
    values = values_of(event, language=language, promise_due=promise_due)
    subject = step.subjects.get(language, "").strip() or usual_subject(event.kind, language)
    body = fill(texts.get(language) or usual_text(language), values).strip()
    # A caller has nothing else.
    by_sms = person is None or (channel or step.channel) == Channel.SMS
    return Words(
        subject=one_line(fill(subject, values))[:LONGEST_SUBJECT],
        body=as_sms(body, event.call.subscriber) if by_sms else body,
        language=language,
    )


def usual_languages() -> list[str]:
    return [code[:2] for code, _name in settings.LANGUAGES]


def usual_text(language: str) -> str:
    with override(language):
        return str(_USUAL)


def usual_subject(kind: str, language: str) -> str:
    with override(language):
        return str(_SUBJECTS.get(CallEventKind(kind), _SUBJECT))


def as_sms(body: str, subscriber: Subscriber) -> str:
    """As the company sends texts: without accents where it saves them."""
    return sms.saving_accents(body) if subscriber.saves_accents else body


def values_of(event: CallEvent, *, language: str, promise_due: datetime | None = None) -> dict[str, str]:
    """What is known of a call, by parameter; each one line, without signs that nobody sees, 200 characters at most."""
    call = event.call
    zone = ZoneInfo(call.subscriber.timezone)
    contact = call.conversation.contact if call.conversation else None
    at = call.began_at.astimezone(zone)
    values = {
        "caller": number_shown(call.partner, language),
        "caller_name": contact.name if contact else "",
        "caller_company": contact.company if contact else "",
        "caller_email": next(iter(contact.whole.emails), "") if contact else "",
        "caller_note": contact.whole.note if contact else "",
        "called": phone.display(call.called or call.line.number),
        "line": call.line.label,
        "time": day_and_clock(at, language),
        "date": day(at, language),
        "clock": f"{at:%H:%M}",
        "queue": call.queue,
        "key": event.detail if event.kind == CallEventKind.KEY else "",
        "node": event.node.name if event.node else "",
        "duration": "" if call.duration is None else minutes_and_seconds(call.duration),
        "answered_by": call.agent,
        "our_company": call.subscriber.name,
        "call_back_time": "" if promise_due is None else call_back_time(promise_due.astimezone(zone), at, language),
    }
    values |= {own_value_name(name): str(value) for name, value in call.parameters.items()}
    return cleaned(values)


def cleaned(values: Mapping[str, str]) -> dict[str, str]:
    """Names and parameters come from customers and exchanges: none makes a line of its own, or goes on for ever."""
    return {name: one_line(value)[:LONGEST_VALUE].strip() for name, value in values.items()}


def number_shown(number: str, language: str) -> str:
    if number:
        return phone.display(number)
    with override(language):
        return _("withheld number")


def day_and_clock(at: datetime, language: str) -> str:
    return _written(_DAY_AND_CLOCK, at, language)


def day(at: datetime, language: str) -> str:
    return _written(_DATE, at, language)


def call_back_time(due: datetime, call_at: datetime, language: str) -> str:
    """The hour is enough on the day of the call."""
    return f"{due:%H:%M}" if due.date() == call_at.date() else day_and_clock(due, language)


def minutes_and_seconds(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _written(formats: Mapping[str, str], at: datetime, language: str) -> str:
    return formats.get(language, formats["en"]).format(at, month=_MONTHS[at.month - 1])


def _language(call: Call, person: User | None, there_are: Mapping[str, str]) -> str:
    if person is None:
        return language_of_caller(call, there_are=there_are)
    return language_of_person(person, call.subscriber, there_are=there_are)
