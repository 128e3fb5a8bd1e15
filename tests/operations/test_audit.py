"""The operator's log: of all companies, or of one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from server.accounts.models import record_audit
from tests.conftest import NOW


@pytest.fixture
def log(kontakt, rival, ada, eve, oper):
    record_audit(action="services.switched", at=NOW, actor=oper, subscriber=kontakt, target="kontakt", because="Szerződés")
    record_audit(action="user.logged_in", at=NOW - timedelta(days=1), actor=eve, subscriber=rival, target="eve")
    record_audit(action="user.logged_in", at=NOW - timedelta(days=2), actor=oper, target="oper")


def targets(page) -> list[str]:
    return re.findall(r'class="target">([^<]+)<', page.text)


def test_it_shows_what_was_done_everywhere_newest_first(log, desk):
    assert targets(desk.get("/operator/log/?until=2026-11-23")) == ["kontakt", "eve", "oper"]


def test_it_is_filtered_by_company_person_and_kind(log, desk, kontakt, oper):
    assert targets(desk.get(f"/operator/log/?company={kontakt.pk}")) == ["kontakt"]
    assert targets(desk.get(f"/operator/log/?who={oper.pk}&until=2026-11-23")) == ["kontakt", "oper"]
    assert targets(desk.get("/operator/log/?kind=services")) == ["kontakt"]
    assert desk.get("/operator/log/?since=never").status_code == 422


def test_older_entries_stay_within_the_company(log, desk, kontakt, rival):
    for number in range(60):
        for company in (kontakt, rival):
            record_audit(action="team.recorded", at=NOW + timedelta(seconds=number), subscriber=company, target=company.slug)
    page = desk.get(f"/operator/log/?company={rival.pk}")
    older = re.search(r'hx-get="([^"]+after=[^"]+)"', page.text)[1].replace("&amp;", "&")
    rest = desk.get("/operator/log/" + older, headers={"HX-Request": "true"})
    assert targets(page) + targets(rest) == ["rival"] * 60 + ["eve"]
    assert "<html" not in rest.text


def test_what_was_wrong_at_a_log_in_is_said_in_words(desk):
    for step in ("password", "code"):
        record_audit(action="user.log_in_failed", at=NOW, target="dana", step=step)
    page = desk.get("/operator/log/").text
    assert "wrong: the password<" in page
    assert "wrong: the code of the second step<" in page
