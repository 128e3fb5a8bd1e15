"""Inviting somebody: who can be, what the letter says, and how long its link is good for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail

from server.accounts.invitation_links import (
    VALID_FOR,
    InvitationExpired,
    InvitationUsed,
    invited_by_link,
    is_invited,
    words_of_link,
)
from server.accounts.invitations import (
    COUNTED_FOR,
    MOST_LETTERS,
    MOST_LETTERS_TO_ONE,
    EmailNotValid,
    PersonExists,
    TooManyInvitations,
    invite_again,
    invite_person,
    join,
)
from server.accounts.letters import send_invitation
from server.accounts.models import AuditEntry, Role, User
from tests.conftest import NOW


@pytest.fixture
def invited(kontakt, ada):
    def invite(email: str = "zoli@kontakt.example", **facts) -> User:
        wish = {"name": "Kovács Zoltán", "role": Role.COLLEAGUE, "language": "hu", "by": ada, "subscriber": kontakt, **facts}
        return invite_person(email=email, now=NOW, **wish)

    return invite


def link(person: User) -> dict[str, str]:
    uidb64, token = words_of_link(person)
    return {"uidb64": uidb64, "token": token}


def test_whoever_is_invited_can_not_log_in_before_they_have_joined(invited, kontakt):
    zoli = invited(" Zoli@Kontakt.example ")
    assert (zoli.username, zoli.email, zoli.subscriber) == ("zoli@kontakt.example", "zoli@kontakt.example", kontakt)
    assert not zoli.has_usable_password()
    assert is_invited(zoli)
    joined = join(**link(zoli), name="Zoli", password_hash=make_password("harom-piros-alma"), now=NOW)
    assert joined.check_password("harom-piros-alma")
    assert not is_invited(joined)


@pytest.mark.parametrize(
    "email", ["", "zoli", "zoli@", "@kontakt.example", "a b@kontakt.example", "a\x00@x.example", "x" * 140 + "@kontakt.hu"]
)
def test_what_is_no_address_is_refused(invited, email):
    with pytest.raises(EmailNotValid):
        invited(email)


def test_an_address_is_one_persons(invited, dana, eve):
    User.objects.filter(pk=dana.pk).update(email="dana@kontakt.example")
    User.objects.filter(pk=eve.pk).update(username="Eve@Rival.example", email="eve.private@rival.example")
    for taken in ("DANA@kontakt.example", "eve@rival.example"):
        with pytest.raises(PersonExists):
            invited(taken)
    # Where somebody elsewhere gets their letters is nobody's business here.
    assert invited("eve.private@rival.example").pk


def test_nobody_is_invited_to_be_the_operator(invited):
    with pytest.raises(ValueError, match="operator"):
        invited(role=Role.OPERATOR)


@pytest.mark.parametrize(("language", "said"), [("hu", "Kedves Kovács Zoltán!"), ("en", "Dear Kovács Zoltán,")])
def test_the_letter_is_in_their_language(invited, language, said):
    send_invitation.func(invited(language=language).pk)
    [letter] = mail.outbox
    assert said in letter.body
    assert "Ada" in letter.body
    assert "zoli@kontakt.example" in letter.body


def test_a_line_break_in_a_name_gets_into_no_head(invited, kontakt):
    kontakt.name = "Kontakt\r\nBcc: everybody@example.com"
    kontakt.save(update_fields=["name"])
    send_invitation.func(invited().pk)
    assert "\n" not in mail.outbox[0].message()["Subject"]
    assert mail.outbox[0].to == ["zoli@kontakt.example"]


def test_of_the_operators_staff_no_name_is_told(invited, oper):
    send_invitation.func(invited(by=oper, language="en").pk)
    assert "Oper" not in mail.outbox[0].body
    assert "Your SMS provider has invited you" in mail.outbox[0].body


def test_who_has_left_or_joined_meanwhile_gets_no_letter(invited):
    zoli = invited()
    User.objects.filter(pk=zoli.pk).update(is_active=False)
    send_invitation.func(zoli.pk)
    assert mail.outbox == []
    assert invite_again(person=zoli, by=zoli, now=NOW) is False


def test_nobodys_mailbox_is_filled_with_invitations(invited, ada):
    zoli = invited()
    for _ in range(MOST_LETTERS_TO_ONE - 1):
        assert invite_again(person=zoli, by=ada, now=NOW)
    words = link(User.objects.get(pk=zoli.pk))
    with pytest.raises(TooManyInvitations):
        invite_again(person=zoli, by=ada, now=NOW + COUNTED_FOR - timedelta(seconds=1))
    # The last letter is good all the same.
    assert invited_by_link(**words, now=NOW) == zoli
    assert invited("kati@kontakt.example").pk
    assert invite_again(person=zoli, by=ada, now=NOW + COUNTED_FOR)


def test_a_company_writes_to_no_strangers_by_the_thousand(invited, rival, kontakt):
    entries = [AuditEntry(subscriber=kontakt, action="user.invited", target=f"{n}@x.example", at=NOW) for n in range(MOST_LETTERS)]
    AuditEntry.objects.bulk_create(entries)
    with pytest.raises(TooManyInvitations):
        invited()
    assert not User.objects.filter(email="zoli@kontakt.example").exists()
    assert invited(subscriber=rival).pk


def test_a_link_is_good_for_a_week_to_the_second(invited):
    words = link(invited())
    assert invited_by_link(**words, now=NOW + VALID_FOR).username == "zoli@kontakt.example"
    with pytest.raises(InvitationExpired):
        invited_by_link(**words, now=NOW + VALID_FOR + timedelta(seconds=1))


def test_a_link_is_one_persons(invited):
    zoli, kati = invited(), invited("kati@kontakt.example")
    with pytest.raises(InvitationUsed):
        invited_by_link(uidb64=link(kati)["uidb64"], token=link(zoli)["token"], now=NOW)


@pytest.mark.parametrize(
    "change", [{"email": "other@kontakt.example"}, {"is_active": False}, {"invited_at": NOW + timedelta(hours=1)}]
)
def test_whatever_changes_what_it_was_made_of_ends_a_link(invited, change):
    zoli = invited()
    words = link(zoli)
    User.objects.filter(pk=zoli.pk).update(**change)
    with pytest.raises(InvitationUsed):
        invited_by_link(**words, now=NOW)
