"""How long people wait for the first answer.

A question is an inbound message that opens a run of them: nothing stands before it in its thread, or something
outgoing does. Its answer is the next outgoing message, a person's or a rule's. A question counts in the period
in which it was asked, however late the answer came. Deleted messages were never there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, IntegerField, Value, When, Window
from django.db.models.functions import Lag

from server.history.filter import HistoryFilter, beginning_of, end_of
from server.history.rows import unordered_rows
from server.messaging.models import WENT_WRONG, Origin, Status

if TYPE_CHECKING:
    from server.accounts.models import User


class Took(NamedTuple):
    """How long answers took; percentiles are nearest rank: the smallest that so many are no longer than."""

    answered: int
    median: timedelta
    ninetieth: timedelta


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """`by_author` is by the id of who answered, None for rules.

    `unanswered` are questions without an answer so far, `waiting` those of them whose conversation still waits
    (the others were done without one, or asked us to stop); both are None where only certain answers are asked for.
    """

    all: Took | None = None
    by_author: dict[int | None, Took] = field(default_factory=dict)
    unanswered: int | None = None
    waiting: int | None = None


def answer_times(user: User, wanted: HistoryFilter) -> AnswerTimes:
    """Conditions on colleague, status, failure and origin are asked of the answer, all others of the question."""
    of_answers = _conditions_on_answers(wanted)
    try:
        answered, (unanswered, waiting) = _counted(user, wanted, of_answers)
    except EmptyResultSet:
        answered, (unanswered, waiting) = [], (0, 0)
    return AnswerTimes(
        all=_of_all(answered),
        by_author={row.author: Took(row.answered, row.median, row.ninetieth) for row in answered},
        unanswered=None if of_answers else unanswered,
        waiting=None if of_answers else waiting,
    )


class _Row(NamedTuple):
    """What one author's answers took, and where the same ranks among all answers fall into theirs."""

    author: int | None
    answered: int
    median: timedelta
    ninetieth: timedelta
    median_of_all: timedelta | None
    ninetieth_of_all: timedelta | None


def _of_all(rows: list[_Row]) -> Took | None:
    if not rows:
        return None
    return Took(
        sum(row.answered for row in rows),
        min(row.median_of_all for row in rows if row.median_of_all is not None),
        min(row.ninetieth_of_all for row in rows if row.ninetieth_of_all is not None),
    )


_Conditions = dict[str, tuple[Any, ...]]


def _conditions_on_answers(wanted: HistoryFilter) -> _Conditions:
    conditions: _Conditions = {}
    if wanted.colleague is not None:
        conditions["author_id"] = (wanted.colleague,)
    if wanted.is_failed:
        conditions["status"] = tuple(WENT_WRONG)
    if wanted.status and wanted.status != Status.RECEIVED:
        failed = set(conditions.get("status", [wanted.status]))
        conditions["status"] = tuple({wanted.status} & failed) or ("",)
    if wanted.origin in {Origin.PERSON, Origin.RULE}:
        conditions["origin"] = (wanted.origin,)
    return conditions


def _turns(user: User, wanted: HistoryFilter) -> Any:
    """Every message of the threads in the period with what stands before it, and whether it may be the question."""
    whole = HistoryFilter(
        since=wanted.since,
        until=wanted.until,
        number=wanted.number,
        line=wanted.line,
        contact=wanted.contact,
        conversation=wanted.conversation,
        has_note=wanted.has_note,
    )
    may_be_asked = replace(whole, text=wanted.text, only=wanted.only, origin=wanted.origin if _is_recovered(wanted) else "")
    messages = unordered_rows(user, whole)
    is_asked: Case | Value = Value(1, output_field=IntegerField())
    if may_be_asked != whole:
        questions = unordered_rows(user, may_be_asked).inbound()
        messages = messages.filter(conversation__in=questions.values("conversation"))
        is_asked = Case(When(pk__in=questions.values("pk"), then=1), default=0, output_field=IntegerField())
    before = Window(Lag("direction"), partition_by="conversation_id", order_by=["created_at", "id"])
    names = ("id", "conversation_id", "direction", "created_at", "author_id", "origin", "status", "before", "is_asked")
    return messages.annotate(before=before, is_asked=is_asked).values(*names)


def _is_recovered(wanted: HistoryFilter) -> bool:
    return wanted.origin == Origin.RECOVERED


# A turn is the first of several messages of one direction. Its first in the period may go on a run from before it,
# and the answer to its last may come later: then, and only then, the rest of the thread is looked at.
_GOES_ON = """
    AND NOT (before IS NULL AND direction = 'in' AND 'in' = COALESCE((
        SELECT earlier.direction FROM messaging_message earlier
        WHERE earlier.conversation_id = message.conversation_id AND earlier.deleted_at IS NULL AND earlier.created_at < %s
        ORDER BY earlier.created_at DESC, earlier.id DESC LIMIT 1), ''))
"""
_LATER = """
    SELECT later.id FROM messaging_message later
    WHERE later.conversation_id = turn.conversation_id AND later.deleted_at IS NULL AND later.direction = 'out'
    AND later.created_at >= %s ORDER BY later.created_at, later.id LIMIT 1
"""
_STATEMENT = """
WITH turn AS (
    SELECT conversation_id, direction, created_at, is_asked,
        LEAD(created_at) OVER thread AS answered_at, LEAD(author_id) OVER thread AS author_id,
        LEAD(origin) OVER thread AS origin, LEAD(status) OVER thread AS status
    FROM ({messages}) message
    WHERE (before IS NULL OR before <> direction) {goes_on}
    WINDOW thread AS (PARTITION BY conversation_id ORDER BY created_at, id)
), pair AS (
    SELECT turn.conversation_id, turn.created_at AS asked_at, COALESCE(turn.answered_at, late.created_at) AS answered_at,
        COALESCE(turn.author_id, late.author_id) AS author_id, COALESCE(turn.origin, late.origin) AS origin,
        COALESCE(turn.status, late.status) AS status
    FROM turn LEFT JOIN messaging_message late ON late.id = CASE WHEN turn.answered_at IS NULL THEN ({later}) END
    WHERE turn.direction = 'in' AND turn.is_asked = 1
), answer AS (
    SELECT author_id, {took} AS took FROM pair WHERE answered_at IS NOT NULL {conditions}
), ranked AS (
    SELECT author_id, took,
        ROW_NUMBER() OVER (PARTITION BY author_id ORDER BY took) AS place, COUNT(*) OVER (PARTITION BY author_id) AS answered,
        ROW_NUMBER() OVER (ORDER BY took) AS place_of_all, COUNT(*) OVER () AS answered_of_all
    FROM answer
)
SELECT 'answered', author_id, answered,
    MIN(CASE WHEN 2 * place >= answered THEN took END), MIN(CASE WHEN 10 * place >= 9 * answered THEN took END),
    MIN(CASE WHEN 2 * place_of_all >= answered_of_all THEN took END),
    MIN(CASE WHEN 10 * place_of_all >= 9 * answered_of_all THEN took END)
FROM ranked GROUP BY author_id, answered
UNION ALL
SELECT 'open', COUNT(conversation.waiting_since), COUNT(*), NULL, NULL, NULL, NULL
FROM pair JOIN messaging_conversation conversation ON conversation.id = pair.conversation_id WHERE answered_at IS NULL
"""


def _counted(user: User, wanted: HistoryFilter, of_answers: _Conditions) -> tuple[list[_Row], tuple[int, int]]:
    assert user.subscriber is not None
    zone = ZoneInfo(user.subscriber.timezone)
    since, until = (
        [connection.ops.adapt_datetimefield_value(instant(minute, zone))] if minute else []
        for instant, minute in ((beginning_of, wanted.since), (end_of, wanted.until))
    )
    messages, values = _turns(user, wanted).query.sql_with_params()
    took, _ = connection.ops.subtract_temporals("DateTimeField", ("answered_at", ()), ("asked_at", ()))
    conditions = "".join(f" AND {name} IN ({', '.join(['%s'] * len(each))})" for name, each in of_answers.items())
    statement = _STATEMENT.format(
        messages=messages,
        goes_on=_GOES_ON if since else "",
        later=_LATER if until else "CAST(NULL AS bigint)",
        took=took,
        conditions=conditions,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *since, *until, *(value for each in of_answers.values() for value in each)])
        rows = cursor.fetchall()
    unanswered = next((row[2], row[1]) for row in rows if row[0] == "open")
    return [_Row(*row[1:3], *map(_duration, row[3:])) for row in rows if row[0] == "answered"], unanswered


def _duration(value: Any) -> timedelta | None:
    """SQLite says microseconds."""
    return value if value is None or isinstance(value, timedelta) else timedelta(microseconds=value)
