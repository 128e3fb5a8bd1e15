"""The column of words and its index: kept by every way of saving, the same for every letter there is."""

from __future__ import annotations

import random
import sys

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q

from server.contacts.models import Contact
from server.messaging.models import Message
from server.word_index import WordsField
from server.wording import words_in, words_of
from tests.conftest import NOW


def found(*beginnings: str) -> set[str]:
    return set(Message.objects.filter(words__have=beginnings).values_list("body", flat=True))


def test_a_message_is_found_by_the_beginnings_of_its_words(boti_texts):
    boti_texts("Árvíztűrő tükörfúrógép")
    boti_texts("tükör", sender="+36205551234")
    assert found("TÜKÖR") == {"Árvíztűrő tükörfúrógép", "tükör"}
    assert found("arviz", "tuk") == {"Árvíztűrő tükörfúrógép"}
    assert found("arviz", "x") == set()


def test_what_is_saved_again_is_found_by_its_new_words_only(boti_texts):
    message = boti_texts("alma")
    message.body = "körte"
    message.save()
    assert (found("alma"), found("korte")) == (set(), {"körte"})
    message.body = "szilva"
    message.save(update_fields=["body", "words"])
    assert (found("korte"), found("szilva")) == (set(), {"szilva"})
    message.words = words_of("barack")
    Message.objects.bulk_update([message], ["words"])
    assert (found("szilva"), found("barack")) == (set(), {"szilva"})
    message.delete()
    assert found("barack") == set()


def test_rows_made_many_at_once_are_found(kontakt):
    Contact.objects.bulk_create([
        Contact(subscriber=kontakt, number=f"+3630123456{n}", name=name, created_at=NOW) for n, name in enumerate(["Árpád", "Béla"])
    ])  # fmt: skip
    assert Contact.objects.get(words__have=["arp"]).name == "Árpád"


def test_it_is_looked_for_through_a_join_in_a_subquery_and_the_other_way_round(boti_texts, boti):
    ours, other = boti_texts("alma"), boti_texts("körte", sender="+36205551234")
    assert list(Message.objects.filter(conversation__contact__words__have=["kiss"])) == [ours]
    assert list(Message.objects.filter(conversation__contact__in=Contact.objects.filter(words__have=["kiss"]))) == [ours]
    assert list(Message.objects.filter(~Q(words__have=["alma"]))) == [other]
    assert list(Message.objects.exclude(conversation__contact__words__have=["kiss"])) == [other]
    assert Message.objects.filter(Q(words__have=["alma"]) | Q(words__have=["korte"])).count() == 2
    assert Message.objects.filter(words__have=["alma"]).update(reason="found") == 1
    assert Message.objects.filter(words__have=["korte"]).delete()[0] == 1


def test_to_look_for_no_words_is_a_mistake(db):
    for nothing in ([], ["?!"], ["ͺ"]):
        with pytest.raises(ValueError, match="no words"):
            list(Message.objects.filter(words__have=nothing))


def test_every_letter_of_unicode_is_found_as_python_reads_it(kontakt):
    """Both databases have an opinion of their own on what a letter is; they are not asked for it."""
    letters = [chr(point) for point in range(1, sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    # All of them, in names short enough: each 30 between two words.
    names = [
        "alma" + "".join(letters[at : at + 30]) + "korte"
        for at in range(0, len(letters), 30)
        if words_in("".join(letters[at : at + 30]))
    ]
    chance = random.Random(7)
    some = chance.sample(names, 400)
    Contact.objects.bulk_create([
        Contact(subscriber=kontakt, number=f"X{n}", name=name, created_at=NOW) for n, name in enumerate(some)
    ])  # fmt: skip
    words = {contact: words_in(contact.said_of_it) for contact in Contact.objects.all()}
    for word in chance.sample(sorted({word for each in words.values() for word in each}), 150):
        beginning = word[: chance.randint(1, len(word))]
        expected = {contact.number for contact, own in words.items() if any(one.startswith(beginning) for one in own)}
        assert set(Contact.objects.filter(words__have=[beginning]).values_list("number", flat=True)) == expected, ascii(beginning)


@pytest.mark.parametrize(
    "sign", ["'", '"', "\\", ":", "*", "&", "|", "!", "(", ")", "<->", "NEAR", "AND", "OR", "NOT", "^", "-", "\t"]
)
def test_no_sign_is_a_command(boti_texts, sign):
    boti_texts(f"alma {sign} korte")
    assert len(found(f"alma {sign}", "korte")) == 1
    assert found(f"alma {sign} zzz") == set()


# --- Migrations -------------------------------------------------------------------------------
def test_what_a_migration_saves_stays_to_be_found(boti):
    of_its_time = MigrationExecutor(connection).loader.project_state().apps.get_model("contacts", "Contact")
    row = of_its_time.objects.get(pk=boti.pk)
    row.note = "noted by a migration"
    row.save()
    found = Contact.objects.get(words__have=["kiss", "tel3630999"])
    assert (found.pk, found.note) == (boti.pk, "noted by a migration")


def test_a_column_of_words_of_nothing_is_a_mistake(boti, monkeypatch):
    monkeypatch.setattr(Contact._meta.get_field("words"), "of", "nothing_it_has")
    with pytest.raises(AttributeError):
        boti.save()


def tables_with_words() -> list[str]:
    return [
        model._meta.db_table for model in apps.get_models() for field in model._meta.local_fields if isinstance(field, WordsField)
    ]


def test_each_column_of_words_has_its_index_after_all_migrations(db):
    """SQLite makes a table anew to change a column, and its triggers are gone: see IndexWords."""
    tables = tables_with_words()
    assert sorted(tables) == ["contacts_contact", "messaging_message"]
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
                assert {name for (name,) in cursor.fetchall()} == {f"{table}_words_{told}" for told in ("ai", "ad", "au")}
                cursor.execute(f"INSERT INTO {table}_words({table}_words, rank) VALUES ('integrity-check', 1)")
            else:
                cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%USING gin%%'", [table])
                assert [f"{table}_words" in definition for (definition,) in cursor.fetchall()] == [True]
