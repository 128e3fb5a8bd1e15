"""Boti calls in vain and is promised to be called back; nobody does, until somebody answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


@pytest.fixture
def rule(company, boti) -> None:
    """Whoever is not reached is told by SMS when we call back."""
    step = {"who": "caller", "channel": "sms", "texts": {"en": "We call you back by {call_back_time}."}}
    company.stage.call_rules(
        line=company.line, teams={}, rules=[{"trigger": "missed", "steps": [step], "promises_within": 60}], emails={}
    )


def test_who_was_promised_a_call_stands_first_once_it_is_overdue_until_somebody_answers(company, dana, bela, boti, rule):
    company.stage.promote(user=bela.id)
    company.thread(another(boti), "Somebody else", [{"body": "Szia!", "minutes_ago": 2}])
    hers, his = dana.device("/", color_scheme="dark").is_live(), bela.tab("/settings/").is_live()

    company.calls(boti)
    row = hers.row("We call you back by")
    expect(row.locator(".promised")).to_be_visible()
    expect(row.locator(".promised.overdue")).to_have_count(0)
    company.texts(another(boti), "Are you there?")
    expect(hers.rows.first).to_contain_text("Are you there?")

    company.stage.promise_was_due(line=company.line, number=boti, minutes_ago=5)

    expect(hers.rows.first.locator(".promised.overdue")).to_be_visible()
    expect(his.page.locator("#told-tray [data-told]")).to_contain_text("Call-back overdue")
    assert violations(hers) == []
    # Also for who comes now, and in another view and order.
    fresh = dana.tab()
    for query in ("?sort=waiting", "?view=waiting"):
        fresh.page.goto(f"{fresh.url}/{query}")
        expect(fresh.rows.first.locator(".promised.overdue")).to_be_visible()
    # News of others stay below.
    company.texts(another(boti), "Hello?")
    expect(hers.row("Hello?")).to_be_visible()
    expect(hers.rows.first.locator(".promised.overdue")).to_be_visible()

    hers.page.locator("#rows > li[data-id] a.row").first.click()
    promise = hers.thread.locator(".event.promise")
    expect(promise).to_contain_text("overdue")
    hers.send("Miben segíthetünk?")

    expect(promise).to_contain_text("kept late")
    expect(promise).to_contain_text("Dana Kis")
    expect(hers.page.locator(".promised")).to_have_count(0)
    assert violations(hers) == []
    # Whom the text does not reach was promised nothing: it leaves the thread before their eyes.
    company.stage.phone(number=another(boti), is_on=False)
    hers.open("Somebody else")
    company.calls(another(boti))
    expect(hers.thread).to_contain_text("Not delivered")
    expect(promise).to_have_count(0)
    figures = bela.tab("/call-logic/figures/")
    expect(figures.page.locator(".tiles > div").nth(3)).to_contain_text("1 kept late")
    assert violations(figures) == []


def another(boti: str) -> str:
    """Somebody else's phone."""
    return f"+3620{boti[-7:]}"
