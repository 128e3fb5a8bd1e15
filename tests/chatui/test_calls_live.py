"""Calls come into open threads, lists and the page of calls by themselves, and only to who may see their line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from server.calls.announcing import announce_call
from server.calls.models import Promise
from server.events.log import record
from server.events.models import Kind
from tests.chatui.calls_told import a_rule, applied, told
from tests.conftest import NOW
from tests.doors import FRAMES, Browser
from tests.live import in_thread

on_disk = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]
SECOND = timedelta(seconds=1)
CHANGES = "/call-logic/calls/changes/"


class TestOverTheSocket:
    pytestmark = on_disk

    async def test_a_missed_call_comes_into_the_thread_and_to_the_top_of_the_list(self, tab_of, dana, bela, line, conversation):
        reading, elsewhere = await tab_of(dana), await tab_of(bela)
        await reading.says(open=conversation.pk, since=0)
        await elsewhere.says(since=0)
        await reading.sees("live-position")
        await elsewhere.gets()

        await in_thread(told, line, "missed")

        seen = await reading.sees("live-row", "<live-entry")
        assert "Missed call" in seen
        assert 'class="event call missed"' in seen
        assert "<live-calls>" in seen
        row = await elsewhere.sees("live-row")
        assert "Nem fogadott hívás" in row
        assert "<live-entry" not in row

    async def test_the_same_entry_is_replaced_when_the_call_goes_on(self, tab_of, dana, line, conversation):
        tab = await tab_of(dana)
        await tab.says(open=conversation.pk, since=0)
        await tab.sees("live-position")
        ringing = await in_thread(told, line, "ringing")
        entry = f'id="entry-{ringing.call.uuid}"'
        assert 'data-state="ringing"' in await tab.sees(entry)

        await in_thread(told, line, "missed", at=NOW + 20 * SECOND)
        assert 'data-state="missed"' in await tab.sees(entry)
        # It had been overtaken.
        await in_thread(told, line, "answered", at=NOW + 10 * SECOND, agent="Kata", duration=5)

        answered = await tab.sees(entry)
        assert 'data-state="answered"' in answered
        assert "answered by Kata" in answered
        positions = set(re.findall(rf'{entry} data-position="([^"]+)"', tab.seen))
        assert positions == {ringing.call.position}

    async def test_what_the_rules_made_of_it_follows(self, tab_of, dana, line, conversation, kontakt):
        tab = await tab_of(dana)
        await tab.says(open=conversation.pk, since=0)
        recorded = await in_thread(told, line, "missed")
        await tab.sees("live-entry")

        def decide():
            rule = a_rule(kontakt, "Sorry")
            applied(rule, recorded.event, {"user": dana, "channel": "browser"})
            call = recorded.call
            Promise.objects.create(
                subscriber=kontakt, conversation=call.conversation, call=call, made_at=NOW, due_at=NOW + timedelta(hours=3)
            )
            record(
                subscriber_id=kontakt.pk,
                kind=Kind.CALL_CHANGED,
                at=NOW,
                line_id=line.pk,
                conversation_id=call.conversation_id,
                message_id=call.pk,
            )

        await in_thread(decide)

        seen = await tab.sees("live-entry", "Sorry")
        assert "Dana" in seen
        assert "We promised to call back by" in seen
        assert f'open="entry-{await in_thread(lambda: Promise.objects.get().uuid)}"' in tab.seen

        def withdraw():
            Promise.objects.all().delete()
            announce_call(recorded.call, now=NOW)

        await in_thread(withdraw)
        await tab.sees(f'<live-promise conversation="{conversation.pk}" open="entry-">')

    async def test_coming_back_brings_what_was_missed(self, tab_of, dana, line, conversation):
        call = (await in_thread(told, line, "missed")).call
        tab = await tab_of(dana)
        await tab.says(open=conversation.pk, since=0)
        seen = await tab.sees("live-position", "replayed")
        assert f'id="entry-{call.uuid}"' in seen
        assert "Missed call" in seen

    async def test_who_may_not_see_the_line_hears_nothing(self, tab_of, dana, eve, sam, line, sales_line):
        hers, strangers, his = await tab_of(dana), await tab_of(eve), await tab_of(sam)
        for tab in (hers, strangers, his):
            await tab.says(since=0)
            await tab.gets()

        await in_thread(told, sales_line, "missed")
        # Nobody can be written to: there is no thread, only the page of calls.
        await in_thread(told, sales_line, "missed", call="2", caller="anonymous")

        await his.reaches(2)
        assert his.seen.count("<live-calls>") >= 1
        await hers.says(since=2**62)
        await strangers.says(since=2**62)
        for tab in (hers, strangers):
            await tab.sees("live-reload")
            assert "live-calls" not in tab.seen
            assert "live-row" not in tab.seen


# --- The page of calls asks ---


@pytest.fixture
def hers(dana) -> Browser:
    return Browser(dana)


def fresh_in(answer) -> list[str]:
    return re.findall(r'<tr id="call-([\w-]+)"', answer.text)


def gone_in(answer) -> list[str]:
    return re.findall(r'<live-calls-gone uuid="([\w-]+)"', answer.text)


def reached(answer) -> int:
    return int(re.search(r'<live-calls-position number="(\d+)"', answer.text)[1])


def test_it_is_told_the_calls_that_happened_since(hers, line):
    first = told(line, "missed", call="1").call
    since = reached(hers.get(f"{CHANGES}?since=0", headers=FRAMES))
    second = told(line, "missed", call="2", caller="").call
    assert fresh_in(hers.get(f"{CHANGES}?since=0", headers=FRAMES)) == [str(first.uuid), str(second.uuid)]
    assert fresh_in(hers.get(f"{CHANGES}?since={since}", headers=FRAMES)) == [str(second.uuid)]
    assert hers.get(f"{CHANGES}?since=x").status_code == 400


def test_what_no_longer_matches_leaves_the_list(hers, line, dana):
    call = told(line, "missed").call
    since = reached(hers.get(f"{CHANGES}?since=0"))
    told(line, "answered", at=NOW + SECOND)
    answer = hers.get(f"{CHANGES}?since={since}&view=missed", headers=FRAMES)
    assert (fresh_in(answer), gone_in(answer)) == ([], [str(call.uuid)])
    assert fresh_in(hers.get(f"{CHANGES}?since={since}&view=answered", headers=FRAMES)) == [str(call.uuid)]


def test_who_was_called_back_leaves_those_not_followed_up(hers, line, conversation, dana):
    call = told(line, "missed").call
    since = reached(hers.get(f"{CHANGES}?since=0"))
    hers.send(conversation, "Miben segíthetek?")
    assert gone_in(hers.get(f"{CHANGES}?since={since}&view=open", headers=FRAMES)) == [str(call.uuid)]


def test_calls_of_other_lines_are_not_told(hers, sam, sales_line):
    told(sales_line, "missed")
    told(sales_line, "missed", call="2", caller="")
    answer = hers.get(f"{CHANGES}?since=0", headers=FRAMES)
    assert (fresh_in(answer), gone_in(answer)) == ([], [])
    assert len(fresh_in(Browser(sam).get(f"{CHANGES}?since=0", headers=FRAMES))) == 2


def test_after_too_long_the_whole_list_is_asked_for(hers, line):
    told(line, "missed")
    assert "<live-calls-reload>" in hers.get(f"{CHANGES}?since=99999", headers=FRAMES).text
