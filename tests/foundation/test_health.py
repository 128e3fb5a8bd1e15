from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from gateway import pulse

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_beating_dispatcher(db):
    pulse.beat(timezone.now())


def test_all_is_well_without_logging_in(client, a_beating_dispatcher):
    answer = client.get("/health/")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "layer": "ok", "dispatcher": "ok"}
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_silent_dispatcher_is_named(client):
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["dispatcher"], answer.json()["database"]) == (503, "unwell", "ok")


def test_a_redis_that_is_away_is_named_and_nothing_of_its_address_told(client, a_beating_dispatcher, settings):
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["layer"]) == (503, "unwell")
    assert "secret" not in answer.content.decode()


def test_a_database_that_is_away_is_named(client, monkeypatch):
    def away(*_):
        raise DatabaseError("could not connect to postgres at 10.0.0.1")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["database"]) == (503, "unwell")
    assert "10.0.0.1" not in answer.content.decode()


def test_health_is_only_read(client):
    assert client.post("/health/").status_code == 405
