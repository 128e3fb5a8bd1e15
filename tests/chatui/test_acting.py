"""The operator's staff act as a company's administrator: with a reason, for an hour, always under their own name."""

from __future__ import annotations

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from chatui.hub import current_hub
from server.accounts import acting
from server.accounts.invitation_links import words_of_link
from server.accounts.invitations import invite_person
from server.accounts.models import AuditEntry, Role, Support, User
from server.accounts.models.support import NeverWritten
from server.events.services import set_services
from server.events.showing_out import show_out
from server.messaging.inbound import receive_sms
from server.messaging.models import Message, Note
from server.messaging.outbound import queue_sms
from server.privacy.erasing import erase
from server.privacy.models import Erasure
from tests.conftest import NOW
from tests.doors import Browser, verified
from tests.live import Tab, in_thread

WHY = "They can't find their failed messages"


@pytest.fixture
def desk(oper) -> Browser:
    """The operator's browser, verified."""
    return verified(oper)


@pytest.fixture
def helping(desk, kontakt) -> Browser:
    """The operator's browser, acting for Kontakt Kft."""
    assert begin(desk, kontakt).status_code == 302
    return desk


def begin(browser: Browser, subscriber, because: str = WHY):
    return browser.post(f"/operator/subscribers/{subscriber.pk}/act-as/", {"because": because})


def end(browser: Browser):
    return browser.post("/operator/end-acting/")


def row_of(user: User) -> dict:
    return User.objects.filter(pk=user.pk).values().get()


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


def an_hour_later(monkeypatch) -> None:
    later = timezone.now() + acting.LASTS
    for module in ("chatui.acting", "chatui.admission"):
        monkeypatch.setattr(f"{module}.now", lambda: later)


# --- Beginning
def test_it_begins_with_a_reason_that_the_company_reads(desk, kontakt, oper):
    assert desk.get(f"/operator/subscribers/{kontakt.pk}/act-as/").status_code == 200
    assert begin(desk, kontakt).url == "/"

    (entry,) = entries("support.began")
    assert (entry.subscriber, entry.actor, entry.is_support) == (kontakt, oper, True)
    assert entry.detail["because"] == WHY
    User.objects.filter(pk=oper.pk).update(language="en")
    page = desk.get("/messages/").text
    assert "You act as administrator of <strong>Kontakt Kft.</strong> for support" in page
    assert 'action="/operator/end-acting/"' in page
    assert 'href="/settings/"' not in page


@pytest.mark.parametrize("because", ["", "   ", "why", "x" * 201])
def test_without_a_real_reason_nothing_begins(desk, kontakt, because):
    assert begin(desk, kontakt, because).status_code == 422
    assert acting.ACTING not in desk.session
    assert not entries("support.began")


def test_nobody_begins_without_the_second_step(oper, kontakt):
    browser = Browser(oper)
    assert begin(browser, kontakt).url.startswith("/settings/two-factor/")
    assert acting.ACTING not in browser.session


@pytest.mark.parametrize("who", ["dana", "ada", "sam", "eve"])
def test_nobody_of_a_company_begins_anything(who, kontakt, rival, request):
    browser = verified(request.getfixturevalue(who))
    for subscriber in (kontakt, rival):
        assert begin(browser, subscriber).status_code == 403
    assert end(browser).status_code == 403
    assert acting.ACTING not in browser.session


def test_the_verb_itself_refuses_who_is_not_verified(oper, kontakt, now):
    session = Browser(oper).session
    with pytest.raises(acting.NotForSupport):
        acting.begin_acting(session=session, person=oper, subscriber=kontakt, because=WHY, now=now)


def test_acting_within_acting_is_not_possible(helping, rival):
    assert begin(helping, rival).status_code == 403
    assert helping.session[acting.ACTING]["subscriber"] != rival.pk


# --- Meanwhile
def test_what_is_done_names_the_person_and_is_marked(helping, conversation, oper, kontakt):
    assert helping.send(conversation, "Itt a szolgáltató.").status_code == 200
    token = uuid.uuid4()
    assert helping.say(f"/conversations/{conversation.pk}/note/", uuid=token, body="@dana nézd meg").status_code == 200

    assert Message.objects.get(body="Itt a szolgáltató.").author == oper
    assert Note.objects.get(uuid=token).author == oper
    assert helping.get("/company/audit/download/").status_code == 200
    (entry,) = entries("audit.exported")
    assert (entry.subscriber, entry.actor, entry.is_support) == (kontakt, oper, True)


def test_all_of_it_stands_in_the_companys_log(helping, ada, conversation, boti, boti_texts):
    message = boti_texts("Szia!")
    thread, entry = f"/conversations/{conversation.pk}/", f"/phonebook/{boti.pk}/"
    for address in (thread, thread, f"{thread}entries/", entry, f"/messages/{message.uuid}/", "/messages/?q=titkos", "/company/"):
        assert helping.get(address).status_code == 200, address
    assert [one.target for one in entries("support.looked")] == [thread, entry, f"/messages/{message.uuid}/", "/messages/"]

    helping.send(conversation, "Itt a szolgáltató.")
    helping.post(entry, {"name": "Kiss Botond"})
    # Kept, seen, refused: nothing was done.
    helping.say(f"{thread}draft/", body="Kezd")
    helping.say(f"{thread}read/", upto="1")
    helping.post(entry, {"name": ""})
    # The verb itself has written it down.
    helping.post(f"{entry}block/")
    assert [(one.target, one.detail["did"]) for one in entries("support.did")] == [(f"{thread}send/", "send"), (entry, "contact")]
    assert len(entries("contact.blocked")) == 1
    assert "titkos" not in repr([one.detail for one in AuditEntry.objects.all()])
    page = Browser(ada).get("/company/audit/?support=1").text
    assert "changed an entry of the phone book" in page
    # On the company's clock, which is on the banner, too.
    until = timezone.localtime(entries("support.began")[0].at + acting.LASTS, ZoneInfo("Europe/Budapest"))
    assert f"until: {until:%H:%M}" in page


def test_neither_a_part_of_a_page_nor_what_another_tab_does_meanwhile_leaves_anything_out(
    helping, kontakt, oper, conversation, boti_texts, monkeypatch
):
    boti_texts("Szia!")
    thread = f"/conversations/{conversation.pk}/"
    parts = ("/conversations/rows/", "/messages/changes/?since=0", "/messages/new/lookup/?q=boti")
    for address in (*parts, f"/live/?since=0&open={conversation.pk}", "/company/privacy/?person=boti"):
        assert helping.get(address).status_code == 200, address
    assert [one.target for one in entries("support.looked")] == ["/", "/messages/", "/phonebook/", thread, "/company/privacy/"]
    at_once = {"action": "support.looked", "subscriber": kontakt, "actor": oper, "is_support": True}

    def queued_while_another_tab_looks(**said):
        AuditEntry.objects.create(**at_once, at=timezone.now())
        return queue_sms(**said)

    monkeypatch.setattr("server.messaging.outbound.queue_sms", queued_while_another_tab_looks)
    helping.send(conversation, "Itt a szolgáltató.")
    assert [one.detail["did"] for one in entries("support.did")] == ["send"]


def test_the_persons_row_stays_as_it_is(helping, oper, conversation):
    before = row_of(oper)
    for method, address, form in [
        ("get", "/settings/", {}),
        ("get", "/settings/two-factor/", {}),
        ("post", "/settings/", {"old_password": "x", "new_password1": "valami-uj-jelszo", "new_password2": "valami-uj-jelszo"}),
        ("post", "/settings/canned-texts/", {"title": "T", "body": "B"}),
        ("post", "/language/", {"language": "en"}),
        ("post", f"/conversations/{conversation.pk}/claim/", {}),
        ("post", "/messages/filters/", {"keep_as": "mine", "q": "x"}),
    ]:
        answer = getattr(helping, method)(address, form)
        assert answer.status_code == 403, address
        assert 'action="/operator/end-acting/"' in answer.text, address
    assert row_of(oper) == before
    conversation.refresh_from_db()
    assert conversation.assignee is None


def test_a_stand_in_is_never_written(oper, kontakt, now):
    support = Support.of(oper, subscriber=kontakt, until=now)
    assert support == oper
    assert (support.role, support.is_staff, support.is_superuser) == (Role.ADMINISTRATOR, False, False)
    for write in (support.save, support.delete):
        with pytest.raises(NeverWritten):
            write()


def test_the_operators_own_pages_wait_until_it_is_ended(helping, kontakt):
    for address in ("/operator/", f"/operator/subscribers/{kontakt.pk}/act-as/"):
        assert helping.get(address).status_code == 403
    assert helping.get("/admin/").status_code == 302


def test_nothing_of_another_company_is_seen(helping, rival_line, eve):
    theirs = receive_sms(
        line=rival_line, provider_account="simulator:", provider_message_id="1", sender="+36205550123", body="Titkos", now=NOW
    ).message.conversation_id
    assert helping.get(f"/conversations/{theirs}/").status_code == 404
    assert "Titkos" not in helping.get("/messages/").text


def test_no_file_of_messages_is_taken_away(helping, conversation, boti_texts):
    boti_texts("Szia!")
    assert "data-exports" not in helping.get("/messages/").text
    assert helping.post("/messages/exports/", {"format": "csv"}).status_code == 403
    assert helping.get(f"/conversations/{conversation.pk}/print/").status_code == 403


def test_nor_is_anything_else_of_the_companys_customers(helping, ada, boti_texts, boti):
    boti_texts("STOP")
    for browser, answered, is_offered in [(helping, 403, False), (Browser(ada), 200, True)]:
        assert browser.post(f"/company/privacy/people/{boti.pk}/").status_code == answered
        assert browser.get("/company/privacy/opt-outs/").status_code == answered
        assert ("/company/privacy/opt-outs/" in browser.get("/company/privacy/").text) is is_offered
        assert (f"/company/privacy/people/{boti.pk}/" in browser.get(f"/phonebook/{boti.pk}/").text) is is_offered
        assert f"/company/privacy/erase/{boti.pk}/" in browser.get(f"/phonebook/{boti.pk}/").text
        assert browser.get("/phonebook/import/").status_code == answered
        assert ("/phonebook/import/" in browser.get("/phonebook/").text) is is_offered


def test_what_the_worker_does_of_it_later_is_marked_too(helping, boti, oper):
    wish = {"asked_how": "phone", "digits": boti.number[-4:], "sure": "1"}
    assert helping.post(f"/company/privacy/erase/{boti.pk}/", wish).status_code == 302
    # As the worker does it: nobody acts any more.
    erase(erasure_id=Erasure.objects.get().pk)
    (entry,) = entries("erasure.finished")
    assert (entry.actor, entry.is_support) == (oper, True)


def test_the_companys_people_are_not_offered_the_person(helping, ada, dana, conversation):
    assert "Oper" not in Browser(ada).get(f"/conversations/{conversation.pk}/colleagues/").text
    answer = Browser(ada).say(f"/conversations/{conversation.pk}/assign/", to=str(User.objects.get(username="oper").pk))
    assert answer.status_code == 404


# --- The end
def test_ending_it_leads_back_to_the_operators_pages(helping, kontakt, oper):
    assert end(helping).url == f"/operator/subscribers/{kontakt.pk}/"

    (entry,) = entries("support.ended")
    assert (entry.subscriber, entry.actor, entry.is_support, entry.detail["how"]) == (kontakt, oper, True, "ended")
    assert helping.get("/operator/").status_code == 200
    assert helping.get("/messages/").status_code == 302
    # Asked twice (a second tab): nothing more happens.
    assert end(helping).url == "/operator/"
    assert len(entries("support.ended")) == 1


def test_after_an_hour_it_is_over(helping, monkeypatch, conversation):
    an_hour_later(monkeypatch)

    assert helping.get(f"/conversations/{conversation.pk}/").status_code == 302

    (entry,) = entries("support.ended")
    assert entry.detail["how"] == "expired"
    assert acting.ACTING not in helping.session


@pytest.mark.parametrize("what", [{"role": Role.COLLEAGUE}, {"is_staff": False}])
def test_who_lost_the_role_acts_no_longer(helping, oper, kontakt, conversation, what):
    more = {"subscriber": kontakt} if "role" in what else {}
    User.objects.filter(pk=oper.pk).update(**what, **more)

    answer = helping.send(conversation, "Még egyszer")

    assert answer.status_code in {302, 404}
    assert not Message.objects.filter(body="Még egyszer").exists()
    assert entries("support.ended")[0].detail["how"] == "revoked"


def test_who_lost_the_second_step_acts_no_longer(helping, oper, conversation):
    TOTPDevice.objects.filter(user=oper).delete()

    assert helping.get(f"/conversations/{conversation.pk}/").status_code == 302
    assert entries("support.ended")[0].detail["how"] == "revoked"


def test_who_was_deactivated_is_logged_out(helping, oper):
    User.objects.filter(pk=oper.pk).update(is_active=False)
    assert helping.get("/messages/").url.startswith("/login/")


def test_logging_out_ends_it(helping):
    assert helping.post("/logout/").status_code == 302
    assert entries("support.ended")[0].detail["how"] == "logged out"


def test_becoming_somebody_else_in_the_same_browser_ends_it(helping, oper, rival, ada, now):
    invited = invite_person(
        subscriber=rival, email="uj@rival.example", name="Új", role=Role.COLLEAGUE, language="en", by=None, now=timezone.now()
    )
    word, token = words_of_link(invited)
    password = "tavaszi-szel-vizet-araszt"
    joined = helping.post(f"/join/{word}/{token}/", {"name": "Új", "password": password, "again": password})
    assert joined.status_code == 302
    assert [entry.detail["how"] for entry in entries("support.ended")] == ["logged out"]
    assert AuditEntry.objects.filter(action="user.logged_in", actor=invited).exists()


def test_acting_for_a_company_that_is_gone_is_over(oper, kontakt):
    browser = verified(oper)
    session = browser.session
    session[acting.ACTING] = {"subscriber": 987654321, "until": (timezone.now() + timedelta(minutes=5)).isoformat(), "because": "x"}
    session.save()
    assert browser.get("/messages/").status_code == 302
    assert acting.ACTING not in browser.session


# --- Sockets
@pytest.fixture
async def helping_tab(on_disk, oper, kontakt):
    """(the browser, a connected tab of its session)"""
    browser = await in_thread(verified, oper)
    await in_thread(begin, browser, kontakt)
    tab = Tab(browser.cookies["sessionid"].value)
    await tab.connects()
    assert await tab.has_heard_nothing()
    yield browser, tab
    await tab.leaves()


on_sockets = [pytest.mark.usefixtures("on_disk"), pytest.mark.django_db(transaction=True)]


class TestSockets:
    pytestmark = on_sockets

    async def test_colleagues_see_who_helps(self, tab_of, helping_tab, dana, conversation):
        _, tab = helping_tab
        hers = await tab_of(dana)
        await hers.says(open=conversation.pk)

        await tab.says(open=conversation.pk)
        await hers.sees("live-presence", "(")
        await tab.says(typing=conversation.pk)

        typing = await hers.sees("live-typing")
        assert "Oper (" in typing

    async def test_the_support_sees_what_happens(self, helping_tab, boti_texts):
        _, tab = helping_tab
        await in_thread(boti_texts, "Segítség!")
        assert "Segítség!" in await tab.sees("live-row")

    async def test_ending_it_closes_the_sessions_sockets_at_once(self, helping_tab):
        browser, tab = helping_tab
        await in_thread(end, browser)
        assert await tab.is_closed_with() == 4401

    async def test_logging_out_closes_them_at_once(self, helping_tab):
        browser, tab = helping_tab
        await in_thread(browser.post, "/logout/")
        assert await tab.is_closed_with() == 4401

    async def test_so_does_ending_all_of_the_persons_log_ins_from_elsewhere(self, helping_tab, oper):
        _, tab = helping_tab
        await in_thread(show_out, user=oper)
        assert await tab.is_closed_with() == 4401

    async def test_what_has_run_out_is_closed_at_the_recheck(self, helping_tab, monkeypatch):
        _, tab = helping_tab
        an_hour_later(monkeypatch)
        await current_hub().recheck()
        assert await tab.is_closed_with() == 4403

    @pytest.mark.parametrize(("what", "code"), [({"is_active": False}, 4401), ({"is_staff": False}, 4403)])
    async def test_who_may_no_longer_is_closed_at_the_recheck(self, helping_tab, oper, what, code):
        _, tab = helping_tab
        await in_thread(User.objects.filter(pk=oper.pk).update, **what)
        await current_hub().recheck()
        assert await tab.is_closed_with() == code

    async def test_switching_the_companys_services_reaches_the_support_too(self, helping_tab, kontakt):
        _, tab = helping_tab
        await in_thread(set_services, subscriber=kontakt, sms=False, chat=None, because="test", by=None, now=timezone.now())
        assert await tab.is_closed_with() == 4403
