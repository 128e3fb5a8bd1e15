"""The network comes and goes: nothing is lost, the page says what is the matter, and writing goes on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def tab(company, dana, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana])
    dana.may_hear("ERR_INTERNET_DISCONNECTED", "WebSocket connection")
    return dana.tab().is_live().open("Kiss Boti")


def test_a_dropped_socket_comes_back_by_itself_without_a_word(company, tab, boti):
    tab.ask("() => window.fonal.drop()")
    company.texts(boti, "Közben írtam")
    expect(tab.bubble("Közben írtam")).to_be_visible()
    expect(tab.bar).to_be_hidden()


def test_offline_is_said_and_what_was_missed_is_loaded(company, tab, boti):
    network = tab.page.context
    tab.ask("() => window.fonal.drop()")
    network.set_offline(True)
    expect(tab.bar).to_have_text(re.compile(r"^Reconnecting… \(last update \d\d?:\d\d:\d\d\)$"))
    company.texts(boti, "Első kimaradt")
    company.texts(boti, "Második kimaradt")
    network.set_offline(False)
    expect(tab.bar).to_have_text(re.compile("missed messages loaded"))
    expect(tab.bubbles).to_have_text([re.compile("Szia!"), re.compile("Első kimaradt"), re.compile("Második kimaradt")])
    expect(tab.rows.first).to_contain_text("Második kimaradt")
    expect(tab.bar).to_be_hidden()


def test_writing_goes_on_by_http_while_the_socket_is_away(company, dana, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana])
    dana.may_hear("WebSocket connection")
    tab = dana.tab().is_live().open("Kiss Boti")
    tab.page.route_web_socket("**/ws/", lambda socket: socket.close())
    # Routes hold for pages that come later.
    tab.page.reload()
    tab.send("Kapcsolat nélkül is")
    expect(tab.bubble("Kapcsolat nélkül is").locator(".tick")).to_be_visible()
    expect(tab.tick("Kapcsolat nélkül is")).to_have_attribute("aria-label", "Delivered")
    assert len(company.outgoing()) == 1


def test_where_no_socket_can_be_had_the_page_asks_and_says_so(company, dana, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana])
    dana.may_hear("WebSocket connection")
    tab = dana.device(service_workers="block")
    tab.page.route_web_socket("**/ws/", lambda socket: socket.close())
    tab.page.reload()
    expect(tab.bar).to_have_text("Live updates can't be had here: asking every few seconds")
    tab.open("Kiss Boti")
    company.texts(boti, "Így is megjön")
    expect(tab.bubble("Így is megjön")).to_be_visible()
    expect(tab.rows.first).to_contain_text("Így is megjön")


def test_a_text_written_offline_goes_out_once_when_the_network_is_back(company, tab, boti):
    network = tab.page.context
    network.set_offline(True)
    tab.send("Az alagútban írtam")
    expect(tab.bubble("Az alagútban írtam")).to_have_class(re.compile("pending"))
    expect(tab.page.locator("#toasts")).to_contain_text("Your text is kept; we try again.")
    network.set_offline(False)
    expect(tab.tick("Az alagútban írtam")).to_have_attribute("aria-label", "Delivered")
    expect(tab.bubble("Az alagútban írtam")).to_have_count(1)
    assert [text for _, text, _ in company.outgoing()] == ["Az alagútban írtam"]


def test_a_thread_that_can_not_be_fetched_leaves_the_screen_as_it_was(company, dana, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana])
    dana.may_hear("status of 500", "ERR_INTERNET_DISCONNECTED", "WebSocket connection", "htmx:error")
    tab = dana.tab().is_live()
    broken = [500]
    tab.page.route("**/conversations/*/", lambda route: route.fulfill(status=broken.pop()) if broken else route.continue_())
    tab.row("Kiss Boti").locator("a.row").click()
    toast = tab.page.locator("#toasts .toast")
    expect(toast).to_contain_text("Nothing was lost; please try again.")
    expect(tab.page.get_by_text("Choose a conversation")).to_be_visible()
    tab.page.context.set_offline(True)
    tab.row("Kiss Boti").locator("a.row").click()
    expect(toast).to_have_count(2)
    tab.page.context.set_offline(False)
    tab.open("Kiss Boti")
    expect(tab.composer).to_be_visible()


def test_logging_out_in_one_tab_ends_the_other(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    first, second = dana.tab().is_live(), dana.tab("/settings/")
    second.page.get_by_role("button", name="Log out", exact=True).click()
    expect(second.page.get_by_label("Password")).to_be_visible()
    expect(first.page).to_have_url(re.compile("/login/"))
