"""STOP and START: words that a customer texts to silence a line, or to hear it again."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING

from server.contacts.models import OptOut

if TYPE_CHECKING:
    from datetime import datetime

    from server.lines.models import Line

# Twilio's English defaults, and what Hungarians write; accents, case and punctuation do not matter.
STOP_WORDS = frozenset(
    """STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT|LEIRATKOZAS|LEIRATKOZOM|LEIRATKOZNEK|LEMOND|LEMONDOM|LETILT
    |LETILTAS|TILTAS|NE KULDJ|NE KULDJETEK|NEM KEREM|TORLES|KIIRATKOZAS""".replace("\n    ", "").split("|")
)
START_WORDS = frozenset(["START", "UNSTOP", "FELIRATKOZAS"])


class Wish(StrEnum):
    STOP = "stop"
    START = "start"


def wish_of(body: str) -> Wish | None:
    """What a whole message asks for, if it is nothing but one of the words: "STOP!" yes, "stop by tomorrow" no."""
    decomposed = unicodedata.normalize("NFKD", body)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c)).upper()
    said = re.sub(r"[\W_]+", " ", letters).strip()
    if said in STOP_WORDS:
        return Wish.STOP
    return Wish.START if said in START_WORDS else None


def opt_out(*, line: Line, number: str, source: str, at: datetime, words: str = "") -> bool:
    """Record that a number asked the line to stop; False when it already had, or has taken it back since `at`."""
    if OptOut.objects.filter(line=line, number=number, ended_at__gt=at).exists():
        return False
    _, is_new = OptOut.objects.get_or_create(
        line=line, number=number, ended_at=None, defaults={"source": source, "words": words[:200], "opted_out_at": at}
    )
    return is_new


def opt_in(*, line: Line, number: str, at: datetime) -> bool:
    """End a number's opt-out; False when there was none, or only one of later than `at`."""
    return bool(OptOut.objects.filter(line=line, number=number, ended_at=None, opted_out_at__lte=at).update(ended_at=at))


def opt_out_in_force(*, line: Line, number: str) -> OptOut | None:
    return OptOut.objects.filter(line=line, number=number, ended_at=None).first()
