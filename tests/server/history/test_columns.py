"""What stands in a row of the history, on the screen and in a file alike."""

from __future__ import annotations

from django.utils import translation

from server.history.columns import COLUMNS, RELATED, Kind, headings
from server.messaging.models import Message
from tests.server.history.told import Told


def said(told: Told, name: str, language: str = "en") -> dict[str, object]:
    message = Message.objects.select_related(*RELATED).get(pk=told.messages[name].pk)
    with translation.override(language):
        return {column.key: column.of(message) for column in COLUMNS}


def test_a_row_says_who_what_when_and_how_it_went(db):
    told = Told()
    message = told.messages["e"]
    assert said(told, "e") == {
        "time": message.created_at, "utc": message.created_at, "direction": "Outgoing", "number": "+36205551234", "name": "Árpád",
        "line": "sales", "text": "reggel 3 óra", "who": "Sam", "status": "Not sent: the phone could not be reached",
        "id": str(message.uuid),
    }  # fmt: skip


def test_a_row_names_the_rule_the_picture_and_nobody(db):
    told = Told()
    assert said(told, "j")["who"] == "Automatic"
    assert said(told, "k")["text"] == "[Picture]"
    assert (said(told, "f")["who"], said(told, "f")["name"], said(told, "f")["number"]) == ("", "", "INFO")


def test_a_row_says_it_in_the_reader_s_language(db):
    told = Told()
    assert said(told, "a", "hu")["direction"] == "Bejövő"
    # Other pages have whom a rule tells, and a picture of all rules.
    assert said(told, "k", "hu")["text"] == "[Kép]"
    with translation.override("hu"):
        assert "Ki" in headings(timezone="Europe/Budapest")


def test_the_paths_of_a_column_say_the_same_without_the_row_s_objects(db):
    told = Told()
    for message in Message.objects.select_related(*RELATED):
        values = Message.objects.filter(pk=message.pk)
        for column in COLUMNS:
            assert column.say(*values.values_list(*column.paths).get()) == column.of(message)
    assert [column.key for column in COLUMNS if column.kind is not Kind.TEXT] == ["time", "utc"]
    assert told
