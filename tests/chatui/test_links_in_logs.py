"""A link to join, or to a new password, lets its reader in: the log says that it was opened, and not the link."""

from __future__ import annotations

import io
import logging

import pytest
from django.utils import timezone

from server.accounts import invitation_links, passwords
from server.accounts.invitations import invite_person
from tests.doors import Browser


@pytest.fixture
def log():
    """What the server writes, by the handler that it has in production."""
    handler = next(one for one in logging.getLogger().handlers if one.name == "console")
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.mark.parametrize("is_own", [True, False], ids=["our form", "a form of another site"])
def test_a_form_filled_in_wrongly_tells_the_log_no_link(log, is_own, kontakt, ada, dana):
    invited = invite_person(
        subscriber=kontakt, email="zoli@kontakt.example", name="Zoli", role="colleague", language="en", by=ada, now=timezone.now()
    )
    browser = Browser(enforce_csrf_checks=not is_own)
    for room, (who, proof) in [
        ("/join/", invitation_links.words_of_link(invited)),
        ("/login/reset/", passwords.words_of_link(dana)),
    ]:
        answer = browser.post(f"{room}{who}/{proof}/", {"name": "Zoli", "password": "a", "again": "a", "new_password1": "a"})
        assert answer.status_code == (422 if is_own else 403)
        assert f"{room}{who}/…/" in log.getvalue()
        assert proof not in log.getvalue()
