from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import pytest

from server.calls.definition import Definition, Step, Trigger, Who
from server.calls.models import Call, CallEvent, CallParameter, CallRule, MessageNode
from server.calls.promises import open_promise
from server.calls.recording import GRACE, Told, record_call_event
from server.contacts.models import Contact
from server.events.models import Event, Kind
from server.messaging.conversations import mark_done
from server.messaging.models import Conversation
from server.messaging.partners import block_sender, unblock_sender
from tests.conftest import BOTI, NOW
from tests.server.conftest import later


@pytest.fixture
def tell(line):
    """What the exchange tells of one call: `tell("missed")`."""

    def tell(kind, *, now=None, to=line, **changes):
        at = changes.pop("at", NOW)
        said = {"exchange_id": "c1", "caller": BOTI, "called": "+36301110001", **changes}
        return record_call_event(line=to, told=Told(kind=kind, at=at, **said), now=now or max(at, NOW))

    return tell


@pytest.fixture
def rule(kontakt):
    """`rule(Trigger.MISSED)`: a rule that tells the caller."""

    def rule(trigger, **changes):
        says = Definition(trigger=trigger, steps=(Step(who=Who.CALLER),)).to_json()
        return CallRule.objects.create(subscriber=kontakt, name="Rule", definition=says, created_at=NOW, updated_at=NOW, **changes)

    return rule


def conversation_of(number=BOTI) -> Conversation:
    return Conversation.objects.get(contact__number=number)


def test_a_missed_call_of_a_stranger_makes_contact_thread_call_and_one_event(tell, line):
    recorded = tell("missed")
    call, thread = Call.objects.get(), conversation_of()
    assert recorded.is_new
    assert (call.state, call.partner, call.called, call.line, call.conversation) == ("missed", BOTI, line.number, line, thread)
    assert (call.began_at, call.ended_at, call.told_at, call.answered_at) == (NOW, NOW, NOW, None)
    assert (thread.call_at, thread.call_state, thread.latest_at, thread.waiting_since) == (NOW, "in:missed", NOW, NOW)
    event = Event.objects.get()
    assert (event.kind, event.line_id, event.conversation_id, event.message_id) == (
        Kind.CALL_CHANGED, line.pk, thread.pk, call.pk,
    )  # fmt: skip


def test_a_call_in_its_order(tell):
    tell("ringing")
    tell("answered", at=later(seconds=8), agent="Bea", queue="Support", duration=60)
    call = Call.objects.get()
    assert (call.state, call.began_at, call.answered_at) == ("answered", NOW, later(seconds=8))
    assert (call.ended_at, call.duration, call.agent, call.queue) == (later(seconds=68), 60, "Bea", "Support")
    assert conversation_of().call_state == "in:answered"
    assert [event.kind for event in call.events.order_by("pk")] == ["ringing", "answered"]


def test_the_same_told_again_changes_nothing(tell):
    first = tell("missed", parameters={"shop": "Győr"})
    again = tell("missed", parameters={"shop": "Győr"}, now=later(seconds=20))
    assert (first.is_new, again.is_new, again.event.pk, again.call.pk) == (True, False, first.event.pk, first.call.pk)
    assert Call.objects.count() == CallEvent.objects.count() == Event.objects.count() == 1


def test_what_was_left_out_at_first_is_filled_in_and_what_is_known_stays(tell):
    tell("answered", agent="Bea")
    again = tell("answered", at=later(seconds=40), agent="Pál", duration=30)
    call = Call.objects.get()
    assert not again.is_new
    assert (call.agent, call.duration, call.answered_at, call.ended_at) == ("Bea", 30, NOW, later(seconds=30))
    assert Event.objects.count() == 2


@pytest.mark.parametrize("unanswered", ["missed", "busy", "failed"])
def test_answered_stays_answered_whatever_comes_after(tell, unanswered):
    tell("answered", at=later(seconds=8))
    tell(unanswered, at=later(seconds=20))
    tell("ringing", at=NOW)
    call, thread = Call.objects.get(), conversation_of()
    assert (call.state, call.began_at, call.answered_at) == ("answered", NOW, later(seconds=8))
    assert (thread.waiting_since, thread.call_state, thread.call_at, thread.latest_at) == (None, "in:answered", NOW, NOW)
    assert call.events.count() == 3


def test_missed_by_one_and_answered_by_another_is_answered_and_nobody_waits(tell):
    tell("missed", at=later(seconds=20))
    assert conversation_of().waiting_since == later(seconds=20)
    tell("answered", at=later(seconds=5), now=later(seconds=21))
    assert (conversation_of().waiting_since, Call.objects.get().ended_at) == (None, None)


def test_of_two_ways_to_be_unanswered_the_first_stays(tell):
    tell("busy")
    tell("missed", at=later(seconds=1))
    assert Call.objects.get().state == "busy"


def test_an_event_from_the_future_happened_now(tell):
    tell("missed", at=later(hours=1), now=NOW)
    assert (Call.objects.get().began_at, CallEvent.objects.get().at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("caller", "partner"),
    [
        ("+266696687", ""),
        ("+266-696-687", ""),
        ("", ""),
        ("anonymous", ""),
        ("Anonymous", ""),
        ("Restricted", ""),
        ("Unavailable", ""),
        ("unknown", ""),
        ("private", ""),
        ("+86282452253", ""),
        ("+7378742833", ""),
        ("sip:anonymous@anonymous.invalid", ""),
        ('"Anonymous" ', ""),
        ("1749", "1749"),
        ("+112", "+112"),
        ("Recepció", "Recepció"),
        ("\x00A", "\ufffdA"),
    ],
)
def test_callers_without_a_number_are_recorded_without_a_thread(tell, rule, caller, partner):
    rule(Trigger.NOT_REACHED)
    call = tell("missed", caller=caller).call
    assert (call.partner, call.conversation, call.is_anonymous) == (partner, None, partner == "")
    assert Contact.objects.count() == Conversation.objects.count() == 0
    # A team may be told of them all the same.
    assert CallEvent.objects.get().due_at is not None
    assert Event.objects.get().conversation_id is None


@pytest.mark.parametrize(
    "written",
    ["+36309990001", "36309990001", "06309990001", "06 30 / 999-0001", "sip:+36309990001@pbx.hu;user=phone", "tel:+36309990001"],
)
def test_a_number_is_read_however_the_exchange_writes_it(tell, written):
    assert tell("missed", caller=written).call.conversation == conversation_of(BOTI)


def test_two_calls_are_two_rows_and_so_is_the_same_id_on_another_line(tell, sales_line):
    tell("missed")
    tell("missed", exchange_id="c2")
    tell("missed", to=sales_line)
    assert Call.objects.count() == 3


def test_a_caller_told_after_the_ringing_gives_the_call_its_thread(tell):
    tell("ringing", caller="")
    assert Call.objects.get().conversation is None
    tell("missed", at=later(seconds=20))
    call = Call.objects.get()
    assert (call.partner, call.conversation) == (BOTI, conversation_of())
    assert conversation_of().waiting_since == later(seconds=20)


def test_an_event_without_the_caller_belongs_to_the_call_all_the_same(tell):
    tell("ringing")
    tell("key", key="1", caller="", called="", at=later(seconds=4))
    call = Call.objects.get()
    assert (call.partner, call.called, call.conversation) == (BOTI, "+36301110001", conversation_of())


def test_a_key_counts_once_however_often_it_is_pressed_and_each_key_for_itself(tell, rule):
    rule(Trigger.KEY)
    for key in ["1", "1", "2", "1"]:
        tell("key", key=key)
    assert [event.detail for event in CallEvent.objects.order_by("pk")] == ["1", "2"]
    assert Call.objects.get().state == "ringing"


def test_a_node_is_reached_once_per_call(tell, rule, kontakt):
    rule(Trigger.NODE)
    node = MessageNode.objects.create(subscriber=kontakt, name="After hours", created_at=NOW)
    events = [tell("node", node=node).event for _ in range(3)]
    assert {event.pk for event in events} == {CallEvent.objects.get().pk}
    assert (events[0].node, events[0].detail, events[0].due_at) == (node, str(node.key), NOW)


@pytest.mark.parametrize(
    ("trigger", "fires_for"),
    [
        (Trigger.NOT_REACHED, {"missed", "busy", "failed"}),
        (Trigger.MISSED, {"missed"}),
        (Trigger.BUSY, {"busy"}),
        (Trigger.FAILED, {"failed"}),
        (Trigger.ANSWERED, {"answered"}),
        (Trigger.KEY, {"key"}),
        (Trigger.NODE, {"node"}),
    ],
)
def test_the_rules_look_at_what_one_of_them_waits_for(tell, rule, trigger, fires_for):
    rule(trigger)
    kinds = ["ringing", "missed", "busy", "failed", "answered", "key", "node"]
    due = {kind for kind in kinds if tell(kind, exchange_id=kind).event.due_at is not None}
    assert due == fires_for


def test_a_missed_call_waits_a_moment_for_an_answered_that_was_overtaken(tell, rule):
    rule(Trigger.NOT_REACHED)
    rule(Trigger.KEY)
    assert tell("missed").event.due_at == NOW + GRACE
    assert tell("key", key="1").event.due_at == NOW


def test_rules_that_are_off_deleted_or_another_company_s_are_none(tell, rule, rival):
    rule(Trigger.MISSED, is_active=False)
    rule(Trigger.MISSED, deleted_at=NOW)
    CallRule.objects.update_or_create(pk=rule(Trigger.MISSED).pk, defaults={"subscriber": rival})
    assert tell("missed").event.due_at is None


@pytest.mark.parametrize(("minutes", "is_late"), [(15, False), (15.1, True), (600, True)])
def test_a_call_told_more_than_fifteen_minutes_late_is_kept_but_fires_no_rule(tell, rule, minutes, is_late):
    rule(Trigger.MISSED)
    event = tell("missed", now=NOW + timedelta(minutes=minutes)).event
    assert (event.is_late, event.due_at is None) == (is_late, is_late)
    assert conversation_of().call_state == "in:missed"


def test_a_call_told_late_takes_its_place_and_nobody_waits_who_was_answered_since(tell, boti_texts, queue, conversation):
    boti_texts("Hívtam Önöket", at=later(minutes=5))
    queue("Visszahívjuk!", at=later(minutes=6))
    tell("missed", now=later(minutes=30))
    conversation.refresh_from_db()
    assert (conversation.waiting_since, conversation.latest_at, conversation.call_at) == (None, later(minutes=6), NOW)


def test_a_late_answered_does_not_answer_the_text_that_came_after_it(tell, boti_texts, conversation):
    boti_texts("Még egy kérdés", at=later(minutes=5))
    tell("answered", now=later(minutes=10))
    conversation.refresh_from_db()
    assert conversation.waiting_since == later(minutes=5)


def test_an_older_call_does_not_take_the_row_from_a_newer_one(tell):
    tell("answered", exchange_id="c2", at=later(minutes=5))
    tell("missed", exchange_id="c1", now=later(minutes=6))
    thread = conversation_of()
    assert (thread.call_state, thread.call_at, thread.waiting_since) == ("in:answered", later(minutes=5), None)


def test_a_ringing_told_after_the_end_makes_another_call_the_newest(tell):
    tell("answered", exchange_id="c1", at=later(minutes=5))
    tell("missed", exchange_id="c2", at=later(minutes=6))
    tell("ringing", exchange_id="c2", at=later(minutes=4), now=later(minutes=6))
    thread = conversation_of()
    assert (thread.call_state, thread.call_at, thread.latest_at) == ("in:answered", later(minutes=5), later(minutes=5))


def test_a_call_brings_a_finished_thread_back_and_a_text_keeps_its_place_below(tell, boti_texts, conversation, dana):
    text = boti_texts("Köszi!")
    mark_done(conversation=conversation, by=dana, now=NOW)
    tell("missed", at=later(minutes=1))
    conversation.refresh_from_db()
    assert (conversation.done_at, conversation.latest_message, conversation.latest_at) == (None, text, later(minutes=1))


def test_who_is_finished_with_during_the_call_stays_finished(tell, conversation, dana):
    tell("ringing")
    mark_done(conversation=conversation, by=dana, now=NOW)
    tell("answered", at=later(seconds=5))
    conversation.refresh_from_db()
    assert conversation.done_at == NOW


def test_an_outgoing_call_settles_the_wait_and_looks_for_no_rule(tell, rule, boti_texts, conversation):
    rule(Trigger.MISSED)
    boti_texts("Hívjanak vissza!")
    out = {"direction": "out", "caller": "+36301110001", "called": BOTI, "exchange_id": "o1"}
    recorded = tell("missed", at=later(minutes=3), **out)
    conversation.refresh_from_db()
    assert (recorded.call.partner, recorded.call.conversation, recorded.event.due_at) == (BOTI, conversation, None)
    assert (conversation.waiting_since, conversation.call_state) == (None, "out:missed")


@pytest.mark.parametrize(
    ("kind", "changes", "is_kept"),
    [
        ("ringing", {"direction": "out", "caller": "", "called": BOTI}, True),
        ("answered", {}, True),
        ("ringing", {}, False),
        ("missed", {}, False),
        ("answered", {"at": later(minutes=-5)}, False),
    ],
)
def test_a_call_of_ours_or_an_answered_one_keeps_the_promise_and_follows_the_missed_call_up(tell, kind, changes, is_kept):
    missed = tell("missed").call
    promise = open_promise(call=missed, rule=None, due_at=later(hours=1), now=NOW)
    tell(kind, exchange_id="c2", **{"at": later(minutes=10), **changes})
    promise.refresh_from_db()
    missed.refresh_from_db()
    assert (promise.kept_at is not None, missed.followed_up_at is not None) == (is_kept, is_kept)
    assert (conversation_of().promised_until is None) == is_kept


def test_a_blocked_caller_is_kept_out_of_sight_and_fires_no_rule(tell, rule, boti, conversation, ada):
    rule(Trigger.MISSED)
    block_sender(entry=boti, by=ada, now=NOW)
    event = tell("missed", at=later(minutes=1)).event
    conversation.refresh_from_db()
    assert (event.due_at, conversation.hidden_at, conversation.waiting_since) == (None, NOW, None)
    assert event.call.conversation == conversation
    unblock_sender(entry=boti, by=ada, now=later(minutes=2))
    conversation.refresh_from_db()
    assert (conversation.call_at, conversation.call_state, conversation.latest_at) == (
        later(minutes=1),
        "in:missed",
        later(minutes=1),
    )


def test_a_blocked_caller_on_a_line_they_never_used_is_hidden_there_too(tell, boti, ada):
    block_sender(entry=boti, by=ada, now=NOW)
    tell("missed", at=later(minutes=1))
    assert conversation_of().hidden_at is not None


def test_parameters_are_kept_with_the_call_and_their_longest_values_for_the_company(tell, kontakt):
    tell("ringing", parameters={"shop": "Győr", "order": "17"})
    tell("missed", parameters={"shop": "Szombathely"}, at=later(seconds=1))
    tell("missed", exchange_id="c2", parameters={"shop": "Pécs"})
    assert Call.objects.get(exchange_id="c1").parameters == {"shop": "Szombathely", "order": "17"}
    longest = {row.name: row.longest for row in CallParameter.objects.filter(subscriber=kontakt)}
    assert longest == {"shop": "Szombathely", "order": "17"}


def test_of_a_person_who_was_erased_nothing_is_learned_anew(tell):
    call = tell("ringing", caller="").call
    Call.objects.filter(pk=call.pk).update(redacted_at=NOW)
    tell("missed", parameters={"name": "Boti"}, agent="Bea", queue="Q")
    call.refresh_from_db()
    assert (call.state, call.partner, call.parameters, call.agent, call.queue) == ("missed", "", {}, "", "")
    assert CallParameter.objects.count() == Contact.objects.count() == 0


def test_ten_tellings_of_one_call_at_once_are_one_call(many_hands, line, tell):
    results = many_hands(*[partial(tell, "missed")] * 10)
    assert sorted(result.is_new for result in results) == [False] * 9 + [True]
    assert Call.objects.count() == CallEvent.objects.count() == Conversation.objects.count() == Event.objects.count() == 1


def test_a_withheld_call_told_by_many_at_once_is_one_call(many_hands, tell):
    results = many_hands(*[partial(tell, "missed", caller="")] * 6)
    assert sorted(result.is_new for result in results) == [False] * 5 + [True]
    assert Call.objects.count() == CallEvent.objects.count() == Event.objects.count() == 1


def test_all_that_happens_in_a_call_told_at_once_ends_as_answered(many_hands, tell):
    parameters = {"shop": "Győr", "order": "17"}
    kinds = ["ringing", "missed", "answered", "busy", "failed"]
    results = many_hands(
        *[partial(tell, kind, parameters=parameters, caller=caller) for kind in kinds for caller in (BOTI, "")],
        *[partial(tell, "missed", exchange_id=uuid.uuid4().hex, parameters=parameters) for _ in range(3)],
    )
    assert not [result for result in results if isinstance(result, Exception)]
    call = Call.objects.get(exchange_id="c1")
    assert (call.state, call.partner, call.conversation) == ("answered", BOTI, conversation_of())
    assert call.events.count() == 5
    assert CallParameter.objects.count() == 2
    numbers = [event.number for event in Event.objects.order_by("number")]
    assert numbers == list(range(1, len(numbers) + 1))
