"""The company's audit log: read by its administrators and auditors, filtered, downloaded; nobody else's lines are in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from server.accounts.audit_log import KINDS
from server.accounts.audit_words import ACTIONS
from server.accounts.circumstances import Circumstances, under
from server.accounts.models import AuditEntry, Role, User, record_audit
from tests.conftest import NOW
from tests.doors import HTMX, Browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def vera(kontakt) -> User:
    return User.objects.create_user(username="vera", name="Vera", subscriber=kontakt, role=Role.AUDITOR, language="en")


@pytest.fixture
def log(kontakt, rival, ada, sam, oper, eve):
    """What Kontakt's log holds, and a line of somebody else's."""

    def write(action, actor, target, *, days_ago=0, subscriber=kontakt, **detail):
        return record_audit(
            action=action, at=NOW - timedelta(days=days_ago), actor=actor, subscriber=subscriber, target=target, **detail
        )

    with under(Circumstances(address="192.0.2.7")):
        write("user.logged_in", ada, "ada")
    write("services.switched", oper, "kontakt", days_ago=2, changed=["sms on"], because="Szerződés: 2026/11")
    with under(Circumstances(is_support=True)):
        write("line.released", oper, "a line", days_ago=3)
    write("user.log_in_failed", None, "sam", days_ago=10)
    write("user.recorded", sam, "=HYPERLINK(1)", days_ago=11, changed=["role"])
    write("user.logged_in", eve, "eve", subscriber=rival)
    return AuditEntry.objects


def said(response) -> list[str]:
    """The entries on the page, each as plain text."""
    entries = re.findall(r"<li(?: class=\"support\")?>(.*?)</li>", response.text, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", entry)).strip() for entry in entries]


@pytest.mark.parametrize("who", ["ada", "vera"])
def test_administrators_and_auditors_read_their_companys_log_and_no_other(who, log, request):
    page = Browser(request.getfixturevalue(who)).get("/company/audit/")
    assert page.status_code == 200
    assert [entry.split(" 2026 ")[1] for entry in said(page)] == [
        "11:00:00 Logged in ada Ada 192.0.2.7",
        "11:00:00 Services switched kontakt reason: Szerződés: 2026/11 · changed: SMS on Oper (operator)",
        "11:00:00 Line released a line Oper (operator&#x27;s support)",
        "11:00:00 Log-in failed sam Fonal itself",
        "11:00:00 Person made or changed =HYPERLINK(1) changed: role Sam",
    ]


def test_a_customer_is_named_by_the_phone_book_alone(kontakt, ada, boti):
    record_audit(action="contact.blocked", at=NOW, actor=ada, subscriber=kontakt, target=str(boti.pk), contact=boti.pk)
    record_audit(action="hold.placed", at=NOW, actor=ada, subscriber=kontakt, target=str(boti.pk), contact=boti.pk)
    named = f'<a class="target" href="/phonebook/{boti.pk}/">{{}}</a>'
    assert Browser(ada).get("/company/audit/").text.count(named.format("Kiss Boti")) == 2
    # Not in what is kept for ever.
    type(boti).objects.filter(pk=boti.pk).update(name="")
    page = Browser(ada).get("/company/audit/").text
    assert (named.format(f"contact no. {boti.pk}") in page, "Kiss Boti" in page) == (True, False)


@pytest.mark.parametrize("who", ["dana", "sam", "eve"])
def test_nobody_else_of_the_company_does(who, log, request):
    browser = Browser(request.getfixturevalue(who))
    for address in ("/company/audit/", "/company/audit/download/"):
        assert browser.get(address).status_code == 403
    assert not log.filter(action="audit.exported").exists()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kind=log-ins", ["ada", "sam"]),
        ("kind=services", ["kontakt"]),
        ("kind=nonsense", ["ada", "kontakt", "a line", "sam", "=HYPERLINK(1)"]),
        ("support=1", ["a line"]),
        ("text=HYPERLINK", ["=HYPERLINK(1)"]),
        ("text=oper", ["kontakt", "a line"]),
        # Days are the company's, whole, and both are in it.
        ("since=2026-11-20&until=2026-11-21", ["kontakt", "a line"]),
        ("until=2026-11-12", ["=HYPERLINK(1)"]),
        ("text=%00", ["ada", "kontakt", "a line", "sam", "=HYPERLINK(1)"]),
        ("who=99999999999999999999", ["ada", "kontakt", "a line", "sam", "=HYPERLINK(1)"]),
    ],
)
def test_it_is_filtered(asked, found, log, ada):
    page = Browser(ada).get(f"/company/audit/?{asked}")
    assert re.findall(r'class="target">([^<]+)<', page.text) == found


def test_it_is_filtered_by_who_did_it(log, ada, sam):
    page = Browser(ada).get(f"/company/audit/?who={sam.pk}")
    assert [entry.split(" 2026 ")[1] for entry in said(page)] == ["11:00:00 Person made or changed =HYPERLINK(1) changed: role Sam"]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("since=whenever", "Write it like this: 2026-11-01."),
        ("since=1066-10-14", "Write it like this: 2026-11-01."),
        ("since=2026-11-02&until=2026-11-01", "The end is before the beginning."),
    ],
)
def test_days_that_can_not_be_are_refused_beside_their_field(asked, problem, log, ada):
    page = Browser(ada).get(f"/company/audit/?{asked}")
    assert (page.status_code, problem in page.text, said(page)) == (422, True, [])


def test_a_long_log_comes_in_pages_without_a_gap(kontakt, ada):
    for number in range(120):
        # Three at a time: the id decides among those.
        record_audit(action="team.recorded", at=NOW + timedelta(seconds=number // 3), subscriber=kontakt, target=f"t{number}")
    browser, address, seen = Browser(ada), "/company/audit/", []
    while address:
        page = browser.get(address, headers=HTMX if seen else {})
        seen += re.findall(r'class="target">t(\d+)<', page.text)
        older = re.search(r'hx-get="([^"]+)"', page.text[page.text.find("more") :]) if "Older entries" in page.text else None
        address = "/company/audit/" + older[1].replace("&amp;", "&") if older else None
    assert seen == [str(number) for number in reversed(range(120))]


def test_a_page_costs_the_same_whatever_is_on_it(log, kontakt, ada):
    browser = Browser(ada)
    browser.get("/company/audit/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/company/audit/")
    for number in range(40):
        record_audit(action="team.recorded", at=NOW, actor=ada, subscriber=kontakt, target=f"t{number}")
    with CaptureQueriesContext(connection) as many:
        browser.get("/company/audit/")
    assert len(many) == len(few)


def test_what_the_filter_shows_is_downloaded_and_that_is_written_down(log, ada):
    answer = Browser(ada).get("/company/audit/download/?since=2026-11-10&until=2026-11-21")
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    rows = list(load_workbook(BytesIO(b"".join(answer.streaming_content))).worksheets[0].iter_rows())
    assert [[cell.value for cell in row] for row in rows] == [
        ["Time", "Who", "What", "On what", "Details", "From where"],
        [
            datetime(2026, 11, 21, 11),
            "Oper (operator)",
            "Services switched",
            "kontakt",
            "reason: Szerződés: 2026/11 · changed: SMS on",
            None,
        ],
        [datetime(2026, 11, 20, 11), "Oper (operator's support)", "Line released", "a line", None, None],
        [datetime(2026, 11, 13, 11), "Fonal itself", "Log-in failed", "sam", None, None],
        [datetime(2026, 11, 12, 11), "Sam", "Person made or changed", "=HYPERLINK(1)", "changed: role", None],
    ]
    assert rows[4][3].data_type == "s"
    written = log.filter(action="audit.exported").get()
    assert (written.actor, written.detail) == (ada, {"rows": 4, "filter": {"since": "2026-11-10", "until": "2026-11-21"}})


def test_the_log_does_not_keep_what_was_looked_for_in_it(log, ada):
    """It is for ever, and may be a customer's name."""
    assert Browser(ada).get("/company/audit/download/?text=Kiss+Boti&kind=people").status_code == 200
    assert log.filter(action="audit.exported").get().detail["filter"] == {"kind": "people", "text": "…"}


def test_days_end_at_the_companys_midnight(kontakt, ada):
    for at, target in [
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), "before"),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), "first"),
        # The night of 25 October is an hour longer.
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "last"),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "after"),
    ]:
        record_audit(action="team.recorded", at=at, subscriber=kontakt, target=target)
    page = Browser(ada).get("/company/audit/?since=2026-10-25&until=2026-10-25")
    assert re.findall(r'class="target">([^<]+)<', page.text) == ["last", "first"]


def test_every_action_is_found_by_its_kind():
    beginnings = tuple(beginning for _label, begun in KINDS.values() for beginning in begun)
    assert {action for action in ACTIONS if not action.startswith(beginnings)} == set()


def test_every_action_that_is_written_down_has_its_words():
    """As a whole text of its own in the code, where one is written."""
    kinds = {action.partition(".")[0] for action in ACTIONS}
    rooms = ("server", "gateway", "chatui", "operations", "simulator")
    # Beginnings of actions, and the tables of a provisioning file.
    others = {ROOT / "server" / "accounts" / "audit_log.py", ROOT / "server" / "provisioning" / "reading.py"}
    sources = [file.read_text() for room in rooms for file in (ROOT / room).rglob("*.py") if file not in others]
    written = {action for source in sources for action in re.findall(r'"([a-z_]+\.[a-z_]+)"', source)}
    assert {action for action in written if action.partition(".")[0] in kinds} - set(ACTIONS) == set()
    assert set(ACTIONS) <= written
