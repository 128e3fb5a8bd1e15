"""How long a text gets: with the longest that the company's own calls have put into each of its places."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from server import phone, sms
from server.calls.models import Call, CallEvent, CallEventKind, CallParameter, MessageNode
from server.calls.parameters import own_value_name
from server.calls.texts import (
    Words,
    as_sms,
    cleaned,
    day,
    day_and_clock,
    fill,
    minutes_and_seconds,
    number_shown,
    usual_languages,
    usual_text,
)
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from server.accounts.models import Subscriber
    from server.calls.definition import Step

# The latest calls are like the next.
LOOKED_AT = 2000
# E-mail addresses and remark stand with the first number of an entry.
_OF_ENTRIES = ("name", "company", "emails", "note", "main__emails", "main__note")
_OF_CALLS = ("partner", "called", "queue", "agent", "duration", *(f"conversation__contact__{name}" for name in _OF_ENTRIES))


def longest_words(*, step: Step, subscriber: Subscriber, now: datetime) -> Words:
    """A step's text as an SMS in the language in which it costs most, each place filled in with its longest real value."""
    texts = {language: text for language, text in step.texts.items() if text.strip()}
    texts = texts or {language: usual_text(language) for language in usual_languages()}
    filled = [_filled(text, language, subscriber, now) for language, text in texts.items()]
    return max(filled, key=lambda words: (words.segments, sms.count_segments(words.body).units))


def longest_values(subscriber: Subscriber, *, language: str, now: datetime) -> dict[str, str]:
    """By parameter; where no call has had any, there is nothing, or a line of the company's own."""
    rows = Call.objects.filter(subscriber=subscriber).order_by("-began_at", "-pk").values_list(*_OF_CALLS)[:LOOKED_AT]
    (partners, called, queues, agents, durations, names, companies, *of_entries) = (
        zip(*rows, strict=True) if rows else [()] * len(_OF_CALLS)
    )
    emails, notes, of_mains, notes_of_mains = of_entries
    lines = list(Line.objects.filter(subscriber=subscriber).values_list("number", "label"))
    own_numbers = [phone.display(number) for number, _label in lines]
    at = now.astimezone(ZoneInfo(subscriber.timezone))
    keys = CallEvent.objects.filter(call__subscriber=subscriber, kind=CallEventKind.KEY).order_by("-pk").values_list("detail")
    nodes = MessageNode.objects.filter(subscriber=subscriber, deleted_at=None).values_list("name")
    values = {
        "caller": _longest([number_shown(partner, language) for partner in sorted({*partners})] or own_numbers),
        "caller_name": _longest(names),
        "caller_company": _longest(companies),
        "caller_email": _longest(addresses[0] for addresses in (*emails, *of_mains) if addresses),
        "caller_note": _longest((*notes, *notes_of_mains)),
        "called": _longest([*(phone.display(number) for number in sorted({*called})), *own_numbers]),
        "line": _longest(label for _number, label in lines),
        "time": day_and_clock(at, language),
        "date": day(at, language),
        "clock": f"{at:%H:%M}",
        "queue": _longest(queues),
        "key": _longest(key for (key,) in keys[:LOOKED_AT]),
        "node": _longest(name for (name,) in nodes),
        "duration": minutes_and_seconds(max((seconds for seconds in durations if seconds), default=0)),
        "answered_by": _longest(agents),
        "our_company": subscriber.name,
        "call_back_time": day_and_clock(at, language),
    }
    sent = CallParameter.objects.filter(subscriber=subscriber).values_list("name", "longest")
    return cleaned(values | {own_value_name(name): value for name, value in sent})


def _filled(text: str, language: str, subscriber: Subscriber, now: datetime) -> Words:
    values: Mapping[str, str] = longest_values(subscriber, language=language, now=now)
    # Nobody's name may be longer than their number.
    longest = {**values, "caller_name": max(values["caller_name"], values["caller"], key=len)}
    return Words(subject="", body=as_sms(fill(text, longest).strip(), subscriber), language=language)


def _longest(values: Iterable[str | None]) -> str:
    return max((value for value in values if value), key=len, default="")
