"""S8–S18 and S45–S49: "New message", from Chat and from Messages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey


def write(tab, to: str, body: str) -> None:
    dialog = tab.new_message()
    with tab.page.expect_response("**/lookup/**"):
        dialog.get_by_label("Recipient", exact=True).fill(to)
    dialog.get_by_role("textbox", name="Message").fill(body)
    dialog.get_by_role("button", name="Send").click()


def test_every_usual_format_reaches_the_same_number(company, dana, boti):
    tab = dana.tab().is_live()
    rest = boti.removeprefix("+36")
    formats = [boti[1:], boti, f"00{boti[1:]}", f"06{rest}", f"06 {rest[:2]} {rest[2:5]} {rest[5:]}"]
    for n, written in enumerate(formats):
        write(tab, written, f"Próba {n}")
        expect(tab.bubble(f"Próba {n}")).to_be_visible()
        expect(tab.rows).to_have_count(1)
        # A link clicked before the scripts are there opens a page instead of the dialog.
        tab.is_live()
    assert [[number, text] for number, text, _ in company.outgoing()] == [[boti, f"Próba {n}"] for n in range(len(formats))]


def test_a_name_is_looked_up_while_it_is_typed(company, dana, boti):
    company.stage.contact(line=company.line, number=boti, name="Kiss Ilona")
    company.stage.contact(line=company.line, number=new_number(), name="Nagy Péter")
    tab = dana.tab().is_live()
    dialog = tab.new_message()
    field = dialog.get_by_label("Recipient", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("placeholder", "3630xxxxxxx")
    field.press_sequentially("ilon")
    options = dialog.get_by_role("option")
    expect(options).to_have_count(1)
    expect(options).to_contain_text("Kiss Ilona")
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value(boti)
    expect(dialog).to_contain_text("Kiss Ilona")
    expect(dialog.get_by_role("textbox", name="Message")).to_be_focused()
    tab.page.keyboard.type("Megjött a csomag.")
    tab.page.keyboard.press("Control+Enter")
    expect(tab.bubble("Megjött a csomag.")).to_be_visible()
    expect(tab.row("Kiss Ilona")).to_be_visible()


def test_a_number_that_nobody_has_written_to_can_be_chosen(dana):
    tab = dana.tab().is_live()
    dialog = tab.new_message()
    dialog.get_by_label("Recipient", exact=True).press_sequentially("06 30 123 4567")
    option = dialog.get_by_role("option", name="Send to +36 30 123 4567")
    expect(option).to_be_visible()
    option.click()
    expect(dialog.get_by_label("Recipient", exact=True)).to_have_value("+36301234567")


def test_a_colleague_can_be_chatted_with_like_anybody(found_company):
    own = new_number()
    company = found_company()
    # Béla has a telephone of his own.
    company.stage.own_phone(user=company.people["bela"].id, number=own)
    tab = company.people["dana"].tab().is_live()
    dialog = tab.new_message()
    dialog.get_by_label("Recipient", exact=True).press_sequentially("béla")
    option = dialog.get_by_role("option", name="Béla Nagy")
    expect(option).to_contain_text("colleague")
    option.click()
    dialog.get_by_role("textbox", name="Message").fill("Mikor jössz?")
    dialog.get_by_role("button", name="Send").click()
    expect(tab.tick("Mikor jössz?")).to_have_attribute("aria-label", "Delivered")
    assert company.stage.arrived(line=company.line) == [[own, "Mikor jössz?"]]


def test_a_bad_number_is_refused_with_a_reason_that_helps(company, dana):
    tab = dana.tab().is_live()
    write(tab, "12345", "Ez a szöveg megmarad")
    field = tab.dialog.get_by_label("Recipient", exact=True)
    for bad, next_one in (("12345", "3630"), ("3630", "Senki Sem"), ("Senki Sem", "36301234567890123")):
        expect(tab.dialog.get_by_role("alert")).to_contain_text("Write it like 36301234567")
        expect(field).to_have_value(bad)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(tab.dialog.get_by_role("textbox", name="Message")).to_have_value("Ez a szöveg megmarad")
        field.fill(next_one)
        with tab.page.expect_response("**/messages/new/"):
            tab.dialog.get_by_role("button", name="Send").click()
    expect(tab.dialog.get_by_role("alert")).to_contain_text("Write it like 36301234567")
    assert company.outgoing() == []


def test_discard_asks_only_when_there_is_text(company, dana):
    tab = dana.tab().is_live()
    asked = []
    tab.new_message().get_by_text("Discard SMS").click()
    expect(tab.dialog).to_be_hidden()

    def answer(question, yes: bool) -> None:
        asked.append(question.message)
        question.accept() if yes else question.dismiss()

    tab.new_message().get_by_role("textbox", name="Message").fill("Elkezdtem")
    tab.page.once("dialog", lambda question: answer(question, yes=False))
    tab.page.keyboard.press("Escape")
    expect(tab.dialog.get_by_role("textbox", name="Message")).to_have_value("Elkezdtem")
    tab.page.once("dialog", lambda question: answer(question, yes=True))
    tab.dialog.get_by_text("Discard SMS").click()
    expect(tab.dialog).to_be_hidden()
    assert asked == ["Discard this text?"] * 2
    assert company.outgoing() == []


def test_the_line_is_asked_for_only_where_there_are_several(found_company, boti):
    one, several = found_company(), found_company(lines=2)
    expect(one.people["dana"].tab().is_live().new_message().get_by_label("From")).to_have_count(0)
    tab = several.people["dana"].tab().is_live()
    dialog = tab.new_message()
    dialog.get_by_label("Recipient", exact=True).fill(boti)
    dialog.get_by_label("From").select_option(str(several.lines[1]["id"]))
    dialog.get_by_role("textbox", name="Message").fill("Az értékesítéstől")
    dialog.get_by_role("button", name="Send").click()
    expect(tab.page.locator("#head")).to_contain_text("Sales")
    expect(tab.tick("Az értékesítéstől")).to_have_attribute("aria-label", "Delivered")
    assert several.stage.arrived(line=several.lines[1]["id"]) == [[boti, "Az értékesítéstől"]]


def test_who_asked_for_no_more_messages_is_marked_before_anything_is_typed(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    company.texts(boti, "STOP")
    tab = dana.tab().is_live()
    dialog = tab.new_message()
    dialog.get_by_label("Recipient", exact=True).press_sequentially("Boti")
    expect(dialog.get_by_role("option")).to_contain_text("asked for no more messages")
    dialog.get_by_role("option").click()
    expect(dialog).to_contain_text("asked for no more messages")
    dialog.get_by_role("textbox", name="Message").fill("Mégis írnék")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_role("alert")).to_contain_text("asked this line for no more messages. Your text is saved.")
    expect(dialog.get_by_role("textbox", name="Message")).to_have_value("Mégis írnék")
    assert company.outgoing() == []


def test_what_is_sent_in_messages_shows_in_chat_and_in_messages(company, dana, boti):
    company.stage.contact(line=company.line, number=boti, name="Kiss Boti")
    chat, messages = dana.tab().is_live(), dana.tab("/messages/").is_live()
    dialog = messages.new_message()
    dialog.get_by_label("Recipient", exact=True).fill(boti)
    dialog.get_by_role("textbox", name="Message").fill("Az Üzenetekből")
    dialog.get_by_role("button", name="Send").click()
    expect(chat.row("Kiss Boti")).to_contain_text("Az Üzenetekből")
    expect(messages.page.get_by_text("Az Üzenetekből").first).to_be_visible()
    messages.page.goto(messages.url + "/messages/")
    row = messages.page.get_by_role("row").filter(has_text="Az Üzenetekből")
    expect(row).to_contain_text("Outgoing")
    expect(row).to_contain_text("Dana Kis")
    chat.open("Kiss Boti").send("A Csevegésből")
    expect(chat.tick("A Csevegésből")).to_have_attribute("aria-label", "Delivered")
    company.texts(boti, "Megkaptam mindkettőt")
    messages.page.reload()
    expect(messages.page.get_by_role("row").nth(1)).to_contain_text("Megkaptam mindkettőt")
    expect(messages.page.get_by_role("row").nth(1)).to_contain_text("Incoming")
    expect(messages.page.get_by_role("row").nth(2)).to_contain_text("A Csevegésből")
    messages.page.get_by_role("row").nth(2).get_by_role("link").click()
    expect(messages.bubble("A Csevegésből")).to_have_class(re.compile("target"))
