"""Real PostgreSQL and Redis, private to each test worker; each test gets a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services import Postgres, Redis, manage, postgres, redis

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture
def cache() -> Iterator[Redis]:
    with redis() as running:
        yield running


@pytest.fixture
def database_url(cluster: Postgres) -> Iterator[str]:
    """An empty, migrated database."""
    with cluster.database() as url:
        manage("migrate", "--verbosity", "0", env={"DATABASE_URL": url})
        yield url
