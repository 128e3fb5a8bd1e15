"""Making a company and changing what it is called and where it is."""

from __future__ import annotations

import pytest

from server.accounts.invitations import PersonExists
from server.accounts.models import AuditEntry, Role, Subscriber, User
from server.events.models import Event, Kind
from server.events.subscribers import SlugTaken, change_subscriber, create_subscriber, slug_from

pytestmark = pytest.mark.django_db

HOME = {"country": "HU", "timezone": "Europe/Budapest", "language": "hu"}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Árvíztűrő Tükörfúrógép Kft.", "arvizturo-tukorfurogep-kft"),
        ("Işık & İzmir A.Ş.", "isik-izmir-a-s"),
        ("Łódź  Straße Ø", "lodz-strasse-o"),
        ("漢字", "company"),
        ("<b>Kovács</b>", "b-kovacs-b"),
        ("x" * 120, "x" * 50),
    ],
)
def test_a_slug_is_made_of_plain_letters(name, slug):
    assert slug_from(name) == slug


def test_a_slug_that_is_taken_gets_a_number(kontakt):
    assert slug_from("Kontakt") == "kontakt-2"
    Subscriber.objects.create(slug="kontakt-2", name="Kontakt")
    assert slug_from("Kontakt") == "kontakt-3"


def test_a_company_begins_without_services_and_its_administrator_is_invited(oper, now):
    made = create_subscriber(name="Új Kft.", slug="uj", **HOME, administrator=("Ilona", "Ilona@uj.example"), by=oper, now=now)
    assert (made.has_sms, made.has_chat) == (False, False)
    ilona = User.objects.get(subscriber=made)
    assert (ilona.role, ilona.email, ilona.language) == (Role.ADMINISTRATOR, "ilona@uj.example", "hu")
    assert AuditEntry.objects.get(action="subscriber.recorded").actor == oper


def test_nothing_is_made_when_the_administrator_can_not_be_invited(oper, now):
    ilona = ("Ilona", "ilona@uj.example")
    create_subscriber(name="Új Kft.", slug="uj", **HOME, administrator=ilona, by=oper, now=now)
    with pytest.raises(PersonExists):
        create_subscriber(name="Még új Kft.", slug="meg-uj", **HOME, administrator=ilona, by=oper, now=now)
    assert not Subscriber.objects.filter(slug="meg-uj").exists()


def test_two_companies_never_have_one_slug(kontakt, rival, oper, now):
    with pytest.raises(SlugTaken):
        create_subscriber(name="Kontakt", slug="kontakt", **HOME, by=oper, now=now)
    with pytest.raises(SlugTaken):
        change_subscriber(subscriber=rival, by=oper, now=now, slug="kontakt")
    rival.refresh_from_db()
    assert rival.slug == "rival"


def test_open_screens_hear_of_a_change_of_the_zone(kontakt, oper, now):
    assert change_subscriber(subscriber=kontakt, by=oper, now=now, name="Kontakt Kft.", timezone="Europe/London") == ["timezone"]
    assert Event.objects.get(subscriber=kontakt).kind == Kind.ACCESS_CHANGED
    assert AuditEntry.objects.get(action="subscriber.recorded").detail == {"changed": ["timezone"]}


def test_a_message_that_comes_while_a_company_is_renamed_keeps_its_number(kontakt, oper, now):
    stale = Subscriber.objects.get(pk=kontakt.pk)
    Subscriber.objects.filter(pk=kontakt.pk).update(last_event=7)
    change_subscriber(subscriber=stale, by=oper, now=now, name="Kontakt Zrt.")
    kontakt.refresh_from_db()
    assert (kontakt.name, kontakt.last_event) == ("Kontakt Zrt.", 8)
