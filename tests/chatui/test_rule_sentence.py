"""A rule reads as a sentence, in English and in Hungarian; what is gone is said to be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils.html import strip_tags
from django.utils.translation import override

from chatui.rule_sentence import clauses_of, duration, sentence_of
from server.accounts.models import Team
from server.calls.definition import Channel, Conditions, Definition, Only, Step, Trigger, Who
from server.calls.nodes import add_node
from tests.conftest import NOW

DUTY = Step(who=Who.ON_DUTY, channel=Channel.SMS)


@pytest.fixture
def english_team(kontakt):
    return Team.objects.create(subscriber=kontakt, name="English team")


def said(definition: Definition, subscriber, language: str = "en") -> str:
    with override(language):
        return strip_tags(sentence_of(definition, subscriber)).replace("&quot;", '"')


def test_the_rule_of_the_brochure(kontakt, line, english_team):
    step = Step(who=Who.TEAMS, teams=(english_team.pk,), channel=Channel.SMS, texts={"en": "Missed: {caller}"})
    conditions = Conditions(countries=("HU",), is_in_countries=False, lines=(line.pk,))
    rule = Definition(trigger=Trigger.MISSED, conditions=conditions, steps=(step,), ends=True)
    assert said(rule, kontakt) == (
        "When a call from abroad on Support is missed, tell English team by SMS: Missed: {caller}. "
        "Then stop here: the rules below are not looked at."
    )
    assert said(rule, kontakt, "hu") == (
        "Ha egy hívás nem fogadott (külföldről, vonal: Support), értesítést kap: English team – SMS: Missed: {hívó}. "
        "Ezután megáll: az alatta lévő szabályokra már nem kerül sor."
    )


@pytest.mark.parametrize(
    ("conditions", "english"),
    [
        (Conditions(countries=("GB", "IE")), "from United Kingdom, Ireland"),
        (Conditions(countries=("GB",), is_in_countries=False), "from anywhere but United Kingdom"),
        (Conditions(is_known=True), "from a known contact"),
        (Conditions(is_known=False), "from an unknown number"),
        (Conditions(queues=("sales", "help")), "in the queue sales, help"),
        (Conditions(is_first_call=True), "for the first time"),
        (Conditions(repeated_within=30), "again within 30 minutes"),
        (Conditions(hours="closed"), "outside business hours"),
        (Conditions(weekdays=(1, 2, 3, 4, 5)), "from Monday to Friday"),
        (Conditions(weekdays=(7, 6)), "at the weekend"),
        (Conditions(weekdays=(1, 3)), "on Monday, Wednesday"),
        (Conditions(is_holiday=True), "on a public holiday"),
        (Conditions(tags=(7_000_000,)), "tagged a tag that is gone"),
        (Conditions(lines=(7_000_000,)), "on a line that is gone"),
    ],
)
def test_conditions_are_said(kontakt, conditions, english):
    assert said(Definition(Trigger.BUSY, conditions=conditions, steps=(DUTY,)), kontakt) == (
        f"When a call {english} is busy, tell whoever is on duty by SMS."
    )


def test_later_steps_say_when_they_are_taken(kontakt, dana):
    later = Step(who=Who.PEOPLE, people=(dana.pk,), after=60, only=Only.NOBODY_THERE)
    rule = Definition(Trigger.KEY, key="1", steps=(DUTY, later), promises_within=120, cool_down=1440)
    assert said(rule, kontakt) == (
        "When 1 is pressed in a call, tell whoever is on duty by SMS; after 1 hour, if nobody before was there, "
        "tell Dana as each person likes. A call back is promised within 2 hours of business hours."
    )


def test_a_node_is_named_and_what_is_gone_is_marked(kontakt, ada):
    node = add_node(subscriber=kontakt, name="Garage", by=ada, now=NOW)
    assert said(Definition(Trigger.NODE, node=node.pk, steps=(DUTY,)), kontakt).startswith(
        "When a call reaches the message node Garage,"
    )
    gone = Definition(Trigger.MISSED, steps=(Step(who=Who.TEAMS, teams=(7_000_000,)),))
    with override("en"):
        assert '<b class="gone">a team that is gone</b>' in sentence_of(gone, kontakt)


def test_names_are_shown_as_text(kontakt):
    team = Team.objects.create(subscriber=kontakt, name="<b>%(x)s")
    with override("en"):
        assert "<b>&lt;b&gt;%(x)s</b>" in sentence_of(
            Definition(Trigger.MISSED, steps=(Step(who=Who.TEAMS, teams=(team.pk,)),)), kontakt
        )


def test_the_usual_limit_is_said_only_where_it_is_asked_for(kontakt):
    rule = Definition(Trigger.MISSED, steps=(Step(who=Who.CALLER, channel=Channel.SMS),))
    with override("en"):
        assert [strip_tags(limit) for limit in clauses_of(rule, kontakt).limits] == [
            "The same caller gets at most one SMS in 6 hours."
        ]
    assert said(rule, kontakt) == "When a call is missed, tell the caller by SMS."
    assert "SMS in 5 minutes." in said(replace(rule, cool_down=5), kontakt)


def test_colleagues_hear_of_every_call(kontakt):
    assert not clauses_of(Definition(Trigger.MISSED, steps=(DUTY,), cool_down=1440), kontakt).limits


@pytest.mark.parametrize(
    ("minutes", "words"), [(1, "1 minute"), (90, "90 minutes"), (120, "2 hours"), (1440, "1 day"), (4320, "3 days")]
)
def test_durations_are_said_in_the_largest_whole_unit(minutes, words):
    with override("en"):
        assert duration(minutes) == words


def test_a_long_text_is_cut_between_words_and_never_inside_of_a_parameter(kontakt):
    said_so_far = "Dear {caller name|customer}! We could not take your call just now."
    for text, beginning in (
        (f"{said_so_far} {{call-back time}} we call back.", said_so_far.removesuffix(".") + "…"),
        ("One two three four five six seven eight nine ten eleven twelve, thirteen fourteen", "eleven twelve…"),
    ):
        step = Step(who=Who.CALLER, channel=Channel.SMS, texts={"en": text})
        sentence = said(Definition(trigger=Trigger.MISSED, steps=(step,)), kontakt)
        assert beginning in sentence
        assert "{call-" not in sentence
        assert "thirteen" not in sentence
