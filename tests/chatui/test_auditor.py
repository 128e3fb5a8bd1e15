"""Aron the auditor sees everything of his company and changes nothing; his pages offer nothing that would be refused."""

from __future__ import annotations

import re
import uuid

import pytest
from django.utils import timezone

from server.accounts.models import AuditEntry, Role
from server.history.models import SavedFilter
from server.lines.models import Line, LineAccess
from server.messaging.conversations import NotOneOfUs, assign_conversation, mentioned_in
from server.messaging.models import Message, Note, ReadMarker
from server.messaging.outbound import NotAllowedToSend, queue_sms
from server.provisioning.applying import apply_plan
from server.provisioning.reading import read_plan
from tests.conftest import NOW
from tests.doors import FRAMES, HTMX, Browser, rows_in, shown

PAGES = ["/", "/messages/", "/figures/", "/messages/exports/", "/messages/exports/new/", "/company/audit/", "/settings/"]


@pytest.fixture
def threads(boti_texts, sales_line):
    return [boti_texts("Szia!").conversation, boti_texts("Hol a csomag?", to=sales_line, sender="+36205550123").conversation]


@pytest.fixture
def his(aron) -> Browser:
    return Browser(aron)


# --- Sees
def test_he_sees_every_line_and_every_thread(his, threads):
    assert set(rows_in(his.get("/"))) == {thread.pk for thread in threads}
    assert len(shown(his.get("/messages/"))) == 2
    assert "Hol a csomag?" in his.get(f"/conversations/{threads[1].pk}/").text


@pytest.mark.parametrize("page", PAGES)
def test_these_pages_are_open_to_him(his, threads, page):
    assert his.get(page).status_code == 200


def test_he_takes_messages_away_as_a_file_and_that_is_written_down(his, threads, aron):
    address = his.post("/messages/exports/", {"format": "csv"}).url
    assert his.get(address).status_code == 200
    assert set(AuditEntry.objects.filter(actor=aron).values_list("action", flat=True)) >= {"export.downloaded"}


def test_what_is_his_own_he_may_keep(his, threads, aron):
    one = f"/conversations/{threads[0].pk}/"
    assert his.say(one + "read/", upto="1").status_code == 204
    assert ReadMarker.objects.get(user=aron).inbound_read == 1
    assert his.say(one + "unread/").status_code == 200
    assert his.post("/messages/filters/", {"keep_as": "Mine", "q": "csomag"}).status_code == 302
    (kept,) = SavedFilter.objects.filter(owner=aron)
    assert his.post(f"/messages/filters/{kept.pk}/delete/", {"sure": "1"}).status_code == 302
    assert not SavedFilter.objects.exists()


# --- Changes nothing
def test_he_shares_no_filter(his, threads):
    his.post("/messages/filters/", {"keep_as": "Ours", "keep_for": "all", "q": "csomag"})
    assert not SavedFilter.objects.filter(owner=None).exists()


@pytest.mark.parametrize("form", ["new/", "{}/merge/", "{}/delete/", "{}/block/"])
def test_no_form_that_would_be_refused_is_shown_to_him(his, ada, boti, form):
    address = f"/phonebook/{form.format(boti.pk)}"
    assert his.get(address).status_code == his.get(address, headers=HTMX).status_code == 403
    assert Browser(ada).get(address).status_code == 200


@pytest.mark.parametrize("door", ["send/", "note/", "draft/", "claim/", "assign/", "done/", "reopen/"])
def test_every_change_to_a_thread_is_refused(his, threads, door):
    form = {"uuid": uuid.uuid4(), "body": "Nem én", "to": ""}
    for headers in ({}, FRAMES, HTMX):
        assert his.post(f"/conversations/{threads[0].pk}/{door}", form, headers=headers).status_code == 403
    assert not Message.objects.outbound().exists()
    assert not Note.objects.exists()


def test_he_is_not_asked_to_write_to_anybody(his):
    assert his.get("/messages/new/").status_code == 403
    assert his.post("/messages/new/", {"uuid": uuid.uuid4(), "to": "06301234567", "body": "Szia!"}).status_code == 403


def test_he_can_send_from_no_line_even_one_he_was_given(aron, line, conversation):
    LineAccess.objects.create(line=line, user=aron)
    assert not Line.objects.sendable_by(aron).exists()
    with pytest.raises(NotAllowedToSend):
        queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Nem én", author=aron, now=NOW)


def test_nobody_gives_him_a_conversation(aron, ada, dana, line, conversation):
    LineAccess.objects.create(line=line, user=aron)
    browser = Browser(ada)
    assert "Aron" not in browser.get(f"/conversations/{conversation.pk}/colleagues/").text
    assert browser.say(f"/conversations/{conversation.pk}/assign/", to=str(aron.pk)).status_code == 404
    with pytest.raises(NotOneOfUs):
        assign_conversation(conversation=conversation, to=aron, by=ada, now=NOW)


def test_nobody_mentions_him(aron, ada, dana, line, conversation):
    LineAccess.objects.create(line=line, user=aron)
    assert mentioned_in("@aron @dana nézzétek", conversation) == [dana]
    offered = re.search(r'<script id="colleague-names".*?</script>', Browser(ada).get(f"/conversations/{conversation.pk}/").text)
    assert "dana" in offered.group()
    assert "aron" not in offered.group()


# --- His pages
def test_a_thread_says_that_he_reads_only_instead_of_a_composer(his, threads):
    page = his.get(f"/conversations/{threads[0].pk}/").text
    assert "You read only" in page
    assert 'id="composer"' not in page
    assert "data-only-reads" in page


def test_a_colleague_has_the_composer(dana, threads):
    page = Browser(dana).get(f"/conversations/{threads[0].pk}/").text
    assert "You read only" not in page
    assert 'id="composer"' in page


def test_what_a_page_offers_is_not_refused(his, threads):
    """Whatever form or link stands there for him to see is his to use."""
    for page in [*PAGES, f"/conversations/{threads[0].pk}/"]:
        text = re.sub(r'<(\w+)[^>]*class="[^"]*\bwriters-only\b[^"]*".*?</\1>', "", his.get(page).text, flags=re.DOTALL)
        forms = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', text))
        forms = {
            address for address in forms if not re.search(r"/(unread|logout|language|settings|filters|exports|told)/", address)
        }
        assert not forms - {"/logout/", "/language/"}, page
        for link in set(re.findall(r'href="(/[^"#]*)', text)) - {"/simulator/"}:
            if not link.startswith(("/static/", "/settings/")):
                assert his.get(link.replace("&amp;", "&")).status_code in {200, 302}, (page, link)


# --- How one becomes an auditor
def test_a_provisioning_file_makes_auditors(kontakt, aron):
    file = '[[subscriber]]\nslug = "kontakt"\n[[subscriber.user]]\nusername = "olga"\npassword = "x-y-z-1234"\nrole = "auditor"\n'
    apply_plan(read_plan(file, providers={"simulator"}), now=timezone.now())
    assert kontakt.users.get(username="olga").role == Role.AUDITOR


# --- On the socket
@pytest.mark.usefixtures("on_disk")
@pytest.mark.django_db(transaction=True)
async def test_he_looks_on_but_never_writes(tab_of, aron, dana, conversation):
    hers, tab = await tab_of(dana), await tab_of(aron)
    await hers.says(open=conversation.pk)
    await tab.says(open=conversation.pk)
    await hers.sees("live-presence", "Aron")

    await tab.says(typing=conversation.pk)

    assert '<live-error reason="not-found"></live-error>' in await tab.sees("live-error")
    assert await hers.has_heard_nothing()
