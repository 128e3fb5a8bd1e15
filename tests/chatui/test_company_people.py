"""An administrator and the company's people: invited, changed, let go, taken back."""

from __future__ import annotations

import re
from unittest.mock import Mock

import pytest
from django.core import mail
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_tasks_db.models import DBTaskResult
from freezegun import freeze_time

from server.accounts.letters import send_invitation
from server.accounts.models import AuditEntry, Role, Team, User
from server.events.models import Event, Kind
from server.letter_tasks import PAUSES
from server.lines.models import LineAccess
from server.messaging.conversations import assign_conversation, save_draft
from server.messaging.models import Activity, ActivityKind, Conversation, Draft
from tests.conftest import NOW, PASSWORD
from tests.doors import HTMX, Browser, verified
from tests.letters import letters_sent

PEOPLE = "/company/people/"


@pytest.fixture
def hers(ada):
    return Browser(ada)


@pytest.fixture
def shop(kontakt):
    return Team.objects.create(subscriber=kontakt, name="Bolt")


def invitation(**more):
    return {"email": "zoli@kontakt.example", "name": "Kovács Zoltán", "role": "colleague", "language": "hu"} | more


def as_is(person: User, **more):
    lines = {f"line-{access.line_id}": "send" if access.can_send else "read" for access in person.line_access.all()}
    teams = [team.pk for team in person.teams.all()]
    facts = {"name": person.name, "email": person.email, "role": person.role, "language": person.language, "phone": person.phone}
    return {**facts, "teams": teams, **lines, **more}


def page_of(person: User, word: str = "") -> str:
    return f"{PEOPLE}{person.pk}/{word}"


def link_in(letter) -> str:
    return re.search(r"https?://[^/]+(/join/\S+)", letter.body).group(1)


def letter_to(person: User):
    """What the task worker sends."""
    mail.outbox.clear()
    send_invitation.func(person.pk)
    return mail.outbox[0]


# --- The list ----------------------------------------------------------------------------------------
def test_the_list_says_who_everybody_is_and_what_they_may_do(hers, dana, sam, line, sales_line, shop):
    dana.teams.add(shop)
    LineAccess.objects.create(line=sales_line, user=dana, can_send=False)
    TOTPDevice.objects.create(user=sam, confirmed=True)
    User.objects.filter(pk=sam.pk).update(away_since=NOW)
    page = hers.get(PEOPLE).text
    for word in ("Dana", "Sam", "Ada", "Supervisor", "Bolt", "Support", "Sales", "Away", "Never"):
        assert word in page
    assert page.count('class="on"') == 1


def test_the_list_costs_the_same_for_many(hers, kontakt, line, shop, django_assert_max_num_queries):
    for number in range(30):
        person = User.objects.create(username=f"p{number}", name=f"P {number}", subscriber=kontakt)
        person.teams.add(shop)
        LineAccess.objects.create(line=line, user=person)
    with django_assert_max_num_queries(16):
        assert hers.get(PEOPLE).text.count("<tr") == 32


def test_one_finds_people_by_the_beginnings_of_words_accents_or_not(hers, kontakt, line):
    for name in ("Árvai Éva", "Nagy Béla"):
        LineAccess.objects.create(line=line, user=User.objects.create(username=name[:3], name=name, subscriber=kontakt))
    found = hers.get(PEOPLE, {"q": "arv"}, headers=HTMX).text
    assert "Árvai Éva" in found
    assert "Nagy Béla" not in found
    assert "Nagy Béla" in hers.get(PEOPLE, {"q": "supp nag"}).text
    assert "Nobody like that" in hers.get(PEOPLE, {"q": "zzz"}).text


def test_the_pages_work_while_sms_is_off(hers, kontakt, dana):
    kontakt.activation.chat_since = kontakt.activation.sms_since = None
    kontakt.activation.save()
    for address in (PEOPLE, page_of(dana), PEOPLE + "invite/", "/company/teams/"):
        assert hers.get(address).status_code == 200


# --- Inviting ----------------------------------------------------------------------------------------
def test_who_is_invited_chooses_a_password_and_is_in(hers, ada, kontakt, line, shop):
    answer = hers.post(PEOPLE + "invite/", invitation(teams=[shop.pk], **{f"line-{line.pk}": "read"}))
    assert answer.url == PEOPLE
    zoli = User.objects.get(username="zoli@kontakt.example")
    assert "Invited" in hers.get(PEOPLE).text
    assert (zoli.subscriber, zoli.role, [*zoli.teams.all()]) == (kontakt, Role.COLLEAGUE, [shop])
    assert LineAccess.objects.get(user=zoli).can_send is False
    assert AuditEntry.objects.get(action="user.invited").actor == ada

    letter = letter_to(zoli)
    assert letter.to == ["zoli@kontakt.example"]
    assert "Kontakt Kft." in letter.subject
    assert "Ada" in letter.body
    browser, link = Browser(), link_in(letter)
    page = browser.get(link).text
    assert "Ada" in page
    assert "Kontakt Kft." in page
    joined = browser.post(link, {"name": "Kovács Zoli", "password": "harom-piros-alma", "again": "harom-piros-alma"})
    assert (joined.status_code, joined.url) == (302, "/")
    assert browser.get("/messages/").status_code == 200
    zoli.refresh_from_db()
    assert zoli.name == "Kovács Zoli"
    assert zoli.check_password("harom-piros-alma")
    assert zoli.sessions.count() == 1
    assert [entry.action for entry in AuditEntry.objects.filter(actor=zoli).order_by("id")] == ["user.joined", "user.logged_in"]


def test_a_link_works_once(hers, kontakt):
    hers.post(PEOPLE + "invite/", invitation())
    link = link_in(letter_to(User.objects.get(username="zoli@kontakt.example")))
    taken = {"name": "Zoli", "password": "harom-piros-alma", "again": "harom-piros-alma"}
    assert Browser().post(link, taken).status_code == 302
    for answer in (
        Browser().get(link),
        Browser().post(link, taken | {"password": "masik-jelszo-lesz", "again": "masik-jelszo-lesz"}),
    ):
        assert answer.status_code == 404
    assert User.objects.get(username="zoli@kontakt.example").check_password("harom-piros-alma")


def test_who_has_had_too_many_invitations_of_a_day_gets_no_more(hers, kontakt):
    hers.post(f"{PEOPLE}invite/", invitation())
    zoli = User.objects.get(email="zoli@kontakt.example")
    for _ in range(6):
        answer = hers.post(page_of(zoli, "invite/"))
    assert "too many invitations for one day" in hers.get(answer.url).text
    assert AuditEntry.objects.filter(action="user.invited").count() == 5
    entries = [AuditEntry(subscriber=kontakt, action="user.invited", target=str(n), at=timezone.now()) for n in range(195)]
    AuditEntry.objects.bulk_create(entries)
    for address, form in [(f"{PEOPLE}invite/", invitation(email="kati@x.hu")), (page_of(zoli), as_is(zoli, email="other@x.hu"))]:
        answer = hers.post(address, form)
        assert answer.status_code == 422
        assert "too many invitations for one day" in answer.text
    zoli.refresh_from_db()
    assert zoli.email == "zoli@kontakt.example"


def test_a_new_invitation_ends_the_link_before(hers):
    hers.post(PEOPLE + "invite/", invitation())
    zoli = User.objects.get(username="zoli@kontakt.example")
    old = link_in(letter_to(zoli))
    assert hers.post(page_of(zoli, "invite/")).url == page_of(zoli)
    zoli.refresh_from_db()
    assert Browser().get(old).status_code == 404
    assert Browser().get(link_in(letter_to(zoli))).status_code == 200


def test_a_late_link_says_whom_to_ask(hers):
    hers.post(PEOPLE + "invite/", invitation(language="en"))
    zoli = User.objects.get(username="zoli@kontakt.example")
    User.objects.filter(pk=zoli.pk).update(invited_at=NOW.replace(year=2025))
    zoli.refresh_from_db()
    late = Browser().get(link_in(letter_to(zoli)))
    assert late.status_code == 410
    assert "Ask Ada at Kontakt Kft." in late.text
    assert "Invitation has run out" in hers.get(PEOPLE).text


@pytest.mark.parametrize("link", ["/join/MQ/abc/", "/join/x/y/", "/join/%FF/y/", f"/join/{'9' * 40}/y/", "/join/OTk5OTk5/%C3%A1/"])
def test_a_link_that_nobody_sent_leads_nowhere(db, link):
    assert Browser().get(link).status_code == 404


@pytest.mark.parametrize(
    ("password", "again"), [("rovid", "rovid"), ("password1234", "password1234"), ("harom-piros-alma", "mas"), ("", "")]
)
def test_a_poor_password_does_not_use_the_link_up(hers, password, again):
    hers.post(PEOPLE + "invite/", invitation())
    link = link_in(letter_to(User.objects.get(username="zoli@kontakt.example")))
    assert Browser().post(link, {"name": "Zoli", "password": password, "again": again}).status_code == 422
    assert Browser().get(link).status_code == 200


def test_who_was_deactivated_before_joining_can_not_join(hers):
    hers.post(PEOPLE + "invite/", invitation())
    zoli = User.objects.get(username="zoli@kontakt.example")
    link = link_in(letter_to(zoli))
    hers.post(page_of(zoli, "deactivate/"))
    assert Browser().get(link).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "zoli"},
        {"email": ""},
        {"email": "x" * 150 + "@kontakt.example"},
        {"email": "dana"},
        {"email": "EVE@rival.example"},
        {"name": ""},
        {"name": "\u202e\u200b "},
        {"role": "operator"},
        {"role": ""},
        {"language": "de"},
        {"teams": ["999999"]},
        {"teams": ["x"]},
        {"teams": ["9" * 20]},
    ],
)
def test_what_can_not_be_invited_is_said(hers, dana, eve, wrong):
    User.objects.filter(pk=eve.pk).update(username="eve@rival.example", email="eve@rival.example")
    before = User.objects.count()
    for headers in ({}, HTMX):
        assert hers.post(PEOPLE + "invite/", invitation(**wrong), headers=headers).status_code == 422
    assert User.objects.count() == before
    assert not AuditEntry.objects.filter(action="user.invited").exists()


def test_lines_and_teams_of_another_company_are_not_given(hers, dana, rival, rival_line):
    theirs = Team.objects.create(subscriber=rival, name="Övék")
    hers.post(page_of(dana), as_is(dana) | {f"line-{rival_line.pk}": "send"})
    assert not LineAccess.objects.filter(user=dana, line=rival_line).exists()
    assert hers.post(page_of(dana), as_is(dana, teams=[theirs.pk])).status_code == 422
    assert not dana.teams.exists()


def test_a_name_is_one_plain_line(hers):
    hers.post(PEOPLE + "invite/", invitation(name="<b>Zoli</b>\u202e\r\nBcc: x"))
    zoli = User.objects.get(username="zoli@kontakt.example")
    assert zoli.name == "<b>Zoli</b> Bcc: x"
    assert "<b>Zoli" not in hers.get(PEOPLE).text
    assert "\n" not in letter_to(zoli).subject


# --- Changing ----------------------------------------------------------------------------------------
def test_a_change_is_saved_audited_and_told_to_that_person_alone(hers, ada, dana, line, sales_line, shop):
    wish = as_is(dana, name="Kis Dana", role="supervisor", phone="06 20 555 0123", teams=[shop.pk], email="dana@kontakt.example")
    hers.post(page_of(dana), wish | {f"line-{sales_line.pk}": "read"})
    dana.refresh_from_db()
    assert (dana.name, dana.role, dana.phone, dana.username) == ("Kis Dana", Role.SUPERVISOR, "+36205550123", "dana")
    assert dict(LineAccess.objects.filter(user=dana).values_list("line", "can_send")) == {line.pk: True, sales_line.pk: False}
    entry = AuditEntry.objects.get(action="user.changed")
    assert (entry.actor, entry.target) == (ada, "dana")
    assert entry.detail["changed"]["role"] == {"old": "colleague", "new": "supervisor"}
    assert entry.detail["changed"]["lines"] == {
        "old": {line.number: "send"},
        "new": {line.number: "send", sales_line.number: "read"},
    }
    assert entry.detail["changed"]["teams"] == {"old": [], "new": ["Bolt"]}
    event = Event.objects.get()
    assert (event.kind, event.user_id) == (Kind.ACCESS_CHANGED, dana.pk)


def test_saving_nothing_new_tells_nobody(hers, dana):
    assert hers.post(page_of(dana), as_is(dana)).url == PEOPLE
    assert not Event.objects.exists()
    assert not AuditEntry.objects.filter(action="user.changed").exists()


def test_who_loses_a_line_gives_its_conversations_back(hers, dana, conversation, line):
    assign_conversation(conversation=conversation, to=dana, by=dana, now=NOW)
    hers.post(page_of(dana), as_is(dana) | {f"line-{line.pk}": ""})
    conversation.refresh_from_db()
    assert conversation.assignee is None
    assert Activity.objects.filter(conversation=conversation, kind=ActivityKind.RELEASED).exists()


def test_whoever_logs_in_with_the_address_does_so_with_the_new_one(hers, kontakt):
    hers.post(PEOPLE + "invite/", invitation())
    zoli = User.objects.get(username="zoli@kontakt.example")
    old = link_in(letter_to(zoli))
    hers.post(page_of(zoli), as_is(zoli, email="Zoltan@kontakt.example"))
    zoli.refresh_from_db()
    assert (zoli.username, zoli.email) == ("zoltan@kontakt.example", "zoltan@kontakt.example")
    assert Browser().get(old).status_code == 404
    assert letter_to(zoli).to == ["zoltan@kontakt.example"]


@pytest.mark.parametrize("phone", ["12", "abc", "+36 30 123"])
def test_a_wrong_number_is_said(hers, dana, phone):
    answer = hers.post(page_of(dana), as_is(dana, phone=phone))
    assert answer.status_code == 422
    assert "This is not a phone number." in answer.text


def test_nobody_becomes_the_operator(hers, dana):
    assert hers.post(page_of(dana), as_is(dana, role="operator")).status_code == 422
    dana.refresh_from_db()
    assert (dana.role, dana.is_staff) == (Role.COLLEAGUE, False)


def test_strangers_and_the_operators_staff_are_no_people_of_ours(hers, eve, oper):
    for other in (eve, oper):
        for word in ("", "deactivate/", "second-step/", "log-out/"):
            assert hers.get(page_of(other, word)).status_code == 404
            assert hers.post(page_of(other, word), as_is(other)).status_code == 404
        for word in ("reactivate/", "invite/"):
            assert hers.post(page_of(other, word)).status_code == 404


def test_the_old_mailbox_is_told_of_a_new_address(hers, dana):
    User.objects.filter(pk=dana.pk).update(email="dana@kontakt.example")
    dana.refresh_from_db()
    hers.post(page_of(dana), as_is(dana, email="d@elsewhere.example"))
    assert [letter.to for letter in letters_sent()] == [["dana@kontakt.example"]]


def test_a_letter_waits_for_a_mail_server_that_is_away(hers, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr("server.mail.send_mail", Mock(side_effect=ConnectionRefusedError))
        hers.post(f"{PEOPLE}invite/", invitation())
        assert letters_sent() == []
    assert letters_sent() == [], "not at once"
    with freeze_time(timezone.now() + PAUSES[0]):
        assert [letter.to for letter in letters_sent()] == [["zoli@kontakt.example"]]
    assert not DBTaskResult.objects.exists()


# --- The last administrator ----------------------------------------------------------------------------
def test_the_last_administrator_stays_one(hers, ada, kontakt):
    answer = hers.post(page_of(ada), as_is(ada, role="colleague"))
    assert answer.status_code == 422
    assert "last administrator" in answer.text
    # Who was only invited can't take over.
    hers.post(PEOPLE + "invite/", invitation(role="administrator"))
    assert hers.post(page_of(ada), as_is(ada, role="supervisor")).status_code == 422
    ada.refresh_from_db()
    assert ada.role == Role.ADMINISTRATOR


def test_with_another_administrator_one_may_step_down(hers, ada, kontakt):
    User.objects.create_user("adam", password=PASSWORD, role=Role.ADMINISTRATOR, subscriber=kontakt)
    assert hers.post(page_of(ada), as_is(ada, role="colleague")).url == "/settings/"
    assert hers.get(PEOPLE).status_code == 403


def test_nobody_deactivates_themselves(hers, ada, kontakt):
    User.objects.create_user("adam", password=PASSWORD, role=Role.ADMINISTRATOR, subscriber=kontakt)
    hers.post(page_of(ada, "deactivate/"))
    ada.refresh_from_db()
    assert ada.is_active


# --- Letting go ----------------------------------------------------------------------------------------
def test_who_is_deactivated_is_out_and_gives_back_what_they_had_taken(hers, ada, dana, conversation, boti_texts, line):
    browser = Browser(dana)
    assign_conversation(conversation=conversation, to=dana, by=dana, now=NOW)
    done = boti_texts("Régi", sender="+36309990002").conversation
    Conversation.objects.filter(pk=done.pk).update(assignee=dana, done_at=NOW)
    save_draft(conversation=conversation, by=dana, body="Kezdem", now=NOW)
    asked = hers.get(page_of(dana, "deactivate/")).text
    assert "go back to nobody: 1" in asked

    hers.post(page_of(dana, "deactivate/"))
    assert "Conversations back to nobody: 1" in hers.get(PEOPLE).text
    assert browser.get("/").url == "/login/?next=/"
    assert set(Conversation.objects.values_list("assignee", flat=True)) == {None}
    assert Draft.objects.get().body == "Kezdem"
    assert AuditEntry.objects.get(action="user.deactivated").detail["released"] == 1
    assert Browser().post("/login/", {"username": "dana", "password": PASSWORD}).status_code == 200


def test_who_comes_back_has_what_they_had(hers, dana, line):
    hers.post(page_of(dana, "deactivate/"))
    hers.post(page_of(dana, "reactivate/"))
    dana.refresh_from_db()
    assert dana.is_active
    assert LineAccess.objects.filter(user=dana, line=line).exists()
    assert Browser().post("/login/", {"username": "dana", "password": PASSWORD}).status_code == 302


def test_many_conversations_go_back_by_one_word(hers, dana, kontakt, line, boti):
    for number in range(205):
        conversation = Conversation.objects.create(
            subscriber=kontakt,
            line=line,
            contact=kontakt.contacts.create(number=f"+3630{5_000_000 + number}", created_at=NOW),
            latest_at=NOW,
            created_at=NOW,
            assignee=dana,
        )
    hers.post(page_of(dana, "deactivate/"))
    assert not Conversation.objects.filter(assignee=dana).exists()
    assert set(Event.objects.values_list("kind", flat=True)) == {Kind.PHONEBOOK_CHANGED, Kind.ACCESS_CHANGED}
    assert Activity.objects.filter(conversation=conversation).count() == 1


def test_the_operators_support_does_so_under_its_own_name(oper, kontakt, dana, ada, conversation):
    support = verified(oper)
    support.post(f"/operator/subscribers/{kontakt.pk}/act-as/", {"because": "They have nobody left who can"})
    assign_conversation(conversation=conversation, to=dana, by=dana, now=NOW)
    assert support.post(PEOPLE + "invite/", invitation()).url == PEOPLE
    assert support.post(page_of(dana, "deactivate/")).url == PEOPLE
    assert support.post("/company/", {"name": "Kontakt Zrt.", "timezone": "Europe/Budapest", "language": "hu"}).url == "/company/"
    done = AuditEntry.objects.filter(action__in=["user.invited", "user.deactivated", "company.changed"])
    assert {(entry.actor, entry.is_support, entry.subscriber) for entry in done} == {(oper, True, kontakt)}
    assert done.count() == 3
    assert Activity.objects.get(kind=ActivityKind.RELEASED).actor == oper


# --- Log-in --------------------------------------------------------------------------------------------
def test_a_lost_second_step_is_reset_and_the_person_logged_out(hers, dana):
    TOTPDevice.objects.create(user=dana, confirmed=True)
    browser = Browser(dana)
    assert "Reset the second step of Dana?" in hers.get(page_of(dana, "second-step/"), headers=HTMX).text
    assert hers.post(page_of(dana, "second-step/")).url == page_of(dana)
    assert not TOTPDevice.objects.filter(user=dana).exists()
    assert browser.get("/").url == "/login/?next=/"
    assert AuditEntry.objects.get(action="user.second_step_reset").target == "dana"


def test_ones_own_second_step_is_not_taken_away_without_a_code(hers, ada):
    TOTPDevice.objects.create(user=ada, confirmed=True)
    assert hers.get(page_of(ada, "second-step/")).url == page_of(ada)
    assert hers.post(page_of(ada, "second-step/")).url == page_of(ada)
    assert TOTPDevice.objects.filter(user=ada).exists()


def test_somebody_is_logged_out_everywhere(hers, ada, dana):
    browsers = [Browser(dana), Browser(dana)]
    hers.post(page_of(dana, "log-out/"))
    assert [browser.get("/").url for browser in browsers] == ["/login/?next=/"] * 2
    assert AuditEntry.objects.get(action="user.shown_out").detail["sessions"] == 2
    assert hers.get(PEOPLE).status_code == 200


# --- Teams ---------------------------------------------------------------------------------------------
def test_teams_are_made_changed_and_dissolved(hers, kontakt, dana, sam, eve):
    hers.post("/company/teams/new/", {"name": "Műhely", "members": [dana.pk]})
    team = Team.objects.get(subscriber=kontakt)
    assert [*team.members.all()] == [dana]
    hers.post(f"/company/teams/{team.pk}/", {"name": "Bolt", "members": [sam.pk]})
    team.refresh_from_db()
    assert (team.name, [*team.members.all()]) == ("Bolt", [sam])
    assert hers.post(f"/company/teams/{team.pk}/", {"name": "Bolt", "members": [eve.pk]}).status_code == 422
    assert "lines: 1" in hers.get(f"/company/teams/{team.pk}/delete/").text
    hers.post(f"/company/teams/{team.pk}/delete/")
    assert not Team.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="team.").order_by("id").values_list("action", flat=True)
    assert [*actions] == ["team.made", "team.changed", "team.deleted"]


@pytest.mark.parametrize("name", ["Műhely", "muhely", " MŰHELY ", "", "\u200b"])
def test_a_team_has_a_name_of_its_own(hers, kontakt, rival, name):
    Team.objects.create(subscriber=kontakt, name="Műhely")
    assert hers.post("/company/teams/new/", {"name": name}, headers=HTMX).status_code == 422
    assert Team.objects.count() == 1


def test_an_administrator_sees_and_chooses_how_a_person_hears_of_calls(hers, dana):
    address = f"/company/people/{dana.pk}/"
    User.objects.filter(pk=dana.pk).update(hears_of_calls_by=["browser", "sms"])
    ticked = re.findall(r'name="calls" value="(\w+)" checked', hers.get(address).text)
    assert ticked == ["browser", "sms"]
    facts = {"name": dana.name, "email": dana.email, "role": dana.role, "language": dana.language}
    for said, kept in (({}, ticked), ({"calls": ["sms", "email"]}, ["email", "sms"]), ({"offers_calls": "1"}, [])):
        shown = {"offers_calls": "1"} if said else {}
        assert hers.post(address, facts | shown | said).status_code == 302
        assert User.objects.get(pk=dana.pk).hears_of_calls_by == kept
    assert "By e-mail, By SMS" in hers.get("/company/audit/").text
