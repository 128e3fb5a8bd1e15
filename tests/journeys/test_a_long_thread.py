"""Long threads and long lists: pages come as one scrolls, nothing jumps, nothing comes twice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

LENGTH = 400
# Nothing moves by more than a rounding when older messages come in above.
STILL = 3


@pytest.fixture
def long(company, dana, boti):
    """400 messages over a month, in groups of four a few minutes apart: their uuids, oldest first."""

    def minutes_ago(n: int) -> int:
        group, within = divmod(LENGTH - 1 - n, 4)
        return group * 430 + within * 2 + 5

    said = [
        {"body": f"Üzenet {n:03}.", "minutes_ago": minutes_ago(n), **({"by": dana.id} if n // 4 % 2 else {})} for n in range(LENGTH)
    ]
    return company.thread(boti, "Kiss Boti", said, read_by=[dana])


def topmost(tab) -> dict:
    """The first message in sight and where it is."""
    return tab.ask(
        """() => {
            const top = document.getElementById("thread").getBoundingClientRect().top;
            const seen = [...document.querySelectorAll("#thread .message")].find((one) => one.getBoundingClientRect().top > top + 40);
            return { id: seen.id, top: seen.getBoundingClientRect().top };
        }"""
    )


def place_of(tab, name: str) -> float:
    return tab.ask("(id) => document.getElementById(id).getBoundingClientRect().top", name)


def load_older(tab) -> None:
    """Scroll to the top, and see the page above come without a jump."""
    first = tab.bubbles.first.get_attribute("id")
    tab.ask("() => document.getElementById('thread').scrollTo({ top: 60 })")
    tab.until("(first) => document.querySelector('#thread .message').id !== first", first)


def test_scrolling_up_loads_pages_without_a_jump_and_keeps_the_page_small(long, dana):
    tab = dana.tab(f"/conversations/{long['id']}/").is_live()
    expect(tab.bubbles).to_have_count(40)
    expect(tab.bubble("Üzenet 399.")).to_be_in_viewport()
    tab.ask("() => document.getElementById('thread').scrollTo({ top: 300 })")
    before = topmost(tab)
    at = before["top"]
    tab.until("() => document.querySelectorAll('#thread .message').length >= 80")
    assert abs(place_of(tab, before["id"]) - at) <= STILL
    for _ in range(9):
        if tab.ask("() => !document.querySelector('[data-edge=older]')"):
            break
        load_older(tab)
        assert tab.ask("() => document.querySelectorAll('#thread :is(.message, .note, .event)').length") <= 300
    expect(tab.bubble("Üzenet 000.")).to_have_count(1)
    # Each once, in order, though the newest left the page.
    numbers = [int(re.search(r"\d{3}", text)[0]) for text in tab.bubbles.locator(".bubble").all_inner_texts()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) <= 300
    tab.page.get_by_role("button", name="To the latest").click()
    expect(tab.bubble("Üzenet 399.")).to_be_in_viewport()


def test_day_lines_and_groups_are_right_after_paging(long, dana):
    tab = dana.tab(f"/conversations/{long['id']}/").is_live()
    load_older(tab)
    load_older(tab)
    days = tab.ask("() => [...document.querySelectorAll('#thread .day')].map((line) => line.dataset.day)")
    assert days == sorted(set(days)), days
    wrong = tab.ask(
        """() => [...document.querySelectorAll("#thread .message")].slice(1).filter((one) => {
            const before = one.previousElementSibling;
            if (!before.matches(".message")) return one.matches(".more");
            const near = one.dataset.at - before.dataset.at < 300000 && one.dataset.by === before.dataset.by;
            return near !== one.matches(".more");
        }).map((one) => one.textContent)"""
    )
    assert wrong == []
    shown = tab.ask("() => [...document.querySelectorAll('#thread .message')].map((one) => Number(one.dataset.at))")
    assert shown == sorted(shown)


def test_who_reads_further_up_is_not_moved_but_told(company, long, dana, boti):
    tab = dana.tab(f"/conversations/{long['id']}/").is_live()
    tab.ask("() => document.getElementById('thread').scrollTo({ top: 800 })")
    seen = topmost(tab)
    company.texts(boti, "Új hír")
    pill = tab.page.locator("[data-to-end] button")
    expect(pill).to_have_text("1 new")
    company.texts(boti, "Még egy")
    expect(pill).to_have_text("2 new")
    assert abs(place_of(tab, seen["id"]) - seen["top"]) <= STILL
    # Not seen yet: it stays unread.
    expect(tab.rows.first.locator("[data-unread]")).to_have_text("2")
    pill.click()
    expect(tab.bubble("Még egy")).to_be_in_viewport()
    expect(pill).to_be_hidden()
    expect(tab.rows.first.locator("[data-unread]")).to_be_empty()


def test_a_link_to_a_message_shows_it_in_the_middle_with_its_neighbours(long, dana):
    tab = dana.tab(f"/conversations/{long['id']}/?message={long['uuids'][150]}").is_live()
    target = tab.bubble("Üzenet 150.")
    expect(target).to_have_class(re.compile("target"))
    expect(target).to_be_in_viewport()
    expect(tab.bubble("Üzenet 149.")).to_be_in_viewport()
    expect(tab.bubble("Üzenet 151.")).to_be_in_viewport()
    # From here, newer pages come, too.
    tab.ask("() => { const box = document.getElementById('thread'); box.scrollTo({ top: box.scrollHeight }); }")
    expect(tab.bubble("Üzenet 190.")).to_have_count(1)
    tab.page.get_by_role("button", name="To the latest").click()
    expect(tab.bubble("Üzenet 399.")).to_be_in_viewport()


def test_a_list_of_hundreds_comes_by_pages_each_once(company, dana, boti):
    ids = company.stage.many_threads(line=company.line, count=320, by=dana.id)
    tab = dana.tab().is_live()
    expect(tab.rows).to_have_count(40)
    while tab.page.locator("#rows .more").count():
        shown = tab.rows.count()
        tab.ask("() => document.querySelector('#rows .more').scrollIntoView()")
        tab.until("(shown) => document.querySelectorAll('#rows > li[data-id]').length > shown", shown)
        if shown == 120:
            # One from far below moves up while the pages are coming.
            company.texts(f"+3620{8_000_000 + 300}", "Megjött, köszönöm!")
            expect(tab.rows.first).to_contain_text("Megjött, köszönöm!")
    shown = tab.ask("() => [...document.querySelectorAll('#rows > li[data-id]')].map((row) => Number(row.dataset.id))")
    assert len(shown) == len(set(shown)) == 320
    assert shown == [ids[300], *ids[:300], *ids[301:]]


def test_a_row_that_moves_up_takes_neither_scroll_nor_focus(company, dana):
    company.stage.many_threads(line=company.line, count=80, by=dana.id)
    tab = dana.tab().is_live()
    tab.ask("() => document.querySelector('#rows').scrollTo({ top: 900 })")
    row = tab.row("Partner 020").locator("a.row")
    row.focus()
    at = row.bounding_box()["y"]
    company.texts(f"+3620{8_000_000 + 5}", "Fölül megjelenik")
    expect(tab.rows.first).to_contain_text("Fölül megjelenik")
    company.texts(f"+3620{8_000_000 + 30}", "Alulról is följön")
    expect(tab.rows.first).to_contain_text("Alulról is följön")
    expect(row).to_be_focused()
    assert abs(row.bounding_box()["y"] - at) <= STILL
    # The one in focus moves itself: it stays in focus.
    company.texts(f"+3620{8_000_000 + 20}", "Rólam van szó")
    expect(tab.rows.first).to_contain_text("Rólam van szó")
    expect(row).to_be_focused()
