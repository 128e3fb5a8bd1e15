from __future__ import annotations

from functools import partial

import pytest
from django.db import IntegrityError, transaction

from server import sms
from server.messaging.canned import (
    CannedTextNotValid,
    NotYoursToChange,
    TitleTaken,
    UnknownVariable,
    delete_canned_text,
    filled_for,
    own_text,
    save_canned_text,
    shared_text,
)
from server.messaging.models import CannedText
from tests.conftest import NOW
from tests.server.conftest import later


def own(user, title="Hours", body="We are open from 9 to 18."):
    return save_canned_text(text=own_text(user), title=title, body=body, by=user, now=NOW)


def shared(user, title="Hours", body="We are open from 9 to 18."):
    return save_canned_text(text=shared_text(user), title=title, body=body, by=user, now=NOW)


def filled(conversation, by, body):
    [(_, words)] = filled_for(conversation=conversation, by=by, texts=[CannedText(body=body)])
    return words


# --- Whose they are ---------------------------------------------------------------------------


def test_a_person_sees_their_own_and_the_companys_texts(dana, bela, sam, eve):
    mine, ours = own(dana), shared(sam)
    own(bela)
    own(eve)
    assert set(CannedText.objects.visible_to(dana)) == {mine, ours}


def test_a_colleague_can_not_write_the_companys_texts(dana):
    with pytest.raises(NotYoursToChange):
        shared(dana)
    assert not CannedText.objects.exists()


def test_supervisor_and_administrator_write_the_companys_texts(sam, ada):
    assert shared(sam, "Hours").is_shared
    assert shared(ada, "Address").is_shared


@pytest.mark.parametrize("who", ["bela", "sam", "eve"])
def test_nobody_changes_or_deletes_anothers_own_text(request, dana, who):
    text, other = own(dana), request.getfixturevalue(who)
    with pytest.raises(NotYoursToChange):
        save_canned_text(text=text, title="Mine now", body="Ha.", by=other, now=NOW)
    with pytest.raises(NotYoursToChange):
        delete_canned_text(text=text, by=other)
    assert CannedText.objects.get().title == "Hours"


def test_another_companys_supervisor_has_no_say_in_ours(sam, eve):
    text = shared(sam)
    eve.role = "supervisor"
    with pytest.raises(NotYoursToChange):
        delete_canned_text(text=text, by=eve)


def test_a_text_is_rewritten_and_deleted_by_its_owner(dana):
    text = own(dana)
    save_canned_text(text=text, title="Opening", body="From 8 now.", by=dana, now=later(minutes=1))
    text.refresh_from_db()
    assert (text.title, text.body, text.updated_at) == ("Opening", "From 8 now.", later(minutes=1))
    delete_canned_text(text=text, by=dana)
    assert not CannedText.objects.exists()


# --- What may stand in them -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "body"), [("", "Text"), (" ", "Text"), ("Title", ""), ("Title", " \n"), ("T" * 61, "Text"), ("Title", "x" * 1001)]
)
def test_title_and_body_are_asked_for_and_have_an_end(dana, title, body):
    with pytest.raises(CannedTextNotValid):
        own(dana, title, body)


def test_a_body_of_a_thousand_characters_is_kept(dana):
    assert len(own(dana, body="á" * 1000).body) == 1000


@pytest.mark.parametrize("variable", ["nam", "", "name ", "Name", "név"])
def test_an_unknown_variable_is_refused_by_name(dana, variable):
    with pytest.raises(UnknownVariable) as refused:
        own(dana, body=f"Hello {{{variable}}}!")
    assert refused.value.variable == variable


def test_a_lone_brace_is_just_a_character(dana):
    assert own(dana, body="Smile :-} {name}").body == "Smile :-} {name}"


def test_two_own_texts_have_two_titles_but_the_company_may_use_the_same(dana, bela, sam):
    own(dana)
    own(bela)
    shared(sam)
    with pytest.raises(TitleTaken):
        own(dana)
    with pytest.raises(TitleTaken):
        shared(sam)


def test_of_two_supervisors_at_once_one_gets_the_title(many_hands, sam, ada):
    results = many_hands(partial(shared, sam), partial(shared, ada))
    assert {type(result) for result in results} == {CannedText, TitleTaken}
    assert CannedText.objects.count() == 1


@pytest.mark.parametrize("values", [{"title": ""}, {"body": ""}, {"body": "x" * 1001}])
def test_the_database_refuses_what_the_verb_would(dana, values):
    text = CannedText(subscriber=dana.subscriber, owner=dana, updated_at=NOW, **({"title": "Title", "body": "Text"} | values))
    with pytest.raises(IntegrityError), transaction.atomic():
        text.save()


# --- Filled in --------------------------------------------------------------------------------


def test_its_places_are_filled_for_the_conversation_and_the_writer(conversation, dana):
    text = "Hello {name}! {colleague} here from {company}, call us: {number}"
    assert filled(conversation, dana, text) == "Hello Kiss Boti! Dana here from Kontakt Kft., call us: +36 30 111 0001"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Jó napot, {name}! Miben segíthetek?", "Jó napot! Miben segíthetek?"),
        ("Kedves {name}!", "Kedves!"),
        ("{name}, elkészült a csomagja.", "Elkészült a csomagja."),
        ("Köszönjük!\n{name}, várjuk.", "Köszönjük!\nVárjuk."),
        ("{name}", ""),
    ],
)
def test_a_contact_without_a_name_leaves_no_hole(conversation, dana, body, words):
    conversation.contact.name = ""
    assert filled(conversation, dana, body) == words


def test_what_is_filled_in_is_not_read_for_places_again(conversation, dana):
    conversation.contact.name = "{company}"
    assert filled(conversation, dana, "Hello {name}!") == "Hello {company}!"


def test_the_number_filled_in_does_not_make_the_sms_dearer(conversation, dana):
    # A no-break space in it would turn the whole SMS into UCS-2.
    assert sms.count_segments(filled(conversation, dana, "Call {number}")).encoding == "GSM-7"
