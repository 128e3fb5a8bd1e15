"""Adatvédelem in the browser: wishes and consents, holds, how long messages are kept, erasing, the files."""

from __future__ import annotations

import io
import zipfile

import pytest

from server.accounts.models import AuditEntry, Role, User
from server.contacts.models import Consent, Contact, OptOut
from server.contacts.optout import opt_out, opt_out_in_force
from server.events.services import set_services
from server.messaging.models import Activity, Message
from server.privacy.erasing import erase
from server.privacy.models import Erasure, ErasureState, LegalHold
from tests.conftest import BOTI, NOW
from tests.doors import Browser


@pytest.fixture
def aron(kontakt) -> User:
    return User.objects.create_user(username="aron", name="Aron", role=Role.AUDITOR, subscriber=kontakt, language="en")


# --- Wishes and consents on a contact's page


def test_a_colleague_puts_down_that_somebody_wants_no_more_messages(dana, boti, boti_texts, line):
    conversation = boti_texts("Szia").conversation
    answer = Browser(dana).post(f"/phonebook/{boti.pk}/opt-outs/", {"line": "", "remark": "telefonon mondta"})
    assert (answer.status_code, answer.url) == (302, f"/phonebook/{boti.pk}/")
    wish = opt_out_in_force(line=line, number=BOTI)
    assert (wish.source, wish.words, wish.recorded_by) == ("person", "telefonon mondta", dana)
    assert Activity.objects.get(conversation=conversation).actor == dana
    page = Browser(dana).get(f"/phonebook/{boti.pk}/").text
    for words in ("No messages from Support", "telefonon mondta", "by a colleague (Dana)"):
        assert words in page
    assert "Write again all the same" not in page
    assert AuditEntry.objects.filter(action="optout.recorded", actor=dana).exists()


def test_only_supervisors_and_administrators_override_it_and_say_why(dana, sam, boti, boti_texts, line):
    boti_texts("STOP")
    wish = OptOut.objects.get()
    address = f"/phonebook/opt-outs/{wish.pk}/end/"
    assert Browser(dana).post(address, {"reason": "Kérte"}).status_code == 403
    assert Browser(sam).post(address, {"reason": "  "}).status_code == 422
    assert opt_out_in_force(line=line, number=BOTI)
    assert Browser(sam).post(address, {"reason": "Kérte"}).status_code == 302
    assert not opt_out_in_force(line=line, number=BOTI)
    wish.refresh_from_db()
    assert (wish.ended_by, wish.ended_because) == (sam, "Kérte")
    entry = AuditEntry.objects.get(action="optout.overridden")
    assert (entry.actor, entry.target) == (sam, str(boti.pk))
    assert BOTI not in str(entry.detail)
    assert "Kérte" in Browser(dana).get(f"/phonebook/{boti.pk}/").text


def test_a_consent_is_given_and_withdrawn(dana, boti, boti_texts):
    boti_texts("Szia")
    browser = Browser(dana)
    form = {"purpose": "Hírlevél", "source": "Űrlap", "given_on": "2026-11-02"}
    assert browser.post(f"/phonebook/{boti.pk}/consents/", form).status_code == 302
    assert browser.post(f"/phonebook/{boti.pk}/consents/", form).status_code == 422, "in force already"
    consent = Consent.objects.get()
    assert f"{consent.given_at:%Y-%m-%d %H:%M}" == "2026-11-01 23:00"
    page = browser.get(f"/phonebook/{boti.pk}/").text
    assert "Hírlevél" in page
    assert "Dana" in page
    assert browser.post(f"/phonebook/consents/{consent.pk}/withdraw/").status_code == 302
    consent.refresh_from_db()
    assert consent.withdrawn_at
    assert browser.post(f"/phonebook/{boti.pk}/consents/", form).status_code == 302, "they may agree anew"


@pytest.mark.parametrize(
    "form",
    [
        {"purpose": "Hírlevél"},
        {"source": "x"},
        {"purpose": "x", "source": "y", "given_on": "2126-01-01"},
        {"purpose": "x", "source": "y", "given_on": "0001-01-01"},
    ],
)
def test_a_consent_without_what_and_where_or_of_the_future_is_not_kept(form, dana, boti, boti_texts):
    boti_texts("Szia")
    assert Browser(dana).post(f"/phonebook/{boti.pk}/consents/", form).status_code == 422
    assert not Consent.objects.exists()


def test_an_auditor_changes_nothing(aron, boti, boti_texts):
    boti_texts("STOP")
    page = Browser(aron).get(f"/phonebook/{boti.pk}/").text
    assert "No messages from Support" in page
    assert "They do not want messages any more" not in page
    assert Browser(aron).post(f"/phonebook/{boti.pk}/opt-outs/", {}).status_code == 403


# --- Holds and how long


def test_a_hold_is_placed_and_ended(ada, boti):
    browser = Browser(ada)
    assert browser.post("/company/privacy/holds/", {"contact": boti.pk, "reason": " "}).status_code == 422
    assert browser.post("/company/privacy/holds/", {"contact": boti.pk, "reason": "Per"}).status_code == 302
    assert browser.post("/company/privacy/holds/", {"contact": boti.pk, "reason": "Per"}).status_code == 422
    hold = LegalHold.objects.get()
    assert browser.post(f"/phonebook/{boti.pk}/delete/").url == f"/phonebook/{boti.pk}/"
    boti.refresh_from_db()
    assert boti.name == "Kiss Boti", "what there is of them is kept"
    assert "On legal hold since" in browser.get(f"/phonebook/{boti.pk}/").text
    assert "legal hold" in browser.get(f"/company/privacy/erase/{boti.pk}/").text
    assert "Per" in browser.get("/company/privacy/").text
    assert browser.post(f"/company/privacy/holds/{hold.pk}/end/").status_code == 302
    assert not LegalHold.objects.in_force().exists()
    actions = AuditEntry.objects.filter(action__startswith="hold.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["hold.placed", "hold.ended"]


def test_how_long_messages_are_kept_is_shown_before_it_is_decided(ada, kontakt, boti_texts):
    boti_texts("régi", at=NOW.replace(year=2025))
    browser = Browser(ada)
    seen = browser.get("/company/privacy/retention/?days=90").text
    assert "1 messages of 1 conversations" in seen
    kontakt.refresh_from_db()
    assert kontakt.keeps_messages_days is None
    assert browser.post("/company/privacy/retention/", {"days": "90"}).status_code == 302
    kontakt.refresh_from_db()
    assert kontakt.keeps_messages_days == 90
    assert "For 90 days" in browser.get("/company/privacy/").text
    assert browser.post("/company/privacy/retention/", {"days": ""}).status_code == 302
    kontakt.refresh_from_db()
    assert kontakt.keeps_messages_days is None


@pytest.mark.parametrize("days", ["29", "3651", "-1", "x", "9" * 50, "1.5"])
def test_a_period_that_is_none_is_refused(days, ada):
    assert Browser(ada).get("/company/privacy/retention/", {"days": days}).status_code == 422
    assert Browser(ada).post("/company/privacy/retention/", {"days": days}).status_code == 422


# --- Erasing


def test_it_is_asked_twice_with_the_last_digits(ada, boti, boti_texts):
    boti_texts("Titkos")
    browser, address = Browser(ada), f"/company/privacy/erase/{boti.pk}/"
    assert "last four digits" in browser.get(address).text
    for form in ({}, {"asked_how": "letter", "digits": "0002"}, {"asked_how": "x", "digits": "0001"}):
        assert browser.post(address, form | {"sure": "1"}).status_code == 422
    second = browser.post(address, {"asked_how": "letter", "digits": "0001"})
    assert "There is no way back" in second.text
    assert not Erasure.objects.exists()
    answer = browser.post(address, {"asked_how": "letter", "digits": "0001", "sure": "1"})
    erasure = Erasure.objects.get()
    assert answer.url == f"/company/privacy/erasures/{erasure.uuid}/"
    assert "just being erased" in browser.get(answer.url).text
    again = browser.post(address, {"asked_how": "letter", "digits": "0001", "sure": "1"})
    assert again.url == answer.url


def test_the_certificate_says_what_was_done_and_not_of_whom(ada, boti, boti_texts):
    message = boti_texts("Titkos")
    browser = Browser(ada)
    browser.post(f"/company/privacy/erase/{boti.pk}/", {"asked_how": "letter", "digits": "0001", "sure": "1"})
    erasure = Erasure.objects.get()
    erase(erasure_id=erasure.pk)
    page = browser.get(f"/company/privacy/erasures/{erasure.uuid}/").text
    file = browser.get(f"/company/privacy/erasures/{erasure.uuid}/certificate/")
    assert "attachment" in file["Content-Disposition"]
    for text in (page, file.text):
        for words in (str(message.uuid), str(erasure.uuid), "Ada (ada)", "By letter", message.provider_message_id, "being asked"):
            assert words in text
        for words in ("Titkos", "Kiss Boti", BOTI, "999 0001"):
            assert words not in text
    assert erasure.redactions.get().confirmed_at is None


def test_what_was_erased_is_shown_as_such_everywhere(ada, dana, boti, boti_texts):
    conversation = boti_texts("Titkos").conversation
    browser = Browser(dana)
    browser.post(f"/conversations/{conversation.pk}/note/", {"uuid": "11111111-1111-4111-8111-111111111111", "body": "Jegyzet"})
    Browser(ada).post(f"/company/privacy/erase/{boti.pk}/", {"asked_how": "letter", "digits": "0001", "sure": "1"})
    erase(erasure_id=Erasure.objects.get().pk)
    assert Erasure.objects.get().state == ErasureState.FINISHED
    pages = ["/", f"/conversations/{conversation.pk}/", "/messages/", f"/messages/{Message.objects.get().uuid}/"]
    for address in pages:
        text = browser.get(address).text
        assert "Erased" in text, address
        for words in ("Titkos", "Jegyzet", "Kiss Boti", "9990001", "erased:"):
            assert words not in text, (address, words)
    contact = Browser(ada).get(f"/phonebook/{boti.pk}/").text
    assert "Certificate of erasure" in contact
    paper = Browser(ada).get(f"/conversations/{conversation.pk}/print/?notes=1")
    assert b"".join(paper.streaming_content).count(b"Erased") >= 2
    dana.language = "hu"
    dana.save()
    assert "Törölve" in browser.get("/messages/").text


# --- Files


def test_all_of_a_persons_data_in_one_click(ada, boti, boti_texts):
    boti_texts("Szia")
    answer = Browser(ada).post(f"/company/privacy/people/{boti.pk}/")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert set(archive.namelist()) == {"messages.xlsx", "everything.json"}


def test_all_opt_outs_are_listed_found_by_number_and_downloaded(ada, line, boti, boti_texts):
    boti_texts("STOP")
    opt_out(line=line, number="+36209990002", source="provider", at=NOW)
    browser = Browser(ada)
    page = browser.get("/company/privacy/").text
    assert "+36 30 999 0001" in page
    assert "+36 20 999 0002" in page
    found = browser.get("/company/privacy/?number=06 30 999 0001").text
    assert "+36 30 999 0001" in found
    assert "+36 20 999 0002" not in found
    assert "+36 30 999 0001" in browser.get("/company/privacy/?number=9990").text
    file = browser.get("/company/privacy/opt-outs/").text
    assert file.startswith("\ufeffNumber,Line,Since")
    assert "'+36309990001" in file, "a number must not be taken for a formula"
    assert AuditEntry.objects.get(action="optouts.downloaded").detail == {"rows": 2}


def test_a_wish_of_who_was_erased_is_found_by_who_knows_the_number(ada, line, boti, boti_texts):
    boti_texts("STOP")
    browser = Browser(ada)
    browser.post(f"/company/privacy/erase/{boti.pk}/", {"asked_how": "letter", "digits": "0001", "sure": "1"})
    erase(erasure_id=Erasure.objects.get().pk)
    assert "Erased contact" in browser.get("/company/privacy/").text
    assert "Support" in browser.get("/company/privacy/?number=%2B36309990001").text.split('id="opt-outs"')[1]
    assert Contact.objects.get().erased_at


@pytest.mark.parametrize("who", ["dana", "sam", "eve"])
def test_privacy_is_for_administrators(who, request, boti):
    browser = Browser(request.getfixturevalue(who))
    for address in (
        "/company/privacy/",
        "/company/privacy/retention/",
        f"/company/privacy/erase/{boti.pk}/",
        "/company/privacy/opt-outs/",
    ):
        assert browser.get(address).status_code == 403, address
    assert browser.post(f"/company/privacy/people/{boti.pk}/").status_code == 403


def test_who_asks_is_found_while_there_is_no_phone_book(ada, boti, boti_texts, kontakt, rival):
    browser, erase = Browser(ada), f"/company/privacy/erase/{boti.pk}/"
    boti_texts("Szia")
    Contact.objects.create(subscriber=rival, number="+36209990009", name="Kiss Boti", created_at=NOW)
    assert erase not in browser.get("/company/privacy/?person=kiss").text, "they have a page of their own"
    set_services(subscriber=kontakt, sms=False, chat=None, because="", by=None, now=NOW)
    assert browser.get("/company/privacy/?person=kiss").text.count("/company/privacy/erase/") == 1
    assert erase in browser.get(f"/company/privacy/?person={BOTI[-7:]}").text
    assert browser.post("/company/privacy/holds/", {"contact": boti.pk, "reason": "Per"}).url == "/company/privacy/"


def test_nobody_gives_a_name_to_who_was_erased(ada, dana, boti, boti_texts):
    conversation = boti_texts("Titkos").conversation
    Browser(ada).post(f"/company/privacy/erase/{boti.pk}/", {"asked_how": "letter", "digits": "0001", "sure": "1"})
    erase(erasure_id=Erasure.objects.get().pk)
    Browser(ada).post(f"/phonebook/{boti.pk}/?conversation={conversation.pk}", {"name": "Kiss Boti"})
    Browser(ada).post(f"/phonebook/{boti.pk}/", {"whole": "1", "name": "Kiss Boti", "numbers": BOTI})
    boti.refresh_from_db()
    assert (boti.name, boti.number[:7]) == ("", "erased:")
    thread = Browser(ada).get(f"/conversations/{conversation.pk}/").text
    assert "This person was erased" in thread
    assert "Who is this?" not in thread
