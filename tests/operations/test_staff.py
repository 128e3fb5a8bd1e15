"""The operator's own people: one lets another go, never oneself, so somebody always gets in."""

from __future__ import annotations

import pytest
from django.utils import timezone

from server.accounts.models import AuditEntry, Role, User
from server.events import staff as verbs
from tests.codes import has_app
from tests.doors import Browser, verified

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(oper) -> User:
    return User.objects.create_user(
        username="olga", password="x", name="Olga", role=Role.OPERATOR, is_staff=True, is_superuser=True, language="en"
    )


def let_go(desk: Browser, user: User):
    return desk.post(f"/operator/staff/{user.pk}/deactivate/")


def test_all_of_the_staff_are_listed_and_no_companys_people(desk, oper, other, ada):
    page = desk.get("/operator/staff/").text
    assert "olga" in page
    assert ada.username + "<" not in page
    assert f"/operator/staff/{other.pk}/deactivate/" in page
    assert f"/operator/staff/{oper.pk}/" not in page


def test_who_is_let_go_is_logged_out_at_once_and_is_not_let_in(desk, oper, other, kontakt):
    hers = verified(other)
    assert hers.get("/operator/").status_code == 200
    assert let_go(desk, other).url == "/operator/staff/"
    assert hers.get("/operator/").url.startswith("/login/")
    assert Browser().post("/login/", {"username": "olga", "password": "x"}).status_code == 200
    entry = AuditEntry.objects.get(action="user.deactivated")
    assert (entry.actor, entry.target, entry.subscriber) == (oper, "olga", None)
    assert let_go(desk, other).status_code == 302
    assert AuditEntry.objects.filter(action="user.deactivated").count() == 1


def test_acting_for_a_company_ends_with_it(desk, other, kontakt):
    hers = verified(other)
    assert hers.post(f"/operator/subscribers/{kontakt.pk}/act-as/", {"because": "They asked for it"}).status_code == 302
    let_go(desk, other)
    assert hers.get("/messages/").url.startswith("/login/")
    assert AuditEntry.objects.get(action="support.ended").subscriber == kontakt


def test_who_was_let_go_is_taken_back(desk, other):
    let_go(desk, other)
    assert f"/operator/staff/{other.pk}/reactivate/" in desk.get("/operator/staff/").text
    desk.post(f"/operator/staff/{other.pk}/reactivate/")
    assert verified(other).get("/operator/").status_code == 200
    assert AuditEntry.objects.filter(action="user.reactivated", target="olga").count() == 1


def test_nobody_lets_themselves_go_or_takes_their_own_second_step(desk, oper, other):
    for act in ("deactivate", "second-step"):
        desk.post(f"/operator/staff/{oper.pk}/{act}/")
        assert "Somebody else of the staff" in desk.notices("/operator/staff/")
    oper.refresh_from_db()
    assert oper.is_active
    assert desk.get("/operator/").status_code == 200


def test_of_two_who_let_each_other_go_the_second_is_refused(oper, other):
    # Both have asked before either was done.
    verbs.deactivate_staff(person=other, by=oper, now=timezone.now())
    with pytest.raises(verbs.NotAllowedAnyMore):
        verbs.deactivate_staff(person=oper, by=other, now=timezone.now())
    assert User.objects.get(pk=oper.pk).is_active


def test_a_lost_second_step_is_taken_away(desk, other):
    has_app(other)
    hers = Browser(other)
    desk.post(f"/operator/staff/{other.pk}/second-step/")
    assert hers.get("/settings/").url.startswith("/login/")
    assert Browser(other).get("/operator/").url.startswith("/settings/two-factor/")
    assert "Olga has no second step" in (desk.post(f"/operator/staff/{other.pk}/second-step/") and desk.notices("/operator/staff/"))


def test_a_companys_people_are_not_found_there(desk, ada):
    assert let_go(desk, ada).status_code == 404
    ada.refresh_from_db()
    assert ada.is_active
