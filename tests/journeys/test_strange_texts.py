"""Whatever anybody texts, it is shown as text: nothing of it becomes part of the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey

NASTY = [
    "<img src=x onerror=\"window.hacked='img'\">",
    "\"><script>window.hacked='script'</script>",
    "'><svg onload=window.hacked='svg'>",
    "javascript:window.hacked='link'//",
    "</template></textarea></title><script>window.hacked='end'</script>",
    "{{ 7|add:7 }} ${7*7} &lt;b&gt;fat&lt;/b&gt;",
    "\u202egnp.exe\u202c \u2066hidden\u2069",
]


def is_unharmed(tab) -> None:
    assert tab.ask("() => window.hacked") is None
    assert (
        tab.ask("() => [...document.querySelectorAll('#rows img, #thread img, #thread script, #thread svg[onload]')].length") == 0
    )
    assert tab.ask("() => [...document.querySelectorAll('a')].filter((a) => a.protocol === 'javascript:').length") == 0


def test_as_a_live_text_as_history_and_in_the_tables(company, dana, boti):
    tab = dana.tab().is_live()
    company.texts(boti, NASTY[0])
    tab.rows.first.locator("a.row").click()
    expect(tab.bubbles).to_have_count(1)
    for n, text in enumerate(NASTY[1:], start=2):
        company.texts(boti, text)
        expect(tab.bubbles).to_have_count(n)
        expect(tab.bubbles.last.locator(".bubble")).to_have_text(text, use_inner_text=False)
        expect(tab.rows.first.locator(".last")).to_contain_text(text.strip())
    is_unharmed(tab)
    tab.page.reload()
    assert [bubble.strip() for bubble in tab.bubbles.locator(".bubble").all_text_contents()] == [text.strip() for text in NASTY]
    is_unharmed(tab)
    tab.page.goto(tab.url + "/messages/")
    assert [cell.strip() for cell in tab.page.locator("tbody td.text").all_text_contents()] == [
        text.strip() for text in NASTY[::-1]
    ]
    is_unharmed(tab)


@pytest.mark.parametrize("name", [NASTY[0], NASTY[4]])
def test_as_a_name_in_list_head_title_dialog_and_lookup(company, dana, boti, name):
    company.thread(boti, name, ["Szia!"], read_by=[dana])
    tab = dana.tab().is_live()
    expect(tab.rows.first.locator(".who")).to_contain_text(name)
    tab.rows.first.locator("a.row").click()
    expect(tab.page.locator("#head h2")).to_have_text(name)
    expect(tab.page).to_have_title(f"{name} · Fonal")
    company.texts(boti, "Élőben is")
    expect(tab.bubble("Élőben is")).to_be_visible()
    expect(tab.rows.first.locator(".who")).to_contain_text(name)
    is_unharmed(tab)
    tab.new_message().get_by_label("Recipient", exact=True).press_sequentially(boti[-7:])
    option = tab.dialog.get_by_role("option")
    expect(option).to_contain_text(name)
    option.click()
    expect(tab.dialog.locator(".help")).to_contain_text(name)
    is_unharmed(tab)


def test_as_what_i_write_myself_note_draft_guard_and_search(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana, bela])
    hers, his = dana.tab().is_live().open("Kiss Boti"), bela.tab().is_live().open("Kiss Boti")
    his.composer.press_sequentially("Válaszolnék")
    hers.send(NASTY[0])
    expect(his.bubbles.last.locator(".bubble")).to_have_text(NASTY[0])
    hers.note("@Béla " + NASTY[1])
    expect(his.thread.locator(".note .body")).to_contain_text(NASTY[1])
    his.composer.press("Enter")
    expect(his.page.locator("[data-guard] q")).to_have_text(NASTY[0])
    with his.page.expect_response("**/draft/"):
        his.composer.fill(NASTY[4])
    his.page.reload()
    expect(his.composer).to_have_value(NASTY[4])
    with his.page.expect_response("**/rows/**"):
        his.page.get_by_role("searchbox").fill("<img")
    expect(his.rows).to_have_count(1)
    for tab in (hers, his):
        is_unharmed(tab)
    other = new_number()
    company.texts(other, "Szia")
    expect(hers.row("Szia").first).to_be_visible()
