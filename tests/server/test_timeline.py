from __future__ import annotations

import random
import uuid

import pytest

from server.messaging import timeline
from server.messaging.conversations import claim_conversation, write_note
from server.messaging.inbound import conversation_between
from server.messaging.models import Activity, ActivityKind, Direction, Message, Note, Status
from tests.conftest import NOW
from tests.server.conftest import later


def wrote(conversation, minutes: float, **more) -> Message:
    return Message.objects.create(
        subscriber=conversation.subscriber,
        conversation=conversation,
        line=conversation.line,
        direction=Direction.IN,
        status=Status.RECEIVED,
        body=f"{minutes}",
        created_at=later(minutes=minutes),
        **more,
    )


def noted(conversation, dana, minutes: float) -> Note:
    return Note.objects.create(conversation=conversation, author=dana, body="n", created_at=later(minutes=minutes))


def happened(conversation, minutes: float) -> Activity:
    return Activity.objects.create(conversation=conversation, kind=ActivityKind.DONE, at=later(minutes=minutes))


@pytest.fixture
def busy_thread(conversation, dana):
    """230 messages, some late, some at the same moment, some taken away, with notes and activities anywhere; in their order."""
    chance = random.Random(6)
    entries = [wrote(conversation, chance.randrange(0, 150)) for _ in range(230)]
    for message in chance.sample(entries, 20):
        Message.objects.filter(pk=message.pk).update(deleted_at=NOW)
        entries.remove(message)
    # On the same minutes as the messages, and before the first and after the last of them.
    entries += [noted(conversation, dana, chance.randrange(-5, 155)) for _ in range(40)]
    entries += [happened(conversation, chance.randrange(-5, 155)) for _ in range(40)]
    return sorted(entries, key=lambda entry: entry.position)


def backwards(conversation, page: timeline.Page) -> list[timeline.Entry]:
    entries = list(page.entries)
    while page.older is not None:
        page = timeline.page_before(conversation, page.older)
        entries = [*page.entries, *entries]
    return entries


def forwards(conversation, page: timeline.Page) -> list[timeline.Entry]:
    entries = list(page.entries)
    while page.newer is not None:
        page = timeline.page_after(conversation, page.newer)
        entries = [*entries, *page.entries]
    return entries


def test_walking_back_from_the_end_shows_every_entry_once(conversation, busy_thread):
    assert backwards(conversation, timeline.latest_page(conversation)) == busy_thread


def test_walking_both_ways_from_any_message_shows_every_entry_once(conversation, busy_thread):
    for message in [entry for entry in busy_thread if isinstance(entry, Message)][::9]:
        page = timeline.page_around(conversation, message.pk)
        assert message in page.entries
        before, after = backwards(conversation, page), forwards(conversation, page)
        assert before[: len(before) - len(page.entries)] + after == busy_thread


def test_walking_back_and_then_forth_comes_to_the_same_end(conversation, busy_thread):
    page = timeline.latest_page(conversation)
    while page.older is not None:
        page = timeline.page_before(conversation, page.older)
    assert forwards(conversation, page) == busy_thread


def test_a_page_has_forty_messages_at_most(conversation, busy_thread):
    page = timeline.latest_page(conversation)
    assert 0 < sum(isinstance(entry, Message) for entry in page.entries) <= timeline.PAGE
    assert page.newer is None
    older = timeline.page_before(conversation, page.older)
    assert timeline.page_after(conversation, older.newer).entries == page.entries


def test_a_message_taken_away_between_two_pages_loses_no_note(conversation, dana):
    messages = [wrote(conversation, n) for n in range(50)]
    note = noted(conversation, dana, 9.5)
    page = timeline.latest_page(conversation)
    Message.objects.filter(pk=page.older).update(deleted_at=NOW)
    assert page.older == messages[10].pk
    assert note in timeline.page_before(conversation, page.older).entries


def test_a_message_that_came_late_stands_where_it_belongs(conversation):
    first, last = wrote(conversation, 1), wrote(conversation, 3)
    late = wrote(conversation, 2)
    assert timeline.latest_page(conversation).entries == [first, late, last]


def test_entries_of_one_millisecond_keep_the_order_of_the_rows(conversation):
    second, first = wrote(conversation, 0.00001), wrote(conversation, 0.000005)
    assert timeline.latest_page(conversation).entries == [first, second]
    assert first.position < second.position


def test_an_empty_thread_is_an_empty_page_but_shows_its_notes(conversation, dana):
    assert timeline.latest_page(conversation) == timeline.Page([], None, None)
    note = noted(conversation, dana, 0)
    assert timeline.latest_page(conversation).entries == [note]


def test_there_is_nothing_before_the_first_and_after_the_last(conversation, dana):
    message = wrote(conversation, 0)
    noted(conversation, dana, -1)
    noted(conversation, dana, 1)
    assert timeline.page_before(conversation, message.pk).entries == []
    assert timeline.page_after(conversation, message.pk).entries == []


def test_a_message_of_another_conversation_opens_no_page(conversation, rival_line, rival):
    from server.contacts.models import Contact

    contact = Contact.objects.create(subscriber=rival, number="+36309990009", created_at=NOW)
    theirs = wrote(conversation_between(line=rival_line, contact=contact, now=NOW), 0)
    ours = wrote(conversation, 0)
    for page in (timeline.page_before, timeline.page_after):
        with pytest.raises(Message.DoesNotExist):
            page(conversation, theirs.pk)
    assert timeline.page_around(conversation, theirs.pk).entries == [ours]


def test_a_page_costs_so_many_queries_however_many_entries(conversation, busy_thread, dana, bela, django_assert_num_queries):
    write_note(uuid=uuid.uuid4(), conversation=conversation, body="n", author=dana, now=later(minutes=149))
    claim_conversation(conversation=conversation, by=bela, now=later(minutes=149))
    middle = next(entry for entry in busy_thread[150:] if isinstance(entry, Message)).pk
    # Two of them ask for calls and promises, which rooms above place in a thread.
    for queries, ask in ((5, timeline.latest_page), (6, timeline.page_before), (6, timeline.page_after), (7, timeline.page_around)):
        with django_assert_num_queries(queries):
            page = ask(conversation) if ask is timeline.latest_page else ask(conversation, middle)
            for entry in page.entries:
                assert entry.conversation.line_id
                assert str(getattr(entry, "author", None) or getattr(entry, "actor", None))


def test_what_an_event_added_is_found_by_its_time(conversation, dana):
    noted(conversation, dana, 0)
    note, activity = noted(conversation, dana, 5), happened(conversation, 6)
    assert timeline.entries_since(conversation, later(minutes=5)) == [note, activity]
