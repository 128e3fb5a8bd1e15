"""The filter of Messages: every condition alone and together, what is refused, what is kept under a name."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from server.accounts.models import Activation, AuditEntry
from server.contacts.models import Contact
from server.history import rows
from server.history.models import SavedFilter
from server.messaging.models import Message, Note, Origin, Status
from server.messaging.outbound import queue_sms
from tests.conftest import NOW
from tests.doors import HTMX, Browser, next_page, shown, walk

OTHER = "+36205550001"
PART = HTMX | {"HX-Request-Type": "partial", "HX-Target": "div#found"}


def chips(page) -> dict[str, str]:
    """The conditions that stand below the panel, each with the address without it."""
    found = re.findall(r'class="chip"[^>]* href="([^"]*)"[^>]*><span>([^<]*)</span>', page.text)
    return {unescape(text): unescape(address) for address, text in found}


def value_of(page, name: str) -> str:
    return unescape(re.search(rf'name="{name}"[^>]* value="([^"]*)"', page.text)[1])


@pytest.fixture
def past(line, sales_line, boti, boti_texts, dana, bela):
    """Five messages with a name each."""

    def answer(conversation, body, *, by, at, **facts):
        message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=by, now=at)
        Message.objects.filter(pk=message.pk).update(**facts)
        return message

    asked = boti_texts("Kérem a számlát!", at=NOW)
    sold = boti_texts("Van még kabát?", at=NOW + timedelta(days=1), to=sales_line, sender=OTHER)
    sent = answer(asked.conversation, "Elküldtük.", by=dana, at=NOW + timedelta(hours=1), status=Status.DELIVERED)
    lost = answer(asked.conversation, "Itt a számla.", by=bela, at=NOW + timedelta(hours=2), status=Status.FAILED, reason="other")
    auto = answer(
        sold.conversation, "Visszahívjuk.", by=None, at=NOW + timedelta(days=1, hours=1), status=Status.SENT, origin=Origin.RULE
    )
    Note.objects.create(conversation=sold.conversation, author=dana, body="Fontos", created_at=NOW)
    return {"asked": asked, "sold": sold, "sent": sent, "lost": lost, "auto": auto}


ALL = ["auto", "sold", "lost", "sent", "asked"]
CONDITIONS = [
    ({}, ALL),
    ({"from": "2026-11-23 12:00"}, ["auto", "sold", "lost", "sent"]),
    ({"to": "2026-11-23 12:00"}, ["sent", "asked"]),
    ({"from": "2026-11-24", "to": "2026-11-24"}, ["auto", "sold"]),
    ({"number": "3630999"}, ["lost", "sent", "asked"]),
    ({"number": "+36 30 999"}, ["lost", "sent", "asked"]),
    ({"number": "06 30 999"}, ["lost", "sent", "asked"]),
    ({"number": "0630 999 0001"}, ["lost", "sent", "asked"]),
    ({"number": "0003630"}, []),
    ({"number": "555"}, ["auto", "sold"]),
    ({"direction": "in"}, ["sold", "asked"]),
    ({"direction": "out"}, ["auto", "lost", "sent"]),
    ({"status": "delivered"}, ["sent"]),
    ({"line": "{sales}"}, ["auto", "sold"]),
    ({"colleague": "{bela}"}, ["lost"]),
    ({"contact": "{boti}"}, ["lost", "sent", "asked"]),
    ({"conversation": "{thread}"}, ["lost", "sent", "asked"]),
    ({"origin": "rule"}, ["auto"]),
    ({"failed": "1"}, ["lost"]),
    ({"note": "1"}, ["auto", "sold"]),
    ({"q": "szamla"}, ["lost", "asked"]),
    ({"q": "kiss"}, ["lost", "sent", "asked"]),
    ({"q": "555 00"}, ["auto", "sold"]),
    ({"name": "kis"}, ["lost", "sent", "asked"]),
    ({"name": "3630"}, []),
    ({"origin": "person"}, ["lost", "sent"]),
    ({"q": "2026-11-24"}, ["auto", "sold"]),
    ({"only": "{asked},{auto}"}, ["auto", "asked"]),
    ({"oldest": "1"}, ALL[::-1]),
    ({"q": "szamla", "direction": "out"}, ["lost"]),
    ({"from": "2026-11-23 11:00", "number": "3630", "direction": "out", "status": "delivered", "oldest": "1"}, ["sent"]),
    ({"line": "{sales}", "failed": "1"}, []),
]


@pytest.mark.parametrize(("conditions", "names"), CONDITIONS, ids=lambda value: str(value))
@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_every_condition_finds_what_it_says(sam, bela, boti, sales_line, past, conditions, names, headers):
    words = {"sales": sales_line.pk, "bela": bela.pk, "boti": boti.pk, "thread": past["asked"].conversation_id}
    words |= {name: past[name].uuid for name in ("asked", "auto")}
    asked = {name: text.format(**words) for name, text in conditions.items()}
    page = Browser(sam).get("/messages/", asked, headers=headers)
    assert page.status_code == 200
    assert shown(page) == [str(past[name].uuid) for name in names]
    # And its button, or its number, says so many.
    assert f"Download: {len(names)} row" in Browser(sam).get("/messages/count/", asked).text


def test_a_colleague_finds_only_what_is_on_the_lines_given(dana, past):
    page = Browser(dana).get("/messages/", {"q": "kabat"})
    assert shown(page) == []
    assert shown(Browser(dana).get("/messages/", {"q": "szamla"})) == [str(past[name].uuid) for name in ("lost", "asked")]


# --- Both ends count, on the wall clock of the company's zone
MOMENTS = [
    # until 17:00 means until 17:00:59.999999 in Budapest
    (datetime(2026, 11, 23, 16, 0, 59, 999999, tzinfo=UTC), "", "2026-11-23 17:00", True),
    (datetime(2026, 11, 23, 16, 1, tzinfo=UTC), "", "2026-11-23 17:00", False),
    (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), "2026-11-23 17:00", "", True),
    (datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC), "2026-11-23 17:00", "", False),
    # in the night of October 25 the clock shows 02:30 twice
    (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 02:30", "2026-10-25 02:30", True),
    (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 02:30", "2026-10-25 02:30", True),
    (datetime(2026, 10, 25, 1, 31, tzinfo=UTC), "2026-10-25 02:30", "2026-10-25 02:30", False),
    # in the night of March 29 it never shows it: what is meant is the jump from 02:00 to 03:00
    (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "2026-03-29 02:30", "", False),
    (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29 02:30", "", True),
    (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "", "2026-03-29 02:30", True),
    (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "", "2026-03-29 02:30", False),
    # days of 25 and of 23 hours
    (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), "2026-10-25", "2026-10-25", True),
    (datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), "2026-10-25", "2026-10-25", True),
    (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "2026-10-25", "2026-10-25", False),
    (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), "2026. 03. 29.", "2026.3.29", True),
    (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "2026. 03. 29.", "2026.3.29", False),
]


@pytest.mark.parametrize(("at", "since", "until", "is_found"), MOMENTS)
def test_both_ends_count_also_when_the_clocks_change(dana, boti_texts, at, since, until, is_found):
    text = boti_texts("Szia", at=at)
    page = Browser(dana).get("/messages/", {"from": since, "to": until}, follow=True)
    assert shown(page) == ([str(text.uuid)] if is_found else [])


def test_a_day_is_read_and_written_out_to_its_ends(dana):
    page = Browser(dana).get("/messages/", {"from": "2026.11.01.", "to": "2026-11-22"})
    assert (value_of(page, "from"), value_of(page, "to")) == ("2026-11-01 00:00", "2026-11-22 23:59")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026. november 1.", "2026-11-01 00:00"),
        ("2026. nov. 1. 8:30", "2026-11-01 08:30"),
        ("2026. márc. 1.", "2026-03-01 00:00"),
        ("2026-11-01 8", "2026-11-01 08:00"),
        ("2026 Nov 1", "2026-11-01 00:00"),
        ("2026.11.01. 8:05", "2026-11-01 08:05"),
    ],
)
def test_days_are_read_as_people_write_them(dana, typed, meant):
    assert value_of(Browser(dana).get("/messages/", {"from": typed}), "from") == meant


@pytest.mark.parametrize(("typed", "ago"), [("ma", 0), ("Today", 0), ("tegnap", 1), ("yesterday 8:30", 1)])
def test_today_and_yesterday_are_those_of_the_companys_zone(dana, monkeypatch, typed, ago):
    # Half past eleven in the evening in London is tomorrow in Budapest.
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    page = Browser(dana).get("/messages/", {"from": typed, "to": typed})
    day = f"2026-11-{23 - ago}"
    start, end = ("08:30", "08:30") if "8:30" in typed else ("00:00", "23:59")
    assert (value_of(page, "from"), value_of(page, "to")) == (f"{day} {start}", f"{day} {end}")


def test_the_zone_and_the_rule_stand_beside_the_dates(dana, bela):
    assert "Budapest time; both ends count" in Browser(dana).get("/messages/").text
    assert "Budapest idő szerint; mindkét határ beleszámít" in Browser(bela).get("/messages/").text


# --- What can't be read
NOT_VALID = [
    ({"from": "2026-11-22", "to": "2026-11-01"}, "to", "The end lies before the beginning."),
    ({"from": "tomorrow", "q": "szia"}, "from", "Write it like 2026-11-01 08:30."),
    ({"to": "2026-02-30"}, "to", "There is no such day or time."),
    ({"to": "2026-11-01 25:00"}, "to", "There is no such day or time."),
    ({"direction": "sideways"}, "direction", "There is no such choice."),
    ({"status": "read"}, "status", "There is no such choice."),
    ({"line": "x"}, "line", "There is no such choice."),
    ({"colleague": "9" * 40}, "colleague", "There is no such choice."),
    ({"origin": "moon"}, "origin", "There is no such choice."),
]


@pytest.mark.parametrize(("typed", "name", "problem"), NOT_VALID)
@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_what_cant_be_read_is_refused_where_it_stands_and_shows_no_rows(dana, boti_texts, typed, name, problem, headers):
    boti_texts("Szia")
    page = Browser(dana).get("/messages/", typed, headers=headers)
    assert page.status_code == 422
    assert shown(page) == []
    assert re.search(rf'id="filter-{name}"[^>]* aria-invalid="true" aria-describedby="filter-{name}-problem" autofocus', page.text)
    assert f'id="filter-{name}-problem">{problem}<' in page.text
    for each in {"from", "to", "q"} & typed.keys():
        if each != "q" or not headers:
            assert value_of(page, each) == typed[each]
    assert chips(page) == {}
    assert Browser(dana).get("/messages/count/", typed).status_code == 422


def test_only_the_first_mistake_gets_the_cursor(dana):
    page = Browser(dana).get("/messages/", {"from": "x", "to": "y"})
    assert page.text.count("autofocus") == 1
    assert page.text.count('aria-invalid="true"') == 2


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "'\"><script>", "%", "_", "* OR 1", "NOT (", "?!", "x" * 5000, "- + =", "\u202e"]
)
@pytest.mark.parametrize("name", ["q", "number", "from", "line", "only", "before"])
def test_strange_input_breaks_nothing_and_is_shown_as_it_is(dana, boti_texts, name, text):
    boti_texts("Szia")
    page = Browser(dana).get(f"/messages/?{urlencode({name: text.encode('utf-8', 'surrogatepass')})}", follow=True)
    assert page.status_code in {200, 422}
    assert "<script>" not in re.sub(r"<script[^>]+", "", page.text)


# --- The address
def test_an_address_says_only_what_is_asked_for(dana):
    page = Browser(dana).get("/messages/", {"from": "", "to": "", "number": "3630", "direction": "", "q": ""})
    assert (page.status_code, page.url) == (302, "/messages/?number=3630")


def test_a_part_tells_the_browser_its_address(dana):
    here = {"HX-Current-URL": "http://testserver/messages/"}
    page = Browser(dana).get("/messages/", {"number": "3630", "q": ""}, headers=PART | here)
    assert page.headers["HX-Push-Url"] == "/messages/?number=3630"
    assert "HX-Push-Url" not in Browser(dana).get("/messages/", {"number": ""}, headers=PART | here).headers


def test_letters_of_a_search_are_one_step_back_together(dana):
    source = {"HX-Source": "input#search"}
    first = PART | source | {"HX-Current-URL": "http://testserver/messages/"}
    later = PART | source | {"HX-Current-URL": "http://testserver/messages/?q=sz"}
    assert Browser(dana).get("/messages/", {"q": "sz"}, headers=first).headers["HX-Push-Url"] == "/messages/?q=sz"
    page = Browser(dana).get("/messages/", {"q": "szia"}, headers=later)
    assert (page.headers.get("HX-Push-Url"), page.headers["HX-Replace-Url"]) == (None, "/messages/?q=szia")


def test_a_chip_takes_its_condition_away_and_keeps_the_others(dana, line):
    asked = {"from": "2020-11-01", "to": "2020-11-22", "number": "3630", "line": str(line.pk), "oldest": "1"}
    found = chips(Browser(dana).get("/messages/", asked))
    assert [*found] == ["November 1 – 22, 2020", "number: 3630", "line: Support"]
    left = {name: text[0] for name, text in parse_qs(urlsplit(found["number: 3630"]).query).items()}
    assert left == {"from": "2020-11-01 00:00", "to": "2020-11-22 23:59", "line": str(line.pk), "oldest": "1"}
    assert set(parse_qs(urlsplit(found["November 1 – 22, 2020"]).query)) == {"number", "line", "oldest"}


def test_the_last_chip_leads_to_a_clean_address(dana):
    assert chips(Browser(dana).get("/messages/", {"number": "3630"})) == {"number: 3630": "/messages/"}


def test_conditions_without_a_field_stay_when_others_are_added(dana, boti, conversation):
    page = Browser(dana).get("/messages/", {"contact": boti.pk})
    assert value_of(page, "contact") == str(boti.pk)
    assert '<input type="hidden" name="contact"' in page.text
    assert [*chips(page)] == ["partner: Kiss Boti"]


# --- What belongs to others
@pytest.mark.parametrize("name", ["line", "colleague", "contact", "conversation"])
def test_what_belongs_to_another_company_finds_nothing_and_has_no_name(eve, dana, line, boti, boti_texts, name):
    thread = boti_texts("Titok").conversation
    theirs = {"line": line.pk, "colleague": dana.pk, "contact": boti.pk, "conversation": thread.pk}[name]
    page = Browser(eve).get("/messages/", {name: theirs})
    nothing = Browser(eve).get("/messages/", {name: 7_900_001})
    assert (page.status_code, shown(page)) == (200, [])
    assert [*chips(page)] == [*chips(nothing)] == [f"{'partner' if name == 'contact' else name}: not available"]
    for secret in ("Support", "Dana", "Kiss Boti", "Titok", "+36 30"):
        assert secret not in page.text


def test_one_chooses_among_the_lines_given_and_the_companys_people(dana, sam, eve, sales_line):
    page, all_of_it = Browser(dana).get("/messages/").text, Browser(sam).get("/messages/").text
    assert f'<option value="{sales_line.pk}">' not in re.search(r'<select id="filter-line".*?</select>', page)[0]
    assert f'<option value="{sales_line.pk}">Sales' in re.search(r'<select id="filter-line".*?</select>', all_of_it)[0]
    people = re.search(r'<select id="filter-colleague".*?</select>', page)[0]
    assert "Sam" in people
    assert "Eve" not in people


def test_what_somebody_wrote_who_has_left_can_still_be_filtered(dana, bela, past):
    type(bela).objects.filter(pk=bela.pk).update(is_active=False)
    page = Browser(dana).get("/messages/", {"colleague": bela.pk})
    assert f'<option value="{bela.pk}" selected>{bela.name} (has left)</option>' in page.text
    assert len(shown(page)) == 1


# --- How many
def test_the_number_comes_after_the_rows_and_never_with_a_further_page(dana, boti_texts):
    for n in range(60):
        boti_texts(f"text {n}", at=NOW + timedelta(minutes=n))
    page = Browser(dana).get("/messages/", {"direction": "in"})
    assert 'hx-get="/messages/count/?direction=in" hx-trigger="load"' in page.text
    assert "60" not in re.search(r'id="count".*?</span>', page.text)[0]
    further = Browser(dana).get(next_page(page), headers=HTMX)
    assert len(shown(further)) == 10
    assert "/messages/count/" not in further.text


def test_it_is_capped_and_written_as_the_language_writes_numbers(bela, sam, boti_texts, monkeypatch):
    for n in range(5):
        boti_texts(f"text {n}")
    monkeypatch.setattr(rows, "number_of", lambda user, wanted: 1284)
    assert "1\xa0284 üzenet" in Browser(bela).get("/messages/count/").text
    assert "Download: 1,284 rows" in Browser(sam).get("/messages/count/").text
    monkeypatch.undo()
    monkeypatch.setattr(rows, "COUNTED_UP_TO", 4)
    assert "Download: 4+ rows" in Browser(sam).get("/messages/count/").text


def test_who_may_not_download_is_told_the_number_only(dana, sam, kontakt, boti_texts):
    boti_texts("Szia")
    assert "1 message" in Browser(dana).get("/messages/count/").text
    assert "/messages/exports/" not in Browser(dana).get("/messages/count/").text
    assert 'href="/messages/exports/new/?q=szia"' in Browser(sam).get("/messages/count/?q=szia").text
    kontakt.colleagues_may_export = True
    kontakt.save()
    assert "Download: 1 row" in Browser(dana).get("/messages/count/").text


# --- Nothing
def test_an_empty_list_says_why_and_offers_a_way_out(dana, boti_texts):
    assert "No messages yet" in Browser(dana).get("/messages/").text
    boti_texts("Szia")
    page = Browser(dana).get("/messages/", {"q": "szia", "from": "2020-01-01", "to": "2020-01-31"}).text
    assert "Nothing matches" in page
    assert "<em>January 1 – 31, 2020</em> · <em>text: szia</em>" in page
    assert '<a class="button" href="/messages/?q=szia">Look at any time</a>' in page
    assert "Look at any time" not in Browser(dana).get("/messages/", {"q": "semmi"}).text


@pytest.mark.parametrize("text", ["👍", "=", "?!"])
def test_a_search_without_letters_or_digits_says_what_can_be_looked_for(dana, boti_texts, text):
    boti_texts("Szia 👍")
    why = "There is nothing to search for in this: write words, names, numbers or days."
    assert why in Browser(dana).get("/messages/", {"q": text}).text
    assert why not in Browser(dana).get("/messages/", {"q": "semmi"}).text


# --- Page by page
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("oldest", ["", "&oldest=1"], ids=["newest first", "oldest first"])
def test_every_message_of_a_filter_is_on_exactly_one_page(dana, boti_texts, headers, oldest):
    senders = ["+36305550001", "+36205550002"]
    texts = [boti_texts(f"szám {n}", sender=senders[n % 2], at=NOW + timedelta(minutes=n // 5)) for n in range(230)]
    wanted = sorted((text for n, text in enumerate(texts) if n % 2 == 0), key=lambda text: (text.created_at, text.pk))
    expected = [str(text.uuid) for text in (wanted if oldest else wanted[::-1])]
    assert walk(Browser(dana), f"/messages/?number=3630{oldest}", headers) == expected


def test_a_further_page_leads_back_to_the_first(dana, boti_texts):
    for n in range(60):
        boti_texts(f"text {n}")
    first = Browser(dana).get("/messages/?direction=in")
    assert "Newest messages" not in first.text
    further = Browser(dana).get(next_page(first))
    assert re.search(r'href="/messages/\?direction=in">(<svg.*?</svg>)?Newest messages<', further.text)


def test_it_asks_the_database_as_often_with_a_filter_as_without(dana, boti_texts, django_assert_num_queries):
    browser = Browser(dana)
    for n in range(60):
        boti_texts(f"text {n}", sender=f"+3630555{n:04}")
    with django_assert_num_queries(13):
        page = browser.get("/messages/?direction=in&from=2020-01-01")
    with django_assert_num_queries(6):
        assert len(shown(browser.get(next_page(page), headers=HTMX))) == 10
    with django_assert_num_queries(6):
        browser.get("/messages/count/?direction=in")


# --- Kept under a name
def keep(user, name: str, asked: str = "number=3630", **more):
    browser = Browser(user)
    typed = {key: values[0] for key, values in parse_qs(asked).items()}
    answer = browser.post("/messages/filters/", typed | {"keep_as": name} | more)
    return browser, answer


def names_shown(user) -> list[str]:
    return re.findall(r'<div class="kept"><a href="[^"]*"[^>]*>([^<]*)</a>', Browser(user).get("/messages/").text)


def test_a_filter_is_kept_under_a_name_and_opens_its_address(dana, bela, eve):
    browser, answer = keep(dana, "  Hívószám ", "number=3630&oldest=1")
    assert answer.url == "/messages/?number=3630&oldest=1"
    assert "Kept under “Hívószám”." in browser.notices(answer.url)
    assert 'href="/messages/?number=3630&amp;oldest=1" aria-current="true">Hívószám</a>' in browser.get(answer.url).text
    assert names_shown(bela) == names_shown(eve) == []


def test_a_name_of_ones_own_is_written_over_and_says_so(dana):
    keep(dana, "Számok", "number=3630")
    browser, answer = keep(dana, "Számok", "number=3620")
    assert "“Számok” means this filter from now on." in browser.notices(answer.url)
    assert [kept.values for kept in SavedFilter.objects.all()] == [{"number": "3620"}]


def test_supervisors_share_with_the_company(sam, dana, eve):
    keep(dana, "Alma")
    _, answer = keep(sam, "Zárás", "failed=1", shared="1")
    assert answer.url == "/messages/?failed=1"
    assert names_shown(dana) == ["Alma", "Zárás"]
    assert names_shown(sam) == ["Zárás"]
    assert names_shown(eve) == []
    entry = AuditEntry.objects.get(action="filter.shared")
    assert (entry.actor, entry.detail["values"]) == (sam, {"failed": "1"})
    assert entry.target == str(SavedFilter.objects.get(name="Zárás").pk)


def test_a_colleagues_filter_is_not_shared_whatever_is_sent(dana, bela):
    keep(dana, "Enyém", shared="1")
    assert SavedFilter.objects.get().owner == dana
    assert names_shown(bela) == []


@pytest.mark.parametrize(
    ("name", "asked", "why"),
    [
        ("", "number=3630", "The filter needs a name, 60 characters at most."),
        ("x" * 61, "number=3630", "The filter needs a name, 60 characters at most."),
        ("Minden", "", "No condition is set, so there is nothing to keep."),
        ("Sorrend", "oldest=1", "No condition is set, so there is nothing to keep."),
        (
            "Kézzel",
            "number=3630&only=0b5c9b0e-0000-4000-8000-000000000001",
            "Messages picked by hand are no filter to keep. Take that condition away first.",
        ),
    ],
)
def test_what_cant_be_kept_is_said_at_the_name_and_everything_typed_stays(dana, name, asked, why):
    browser, answer = keep(dana, name, asked)
    page = browser.get(answer.url)
    assert re.search(rf'id="keep-name"[^>]* value="{name}"[^>]* aria-invalid="true" autofocus>', page.text)
    assert f'id="keep-name-problem">{why}<' in page.text
    assert re.search(r'<details class="menu" data-menu open><summary class="button primary"', page.text)
    assert value_of(page, "number") == ("3630" if "number" in asked else "")
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("page", ["messages", "figures"])
def test_a_filter_that_cant_be_read_is_refused_at_its_field_and_its_name_is_not_lost(sam, page):
    browser = Browser(sam)
    typed = {"from": "valamikor", "number": "3630", "name": "Kiss", "status": "sent", "keep_as": "Kissék", "shared": "1"}
    answer = browser.post(f"/messages/filters/?page={page}", typed, follow=True)
    assert answer.status_code == 422
    assert urlsplit(answer.redirect_chain[0][0]).path == f"/{page}/"
    assert re.search(r'id="filter-from"[^>]* value="valamikor"[^>]* aria-invalid="true"[^>]* autofocus', answer.text)
    for name, value in typed.items():
        assert name in {"status", "shared"} or value_of(answer, name) == value
    assert '<option value="sent" selected>' in answer.text
    assert 'name="shared" value="1" checked' in answer.text
    assert "keep-name-problem" not in answer.text
    answer = browser.post(f"/messages/filters/?page={page}", typed | {"keep_as": ""}, follow=True)
    assert answer.text.count('aria-invalid="true"') == 2


def test_figures_keep_and_open_the_same_filters(sam):
    browser = Browser(sam)
    answer = browser.post("/messages/filters/?page=figures", {"direction": "in", "keep_as": "Bejövők"})
    assert answer.url == "/figures/?direction=in"
    page = browser.get(answer.url).text
    assert "Kept under “Bejövők”." in page
    assert '<a href="/figures/?direction=in" aria-current="true">Bejövők</a>' in page
    assert names_shown(sam) == ["Bejövők"]
    kept = SavedFilter.objects.get()
    assert f'href="/messages/filters/{kept.pk}/delete/?page=figures"' in page
    assert browser.post(f"/messages/filters/{kept.pk}/delete/?page=figures").url == "/figures/"


def test_return_in_the_name_without_scripts_loses_no_name(dana):
    page = Browser(dana).get("/messages/", {"number": "3630", "q": "", "keep_as": "Számok"})
    assert page.url == "/messages/?number=3630&keep_as=Sz%C3%A1mok"
    assert value_of(Browser(dana).get(page.url), "keep_as") == "Számok"


def test_whoever_has_kept_a_hundred_is_told_what_to_do(dana, kontakt):
    SavedFilter.objects.bulk_create([
        SavedFilter(subscriber=kontakt, owner=dana, name=f"Szűrő {n}", values={"failed": "1"}, created_at=NOW) for n in range(100)
    ])  # fmt: skip
    browser, answer = keep(dana, "Még egy")
    said = "100 filters are kept already: delete one, or use its name for this one."
    assert f'id="keep-name-problem">{said}<' in browser.get(answer.url).text
    assert SavedFilter.objects.count() == 100


def test_deleting_asks_first(dana):
    keep(dana, "Számok")
    kept, browser = SavedFilter.objects.get(), Browser(dana)
    assert "“Számok” goes away." in browser.get(f"/messages/filters/{kept.pk}/delete/").text
    assert "<html" not in browser.get(f"/messages/filters/{kept.pk}/delete/", headers=HTMX).text
    assert SavedFilter.objects.exists()
    answer = browser.post(f"/messages/filters/{kept.pk}/delete/")
    assert "The filter “Számok” has been deleted." in browser.notices(answer.url)
    assert not SavedFilter.objects.exists()


def test_only_its_owner_deletes_a_filter_and_a_shared_one_only_who_may_share(dana, bela, sam, ada, eve):
    keep(dana, "Enyém")
    keep(sam, "Közös", shared="1")
    own, shared = SavedFilter.objects.get(name="Enyém"), SavedFilter.objects.get(name="Közös")
    for user, kept, status in [(bela, own, 404), (sam, own, 404), (eve, own, 404), (eve, shared, 404), (dana, shared, 403)]:
        for ask in (Browser(user).get, Browser(user).post):
            assert ask(f"/messages/filters/{kept.pk}/delete/").status_code == status
    assert SavedFilter.objects.count() == 2
    assert 'class="forget"' in Browser(dana).get("/messages/").text
    assert f"/messages/filters/{shared.pk}/delete/" not in Browser(dana).get("/messages/").text
    assert Browser(ada).post(f"/messages/filters/{shared.pk}/delete/").status_code == 302
    assert AuditEntry.objects.filter(action="filter.unshared", actor=ada, target=str(shared.pk)).exists()


def test_through_a_shared_filter_everybody_sees_only_what_they_may(sam, dana, sales_line, past):
    keep(sam, "Értékesítés", f"line={sales_line.pk}", shared="1")
    address = unescape(re.search(r'<div class="kept"><a href="([^"]*)"', Browser(dana).get("/messages/").text)[1])
    assert shown(Browser(sam).get(address)) == [str(past[name].uuid) for name in ("auto", "sold")]
    page = Browser(dana).get(address)
    assert shown(page) == []
    assert "Sales" not in page.text


# --- Beside it
def test_without_the_chat_supplement_the_page_is_whole(dana, boti_texts):
    boti_texts("Szia")
    Activation.objects.update(chat_since=None)
    page = Browser(dana).get("/messages/?number=3630")
    assert len(shown(page)) == 1
    assert [*chips(page)] == ["number: 3630"]
    assert 'href="/"' not in page.text


def test_the_words_that_were_searched_for_are_marked(dana, boti_texts):
    Contact.objects.filter(number="+36309990001").update(name="Számla Boti")
    boti_texts("Kérem a SZÁMLÁT, a szamlat!")
    assert re.findall(r"<mark>(.*?)</mark>", Browser(dana).get("/messages/", {"q": "szamla"}).text)


@pytest.mark.parametrize("topic", ["messages", "chat", "figures"])
def test_help_stands_beside_and_is_there_for_everybody_who_is_logged_in(dana, bela, oper, topic):
    for place, address in [("messages", "/messages/"), ("chat", "/"), ("figures", "/figures/")]:
        assert f'href="/help/{place}/"' in Browser(dana).get(address).text
    assert "Help" in Browser(dana).get(f"/help/{topic}/").text
    assert "Súgó" in Browser(bela).get(f"/help/{topic}/").text
    assert Browser(oper).get(f"/help/{topic}/").status_code == 200
    assert Browser().get(f"/help/{topic}/").status_code == 302
    assert Browser(dana).get("/help/nothing/").status_code == 404
