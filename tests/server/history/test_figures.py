"""The figures of a filter: a small history whose answers are known, and chance against a slow count in plain Python.

Runs on whichever database the tests run on.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from server.contacts.models import Contact
from server.history.answer_times import Took, answer_times
from server.history.figures import figures_of
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.patience import TooMuchAtOnce
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Direction, Message, Note, Origin, Status
from tests.cut_off import cut_off, endless

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.accounts.models import User

BUDAPEST = ZoneInfo("Europe/Budapest")
# Monday noon, in Budapest an hour later.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# What is in the statement that a figure is asked for with.
PARTS = {'"start"': "spans", '"weekday"': "hours", "LEAD(": "answers", '"waiting_since" IS NOT NULL': "waiting"}


def at(text: str) -> datetime:
    """A time on Budapest's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BUDAPEST)


def asked(text: str = "", **conditions: str) -> HistoryFilter:
    return HistoryFilter.read({"q": text, **conditions})


@pytest.fixture
def with_(kontakt) -> Callable[..., Conversation]:
    """`with_("+3630…", line)` is that line's conversation with a number."""

    def conversation(number: str, line) -> Conversation:
        contact, _ = Contact.objects.get_or_create(subscriber=kontakt, number=number, defaults={"created_at": NOW})
        return conversation_between(line=line, contact=contact, now=NOW)

    return conversation


@pytest.fixture
def boti(with_, line) -> Conversation:
    return with_("+36309990001", line)


@pytest.fixture
def cili(with_, line) -> Conversation:
    return with_("+36309990002", line)


def _message(conversation: Conversation, when: datetime, direction: str, status: str, **facts) -> Message:
    same = {"subscriber_id": conversation.subscriber_id, "conversation": conversation, "line_id": conversation.line_id}
    return Message.objects.create(**same, direction=direction, status=status, created_at=when, **({"body": "Szia"} | facts))


def texted(conversation: Conversation, when: str | datetime, **facts) -> Message:
    return _message(conversation, at(when) if isinstance(when, str) else when, Direction.IN, Status.RECEIVED, **facts)


def wrote(conversation: Conversation, when: str | datetime, by: User | None = None, status: str = Status.DELIVERED, **facts):
    return _message(conversation, at(when) if isinstance(when, str) else when, Direction.OUT, status, author=by, **facts)


def figures(user: User, wanted: HistoryFilter | None = None, now: datetime = NOW):
    return figures_of(user, wanted or HistoryFilter(), now=now)


# --- The period ------------------------------------------------------------------------------------


def test_without_dates_it_is_the_last_thirty_days_and_days_of_silence_are_there_as_nothing(sam, boti):
    texted(boti, "2026-10-24 23:59")
    texted(boti, "2026-10-25 00:00")
    texted(boti, "2026-11-23 09:00")
    found = figures(sam)
    assert found.is_default
    assert found.wanted.values == {"from": "2026-10-25 00:00"}
    assert (found.unit, len(found.spans)) == ("day", 30)
    assert [span for span in found.spans if span.inbound] == [(date(2026, 10, 25), 1, 0), (date(2026, 11, 23), 1, 0)]
    assert (found.inbound, found.outbound) == (2, 0)


def test_a_day_is_a_day_of_the_subscribers_zone(sam, boti):
    texted(boti, datetime(2026, 11, 9, 22, 59, tzinfo=UTC))
    texted(boti, datetime(2026, 11, 9, 23, 0, tzinfo=UTC))
    spans = {span.start: span.inbound for span in figures(sam).spans}
    assert (spans[date(2026, 11, 9)], spans[date(2026, 11, 10)]) == (1, 1)
    boti.subscriber.timezone = sam.subscriber.timezone = "America/New_York"
    boti.subscriber.save()
    spans = {span.start: span.inbound for span in figures(sam).spans}
    assert (spans[date(2026, 11, 9)], spans[date(2026, 11, 10)]) == (2, 0)


def test_the_night_of_25_hours_is_one_day_and_both_its_second_hours_one_column(sam, boti):
    # Sunday, October 25, 2026: 3:00 is 2:00 again.
    for hour in range(22, 24):
        texted(boti, datetime(2026, 10, 24, hour, 30, tzinfo=UTC))
    for hour in range(24):
        texted(boti, datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    found = figures(sam, asked(**{"from": "2026-10-25", "to": "2026-10-25"}))
    assert found.spans == [(date(2026, 10, 25), 25, 0)]
    assert found.hours[6] == [1, 1, 2, *[1] * 21]
    assert not any(map(sum, found.hours[:6]))


def test_the_night_of_23_hours_lacks_its_second_hour(sam, boti):
    # Sunday, March 29, 2026: 2:00 is 3:00 at once.
    for hour in range(-1, 22):
        texted(boti, datetime(2026, 3, 29, tzinfo=UTC) + timedelta(hours=hour, minutes=30))
    found = figures(sam, asked(**{"from": "2026-03-29", "to": "2026-03-29"}))
    assert found.spans == [(date(2026, 3, 29), 23, 0)]
    assert found.hours[6] == [1, 1, 0, *[1] * 21]


@pytest.mark.parametrize(
    ("since", "until", "unit", "first", "count"),
    [
        ("2026-09-01", "2026-11-01", "day", date(2026, 9, 1), 62),
        ("2026-08-31", "2026-11-01", "week", date(2026, 8, 31), 9),
        ("2026-01-01", "2026-10-31", "week", date(2025, 12, 29), 44),
        ("2023-01-15", "2026-10-31", "month", date(2023, 1, 1), 46),
    ],
)
def test_a_long_period_is_shown_by_the_week_or_by_the_month(sam, boti, since, until, unit, first, count):
    texted(boti, f"{since} 08:00")
    wrote(boti, f"{until} 08:00")
    found = figures(sam, asked(**{"from": since, "to": until}))
    assert (found.unit, found.spans[0].start, len(found.spans)) == (unit, first, count)
    assert (found.spans[0].inbound, found.spans[-1].outbound) == (1, 1)
    assert sum(span.inbound + span.outbound for span in found.spans) == 2


def test_a_long_period_begins_with_its_first_message(sam, boti):
    texted(boti, "2026-11-20 08:00")
    found = figures(sam, asked(**{"from": "2000-01-01"}))
    assert (found.unit, len(found.spans)) == ("day", 4)
    assert [span.start for span in figures(sam, asked(to="2026-11-21")).spans] == [date(2026, 11, 20), date(2026, 11, 21)]


def test_an_end_that_is_still_to_come_adds_no_days(sam, boti):
    texted(boti, "2026-11-20 08:00")
    assert figures(sam, asked(**{"from": "2026-11-01", "to": "2026-11-30"})).spans[-1].start == date(2026, 11, 23)


def test_of_nothing_there_is_nothing(sam, kontakt):
    found = figures(sam)
    assert found.is_empty
    assert (found.delivery.rate, found.answers.all, found.lines, found.reasons, found.waiting) == (None, None, [], [], [])
    assert len(found.spans) == 30
    assert figures(sam, asked("?!")).is_empty


# --- First answers ---------------------------------------------------------------------------------


def test_an_answer_is_counted_from_the_first_of_several_texts(sam, dana, boti):
    texted(boti, "2026-11-20 08:00")
    texted(boti, "2026-11-20 08:04")
    wrote(boti, "2026-11-20 08:10", dana)
    wrote(boti, "2026-11-20 08:30", dana)
    answers = figures(sam).answers
    assert answers.all == Took(1, timedelta(minutes=10), timedelta(minutes=10))
    assert (answers.unanswered, answers.waiting) == (0, 0)


def test_who_is_written_to_first_has_asked_nothing(sam, dana, boti):
    wrote(boti, "2026-11-20 08:00", dana)
    assert figures(sam).answers.all is None


def test_an_answer_may_come_days_later_and_a_rules_is_one(sam, dana, boti, cili):
    texted(boti, "2026-11-20 23:50")
    wrote(boti, "2026-11-22 00:10", dana)
    texted(cili, "2026-11-20 12:00")
    wrote(cili, "2026-11-20 12:00:02", origin=Origin.RULE)
    answers = figures(sam).answers
    assert answers.by_author == {
        dana.pk: Took(1, timedelta(days=1, minutes=20), timedelta(days=1, minutes=20)),
        None: Took(1, timedelta(seconds=2), timedelta(seconds=2)),
    }
    assert answers.all == Took(2, timedelta(seconds=2), timedelta(days=1, minutes=20))


def test_a_question_belongs_to_the_period_in_which_it_was_asked(sam, dana, boti, cili):
    texted(boti, "2026-11-19 23:58")
    texted(boti, "2026-11-20 00:01")
    wrote(boti, "2026-11-20 00:02", dana)
    texted(cili, "2026-11-20 23:59")
    texted(cili, "2026-11-21 00:01")
    wrote(cili, "2026-11-21 00:09", dana)
    of = {day: answer_times(sam, asked(**{"from": f"2026-11-{day}", "to": f"2026-11-{day}"})) for day in (19, 20, 21)}
    assert of[19].all == Took(1, timedelta(minutes=4), timedelta(minutes=4))
    assert of[20].all == Took(1, timedelta(minutes=10), timedelta(minutes=10))
    assert of[21].all is None
    assert [each.unanswered for each in of.values()] == [0, 0, 0]


def test_what_nobody_answered_is_told_from_what_still_waits(sam, boti, cili):
    texted(boti, "2026-11-20 08:00")
    texted(cili, "2026-11-20 08:00")
    Conversation.objects.filter(pk=boti.pk).update(waiting_since=at("2026-11-20 08:00"))
    answers = figures(sam).answers
    assert (answers.all, answers.unanswered, answers.waiting) == (None, 2, 1)


def test_percentiles_are_the_nearest_rank(sam, dana, boti):
    for minutes in range(1, 12):
        texted(boti, at("2026-11-20 08:00") + timedelta(hours=minutes))
        wrote(boti, at("2026-11-20 08:00") + timedelta(hours=minutes, minutes=minutes), dana)
    # Of eleven: the sixth, and the tenth (nine are less than nine tenths of them).
    assert figures(sam).answers.all == Took(11, timedelta(minutes=6), timedelta(minutes=10))


def test_deleted_messages_were_never_there(sam, dana, boti):
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:01", dana, Status.FAILED, reason="other", deleted_at=NOW, segments=3)
    wrote(boti, "2026-11-20 08:05", dana)
    found = figures(sam)
    assert (found.outbound, found.segments, found.delivery.failed) == (1, 1, 0)
    assert found.answers.all == Took(1, timedelta(minutes=5), timedelta(minutes=5))


def test_a_colleague_who_only_answered_after_the_period_is_there(sam, dana, boti):
    texted(boti, "2026-11-20 23:00")
    wrote(boti, "2026-11-21 01:00", dana)
    found = figures(sam, asked(**{"from": "2026-11-20", "to": "2026-11-20"}))
    assert found.colleagues == [("Dana", 0, 0, 0, 1, timedelta(hours=2))]


def test_conditions_on_colleague_status_and_origin_are_asked_of_the_answer(sam, dana, bela, boti, cili, with_, line):
    for conversation, minutes, facts in (
        (boti, 1, {"by": dana}),
        (cili, 2, {"by": bela, "status": Status.FAILED}),
        (with_("+36309990003", line), 3, {"origin": Origin.RULE}),
    ):
        texted(conversation, "2026-11-20 08:00")
        wrote(conversation, f"2026-11-20 08:0{minutes}", **facts)

    def took(**conditions: str) -> tuple[int, ...]:
        answers = answer_times(sam, asked(**conditions))
        return answers.all.answered, answers.all.median.seconds // 60

    assert took() == (3, 2)
    assert took(colleague=str(dana.pk)) == (1, 1)
    assert took(failed="1") == (1, 2)
    assert took(status="failed") == (1, 2)
    assert took(origin="rule") == (1, 3)
    assert took(origin="person") == (2, 1)
    assert took(direction="out") == took(direction="in") == took(status="received") == (3, 2)
    assert answer_times(sam, asked(status="delivered", failed="1")).all is None
    assert answer_times(sam, asked(colleague=str(dana.pk))).unanswered is None


def test_a_searched_word_is_looked_for_in_the_question(sam, dana, boti, cili):
    texted(boti, "2026-11-20 08:00", body="Hol a számla?")
    wrote(boti, "2026-11-20 08:03", dana)
    texted(boti, "2026-11-20 09:00", body="Köszönöm!")
    wrote(boti, "2026-11-20 09:01", dana, body="A számla: itt.")
    texted(cili, "2026-11-20 08:00", body="Jó napot!")
    wrote(cili, "2026-11-20 08:09", dana)
    assert answer_times(sam, asked("számla")).all == Took(1, timedelta(minutes=3), timedelta(minutes=3))
    assert answer_times(sam, asked("semmi")).all is None


# --- Delivery, lines, colleagues, segments ------------------------------------------------------------


def test_the_rate_of_delivery_is_among_those_whose_end_is_known(sam, dana, boti):
    for status, count in (("delivered", 6), ("undelivered", 1), ("failed", 1), ("sent", 3), ("queued", 1), ("unconfirmed", 1)):
        for n in range(count):
            wrote(boti, f"2026-11-20 08:0{n}", dana, status, reason="unreachable" if status == "undelivered" else "")
    found = figures(sam)
    assert found.delivery == (6, 3, 2, 2)
    assert found.delivery.rate == 0.75
    assert found.reasons == [("", 1), ("unreachable", 1)]


def test_lines_and_colleagues_have_their_own_sums(sam, dana, bela, boti, with_, sales_line):
    elsewhere = with_("+36309990001", sales_line)
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", dana, segments=3, plain_segments=1)
    wrote(boti, "2026-11-20 08:06", dana, Status.FAILED, segments=2, plain_segments=2)
    texted(elsewhere, "2026-11-20 09:00")
    texted(elsewhere, "2026-11-20 09:01")
    wrote(elsewhere, "2026-11-20 10:00", bela)
    wrote(elsewhere, "2026-11-20 11:00", origin=Origin.RULE)
    found = figures(sam)
    assert found.lines == [("Sales", 2, 2, 0, 2), ("Support", 1, 2, 1, 5)]
    assert found.colleagues == [
        ("Dana", 2, 1, 5, 1, timedelta(minutes=5)),
        ("", 1, 0, 1, 0, None),
        ("Bela", 1, 0, 1, 1, timedelta(hours=1)),
    ]
    assert (found.segments, found.saved) == (7, 2)


def test_a_text_that_grows_without_accents_saves_nothing_and_costs_nothing(sam, dana, boti):
    # "…" becomes three points.
    wrote(boti, "2026-11-20 08:00", dana, segments=1, plain_segments=2)
    wrote(boti, "2026-11-20 08:01", dana, segments=4, plain_segments=0)
    assert figures(sam).saved == 0


# --- Who waits now ------------------------------------------------------------------------------------


def test_the_ten_that_wait_longest_are_named_whatever_the_period(sam, line, with_):
    for n in range(12):
        Conversation.objects.filter(pk=with_(f"+3630999100{n:02}", line).pk).update(waiting_since=NOW - timedelta(days=n))
    found = figures(sam, asked(**{"from": "2020-01-01", "to": "2020-01-02"}))
    assert found.waiting_count == 12
    assert [NOW - each.waiting_since for each in found.waiting] == [timedelta(days=n) for n in range(11, 1, -1)]


def test_who_waits_meets_the_filters_conditions_on_threads(sam, line, sales_line, with_):
    here, there = with_("+36309990001", line), with_("+36309990002", sales_line)
    for conversation in (here, there):
        texted(conversation, "2026-11-20 08:00")
        Conversation.objects.filter(pk=conversation.pk).update(waiting_since=at("2026-11-20 08:00"))
    Note.objects.create(conversation=there, author=sam, body="Hm.", created_at=NOW)

    def waits(**conditions: str) -> list[Conversation]:
        return figures(sam, asked(**conditions)).waiting

    here.contact.name = "Ilona"
    here.contact.save()
    assert waits(name="ilo") == [here]
    assert waits(line=str(line.pk)) == waits(number="999 0001") == waits(conversation=str(here.pk)) == [here]
    assert waits(note="1") == waits(contact=str(there.contact_id)) == [there]
    assert waits(q="semmi", direction="out") == [here, there]


# --- Who may see what -----------------------------------------------------------------------------------


def test_a_colleague_has_the_figures_of_the_own_lines_and_of_nobody_else(dana, bela, boti, with_, sales_line):
    hidden = with_("+36309990002", sales_line)
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", dana)
    texted(boti, "2026-11-20 08:06")
    wrote(boti, "2026-11-20 08:07", bela)
    texted(hidden, "2026-11-20 08:00")
    wrote(hidden, "2026-11-20 09:00", dana, Status.FAILED, reason="blocked", segments=9, plain_segments=1)
    Conversation.objects.filter(pk=hidden.pk).update(waiting_since=NOW)
    found = figures(dana)
    assert (found.inbound, found.outbound, found.delivery.failed, found.segments, found.saved) == (2, 2, 0, 2, 0)
    assert found.answers.all == Took(2, timedelta(minutes=1), timedelta(minutes=5))
    assert [tally.name for tally in found.lines] == ["Support"]
    assert found.colleagues == [("Dana", 1, 0, 1, 1, timedelta(minutes=5))]
    assert (found.waiting, found.waiting_count, found.reasons) == ([], 0, [])
    assert figures(dana, asked(line=str(sales_line.pk))).is_empty


def test_a_colleague_gets_no_figures_of_another_one(dana, bela, boti):
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", bela)
    with pytest.raises(FilterNotValid) as refusal:
        figures(dana, asked(colleague=str(bela.pk)))
    assert set(refusal.value.problems) == {"colleague"}
    assert figures(dana, asked(colleague=str(dana.pk))).answers.all is None


def test_another_companys_messages_are_in_nobodys_figures(eve, sam, dana, boti, rival_line):
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", dana)
    Conversation.objects.filter(pk=boti.pk).update(waiting_since=NOW)
    for wanted in (asked(), asked(line=str(boti.line_id)), asked(conversation=str(boti.pk))):
        found = figures(eve, wanted)
        assert found.is_empty
        assert (found.answers.all, found.waiting, found.colleagues, found.lines) == (None, [], [], [])
    assert figures(sam, asked(line=str(rival_line.pk))).is_empty
    with pytest.raises(FilterNotValid):
        figures(eve, asked(colleague=str(dana.pk)))


# --- What it costs ----------------------------------------------------------------------------------------


def test_it_takes_ten_questions_however_much_there_is(sam, dana, bela, boti, cili):
    for conversation in (boti, cili):
        texted(conversation, "2026-11-20 08:00")
        wrote(conversation, "2026-11-20 08:05", dana)
        wrote(conversation, "2026-11-20 08:05", bela, Status.FAILED)
        Conversation.objects.filter(pk=conversation.pk).update(waiting_since=NOW)
    with CaptureQueriesContext(connection) as asked:
        figures(sam)
    # On PostgreSQL each has a limit of its own, and therefore, in a test's transaction, a savepoint.
    assert len([each for each in asked.captured_queries if "SAVEPOINT" not in each["sql"]]) == 10


def test_what_takes_the_database_too_long_is_said_as_such(sam, boti):
    with pytest.raises(TooMuchAtOnce), cut_off("SELECT"):
        figures(sam)


def test_what_else_goes_wrong_in_the_database_is_no_matter_of_much(sam, boti):
    def break_down(*_):
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError), connection.execute_wrapper(break_down):
        figures(sam)


@pytest.mark.parametrize(("part", "name"), PARTS.items())
def test_a_figure_whose_question_is_cut_off_gives_way_alone(sam, dana, boti, part, name):
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", dana)
    whole = figures(sam)
    with cut_off(part) as met:
        found = figures(sam)
    assert len(met) == 1
    assert getattr(found, name) is None
    # Who is behind the answers can't be said either.
    same = {*(field.name for field in fields(whole))} - {name, *(["colleagues"] if name == "answers" else [])}
    assert {each: getattr(found, each) for each in same} == {each: getattr(whole, each) for each in same}
    assert [tally.answers for tally in found.colleagues] == ([None] if name == "answers" else [1])


def test_the_database_is_stopped_when_the_pages_patience_is_at_its_end(sam, dana, boti, monkeypatch):
    texted(boti, "2026-11-20 08:00")
    wrote(boti, "2026-11-20 08:05", dana)
    monkeypatch.setattr("server.history.figures.PATIENCE_SECONDS", 1.5)
    with endless('"weekday"') as met, CaptureQueriesContext(connection) as asked:
        found = figures(sam)
    assert len(met) == 1
    assert (found.hours, found.answers) == (None, None)
    assert (found.inbound, found.outbound, len(found.spans), found.waiting) == (1, 1, 30, [])
    # There was no time left to ask for them.
    assert not [each for each in asked.captured_queries if "LEAD(" in each["sql"]]
    # The database goes on answering, and has no limit any more.
    assert figures(sam).answers.all.answered == 1


def test_of_no_patience_there_are_no_figures(sam, boti, monkeypatch):
    monkeypatch.setattr("server.history.figures.PATIENCE_SECONDS", 0)
    with pytest.raises(TooMuchAtOnce):
        figures(sam)


@pytest.mark.parametrize(
    ("since", "until", "shorter"),
    [
        ("2022-01-01", "2026-10-31", ("2025-11-01 00:00", "2026-10-31 23:59")),
        ("2026-01-01", "2026-10-31", ("2026-08-03 00:00", "2026-10-31 23:59")),
        ("2026-10-01", "2026-10-31", ("2026-10-25 00:00", "2026-10-31 23:59")),
        ("2026-10-30", "2026-10-31", ("2026-10-31 00:00", "2026-10-31 23:59")),
        ("2026-10-31", "2026-10-31", None),
    ],
)
def test_a_shorter_period_is_at_most_half_as_long_and_keeps_the_other_conditions(sam, boti, line, since, until, shorter):
    texted(boti, f"{since} 08:00")
    found = figures(sam, asked(line=str(line.pk), **{"from": since, "to": until}))
    values = {"line": str(line.pk), "from": shorter[0], "to": shorter[1]} if shorter else None
    assert (found.shorter and found.shorter.values) == values


# --- Chance against a slow count ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_slow_count_in_plain_python_gives_the_same(sam, dana, bela, line, sales_line, with_, seed):
    rng = random.Random(seed)
    threads = [with_(f"+3630999{n:04}", rng.choice([line, sales_line])) for n in range(8)]
    first = at("2026-10-20 00:00")
    for _ in range(400):
        # Whole minutes: many at the same moment, which ids then put in order.
        when = first + timedelta(minutes=rng.randrange(9 * 24 * 60))
        thread, gone = rng.choice(threads), {"deleted_at": NOW} if rng.random() < 0.1 else {}
        if rng.random() < 0.5:
            texted(thread, when, **gone)
        else:
            author = rng.choice([dana, bela, None])
            cost = rng.randint(1, 4)
            wrote(
                thread,
                when,
                author,
                rng.choice(["delivered", "sent", "failed", "undelivered", "queued"]),
                origin=Origin.PERSON if author else Origin.RULE,
                segments=cost,
                plain_segments=rng.randint(1, cost),
                **gone,
            )
    # The clock goes back within it.
    wanted = asked(**{"from": "2026-10-22 07:30", "to": "2026-10-26 18:00"})
    found, counted = figures(sam, wanted), SlowCount(at("2026-10-22 07:30"), at("2026-10-26 18:01"))
    assert {span.start: (span.inbound, span.outbound) for span in found.spans if span.inbound or span.outbound} == counted.days()
    assert found.hours == counted.hours()
    assert found.answers.all == counted.took(counted.pairs())
    assert found.answers.by_author == {
        author: counted.took([pair for pair in counted.pairs() if pair[1] and pair[1].author_id == author])
        for author in (dana.pk, bela.pk, None)
    }
    assert found.answers.unanswered == sum(answer is None for _, answer in counted.pairs())
    assert found.delivery.delivered == counted.out["delivered"]
    assert found.delivery.failed == counted.out["failed"] + counted.out["undelivered"]
    assert found.segments == sum(each.segments for each in counted.within if not each.is_inbound)
    assert found.saved == sum(each.segments - each.plain_segments for each in counted.within if not each.is_inbound)


class SlowCount:
    """All messages in memory, one after the other."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self.all = sorted(Message.objects.filter(deleted_at=None), key=lambda each: (each.created_at, each.pk))
        self.since, self.until = since, until
        self.within = [each for each in self.all if self.has(each)]
        self.out = Counter(each.status for each in self.within if not each.is_inbound)

    def has(self, message: Message) -> bool:
        return self.since.astimezone(UTC) <= message.created_at < self.until.astimezone(UTC)

    def days(self) -> dict[date, tuple[int, int]]:
        of = [(each.created_at.astimezone(BUDAPEST).date(), each.is_inbound) for each in self.within]
        return {day: (of.count((day, True)), of.count((day, False))) for day, _ in of}

    def hours(self) -> list[list[int]]:
        local = Counter(
            (each.created_at.astimezone(BUDAPEST).weekday(), each.created_at.astimezone(BUDAPEST).hour)
            for each in self.within
            if each.is_inbound
        )
        return [[local[weekday, hour] for hour in range(24)] for weekday in range(7)]

    def pairs(self) -> list[tuple[Message, Message | None]]:
        """Each question of the period with its answer."""
        found = []
        for thread in {each.conversation_id for each in self.all}:
            messages = [each for each in self.all if each.conversation_id == thread]
            for before, message in pairwise([None, *messages]):
                if message.is_inbound and (before is None or not before.is_inbound) and self.has(message):
                    after = messages[messages.index(message) :]
                    found.append((message, next((each for each in after if not each.is_inbound), None)))
        return found

    def took(self, pairs: list[tuple[Message, Message | None]]) -> Took:
        durations = sorted(answer.created_at - question.created_at for question, answer in pairs if answer)

        def rank(tenths: int) -> timedelta:
            return durations[math.ceil(len(durations) * tenths / 10) - 1]

        return Took(len(durations), rank(5), rank(9))
