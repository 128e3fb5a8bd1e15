"""What is planned goes out: once, in the right way, or it says why not."""

from __future__ import annotations

import smtplib
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.calls.definition import Channel
from server.calls.models import Call, CallEvent, CallLogic, CallRule, RuleRun, Skipped, Telling
from server.calls.tasks import PAUSES, send_letter_of_call
from server.calls.telling import GIVES_UP_AFTER, tell_due
from server.contacts.optout import opt_out
from server.events.models import Event, Kind
from server.messaging.inbound import receive_sms
from server.messaging.models import Conversation, Message, Origin, Status
from tests.conftest import BOTI, NOW
from tests.journeys.mailbox import Mailbox
from tests.letters import letters_sent
from tests.services import free_port

THEIR_PHONE = "+36205550001"


@pytest.fixture
def call(kontakt, line, conversation):
    return Call.objects.create(
        subscriber=kontakt,
        line=line,
        conversation=conversation,
        exchange_id=uuid.uuid4().hex,
        state="missed",
        partner=BOTI,
        called=line.number,
        began_at=NOW,
        told_at=NOW,
    )


@pytest.fixture
def plan(kontakt, call):
    """`plan(Channel.SMS, dana)` plans that dana is told of the call; without a person, the caller."""
    definition = {"trigger": "missed", "steps": [{"who": "caller"}]}
    rule = CallRule.objects.create(subscriber=kontakt, name="Missed", definition=definition, created_at=NOW, updated_at=NOW)
    event = CallEvent.objects.create(call=call, kind="missed", at=NOW, told_at=NOW)
    run = RuleRun.objects.create(subscriber=kontakt, rule=rule, version=1, event=event, outcome="matched", at=NOW)

    def one(channel, person=None, *, body="Hívó: +36 30 999 0001", address=None, planned_at=NOW):
        own = {Channel.SMS: person.phone if person else BOTI, Channel.EMAIL: person.email if person else ""}.get(channel, "")
        return Telling.objects.create(
            run=run,
            step=Telling.objects.count(),
            user=person,
            channel=channel,
            address=own if address is None else address,
            language="hu",
            subject="Nem fogadott hívás: Kiss Boti",
            body=body,
            planned_at=planned_at,
        )

    return one


@pytest.fixture
def away_server(monkeypatch):
    """`away_server(problem)`: letters can't be handed over, until `away_server(None)`."""

    def go(problem):
        def refuse(self, messages):
            raise problem

        monkeypatch.setattr(EmailBackend, "send_messages", refuse if problem else given)

    given = EmailBackend.send_messages
    return go


def ended(telling):
    telling.refresh_from_db()
    return telling.state, telling.reason


def test_the_caller_gets_an_sms_that_nobody_wrote(plan, call):
    telling = plan(Channel.SMS)
    assert tell_due(now=NOW) == 1
    message = Message.objects.get()
    assert (message.uuid, message.origin, message.author, message.status) == (telling.uuid, Origin.RULE, None, Status.QUEUED)
    assert (message.conversation, message.body) == (call.conversation, telling.body)
    assert ended(telling) == ("told", "")
    assert (telling.message, telling.told_at, telling.segments) == (message, NOW, 1)
    assert tell_due(now=NOW) == 0
    assert Message.objects.count() == 1


def test_each_screen_with_the_call_hears_of_it(plan, call):
    plan(Channel.SMS)
    tell_due(now=NOW)
    event = Event.objects.order_by("number").last()
    assert (event.kind, event.message_id, event.conversation_id) == (Kind.CALL_CHANGED, call.pk, call.conversation_id)


def test_a_colleagues_sms_is_nobodys_work_until_they_answer(plan, dana, line):
    dana.phone = THEIR_PHONE
    dana.save()
    plan(Channel.SMS, dana)
    tell_due(now=NOW)
    conversation = Message.objects.get().conversation
    assert (conversation.contact.number, conversation.line, conversation.done_at) == (THEIR_PHONE, line, NOW)
    receive_sms(line=line, provider_account="simulator:", provider_message_id="x", sender=THEIR_PHONE, body="Hívom.", now=NOW)
    assert Conversation.objects.open().filter(pk=conversation.pk).exists()


def test_the_callers_and_the_colleagues_thread_are_locked_at_once_before_all_else(plan, dana, call):
    dana.phone = THEIR_PHONE
    dana.save()
    plan(Channel.SMS, dana)
    with CaptureQueriesContext(connection) as asked:
        tell_due(now=NOW)
    said = [query["sql"] for query in asked.captured_queries]
    taken = next(n for n, sql in enumerate(said) if sql.startswith('UPDATE "calls_telling"'))
    both = f"IN ({call.conversation_id}, {Message.objects.get().conversation_id})"
    assert any(sql.startswith('SELECT "messaging_conversation"') and both in sql for sql in said[:taken])
    assert not any(sql.startswith('UPDATE "messaging_conversation"') for sql in said[:taken])


def test_a_thread_that_is_open_with_a_colleagues_number_stays_open(plan, dana, line, kontakt):
    dana.phone = THEIR_PHONE
    dana.save()
    receive_sms(line=line, provider_account="simulator:", provider_message_id="x", sender=THEIR_PHONE, body="Szia", now=NOW)
    plan(Channel.SMS, dana)
    tell_due(now=NOW)
    assert Message.objects.outbound().get().conversation.done_at is None


def without_sms(line, kontakt):
    kontakt.activation.sms_since = kontakt.activation.chat_since = None
    kontakt.activation.save()


def switched_off(line, kontakt):
    line.is_active = False
    line.save()


def not_allowed(line, kontakt):
    line.countries = ["AT"]
    line.save()


def opted_out(line, kontakt):
    opt_out(line=line, number=BOTI, source="sms", at=NOW)


def stopped(line, kontakt):
    CallLogic.objects.create(subscriber=kontakt, stopped_at=NOW)


def blocked(line, kontakt):
    Conversation.objects.update(hidden_at=NOW)


def anonymous(line, kontakt):
    Call.objects.update(conversation=None, partner="")


def of_no_number(line, kontakt):
    Call.objects.update(conversation=None, partner="INFO")


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (without_sms, Skipped.SERVICE_OFF),
        (switched_off, Skipped.LINE_OFF),
        (not_allowed, Skipped.NOT_ALLOWED),
        (opted_out, Skipped.OPTED_OUT),
        (stopped, Skipped.STOPPED),
        (blocked, Skipped.BLOCKED),
        (anonymous, Skipped.ANONYMOUS),
        (of_no_number, Skipped.NO_NUMBER),
    ],
)
def test_what_can_not_be_sent_says_why(plan, line, kontakt, why, reason):
    telling = plan(Channel.SMS)
    why(line, kontakt)
    assert tell_due(now=NOW) == 1
    assert ended(telling) == ("skipped", reason)
    assert not Message.objects.exists()
    assert tell_due(now=NOW) == 0


@pytest.mark.parametrize(("body", "reason"), [("", Skipped.NO_TEXT), ("ő" * 700, Skipped.TOO_LONG)])
def test_a_text_that_can_not_be_sent_says_why(plan, body, reason):
    telling = plan(Channel.SMS, body=body)
    tell_due(now=NOW)
    assert ended(telling) == ("skipped", reason)


@pytest.mark.parametrize(
    ("channel", "address", "reason"),
    [(Channel.SMS, "", Skipped.NO_PHONE), (Channel.SMS, "123", Skipped.NO_NUMBER), (Channel.EMAIL, "", Skipped.NO_EMAIL)],
)
def test_a_colleague_who_can_not_be_reached_is_skipped(plan, dana, channel, address, reason):
    telling = plan(channel, dana, address=address)
    tell_due(now=NOW)
    assert ended(telling) == ("skipped", reason)


def test_one_that_goes_wrong_unexpectedly_keeps_nobody_else_from_being_told(plan, dana, monkeypatch):
    first, second = plan(Channel.SMS), plan(Channel.BROWSER, dana)

    def fail(**_words):
        raise RuntimeError("unexpected")

    monkeypatch.setattr("server.calls.telling.queue_sms", fail)
    assert tell_due(now=NOW) == 2
    assert ended(first) == ("skipped", "not_sent")
    assert ended(second) == ("told", "")


def test_any_number_of_dispatchers_tell_each_once(plan, dana, many_hands):
    plan(Channel.SMS)
    plan(Channel.BROWSER, dana)
    settled = many_hands(*[partial(tell_due, now=NOW)] * 4)
    assert sum(settled) == 2
    assert Message.objects.count() == 1
    assert Event.objects.filter(kind=Kind.TOLD).count() == 1


def test_a_notice_in_the_browser_is_for_one_person(plan, dana, line):
    telling = plan(Channel.BROWSER, dana)
    tell_due(now=NOW)
    event = Event.objects.get(kind=Kind.TOLD)
    assert (event.user_id, event.message_id, event.line_id) == (dana.pk, telling.pk, line.pk)
    assert ended(telling) == ("told", "")


# --- Letters ---


@pytest.fixture
def dana(dana):
    dana.email = "dana@example.com"
    dana.save()
    return dana


def test_a_letter_says_what_happened_in_plain_and_html_and_that_no_person_wrote_it(plan, dana, call):
    telling = plan(Channel.EMAIL, dana, body="Hívó: <b>Boti</b>\nIdőpont: 11.23. 11:00")
    tell_due(now=NOW)
    assert ended(telling) == ("sending", "")
    (letter,) = letters_sent()
    assert (letter.to, letter.subject) == (["dana@example.com"], "Nem fogadott hívás: Kiss Boti")
    head = letter.message()
    assert (head["Auto-Submitted"], head["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert head["Message-ID"].startswith(f"<{telling.uuid}@")
    assert letter.body.startswith("Hívó: <b>Boti</b>\nIdőpont: 11.23. 11:00\n\n-- \nOpen the conversation: http")
    assert f"/conversations/{call.conversation_id}/#entry-{call.uuid}" in letter.body
    html, kind = letter.alternatives[0]
    assert kind == "text/html"
    assert "Hívó: &lt;b&gt;Boti&lt;/b&gt;<br>\nIdőpont" in html
    assert ended(telling) == ("told", "")


def test_no_line_break_gets_into_its_head(plan, dana):
    telling = plan(Channel.EMAIL, dana)
    Telling.objects.filter(pk=telling.pk).update(subject="Boti\r\nBcc: eve@example.com")
    tell_due(now=NOW)
    (letter,) = letters_sent()
    assert letter.message()["Subject"] == "Boti Bcc: eve@example.com"
    assert letter.recipients() == ["dana@example.com"]


def test_the_thread_is_linked_only_for_who_may_see_the_line(plan, dana):
    plan(Channel.EMAIL, dana)
    dana.line_access.all().delete()
    tell_due(now=NOW)
    (letter,) = letters_sent()
    assert "/conversations/" not in letter.body
    assert "/call-logic/why/" in letter.body


def test_who_has_left_or_was_stopped_meanwhile_gets_no_letter(plan, dana, sam, kontakt):
    first, second = plan(Channel.EMAIL, dana), plan(Channel.EMAIL, sam, address="sam@example.com")
    tell_due(now=NOW)
    dana.is_active = False
    dana.save()
    CallLogic.objects.create(subscriber=kontakt, stopped_at=NOW)
    assert letters_sent() == []
    assert ended(first) == ("skipped", "inactive")
    assert ended(second) == ("skipped", "stopped")


def test_a_task_done_twice_sends_one_letter(plan, dana):
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    for _time in range(2):
        send_letter_of_call.func(telling.pk, 0)
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_asked_again_later_and_the_letter_sent_once(plan, dana, away_server):
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    away_server(ConnectionRefusedError())
    assert letters_sent() == []
    assert ended(telling) == ("sending", "")
    before = timezone.now()
    tell_due(now=before)
    assert letters_sent() == []
    away_server(None)
    tell_due(now=before + PAUSES[0] + timedelta(seconds=1))
    assert len(letters_sent()) == 1
    assert ended(telling) == ("told", "")
    tell_due(now=before + timedelta(hours=2))
    assert letters_sent() == []


def test_a_real_mail_server_that_was_down_gets_the_letter_once(plan, dana, settings):
    port = free_port()
    options = {"host": "127.0.0.1", "port": port, "timeout": 10}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    letters_sent()
    assert ended(telling) == ("sending", "")
    box = Mailbox(port)
    try:
        for minutes in (1, 2, 60):
            tell_due(now=timezone.now() + timedelta(minutes=minutes))
            letters_sent()
        (letter,) = box.letters_to("dana@example.com")
    finally:
        box.close()
    assert letter["Message-ID"].startswith(f"<{telling.uuid}@")
    assert letter.get_body(("plain",)).get_content().startswith("Hívó: +36 30 999 0001")
    assert ended(telling) == ("told", "")


def test_it_is_asked_at_growing_pauses(plan, dana, away_server):
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    away_server(smtplib.SMTPServerDisconnected())
    pauses = []
    for _attempt in range(len(PAUSES) + 1):
        began = timezone.now()
        letters_sent()
        telling.refresh_from_db()
        pauses.append(telling.lease_until - began)
        Telling.objects.update(planned_at=telling.lease_until)
        tell_due(now=telling.lease_until)
    assert all(waited >= pause for waited, pause in zip(pauses, [*PAUSES, PAUSES[-1]], strict=True))
    assert [*PAUSES] == sorted(PAUSES)


def test_after_a_day_it_is_given_up(plan, dana, away_server):
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    tell_due(now=NOW + GIVES_UP_AFTER)
    assert ended(telling) == ("skipped", "not_sent")
    assert letters_sent() == []


@pytest.mark.parametrize(("code", "state"), [(550, "skipped"), (450, "sending")])
def test_an_address_that_is_refused_for_good_is_not_tried_again(plan, dana, away_server, code, state):
    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    away_server(smtplib.SMTPRecipientsRefused({"dana@example.com": (code, b"no")}))
    letters_sent()
    assert ended(telling)[0] == state


def test_a_letter_whose_worker_died_is_sent_by_another(plan, dana):
    from django_tasks_db.models import DBTaskResult

    telling = plan(Channel.EMAIL, dana)
    tell_due(now=NOW)
    DBTaskResult.objects.all().delete()
    tell_due(now=NOW + timedelta(minutes=1))
    assert not DBTaskResult.objects.exists()
    tell_due(now=NOW + timedelta(minutes=3))
    assert len(letters_sent()) == 1
    assert ended(telling) == ("told", "")


def test_a_day_of_calls_does_not_fill_a_mailbox(plan, dana, sam, monkeypatch):
    monkeypatch.setattr("server.calls.telling.LETTERS_A_DAY", 2)
    letters = [plan(Channel.EMAIL, dana) for _ in range(4)]
    plan(Channel.EMAIL, sam, address="sam@kontakt.example")
    tell_due(now=NOW)
    assert len(letters_sent()) == 3
    assert [ended(letter) for letter in letters[2:]] == [("skipped", "letters")] * 2
    plan(Channel.EMAIL, dana, planned_at=NOW + timedelta(days=1))
    tell_due(now=NOW + timedelta(days=1))
    assert len(letters_sent()) == 1


def test_tasks_do_not_pile_up_where_no_worker_is(plan, dana):
    from django_tasks_db.models import DBTaskResult

    plan(Channel.EMAIL, dana)
    for minutes in range(0, 60, 3):
        tell_due(now=NOW + timedelta(minutes=minutes))
    assert DBTaskResult.objects.count() == 1
