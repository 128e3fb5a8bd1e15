"""Entries of the phone book: several numbers under one name, merged, taken apart, forgotten; and what the threads say of it."""

from __future__ import annotations

from functools import partial

import pytest

from server.accounts.models import AuditEntry
from server.contacts.entries import EntryNotValid, Facts, GoneMeanwhile, Reason
from server.contacts.models import Contact, Tag
from server.contacts.phonebook import matching, record_contacts, rows_of_entry
from server.events.models import Event, Kind
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Message
from server.messaging.partners import (
    SameEntry,
    block_sender,
    forget_entry,
    merge_contacts,
    rename_contact,
    save_entry,
    separate_number,
)
from tests.conftest import BOTI, NOW

SECOND, THIRD = "+36309990002", "+36309990003"


@pytest.fixture
def save(kontakt):
    def save(entry: Contact | None = None, **facts) -> Contact:
        # Where he has texted already, Boti is in the phone book.
        entry = entry or Contact.objects.filter(number__in=facts.get("numbers", ()), name="Kiss Boti", main=None).first()
        return save_entry(subscriber=kontakt, entry=entry, facts=Facts(**{"name": "Kiss Boti"} | facts), now=NOW)

    return save


def numbers_of(entry: Contact) -> set[str]:
    return {row.number for row in rows_of_entry(entry)}


def names(**where) -> set[str]:
    return {row.name for row in Contact.objects.filter(**where)}


def problems_of(save, entry: Contact | None = None, **facts) -> list[tuple[str, str]]:
    before = sorted(map(repr, Contact.objects.values_list()))
    with pytest.raises(EntryNotValid) as refused:
        save(entry, **facts)
    assert sorted(map(repr, Contact.objects.values_list())) == before
    return [(problem.field, problem.reason) for problem in refused.value.problems]


def test_an_entry_has_several_numbers_each_with_its_name(save):
    entry = save(company="Bolt Bt.", numbers=[BOTI, SECOND], emails=["boti@example.hu"], tags=["vip"], language="hu", note="Fontos")
    first, second = rows_of_entry(entry)
    assert (first.pk, first.main, second.main) == (entry.pk, None, first)
    assert {(row.name, row.company) for row in (first, second)} == {("Kiss Boti", "Bolt Bt.")}
    assert (first.emails, first.language, first.note, [tag.name for tag in first.tags.all()]) == (
        ["boti@example.hu"],
        "hu",
        "Fontos",
        ["vip"],
    )
    assert (second.emails, second.language, second.note, second.tags.count()) == ([], "", "", 0)


@pytest.mark.parametrize("typed", ["06 30 999 0001", "+36 30 999 0001", "36309990001", "0036-30-999-0001", "+36 (0)30 9990001"])
def test_the_same_number_in_any_format_is_one(save, typed):
    entry = save(numbers=[BOTI, typed, f" {typed} "])
    assert numbers_of(entry) == {BOTI}
    assert problems_of(save, name="Más", numbers=[typed]) == [("numbers", Reason.OF_ANOTHER)]
    assert Contact.objects.count() == 1


def test_a_number_of_another_entry_says_whose_it_is(save):
    boti, ilona = save(numbers=[BOTI, SECOND]), save(name="Nagy Ilona", numbers=[THIRD])
    with pytest.raises(EntryNotValid) as refused:
        save(ilona, name="Nagy Ilona", numbers=[THIRD, "06309990002"])
    assert [(problem.value, problem.owner) for problem in refused.value.problems] == [(SECOND, boti)]


def test_a_number_that_nobody_has_named_joins_an_entry_with_its_thread(save, boti_texts):
    thread = boti_texts("Szia", sender=SECOND).conversation
    entry = save(numbers=[BOTI, SECOND])
    thread.contact.refresh_from_db()
    assert (thread.contact.main, thread.contact.name) == (entry, "Kiss Boti")


def test_a_sender_without_a_number_can_be_named_once_it_has_written(save, boti_texts):
    assert problems_of(save, numbers=["INFO"]) == [("numbers", Reason.NOT_VALID)]
    boti_texts("Kód: 1234", sender="INFO")
    assert numbers_of(save(name="Bank", numbers=["INFO"])) == {"INFO"}


@pytest.mark.parametrize(
    ("facts", "problems"),
    [
        ({"name": ""}, [("name", Reason.MISSING)]),
        ({"name": " \u200b\u202e "}, [("name", Reason.MISSING)]),
        ({"name": "ő" * 121}, [("name", Reason.TOO_LONG)]),
        ({"numbers": []}, [("numbers", Reason.MISSING)]),
        ({"numbers": ["", " "]}, [("numbers", Reason.MISSING)]),
        ({"numbers": ["12", "<b>"]}, [("numbers", Reason.NOT_VALID)] * 2),
        ({"numbers": [f"+3630555{n:04}" for n in range(40)]}, [("numbers", Reason.TOO_MANY)]),
        ({"emails": ["boti@", "a b"]}, [("emails", Reason.NOT_VALID)] * 2),
        ({"emails": [f"a{n}@example.hu" for n in range(11)]}, [("emails", Reason.TOO_MANY)]),
        ({"tags": ["x" * 41]}, [("tags", Reason.TOO_LONG)]),
        ({"tags": [",".join(f"c{n}" for n in range(21))]}, [("tags", Reason.TOO_MANY)]),
        ({"language": "magyar"}, [("language", Reason.NOT_VALID)]),
        ({"note": "x" * 2001}, [("note", Reason.TOO_LONG)]),
        ({"name": "", "company": "x" * 121}, [("name", Reason.MISSING), ("company", Reason.TOO_LONG)]),
    ],
)
def test_what_will_not_do_is_named_by_its_field_and_nothing_is_kept(save, facts, problems):
    assert problems_of(save, **{"numbers": [BOTI]} | facts) == problems
    assert not Tag.objects.exists()


def test_names_and_tags_keep_what_can_be_seen(save):
    entry = save(name="  Kiss\u202e\n Boti\u200b\x00 ", company="<b>Bolt</b>", numbers=[BOTI], tags=["VIP\u200b", "vip", "víp; új"])
    assert (entry.name, entry.company) == ("Kiss Boti\ufffd", "<b>Bolt</b>")
    assert {tag.name for tag in entry.tags.all()} == {"VIP", "új"}
    assert save(name="ő" * 120, numbers=[SECOND]).name == "ő" * 120


def test_a_tag_that_nobody_has_any_more_is_not_offered(save):
    entry = save(numbers=[BOTI], tags=["régi"])
    save(entry, tags=["új"])
    assert [tag.name for tag in Tag.objects.all()] == ["új"]


def test_a_number_that_is_taken_away_keeps_its_thread_without_a_name(save, boti_texts):
    thread = boti_texts("Szia", sender=SECOND).conversation
    entry = save(numbers=[BOTI, SECOND, THIRD])
    save(entry, numbers=[BOTI])
    assert Contact.objects.get(number=SECOND).name == ""
    assert Conversation.objects.get(pk=thread.pk).contact.number == SECOND
    # That one was never of any use.
    assert not Contact.objects.filter(number=THIRD).exists()


def test_when_the_main_number_goes_another_takes_its_place(save, boti_texts):
    boti_texts("Szia")
    entry = save(numbers=[BOTI, SECOND, THIRD], emails=["boti@example.hu"], tags=["vip"], note="Fontos")
    changed = save(entry, numbers=[THIRD, SECOND])
    assert numbers_of(changed) == {SECOND, THIRD}
    assert (changed.emails, changed.note, [tag.name for tag in changed.tags.all()]) == (["boti@example.hu"], "Fontos", ["vip"])
    left = Contact.objects.get(number=BOTI)
    assert (left.main, left.name, left.emails, left.note, left.tags.count()) == (None, "", [], "", 0)


@pytest.mark.parametrize(
    "rename",
    [
        lambda entry: rename_contact(contact=entry.others.get(), name="Új Név", company="Új Kft.", now=NOW),
        lambda entry: record_contacts(subscriber=entry.subscriber, names={SECOND: "Új Név"}, now=NOW),
    ],
)
def test_whoever_renames_one_number_renames_the_entry(save, rename):
    entry = save(numbers=[BOTI, SECOND])
    rename(entry)
    assert names() == {"Új Név"}
    assert set(matching(subscriber=entry.subscriber, text="uj")) == set(Contact.objects.all())


def test_a_rename_is_told_to_each_thread_of_each_number(save, boti_texts, sales_line, twilio_line, kontakt):
    entry = save(numbers=[BOTI, SECOND, THIRD])
    for number, line in ((BOTI, None), (SECOND, sales_line), (THIRD, twilio_line)):
        boti_texts("Szia", sender=number, **({"to": line} if line else {}))
    last = Event.objects.latest("number").number
    save(entry, name="Új Név")
    told = Event.objects.filter(number__gt=last)
    assert {event.line_id for event in told.filter(kind=Kind.CONVERSATION_CHANGED)} == set(
        kontakt.lines.values_list("pk", flat=True)
    )
    assert [event.message_id for event in told.filter(kind=Kind.PHONEBOOK_CHANGED)] == [entry.pk]


def test_of_very_many_threads_one_event_tells(save, kontakt, monkeypatch, boti_texts, sales_line):
    monkeypatch.setattr("server.messaging.partners.MOST_ANNOUNCED", 1)
    boti_texts("Szia")
    boti_texts("Szia", to=sales_line)
    last = Event.objects.latest("number").number
    save(Contact.objects.get(number=BOTI), name="Új Név")
    (event,) = Event.objects.filter(number__gt=last)
    assert event.renames_many


# --- Merging ----------------------------------------------------------------------------------
@pytest.fixture
def two(save, boti):
    return (
        save(numbers=[BOTI], emails=["boti@example.hu"], tags=["vip"], note="Első"),
        save(name="B. Kiss", numbers=[SECOND, THIRD], emails=["BOTI@example.hu", "b@example.hu"], tags=["új"], note="Második"),
    )


def test_merging_puts_together_all_that_is_known_and_moves_no_message(two, boti_texts, dana, conversation):
    keep, other = two
    texts = [boti_texts("Szia"), boti_texts("Én vagyok", sender=SECOND)]
    before = list(Message.objects.order_by("pk").values_list("pk", "conversation", "body"))
    kept = merge_contacts(keep=keep, other=other, by=dana, now=NOW)
    assert numbers_of(kept) == {BOTI, SECOND, THIRD}
    assert kept.emails == ["boti@example.hu", "b@example.hu"]
    assert (kept.note, {tag.name for tag in kept.tags.all()}) == ("Első\nMásodik", {"vip", "új"})
    assert names() == {"Kiss Boti"}
    assert list(Message.objects.order_by("pk").values_list("pk", "conversation", "body")) == before
    assert {text.conversation.contact.number for text in texts} == {BOTI, SECOND}
    entry = AuditEntry.objects.get(action="contacts.merged")
    assert (entry.actor, entry.target, entry.detail["other"]) == (dana, str(keep.pk), other.pk)
    assert "Kiss" not in str(entry.detail)


def test_what_was_merged_can_be_separated_again(two, dana):
    kept = merge_contacts(keep=two[0], other=two[1], by=dana, now=NOW)
    again = separate_number(number=Contact.objects.get(number=SECOND), by=dana, now=NOW)
    assert (again.main, again.name) == (None, "Kiss Boti")
    assert numbers_of(kept) == {BOTI, THIRD}
    with pytest.raises(GoneMeanwhile):
        separate_number(number=again, by=dana, now=NOW)


def test_nothing_is_merged_with_itself_nor_with_another_companys(two, dana, rival):
    stranger = Contact.objects.create(subscriber=rival, number=BOTI, name="Más", created_at=NOW)
    for other in (two[0], stranger):
        with pytest.raises(SameEntry):
            merge_contacts(keep=two[0], other=other, by=dana, now=NOW)


def test_a_into_b_while_b_into_a_makes_one_entry(many_hands, save, dana):
    one, other = save(numbers=[BOTI]), save(name="B. Kiss", numbers=[SECOND])
    results = many_hands(
        partial(merge_contacts, keep=one, other=other, by=dana, now=NOW),
        partial(merge_contacts, keep=other, other=one, by=dana, now=NOW),
    )
    assert [type(result) for result in results].count(GoneMeanwhile) == 1
    assert Contact.objects.filter(main=None).count() == 1
    assert len(names()) == 1


def test_two_who_give_one_number_to_two_entries_at_once_give_it_to_one(many_hands, save):
    one, other = save(numbers=[BOTI]), save(name="Nagy Ilona", numbers=[SECOND])
    results = many_hands(
        partial(save, one, numbers=[BOTI, THIRD]), partial(save, other, name="Nagy Ilona", numbers=[SECOND, THIRD])
    )
    assert sum(isinstance(result, EntryNotValid | GoneMeanwhile) for result in results) == 1
    assert {numbers_of(one) >= {THIRD}, numbers_of(other) >= {THIRD}} == {True, False}


def test_merging_with_a_blocked_entry_leaves_all_as_the_one_that_stays(two, dana, line):
    keep, other = two
    thread = conversation_between(line=line, contact=other, now=NOW)
    block_sender(entry=other, by=dana, now=NOW)
    merge_contacts(keep=keep, other=other, by=dana, now=NOW)
    assert Conversation.objects.get(pk=thread.pk).hidden_at is None
    assert not Contact.objects.exclude(blocked_at=None).exists()


# --- Forgetting -------------------------------------------------------------------------------
def test_a_forgotten_entry_leaves_bare_numbers_with_their_threads(two, dana, boti_texts):
    texts = [boti_texts("Szia", sender=SECOND), boti_texts("Még itt vagyok", sender=THIRD)]
    forget_entry(entry=two[1], by=dana, now=NOW)
    left = Contact.objects.filter(number__in=[SECOND, THIRD])
    assert {(row.name, row.company, row.note, row.main_id, str(row.emails)) for row in left} == {("", "", "", None, "[]")}
    assert {text.conversation.contact.number for text in texts} == {SECOND, THIRD}
    assert [tag.name for tag in Tag.objects.all()] == ["vip"]
    assert AuditEntry.objects.get(action="contact.deleted").target == str(two[1].pk)


def test_who_saves_what_was_merged_away_just_now_is_told(two, save, dana):
    merge_contacts(keep=two[0], other=two[1], by=dana, now=NOW)
    with pytest.raises(GoneMeanwhile):
        save(two[1], name="Késő")
