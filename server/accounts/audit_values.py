"""What stands in the details of the audit log, value by value, in people's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.models import CallNotice, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

_RIGHTS = {"none": gettext_lazy("no access"), "reads": gettext_lazy("reads"), "sends": gettext_lazy("reads and sends")}
# By what they are the values of; whatever has no word here is said as it was written down.
_VALUES: dict[str, Mapping[str, _StrPromise | str]] = {
    "role": {role.value: role.label for role in Role},
    "hears_of_calls_by": {way.value: way.label for way in CallNotice},
    # Of a log-in: which of them was wrong.
    "step": {"password": gettext_lazy("the password"), "code": gettext_lazy("the code of the second step")},
    "second_step": {"app": gettext_lazy("a code of the app"), "recovery_code": gettext_lazy("a recovery code")},
    "asked_how": {
        "letter": gettext_lazy("By letter"),
        "email": gettext_lazy("By e-mail"),
        "sms": gettext_lazy("By SMS"),
        "phone": gettext_lazy("On the phone"),
        "in_person": gettext_lazy("In person"),
        "ourselves": gettext_lazy("Nobody asked: the company decided it"),
    },
    "how": {
        "settings": gettext_lazy("in their settings"),
        "letter": gettext_lazy("by the link in a letter"),
        "ended": gettext_lazy("ended"),
        "expired": gettext_lazy("its time was over"),
        "revoked": gettext_lazy("the right to it was taken away"),
        "logged out": gettext_lazy("logged out"),
    },
    "people": _RIGHTS,
    # Of the operator's support: what leaves no entry of its own when the company's people do it.
    "did": {
        "send": gettext_lazy("sent a message"),
        "new_message": gettext_lazy("sent a message"),
        "retry": gettext_lazy("sent a message again"),
        "discard": gettext_lazy("discarded a message that was not sent"),
        "note": gettext_lazy("wrote a note"),
        "assign": gettext_lazy("gave a conversation to somebody"),
        "done": gettext_lazy("closed a conversation"),
        "reopen": gettext_lazy("reopened a conversation"),
        "unread": gettext_lazy("marked a conversation as unread"),
        "contact": gettext_lazy("changed an entry of the phone book"),
        "contact_new": gettext_lazy("made an entry of the phone book"),
        "promise_done": gettext_lazy("settled a promise to call back"),
        "call_called_back": gettext_lazy("said that a caller was called back"),
    },
    "language": {"hu": gettext_lazy("Hungarian"), "en": gettext_lazy("English")},
    "changed": {
        "new": gettext_lazy("new"),
        "sms on": gettext_lazy("SMS on"),
        "sms off": gettext_lazy("SMS off"),
        "chat on": gettext_lazy("Chat on"),
        "chat off": gettext_lazy("Chat off"),
    },
}
# What else was done is said by its address.
DEEDS = frozenset(_VALUES["did"])


def said(key: str, value: Any, names: Mapping[str, _StrPromise]) -> str:
    """A value of the details; `names` are the words for the names of fields."""
    if isinstance(value, dict):
        return ", ".join(_pair(key, name, one, names) for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_one(key, one, names) for one in value)
    return _one(key, value, names)


def _pair(key: str, name: str, value: Any, names: Mapping[str, _StrPromise]) -> str:
    # What was changed says of each field what it was and is: those are values of the field.
    inner = name if name in _VALUES or name not in {"old", "new"} else key
    return f"{names.get(name, name)} {said(key if key == 'people' else inner, value, names)}"


def _one(key: str, value: Any, names: Mapping[str, _StrPromise]) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (dict, list, tuple)):
        return said(key, value, names)
    text = str(value)
    if key in _VALUES and text in _VALUES[key]:
        return str(_VALUES[key][text])
    # Which fields were changed, by name.
    return str(names.get(text, text)) if key in {"changed", "filter"} else text
