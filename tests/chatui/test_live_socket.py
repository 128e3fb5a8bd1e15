"""What a tab is told: in order, once, and only what its person may see."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import OperationalError
from django.utils import timezone

from chatui.hub import Hub, current_hub
from chatui.rendering import Frame
from gateway.sending import _hold
from server.accounts.models import Subscriber, User
from server.contacts.phonebook import record_contacts
from server.events import doorbell
from server.events.log import REPLAY_LIMIT, record
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.conversations import mark_read
from server.messaging.inbound import receive_sms
from server.messaging.outbound import queue_sms
from server.messaging.sending import claim_next, release_line
from tests.conftest import BOTI
from tests.live import in_thread

pytestmark = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def deaf(monkeypatch):
    """No doorbell reaches anybody."""
    monkeypatch.setattr(doorbell, "_send", _into_the_void)


@pytest.fixture
def claimed(conversation):
    """`claimed()`: a message on its way to the provider."""

    def claim():
        queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Jövünk!", author=None, now=timezone.now())
        return claim_next(by="one", now=timezone.now())

    return claim


async def _into_the_void(statement):
    pass


def last_event(subscriber: Subscriber) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).get(pk=subscriber.pk)


async def test_boti_texts_and_every_colleague_of_the_line_sees_it_at_once(tab_of, dana, bela, boti_texts):
    his, hers = await tab_of(bela), await tab_of(dana)
    for tab in (his, hers):
        await tab.says(since=0)
        await tab.gets()

    await in_thread(boti_texts, "Jó napot, nyitva vannak?")

    assert "Jó napot, nyitva vannak?" in await his.gets()
    assert "Jó napot, nyitva vannak?" in await hers.gets()
    assert his.position == hers.position == 1


async def test_who_comes_first_at_the_moment_of_a_heartbeat_is_not_forgotten(tab_of, dana, boti_texts, monkeypatch):
    join = Hub._join

    async def join_during_a_heartbeat(hub, feed):
        monkeypatch.setattr(Hub, "_join", join)
        await hub.beat()
        await join(hub, feed)

    monkeypatch.setattr(Hub, "_join", join_during_a_heartbeat)
    tab = await tab_of(dana)
    await tab.says(since=0)
    await tab.gets()

    await in_thread(boti_texts, "Jó napot!")

    await tab.sees("Jó napot!")


async def test_the_thread_gets_the_bubble_only_where_it_is_open(tab_of, dana, bela, boti_texts):
    first = await in_thread(boti_texts, "Első")
    reading, elsewhere = await tab_of(dana), await tab_of(bela)
    await reading.says(open=first.conversation_id, since=1)
    await elsewhere.says(since=1)
    await reading.sees("live-position")
    await elsewhere.gets()

    await in_thread(boti_texts, "Második")

    assert "<live-entry" in await reading.sees("live-row", "Második")
    assert "<live-entry" not in await elsewhere.sees("live-row", "Második")


async def test_a_tab_that_says_where_it_stands_is_told_what_it_lacks(tab_of, dana, boti_texts):
    for text in ("egy", "kettő", "három"):
        await in_thread(boti_texts, text)
    tab = await tab_of(dana)

    await tab.says(since=1)

    answer = await tab.gets()
    assert 'replayed="2" messages="2"' in answer
    assert "három" in answer
    assert tab.position == 3


async def test_replaying_what_is_known_changes_nothing(tab_of, dana, boti_texts):
    await in_thread(boti_texts, "egy")
    tab = await tab_of(dana)

    await tab.says(since=1)

    assert await tab.gets() == '<live-position number="1" replayed="0" messages="0"></live-position>'


@pytest.mark.parametrize("since", [0, 2**62], ids=["a week ago", "another database"])
async def test_a_number_that_the_log_can_not_answer_means_reload(tab_of, dana, kontakt, since):
    await in_thread(Subscriber.objects.filter(pk=kontakt.pk).update, last_event=REPLAY_LIMIT + 1)
    tab = await tab_of(dana)

    await tab.says(since=since)

    assert await tab.gets() == f'<live-reload></live-reload><live-position number="{REPLAY_LIMIT + 1}"></live-position>'


async def test_dropped_events_mean_reload(tab_of, dana, boti_texts):
    for text in ("egy", "kettő", "három"):
        await in_thread(boti_texts, text)
    await in_thread(Event.objects.filter(number__lte=2).delete)
    tab = await tab_of(dana)

    await tab.says(since=1)

    assert "<live-reload>" in await tab.gets()


async def test_a_lost_doorbell_is_made_up_for_by_the_next(tab_of, dana, boti_texts, monkeypatch):
    tab = await tab_of(dana)
    await tab.says(since=0)
    await tab.gets()
    with monkeypatch.context() as patched:
        patched.setattr(doorbell, "_send", _into_the_void)
        await in_thread(boti_texts, "Ezt nem hallotta senki")

    await in_thread(boti_texts, "Ezt igen", sender="+36309990002")

    await tab.reaches(2)
    assert tab.seen.index("Ezt nem hallotta senki") < tab.seen.index("Ezt igen")


@pytest.mark.usefixtures("deaf")
async def test_a_lost_doorbell_is_made_up_for_by_the_heartbeat(tab_of, dana, boti_texts):
    tab = await tab_of(dana)
    await tab.says(since=0)
    await tab.gets()
    await in_thread(boti_texts, "Ezt nem hallotta senki")

    await current_hub().beat()

    assert "Ezt nem hallotta senki" in await tab.gets()
    assert await tab.gets() == '<live-position number="1" heartbeat></live-position>'


async def test_a_doorbell_that_rings_twice_is_nothing_new(tab_of, dana, kontakt, boti_texts):
    tab = await tab_of(dana)
    await tab.says(since=0)
    await tab.gets()
    await in_thread(boti_texts, "Egyszer")
    await tab.reaches(1)

    doorbell.ring(kontakt.pk, 1)
    doorbell.ring(kontakt.pk, 1)

    assert await tab.has_heard_nothing()


async def test_after_a_burst_of_a_thousand_everybody_stands_at_the_end(tab_of, dana, bela, sam, kontakt, line):
    tabs = [await tab_of(user) for user in (dana, bela, sam)]
    for tab in tabs:
        await tab.says(since=0)
        await tab.gets()

    def burst():
        for number in range(1000):
            receive_sms(
                line=line,
                provider_account="simulator:",
                provider_message_id=f"burst-{number}",
                sender=f"+3630111{number % 20:04}",
                body=f"text {number}",
                now=timezone.now(),
            )

    await in_thread(burst)

    for tab in tabs:
        await tab.reaches(1000)
        numbers = [int(number) for number in re.findall(r'number="(\d+)"', tab.seen)]
        assert numbers == sorted(numbers)
        # Of each conversation the last word is on screen.
        assert all(f"text {number}<" in tab.seen for number in range(980, 1000))
    assert await in_thread(last_event, kontakt) == 1000


async def test_somebody_who_comes_during_a_burst_misses_nothing(tab_of, dana, boti_texts):
    for number in range(120):
        await in_thread(boti_texts, f"régi {number}")
    tab = await tab_of(dana)
    await tab.says(since=0)

    for number in range(30):
        await in_thread(boti_texts, f"új {number}")

    await tab.reaches(150)
    assert "új 29" in tab.seen


async def test_each_person_is_spoken_to_in_their_own_language_and_each_is_drawn_once(
    tab_of, dana, bela, sam, boti_texts, monkeypatch
):
    drawn = []

    def draw(events, languages, opened):
        drawn.extend(languages)
        return {language: [Frame(f"<p>{language}</p>")] for language in languages}

    monkeypatch.setattr("chatui.feed.frames_for", draw)
    english, also_english, hungarian = await tab_of(dana), await tab_of(sam), await tab_of(bela)

    await in_thread(boti_texts, "Szia")

    assert [await tab.gets() for tab in (english, also_english, hungarian)] == ["<p>en</p>", "<p>en</p>", "<p>hu</p>"]
    assert sorted(drawn) == ["en", "hu"]


async def test_each_colleague_hears_of_their_own_lines_only(tab_of, dana, sam, sales_line, boti_texts):
    without_sales, supervisor = await tab_of(dana), await tab_of(sam)
    await without_sales.says(since=0)
    await without_sales.gets()

    await in_thread(boti_texts, "Csak az értékesítésnek", to=sales_line)

    assert "Csak az értékesítésnek" in await supervisor.sees("live-row")
    assert await without_sales.has_heard_nothing()


async def test_another_company_hears_nothing(tab_of, eve, dana, boti_texts):
    stranger, colleague = await tab_of(eve), await tab_of(dana)

    await in_thread(boti_texts, "Titok")

    await colleague.sees("Titok")
    assert await stranger.has_heard_nothing()


async def test_what_i_have_read_is_told_to_my_own_tabs_only(tab_of, dana, bela, boti_texts, conversation):
    await in_thread(boti_texts, "Olvasd el")
    mine, also_mine, his = await tab_of(dana), await tab_of(dana), await tab_of(bela)

    await in_thread(mark_read, conversation=conversation, by=dana, upto=1, now=timezone.now())

    for tab in (mine, also_mine):
        assert "<live-read" in await tab.gets()
    assert await his.has_heard_nothing()


async def test_a_line_given_shows_from_then_on(tab_of, dana, kontakt, sales_line, boti_texts):
    tab = await tab_of(dana)
    await in_thread(LineAccess.objects.create, user=dana, line=sales_line)

    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=timezone.now(), user_id=dana.pk)
    await tab.sees("<live-reload>")
    await in_thread(boti_texts, "Most már neki is", to=sales_line)

    await tab.sees("Most már neki is")


async def test_a_supervisor_sees_a_line_that_is_quite_new(tab_of, sam, kontakt, boti_texts):
    tab = await tab_of(sam)
    new_line = await in_thread(Line.objects.create, subscriber=kontakt, number="+36301110009", label="New", provider="simulator")

    await in_thread(boti_texts, "Az új vonalra", to=new_line)

    await tab.sees("Az új vonalra")


async def test_one_event_that_can_not_be_drawn_does_not_hide_the_others(tab_of, dana, boti_texts, monkeypatch):
    from chatui import feed

    real = feed.frames_for

    def breaks_on_the_second(events, languages, opened):
        if any(event.number == 2 for event in events):
            raise ValueError("a bug in a template")
        return real(events, languages, opened)

    monkeypatch.setattr(feed, "frames_for", breaks_on_the_second)
    for sender in ("+36309990001", "+36309990002", "+36309990003"):
        await in_thread(boti_texts, f"from {sender[-1]}", sender=sender)
    tab = await tab_of(dana)

    await tab.says(since=0)

    answer = await tab.gets()
    assert "from 1" in answer
    assert "from 3" in answer
    assert tab.position == 3


async def test_colleagues_see_who_is_here_and_who_left(tab_of, dana, bela, conversation):
    hers, his = await tab_of(dana), await tab_of(bela)
    await hers.says(open=conversation.pk)
    assert "Dana" in await hers.sees("<live-presence")

    await his.says(open=conversation.pk)
    assert "Bela" in await hers.sees("<live-presence", "Dana")
    assert "Dana" in await his.sees("<live-presence", "Bela")

    await his.says(open=None)
    assert "Bela" not in await hers.sees("<live-presence")


async def test_a_closed_tab_takes_its_person_away_but_not_from_their_other_tab(tab_of, dana, bela, conversation):
    hers, his, his_other = await tab_of(dana), await tab_of(bela), await tab_of(bela)
    for tab in (his, his_other, hers):
        await tab.says(open=conversation.pk)
        await tab.sees("<live-presence", "Bela")

    await his.leaves()
    assert await hers.has_heard_nothing()
    await his_other.says(open=None)

    assert "Bela" not in await hers.sees("<live-presence")


async def test_typing_shows_in_the_thread_and_on_the_row_and_stops(tab_of, dana, bela, conversation):
    hers, his = await tab_of(dana), await tab_of(bela)
    await his.says(open=conversation.pk)
    await his.sees("<live-presence")

    await his.says(typing=conversation.pk)
    assert f'conversation="{conversation.pk}"' in await hers.sees("<live-typing", "Bela")
    await his.says(typing=conversation.pk)
    await his.says(typing=None)

    assert "Bela" not in await hers.sees("<live-typing")


async def test_typing_of_another_process_expires_by_itself(tab_of, dana, kontakt, conversation, monkeypatch):
    monkeypatch.setattr("chatui.hub.TYPING_SECONDS", 0)
    hers = await tab_of(dana)

    statement = {"kind": "typing", "process": "other", "conversation": conversation.pk, "line": conversation.line_id}
    doorbell.whisper(kontakt.pk, {**statement, "user": 99, "name": "Zita"})

    await hers.sees("<live-typing", "Zita")
    assert "Zita" not in await hers.sees("<live-typing")


async def test_people_of_another_process_are_answered_and_vanish_when_nobody_mentions_them(
    tab_of, dana, kontakt, conversation, settings, monkeypatch
):
    hers = await tab_of(dana)
    await hers.says(open=conversation.pk)
    await hers.sees("<live-presence", "Dana")
    monkeypatch.setattr("chatui.hub.HEARTBEATS_HERE", -1)

    statement = {"kind": "presence", "process": "other", "conversation": conversation.pk, "user": 99, "name": "Zita"}
    doorbell.whisper(kontakt.pk, statement)
    await hers.sees("<live-presence", "Zita")
    await current_hub().beat()

    assert "Zita" not in await hers.sees("<live-presence")


async def test_who_was_away_while_rights_changed_gets_a_fresh_page(tab_of, dana, kontakt, line, boti_texts):
    await in_thread(boti_texts, "Ezt még látta")
    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=timezone.now())
    tab = await tab_of(dana)

    await tab.says(since=1)

    assert await tab.gets() == '<live-reload></live-reload><live-position number="2"></live-position>'


async def test_many_contacts_renamed_at_once_make_every_page_fresh(tab_of, dana, kontakt, boti_texts):
    await in_thread(boti_texts, "Szia!")
    tab = await tab_of(dana)

    await in_thread(record_contacts, subscriber=kontakt, names={BOTI: "Dr. Kiss Boti"}, now=timezone.now())

    await tab.sees("<live-reload>")


async def test_a_held_line_says_so_on_every_screen_of_it_and_so_does_its_release(tab_of, dana, line, conversation, claimed):
    tab = await tab_of(dana)
    await in_thread(_hold, await in_thread(claimed), "401 20003", timezone.now())
    await tab.sees("<live-reload>")

    await in_thread(release_line, line=line, now=timezone.now())

    await tab.sees("<live-reload>")


async def test_a_change_that_no_page_shows_reloads_none(tab_of, dana, kontakt):
    tab = await tab_of(dana)

    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=timezone.now())

    assert await tab.has_heard_nothing()


async def test_who_was_moved_to_another_company_is_nowhere_to_be_seen_in_the_old_one(tab_of, dana, bela, rival, boti_texts):
    first = await in_thread(boti_texts, "Szia!")
    hers, his = await tab_of(dana), await tab_of(bela)
    await hers.says(open=first.conversation_id)
    await his.says(open=first.conversation_id)
    await his.sees("live-presence", "Dana")
    await in_thread(User.objects.filter(pk=dana.pk).update, subscriber=rival)

    await current_hub().recheck()
    assert await hers.is_closed_with() == 4401
    await hers.leaves()

    feed = current_hub().feeds[bela.subscriber_id]
    assert {viewer.person.user_id for viewer in feed.viewers} == {bela.pk}
    assert [person["name"] for person in feed.here.people(first.conversation_id)] == ["Bela"]


async def test_rights_that_could_not_be_asked_are_asked_again(tab_of, sam, kontakt, boti_texts, monkeypatch):
    tab = await tab_of(sam)
    new_line = await in_thread(Line.objects.create, subscriber=kontakt, number="+36301110009", label="New", provider="simulator")
    recheck = Hub.recheck
    failures = iter([OperationalError("away")])

    async def fails_once(hub, viewers=None):
        for failure in failures:
            raise failure
        await recheck(hub, viewers)

    monkeypatch.setattr(Hub, "recheck", fails_once)
    await in_thread(boti_texts, "Az új vonalra", to=new_line)
    await current_hub().beat()

    await tab.sees("Az új vonalra")
