"""S27: two colleagues on one thread, each live in the other's browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def both(company, dana, bela, boti):
    """Dana's and Béla's tabs at the same conversation."""
    company.thread(boti, "Kiss Boti", read_by=[dana, bela])
    return dana.tab().is_live().open("Kiss Boti"), bela.tab().is_live().open("Kiss Boti")


def test_each_sees_that_the_other_is_here_and_is_writing(both, bela):
    hers, his = both
    expect(hers.page.locator("[data-presence]").get_by_role("img", name="Béla Nagy is here")).to_be_visible()
    expect(his.page.locator("[data-presence]").get_by_role("img", name="Dana Kis is here")).to_be_visible()
    expect(his.page.locator("[data-presence] [role=img]")).to_have_count(1)
    elsewhere = bela.tab().is_live()
    hers.page.bring_to_front()
    hers.composer.press_sequentially("Jó na")
    expect(his.page.locator("[data-typists]")).to_have_text("Dana Kis is writing…")
    expect(elsewhere.row("Kiss Boti")).to_contain_text("Dana Kis is writing…")
    expect(hers.page.locator("[data-typists]")).to_be_empty()
    hers.composer.press("Enter")
    expect(his.bubble("Jó na")).to_be_visible()
    expect(his.page.locator("[data-typists]")).to_be_empty()
    his.page.goto(his.url + "/messages/")
    expect(hers.page.locator("[data-presence] [role=img]")).to_have_count(0)


def test_both_take_it_at_once_and_one_has_it(company, both):
    hers, his = both
    his.composer.fill("Én már írom")
    # Neither has heard of the other's click yet.
    held = []
    his.page.route("**/claim/", lambda route: held.append(route))
    with his.page.expect_request("**/claim/"):
        his.act("Take it")
    hers.act("Take it")
    expect(hers.thread).to_contain_text("Dana Kis took it")
    held[0].continue_()
    expect(his.page.locator("[data-problem]")).to_contain_text("Dana Kis was quicker and has this conversation. Your text is kept.")
    expect(his.composer).to_have_value("Én már írom")
    expect(his.page.locator("#head summary")).to_contain_text("Dana Kis")
    expect(hers.page.locator("#head summary")).to_contain_text("With me")
    expect(his.thread.locator(".event")).to_have_count(1)


def test_handing_over_is_seen_by_both_and_can_be_undone(both):
    hers, his = both
    hers.page.locator("#head summary").click()
    hers.page.locator("#head").get_by_role("button", name="Béla Nagy").click()
    for tab in both:
        expect(tab.thread).to_contain_text("Dana Kis gave it to Béla Nagy")
    expect(his.page.locator("#head summary")).to_contain_text("With me")
    his.page.locator("#segments").get_by_role("link", name="Mine").click()
    expect(his.rows).to_have_count(1)
    his.page.locator("#head summary").click()
    his.page.locator("#head").get_by_role("button", name="Nobody").click()
    for tab in both:
        expect(tab.thread).to_contain_text("Béla Nagy put it back for anybody")
        expect(tab.page.locator("#head").get_by_role("button", name="Take it")).to_be_visible()
    expect(his.rows).to_have_count(0)
    expect(his.page.get_by_text("Open a conversation and press Take it.")).to_be_visible()


def test_a_note_mentions_a_colleague_and_never_leaves(company, both):
    hers, his = both
    hers.page.get_by_role("button", name="Internal note").click()
    expect(hers.composer).to_have_attribute("placeholder", re.compile("never sent"))
    hers.composer.press_sequentially("Raktáron van, @Bé")
    option = hers.page.get_by_role("option", name="Béla Nagy")
    expect(option).to_be_visible()
    hers.composer.press("Enter")
    expect(option).to_have_count(0)
    hers.composer.press_sequentially("megírod neki?")
    hers.composer.press("Enter")
    for tab in both:
        note = tab.thread.locator(".note")
        expect(note).to_contain_text("internal note, never sent by SMS")
        expect(note).to_contain_text("megírod neki?")
        expect(note.locator(".mention")).to_have_count(1)
        expect(tab.bubbles).to_have_count(1)
    # The next thing she writes is an SMS again.
    expect(hers.page.get_by_role("button", name="Internal note")).to_have_attribute("aria-pressed", "false")
    hers.send("Máris válaszolunk.")
    expect(his.tick("Máris válaszolunk.")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text in company.stage.arrived(line=company.line)] == ["Máris válaszolunk."]
    assert company.stage.mentioned(line=company.line) == ["Béla Nagy"]


def test_done_leaves_both_lists_and_the_next_text_brings_it_back(company, both, boti):
    hers, his = both
    hers.act("Done")
    for tab in both:
        expect(tab.row("Kiss Boti")).to_have_count(0)
        expect(tab.thread).to_contain_text("Dana Kis marked it done")
    expect(his.page.locator("#head").get_by_role("button", name="Reopen")).to_be_visible()
    expect(hers.page.locator("#rows [data-empty]")).to_be_visible()
    hers.page.locator("#segments summary").click()
    hers.page.locator("#segments").get_by_role("link", name="Done").click()
    expect(hers.row("Kiss Boti")).to_be_visible()
    company.texts(boti, "Mégis volna egy kérdésem.")
    expect(his.row("Kiss Boti")).to_be_visible()
    expect(his.bubble("Mégis volna")).to_be_visible()
    expect(his.bubbles).to_have_count(2)
    expect(hers.row("Kiss Boti")).to_have_count(0)
    for tab in both:
        expect(tab.page.locator("#head").get_by_role("button", name="Done")).to_be_visible()


def test_who_wrote_while_i_was_typing_is_shown_before_my_text_goes(company, both, boti):
    hers, his = both
    his.composer.press_sequentially("Holnap jó?")
    hers.page.bring_to_front()
    hers.send("Ma délután jó.")
    expect(his.bubble("Ma délután jó.")).to_be_visible()
    his.page.bring_to_front()
    his.composer.press("Enter")
    guard = his.page.locator("[data-guard]")
    expect(guard).to_contain_text("Dana Kis wrote while you were typing")
    expect(guard).to_contain_text("Ma délután jó.")
    expect(his.composer).to_have_value("Holnap jó?")
    guard.get_by_role("button", name="Keep editing").click()
    expect(guard).to_be_hidden()
    expect(his.composer).to_have_value("Holnap jó?")
    expect(his.composer).to_be_focused()

    company.texts(boti, "Nekem holnap jobb.")
    expect(his.bubble("Nekem holnap jobb.")).to_be_visible()
    his.composer.press("Enter")
    expect(guard).to_contain_text("Nekem holnap jobb.")
    guard.get_by_role("button", name="Still send").click()
    for tab in both:
        expect(tab.tick("Holnap jó?")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text, _ in company.outgoing()] == ["Ma délután jó.", "Holnap jó?"]


def test_what_is_pasted_after_their_text_goes_out_unasked(company, both, boti):
    hers, _ = both
    company.texts(boti, "Mikor?")
    expect(hers.bubble("Mikor?")).to_be_visible()
    hers.send("Holnap.")
    expect(hers.tick("Holnap.")).to_have_attribute("aria-label", "Delivered")


def test_a_new_name_in_the_phone_book_shows_at_once_everywhere(company, dana, bela, boti):
    company.thread(boti, "", ["Itt vagyok."], read_by=[dana, bela])
    hers, his = dana.tab().is_live().open("Itt vagyok."), bela.tab().is_live().open("Itt vagyok.")
    hers.page.locator("#head").get_by_role("link", name="Who is this?").click()
    hers.dialog.get_by_label("Name").fill("Új Név")
    hers.dialog.get_by_role("button", name="Save").click()
    for tab in (hers, his):
        expect(tab.row("Új Név")).to_be_visible()
        expect(tab.page.locator("#head h2")).to_have_text("Új Név")
    messages = his.page.context.new_page()
    messages.goto(his.url + "/messages/")
    expect(messages.get_by_role("cell", name="Új Név +36")).to_be_visible()


def test_a_note_and_an_answer_are_written_apart(company, both):
    hers, his = both
    hers.composer.fill("Kedves Boti, utánanézünk!")
    note_mode = hers.page.get_by_role("button", name="Internal note")
    note_mode.click()
    # The half-written answer must not get into the note, nor the note into the answer.
    expect(hers.composer).to_have_value("")
    hers.composer.fill("Ez már a harmadik panasza.")
    note_mode.click()
    expect(hers.composer).to_have_value("Kedves Boti, utánanézünk!")
    note_mode.click()
    expect(hers.composer).to_have_value("Ez már a harmadik panasza.")
    hers.composer.press("Enter")
    expect(his.thread.locator(".note")).to_contain_text("Ez már a harmadik panasza.")
    # The answer is still there, and is all that leaves.
    expect(hers.composer).to_have_value("Kedves Boti, utánanézünk!")
    hers.composer.press("Enter")
    expect(his.tick("Kedves Boti, utánanézünk!")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text in company.stage.arrived(line=company.line)] == ["Kedves Boti, utánanézünk!"]
