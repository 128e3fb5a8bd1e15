"""What two administrators do at the same moment."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils.timezone import now

from server.accounts.invitations import PersonExists
from server.accounts.models import Role, User
from server.accounts.people import LastAdministrator, PersonWish, RoleNotOurs
from server.messaging.staffing import change_person, deactivate_person, invite_colleague
from tests.chatui.conftest import _migrated_file, on_disk  # noqa: F401
from tests.conftest import PASSWORD

# SQLite's threads need a file; PostgreSQL's rows are there for all.
ON_DISK = "on_disk" if connections["default"].vendor == "sqlite" else "db"


def at_once(*acts) -> list[object]:
    """What each act, on a thread of its own and all at the same moment, returned or raised."""
    came: list[object] = [None] * len(acts)
    ready = threading.Barrier(len(acts))

    def run(number: int) -> None:
        ready.wait()
        try:
            came[number] = acts[number]()
        except Exception as problem:
            came[number] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


@pytest.fixture
def adam(kontakt) -> User:
    return User.objects.create_user("adam", password=PASSWORD, name="Ádám", role=Role.ADMINISTRATOR, subscriber=kontakt)


def demoted(person: User) -> PersonWish:
    return PersonWish(name=person.name, email=person.email, role=Role.COLLEAGUE, language=person.language)


@pytest.mark.usefixtures(ON_DISK)
@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_deactivate_each_other_leave_one(ada, adam):
    came = at_once(
        lambda: deactivate_person(person=adam, by=ada, now=now()),
        lambda: deactivate_person(person=ada, by=adam, now=now()),
    )
    assert sum(isinstance(one, LastAdministrator) for one in came) == 1
    assert came.count(0) == 1
    assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1


@pytest.mark.usefixtures(ON_DISK)
@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_step_down_together_leave_one(ada, adam):
    came = at_once(
        lambda: change_person(person=ada, wish=demoted(ada), by=ada, now=now()),
        lambda: change_person(person=adam, wish=demoted(adam), by=adam, now=now()),
    )
    assert sum(isinstance(one, LastAdministrator) for one in came) == 1
    assert sum(one == ["role"] for one in came) == 1
    assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1


@pytest.mark.usefixtures(ON_DISK)
@pytest.mark.django_db(transaction=True)
def test_somebody_invited_twice_at_the_same_moment_is_one_person(kontakt, ada):
    wish = PersonWish(name="Zoli", email="zoli@kontakt.example", role=Role.COLLEAGUE, language="hu")
    came = at_once(*[lambda: invite_colleague(subscriber=kontakt, wish=wish, by=ada, now=now())] * 2)
    assert sum(isinstance(one, PersonExists) for one in came) == 1
    assert User.objects.filter(username="zoli@kontakt.example").count() == 1


def test_no_company_has_an_operator():
    with pytest.raises(RoleNotOurs):
        PersonWish(name="Zoli", email="zoli@kontakt.example", role=Role.OPERATOR, language="hu")
