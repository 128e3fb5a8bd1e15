"""The rule editor's fields, each with its error beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from chatui.rule_steps import language_name
from server.calls.parameters import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatui.rule_sheet import RuleSheet
    from chatui.rule_steps import Option
    from chatui.spans import Span

register = template.Library()

register.filter("places_shown", shown)
register.filter("language_name", language_name)


@register.filter
def at(errors: Mapping[str, str], name: str) -> str:
    return errors.get(name, "")


@register.simple_tag
def problem(errors: Mapping[str, str], name: str):
    return format_html('<span class="problem">{}</span>', errors[name]) if name in errors else ""


@register.simple_tag
def problem_of(errors: Mapping[str, str], name: str):
    """The field's own marks when something is wrong with it."""
    return mark_safe(' aria-invalid="true"') if name in errors else ""


@register.simple_tag
def wish(sheet: RuleSheet, name: str, label: str):
    """A condition that can be wished for; what belongs to it is shown with it (css/call-logic.css)."""
    checked = mark_safe(" checked") if name in sheet.ifs else ""
    return format_html('<label class="pill wish"><input type="checkbox" name="if" value="{}"{}>{}</label>', name, checked, label)


@register.simple_tag
def choice(name: str, option: Option):
    return format_html(
        '<label class="check{}"><input type="checkbox" name="{}" value="{}"{}> {}</label>',
        " gone" if option.is_gone else "",
        name,
        option.value,
        mark_safe(" checked") if option.is_chosen else "",
        option.name,
    )


@register.simple_tag
def yes_or_no(name: str, value: str, label: str, yes: str, no: str):
    return format_html(
        '<div class="pills small" role="radiogroup" aria-label="{}">{}</div>',
        label,
        format_html_join(
            "",
            '<label class="pill"><input type="radio" name="{}" value="{}"{}>{}</label>',
            ((name, way, mark_safe(" checked") if way == value else "", words) for way, words in (("yes", yes), ("no", no))),
        ),
    )


@register.simple_tag
def span_field(name: str, span: Span, label: str, errors: Mapping[str, str], error: str = ""):
    """A number and its unit under one label."""
    wrong = errors.get(error or name, "")
    return format_html(
        '<div class="field span-field" role="group" aria-label="{label}"><label for="{name}">{label}</label><div>'
        '<input id="{name}" name="{name}" value="{amount}" inputmode="numeric" autocomplete="off" maxlength="5"{invalid}>'
        '<select name="{name}-unit" aria-label="{label}">{units}</select></div>{problem}</div>',
        label=label,
        name=name,
        amount=span.amount,
        invalid=mark_safe(' aria-invalid="true"') if wrong else "",
        units=_units(span),
        problem=problem({"": wrong}, "") if wrong else "",
    )


def _units(span: Span) -> SafeString:
    chosen = ((size, mark_safe(" selected") if is_chosen else "", name) for size, name, is_chosen in span.units)
    return format_html_join("", '<option value="{}"{}>{}</option>', chosen)
