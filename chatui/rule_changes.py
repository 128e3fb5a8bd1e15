"""What changed in a rule from one version to the next, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from chatui.rule_sentence import clauses_of
from server.calls.definition import Definition
from server.calls.parameters import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.safestring import SafeString

    from chatui.rule_names import Names
    from server.calls.models import RuleVersion


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a rule that is otherwise now; empty where there was, or is, none."""

    name: str
    before: SafeString | str
    after: SafeString | str


@dataclass(frozen=True, slots=True)
class Change:
    version: RuleVersion
    sentence: SafeString
    parts: list[Part]
    is_first: bool
    is_latest: bool


def changes_of(versions: list[RuleVersion], names: Names) -> list[Change]:
    """Each version with what it changed, the latest first; `versions` by number."""
    changes = []
    for at, version in enumerate(versions):
        before = versions[at - 1] if at else None
        parts = [] if before is None else [*_parts(before, version, names)]
        sentence = clauses_of(_said(version), names.subscriber, names).whole
        changes.append(Change(version, sentence, parts, is_first=before is None, is_latest=at == len(versions) - 1))
    return changes[::-1]


def _said(version: RuleVersion) -> Definition:
    return Definition.from_json(version.definition)


def _parts(before: RuleVersion, after: RuleVersion, names: Names) -> Iterator[Part]:
    if before.name != after.name:
        yield Part(_("Name"), before.name, after.name)
    if before.is_active != after.is_active:
        yield Part(_("Switch"), _on_or_off(before), _on_or_off(after))
    then, now = _said(before), _said(after)
    old, new = (clauses_of(each, names.subscriber, names) for each in (then, now))
    if old.when != new.when:
        yield Part(_("When"), old.when, new.when)
    if old.steps != new.steps:
        yield Part(_("Then"), _list(old.steps), _list(new.steps))
    if _texts(then) != _texts(now):
        yield Part(_("Texts"), _list(_texts(then)), _list(_texts(now)))
    if old.limits != new.limits:
        yield Part(_("And"), _list(old.limits), _list(new.limits))


def _on_or_off(version: RuleVersion) -> str:
    return _("on") if version.is_active else _("off")


def _texts(definition: Definition) -> tuple[str, ...]:
    """In full: the sentence only says how one begins."""
    written = [text for step in definition.steps for told in (step.subjects, step.texts) for text in told.values()]
    return tuple(shown(text) for text in written if text)


def _list(parts: tuple[SafeString | str, ...]) -> SafeString | str:
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((part,) for part in parts))) if parts else ""
