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
        found = _counted(user, wanted, of_answers)
    except EmptyResultSet:
        found = []
    unanswered, waiting = next(((row.number, row.waiting) for row in found if row.of == "open"), (0, 0))
    return AnswerTimes(
        all=next((row.took for row in found if row.of == "all"), None),
        by_author={row.author: row.took for row in found if row.of == "author"},
        unanswered=None if of_answers else unanswered,
        waiting=None if of_answers else waiting,
    )


class _Row(NamedTuple):
    """What the database says of one author's answers, of all answers, or of the open questions."""

    of: str
    author: int | None
    number: int
    waiting: int
    median: Any
    ninetieth: Any

    @property
    def took(self) -> Took:
        return Took(self.number, _duration(self.median), _duration(self.ninetieth))


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
        name=wanted.name,
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
), pair AS ({pairs}
), answer AS (
    SELECT author_id, {took} AS took FROM pair WHERE answered_at IS NOT NULL {conditions}
)
SELECT * FROM ({ranked}) ranked
UNION ALL
SELECT 'open', NULL, COUNT(*), COUNT(conversation.waiting_since), NULL, NULL
FROM pair JOIN messaging_conversation conversation ON conversation.id = pair.conversation_id WHERE answered_at IS NULL
"""
# Nearest rank: the first of the places that are at least as far as a half, or nine tenths.
_RANKED = """
    SELECT 'author', author.author_id, answered, 0,
        MIN(CASE WHEN 2 * place >= answered THEN took END), MIN(CASE WHEN 10 * place >= 9 * answered THEN took END)
    FROM (SELECT author_id, took, ROW_NUMBER() OVER (PARTITION BY author_id ORDER BY took) AS place FROM answer) one
    JOIN (SELECT author_id, COUNT(*) AS answered FROM answer GROUP BY author_id) author
        ON COALESCE(author.author_id, 0) = COALESCE(one.author_id, 0)
    GROUP BY author.author_id, answered
    UNION ALL
    SELECT 'all', NULL, answered, 0,
        MIN(CASE WHEN 2 * place >= answered THEN took END), MIN(CASE WHEN 10 * place >= 9 * answered THEN took END)
    FROM (SELECT took, ROW_NUMBER() OVER (ORDER BY took) AS place FROM answer) one
    CROSS JOIN (SELECT COUNT(*) AS answered FROM answer) whole
    GROUP BY answered"""
# The same without numbering every row, which cost about a third of the whole.
_RANKED_BY_POSTGRESQL = """
    SELECT CASE GROUPING(author_id) WHEN 0 THEN 'author' ELSE 'all' END, author_id, COUNT(*), 0,
        PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY took), PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY took)
    FROM answer GROUP BY GROUPING SETS ((author_id), ()) HAVING COUNT(*) > 0"""
_PAIRS = """
    SELECT conversation_id, created_at AS asked_at, answered_at, author_id, origin, status
    FROM turn WHERE direction = 'in' AND is_asked = 1"""
_PAIRS_WITH_LATER_ANSWERS = f"""
    SELECT turn.conversation_id, turn.created_at AS asked_at, COALESCE(turn.answered_at, late.created_at) AS answered_at,
        COALESCE(turn.author_id, late.author_id) AS author_id, COALESCE(turn.origin, late.origin) AS origin,
        COALESCE(turn.status, late.status) AS status
    FROM turn LEFT JOIN messaging_message late ON late.id = CASE WHEN turn.answered_at IS NULL THEN ({_LATER}) END
    WHERE turn.direction = 'in' AND turn.is_asked = 1"""  # noqa: S608 (nothing of it comes from outside)


def _counted(user: User, wanted: HistoryFilter, of_answers: _Conditions) -> list[_Row]:
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
        pairs=_PAIRS_WITH_LATER_ANSWERS if until else _PAIRS,
        took=took,
        conditions=conditions,
        ranked=_RANKED_BY_POSTGRESQL if connection.vendor == "postgresql" else _RANKED,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *since, *until, *(value for each in of_answers.values() for value in each)])
        return [_Row(*row) for row in cursor.fetchall()]


def _duration(value: Any) -> timedelta:
    """SQLite says microseconds."""
    return value if isinstance(value, timedelta) else timedelta(microseconds=value)
