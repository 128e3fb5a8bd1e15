"""Notices of calls in a person's browser: for that person only, until they are read or put away."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils.timezone import now as time_now

from chatui.rendering import frames_for
from server.calls.definition import Channel
from server.calls.models import Call, CallEvent, CallRule, RuleRun, Telling, TellingState
from server.calls.telling import tell_due
from server.events.models import Event, Kind
from server.lines.models import LineAccess
from tests.conftest import BOTI, NOW
from tests.doors import FRAMES, Browser


@pytest.fixture
def call(kontakt, line, conversation):
    return Call.objects.create(
        subscriber=kontakt,
        line=line,
        conversation=conversation,
        exchange_id="1",
        state="missed",
        partner=BOTI,
        began_at=NOW,
        told_at=NOW,
    )


@pytest.fixture
def tell(kontakt, call):
    """`tell(dana)` tells dana of the call in the browser; returns the notice."""
    rule = CallRule.objects.create(
        subscriber=kontakt, name="Missed", definition={"trigger": "missed"}, created_at=NOW, updated_at=NOW
    )
    event = CallEvent.objects.create(call=call, kind="missed", at=NOW, told_at=NOW)
    run = RuleRun.objects.create(subscriber=kontakt, rule=rule, version=1, event=event, outcome="matched", at=NOW)

    def one(person, body="Hívó: <Boti>", at=None):
        notice = Telling.objects.create(
            run=run,
            step=Telling.objects.count(),
            user=person,
            channel=Channel.BROWSER,
            subject="Nem fogadott hívás: Kiss Boti",
            body=body,
            planned_at=at or time_now(),
        )
        tell_due(now=at or time_now())
        notice.refresh_from_db()
        return notice

    return one


def shown(person, address="/settings/"):
    return Browser(person).get(address).text


def seen(notice):
    notice.refresh_from_db()
    return notice.seen_at is not None


def test_a_notice_stands_on_every_page_of_its_person_until_it_is_put_away(tell, dana, bela, call):
    notice = tell(dana)
    for address in ("/", "/settings/", "/call-logic/calls/"):
        page = shown(dana, address)
        assert f'data-told="{notice.uuid}"' in page
        assert "Hívó: &lt;Boti&gt;" in page
        assert f"/conversations/{call.conversation_id}/#entry-{call.uuid}" in page
    assert str(notice.uuid) not in shown(bela)
    Browser(dana).post(f"/call-logic/told/{notice.uuid}/seen/")
    assert seen(notice)
    assert str(notice.uuid) not in shown(dana)


def test_it_arrives_live_in_its_persons_language_and_only_there(tell, dana):
    notice = tell(dana)
    (event,) = Event.objects.filter(kind=Kind.TOLD)
    frames = frames_for([event], ["hu", "en"])
    for language, words in (("hu", "Értesítés eltüntetése"), ("en", "Put this notice away")):
        (frame,) = frames[language]
        assert (frame.user_id, frame.line_id) == (dana.pk, None)
        assert f'<live-told><article class="told missed" data-told="{notice.uuid}"' in frame.text
        assert words in frame.text


def test_what_is_put_away_in_one_tab_goes_from_the_others(tell, dana):
    notice = tell(dana)
    answer = Browser(dana).post(f"/call-logic/told/{notice.uuid}/seen/", headers=FRAMES)
    assert answer.text == f'<live-told-seen uuid="{notice.uuid}"></live-told-seen>'
    frames = frames_for([Event.objects.filter(kind=Kind.TOLD).last()], ["en"])["en"]
    assert [(frame.text, frame.user_id) for frame in frames] == [(answer.text, dana.pk)]


def test_putting_it_away_twice_is_once(tell, dana):
    notice = tell(dana)
    browser = Browser(dana)
    for _time in range(2):
        assert browser.post(f"/call-logic/told/{notice.uuid}/seen/").status_code == 302
    assert Event.objects.filter(kind=Kind.TOLD).count() == 2


def test_nobody_puts_away_what_others_are_told(tell, dana, bela, ada, eve):
    notice = tell(dana)
    for person in (bela, ada, eve):
        assert Browser(person).post(f"/call-logic/told/{notice.uuid}/seen/").status_code == 404
        assert Browser(person).post("/call-logic/told/seen/").status_code == 302
    assert not seen(notice)
    assert Browser(dana).post(f"/call-logic/told/{uuid.uuid4()}/seen/").status_code == 404


def test_all_are_put_away_at_once(tell, dana, bela):
    notices = [tell(dana), tell(dana)]
    other = tell(bela)
    answer = Browser(dana).post("/call-logic/told/seen/", headers=FRAMES)
    assert answer.text.count("<live-told-seen") == 2
    assert [seen(notice) for notice in [*notices, other]] == [True, True, False]


def test_who_may_not_see_the_line_is_told_and_led_to_why(tell, dana, call):
    LineAccess.objects.filter(user=dana).delete()
    notice = tell(dana)
    (frame,) = frames_for([Event.objects.get(kind=Kind.TOLD)], ["en"])["en"]
    for html in (shown(dana), frame.text):
        assert f'<a href="/call-logic/why/{notice.uuid}/" lang="" data-told-link>' in html
        assert f"/conversations/{call.conversation_id}/" not in html
        assert "data-conversation=" not in html.split("data-told=")[1].split(">")[0]
    browser = Browser(dana)
    assert browser.get(f"/call-logic/why/{notice.uuid}/").status_code == 200
    assert browser.post(f"/call-logic/told/{notice.uuid}/seen/").status_code == 302
    assert seen(notice)


def test_what_is_older_than_a_day_is_no_news(tell, dana):
    notice = tell(dana, at=time_now() - timedelta(hours=25))
    assert notice.state == TellingState.TOLD
    assert str(notice.uuid) not in shown(dana)


def test_without_the_chat_it_leads_to_the_call(tell, dana, call, kontakt):
    kontakt.activation.chat_since = None
    kontakt.activation.save()
    tell(dana)
    page = shown(dana)
    assert f'href="/call-logic/calls/{call.uuid}/"' in page
    assert f"/conversations/{call.conversation_id}/" not in page


def test_an_auditor_may_put_away_what_they_are_told(tell, aron):
    notice = tell(aron)
    assert Browser(aron).post(f"/call-logic/told/{notice.uuid}/seen/").status_code == 302
    assert seen(notice)
