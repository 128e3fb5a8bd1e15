"""Places to fill in: how they are written in a text, what they are called, and which there are.

    {caller}   {caller_name|Our customer}   {exchange.order}   {{ and }} for braces themselves

People read and write the names in their own language ({hívó neve}); a text is kept with the canonical ones, so that
it means the same to everybody. A value is put in once and never read again: whatever a customer is called, it is no place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from server.calls.models import CallParameter
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrPromise

    from server.accounts.models import Subscriber

MOST_CHARACTERS = 2000

# `{{`, `}}`, a place with or without what stands there if there is nothing to say, and a brace that is none of these.
_SIGN = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}|]*)(?:\|(?P<otherwise>[^{}]*))?\}|(?P<open>\{)")


class TextNotValid(ValueError):
    """The text can't be filled in; the message says why, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`names` is what people call it: by language, the canonical name where there is none. `is_ours`: not for the caller's eyes."""

    name: str
    names: Mapping[str, str]
    meaning: _StrPromise
    is_ours: bool = False

    def named(self, language: str) -> str:
        return self.names.get(language[:2], self.name)


# The names are part of people's texts: they stand here, not among the translations, which may change.
PARAMETERS = (
    Parameter("caller", {"en": "caller", "hu": "hívó"}, gettext_lazy("The caller's number")),
    Parameter("caller_name", {"en": "caller name", "hu": "hívó neve"}, gettext_lazy("The caller's name, or else the number")),
    Parameter("caller_company", {"en": "caller company", "hu": "hívó cége"}, gettext_lazy("The caller's company")),
    Parameter("caller_email", {"en": "caller e-mail", "hu": "hívó e-mail-címe"}, gettext_lazy("The caller's first e-mail address")),
    Parameter("caller_note", {"en": "caller remark", "hu": "hívó megjegyzése"}, gettext_lazy("The remark in the phone book"), True),
    Parameter("called", {"en": "called", "hu": "hívott"}, gettext_lazy("The number that was called")),
    Parameter("line", {"en": "line", "hu": "vonal"}, gettext_lazy("The line's name")),
    Parameter("time", {"en": "time", "hu": "időpont"}, gettext_lazy("Day and time of the call")),
    Parameter("date", {"en": "date", "hu": "dátum"}, gettext_lazy("The day of the call")),
    Parameter("clock", {"en": "clock", "hu": "óra"}, gettext_lazy("Hours and minutes of the call")),
    Parameter("queue", {"en": "queue", "hu": "sor"}, gettext_lazy("The queue that the call waited in")),
    Parameter("key", {"en": "key", "hu": "gomb"}, gettext_lazy("The key that was pressed")),
    Parameter("node", {"en": "node", "hu": "csomópont"}, gettext_lazy("The message node's name")),
    Parameter("duration", {"en": "duration", "hu": "időtartam"}, gettext_lazy("How long they talked")),
    Parameter("answered_by", {"en": "answered by", "hu": "fogadta"}, gettext_lazy("Who answered the call")),
    Parameter("our_company", {"en": "our company", "hu": "cégünk"}, gettext_lazy("Our company's name")),
    Parameter("call_back_time", {"en": "call-back time", "hu": "visszahívás ideje"}, gettext_lazy("By when we call back")),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
CALL_BACK_TIME = "call_back_time"
# What stands in its place when there is nothing to say, and nothing was written for that case.
_OTHERWISE = {"caller_name": "caller"}
# Before the name of what an exchange sends of its own.
_EXCHANGE = {"en": "exchange.", "hu": "központ."}
_EXCHANGES = tuple(fold(prefix) for prefix in _EXCHANGE.values())


def _key(name: str) -> str:
    """However it is spaced, accented and capitalised."""
    return re.sub(r"[\s_-]+", " ", fold(name)).strip()


_CANONICAL = {
    _key(called): parameter.name for parameter in PARAMETERS for called in (parameter.name, *parameter.names.values())
}  # fmt: skip


def canonical(name: str) -> str:
    """What a text is kept with; a name that nothing has stays as it is."""
    known = _CANONICAL.get(_key(name))
    if known is not None:
        return known
    own = own_name(name)
    return f"exchange.{own}" if own else name.strip()


def own_name(name: str) -> str:
    """Of something that the exchange sends of its own, how the exchange calls it; empty if it is none of those."""
    stripped = name.strip()
    is_own = fold(stripped).startswith(_EXCHANGES)
    return stripped.partition(".")[2].strip() if is_own else ""


def stored(text: str) -> str:
    """The text with canonical names, whichever language its names are in."""
    return _renamed(text, canonical)


def shown(text: str) -> str:
    """The text with the names of the active language."""
    return _renamed(text, shown_name)


def shown_name(name: str) -> str:
    language = (get_language() or "en")[:2]
    known = canonical(name)
    if known in BY_NAME:
        return BY_NAME[known].named(language)
    own = own_name(known)
    return f"{_EXCHANGE.get(language, _EXCHANGE['en'])}{own}" if own else known


def places_in(text: str) -> list[str]:
    """The canonical names of what is filled in, in the order they appear."""
    return [canonical(match["name"]) for match in _SIGN.finditer(text) if match["name"] is not None]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled in, once: what comes in is not read for places."""

    def put(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0][0]
        name = _value_name(match["name"])
        otherwise = match["otherwise"]
        return values.get(name) or (otherwise if otherwise is not None else values.get(_OTHERWISE.get(name, ""), ""))

    return _SIGN.sub(put, text)


def own_value_name(name: str) -> str:
    """Under which name the value of something that the exchange sends of its own is filled in."""
    return f"exchange.{fold(name.strip())}"


def check_text(text: str, *, subscriber: Subscriber, promises: bool = False, to_caller: bool = False) -> None:
    """See that every place can be filled in; `promises`: whether the rule promises to call back. Raises TextNotValid."""
    if len(text) > MOST_CHARACTERS:
        raise TextNotValid(_("At most %(count)s characters fit.") % {"count": MOST_CHARACTERS})
    if any(match["open"] for match in _SIGN.finditer(text)):
        raise TextNotValid(_("A brace is not closed. Where a brace itself is meant, write it twice: {{"))
    own = {fold(name): name for name in CallParameter.objects.filter(subscriber=subscriber).values_list("name", flat=True)}
    for name in places_in(text):
        _check_name(name, own, promises=promises)
        if to_caller and name in BY_NAME and BY_NAME[name].is_ours:
            raise TextNotValid(_("{%(name)s} is for your own people, not for the caller.") % {"name": shown_name(name)})


def _check_name(name: str, own: Mapping[str, str], *, promises: bool) -> None:
    if name == CALL_BACK_TIME and not promises:
        raise TextNotValid(_("{%(name)s} needs a promise: say above within how long you call back.") % {"name": shown_name(name)})
    if name in BY_NAME or fold(own_name(name)) in own:
        return
    near = _nearest(name, own)
    words = {"name": shown_name(name), "near": near}
    if near:
        raise TextNotValid(_("There is no {%(name)s}. Did you mean {%(near)s}?") % words)
    if own_name(name):
        raise TextNotValid(_("Your exchange has not sent %(name)s yet.") % {"name": own_name(name)})
    raise TextNotValid(_("There is no {%(name)s}. Choose one from the list.") % words)


def _nearest(name: str, own: Mapping[str, str]) -> str:
    """The name that was probably meant, as the reader calls it."""
    own_keys = {folded: f"exchange.{mine}" for folded, mine in own.items()}
    meant = own_name(name)
    # "{order}" may mean "{exchange.order}"; never the other way round.
    known = own_keys if meant else {**own_keys, **_CANONICAL}
    found = get_close_matches(fold(meant) if meant else _key(name), known, n=1, cutoff=0.6)
    return shown_name(known[found[0]]) if found else ""


def _value_name(name: str) -> str:
    known = canonical(name)
    own = own_name(known)
    return own_value_name(own) if own else known


def _renamed(text: str, rename: Callable[[str], str]) -> str:
    def name_anew(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0]
        otherwise = "" if match["otherwise"] is None else f"|{match['otherwise']}"
        return f"{{{rename(match['name'])}{otherwise}}}"

    return _SIGN.sub(name_anew, text)
