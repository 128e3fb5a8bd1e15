"""Call flows: administrators write what callers of a line hear, supervisors and auditors read it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import timezone

from server.accounts.models import AuditEntry
from server.calls.flows import Flow, MenuKey, flow_of, save_flow
from server.calls.models import CallFlow, MessageNode
from tests.doors import HTMX, Browser

OWN = "+36305550001"
FORM = {"language": "hu", "ring_seconds": "20", "is_active": "on", "greeting": "Jó napot kívánunk!"}


@pytest.fixture
def page(twilio_line) -> str:
    return f"/call-logic/flows/{twilio_line.pk}/"


@pytest.fixture
def desk(ada, dana) -> Browser:
    dana.phone = OWN
    dana.save()
    return Browser(ada)


def key(index: int = 0, **said: str) -> dict[str, str]:
    fields = {"key": "1", "says": "Szerviz: egyes.", "then": "", "does": "usual", "rings": "", "node": ""} | said
    return {f"k{index}-{name}": value for name, value in fields.items()}


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_what_is_written_is_what_callers_hear(desk, page, twilio_line, kontakt, ada):
    node = MessageNode.objects.create(subscriber=kontakt, name="Cím", created_at=timezone.now())
    menu = key(does="numbers", rings="06 20 555 0002, +36 30 555 0003") | key(
        1, key="2", says="Cím: kettes.", does="end", node=str(node.pk)
    )
    words = {"when_missed": "Később\n hívja újra.", "others": "06-30-555-0004\n", "rings": OWN}

    answer = desk.post(page, FORM | menu | words, follow=True)

    assert "Saved" in answer.text
    assert flow_of(twilio_line) == Flow(
        greeting="Jó napot kívánunk!",
        keys=(
            MenuKey(key="1", says="Szerviz: egyes.", rings=("+36205550002", "+36305550003")),
            MenuKey(key="2", says="Cím: kettes.", ends=True, node=node.pk),
        ),
        rings=(OWN, "+36305550004"),
        when_missed="Később hívja újra.",
    )
    assert (AuditEntry.objects.get(action="call_flow.saved").actor, AuditEntry.objects.count()) == (ada, 1)
    desk.post(page, FORM | menu | words)
    assert AuditEntry.objects.count() == 1, "nothing changed"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"others": "12"}, "is no telephone number"),
        ({"others": "06 90 123 456"}, "may cost extra"),
        ({"others": "+881612345678"}, "may cost extra"),
        ({"others": "+44 7400 123456"}, "is abroad"),
        ({"others": "+36 30 111 0001"}, "is a line itself"),
        ({"others": "\n".join(f"+3630555{i:04}" for i in range(11))}, "At most 10 numbers"),
        ({"ring_seconds": "4"}, "Between 5 and 60 seconds"),
        ({"ring_seconds": ""}, "Between 5 and 60 seconds"),
        ({"greeting": "x" * 501}, "At most 500 characters"),
        ({"language": "xx"}, "Choose a language"),
        (key(says=""), "callers hear it"),
        (key() | key(1), "This key is there twice"),
        (key(key="A"), "Choose a key"),
        (key(node="999999"), "is gone"),
        (key(does="numbers", rings="+36 30 111 0001"), "is a line itself"),
    ],
)
def test_what_can_not_be_is_said_beside_its_field_and_nothing_is_kept(desk, page, line, typed, problem):
    answer = desk.post(page, FORM | typed)
    assert answer.status_code == 422
    assert problem in words_of(answer.text)
    assert not CallFlow.objects.exists()


def test_keys_are_added_and_taken_out_without_saving(desk, page):
    more = desk.post(page, FORM | key(says="Első") | {"do": "add-key"})
    assert 'name="k1-says"' in more.text
    fewer = desk.post(page, FORM | key(says="Első") | key(1, key="2", says="Második") | {"do": "drop-key:0"})
    assert ("Második" in fewer.text, "Első" in fewer.text) == (True, False)
    assert not CallFlow.objects.exists()


def test_what_the_caller_hears_is_told_while_it_is_written(desk, page):
    told = desk.post(page + "heard/", FORM | key(does="end", then="Elküldtük.") | {"rings": OWN}, **HTMX).text
    said = words_of(told)
    for words in (
        "Jó napot kívánunk! Szerviz: egyes.",
        "Whoever presses 1 hears this, and the call is over: Elküldtük.",
        "at: Dana",
    ):
        assert words in said, said
    assert "Jelenleg senki sem tudja fogadni" in said, "the last words are in the flow's language"
    assert "nobody can take" not in words_of(desk.post(page + "heard/", FORM | {"others": "no number"}).text).lower()


def test_who_leads_reads_and_colleagues_do_not(page, twilio_line, sam, aron, dana, ada):
    save_flow(line=twilio_line, flow=Flow(greeting="Jó napot!"), by=ada, now=timezone.now())
    for person in (sam, aron):
        reader = Browser(person)
        assert "Jó napot!" in reader.get(page).text
        assert '<form class="rule-form"' not in reader.get(page).text
        assert reader.post(page, FORM).status_code == 403
        assert reader.get("/call-logic/flows/").status_code == 200
    assert Browser(dana).get(page).status_code == 403


def test_lines_that_carry_calls_are_listed(desk, twilio_line, line):
    text = desk.get("/call-logic/flows/").text
    assert twilio_line.label in text
    assert f"/call-logic/flows/{line.pk}/" not in text
    assert "carries no calls" in desk.get(f"/call-logic/flows/{line.pk}/").text
