"""S34, S37: a missed call reaches the people it should, on their screens and in their mailboxes, and nobody else."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}}
# Numbers of Britain's plan that are nobody else's in any story.
ABROAD = "+4477009{}"


@pytest.fixture
def from_abroad(boti) -> str:
    return ABROAD.format(boti[-5:])


@pytest.fixture
def emails(company) -> dict[str, str]:
    return {username: f"{username}-{company.id}@kontakt.example" for username in company.people}


@pytest.fixture
def rules(company, dana, bela, emails) -> None:
    """Calls from Britain are the English team's, which is Dana; all others Béla's."""
    missed = {"trigger": "missed"}
    company.stage.call_rules(
        line=company.line,
        teams={"English": [dana.id], "Others": [bela.id]},
        rules=[
            missed | {"conditions": {"countries": ["GB"]}, "steps": [{"who": "teams", "teams": ["English"]}], "ends": True},
            missed | {"steps": [{"who": "teams", "teams": ["Others"]}]},
        ],
        emails={str(company.people[username].id): email for username, email in emails.items()},
    )


def notices(tab):
    return tab.page.locator("#told-tray [data-told]")


def test_a_foreign_missed_call_reaches_only_the_english_teams_screen_and_mailbox(
    company, dana, bela, rules, emails, mailbox, from_abroad, boti
):
    hers, his = dana.tab("/settings/").is_live(), bela.tab("/settings/").is_live()
    company.calls(from_abroad)
    expect(notices(hers)).to_have_count(1)
    expect(notices(hers)).to_contain_text("Missed call")
    letter = mailbox.letter_to(emails["dana"])
    assert (letter["Auto-Submitted"], letter["Subject"][:12]) == ("auto-generated", "Missed call:")
    assert "Called: " in letter.get_body(("plain",)).get_content()
    assert "<h1" in letter.get_body(("html",)).get_content()
    # His own comes later than hers would have: whatever was for him has come by then.
    company.calls(boti)
    expect(notices(his)).to_have_count(1)
    mailbox.letter_to(emails["bela"])
    assert len(mailbox.letters_to(emails["bela"])) == 1
    assert len(mailbox.letters_to(emails["dana"])) == 1
    expect(notices(hers)).to_have_count(1)
    assert violations(hers) == []


def test_a_notice_waits_for_who_was_not_there_and_goes_from_all_tabs(company, dana, rules, emails, mailbox, from_abroad):
    company.calls(from_abroad)
    mailbox.letter_to(emails["dana"])
    one, other = dana.tab("/settings/").is_live(), dana.device("/settings/", **PHONE).is_live()
    for tab in (one, other):
        expect(notices(tab)).to_have_count(1)
        assert violations(tab) == []
    other.page.get_by_role("button", name="Put this notice away").click()
    for tab in (other, one):
        expect(notices(tab)).to_have_count(0)
    one.page.reload()
    expect(notices(one)).to_have_count(0)


def test_a_notice_leads_to_the_call(company, dana, rules, from_abroad):
    tab = dana.tab("/settings/").is_live()
    company.calls(from_abroad)
    notices(tab).locator("[data-told-link]").click()
    expect(tab.page).to_have_url(re.compile(r"/conversations/\d+/#entry-"))
    expect(tab.page.locator("#thread")).to_contain_text("Missed")
    expect(notices(tab)).to_have_count(0)


def test_without_scripts_it_stands_on_the_page_and_is_put_away_by_a_form(company, dana, rules, emails, mailbox, from_abroad):
    company.calls(from_abroad)
    mailbox.letter_to(emails["dana"])
    plain = dana.device("/settings/", java_script_enabled=False)
    expect(notices(plain)).to_have_count(1)
    plain.page.get_by_role("button", name="Put this notice away").click()
    expect(plain.page).to_have_url(plain.url + "/settings/")
    expect(notices(plain)).to_have_count(0)


def test_key_one_confirms_once_however_often_it_is_pressed(company, dana, boti):
    confirms, calls_back = "Megrendelését rögzítettük.", "Visszahívjuk."
    to_caller = {"who": "caller", "channel": "sms"}
    rules = [
        {"trigger": "key", "key": key, "steps": [to_caller | {"texts": {"hu": text}}]}
        for key, text in (("1", confirms), ("2", calls_back))
    ]
    company.stage.call_rules(line=company.line, teams={}, rules=rules, emails={})
    company.thread(boti, "Kiss Boti")
    tab = dana.tab().is_live().open("Kiss Boti")
    for _time in range(3):
        company.calls(boti, "key", call="one-call", key="1")
    expect(tab.bubble(confirms)).to_be_visible()
    # Whatever a press before could still have brought has come by then.
    company.calls(boti, "key", call="one-call", key="2")
    expect(tab.bubble(calls_back)).to_be_visible()
    expect(tab.bubble(confirms)).to_have_count(1)
    assert [body for _number, body, _status in company.outgoing()] == [confirms, calls_back]
