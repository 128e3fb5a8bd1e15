"""Who may open a socket, what they may say on it, and when they must go."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from chatui.hub import current_hub
from server.accounts.models import Activation, User
from server.events import doorbell
from server.events.log import record
from server.events.models import Kind
from server.lines.models import LineAccess
from tests.live import Tab, in_thread

pytestmark = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]

OTHER_PORT = settings.PORT + 1


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        (settings.PUBLIC_URL, True),
        (f"http://127.0.0.1:{settings.PORT}", True),
        (f"http://localhost:{settings.PORT}", True),
        (f"https://127.0.0.1:{settings.PORT}", False),
        (f"http://127.0.0.1:{OTHER_PORT}", False),
        ("http://127.0.0.1", False),
        ("https://evil.example", False),
        (f"http://evil.example:{settings.PORT}", False),
        (f"http://127.0.0.1:{settings.PORT}.evil.example", False),
        ("http://127.0.0.1:99999", False),
        ("http://[", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
async def test_only_our_own_pages_may_open_a_socket(dana, origin, is_ours):
    tab = await Tab.of(dana, origin=origin)

    assert await tab.connects() is is_ours
    await tab.leaves()


def test_origins_are_compared_as_browsers_write_them(settings):
    from server.asgi import allowed_origins

    settings.PUBLIC_URL, settings.IS_LOCAL = "https://SMS.example.hu:443", False

    assert allowed_origins() == {"https://sms.example.hu"}


async def test_there_is_one_address(dana):
    assert not await (await Tab.of(dana, path="/ws/other/")).connects()


@pytest.mark.parametrize("session_key", ["", "nobody-has-this-session"])
async def test_without_a_session_the_socket_closes_as_logged_out(session_key):
    tab = Tab(session_key)
    await tab.connects()

    assert await tab.is_closed_with() == 4401


async def test_the_operators_staff_has_no_live_view(oper):
    tab = await Tab.of(oper)
    await tab.connects()

    assert await tab.is_closed_with() == 4403


async def test_without_the_chat_service_there_is_no_live_view(dana, kontakt):
    await in_thread(Activation.objects.filter(subscriber=kontakt).update, chat_since=None)
    tab = await Tab.of(dana)
    await tab.connects()

    assert await tab.is_closed_with() == 4403


@pytest.mark.parametrize("word", ["open", "typing"])
@pytest.mark.parametrize("whose", ["another company's", "a line not given", "nobody's"])
async def test_what_one_may_not_see_is_answered_like_what_is_not_there(
    tab_of, dana, eve, bela, boti_texts, sales_line, rival_line, word, whose
):
    ours = await in_thread(boti_texts, "a mi vonalunkon")
    sales = await in_thread(boti_texts, "másik vonalon", to=sales_line)
    person, conversation_id = {
        "another company's": (eve, ours.conversation_id),
        "a line not given": (dana, sales.conversation_id),
        "nobody's": (dana, 987654321),
    }[whose]
    tab, colleague = await tab_of(person), await tab_of(bela)

    await tab.says(**{word: conversation_id})

    assert await tab.gets() == '<live-error reason="not-found"></live-error>'
    assert await colleague.has_heard_nothing()
    await in_thread(boti_texts, "utána", to=sales_line)
    assert await tab.has_heard_nothing()


async def test_logging_out_closes_that_sessions_tabs_at_once(tab_of, dana, kontakt):
    here, elsewhere = await tab_of(dana), await tab_of(dana)

    doorbell.dismiss(subscriber_id=kontakt.pk, user_id=dana.pk, code=4401, session_key=here.session_key)

    assert await here.is_closed_with() == 4401
    assert await elsewhere.has_heard_nothing()


async def test_a_dismissed_person_loses_every_tab_and_nobody_else_does(tab_of, dana, bela, kontakt):
    tabs, his = [await tab_of(dana), await tab_of(dana)], await tab_of(bela)

    doorbell.dismiss(subscriber_id=kontakt.pk, user_id=dana.pk, code=4403)

    assert [await tab.is_closed_with() for tab in tabs] == [4403, 4403]
    assert await his.has_heard_nothing()


async def test_nothing_is_told_after_the_dismissal(tab_of, dana, kontakt, boti_texts):
    tab = await tab_of(dana)
    doorbell.dismiss(subscriber_id=kontakt.pk, user_id=dana.pk, code=4401)
    await tab.is_closed_with()

    await in_thread(boti_texts, "Már nem neki")
    await current_hub().beat()

    assert await tab._socket.receive_nothing(timeout=0)


def _session_gone(dana, kontakt, line):
    Session.objects.all().delete()


def _password_changed(dana, kontakt, line):
    dana.set_password("egy-masik-jelszo")
    dana.save()


def _deactivated(dana, kontakt, line):
    User.objects.filter(pk=dana.pk).update(is_active=False)


def _chat_switched_off(dana, kontakt, line):
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)


def _line_taken_away(dana, kontakt, line):
    LineAccess.objects.filter(user=dana, line=line).delete()


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (_session_gone, 4401),
        (_password_changed, 4401),
        (_deactivated, 4401),
        (_chat_switched_off, 4403),
        (_line_taken_away, 4403),
    ],
)
async def test_the_recheck_closes_what_nobody_announced(tab_of, dana, kontakt, line, what, code):
    tab = await tab_of(dana)
    await current_hub().recheck()
    assert await tab.has_heard_nothing()
    await in_thread(what, dana, kontakt, line)

    await current_hub().recheck()

    assert await tab.is_closed_with() == code


async def test_a_line_taken_away_is_silent_at_once(tab_of, dana, kontakt, line, boti_texts):
    tab = await tab_of(dana)
    await in_thread(_line_taken_away, dana, kontakt, line)

    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=timezone.now(), user_id=dana.pk)
    await in_thread(boti_texts, "Már nem neki")

    assert await tab.is_closed_with() == 4403
    assert tab.seen == "<live-reload></live-reload>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        "42",
        "null",
        '{"send": "SMS"}',
        '{"since": null}',
        '{"since": "5"}',
        '{"since": 1.5}',
        '{"since": true}',
        '{"since": -1}',
        '{"since": 99999999999999999999999999}',
        '{"open": "1 OR 1=1"}',
        '{"open": [1]}',
        '{"open": 1, "evil": 2}',
        '{"since": ' + "9" * 5000 + "}",
        "[" * 60_000,
        '{"open":' * 7_000,
    ],
    ids=lambda text: text[:24] or "empty",
)
async def test_what_is_no_statement_gets_an_error_and_the_socket_lives(tab_of, dana, text):
    tab = await tab_of(dana)

    await tab.sends(text)

    assert await tab.gets() == '<live-error reason="not-understood"></live-error>'
    await tab.says(since=0)
    assert "live-position" in await tab.gets()


async def test_binary_frames_are_refused(tab_of, dana):
    tab = await tab_of(dana)

    await tab.sends(data=b"\x00\x01")

    assert await tab.is_closed_with() == 1003


@pytest.mark.parametrize("text", ["x" * 65537, "ő" * 32769], ids=["characters", "bytes"])
async def test_a_frame_over_64_kb_closes(tab_of, dana, text):
    tab = await tab_of(dana)

    await tab.sends(text)

    assert await tab.is_closed_with() == 1009


async def test_a_frame_of_64_kb_is_only_not_understood(tab_of, dana):
    tab = await tab_of(dana)

    await tab.sends(json.dumps("x" * (65536 - 2)))

    assert "not-understood" in await tab.gets()


async def test_a_flood_is_told_so_and_closed(tab_of, dana):
    tab = await tab_of(dana)

    for _ in range(21):
        await tab.says(pong=0)

    assert await tab.is_closed_with() == 4429
    assert tab.seen == '<live-error reason="too-many"></live-error>'


async def test_the_eleventh_tab_closes_the_oldest(tab_of, dana):
    tabs = [await tab_of(dana) for _ in range(11)]

    assert await tabs[0].is_closed_with() == 4409
    assert await tabs[1].has_heard_nothing()
    assert await tabs[-1].has_heard_nothing()
