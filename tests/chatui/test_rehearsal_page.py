"""Rehearsing and trying a rule on its page, and all rules as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from chatui.picture import NARROW, WIDE, drawn, picture_of
from chatui.rule_names import Names
from server.calls.definition import Channel, Conditions, Definition, Step, Trigger, Who
from server.calls.models import Telling
from server.calls.recording import Told, record_call_event
from server.calls.rules import save_rule
from tests.conftest import BOTI

TO_CALLER = Step(who=Who.CALLER, channel=Channel.SMS, texts={"en": "We call you back.", "hu": "Visszahívjuk."})


@pytest.fixture
def rule(kontakt, ada):
    definition = Definition(Trigger.MISSED, steps=(TO_CALLER,))
    return save_rule(
        subscriber=kontakt, rule=None, name="Call <back>", definition=definition, is_active=True, by=ada, now=timezone.now()
    )


@pytest.fixture
def missed(line, boti):
    at = timezone.now() - timedelta(hours=3)
    said = Told(exchange_id="call-1", kind="missed", at=at, caller=BOTI, called=line.number)
    return record_call_event(line=line, told=said, now=at).call


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def test_the_page_says_who_would_have_been_told(as_ada, rule, missed):
    page = as_ada.get(reverse("rule_rehearse", args=[rule.pk])).content.decode()

    assert "We call you back." in page or "Visszahívjuk." in page
    assert "Kiss Boti" in page
    assert reverse("call", args=[missed.uuid]) in page
    assert not Telling.objects.exists()


def test_a_period_can_be_chosen_and_nonsense_is_a_week(as_ada, rule, missed):
    for days in ("92", "x", "-1", "1000000000000000000000"):
        page = as_ada.get(reverse("rule_rehearse", args=[rule.pk]), {"days": days})
        assert page.status_code == 200
        assert page.context["period"].days == (92 if days == "92" else 7)


def test_any_two_days_can_be_chosen(as_ada, rule, missed):
    address, day = reverse("rule_rehearse", args=[rule.pk]), timezone.localdate(missed.began_at, ZoneInfo("Europe/Budapest"))
    page = as_ada.get(address, {"from": day.isoformat(), "to": day.isoformat()})
    assert page.context["found"].applies == 1
    earlier = as_ada.get(address, {"from": (day - timedelta(days=5)).isoformat(), "to": (day - timedelta(days=2)).isoformat()})
    assert (earlier.status_code, earlier.context["found"].applies) == (200, 0)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-03", "2026-11-02"),
        ("2026-01-01", "2026-11-02"),
        ("2099-01-01", "2099-01-02"),
        ("2026-13-01", "x"),
        ("", "0001-01-01"),
    ],
)
def test_days_that_are_no_period_are_explained(as_ada, rule, missed, first, last):
    page = as_ada.get(reverse("rule_rehearse", args=[rule.pk]), {"from": first, "to": last})
    assert page.status_code == 422
    assert 'aria-describedby="period-problem"' in page.content.decode()


TIMES = {"cool_down": "6", "cool_down-unit": "60", "s0-after": "0"}


def sheet(**fields: str) -> dict[str, str]:
    return {"name": "Abroad", "trigger": "missed", "steps": "1", "s0-who": "on_duty", "s0-channel": "browser", **TIMES, **fields}


def test_a_rule_is_rehearsed_as_it_stands_in_the_editor(as_ada, rule, missed, dana):
    rule.refresh_from_db()
    before = rule.definition

    page = as_ada.post(reverse("rule_rehearse", args=[rule.pk]), sheet())

    assert page.status_code == 200, page.content.decode()
    assert "Dana" in page.content.decode()
    rule.refresh_from_db()
    assert rule.definition == before


def test_a_new_rule_is_rehearsed_before_it_is_saved(as_ada, missed, dana):
    page = as_ada.post(reverse("rule_rehearse_new"), sheet())

    assert page.status_code == 200
    assert "Dana" in page.content.decode()
    # For another period, what was written goes along.
    assert dict(page.context["written"]) == sheet()
    assert as_ada.post(reverse("rule_rehearse_new"), sheet() | {"days": "31"}).context["period"].days == 31


def test_a_rule_that_can_not_be_kept_can_not_be_rehearsed(as_ada, rule):
    answer = as_ada.post(reverse("rule_rehearse", args=[rule.pk]), sheet(trigger="key", key=""))

    assert answer.status_code == 422
    assert "digits, * or #" in answer.content.decode()


def test_supervisors_and_auditors_may_look_and_not_try(client, sam, aron, dana, rule):
    for person, status in ((sam, 200), (aron, 200), (dana, 403)):
        client.force_login(person)
        assert client.get(reverse("rule_rehearse", args=[rule.pk])).status_code == status
        assert client.post(reverse("rule_rehearse", args=[rule.pk]), sheet()).status_code == 403
        assert client.post(reverse("rule_try", args=[rule.pk]), {"on": "1"}).status_code == 403
        assert client.get(reverse("call_logic_picture")).status_code == status


def test_a_trial_begins_and_ends_by_a_button(as_ada, rule):
    where = reverse("rule_rehearse", args=[rule.pk])

    page = as_ada.post(reverse("rule_try", args=[rule.pk]), {"on": "1"}, follow=True).content.decode()

    rule.refresh_from_db()
    assert rule.is_rehearsing(timezone.now())
    assert "the rule sends by itself" in page
    as_ada.post(reverse("rule_try", args=[rule.pk]), {"on": "0"})
    rule.refresh_from_db()
    assert not rule.is_rehearsing(timezone.now())
    assert "Begin the trial" in as_ada.get(where).content.decode()


# --- The picture ---


def test_the_rules_are_drawn_and_said(as_ada, rule):
    page = as_ada.get(reverse("call_logic_picture")).content.decode()

    assert page.count("<svg xmlns") == 2
    assert "1. Call &lt;back&gt;" in page
    assert reverse("rule", args=[rule.pk]) in page
    assert "<style" not in page.split("<main")[1]


def test_the_file_stands_by_itself(as_ada, rule):
    answer = as_ada.get(reverse("call_logic_picture"), {"as": "svg"})

    assert answer["Content-Type"] == "image/svg+xml"
    assert "attachment" in answer["Content-Disposition"]
    svg = ET.fromstring(answer.content)
    said = "".join(svg.itertext())
    assert "--thread:" in said
    assert "Call <back>" in said
    assert "@font-face" not in said


def test_without_rules_the_page_says_so(as_ada):
    assert "There is no rule yet" in as_ada.get(reverse("call_logic_picture")).content.decode()


@pytest.mark.parametrize("plan", [WIDE, NARROW])
def test_nothing_is_drawn_outside_or_on_top_of_another(kontakt, rule, plan):
    long = Definition(
        Trigger.NOT_REACHED,
        conditions=Conditions(queues=("A very long queue that goes on and on " * 3, "x" * 200)),
        steps=(TO_CALLER, Step(who=Who.ON_DUTY, after=10)),
        promises_within=60,
        ends=True,
    )
    rule.definition = long.to_json()

    picture = picture_of([drawn(rule, number, Names(kontakt), now=timezone.now()) for number in (1, 2)], plan)

    for box in picture.boxes:
        assert box.x >= 0
        assert box.x + box.width <= plan.width
        assert box.bottom <= picture.height
        others = [other for other in picture.boxes if other is not box]
        assert not any(
            box.x < other.x + other.width and other.x < box.x + box.width and box.y < other.bottom and other.y < box.bottom
            for other in others
        )
