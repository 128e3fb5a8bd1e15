"""Call-back promises in the thread: whoever may write says that somebody was called back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.calls.models import Promise
from server.calls.promises import open_promise
from server.calls.recording import Told, record_call_event
from server.lines.models import LineAccess
from tests.conftest import BOTI, NOW
from tests.doors import FRAMES, Browser


@pytest.fixture
def promise(line, boti) -> Promise:
    told = Told(exchange_id="c1", kind="missed", at=NOW, caller=BOTI, called=line.number)
    call = record_call_event(line=line, told=told, now=NOW).call
    return open_promise(call=call, rule=None, due_at=NOW + timedelta(hours=1), now=NOW)


def address(promise: Promise) -> str:
    return f"/call-logic/promises/{promise.uuid}/done/"


def test_who_was_called_back_is_off_the_hook_and_the_thread_is_drawn_anew(dana, promise):
    answer = Browser(dana).post(address(promise), headers=FRAMES)
    promise.refresh_from_db()
    assert (promise.kept_by, promise.kept_how) == (dana, "said_done")
    assert answer.status_code == 200
    assert f'id="entry-{promise.uuid}"' in answer.text
    assert "data-promised" not in answer.text


def test_without_scripts_one_comes_back_to_the_thread(dana, promise):
    answer = Browser(dana).post(address(promise))
    assert (answer.status_code, answer.url) == (302, f"/conversations/{promise.conversation_id}/")


def test_twice_does_no_harm(dana, bela, promise):
    Browser(dana).post(address(promise))
    assert Browser(bela).post(address(promise), headers=FRAMES).status_code == 200
    promise.refresh_from_db()
    assert promise.kept_by == dana


def test_who_only_reads_the_line_may_not_say_so(dana, aron, promise):
    LineAccess.objects.update(can_send=False)
    assert Browser(dana).post(address(promise), headers=FRAMES).status_code == 422
    assert Browser(aron).post(address(promise)).status_code == 403
    promise.refresh_from_db()
    assert promise.kept_at is None
