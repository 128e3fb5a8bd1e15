"""After SECRET_KEY has changed."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from server.lines.models import Line

SECRETS = ("auth_token", "pbx_secret")


@pytest.fixture
def secrets(twilio_line, line) -> dict[int, tuple[str, ...]]:
    return read()


@pytest.fixture
def new_key(secrets, settings) -> str:
    """SECRET_KEY has changed; returns the old one, which stands among the fallbacks."""
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [old]
    return old


def read() -> dict[int, tuple[str, ...]]:
    return {line.pk: tuple(getattr(line, name) for name in SECRETS) for line in Line.objects.order_by("pk")}


def stored() -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth_token, pbx_secret FROM lines_line ORDER BY id")
        return cursor.fetchall()


def test_afterwards_the_old_key_can_be_thrown_away(secrets, new_key, settings, capsys):
    call_command("reencrypt")
    settings.SECRET_KEY_FALLBACKS = []
    assert read() == secrets
    assert "3 secrets written" in capsys.readouterr().out


def test_a_second_time_nothing_is_changed(new_key, capsys):
    call_command("reencrypt")
    before = stored()
    call_command("reencrypt")
    assert stored() == before
    assert "0 secrets written with the present key, 3 had it already" in capsys.readouterr().out


def test_more_rows_than_one_batch_has(new_key, settings, monkeypatch, kontakt):
    monkeypatch.setattr("server.lines.rekeying.BATCH", 2)
    for n in range(5):
        Line.objects.create(subscriber=kontakt, number=f"+3620555{n:04}", label="x", provider="twilio", auth_token=f"token {n}")
    call_command("reencrypt")
    settings.SECRET_KEY_FALLBACKS = []
    assert all(all(isinstance(secret, str) for secret in secrets) and secrets[1] for secrets in read().values())


def test_what_no_key_opens_is_counted_and_kept(secrets, new_key, settings, capsys):
    settings.SECRET_KEY_FALLBACKS = []
    before = stored()
    with pytest.raises(CommandError, match="3 secrets can't be read"):
        call_command("reencrypt")
    assert stored() == before
    settings.SECRET_KEY_FALLBACKS = [new_key]
    call_command("reencrypt")
    assert read() == secrets


def test_a_secret_entered_meanwhile_stays(twilio_line, new_key, settings, monkeypatch):
    from server.lines import rekeying

    encipher = rekeying.enciphered_anew

    def somebody_is_quicker(text: str):
        Line.objects.filter(pk=twilio_line.pk).update(auth_token="brand new")
        return encipher(text)

    monkeypatch.setattr(rekeying, "enciphered_anew", somebody_is_quicker)
    call_command("reencrypt")
    settings.SECRET_KEY_FALLBACKS = []
    assert Line.objects.get(pk=twilio_line.pk).auth_token == "brand new"


def test_neither_keys_nor_secrets_are_said(secrets, new_key, settings, capsys):
    call_command("reencrypt")
    out = capsys.readouterr().out
    assert not [secret for row in secrets.values() for secret in row if secret and secret in out.replace("12345", "")]
    assert new_key not in out
