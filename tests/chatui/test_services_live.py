"""The operator switches SMS and chat on and off: every open page hears of it at once, with or without chat."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from chatui.hub import current_hub
from server.accounts.models import Role, User
from server.events import services
from server.events.log import record
from server.events.models import Kind
from server.provisioning.applying import apply_plan
from server.provisioning.reading import read_plan
from tests.live import Tab, in_thread

pytestmark = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]

RELOAD = "<live-reload></live-reload>"
WITHOUT_CHAT, WITHOUT_SMS = "/ws/?with=sms", "/ws/?with=off"


def switch(subscriber, *, sms: bool | None = None, chat: bool | None = None) -> list[str]:
    return services.set_services(subscriber=subscriber, sms=sms, chat=chat, because="test", by=None, now=timezone.now())


@pytest.fixture
async def chat_off(on_disk, kontakt):
    await in_thread(switch, kontakt, chat=False)


@pytest.fixture
async def sms_off(on_disk, kontakt):
    await in_thread(switch, kontakt, sms=False)


@pytest.mark.parametrize("off", [{"sms": False}, {"chat": False}], ids=["sms", "chat"])
async def test_a_page_with_chat_is_closed_at_once_when_a_service_goes(tab_of, dana, kontakt, boti_texts, off):
    tab = await tab_of(dana)

    await in_thread(switch, kontakt, **off)
    await in_thread(boti_texts, "Már nem neki")

    assert await tab.is_closed_with() == 4403
    assert "Már nem neki" not in tab.seen


async def test_a_page_without_chat_is_told_to_load_anew_when_chat_comes(tab_of, dana, kontakt, chat_off):
    tab = await tab_of(dana, path=WITHOUT_CHAT)

    await in_thread(switch, kontakt, chat=True)

    assert await tab.gets() == RELOAD


async def test_a_page_without_chat_learns_that_sms_is_gone(tab_of, dana, kontakt, chat_off):
    tab = await tab_of(dana, path=WITHOUT_CHAT)

    await in_thread(switch, kontakt, sms=False)

    assert await tab.gets() == RELOAD


async def test_a_page_that_says_sms_is_off_learns_that_it_is_on(tab_of, dana, kontakt, sms_off):
    tab = await tab_of(dana, path=WITHOUT_SMS)

    await in_thread(switch, kontakt, sms=True)

    assert await tab.gets() == RELOAD


@pytest.mark.parametrize("path", [WITHOUT_CHAT, WITHOUT_SMS])
async def test_what_was_switched_between_a_page_and_its_socket_is_told_at_the_door(dana, path):
    tab = await Tab.of(dana, path=path)
    await tab.connects()

    assert await tab.gets() == RELOAD
    await tab.leaves()


@pytest.mark.parametrize("path", [WITHOUT_CHAT, WITHOUT_SMS])
async def test_a_page_without_a_view_is_told_nothing_else(tab_of, dana, kontakt, boti_texts, path):
    thread = (await in_thread(boti_texts, "Szia!")).conversation_id
    await in_thread(switch, kontakt, sms=path == WITHOUT_CHAT, chat=False)
    tab = await tab_of(dana, path=path)

    for word in ("open", "typing"):
        await tab.says(**{word: thread})
        assert await tab.gets() == '<live-error reason="not-found"></live-error>'
    await in_thread(boti_texts, "Titkos")
    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.PHONEBOOK_CHANGED, at=timezone.now())
    await current_hub().beat()

    assert re.fullmatch(r'<live-position number="\d+" heartbeat></live-position>', await tab.gets())
    assert await tab.has_heard_nothing()


async def test_what_it_missed_is_told_without_a_word_of_it(tab_of, dana, boti_texts, chat_off):
    await in_thread(boti_texts, "Titkos")
    tab = await tab_of(dana, path=WITHOUT_CHAT)

    await tab.says(since=1)

    assert re.fullmatch(r'<live-position number="\d" replayed="\d" messages="0"></live-position>', await tab.gets())


@pytest.mark.parametrize("lie", ["chat", "everything", ""])
async def test_no_lie_about_the_page_opens_a_view(dana, chat_off, lie):
    tab = await Tab.of(dana, path=f"/ws/?with={lie}")
    await tab.connects()

    assert await tab.is_closed_with() == 4403


async def test_the_operators_staff_has_nothing_to_be_told_of(oper):
    tab = await Tab.of(oper, path=WITHOUT_SMS)
    await tab.connects()

    assert await tab.is_closed_with() == 4403


async def test_after_twenty_quick_switches_a_page_is_told_and_a_fresh_one_no_more(tab_of, dana, kontakt, chat_off):
    stale = await tab_of(dana, path=WITHOUT_CHAT)
    for turn in range(1, 21):
        await in_thread(switch, kontakt, chat=bool(turn % 2))
    await in_thread(switch, kontakt, chat=True)

    assert await stale.gets() == RELOAD
    fresh = await tab_of(dana)
    await current_hub().recheck()
    assert await fresh.has_heard_nothing()


@pytest.mark.parametrize("path", ["/ws/", WITHOUT_CHAT])
async def test_another_role_loads_the_persons_pages_anew_and_nobody_elses(tab_of, dana, bela, kontakt, path):
    await in_thread(switch, kontakt, chat=path == "/ws/")
    hers, his = await tab_of(dana, path=path), await tab_of(bela, path=path)

    await in_thread(User.objects.filter(pk=dana.pk).update, role=Role.SUPERVISOR)
    await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=timezone.now(), user_id=dana.pk)

    assert await hers.gets() == RELOAD
    assert await his.has_heard_nothing()


async def test_provisioning_switches_open_pages_too(tab_of, dana, kontakt):
    tab = await tab_of(dana)
    plan = await in_thread(read_plan, '[[subscriber]]\nslug = "kontakt"\nchat = false\n', providers={"simulator"})

    await in_thread(apply_plan, plan, now=timezone.now())

    assert await tab.is_closed_with() == 4403


@pytest.mark.parametrize(("path", "seen"), [("/ws/", 4403), (WITHOUT_CHAT, RELOAD)])
async def test_what_another_process_switched_unheard_is_made_up_for_by_the_heartbeat(
    tab_of, dana, kontakt, monkeypatch, path, seen
):
    await in_thread(switch, kontakt, chat=path == "/ws/")
    tab = await tab_of(dana, path=path)
    monkeypatch.setattr("server.events.doorbell.ring", lambda *number: None)
    await in_thread(switch, kontakt, sms=False)

    await current_hub().beat()

    assert (await tab.gets() if seen == RELOAD else await tab.is_closed_with()) == seen
