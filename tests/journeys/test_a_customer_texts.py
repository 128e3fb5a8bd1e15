"""The main job: an SMS arrives, every colleague sees it at once, one answers, the answer is delivered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey


def test_a_text_appears_at_both_colleagues_and_the_answer_gets_its_ticks_in_both(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti", ["Korábban írtam."], read_by=[dana, bela])
    company.thread(new_number(), "Nagy Ilona", [{"body": "Rendben, köszönöm!", "minutes_ago": 3}], read_by=[dana, bela])
    desk, phone_tab = dana.tab().is_live(), dana.tab().is_live()
    colleague = bela.tab().is_live()
    for tab in (desk, phone_tab, colleague):
        expect(tab.rows).to_have_text([re.compile("Nagy Ilona"), re.compile("Kiss Boti")])

    company.texts(boti, "Hol a csomagom?")
    for tab in (desk, phone_tab, colleague):
        expect(tab.rows.first).to_contain_text("Kiss Boti")
        expect(tab.rows.first).to_contain_text("Hol a csomagom?")
        expect(tab.rows.first.locator("[data-unread]")).to_have_text("1")
        expect(tab.page).to_have_title("(1) Chat · Fonal")
        expect(tab.page.locator("[data-favicon]")).to_have_attribute("href", re.compile("^data:image/svg"))

    desk.page.bring_to_front()
    desk.open("Kiss Boti")
    expect(desk.thread.locator("[data-fresh]")).to_have_text("1 new message")
    expect(desk.page).to_have_title("Kiss Boti · Fonal")
    # Her own tabs agree: read, but the team's clock runs on. For Béla it is still new.
    for tab in (desk, phone_tab):
        expect(tab.row("Kiss Boti").locator("[data-unread]")).to_be_empty()
        expect(tab.row("Kiss Boti").locator(".clock")).to_be_visible()
    expect(phone_tab.page).to_have_title("Chat · Fonal")
    expect(phone_tab.page.locator("[data-favicon]")).to_have_attribute("href", re.compile("mark"))
    expect(colleague.row("Kiss Boti").locator("[data-unread]")).to_have_text("1")

    colleague.open("Kiss Boti")
    desk.page.bring_to_front()
    desk.send("Ma délután ott lesz.")
    for tab in (desk, colleague):
        expect(tab.bubble("Ma délután ott lesz.")).to_have_count(1)
        expect(tab.tick("Ma délután ott lesz.")).to_have_attribute("aria-label", "Delivered")
        expect(tab.tick("Ma délután ott lesz.")).to_have_attribute("title", re.compile(r"Queued .* Sent .* Delivered "))
        expect(tab.row("Kiss Boti").locator(".clock")).to_have_count(0)
    expect(desk.row("Kiss Boti")).to_contain_text("You:")
    expect(colleague.row("Kiss Boti")).to_contain_text("Dana Kis:")
    expect(colleague.bubble("Ma délután").locator(".meta")).to_contain_text("Dana Kis")
    assert company.stage.arrived(line=company.line) == [[boti, "Ma délután ott lesz."]]


def test_the_bubble_stands_there_before_the_server_has_answered(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    tab = dana.tab().is_live().open("Kiss Boti")
    held = []
    tab.page.route("**/send/", lambda route: held.append(route))
    tab.send("Azonnal nézem.")
    expect(tab.bubble("Azonnal nézem.")).to_have_class(re.compile("pending"))
    expect(tab.bubble("Azonnal nézem.")).to_contain_text("Sending")
    expect(tab.composer).to_have_value("")
    name = tab.bubble("Azonnal nézem.").get_attribute("id")
    held[0].continue_()
    expect(tab.tick("Azonnal nézem.")).to_have_attribute("aria-label", "Delivered")
    expect(tab.bubble("Azonnal nézem.")).to_have_attribute("id", name)
    expect(tab.bubble("Azonnal nézem.")).to_have_count(1)


def test_ticks_go_from_sent_to_delivered_without_a_reload(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    tab = dana.tab().is_live().open("Kiss Boti")
    # What the tick said, one after the other.
    tab.ask(
        """() => {
            window.ticks = [];
            const look = () => {
                const label = document.querySelector("#thread .message.out .tick")?.getAttribute("aria-label");
                if (label && window.ticks.at(-1) !== label) window.ticks.push(label);
            };
            new MutationObserver(look).observe(document.getElementById("thread"), { childList: true, subtree: true });
        }"""
    )
    tab.send("Megnéztem.")
    expect(tab.tick("Megnéztem.")).to_have_attribute("aria-label", "Delivered")
    said = tab.ask("() => window.ticks")
    # Both are a clock; and on a busy machine the first report may be overtaken by the second.
    ticks = [label for label in said if label not in ("Waiting to be sent", "Being sent")]
    assert ticks in (["Sent", "Delivered"], ["Delivered"]), said


def test_a_first_text_of_an_unknown_number_makes_a_row_at_the_top(company, dana, boti):
    tab = dana.tab().is_live()
    expect(tab.page.get_by_text("No conversations yet")).to_be_visible()
    company.texts(boti, "Jó napot, árajánlatot kérnék.")
    expect(tab.rows).to_have_count(1)
    expect(tab.rows.first).to_contain_text("árajánlatot")
    expect(tab.page.get_by_text("No conversations yet")).to_have_count(0)
    tab.open("árajánlatot")
    company.texts(boti, "Holnapra.")
    expect(tab.bubble("Holnapra.")).to_be_visible()
    # She is reading it: it never counts as unread.
    expect(tab.rows.first.locator("[data-unread]")).to_be_empty()


def test_only_the_open_conversation_is_marked_in_the_list(company, dana, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana])
    company.thread(new_number(), "Nagy Ilona", read_by=[dana])
    tab = dana.tab().is_live().open("Kiss Boti").open("Nagy Ilona")
    expect(tab.row("Nagy Ilona").locator("[aria-current]")).to_be_visible()
    expect(tab.page.locator("#rows [aria-current]")).to_have_count(1)
    tab.page.go_back()
    expect(tab.row("Kiss Boti").locator("[aria-current]")).to_be_visible()
    expect(tab.page.locator("#rows [aria-current]")).to_have_count(1)
