"""The page where a company's administrators find what their telephone exchange needs."""

from __future__ import annotations

import pytest

from server.accounts.models import AuditEntry
from server.calls.definition import Step, Who
from server.calls.models import CallParameter
from server.lines.models import Line
from tests.chatui.calls_told import a_rule
from tests.conftest import NOW
from tests.doors import Browser
from tests.gateway.exchange import Exchange

PAGE = "/call-logic/exchange/"


def test_an_administrator_finds_each_line_s_address_but_not_its_secret(ada, line, sales_line, rival_line, settings):
    settings.PUBLIC_URL = "https://sms.example.hu"
    page = Browser(ada).get(PAGE).text
    for ours in (line, sales_line):
        assert f"https://sms.example.hu/gateway/pbx/{ours.key}/calls/" in page
        assert (f"…{ours.pbx_secret[-4:]}" in page, ours.pbx_secret in page) == (True, False)
    assert str(rival_line.key) not in page


def test_a_new_secret_is_shown_once_and_the_old_one_opens_nothing_any_more(ada, line, sales_line):
    browser, before, other = Browser(ada), Exchange(line), sales_line.pbx_secret
    assert "stops at once" in browser.get(f"{PAGE}{line.pk}/secret/").text
    assert before.tell().status_code == 200
    made = browser.post(f"{PAGE}{line.pk}/secret/")
    new = Line.objects.get(pk=line.pk)
    assert new.pbx_secret in made.text
    assert "no-store" in made["Cache-Control"]
    assert new.pbx_secret not in browser.get(PAGE).text
    assert (before.tell(id="c2").status_code, Exchange(new).tell(id="c2").status_code) == (403, 200)
    assert Line.objects.get(pk=sales_line.pk).pbx_secret == other
    entry = AuditEntry.objects.get(action="line.pbx_secret_renewed")
    assert (entry.actor, entry.target) == (ada, str(line))
    assert new.pbx_secret not in repr(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("who", ["dana", "sam", "aron"])
def test_nobody_else_of_the_company_sees_it_or_makes_one(who, request, line):
    browser, secret = Browser(request.getfixturevalue(who)), line.pbx_secret
    assert browser.get(PAGE).status_code == 403
    assert browser.post(f"{PAGE}{line.pk}/secret/").status_code == 403
    assert Line.objects.get(pk=line.pk).pbx_secret == secret


def test_what_the_exchange_has_sent_by_mistake_is_forgotten_unless_a_rule_says_it(ada, sam, kontakt, rival, line):
    for owner, name in ((kontakt, "order"), (kontakt, "typo"), (rival, "theirs")):
        CallParameter.objects.create(subscriber=owner, name=name, seen_at=NOW)
    a_rule(kontakt, "Confirm", steps=(Step(who=Who.CALLER, texts={"hu": "{exchange.Order} kész"}),))
    browser, address = Browser(ada), f"{PAGE}parameters/forget/"
    page = browser.get(PAGE).text
    assert ("{exchange.order}" in page, "Confirm" in page, 'value="order"' in page, 'value="typo"' in page) == (
        True,
        True,
        False,
        True,
    )
    assert "theirs" not in page
    for name in ("order", "typo", "theirs", "typo"):
        assert browser.post(address, {"name": name})["Location"] == f"{PAGE}#parameters"
    assert set(CallParameter.objects.values_list("name", flat=True)) == {"order", "theirs"}
    assert [entry.target for entry in AuditEntry.objects.filter(action="call_parameter.forgotten")] == ["typo"]
    assert Browser(sam).post(address, {"name": "order"}).status_code == 403


def test_a_line_of_another_company_is_none(ada, rival_line):
    secret = rival_line.pbx_secret
    assert Browser(ada).post(f"{PAGE}{rival_line.pk}/secret/").status_code == 404
    assert Line.objects.get(pk=rival_line.pk).pbx_secret == secret
