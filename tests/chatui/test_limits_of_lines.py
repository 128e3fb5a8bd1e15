"""What people are told when a line may not send what they wrote."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from server.lines.models import Line, LineUsage
from server.messaging.models import Draft, Message
from tests.doors import Browser

GERMAN = "+4915112345678"


@pytest.fixture
def dana_browser(dana):
    return Browser(dana)


@pytest.fixture
def from_germany(boti_texts):
    """A German has written to the shared line, and may not be answered from it."""
    return boti_texts("Hallo!", sender=GERMAN).conversation


def test_a_text_abroad_is_not_sent_and_is_kept(dana_browser, from_germany):
    answer = dana_browser.send(from_germany, "Guten Tag!")
    assert answer.status_code == 422
    assert "only text mobile numbers of Hungary" in answer.text
    assert Draft.objects.get().body == "Guten Tag!"
    assert not Message.objects.outbound().exists()


def test_the_thread_says_so_before_anything_is_typed(dana_browser, from_germany, line):
    page = f"/conversations/{from_germany.pk}/"
    assert "only text mobile numbers of Hungary" in dana_browser.get(page).text
    Line.objects.filter(pk=line.pk).update(countries=["HU", "DE"])
    assert "only text mobile numbers" not in dana_browser.get(page).text


def test_the_dialog_warns_of_a_number_that_none_of_ones_lines_may_text(dana_browser, line, sales_line):
    def warned() -> bool:
        return "may not text this number" in dana_browser.get("/messages/new/lookup/", {"to": GERMAN}).text

    assert warned()
    # A line that dana has not.
    Line.objects.filter(pk=sales_line.pk).update(countries=["DE"])
    assert warned()
    Line.objects.filter(pk=line.pk).update(countries=["DE"])
    assert not warned()


def test_a_new_message_abroad_is_refused_with_its_text(dana_browser, line):
    form = {"uuid": uuid.uuid4(), "to": GERMAN, "line": line.pk, "body": "Guten Tag!"}
    answer = dana_browser.post("/messages/new/", form)
    assert answer.status_code == 422
    assert "only text mobile numbers of Hungary" in answer.text
    assert "Guten Tag!" in answer.text


def test_beyond_the_days_limit_one_is_told_how_many_it_was(dana_browser, boti_texts, line):
    thread = boti_texts("Szia").conversation
    now = timezone.now()
    Line.objects.filter(pk=line.pk).update(per_day=50)
    LineUsage.objects.create(line=line, day=now.date(), sent_on_day=50, minute=now)
    # The day may be a later one already where the company is.
    LineUsage.objects.update(day=now.date().replace(year=now.year + 1))
    answer = dana_browser.send(thread, "Jövünk!")
    assert answer.status_code == 422
    assert "has sent the 50 messages" in answer.text
    assert Draft.objects.get().body == "Jövünk!"
