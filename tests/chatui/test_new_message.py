"""The dialog behind "New message": recipient, line, text, and the rows under the recipient field."""

from __future__ import annotations

import re
import uuid

import pytest

from server.contacts.models import Contact
from server.contacts.optout import opt_out
from server.events.models import Event
from server.lines.models import LineAccess
from server.messaging.models import Conversation, Message
from tests.conftest import BOTI, NOW
from tests.doors import HTMX, Browser

NEW = "/messages/new/"
NUMBER = "+36301234567"


@pytest.fixture
def dana_browser(dana):
    return Browser(dana)


@pytest.fixture
def write(dana_browser, line):
    """`write(to="06 30 123 4567")` submits dana's new-message form."""

    def write(**values):
        return dana_browser.post(NEW, {"uuid": uuid.uuid4(), "to": NUMBER, "line": line.pk, "body": "Szia!"} | values)

    return write


def found(browser: Browser, text: str):
    return browser.get(f"{NEW}lookup/", {"to": text})


# --- Sending --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "written",
    ["36301234567", "+36301234567", "0036301234567", "06301234567", "06 30 123 4567", "+36 (30) 123-45-67", "06/30-123-4567"],
)
def test_a_number_in_any_usual_format_is_the_same_person(write, written):
    answer = write(to=written)
    assert answer.status_code == 302
    conversation = Conversation.objects.get(contact__number=NUMBER)
    assert answer.url == f"/conversations/{conversation.pk}/"
    assert Message.objects.get().body == "Szia!"


def test_writing_to_somebody_known_goes_into_their_thread(write, boti_texts):
    conversation = boti_texts("Szia").conversation
    assert write(to=BOTI).url == f"/conversations/{conversation.pk}/"
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize("typed", ["Kiss Boti", "kiss boti", " Kiss Boti "])
def test_the_exact_name_of_one_contact_will_do(write, boti, typed):
    assert write(to=typed).status_code == 302
    assert Message.objects.get().conversation.contact == boti


def test_a_name_that_two_people_have_is_asked_again(write, kontakt, boti):
    Contact.objects.create(subscriber=kontakt, number="+36309990002", name="Kiss Boti", created_at=NOW)
    assert write(to="Kiss Boti").status_code == 422
    assert not Message.objects.exists()


@pytest.mark.parametrize("typed", ["", "valaki", "12", "INFO", "+36 30 123", "x" * 500, "06301234567890123", "\x00", "+", "९८७"])
def test_what_is_no_number_is_told_at_its_field_and_the_text_stays(write, typed):
    answer = write(to=typed, body="Megírtam már")
    assert answer.status_code == 422
    assert 'id="to-problem"' in answer.text
    assert "Megírtam már" in answer.text
    assert not Message.objects.exists()


def test_our_scripts_are_led_on_by_a_header(dana_browser, line):
    answer = dana_browser.post(NEW, {"uuid": uuid.uuid4(), "to": NUMBER, "line": line.pk, "body": "Szia!"}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == f"/conversations/{Conversation.objects.get().pk}/"


def test_ten_posts_are_one_message(write):
    token = uuid.uuid4()
    assert {write(uuid=token).url for _ in range(10)} == {f"/conversations/{Conversation.objects.get().pk}/"}
    assert Message.objects.count() == 1


@pytest.mark.parametrize("token", ["", "abc", "\x00"])
def test_a_page_that_is_out_of_date_says_so_and_can_be_sent_again(write, token):
    answer = write(uuid=token, body="Megírtam már")
    assert answer.status_code == 422
    assert "the page was out of date. Your text is here" in answer.text
    fresh = answer.text.split('name="uuid" value="')[1].split('"')[0]
    assert write(uuid=fresh, body="Megírtam már").status_code == 302


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "This field is required."),
        ("   ", "write something first"),
        ("x" * 2000, "10 at most"),
        ("x" * 4001, "at most 4000 characters"),
    ],
    ids=["empty", "blank", "long", "novel"],
)
def test_a_text_that_can_not_be_sent_leaves_no_trace(write, body, reason, dana_browser):
    answer = write(body=body)
    assert answer.status_code == 422
    assert reason in answer.text
    assert not Conversation.objects.exists()
    assert not Contact.objects.exists()
    assert not Event.objects.exists()


def test_who_asked_for_no_more_gets_no_more(write, line, boti):
    opt_out(line=line, number=BOTI, source="sms", at=NOW, words="STOP")
    answer = write(to=BOTI, body="Akció!")
    assert answer.status_code == 422
    assert "Kiss Boti asked this line for no more messages" in answer.text
    assert ">Akció!</textarea>" in answer.text
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("chosen", ["", "abc", "-1", "0", "99999999999999999999", "9" * 5000, "\x00"])
def test_a_line_that_is_none_is_told_in_plain_words(write, chosen):
    answer = write(line=chosen)
    assert answer.status_code == 422
    assert "that line can't be used. Your text is here" in answer.text
    assert not Message.objects.exists()


def test_another_companys_line_looks_like_one_that_does_not_exist(write, rival_line, sales_line):
    """Also a line of one's own company that one was not given."""
    token = uuid.uuid4()
    missing = write(line=987654, uuid=token).text
    for foreign in (rival_line, sales_line):
        answer = write(line=foreign.pk, uuid=token)
        assert answer.status_code == 422
        assert _without_nonces(answer.text) == _without_nonces(missing)
        assert foreign.label not in answer.text
    assert not Message.objects.exists()


def _without_nonces(text: str) -> str:
    return re.sub(r'(nonce="|csrfmiddlewaretoken" value=")[^"]+', "", text)


def test_with_two_lines_there_is_a_choice_of_them_only(dana, dana_browser, line, sales_line, rival_line):
    assert "<select" not in dana_browser.get(NEW).text
    LineAccess.objects.create(line=sales_line, user=dana)
    page = dana_browser.get(NEW).text
    assert "<select" in page
    assert "Sales" in page
    assert "Rival" not in page


def test_the_form_can_be_opened_with_a_recipient(dana_browser):
    assert 'value="+36301234567"' in dana_browser.get(NEW, {"to": NUMBER}).text
    part = dana_browser.get(NEW, {"to": '"><script>'}, headers=HTMX).text
    assert "<html" not in part
    assert '"><script>' not in part


# --- The rows under the recipient -----------------------------------------------------------------
@pytest.mark.parametrize("typed", ["boti", "KISS", "0630 999", "+36 30 9990001", "9990001"])
def test_contacts_are_looked_up_by_name_and_number(dana_browser, boti, typed):
    rows = found(dana_browser, typed).text
    assert "Kiss Boti" in rows
    assert f'data-number="{BOTI}"' in rows


def test_a_typed_number_has_a_row_of_its_own(dana_browser, boti):
    assert "Send to +36 30 123 4567" in found(dana_browser, "06301234567").text
    assert "Send to" not in found(dana_browser, "0630 999 0001").text
    assert "Send to" not in found(dana_browser, "0630").text


def test_colleagues_with_a_phone_of_their_own_are_found(dana_browser, bela, sam):
    type(bela).objects.filter(pk=bela.pk).update(phone="+36207770001")
    rows = found(dana_browser, "bel").text
    assert 'data-number="+36207770001"' in rows
    assert "colleague" in rows
    assert "Sam" not in found(dana_browser, "sam").text


def test_deactivated_colleagues_are_not(dana_browser, bela):
    type(bela).objects.filter(pk=bela.pk).update(phone="+36207770001", is_active=False)
    assert "+36207770001" not in found(dana_browser, "bel").text


def test_another_companys_people_are_never_found(boti_texts, bela, eve):
    boti_texts("Szia")
    type(bela).objects.filter(pk=bela.pk).update(phone="+36207770001")
    browser = Browser(eve)
    nothing = found(browser, "nobody at all").text
    for typed in ("boti", "kiss", "0630999", "bela", "999000"):
        assert found(browser, typed).text == nothing


def test_a_nameless_number_is_known_to_those_who_have_its_line_only(dana, sam, boti_texts, sales_line, kontakt):
    """The named ones are the company's phone book; who only texted a line is that line's."""
    boti_texts("Titok", to=sales_line, sender="+36208880001")
    Contact.objects.create(subscriber=kontakt, number="+36208880002", name="Nagy Béla", created_at=NOW)

    assert "+36208880001" not in found(Browser(dana), "0620888").text
    assert "+36208880002" in found(Browser(dana), "0620888").text
    assert "+36208880001" in found(Browser(sam), "0620888").text


def test_a_thread_on_a_line_not_given_is_not_mentioned(dana_browser, boti_texts, sales_line):
    boti_texts("Titok", to=sales_line)
    rows = found(dana_browser, "boti").text
    assert "Kiss Boti" in rows
    assert "Sales" not in rows


def test_landlines_and_those_who_asked_for_no_more_are_marked(dana_browser, line, boti, sales_line):
    assert "landline" in found(dana_browser, "0612345678").text
    opt_out(line=sales_line, number=BOTI, source="sms", at=NOW)
    assert "asked for no more" not in found(dana_browser, "boti").text
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    assert "asked for no more" in found(dana_browser, "boti").text


@pytest.mark.parametrize("typed", ["", " ", "\x00", "%", "_", "x" * 5000, '"><script>', "(", "+"])
def test_a_strange_text_finds_nobody(dana_browser, boti, typed):
    answer = found(dana_browser, typed)
    assert answer.status_code == 200
    assert "Boti" not in answer.text
    assert '"><script>' not in answer.text


def test_looking_up_costs_the_same_for_one_as_for_eight(dana_browser, kontakt, django_assert_num_queries):
    def add(n: int) -> None:
        Contact.objects.create(subscriber=kontakt, number=f"+3630555{n:04}", name=f"Vevő {n}", created_at=NOW)

    add(0)
    with django_assert_num_queries(10):
        found(dana_browser, "vev")
    for n in range(1, 12):
        add(n)
    with django_assert_num_queries(10):
        assert found(dana_browser, "vev").text.count('role="option"') == 8
