"""Which messages a filter finds, in which order: the table of told.py, and chance against a slow reading of the rules.

Runs on whichever database the tests run on; test_on_postgresql.py sees to it that PostgreSQL is one of them.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server.contacts.models import Contact
from server.history import rows
from server.history.filter import FilterNotValid, HistoryFilter
from server.messaging.models import Message, Note
from server.wording import words_in
from tests.server.history.told import FILTERS, FILTERS_OF_DANA, Told


@pytest.fixture
def told(db) -> Told:
    return Told()


@pytest.fixture(params=["a page far from its end", "a page of a handful"])
def nearness(request, monkeypatch) -> None:
    """The ways that a page is looked for: in a small history all of it is near, so what is near is made smaller."""
    if request.param == "a page of a handful":
        monkeypatch.setattr(rows, "_NEXT", 1)
        monkeypatch.setattr(rows, "_NEARBY", 2)
        monkeypatch.setattr(rows, "_FEW", 0)


def everything(told: Told, name: str, values: dict[str, str], size: int) -> str:
    """The letters of all pages, one after the other."""
    user, wanted = told.people[name], HistoryFilter.read(told.asked(values))
    page, found = rows.page_of(user, wanted, size=size), ""
    while page:
        found += told.names(page)
        page = rows.page_of(user, wanted, after=(page[-1].created_at, page[-1].pk), size=size)
    return found


@pytest.mark.parametrize(("name", "values", "expected"), FILTERS, ids=[row[0] for row in FILTERS])
def test_a_filter_finds_its_messages_in_their_order(told, nearness, name, values, expected):
    user, wanted = told.people["sam"], HistoryFilter.read(told.asked(values))
    assert told.names(rows.rows(user, wanted)) == expected
    assert rows.number_of(user, wanted) == len(expected)
    for size in (1, 3, 50):
        assert everything(told, "sam", values, size) == expected


@pytest.mark.parametrize(("name", "values", "expected"), FILTERS_OF_DANA, ids=[row[0] for row in FILTERS_OF_DANA])
def test_a_colleague_finds_what_their_lines_have(told, nearness, name, values, expected):
    assert everything(told, "dana", values, 2) == expected
    assert rows.number_of(told.people["dana"], HistoryFilter.read(told.asked(values))) == len(expected)


def test_nothing_is_found_by_whoever_is_nobody_s_colleague(told, oper):
    for values in ({}, {"q": "szia"}, {"number": "0630"}):
        wanted = HistoryFilter.read(values)
        assert rows.page_of(oper, wanted, size=50) == []
        assert rows.number_of(oper, wanted) == 0


def test_a_count_ends_where_nobody_counts_on(told, monkeypatch):
    monkeypatch.setattr(rows, "COUNTED_UP_TO", 4)
    assert rows.number_of(told.people["sam"], HistoryFilter()) == 5
    assert rows.number_of(told.people["sam"], HistoryFilter(text="boti")) == 5


def test_a_day_without_a_year_is_counted_from_when_it_was_asked_for(boti_texts, sam):
    """Nothing is found by the words of it: they were never said."""
    boti_texts("Szia", at=datetime(2026, 3, 4, 10, 0, tzinfo=UTC))
    wanted = HistoryFilter.read({"q": "március 4"})
    # In the subscriber's zone it is March 4 already, an hour before UTC says so.
    for asked_at, expected in (
        (datetime(2026, 3, 3, 23, 30, tzinfo=UTC), 1),
        (datetime(2027, 3, 3, 22, 30, tzinfo=UTC), 1),
        (datetime(2026, 3, 3, 22, 30, tzinfo=UTC), 0),
        (datetime(2027, 3, 3, 23, 30, tzinfo=UTC), 0),
    ):
        found = rows.rows(sam, wanted, now=asked_at), rows.unordered_rows(sam, wanted, now=asked_at)
        assert [each.count() for each in found] == [expected, expected]
        assert rows.number_of(sam, wanted, now=asked_at) == expected
        assert len(rows.page_of(sam, wanted, size=50, now=asked_at)) == expected


def test_the_ninth_word_of_a_search_must_be_met_as_the_first(boti_texts, sam):
    boti_texts("a1 b2 c3 d4 e5 f6 g7 h8 i9")
    for text, expected in (
        ("a1 b2 c3 d4 e5 f6 g7 h8 i9", 1),
        ("i9 h8 g7 f6 e5 d4 c3 b2 a1 boti", 0),
        ("boti a1 b2 c3 d4 e5 f6 g7 h8 i9", 1),
        ("a1 b2 c3 d4 e5 f6 g7 h8 zebra", 0),
        ("a1 b2 c3 d4 e5 f6 g7 h8 i9 zebra", 0),
        ("a1 b2 c3 d4 e5 f6 g7 h8 i9 0630999", 1),
        ("a1 b2 c3 d4 e5 f6 g7 h8 i9 0620999", 0),
    ):
        assert rows.number_of(sam, HistoryFilter.read({"q": text})) == expected, text


def test_a_page_has_all_that_its_rows_show(told, django_assert_num_queries):
    page = rows.page_of(told.people["sam"], HistoryFilter(), size=50)
    with django_assert_num_queries(0):
        assert {message.conversation.contact.number for message in page} >= {"INFO", "+36309990001"}
        assert {message.line.label for message in page} == {"support", "sales"}
        assert {message.author.name for message in page if message.author} == {"Dana", "Sam"}


@pytest.mark.parametrize(
    ("values", "queries"),
    # The first asks whose conversations are hidden; who names a contact sees those, too.
    [({}, 2), ({"direction": "in", "line": "sales", "from": "2025-10-26"}, 2), ({"failed": "1"}, 2), ({"contact": "boti"}, 2)],
)
def test_a_page_asks_the_database_as_often_for_many_as_for_few(told, django_assert_num_queries, values, queries):
    wanted = HistoryFilter.read(told.asked(values))
    with django_assert_num_queries(queries):
        rows.page_of(told.people["sam"], wanted, size=50)


def test_what_can_not_be_is_not_looked_for(told, django_assert_num_queries):
    contradictions = [
        {"direction": "out", "status": "received"},
        {"direction": "in", "status": "delivered"},
        {"direction": "in", "colleague": "dana"},
        {"status": "received", "origin": "rule"},
        {"status": "received", "failed": "1"},
    ]
    with django_assert_num_queries(0):
        for values in contradictions:
            assert rows.page_of(told.people["sam"], HistoryFilter.read(told.asked(values)), size=50) == []


def test_a_search_asks_the_database_at_most_once_for_each_way_to_meet_it_and_six_times_for_the_page(
    told, django_assert_max_num_queries, monkeypatch
):
    monkeypatch.setattr(rows, "_NEXT", 1)
    monkeypatch.setattr(rows, "_NEARBY", 2)
    with django_assert_max_num_queries(1 + 2 + 3 + 4):
        rows.page_of(told.people["sam"], HistoryFilter(text="boti nyitva"), size=50)


# --- Chance -----------------------------------------------------------------------------------
BUDAPEST = ZoneInfo("Europe/Budapest")
SPOKEN = ["szia", "Számla", "számlája", "nov", "30", "Árpád", "árva", "STRASSE", "Straße", "kész", "1234", "x_y", "é", "don't"]


@pytest.mark.parametrize("seed", range(6))
def test_chance_finds_what_a_slow_reading_of_the_rules_finds(told, monkeypatch, seed):
    chance = random.Random(seed)
    monkeypatch.setattr(rows, "_NEXT", chance.choice([1, 10, 500]))
    monkeypatch.setattr(rows, "_NEARBY", chance.choice([1, 10, 2000]))
    monkeypatch.setattr(rows, "_FEW", chance.choice([0, 1, 2000]))
    monkeypatch.setattr(rows, "_SELDOM", chance.choice([0, 20, 10_000]))
    monkeypatch.setattr(rows, "_HANDFUL", chance.choice([0, 20]))
    more_messages(told, chance)
    everyone = list(Message.objects.select_related("conversation__contact", "author"))
    for _ in range(40):
        values = some_filter(told, chance)
        user = told.people[chance.choice(["sam", "dana"])]
        try:
            wanted = HistoryFilter.read(values)
        except FilterNotValid:
            continue
        slow = [message for message in everyone if slowly(told, user, wanted, message)]
        slow.sort(key=lambda message: (message.created_at, message.pk), reverse=not wanted.oldest_first)
        after, expected = None, slow
        if slow and chance.random() < 0.5:
            edge = chance.randrange(len(slow))
            after, expected = (slow[edge].created_at, slow[edge].pk), slow[edge + 1 :]
        assert [row.pk for row in rows.page_of(user, wanted, after=after, size=20)] == [row.pk for row in expected[:20]], values
        assert rows.number_of(user, wanted) == len(slow), values
        assert [row.pk for row in rows.rows_to_narrow(user, wanted)] == [row.pk for row in slow], values


def more_messages(told: Told, chance: random.Random) -> None:
    threads = [message.conversation for message in told.messages.values()]
    nights = [datetime(2025, 10, 25, 23, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)]
    for _ in range(80):
        thread = chance.choice(threads)
        is_inbound = chance.random() < 0.5
        Message.objects.create(
            conversation=thread,
            subscriber_id=thread.subscriber_id,
            line_id=thread.line_id,
            direction="in" if is_inbound else "out",
            status="received" if is_inbound else chance.choice(["queued", "sent", "delivered", "failed", "undelivered"]),
            body=chance.choice(" -,.").join(chance.choices(SPOKEN, k=chance.randint(1, 4))),
            origin=chance.choice(["person", "recovered"] if is_inbound else ["person", "rule", "recovered"]),
            author=None if is_inbound else chance.choice([None, *told.people.values()]),
            # Often of the same moment.
            created_at=chance.choice(nights) + timedelta(minutes=15 * chance.randint(0, 16)),
            deleted_at=datetime(2026, 4, 1, tzinfo=UTC) if chance.random() < 0.1 else None,
        )


def some_filter(told: Told, chance: random.Random) -> dict[str, str]:
    def clock() -> str:
        return f"{chance.choice(['2025-10-26', '2026-03-29'])} 0{chance.randint(0, 3)}:{chance.choice(['00', '29', '30', '59'])}"

    def part_of_word() -> str:
        return (word := chance.choice(SPOKEN))[: chance.randint(1, len(word))]

    choices = {
        "from": clock,
        "to": clock,
        "number": lambda: chance.choice(["0630", "1234", "9", "info", "0043", "+36 20", "kiss", "664 1"]),
        "direction": lambda: chance.choice(["in", "out"]),
        "status": lambda: chance.choice(["failed", "queued", "received", "undelivered"]),
        "line": lambda: str(chance.choice(list(told.lines.values())).pk),
        "colleague": lambda: str(chance.choice(list(told.people.values())).pk),
        "contact": lambda: str(chance.choice(list(told.contacts.values())).pk),
        "origin": lambda: chance.choice(["person", "rule", "recovered"]),
        "failed": lambda: "1",
        "note": lambda: "1",
        "oldest": lambda: "1",
        "q": lambda: " ".join(part_of_word() for _ in range(chance.randint(1, 2))),
    }
    return {name: choices[name]() for name in chance.sample(list(choices), chance.randint(0, 3))}


def slowly(told: Told, user, wanted: HistoryFilter, message: Message) -> bool:
    """Whether a message is found, read from the rules as people are told them."""
    contact = message.conversation.contact
    clock = message.created_at.astimezone(BUDAPEST).replace(tzinfo=None)
    is_seen = message.subscriber_id == user.subscriber_id and not message.deleted_at
    return is_seen and all((
        user.sees_all_lines or message.line_id == told.lines["support"].pk,
        wanted.since is None or is_from(message, clock, wanted.since),
        wanted.until is None or is_until(message, clock, wanted.until),
        not wanted.number or has_part(contact, wanted.number, at_least=1),
        wanted.direction in {"", message.direction},
        wanted.status in {"", message.status},
        wanted.line in {None, message.line_id},
        wanted.colleague in {None, message.author_id},
        wanted.contact in {None, contact.pk},
        wanted.origin in {"", message.origin},
        wanted.origin != "person" or message.direction == "out",
        not wanted.is_failed or message.status in {"failed", "undelivered"},
        not wanted.has_note or Note.objects.filter(conversation=message.conversation_id).exists(),
        all(
            begins_a_word(word, message.body)
            or begins_a_word(word, f"{contact.name} {contact.company} {contact.number if contact.number == 'INFO' else ''}")
            or (word.isdecimal() and has_part(contact, word, at_least=3))
            for word in words_in(wanted.text)
        ),
    ))  # fmt: skip


def is_from(message: Message, clock: datetime, minute: datetime) -> bool:
    """From the first time that the clock shows the minute: walk there, minute by minute."""
    return message.created_at >= next(
        instant for instant in instants_around(minute) if instant.astimezone(BUDAPEST).replace(tzinfo=None) >= minute
    )


def is_until(message: Message, clock: datetime, minute: datetime) -> bool:
    """Up to the last minute that the clock does not show as a later one."""
    last = [instant for instant in instants_around(minute) if instant.astimezone(BUDAPEST).replace(tzinfo=None) <= minute][-1]
    return message.created_at < last + timedelta(minutes=1)


def instants_around(minute: datetime) -> list[datetime]:
    start = minute.replace(tzinfo=UTC) - timedelta(hours=5)
    return [start + timedelta(minutes=n) for n in range(8 * 60)]


def has_part(contact: Contact, text: str, *, at_least: int) -> bool:
    digits = "".join(character for character in text if character.isdecimal())
    if not digits or text[0].isalpha():
        return contact.number.lower().startswith(text.lower()) and not contact.number.startswith("+")
    meant = {digits, digits[2:] if digits.startswith("00") else f"36{digits[2:]}" if digits.startswith("06") else digits}
    return any(part in contact.number for part in meant if len(part) >= at_least)


def begins_a_word(beginning: str, text: str) -> bool:
    return any(word.startswith(beginning) for word in words_in(text))
