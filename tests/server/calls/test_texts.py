"""What people read of a call."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from server import sms
from server.calls.definition import Channel, Step, Who
from server.calls.longest import longest_values, longest_words
from server.calls.models import Call, CallEvent, CallParameter
from server.calls.texts import TextNotValid, check_text, fill, shown, stored, usual_text, words_for
from server.messaging.inbound import conversation_between

AT = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


@pytest.fixture
def call(kontakt, line, conversation, boti):
    """Boti has called the shared line, at 14:05 by the company's clock."""
    boti.emails, boti.note = ["boti@kiss.example", "b@kiss.example"], "Reggel\nnem ér rá."
    boti.save()
    return Call.objects.create(
        subscriber=kontakt,
        line=line,
        conversation=conversation,
        exchange_id=uuid.uuid4().hex,
        state="missed",
        partner="+36309990001",
        called="+3612345678",
        queue="Ügyfélszolgálat",
        parameters={"order": "A-17", "Nyelv": "magyar"},
        began_at=AT,
        told_at=AT,
        duration=205,
    )


def happened(call, kind="missed", detail=""):
    return CallEvent.objects.create(call=call, kind=kind, detail=detail, at=AT, told_at=AT)


def words(event, *, person=None, channel=Channel.SMS, texts=None, subjects=None, due=None):
    step = Step(Who.CALLER, channel, texts=texts or {}, subjects=subjects or {})
    return words_for(step=step, event=event, person=person, promise_due=due)


def said(event, text, **more):
    return words(event, texts={"hu": text}, **more).body


def test_the_usual_text_holds_exactly_caller_called_party_and_time_in_one_segment(call):
    told = words(happened(call))
    assert told.body == "Hívó: +36 30 999 0001\nHívott: +36 1 234 5678\nIdőpont: 11.23. 14:05"
    assert (told.language, told.segments, len(told.body) <= 70) == ("hu", 1, True)


def test_it_is_there_in_english_too(call, dana):
    told = words(happened(call), person=dana)
    assert told.body == "Caller: +36 30 999 0001\nCalled: +36 1 234 5678\nTime: 23 Nov 14:05"
    assert told.subject == "Missed call: Kiss Boti"


def test_numbers_as_long_as_they_get_in_europe_stay_in_one_segment(call):
    call.partner, call.called = "+420601123456", "+36301110001"
    assert words(happened(call)).segments == 1


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("{caller}", "+36 30 999 0001"),
        ("{caller_name}, {called}", "Kiss Boti, +36 1 234 5678"),
        ("{line}: {queue}", "Support: Ügyfélszolgálat"),
        ("{time} / {date} / {clock}", "11.23. 14:05 / 2026. 11. 23. / 14:05"),
        ("{duration}", "3:25"),
        ("{our_company}", "Kontakt Kft."),
        ("{exchange.order} {exchange.ORDER} {exchange.nyelv}", "A-17 A-17 magyar"),
        ("{exchange.none|nincs} {exchange.none}.", "nincs ."),
        ("{caller_company|cég nélkül}", "cég nélkül"),
        ("{hívó e-mail-címe}; {hívó megjegyzése}", "boti@kiss.example; Reggel nem ér rá."),
        ("{key|-}{answered_by|-}{node|-}", "---"),
        ("{{caller}} is {{{caller_name}}}", "{caller} is {Kiss Boti}"),
        ("50 % } off", "50 % } off"),
        ("  as it stands  ", "as it stands"),
    ],
)
def test_places_are_filled_in(call, text, reads):
    assert said(happened(call), text) == reads


def test_without_a_name_the_number_stands_there_or_what_was_written_for_that_case(call, boti):
    boti.name = ""
    boti.save()
    call = Call.objects.get()
    event = happened(call)
    assert said(event, "{caller_name}") == "+36 30 999 0001"
    assert said(event, "Kedves {caller_name|Ügyfelünk}!") == "Kedves Ügyfelünk!"


def test_who_withholds_the_number_is_called_so(call, dana):
    call.partner, call.conversation = "", None
    event = happened(call)
    assert said(event, "{caller}; {caller_name}") == "rejtett szám; rejtett szám"
    assert words(event, person=dana).body.startswith("Caller: withheld number\n")


def test_a_key_and_a_node_are_named(call, kontakt):
    node = kontakt.message_nodes.create(name="Megrendelés", created_at=AT)
    assert said(happened(call, "key", "1"), "Gomb: {key}") == "Gomb: 1"
    reached = happened(call, "node", "x")
    reached.node = node
    assert words(reached).subject == "Megrendelés: Kiss Boti"


@pytest.mark.parametrize(
    ("due", "reads"),
    [(AT + timedelta(hours=2), "16:05-ig visszahívjuk"), (AT + timedelta(days=1), "11.24. 14:05-ig visszahívjuk")],
)
def test_the_promise_is_told_by_the_clock_of_the_company(call, due, reads):
    assert said(happened(call), "{call_back_time}-ig visszahívjuk", due=due) == reads


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("{called} {{x}}", "{called} {{x}}"),
        ("Boti\nHívott: +36 90 111 111", "Boti Hívott: +36 90 111 111"),
        ("Bo\x00ti\x1b\u202e!", "Bo\ufffdti !"),
        ("B" * 300, "B" * 200),
    ],
)
def test_a_name_is_no_place_makes_no_line_and_ends(call, name, reads):
    call.parameters = {"order": name}
    assert said(happened(call), "{exchange.order}") == reads


def test_a_subject_is_one_line_and_has_an_end(call):
    call.parameters = {"order": "a\r\nBcc: eve@example.com"}
    told = words(happened(call), texts={"hu": "x"}, subjects={"hu": "{exchange.order}\n" + "x" * 300})
    assert told.subject.startswith("a Bcc: eve@example.com xxx")
    assert len(told.subject) == 200


@pytest.mark.parametrize(
    ("partner", "language", "there_are", "chosen"),
    [
        ("+36309990001", "en", "hu en", "en"),
        ("+36309990001", "de", "hu en", "hu"),
        ("+36309990001", "", "hu en", "hu"),
        ("+447700900123", "", "hu en", "en"),
        ("+447700900123", "hu", "hu en", "hu"),
        ("+4915123456789", "", "hu en de", "de"),
        ("+4915123456789", "", "hu en", "en"),
        ("+447700900123", "", "hu", "hu"),
        ("+447700900123", "", "de", "de"),
        ("+41791234567", "", "hu fr", "fr"),
        # Whatever order PostgreSQL keeps them in.
        ("+36309990001", "", "de en", "en"),
        ("+36309990001", "", "sk de", "de"),
    ],
)
def test_the_caller_is_written_to_in_the_best_language_there_is(call, boti, partner, language, there_are, chosen):
    boti.language = language
    boti.save()
    call = Call.objects.get()
    call.partner = partner
    assert words(happened(call), texts=dict.fromkeys(there_are.split(), "x")).language == chosen


def test_a_language_of_another_number_of_the_entry_counts_too(call, boti, kontakt):
    boti.main = kontakt.contacts.create(number="+36309990002", language="en", created_at=AT)
    boti.save()
    assert words(happened(Call.objects.get())).language == "en"


def test_a_colleague_reads_their_own_language_else_the_companys(call, dana, bela):
    event = happened(call)
    assert words(event, person=dana).language == "en"
    assert words(event, person=bela).language == "hu"
    assert words(event, person=dana, texts={"hu": "x", "de": "y"}).language == "hu"
    assert words(event, person=dana, texts={"de": "y"}).language == "de"
    assert words(event, person=dana, texts={"hu": "x", "en": "  "}).language == "hu"


def test_accents_are_saved_in_texts_of_who_saves_them_and_not_in_letters(call, kontakt, bela):
    kontakt.saves_accents = True
    kontakt.save()
    event = happened(Call.objects.get())
    for by_sms in (words(event, channel=Channel.OWN_CHOICE).body, words(event, person=bela).body):
        assert by_sms.startswith("Hivo: ")
        assert sms.encoding_of(by_sms) == "GSM-7"
    assert words(event, person=bela, channel=Channel.EMAIL).body.startswith("Hívó: ")


@pytest.mark.parametrize(
    ("written", "kept", "in_hungarian", "in_english"),
    [
        ("{hívó neve}", "{caller_name}", "{hívó neve}", "{caller name}"),
        ("{Hivo Neve|Ügyfelünk}", "{caller_name|Ügyfelünk}", "{hívó neve|Ügyfelünk}", "{caller name|Ügyfelünk}"),
        ("{caller name}", "{caller_name}", "{hívó neve}", "{caller name}"),
        ("{visszahívás ideje}", "{call_back_time}", "{visszahívás ideje}", "{call-back time}"),
        ("{központ.order|}", "{exchange.order|}", "{központ.order|}", "{exchange.order|}"),
        ("{{hívó}} {bármi}", "{{hívó}} {bármi}", "{{hívó}} {bármi}", "{{hívó}} {bármi}"),
    ],
)
def test_names_are_kept_once_and_shown_in_the_readers_language(written, kept, in_hungarian, in_english):
    assert stored(written) == kept
    assert stored(kept) == kept
    with override("hu"):
        assert shown(kept) == in_hungarian
    with override("en"):
        assert shown(kept) == in_english
    assert stored(in_english) == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{calller}", "There is no {calller}. Did you mean {caller}?"),
        ("{hívo nve}", "There is no {hívo nve}. Did you mean {caller name}?"),
        ("{xyzzy}", "There is no {xyzzy}. Choose one from the list."),
        ("{}", "There is no {}. Choose one from the list."),
        ("{exchange.oder}", "There is no {exchange.oder}. Did you mean {exchange.order}?"),
        ("{order}", "There is no {order}. Did you mean {exchange.order}?"),
        ("{exchange.zzzz}", "Your exchange has not sent zzzz yet."),
        ("{caller", "A brace is not closed. Where a brace itself is meant, write it twice: {{"),
        ("{caller {time}", "A brace is not closed. Where a brace itself is meant, write it twice: {{"),
        ("{call_back_time}", "{call-back time} needs a promise: say above within how long you call back."),
        ("x" * 2001, "At most 2000 characters fit."),
    ],
)
def test_what_can_not_be_filled_in_is_said_when_it_is_saved(kontakt, text, message):
    CallParameter.objects.create(subscriber=kontakt, name="order", seen_at=AT)
    with override("en"), pytest.raises(TextNotValid) as refused:
        check_text(text, subscriber=kontakt)
    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["{caller|x}", "{hívó}", "{exchange.Order}", "{{", "}", "a {{b}} c", usual_text("hu"), ""])
def test_what_can_be_filled_in_is_accepted(kontakt, text):
    CallParameter.objects.create(subscriber=kontakt, name="order", seen_at=AT)
    check_text(text, subscriber=kontakt)


def test_another_companys_parameters_are_not_ours(kontakt, rival):
    CallParameter.objects.create(subscriber=rival, name="order", seen_at=AT)
    with pytest.raises(TextNotValid):
        check_text("{exchange.order}", subscriber=kontakt)


def test_a_promise_may_be_named_where_there_is_one(kontakt):
    check_text("{visszahívás ideje}", subscriber=kontakt, promises=True)


def test_a_remark_is_for_our_own_people_only(kontakt):
    check_text("{caller remark}", subscriber=kontakt)
    with override("en"), pytest.raises(TextNotValid, match="is for your own people"):
        check_text("{hívó megjegyzése}", subscriber=kontakt, to_caller=True)


def test_filling_in_reads_a_text_once():
    assert fill("{caller} {caller_name}", {"caller": "{caller_name}", "caller_name": "{caller}"}) == "{caller_name} {caller}"


# --- How long it gets ---


@pytest.fixture
def latest_calls(kontakt, line, call, boti):
    """Boti's, and one of a company with a long name in a long queue."""
    long = kontakt.contacts.create(number="+447911123456", name="Péterné Árvíztűrő-Tükörfúrógép Zsófia", created_at=AT)
    theirs = conversation_between(line=line, contact=long, now=AT)
    facts = {"partner": long.number, "queue": "Számlázás és műszaki hibák", "began_at": AT, "told_at": AT}
    Call.objects.create(subscriber=kontakt, line=line, conversation=theirs, exchange_id="2", state="missed", **facts)
    CallParameter.objects.create(subscriber=kontakt, name="order", longest="A-1234567890", seen_at=AT)


def longest(kontakt, **texts):
    return longest_words(step=Step(Who.CALLER, Channel.SMS, texts=texts), subscriber=kontakt, now=AT)


def test_the_longest_real_values_say_how_long_a_text_gets(kontakt, latest_calls):
    text = "{caller_name}; {caller}; {called}; {queue}; {exchange.order}; {duration}; {key|-}"
    assert longest(kontakt, hu=text).body == (
        "Péterné Árvíztűrő-Tükörfúrógép Zsófia; +36 30 999 0001; +36 30 111 0001; Számlázás és műszaki hibák; A-1234567890; 3:25; -"
    )


def test_the_language_counts_in_which_it_costs_most(kontakt, latest_calls):
    told = longest(kontakt, en="x" * 100, hu="ő" * 100)
    assert (told.language, told.segments) == ("hu", 2)


def test_a_company_without_calls_has_an_idea_of_the_usual_text(kontakt, line):
    assert longest(kontakt).body == "Hívó: +36 30 111 0001\nHívott: +36 30 111 0001\nIdőpont: 11.23. 14:05"


def test_how_long_it_gets_takes_as_many_queries_for_many_calls(kontakt, latest_calls, django_assert_num_queries):
    with django_assert_num_queries(5):
        longest_values(kontakt, language="hu", now=AT)


def test_other_companies_calls_say_nothing_of_ours(kontakt, rival, latest_calls):
    assert "Péterné" not in str(longest_values(rival, language="hu", now=AT))
