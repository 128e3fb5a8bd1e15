"""Log-ins that are ended from elsewhere: the session and its open screens, at once."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from server.accounts.models import UserSession
from server.events.showing_out import end_session, show_out
from tests.conftest import NOW
from tests.live import in_thread

pytestmark = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]


def note(user, tab) -> UserSession:
    return UserSession.objects.create(user=user, session_key=tab.session_key, logged_in_at=NOW, seen_at=NOW)


async def test_who_is_shown_out_loses_every_session_and_every_tab(tab_of, dana, bela):
    noted, unnoted, his = await tab_of(dana), await tab_of(dana), await tab_of(bela)
    await in_thread(note, dana, noted)

    assert await in_thread(show_out, user=dana) == 2

    assert [await tab.is_closed_with() for tab in (noted, unnoted)] == [4401, 4401]
    assert await his.has_heard_nothing()
    assert await in_thread(lambda: [*Session.objects.values_list("session_key", flat=True)]) == [his.session_key]
    assert not await in_thread(UserSession.objects.exists)


async def test_everywhere_else_means_that_one_stays(tab_of, dana):
    here, noted, unnoted = await tab_of(dana), await tab_of(dana), await tab_of(dana)
    for tab in (here, noted):
        await in_thread(note, dana, tab)

    assert await in_thread(show_out, user=dana, but_session=here.session_key) == 2

    assert [await tab.is_closed_with() for tab in (noted, unnoted)] == [4401, 4401]
    assert await here.has_heard_nothing()
    assert await in_thread(lambda: UserSession.objects.get().session_key) == here.session_key


async def test_one_place_can_be_logged_out_and_only_ones_own(tab_of, dana, bela):
    hers, his = await tab_of(dana), await tab_of(bela)
    hers_noted, his_noted = await in_thread(note, dana, hers), await in_thread(note, bela, his)

    assert not await in_thread(end_session, user=dana, session_id=his_noted.pk)
    assert await in_thread(end_session, user=dana, session_id=hers_noted.pk)
    assert not await in_thread(end_session, user=dana, session_id=hers_noted.pk)

    assert await hers.is_closed_with() == 4401
    assert await his.has_heard_nothing()
