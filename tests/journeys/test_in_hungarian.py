"""Hungarian words are longer than English ones: nothing is cut off, nothing sticks out, on a desk or on a telephone."""

from __future__ import annotations

import pytest

from server.phone import display

pytestmark = pytest.mark.journey

# Cut off by a box that hides what is too much without showing so, or beyond the window's edge.
TOO_WIDE = """() => {
    const found = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
    for (const element of document.querySelectorAll("body *")) {
        const style = getComputedStyle(element), box = element.getBoundingClientRect();
        if (!element.offsetParent || style.visibility === "hidden" || box.width < 2 || box.height < 2 || !element.innerText) continue;
        const hides = ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis";
        const isOutside = element.children.length === 0 && (box.right > innerWidth + 1 || box.left < -1);
        if ((hides && element.scrollWidth > element.clientWidth + 1) || isOutside) found.push(element.innerText.slice(0, 60));
    }
    return found;
}"""


@pytest.fixture(params=[1440, 390], ids=["desk", "telephone"])
def anna(request, found_company, boti):
    """Anna's screen, in a company where she has something of everything."""
    company = found_company(people={"anna": "Anna Nagy"}, language="hu")
    answer = {"body": "A bolt címe: Andrássy út 14.", "by": company.people["anna"].id, "minutes_ago": 5}
    company.thread(boti, "Szentgyörgyvári-Kiss Ilona", ["Jó napot!", answer])
    return company.people["anna"].device(viewport={"width": request.param, "height": 850}, locale="hu-HU")


@pytest.mark.parametrize("path", ["/", "/?view=mine", "/?q=semmi", "/messages/", "/messages/new/", "/settings/"])
def test_every_page_has_room_for_its_words(anna, path):
    anna.page.goto(anna.url + path)
    assert anna.page.locator("html").get_attribute("lang") == "hu"
    assert anna.ask(TOO_WIDE) == []


def test_a_conversation_its_menu_and_its_picker_have_room_for_their_words(anna, boti):
    anna.open("Szentgyörgyvári-Kiss Ilona")
    assert display(boti) in anna.page.locator("#head").inner_text()
    assert anna.ask(TOO_WIDE) == []
    anna.page.locator("#head summary").click()
    assert anna.ask(TOO_WIDE) == []
    anna.page.keyboard.press("Escape")
    anna.composer.fill("Árvíztűrő tükörfúrógép, " * 4)
    assert "miatt" in anna.page.locator("[data-cost]").inner_text()
    assert anna.ask(TOO_WIDE) == []
    anna.page.get_by_role("button", name="Sablonok").click()
    anna.page.get_by_text("Még nincs sablon").wait_for()
    assert anna.ask(TOO_WIDE) == []


def test_the_dialog_of_a_new_message_has_room_for_its_words(anna):
    anna.page.get_by_role("link", name="Új üzenet").first.click()
    anna.dialog.get_by_role("combobox", name="Címzett").fill("0613333333")
    anna.dialog.get_by_role("option").first.wait_for()
    assert anna.ask(TOO_WIDE) == []
