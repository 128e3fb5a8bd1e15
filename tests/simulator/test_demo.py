"""The demo company: loaded once, true in itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from server import sms
from server.accounts.models import Role, ServiceRequest, Subscriber, User
from server.calls.checking import check_definition
from server.calls.models import Call, CallEvent, Promise, Telling
from server.calls.rules import live_rules
from server.contacts.models import Contact, OptOut
from server.contacts.optout import Wish, wish_of
from server.events.models import Event
from server.messaging.conversations import unread_by
from server.messaging.models import WENT_WRONG, Conversation, Message, Note, Origin, ReadMarker, Status
from server.messaging.reasons import Reason
from simulator import company, dialogues
from simulator.demo import load_demo, people


def test_a_company_with_its_people_and_lines(rokolya):
    roles = Counter(rokolya.users.values_list("role", flat=True))

    assert roles == {Role.COLLEAGUE: 3, Role.SUPERVISOR: 1, Role.ADMINISTRATOR: 1, Role.AUDITOR: 1}
    assert sorted(rokolya.lines.values_list("label", flat=True)) == ["Anna", "Rendelések", "Ügyfélszolgálat"]
    assert [person.username for person in people()] == ["anna", "bela", "csaba", "judit", "marton", "erzsi", "operator"]
    assert rokolya.users.get(username="anna").check_password(company.PASSWORD)
    assert rokolya.has_chat


def _written(subscriber: Subscriber):
    """The conversations that nobody has called in, or was told of a call in."""
    shown = Conversation.objects.shown().filter(subscriber=subscriber, calls=None)
    return shown.exclude(pk__in=Message.objects.filter(origin=Origin.RULE).values("conversation"))


def test_calls_of_the_last_weeks_and_what_came_of_them(rokolya):
    calls, now = Call.objects.filter(subscriber=rokolya), timezone.now()

    assert set(calls.values_list("state", flat=True)) == {"missed", "answered", "busy"}
    assert calls.filter(partner="").exists()
    assert calls.filter(partner__startswith="+44").exists()
    assert not CallEvent.objects.filter(due_at__lt=now - timedelta(minutes=1)).exists()
    assert not Telling.objects.filter(state__in=["planned", "sending"]).exists()
    told = Telling.objects.filter(run__subscriber=rokolya, channel="sms", state="told")
    assert told.count() == Message.objects.filter(origin=Origin.RULE).count() > 10
    assert all(one.message.status == Status.DELIVERED and one.message.body == one.body for one in told.select_related("message"))
    promises = Promise.objects.filter(subscriber=rokolya)
    assert promises.filter(kept_at=None, due_at__lt=now).count() == promises.filter(kept_at=None, due_at__gt=now).count() == 1
    assert promises.exclude(kept_at=None).count() > 3
    assert not calls.filter(began_at__gt=now).exists()
    csaba = rokolya.users.get(username="csaba")
    foreign = Telling.objects.filter(run__event__call__partner__startswith="+44", user__isnull=False)
    assert {one.user for one in foreign.select_related("user")} == {csaba}


def test_three_hundred_conversations_over_six_months(rokolya):
    conversations = _written(rokolya)
    messages = Message.objects.filter(subscriber=rokolya)
    contacts = Contact.objects.filter(subscriber=rokolya)
    assert not contacts.filter(number="").exists(), "who withholds a number is in no phone book"

    assert conversations.count() == 300
    assert not messages.filter(created_at__gt=timezone.now()).exists()
    assert messages.earliest("created_at").created_at < timezone.now() - timedelta(days=160)
    assert 0.6 < contacts.exclude(name="").count() / contacts.count() < 0.75
    assert 0.4 < conversations.exclude(done_at=None).count() / 300 < 0.6


def test_a_neighbour_asks_for_what_it_does_not_have(rokolya):
    szomszed = Subscriber.objects.get(slug="szomszed")
    assert not szomszed.has_sms
    assert szomszed.users.get().check_password(company.PASSWORD)
    assert ServiceRequest.objects.get(settled_at=None).subscriber == szomszed
    assert "szabina" not in [person.username for person in people()]


def test_call_logic_is_ready_and_each_company_has_its_own(rokolya):
    rules = [rule.name for rule in live_rules(rokolya)]

    assert rules[:3] == ["Visszahívást ígérünk", "Külföldről hívnak", "Itthonról hívnak"]
    assert [rule.name for rule in live_rules(rokolya).filter(is_active=False)] == ["Zárás után keresnek"]
    assert [rule.name for rule in live_rules(Subscriber.objects.get(slug="szomszed"))] == ["Nem fogadott hívás"]
    for rule in live_rules(rokolya):
        check_definition(rule.says, subscriber=rokolya, name=rule.name)


def test_a_second_load_keeps_what_people_have_done(rokolya):
    Contact.objects.filter(subscriber=rokolya, number="+36309990001").update(name="Kiss Ilona Mária")
    before = Message.objects.count()
    out = StringIO()

    call_command("demo", stdout=out)

    assert "kept" in out.getvalue()
    assert Message.objects.count() == before
    assert Contact.objects.get(subscriber=rokolya, number="+36309990001").name == "Kiss Ilona Mária"


def test_what_is_stored_with_a_conversation_agrees_with_its_messages(rokolya):
    for conversation in _written(rokolya).prefetch_related("messages"):
        messages = sorted(conversation.messages.all(), key=lambda message: message.pk)
        assert [message.created_at for message in messages] == sorted(message.created_at for message in messages)
        assert conversation.latest_message_id == messages[-1].pk
        assert conversation.latest_at == messages[-1].created_at
        assert conversation.inbound_count == sum(message.is_inbound for message in messages)
        outbound = [message for message in messages if not message.is_inbound]
        assert conversation.has_failed == bool(outbound and outbound[-1].status in WENT_WRONG)
        if conversation.waiting_since:
            assert conversation.done_at is None
            assert conversation.waiting_since == _waiting_since(messages)


def test_each_message_stands_on_the_line_of_its_conversation(rokolya):
    assert Message.objects.filter(subscriber=rokolya).count() > 1000
    assert not Message.objects.exclude(line=F("conversation__line")).exists()
    assert not Message.objects.exclude(subscriber=F("conversation__subscriber")).exists()


def _waiting_since(messages: list[Message]) -> datetime | None:
    since = None
    for message in messages:
        since = (since or message.created_at) if message.is_inbound else None
    return since


def test_costs_times_and_reasons_are_those_of_the_product(rokolya):
    for message in Message.objects.filter(subscriber=rokolya).exclude(origin=Origin.RULE):
        count = sms.count_segments(message.body)
        assert (message.encoding, message.segments) == (count.encoding, count.segments)
        assert (message.author is None) == message.is_inbound
        assert bool(message.delivered_at) == (message.status == Status.DELIVERED)
        assert bool(message.reason) == bool(message.failed_at) == (message.status in WENT_WRONG)
        assert not message.sent_at or message.sent_at <= (message.delivered_at or message.failed_at or timezone.now())


def test_every_way_of_failing_can_be_seen(rokolya):
    shown = set(Message.objects.exclude(reason="").values_list("reason", flat=True))

    # Whom a company has erased, nobody sees any more. What rules send meets limits of its own.
    of_rules = {Reason.AUTOMATIC_LIMIT, Reason.AUTOMATIC_STOPPED, Reason.OWN_LINE}
    assert shown - of_rules == set(Reason.values) - of_rules - {Reason.EMPTY, Reason.ERASED}
    assert Message.objects.filter(status=Status.UNCONFIRMED).exists()
    assert not Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING, Status.HELD]).exists()


def test_who_texted_stop_has_opted_out_and_heard_nothing_since(rokolya):
    stopped = [message for message in Message.objects.inbound().order_by("id") if wish_of(message.body) is Wish.STOP]

    assert len(stopped) == OptOut.objects.count() == 3
    assert OptOut.objects.exclude(ended_at=None).count() == 1
    for opt_out in OptOut.objects.filter(ended_at=None):
        later = Message.objects.outbound().filter(conversation__contact__number=opt_out.number, created_at__gt=opt_out.opted_out_at)
        assert not later.exclude(status=Status.FAILED).exists()


def test_the_list_opens_with_the_same_picture(rokolya):
    newest = _written(rokolya).open().order_by("-latest_at")[:12]

    assert [str(conversation.contact) for conversation in newest] == [
        "Kiss Ilona",
        "Tóth Bence",
        "James Miller",
        "+36 70 401 2288",
        "Szabó Eszter",
        "Nagy Gergő",
        "Horváth Zsófi",
        "Varga Péter",
        "INFO",
        "Molnár Attila",
        "Farkas Dóra",
        "+49 1512 3456789",
    ]
    anna = User.objects.get(username="anna")
    assert unread_by(anna)[:2] == [newest[0].pk, newest[1].pk]
    assert newest[5].drafts.get().user == anna
    assert Note.objects.filter(conversation=newest[0], mentions=anna).exists()
    assert newest[0].inbound_count - ReadMarker.objects.get(conversation=newest[0], user=anna).inbound_read == 2


@pytest.mark.parametrize("clock", ["00:04", "03:13", "11:00", "23:58"])
def test_it_looks_alive_at_any_hour(demo_is_on, db, clock):
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 10, 26, hour, minute, tzinfo=UTC)

    rokolya = load_demo(now=now)

    newest = _written(rokolya).open().order_by("-latest_at")
    assert str(newest.first().contact) == "Kiss Ilona"
    assert newest.first().latest_at > now - timedelta(minutes=5)
    assert not Message.objects.filter(created_at__gt=now).exists()
    assert str(newest[11].contact) == "+49 1512 3456789"


def test_open_screens_are_told_to_load_anew(rokolya):
    assert rokolya.last_event == Event.objects.filter(subscriber=rokolya).count()
    assert Event.objects.get(number=rokolya.last_event, subscriber=rokolya).renames_many


def test_texts_are_filled_in_and_hardly_repeat(rokolya):
    bodies = Counter(Message.objects.values_list("body", flat=True))

    assert not [body for body in bodies if "{" in body or "}" in body or "[" in body]
    assert len(bodies) > 900
    assert len(dialogues.all_dialogues()) >= 60
    assert "=SZUM(A1:A9)" in " ".join(bodies)
    assert "<script>" in " ".join(bodies)
