"""Callers, exchanges and colleagues choose names; on no page of call logic, and in no letter, are they more than words."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.calls.definition import Channel, Step, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import Call, Telling
from server.calls.promises import open_promise
from server.calls.telling import tell_due
from server.contacts.models import Contact
from tests.conftest import BOTI, NOW
from tests.doors import Browser
from tests.letters import letters_sent

HOSTILE = "\"'><img src=x onerror=alert(1)>{caller_name}%(x)s\u2028=HYPERLINK(1)"
TEXT = "{caller_name}: {queue}, {exchange.order}"


@pytest.fixture
def told(make_rule, happens, dana, kontakt):
    """A call of which everything has a hostile name, and Dana was told of it in the browser and by letter."""
    dana.email = "dana@kontakt.example"
    dana.name = f"Dana {HOSTILE}"[:80]
    dana.save()
    Contact.objects.create(subscriber=kontakt, number=BOTI, name=HOSTILE, company=HOSTILE, created_at=NOW)
    happens("answered", queue=HOSTILE, agent=HOSTILE, parameters={"order": HOSTILE})
    steps = [
        Step(who=Who.PEOPLE, people=(dana.pk,), channel=channel, texts={"hu": TEXT}, subjects={"hu": TEXT})
        for channel in (Channel.BROWSER, Channel.EMAIL)
    ]
    make_rule(f"Rule {HOSTILE}"[:80], *steps, conditions={"queues": (HOSTILE[:70],)}, trigger="busy")
    make_rule(f"Rule {HOSTILE}"[:80], *steps)
    event = happens("missed", queue=HOSTILE, parameters={"order": HOSTILE})
    fire_due(now=NOW + timedelta(seconds=5))
    take_due_steps(now=NOW + timedelta(seconds=5))
    tell_due(now=NOW + timedelta(seconds=5))
    open_promise(call=event.call, rule=None, due_at=NOW, now=NOW)
    return event.call


def test_no_page_takes_a_name_for_markup(told, ada):
    telling = Telling.objects.filter(channel="browser").get()
    pages = [
        "/call-logic/", f"/call-logic/rules/{telling.run.rule_id}/", f"/call-logic/rules/{telling.run.rule_id}/rehearse/",
        f"/call-logic/rules/{telling.run.rule_id}/versions/", "/call-logic/picture/", "/call-logic/picture/?as=svg", "/call-logic/calls/",
        f"/call-logic/calls/{told.uuid}/", f"/call-logic/why/{telling.uuid}/", "/call-logic/figures/", f"/conversations/{told.conversation_id}/",
        "/", f"/phonebook/{told.conversation.contact_id}/",
    ]  # fmt: skip
    browser = Browser(ada)
    shown = {page: browser.get(page) for page in pages}
    assert {answer.status_code for answer in shown.values()} == {200}
    assert [page for page, answer in shown.items() if "<img src=x" in answer.text] == []
    assert [page for page, answer in shown.items() if "&lt;img src=x" in answer.text] != []


def test_who_was_told_reads_it_as_words(told, dana):
    # What is a day old is no news.
    Telling.objects.update(told_at=timezone.now())
    page = Browser(dana).get("/messages/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_letter_is_words_and_its_subject_one_line(told):
    (letter,) = letters_sent()
    html = letter.alternatives[0].content
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert len(letter.subject.splitlines()) == 1
    # Put in once: a customer who is called {caller_name} is called so.
    assert "{caller_name}" in letter.body
    assert letter.message()["Subject"]


def test_a_workbook_of_figures_has_no_formula(told, ada):
    Call.objects.update(followed_up_by=ada, followed_up_at=NOW)
    ada.name = "=HYPERLINK(1)"
    ada.save()
    answer = Browser(ada).get("/call-logic/figures/download/?from=2026-11-01&to=2026-11-30")
    book = load_workbook(BytesIO(answer.content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} & {"f", "e"} == set()
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
