"""An administrator sets the company up: its name and zone, hours, closed days, opt-out words, downloads."""

from __future__ import annotations

from datetime import date

import pytest

from server.accounts.models import AuditEntry, ClosedDay, Subscriber
from server.accounts.opening_hours import is_open
from server.contacts.models import OptOut
from server.events.models import Event, Kind
from server.lines.models import Line
from tests.conftest import NOW
from tests.doors import Browser

COMPANY = "/company/"


@pytest.fixture
def hers(ada):
    return Browser(ada)


def facts(**more):
    return {"name": "Kontakt Kft.", "timezone": "Europe/Budapest", "language": "hu"} | more


def hours(**more):
    week = {f"{end}-{day}-{span}": "" for day in range(1, 8) for span in (0, 1) for end in ("from", "to")}
    return week | {"holidays": "1"} | {name.replace("_", "-"): value for name, value in more.items()}


def fresh(company: Subscriber) -> Subscriber:
    return Subscriber.objects.get(pk=company.pk)


# --- In general --------------------------------------------------------------------------------------
def test_name_zone_and_language_are_changed_audited_and_told(hers, ada, kontakt):
    assert hers.post(COMPANY, facts(name=" Kontakt  Zrt. ", timezone="Europe/London", language="en")).url == COMPANY
    ours = fresh(kontakt)
    assert (ours.name, ours.timezone, ours.language, ours.saves_accents) == ("Kontakt Zrt.", "Europe/London", "en", False)
    entry = AuditEntry.objects.get(action="company.changed")
    assert entry.actor == ada
    assert entry.detail["changed"]["timezone"] == {"old": "Europe/Budapest", "new": "Europe/London"}
    assert Event.objects.get().kind == Kind.ACCESS_CHANGED
    hers.post(COMPANY, facts(name="Kontakt Zrt.", timezone="Europe/London", language="en"))
    assert AuditEntry.objects.filter(action="company.changed").count() == 1


def test_changing_the_company_does_not_put_its_event_number_back(hers, kontakt, ada):
    Subscriber.objects.filter(pk=kontakt.pk).update(last_event=41)
    hers.post(COMPANY, facts(saves_accents="1"))
    assert fresh(kontakt).last_event == 42
    assert fresh(kontakt).saves_accents


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "\u200b"}, {"timezone": "Mars/Olympus"}, {"timezone": "../etc/passwd"}, {"language": "de"}]
)
def test_what_can_not_be_is_said_and_nothing_is_changed(hers, kontakt, wrong):
    answer = hers.post(COMPANY, facts(**wrong))
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text or "language" in wrong
    assert (fresh(kontakt).name, fresh(kontakt).timezone) == ("Kontakt Kft.", "Europe/Budapest")


def test_the_page_is_there_without_any_service(hers, kontakt):
    kontakt.activation.delete()
    assert hers.get(COMPANY).status_code == 200
    assert hers.post("/company/exports/", {"allowed": "1"}).status_code == 302
    assert fresh(kontakt).colleagues_may_export


# --- Opening hours -------------------------------------------------------------------------------------
def test_opening_hours_are_written_by_the_weekday(hers, kontakt):
    wish = hours(from_1_0="8", to_1_0="12.00", from_1_1="1300", to_1_1="17:00", from_6_0="20:00", to_6_0="00:00")
    assert hers.post(COMPANY + "hours/", wish).url == COMPANY + "#hours"
    ours = fresh(kontakt)
    assert ours.opening_hours == {"1": [["08:00", "12:00"], ["13:00", "17:00"]], "6": [["20:00", "24:00"]]}
    assert ours.is_closed_on_holidays
    assert AuditEntry.objects.get(action="company.hours").detail["changed"]["opening_hours"]["new"] == ours.opening_hours
    page = hers.get(COMPANY).text
    assert 'name="from-6-0" value="20:00"' in page
    assert 'name="to-6-0" value="24:00"' in page
    del wish["holidays"]
    hers.post(COMPANY + "hours/", wish)
    assert not fresh(kontakt).is_closed_on_holidays


def test_closed_every_day_is_closed(hers, kontakt):
    hers.post(COMPANY + "hours/", hours())
    assert fresh(kontakt).opening_hours == {}
    assert 'class="door">Closed<' in hers.get(COMPANY).text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"from_3_0": "25:00", "to_3_0": "26:00"}, "Write times like"),
        ({"from_3_0": "<b>", "to_3_0": "x" * 5000}, "Write times like"),
        ({"from_3_0": "17:00", "to_3_0": "08:00"}, "before it closes"),
        ({"from_3_0": "08:00"}, "Say both"),
        ({"from_3_0": "08:00", "to_3_0": "12:00", "from_3_1": "11:00", "to_3_1": "17:00"}, "overlap"),
    ],
)
def test_hours_that_can_not_be_are_said_at_their_day(hers, kontakt, wrong, said):
    before = kontakt.opening_hours
    answer = hers.post(COMPANY + "hours/", hours(from_1_0="09:00", to_1_0="10:00", **wrong))
    assert answer.status_code == 422
    assert answer.text.count('role="alert">') == 1
    assert said in answer.text
    assert 'name="from-1-0" value="09:00"' in answer.text
    assert "<b>" not in answer.text.replace("<b>Fonal", "")
    assert fresh(kontakt).opening_hours == before


def test_the_page_names_the_public_holidays_of_this_year_and_the_next(hers):
    page = hers.get(COMPANY).text
    assert "Christmas Eve" in page
    assert page.count("New Year&#x27;s Day") == 2


# --- Closed days -----------------------------------------------------------------------------------------
def test_a_closed_day_is_added_and_taken_out(hers, kontakt):
    hers.post(COMPANY + "closed-days/", {"day": "2030-06-03", "name": "Leltár"})
    closed = ClosedDay.objects.get()
    assert (closed.subscriber, closed.day) == (kontakt, date(2030, 6, 3))
    assert not is_open(kontakt, NOW.replace(year=2030, month=6, day=3))
    assert "Leltár" in hers.get(COMPANY).text
    again = hers.post(COMPANY + "closed-days/", {"day": "2030. 06. 03."})
    assert again.status_code == 422
    assert "closed already" in again.text
    hers.post(f"{COMPANY}closed-days/{closed.pk}/delete/")
    assert not ClosedDay.objects.exists()
    assert is_open(kontakt, NOW.replace(year=2030, month=6, day=3))


def test_another_companys_closed_day_is_not_there(hers, rival):
    closed = ClosedDay.objects.create(subscriber=rival, day=date(2030, 6, 3))
    assert hers.post(f"{COMPANY}closed-days/{closed.pk}/delete/").status_code == 404
    assert ClosedDay.objects.exists()


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "99999-01-01"])
def test_a_day_that_is_none_is_said(hers, db, day):
    assert hers.post(COMPANY + "closed-days/", {"day": day}).status_code == 422
    assert not ClosedDay.objects.exists()


# --- Words that stop messages ------------------------------------------------------------------------------
def test_a_word_of_ones_own_stops_messages(hers, kontakt, line, boti_texts):
    hers.post(COMPANY + "stop-words/", {"word": " Elég-volt! "})
    assert fresh(kontakt).stop_words == ["ELEG VOLT"]
    boti_texts("Elég volt.", to=Line.objects.get(pk=line.pk))
    assert OptOut.objects.filter(line=line, ended_at=None).exists()
    hers.post(COMPANY + "stop-words/", {"remove": "ELEG VOLT"})
    assert fresh(kontakt).stop_words == []
    assert OptOut.objects.filter(line=line, ended_at=None).exists()
    actions = AuditEntry.objects.filter(action="company.stop_words").order_by("id")
    assert [entry.detail for entry in actions] == [{"added": "ELEG VOLT"}, {"removed": "ELEG VOLT"}]


@pytest.mark.parametrize(
    "word", ["stop", "Leiratkozás", "START", "x", "12", "", "igen", "OK!", "Köszönöm", "jó  napot", "x" * 41, "\x00"]
)
def test_some_words_can_not_stop_messages(hers, kontakt, word):
    answer = hers.post(COMPANY + "stop-words/", {"word": word})
    assert answer.status_code == 422
    assert answer.text.count('class="problem" role="alert"') == 1
    assert fresh(kontakt).stop_words == []


def test_the_list_of_words_has_an_end(hers, kontakt):
    kontakt.stop_words = [f"SZO{number}" for number in range(50)]
    kontakt.save()
    assert "The list is full" in hers.post(COMPANY + "stop-words/", {"word": "elég"}).text
    assert "in the list already" in hers.post(COMPANY + "stop-words/", {"word": "szo1"}).text
