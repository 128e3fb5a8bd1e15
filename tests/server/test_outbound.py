from __future__ import annotations

import uuid
from functools import partial

import pytest

from server.accounts.models import Role
from server.contacts.models import Contact
from server.contacts.optout import opt_in
from server.events.models import Event, Kind
from server.lines.models import LineAccess
from server.messaging.conversations import save_draft
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Direction, Draft, Message, Status
from server.messaging.outbound import (
    AlreadyUsed,
    BodyEmpty,
    BodyTooLong,
    CanNotBeAnswered,
    NotAllowedToSend,
    OptedOut,
    ServiceOff,
    SomebodyWrote,
    UnableToSend,
    conversation_with,
    discard_sms,
    queue_sms,
    retry_sms,
)
from server.messaging.sending import mark_failed
from server.phone import NumberNotValid
from tests.conftest import NOW
from tests.server.conftest import later


def test_a_text_is_queued_and_becomes_the_rows_text(queue, conversation, dana):
    message = queue("Jövünk!")
    conversation.refresh_from_db()
    assert (message.direction, message.status, message.author, message.body) == (Direction.OUT, Status.QUEUED, dana, "Jövünk!")
    assert (conversation.latest_message, conversation.latest_at, conversation.has_failed) == (message, NOW, False)
    event = Event.objects.get()
    assert (event.kind, event.message_id) == (Kind.MESSAGE_CREATED, message.pk)


def test_the_same_uuid_again_is_the_same_message(queue):
    id_ = uuid.uuid4()
    assert queue(id=id_) == queue(id=id_)
    assert Message.objects.count() == Event.objects.count() == 1


def test_ten_posts_of_one_uuid_at_once_make_one_message(many_hands, queue):
    results = many_hands(*[partial(queue, id=uuid.uuid4())] * 10)
    assert {type(result) for result in results} == {Message}
    assert len({result.pk for result in results}) == 1
    assert Message.objects.count() == Event.objects.count() == 1


def test_a_uuid_repeated_after_a_stop_is_still_the_message_it_made(queue, boti_texts):
    id_ = uuid.uuid4()
    message = queue(id=id_)
    boti_texts("STOP")
    assert queue(id=id_, seen=0) == message


def test_a_uuid_of_another_message_is_refused_rather_than_losing_the_text(queue, conversation, sales_line, boti, sam, boti_texts):
    id_ = uuid.uuid4()
    queue("Jövünk!", id=id_)
    with pytest.raises(AlreadyUsed):
        queue("Jövünk!", id=id_, by=sam, to=conversation_between(line=sales_line, contact=boti, now=NOW))
    with pytest.raises(AlreadyUsed):
        queue("Jövünk!", id=id_, by=sam)
    with pytest.raises(AlreadyUsed):
        queue("Mégsem jövünk!", id=id_)
    with pytest.raises(AlreadyUsed):
        queue("Szia!", id=boti_texts("Szia!").uuid)
    assert Message.objects.outbound().count() == 1


def test_nothing_is_queued_for_who_asked_to_stop(queue, boti_texts, line, boti):
    boti_texts("STOP")
    with pytest.raises(OptedOut) as refusal:
        queue()
    assert refusal.value.opt_out.number == boti.number
    opt_in(line=line, number=boti.number, at=later(minutes=1))
    assert queue().status == Status.QUEUED


def test_nothing_is_queued_without_the_service(queue, conversation):
    activation = conversation.line.subscriber.activation
    activation.chat_since = activation.sms_since = None
    activation.save()
    with pytest.raises(ServiceOff):
        queue()


def test_nothing_is_queued_on_a_line_that_is_off(queue, conversation):
    conversation.line.is_active = False
    conversation.line.save()
    with pytest.raises(ServiceOff):
        queue()


def test_who_may_only_read_a_line_can_not_send_though_a_colleague_may(queue, dana, bela):
    LineAccess.objects.filter(user=dana).update(can_send=False)
    with pytest.raises(NotAllowedToSend):
        queue(by=dana)
    assert queue(by=bela).author == bela


def test_strangers_and_the_operator_can_not_send(queue, eve, oper, line):
    LineAccess.objects.create(line=line, user=eve)  # even by a slip of somebody's hand
    for stranger in (eve, oper):
        with pytest.raises(NotAllowedToSend):
            queue(by=stranger)


def test_who_left_can_not_send(queue, dana, sam):
    for leaver in (dana, sam):
        leaver.is_active = False
        with pytest.raises(NotAllowedToSend):
            queue(by=leaver)


def test_supervisors_send_from_every_line(queue, sam, ada):
    assert queue(by=sam).author == sam
    assert queue(by=ada).author == ada
    assert sam.role == Role.SUPERVISOR


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "\u00a0"])
def test_an_empty_text_is_refused(queue, body):
    with pytest.raises(BodyEmpty):
        queue(body)


@pytest.mark.parametrize(("body", "segments"), [("a" * 1531, 11), ("á" * 671, 11), ("a" * 10_000, 66)])
def test_more_than_ten_segments_are_refused(queue, body, segments):
    with pytest.raises(BodyTooLong) as refusal:
        queue(body)
    assert refusal.value.segments == segments
    assert not Message.objects.exists()


def test_ten_segments_are_not(queue):
    assert queue("a" * 1530).segments == 10


@pytest.mark.parametrize("sender", ["INFO", "1749"])
def test_a_name_or_short_code_can_not_be_answered(queue, line, sender):
    contact = Contact.objects.create(subscriber=line.subscriber, number=sender, created_at=NOW)
    with pytest.raises(CanNotBeAnswered):
        queue(to=conversation_between(line=line, contact=contact, now=NOW))


@pytest.mark.parametrize(("body", "kept"), [("a\x00\ud83db", "a\ufffd\ufffdb"), ("  két\r\nsor  ", "két\nsor"), ("😀", "😀")])
def test_what_is_sent_is_what_is_kept(queue, body, kept):
    message = queue(body)
    message.refresh_from_db()
    assert message.body == kept


def test_the_stale_thread_guard_shows_what_came_meanwhile(queue, boti_texts, bela):
    seen = boti_texts("Mikor jöttök?")
    wrote = [boti_texts("Hahó?", at=later(minutes=1)), queue("Mindjárt!", by=bela, at=later(minutes=2))]
    with pytest.raises(SomebodyWrote) as guard:
        queue("Nem tudom.", seen=seen.pk, at=later(minutes=3))
    assert guard.value.newer == wrote
    assert queue("Nem tudom.", seen=wrote[-1].pk, at=later(minutes=4)).status == Status.QUEUED


def test_ones_own_newer_message_is_no_reason_to_stop(queue, boti_texts):
    seen = boti_texts("Mikor jöttök?")
    queue("Mindjárt!", seen=seen.pk)
    assert queue("Úton vagyunk.", seen=seen.pk)


def test_the_guard_sees_a_late_message_though_it_stands_further_up(queue, line, boti_texts):
    seen = boti_texts("Mikor jöttök?")
    boti_texts("Ma?", at=later(hours=-1))
    with pytest.raises(SomebodyWrote):
        queue("Holnap.", seen=seen.pk)


def test_only_one_of_two_who_answer_at_once_is_not_told_of_the_other(many_hands, queue, boti_texts, dana, bela):
    seen = boti_texts("Mikor jöttök?").pk
    results = many_hands(partial(queue, "Ma.", by=dana, seen=seen), partial(queue, "Holnap.", by=bela, seen=seen))
    assert sorted(type(result).__name__ for result in results) == ["Message", "SomebodyWrote"]
    assert Message.objects.outbound().count() == 1


def test_sending_clears_ones_own_draft_only(queue, conversation, dana, bela):
    save_draft(conversation=conversation, by=dana, body="Jöv", now=NOW)
    save_draft(conversation=conversation, by=bela, body="Hol", now=NOW)
    queue("Jövünk!")
    assert [draft.user for draft in Draft.objects.all()] == [bela]


def test_a_refused_text_leaves_the_draft_and_the_row_as_they_were(queue, conversation, dana, boti_texts):
    boti_texts("STOP")
    save_draft(conversation=conversation, by=dana, body="Jöv", now=NOW)
    conversation.refresh_from_db()
    before = (conversation.latest_message_id, conversation.waiting_since, Event.objects.count())
    with pytest.raises(UnableToSend):
        queue("Jövünk!", at=later(minutes=1))
    conversation.refresh_from_db()
    assert (conversation.latest_message_id, conversation.waiting_since, Event.objects.count()) == before
    assert Draft.objects.get().body == "Jöv"


def test_a_conversation_is_opened_by_a_number_in_any_format(line, conversation):
    assert conversation_with(line=line, number="06 30 999 0001", now=NOW) == conversation
    with pytest.raises(NumberNotValid):
        conversation_with(line=line, number="INFO", now=NOW)
    assert Contact.objects.count() == 1


def test_two_who_open_one_conversation_at_once_open_one(many_hands, line):
    open_it = partial(conversation_with, line=line, number="06309990002", now=NOW)
    results = many_hands(*[open_it] * 6)
    assert len({conversation.pk for conversation in results}) == 1
    assert Conversation.objects.count() == 1


@pytest.fixture
def failed(queue, claim):
    def failed(body="Jövünk!", at=NOW):
        queue(body, at=at)
        message = claim(at=at)
        mark_failed(message=message, reason="invalid_number", provider_code="21211", now=at)
        return message

    return failed


def test_retry_sends_the_same_bubble_again(failed, dana, claim, conversation):
    message = failed()
    assert retry_sms(message=message, by=dana, now=later(minutes=1))
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.status, message.reason, message.provider_code, message.failed_at) == (Status.QUEUED, "", "", None)
    assert not conversation.has_failed
    assert claim(at=later(minutes=1)).attempts == 2


def test_retry_pressed_twice_is_one_retry(many_hands, failed, dana):
    message = failed()
    events = Event.objects.count()
    results = many_hands(*[partial(retry_sms, message=message, by=dana, now=NOW)] * 4)
    assert sorted(results) == [False, False, False, True]
    assert Event.objects.count() == events + 1


def test_retry_is_not_for_what_is_well_on_its_way(send, dana):
    assert not retry_sms(message=send(), by=dana, now=NOW)


def test_retry_asks_the_same_questions_as_sending(failed, dana, boti_texts):
    message = failed()
    boti_texts("STOP")
    with pytest.raises(OptedOut):
        retry_sms(message=message, by=dana, now=NOW)


def test_retrying_an_older_failure_leaves_the_red_mark_of_the_newest(failed, dana, conversation):
    older = failed("első")
    failed("második", at=later(minutes=1))
    retry_sms(message=older, by=dana, now=later(minutes=2))
    conversation.refresh_from_db()
    assert conversation.has_failed


def test_a_discarded_failure_is_gone_and_the_row_shows_the_one_before(failed, boti_texts, conversation, dana):
    asked = boti_texts("Mikor jöttök?")
    message = failed(at=later(minutes=1))
    assert discard_sms(message=message, now=later(minutes=2))
    assert not discard_sms(message=message, now=later(minutes=2))
    conversation.refresh_from_db()
    assert (conversation.latest_message, conversation.latest_at, conversation.has_failed) == (asked, NOW, False)
    assert not Message.objects.visible_to(dana).filter(pk=message.pk).exists()
    assert not retry_sms(message=message, by=dana, now=later(minutes=3))


def test_discarding_an_older_failure_leaves_the_red_mark_of_the_newest(failed, conversation):
    older, newer = failed("első"), failed("második", at=later(minutes=1))
    discard_sms(message=older, now=later(minutes=2))
    conversation.refresh_from_db()
    assert conversation.has_failed
    assert conversation.latest_message == newer


def test_what_is_on_its_way_or_went_out_can_not_be_discarded(queue, claim, send):
    sent = send()
    queued = queue()
    assert not discard_sms(message=queued, now=NOW)
    assert not discard_sms(message=sent, now=NOW)


def test_a_rules_text_has_no_author(conversation):
    message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Visszahívjuk.", author=None, now=NOW)
    assert message.author is None
