"""The rows of Messages: what they say and mark, all that is known of one, and those that changed since."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from server.accounts.models import Activation, Role, Subscriber, User
from server.contacts.models import Contact
from server.contacts.phonebook import record_contacts
from server.events.log import record
from server.events.models import Event, Kind
from server.history.columns import COLUMNS
from server.messaging.conversations import write_note
from server.messaging.models import DeliveryReport, Message, Origin, Status
from server.messaging.outbound import queue_sms
from server.messaging.partners import merge_contacts, rename_contact, separate_number
from tests.chatui.calls_told import a_rule, applied
from tests.chatui.calls_told import told as told_by_the_exchange
from tests.conftest import NOW
from tests.doors import FRAMES, HTMX, Browser, shown

NASTY = [
    "<script>alert(1)</script> számla",
    '"><img src=x onerror=alert(1)> számla',
    "számla </mark></td></tr></table> & 'idézet' \"idézet\"",
    "{{ számla }} {% számla %} &lt;b&gt;",
    "</template></live-history-row><live-reload></live-reload> számla",
]


def row_of(page, message) -> str:
    return re.search(rf'<tr id="message-{message.uuid}".*?</tr>', page.text, re.DOTALL)[0]


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def cell(row: str, name: str) -> str:
    return words_of(re.search(rf'<td class="[^"]*\b{name}\b[^"]*">(.*?)</td>', row, re.DOTALL)[1])


def marks(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r"<mark>(.*?)</mark>", html)]


def answer(conversation, body: str, *, by=None, at=NOW, **facts) -> Message:
    message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=by, now=at)
    Message.objects.filter(pk=message.pk).update(**facts)
    message.refresh_from_db()
    return message


# --- What a row says -------------------------------------------------------------------------------
def test_a_row_says_what_stands_in_a_file(dana, boti_texts):
    asked = boti_texts("Szia!\nKét sorban.")
    lost = answer(asked.conversation, "Nem megy ki", by=dana, status=Status.FAILED, reason="not_mobile")
    picture = Message.objects.create(
        subscriber=asked.subscriber,
        conversation=asked.conversation,
        line=asked.line,
        direction="in",
        status="received",
        body="Nézd",
        media=[{"url": "https://x", "content_type": "image/png"}],
        created_at=NOW,
    )
    page = Browser(dana).get("/messages/")
    for message in (asked, lost, picture):
        message = Message.objects.select_related("conversation__contact", "line", "author").get(pk=message.pk)
        with translation.override(dana.language):
            said = {column.key: column.of(message) for column in COLUMNS}
        row = row_of(page, message)
        assert cell(row, "way-cell") == said["direction"]
        assert cell(row, "partner").replace(" ", "") == (said["name"] + said["number"]).replace(" ", "")
        assert said["text"].split() == words_of(re.search(r"data-body>(.*?)</div>", row, re.DOTALL)[1]).split()
        assert cell(row, "author") == said["who"]
        assert cell(row, "state") == said["status"]


def test_a_partner_without_a_name_is_the_number_and_only_once(dana, boti_texts):
    message = boti_texts("Szia!", sender="+36209990002")
    assert cell(row_of(Browser(dana).get("/messages/"), message), "partner") == "+36 20 999 0002"


def test_a_row_says_where_it_stands_and_whose_it_is(dana, boti_texts):
    texts = [boti_texts(f"text {n}", at=NOW + timedelta(minutes=n // 2)) for n in range(6)]
    page = Browser(dana).get("/messages/")
    positions = re.findall(r'data-position="([\d-]+)" data-conversation', page.text)
    assert positions == sorted((text.position for text in texts), reverse=True)
    row = row_of(page, texts[0])
    assert f'data-uuid="{texts[0].uuid}"' in row
    assert f'data-conversation="{texts[0].conversation_id}"' in row
    assert f'data-contact="{texts[0].conversation.contact_id}"' in row


def test_whole_words_are_marked_by_their_beginnings_accents_or_not(dana, boti_texts):
    message = boti_texts("Kérem a SZÁMLÁT, számlaszámmal; elszámolás nem.")
    row = row_of(Browser(dana).get("/messages/", {"q": "szamla"}), message)
    assert marks(row) == ["SZÁMLÁT", "számlaszámmal"]


def test_names_and_numbers_are_marked_where_they_were_found(dana, boti_texts):
    message = boti_texts("Szia!")
    browser = Browser(dana)
    for query, marked in [
        ({"q": "boti"}, ["Boti"]),
        ({"q": "999 00"}, ["999 00"]),
        ({"q": "0630999"}, ["36 30 999"]),
        ({"name": "bot"}, ["Boti"]),
        ({"number": "0001"}, ["0001"]),
        ({"number": "+36-30/999"}, ["36 30 999"]),
        ({"direction": "in"}, []),
    ]:
        assert marks(row_of(browser.get("/messages/", query), message)) == marked, query


def test_links_work_and_are_marked_inside(dana, boti_texts):
    message = boti_texts("Itt: https://example.hu/szamla?a=1&b=2.")
    row = row_of(Browser(dana).get("/messages/", {"q": "szamla"}), message)
    assert '<a href="https://example.hu/szamla?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">' in row
    assert marks(row) == ["szamla"]


@pytest.mark.parametrize("body", NASTY)
@pytest.mark.parametrize("query", [{}, {"q": "szamla"}, {"q": "<script>"}, {"q": "img alert script b"}], ids=str)
def test_nasty_texts_stay_text(dana, boti, boti_texts, body, query):
    Contact.objects.filter(pk=boti.pk).update(name=body[:100])
    message = boti_texts(body)
    browser = Browser(dana)
    told = browser.get("/messages/changes/", {"since": 0} | query, headers=FRAMES)
    details = browser.get(f"/messages/{message.uuid}/")
    for page in (browser.get("/messages/", query), told, details):
        assert not re.search(r"<script>alert|<img src=x|</mark></td></tr></table> &|<live-reload>", page.text)
    for page in (browser.get("/messages/", query), told):
        if str(message.uuid) in page.text:
            assert words_of(re.search(r"data-body>(.*?)</div>", page.text, re.DOTALL)[1]) == " ".join(body.split())


def test_only_who_may_download_sees_the_boxes_and_the_item(dana, sam, kontakt, boti_texts):
    boti_texts("Szia!")
    assert 'name="only"' not in Browser(dana).get("/messages/").text
    assert "download-one" not in Browser(dana).get("/messages/").text
    for who in (sam, dana):
        Subscriber.objects.filter(pk=kontakt.pk).update(colleagues_may_export=True)
        page = Browser(who).get("/messages/").text
        assert 'form="selection"' in page
        assert 'form="download-one"' in page


def test_without_the_chat_service_a_row_leads_to_its_details(dana, kontakt, boti_texts):
    message = boti_texts("Szia!")
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)
    page = Browser(dana).get("/messages/").text
    assert f"/conversations/{message.conversation_id}/" not in page
    assert f'href="/messages/{message.uuid}/"' in page


def test_without_the_chat_service_the_whole_conversation_is_printed_and_downloaded_from_a_row(dana, sam, kontakt, boti_texts):
    thread = boti_texts("Szia!").conversation_id
    ways = (f'href="/conversations/{thread}/print/"', f'href="/messages/exports/new/?conversation={thread}&amp;oldest=1"')
    # Else both are in the menu of the thread.
    assert not any(way in Browser(sam).get("/messages/").text for way in ways)
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)
    assert all(way in Browser(sam).get("/messages/").text for way in ways)
    assert not any(way in Browser(dana).get("/messages/").text for way in ways)


def test_the_way_to_the_thread_takes_the_words_along(dana, boti_texts):
    message = boti_texts("A számla & a blokk")
    browser = Browser(dana)
    page = browser.get("/messages/", {"q": "számla blokk"})
    address = unescape(re.search(r'<a href="(/conversations/[^"]+)" data-open', page.text)[1])
    assert address.endswith(f"#entry-{message.uuid}")
    thread = browser.get(address.split("#")[0]).text
    entry = re.search(rf'class="message in[^"]* target" id="entry-{message.uuid}".*?</div>', thread, re.DOTALL)[0]
    assert marks(entry) == ["számla", "blokk"]


def test_the_list_of_conversations_marks_what_it_was_searched_for(dana, boti, boti_texts):
    Contact.objects.filter(pk=boti.pk).update(name="Számla <b>Boti")
    boti_texts("A számlát & a blokkot kérem")
    browser = Browser(dana)
    for address in ("/conversations/rows/?q=szamla", "/?q=szamla"):
        assert {"Számla", "számlát"} >= {*marks(browser.get(address).text)}
    assert "<b>Boti" not in browser.get("/?q=szamla").text
    assert marks(browser.get("/").text) == []


# --- Details ---------------------------------------------------------------------------------------
def test_details_tell_all_that_is_known_of_an_outgoing_one(dana, boti_texts):
    asked = boti_texts("Szia!")
    message = answer(
        asked.conversation,
        "Hűtőgépét kiszállítjuk",
        by=dana,
        status=Status.UNDELIVERED,
        reason="unreachable",
        attempts=2,
        attempted_at=NOW + timedelta(seconds=1),
        sent_at=NOW + timedelta(seconds=2),
        failed_at=NOW + timedelta(seconds=63),
        provider_message_id="SM0123",
        segments=3,
        plain_segments=1,
        encoding="UCS-2",
    )
    DeliveryReport.objects.create(
        message=message,
        status=Status.UNDELIVERED,
        provider_status="undelivered",
        provider_code="30003",
        raw={"Body": "TITKOS NYERS"},
        received_at=NOW + timedelta(seconds=63),
    )
    browser = Browser(dana)
    for page in (browser.get(f"/messages/{message.uuid}/"), browser.get(f"/messages/{message.uuid}/", headers=HTMX)):
        text = words_of(page.text)
        for said in (
            "Hűtőgépét kiszállítjuk",
            "Outgoing",
            "Kiss Boti",
            "+36 30 999 0001",
            "Support",
            "Dana",
            "Not delivered: the phone could not be reached",
            "3 SMS, UCS-2",
            "Without accents: 1 SMS",
            "What became of it (Europe/Budapest)",
            "Nov 23, 2026 11:00:00 Queued",
            "Nov 23, 2026 11:00:01 Handed to the provider",
            "Nov 23, 2026 11:00:02 Sent",
            "Nov 23, 2026 11:01:03 Failed",
            "Attempts to send it: 2",
            "undelivered 30003",
            "Simulator",
            "SM0123",
            str(message.uuid),
        ):
            assert said in text, said
        assert "TITKOS NYERS" not in page.text
        assert ("<html" in page.text) is (page is not None and "chatui/js/app.js" in page.text)
    assert "<html" not in browser.get(f"/messages/{message.uuid}/", headers=HTMX).text


def test_details_of_an_incoming_one_tell_whether_it_was_fetched_afterwards(dana, boti_texts):
    message = boti_texts("Szia!")
    browser = Browser(dana)
    page = words_of(browser.get(f"/messages/{message.uuid}/").text)
    assert "Nov 23, 2026 11:00:00 Received" in page
    assert "Origin" not in page
    Message.objects.update(origin=Origin.RECOVERED)
    assert "Recovered from the provider" in words_of(browser.get(f"/messages/{message.uuid}/").text)


def test_details_of_an_automatic_one_name_its_rule(dana, kontakt, line, boti_texts):
    message = answer(boti_texts("Szia!").conversation, "Visszahívjuk", origin=Origin.RULE)
    details = f"/messages/{message.uuid}/"
    assert "<dt>Origin</dt><dd>Automatic</dd>" in Browser(dana).get(details).text
    rule = a_rule(kontakt, "Sorry <b>")
    applied(rule, told_by_the_exchange(line, "missed").event, {"uuid": message.uuid, "channel": "sms", "body": message.body})
    page = Browser(dana).get(details).text
    assert "<dt>Rule</dt><dd>Sorry &lt;b&gt; <a" in page
    assert f'href="/call-logic/why/{message.uuid}/"' in page


def test_details_speak_the_persons_language_in_the_companys_zone(bela, kontakt, boti_texts):
    Subscriber.objects.filter(pk=kontakt.pk).update(timezone="America/New_York")
    message = boti_texts("Szia!")
    page = words_of(Browser(bela).get(f"/messages/{message.uuid}/").text)
    assert "2026. nov. 23. 5:00:00 Beérkezett" in page
    assert "America/New_York" in page


def test_details_are_not_for_strangers_nor_of_what_was_taken_away(dana, eve, boti_texts, sales_line):
    message, other = boti_texts("Szia!"), boti_texts("Titok", to=sales_line)
    assert Browser(eve).get(f"/messages/{message.uuid}/").status_code == 404
    assert Browser(dana).get(f"/messages/{other.uuid}/").status_code == 404
    assert Browser(dana).get(f"/messages/{uuid.uuid4()}/").status_code == 404
    Message.objects.filter(pk=message.pk).update(deleted_at=NOW)
    assert Browser(dana).get(f"/messages/{message.uuid}/").status_code == 404


# --- Changes ---------------------------------------------------------------------------------------
def announce(message: Message) -> None:
    """The event that a change of a message makes."""
    record(
        subscriber_id=message.subscriber_id,
        kind=Kind.MESSAGE_CHANGED,
        at=NOW,
        line_id=message.line_id,
        conversation_id=message.conversation_id,
        message_id=message.pk,
    )


def last(company: Subscriber) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).get(pk=company.pk)


class Told:
    """What a page is told when it asks."""

    def __init__(self, response) -> None:
        assert response.status_code == 200
        self.text = response.text
        self.rows = shown(response)
        self.new = re.findall(r'<live-history-row new>.*?<tr id="message-([\w-]+)"', response.text, re.DOTALL)
        self.gone = re.findall(r'<live-history-gone uuid="([\w-]+)"', response.text)
        self.names = {
            int(pk): words_of(name)
            for pk, name in re.findall(
                r'<live-history-names conversation="(\d+)">(.*?)</live-history-names>', response.text, re.DOTALL
            )
        }
        self.threads = re.findall(r'<live-history-threads conversations="([\d ]+)"', response.text)
        self.must_reload = "<live-history-reload>" in response.text
        position = re.search(r'<live-history-position number="(\d+)"( more)?', response.text)
        self.upto = int(position[1]) if position else None
        self.has_more = bool(position and position[2])


def ask(user, since, **query) -> Told:
    return Told(Browser(user).get("/messages/changes/", {"since": since} | query, headers=FRAMES))


def test_what_matches_is_told_and_what_does_not_is_not(dana, kontakt, boti_texts):
    since = last(kontakt)
    bill, other = boti_texts("Kérem a számlát"), boti_texts("Köszönöm")
    told = ask(dana, since, q="szamla")
    assert told.rows == told.new == [str(bill.uuid)]
    assert told.gone == []
    assert marks(told.text) == ["számlát"]
    assert told.upto == last(kontakt)
    assert set(ask(dana, since).rows) == {str(bill.uuid), str(other.uuid)}
    assert ask(dana, since, direction="out").rows == []


def test_nothing_new_is_the_same_number(dana, kontakt, boti_texts):
    boti_texts("Szia")
    told = ask(dana, last(kontakt))
    assert (told.rows, told.gone, told.names, told.upto, told.has_more) == ([], [], {}, last(kontakt), False)


def test_what_changes_is_drawn_anew_or_goes(dana, kontakt, boti_texts):
    conversation = boti_texts("Szia").conversation
    message = answer(conversation, "Jön", by=dana)
    since = last(kontakt)
    Message.objects.filter(pk=message.pk).update(status=Status.FAILED, reason="other")
    announce(message)
    told = ask(dana, since)
    assert (told.rows, told.new, told.gone) == ([str(message.uuid)], [], [])
    assert "the provider gave no clear reason" in told.text
    assert ask(dana, since, failed="1").rows == [str(message.uuid)]
    assert ask(dana, since, status="queued").gone == [str(message.uuid)]
    browser = Browser(dana)
    since = last(kontakt)
    browser.say(f"/messages/{message.uuid}/discard/")
    assert ask(dana, since).gone == [str(message.uuid)]
    assert ask(dana, since).rows == []


def test_a_new_name_is_told_and_decides_what_matches(dana, kontakt, boti, boti_texts):
    texts = [boti_texts("Szia"), boti_texts("Itt vagyok")]
    since = last(kontakt)
    rename_contact(contact=boti, name="Ilona <b>", now=NOW)
    told = ask(dana, since)
    assert told.names == {texts[0].conversation_id: "Ilona <b>+36 30 999 0001"}
    assert told.rows == []
    found = ask(dana, since, q="ilona")
    assert set(found.rows) == {str(text.uuid) for text in texts}
    assert found.new == []
    assert set(ask(dana, since, name="ilona").rows) == {str(text.uuid) for text in texts}
    for query in ({"q": "boti"}, {"name": "boti"}):
        lost = ask(dana, since, **query)
        assert lost.rows == []
        assert lost.threads == [str(texts[0].conversation_id)]


def test_a_number_that_joins_a_partner_brings_its_thread_and_takes_it_away_again(dana, sam, kontakt, boti, boti_texts):
    text = boti_texts("Az új számom", sender="+36309990077")
    since = last(kontakt)
    merge_contacts(keep=boti, other=text.conversation.contact, by=sam, now=NOW)
    assert ask(dana, since, contact=boti.pk).rows == [str(text.uuid)]
    separate_number(number=Contact.objects.get(number="+36309990077"), by=sam, now=NOW)
    assert ask(dana, since, contact=boti.pk).rows == []
    assert str(text.conversation_id) in " ".join(ask(dana, since, contact=boti.pk).threads)


def test_a_first_note_brings_its_thread(dana, kontakt, boti_texts):
    text = boti_texts("Szia")
    since = last(kontakt)
    write_note(uuid=uuid.uuid4(), conversation=text.conversation, body="Fontos", author=dana, now=NOW)
    assert ask(dana, since, note="1").rows == [str(text.uuid)]
    assert ask(dana, since).rows == []


def test_a_note_is_not_taken_for_the_message_with_its_number(dana, kontakt, boti_texts):
    text = boti_texts("Szia")
    since = last(kontakt)
    note = write_note(uuid=uuid.uuid4(), conversation=text.conversation, body="Fontos", author=dana, now=NOW)
    Event.objects.filter(kind=Kind.NOTE_CREATED).update(message_id=text.pk)
    assert note.pk
    assert ask(dana, since).rows == []


def test_many_names_at_once_or_other_rights_mean_the_list_anew(dana, bela, kontakt, boti_texts):
    boti_texts("Szia")
    since = last(kontakt)
    record_contacts(subscriber=kontakt, names={"+36301234567": "Új Ember"}, now=NOW)
    assert ask(dana, since).must_reload
    since = last(kontakt)
    record(subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=NOW, user_id=dana.pk)
    assert ask(dana, since).must_reload
    assert not ask(bela, since).must_reload


@pytest.mark.parametrize("since", [10**17, 10_000])
def test_a_number_from_another_database_means_the_list_anew(dana, boti_texts, since):
    boti_texts("Szia")
    assert ask(dana, since).must_reload


def test_what_the_log_no_longer_holds_means_the_list_anew(dana, kontakt, boti_texts):
    since = last(kontakt)
    boti_texts("Szia")
    boti_texts("Szia újra")
    Event.objects.filter(subscriber=kontakt, number=since + 1).delete()
    assert ask(dana, since).must_reload


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"since": ""},
        {"since": "x"},
        {"since": "-1"},
        {"since": "1.5"},
        {"since": "9" * 30},
        {"since": "0", "from": "x"},
        {"since": "0", "only": "x"},
    ],
    ids=str,
)
def test_what_is_no_question_is_not_answered(dana, query):
    assert Browser(dana).get("/messages/changes/", query, headers=FRAMES).status_code == 400


def test_a_long_absence_is_told_in_parts(dana, kontakt, boti_texts):
    since = last(kontakt)
    texts = [boti_texts(f"text {n}", at=NOW + timedelta(seconds=n)) for n in range(250)]
    told = ask(dana, since)
    assert told.has_more
    assert told.upto == since + 200
    rest = ask(dana, told.upto)
    assert not rest.has_more
    assert {*told.rows, *rest.rows} == {str(text.uuid) for text in texts}


def test_other_lines_and_companies_are_not_told_of(dana, sam, eve, kontakt, boti, boti_texts, sales_line):
    mine, other = boti_texts("Szia"), boti_texts("Titok", to=sales_line)
    announce(other)
    rename_contact(contact=boti, name="Ilona", now=NOW)
    Message.objects.filter(pk=other.pk).update(deleted_at=NOW)
    told = ask(dana, 0)
    assert told.rows == [str(mine.uuid)]
    assert told.gone == []
    assert list(told.names) == [mine.conversation_id]
    assert ask(sam, 0).gone == [str(other.uuid)]
    theirs = ask(eve, 0)
    assert (theirs.rows, theirs.gone, theirs.names) == ([], [], {})


def test_who_was_logged_out_is_told_to_log_in(dana, db):
    assert Browser().get("/messages/changes/", {"since": 0}, headers=FRAMES).status_code == 401
    assert User.objects.filter(role=Role.COLLEAGUE).exists()


@pytest.mark.parametrize("query", [{}, {"q": "text"}, {"q": "nev"}, {"note": "1"}, {"number": "30"}], ids=str)
def test_it_asks_the_database_as_often_for_many_as_for_one(dana, kontakt, boti_texts, query):
    since = last(kontakt)

    def change() -> None:
        text = boti_texts("text", sender=f"+3630555{last(kontakt):04}")
        announce(text)
        rename_contact(contact=text.conversation.contact, name="Név", now=NOW)
        write_note(uuid=uuid.uuid4(), conversation=text.conversation, body="Fontos", author=dana, now=NOW)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get("/messages/changes/", {"since": since} | query, headers=FRAMES).status_code == 200
        return len(asked)

    browser = Browser(dana)
    change()
    for_one = queries()
    for _ in range(20):
        change()
    assert queries() == for_one <= 12


@pytest.mark.parametrize("query", [{}, {"q": "szia"}, {"number": "30"}, {"failed": "1"}], ids=str)
def test_what_changes_no_row_is_answered_without_another_look(dana, sam, kontakt, boti_texts, query):
    text = boti_texts("Szia")
    for person in (dana, sam):
        browser, since = Browser(person), last(kontakt)
        about = {"subscriber_id": kontakt.pk, "at": NOW, "line_id": text.line_id, "conversation_id": text.conversation_id}

        def questions(browser=browser, since=since) -> list[str]:
            with CaptureQueriesContext(connection) as asked:
                told = Told(browser.get("/messages/changes/", {"since": since} | query, headers=FRAMES))
            assert (told.rows, told.names, told.upto) == ([], {}, last(kontakt))
            return [each["sql"] for each in asked]

        quiet = questions()
        for _second in range(3):
            record(subscriber_id=kontakt.pk, kind=Kind.EXPORT_CHANGED, at=NOW, user_id=sam.pk)
        record(kind=Kind.READ, user_id=dana.pk, **about)
        record(kind=Kind.NOTE_CREATED, **about)
        assert len(questions()) <= len(quiet)
        record(kind=Kind.CONVERSATION_CHANGED, **about)
        assert ask(person, since, **query).names
