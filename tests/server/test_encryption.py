from __future__ import annotations

from django.db import connection

from server.lines.models import Line

TOKEN = "12345"


def stored(column: str, line: Line) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM lines_line WHERE id = %s", [line.pk])
        return cursor.fetchone()[0]


def test_the_database_never_sees_a_secret(twilio_line):
    secret = Line.objects.get(pk=twilio_line.pk).pbx_secret
    assert len(secret) > 30
    assert TOKEN not in stored("auth_token", twilio_line)
    assert secret not in stored("pbx_secret", twilio_line)


def test_a_secret_is_read_back_as_it_was_given(twilio_line):
    assert Line.objects.get(pk=twilio_line.pk).auth_token == TOKEN
    Line.objects.filter(pk=twilio_line.pk).update(auth_token="Árvíztűrő 😀")
    assert Line.objects.get(pk=twilio_line.pk).auth_token == "Árvíztűrő 😀"


def test_the_same_secret_looks_different_each_time(twilio_line):
    before = stored("auth_token", twilio_line)
    twilio_line.save()
    assert stored("auth_token", twilio_line) != before


def test_no_secret_stays_no_secret(line):
    assert stored("auth_token", line) == ""
    assert Line.objects.get(pk=line.pk).auth_token == ""


def test_after_a_change_of_keys_old_secrets_are_read_and_new_ones_written_with_the_new_key(twilio_line, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [old]
    line = Line.objects.get(pk=twilio_line.pk)
    assert line.auth_token == TOKEN
    line.save()
    settings.SECRET_KEY_FALLBACKS = []
    assert Line.objects.get(pk=twilio_line.pk).auth_token == TOKEN


def test_a_secret_whose_key_is_lost_is_empty_and_kept_as_it_was(twilio_line, settings):
    old, before = settings.SECRET_KEY, stored("auth_token", twilio_line)
    settings.SECRET_KEY = "new" * 20
    line = Line.objects.get(pk=twilio_line.pk)
    assert line.auth_token == ""
    line.label = "Anders"
    line.save()
    assert stored("auth_token", twilio_line) == before
    settings.SECRET_KEY = old
    assert Line.objects.get(pk=twilio_line.pk).auth_token == TOKEN
