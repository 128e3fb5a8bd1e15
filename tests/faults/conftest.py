"""Real PostgreSQL and Redis, private to each test worker; databases are copies of one that was migrated once.

`house` is everything running, `company` a fresh company in it; `database_url` and `cache` are for tests with processes of their own.
"""

# ruff: noqa: E402
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

# Before they are imported: their assertions, too, tell what was there instead.
pytest.register_assert_rewrite("tests.faults.company", "tests.faults.screen", "tests.faults.stream")

from tests.faults.company import Company
from tests.faults.house import House
from tests.faults.rows import rows_of
from tests.gateway.fake_twilio import FakeTwilio
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


@pytest.fixture(scope="session")
def migrated(cluster: Postgres) -> Iterator[str]:
    """The name of a migrated database to make copies of."""
    with cluster.database() as url:
        manage("migrate", "--verbosity", "0", env={"DATABASE_URL": url})
        yield url.rpartition("/")[2]


@pytest.fixture
def database_url(cluster: Postgres, migrated: str) -> Iterator[str]:
    """A migrated database without rows."""
    with cluster.database(migrated) as url:
        yield url


@pytest.fixture(scope="session")
def shared_house(cluster: Postgres, migrated: str) -> Iterator[House]:
    with redis() as cache, FakeTwilio({}) as twilio, cluster.database(migrated) as database_url:
        house = House(cluster=cluster, cache=cache, twilio=twilio, database_url=database_url)
        try:
            yield house
        finally:
            house.close()


@pytest.fixture
def house(shared_house: House, request: pytest.FixtureRequest) -> Iterator[House]:
    """Two web processes, two dispatchers, and a Twilio that has been told of no faults yet; all well."""
    shared_house.open()
    yield shared_house
    shared_house.twilio.wake.set()
    shared_house.twilio.plan.clear()
    shared_house.twilio.wake.clear()


@pytest.fixture
def company(house: House, django_db_blocker) -> Iterator[Company]:
    with rows_of(house.database_url, django_db_blocker):
        company = Company(house.twilio, house.public_url)
        yield company
        company.close()
