from __future__ import annotations

import uuid
from functools import partial

import pytest

from server.accounts.models import User
from server.events.models import Event, Kind
from server.lines.models import LineAccess
from server.messaging.conversations import (
    AlreadyClaimed,
    NoteNotValid,
    NotOneOfUs,
    SomebodyTexted,
    assign_conversation,
    claim_conversation,
    mark_done,
    mark_read,
    mark_unread,
    reopen,
    save_draft,
    unread_by,
    write_note,
)
from server.messaging.models import Activity, Conversation, Draft, Message, Note, ReadMarker
from tests.conftest import NOW
from tests.server.conftest import later


def kinds() -> list[str]:
    return list(Activity.objects.order_by("id").values_list("kind", flat=True))


def marker_of(user: User) -> int:
    return ReadMarker.objects.get(user=user).inbound_read


# --- Whose it is ------------------------------------------------------------------------------


def test_one_of_many_who_claim_at_once_wins_and_the_others_learn_who(many_hands, conversation, dana, bela, sam, ada):
    people = [dana, bela, sam, ada]
    results = many_hands(*[partial(claim_conversation, conversation=conversation, by=person, now=NOW) for person in people])
    winner = Conversation.objects.get().assignee
    assert results.count(None) == 1
    assert people[results.index(None)] == winner
    assert {type(result) for result in results if result} == {AlreadyClaimed}
    assert {result.winner for result in results if result} == {winner}
    assert kinds() == ["assigned"]
    assert Event.objects.count() == 1


def test_claiming_what_is_mine_already_is_no_news(conversation, dana):
    for _ in range(2):
        claim_conversation(conversation=conversation, by=dana, now=NOW)
    assert kinds() == ["assigned"]


def test_a_conversation_is_handed_over_and_put_back(conversation, dana, bela, sam):
    assign_conversation(conversation=conversation, to=dana, by=sam, now=NOW)
    assign_conversation(conversation=conversation, to=dana, by=sam, now=NOW)
    assign_conversation(conversation=conversation, to=bela, by=dana, now=NOW)
    assign_conversation(conversation=conversation, to=None, by=bela, now=NOW)
    assign_conversation(conversation=conversation, to=None, by=bela, now=NOW)
    assert kinds() == ["assigned", "assigned", "released"]
    assert [activity.subject for activity in Activity.objects.order_by("id")] == [dana, bela, None]
    assert Event.objects.count() == 3


def test_it_can_not_be_handed_to_who_does_not_see_the_line(conversation, sam, eve, oper, kontakt):
    stranger = User.objects.create(username="new", name="New", subscriber=kontakt)
    for person in (eve, oper, stranger):
        with pytest.raises(NotOneOfUs):
            assign_conversation(conversation=conversation, to=person, by=sam, now=NOW)
    assert Conversation.objects.get().assignee is None


# --- Done -------------------------------------------------------------------------------------


def test_done_ends_the_waiting_and_is_said_once(conversation, boti_texts, dana):
    boti_texts("Köszi!")
    assert mark_done(conversation=conversation, by=dana, now=later(minutes=1))
    assert not mark_done(conversation=conversation, by=dana, now=later(minutes=2))
    conversation.refresh_from_db()
    assert (conversation.done_at, conversation.waiting_since) == (later(minutes=1), None)
    assert kinds() == ["done"]
    assert not Conversation.objects.open().exists()


def test_reopening_is_for_what_was_done(conversation, dana):
    assert not reopen(conversation=conversation, by=dana, now=NOW)
    mark_done(conversation=conversation, by=dana, now=NOW)
    assert reopen(conversation=conversation, by=dana, now=NOW)
    assert kinds() == ["done", "reopened"]


# --- Read -------------------------------------------------------------------------------------


def test_the_marker_moves_forward_only_and_not_beyond_what_there_is(conversation, boti_texts, dana):
    for _ in range(3):
        boti_texts("Hahó?")
    events = Event.objects.count()
    assert mark_read(conversation=conversation, by=dana, upto=2, now=NOW)
    assert not mark_read(conversation=conversation, by=dana, upto=1, now=NOW)
    assert not mark_read(conversation=conversation, by=dana, upto=2, now=NOW)
    assert marker_of(dana) == 2
    assert mark_read(conversation=conversation, by=dana, upto=999, now=NOW)
    assert marker_of(dana) == 3
    assert Event.objects.count() == events + 2
    assert {event.user_id for event in Event.objects.filter(kind=Kind.READ)} == {dana.pk}


@pytest.mark.parametrize("upto", [0, -1])
def test_reading_nothing_leaves_no_trace(conversation, boti_texts, dana, upto):
    boti_texts("Hahó?")
    assert not mark_read(conversation=conversation, by=dana, upto=upto, now=NOW)
    assert not ReadMarker.objects.exists()


def test_of_several_tabs_that_read_at_once_the_furthest_counts(many_hands, conversation, boti_texts, dana):
    for _ in range(8):
        boti_texts("Hahó?")
    results = many_hands(*[partial(mark_read, conversation=conversation, by=dana, upto=n, now=NOW) for n in range(1, 9)])
    assert {type(result) for result in results} == {bool}
    assert marker_of(dana) == 8
    assert Event.objects.filter(kind=Kind.READ).count() == results.count(True)


def test_each_colleague_has_a_marker_of_their_own(conversation, boti_texts, dana, bela):
    boti_texts("Hahó?")
    mark_read(conversation=conversation, by=dana, upto=1, now=NOW)
    assert unread_by(dana) == []
    assert unread_by(bela) == [conversation.pk]


def test_marking_unread_brings_back_the_newest_only_and_marks_nothing_as_read(conversation, boti_texts, dana, bela):
    for _ in range(5):
        boti_texts("Hahó?")
    mark_read(conversation=conversation, by=dana, upto=5, now=NOW)
    assert mark_unread(conversation=conversation, by=dana, now=NOW)
    assert not mark_unread(conversation=conversation, by=dana, now=NOW)
    assert marker_of(dana) == 4
    mark_read(conversation=conversation, by=bela, upto=1, now=NOW)
    assert not mark_unread(conversation=conversation, by=bela, now=NOW)
    assert marker_of(bela) == 1


def test_there_is_nothing_to_mark_unread_where_nobody_wrote(conversation, dana):
    assert not mark_unread(conversation=conversation, by=dana, now=NOW)


def test_unread_is_told_of_open_conversations_that_one_may_see(conversation, boti_texts, dana, sam, eve, sales_line):
    boti_texts("Hahó?")
    boti_texts("Hahó?", to=sales_line, at=later(minutes=1))
    other = Conversation.objects.get(line=sales_line)
    assert unread_by(dana) == [conversation.pk]
    assert unread_by(sam) == [other.pk, conversation.pk]
    assert unread_by(eve) == []
    mark_done(conversation=other, by=sam, now=NOW)
    assert unread_by(sam) == [conversation.pk]


# --- Notes ------------------------------------------------------------------------------------


@pytest.fixture
def note(conversation, dana):
    def note(body: str, *, id: uuid.UUID | None = None, by: User = dana, on: Conversation = conversation) -> Note:  # noqa: A002
        return write_note(uuid=id or uuid.uuid4(), conversation=on, body=body, author=by, now=NOW)

    return note


def test_a_note_is_no_message(note):
    written = note("A kulcs a portán van.")
    assert Note.objects.get() == written
    assert not Message.objects.exists()
    assert [(event.kind, event.message_id) for event in Event.objects.all()] == [(Kind.NOTE_CREATED, written.pk)]


def test_the_same_note_again_is_the_same_note(many_hands, note):
    results = many_hands(*[partial(note, "A kulcs a portán van.", id=uuid.uuid4())] * 6)
    assert {type(result) for result in results} == {Note}
    assert Note.objects.count() == Event.objects.count() == 1


def test_a_uuid_of_another_note_is_refused(note, boti_texts, sales_line, sam):
    id_ = note("A kulcs a portán van.").uuid
    boti_texts("Hahó?", to=sales_line)
    with pytest.raises(NoteNotValid):
        note("Máshol", id=id_, by=sam, on=Conversation.objects.get(line=sales_line))
    with pytest.raises(NoteNotValid):
        note("Mástól", id=id_, by=sam)


@pytest.mark.parametrize("body", ["", "  \n", "x" * 4001])
def test_an_empty_or_endless_note_is_refused(note, body):
    with pytest.raises(NoteNotValid):
        note(body)


def test_what_no_database_can_keep_is_replaced_in_a_note(note):
    assert Note.objects.get(pk=note("a\x00\ud83d").pk).body == "a\ufffd\ufffd"


@pytest.mark.parametrize(
    ("body", "mentioned"),
    [
        ("@bela nézd meg", {"bela"}),
        ("@Béla nézd meg", {"bela"}),
        ("@Be\u0301la nézd meg", {"bela"}),
        ("@BÉLA!", {"bela"}),
        ("szólj @Béla-nak, légyszi", {"bela"}),
        ("(@Béla), @Dana.", {"bela", "dana"}),
        ("@Nagy", {"bela"}),
        ("@sam @ada", {"sam", "ada"}),
        ("bela@kontakt.hu", set()),
        ("info@dana.hu", set()),
        ("Béla", set()),
        ("@", set()),
        ("@Bé", set()),
        ("@eve @Eve @oper", set()),
        ("@new", set()),
    ],
)
def test_colleagues_who_see_the_line_are_mentioned_by_user_name_or_a_part_of_their_name(
    note, dana, bela, sam, ada, eve, oper, kontakt, body, mentioned
):
    bela.name = "Nagy Béla"
    bela.save()
    User.objects.create(username="new", name="New", subscriber=kontakt)
    assert {user.username for user in note(body).mentions.all()} == mentioned


# --- Drafts -----------------------------------------------------------------------------------


def test_a_draft_is_kept_for_its_writer_and_forgotten_when_emptied(conversation, dana, bela):
    save_draft(conversation=conversation, by=dana, body="Jö", now=NOW)
    save_draft(conversation=conversation, by=dana, body="Jövünk\x00", now=NOW)
    save_draft(conversation=conversation, by=bela, body="Én is", now=NOW)
    assert Draft.objects.get(user=dana).body == "Jövünk\ufffd"
    save_draft(conversation=conversation, by=dana, body="  ", now=NOW)
    assert [draft.user for draft in Draft.objects.all()] == [bela]


def test_tabs_that_save_a_draft_at_once_keep_one(many_hands, conversation, dana):
    results = many_hands(*[partial(save_draft, conversation=conversation, by=dana, body=f"{n}", now=NOW) for n in range(6)])
    assert results == [None] * 6
    assert Draft.objects.count() == 1


def test_a_draft_that_comes_after_its_own_message_was_sent_is_not_brought_back(queue, conversation, dana):
    queue("Jövünk!")
    save_draft(conversation=conversation, by=dana, body="Jövünk! ", now=later(seconds=1))
    assert not Draft.objects.exists()
    save_draft(conversation=conversation, by=dana, body="Jövünk!", now=later(minutes=1))
    assert Draft.objects.exists()


# --- Who sees it ------------------------------------------------------------------------------


def test_colleagues_see_their_lines_supervisors_all_strangers_none(conversation, boti_texts, sales_line, dana, sam, ada, eve, oper):
    boti_texts("Hahó?")
    boti_texts("Hahó?", to=sales_line)
    sees = {user.username: Conversation.objects.visible_to(user).count() for user in (dana, sam, ada, eve, oper)}
    assert sees == {"dana": 1, "sam": 2, "ada": 2, "eve": 0, "oper": 0}
    assert {user.username: Message.objects.visible_to(user).count() for user in (dana, sam, ada, eve, oper)} == sees


def test_a_line_given_to_a_stranger_by_mistake_shows_nothing(conversation, boti_texts, eve, line):
    boti_texts("Hahó?")
    LineAccess.objects.create(line=line, user=eve)
    assert not Conversation.objects.visible_to(eve).exists()
    assert not Message.objects.visible_to(eve).exists()


def test_who_left_sees_nothing(conversation, dana, sam):
    for leaver in (dana, sam):
        leaver.is_active = False
        assert not Conversation.objects.visible_to(leaver).exists()


def test_the_rows_of_the_list_cost_two_queries_however_many(line, boti_texts, dana, django_assert_num_queries):
    for n in range(12):
        boti_texts("Hahó?", sender=f"+3630999{n:04}")
    with django_assert_num_queries(2):
        for row in Conversation.objects.visible_to(dana).with_row().order_by("-latest_at", "-id"):
            assert row.contact.number
            assert row.line.label
            assert row.latest_message.author is None
            assert row.assignee is None
            assert list(row.markers.all()) == []


def test_a_conversation_with_an_unseen_message_can_not_be_done(dana, boti_texts):
    first = boti_texts("Szia!")
    boti_texts("Még valami…", at=later(minutes=1))

    with pytest.raises(SomebodyTexted):
        mark_done(conversation=first.conversation, by=dana, now=later(minutes=2), seen=1)

    first.conversation.refresh_from_db()
    assert first.conversation.done_at is None
    assert mark_done(conversation=first.conversation, by=dana, now=later(minutes=3), seen=2)
