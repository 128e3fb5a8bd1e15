"""An administrator gives the exchange what it needs, it tells of a call, and a colleague sees it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations
from tests.journeys.test_small_and_plain import PHONE, is_too_wide

pytestmark = pytest.mark.journey
SENDER = Path(__file__).parents[2] / "docs" / "exchanges" / "fonal-call.sh"


@pytest.fixture
def boss(company, dana):
    company.stage.administrate(user=dana.id)
    return dana


def test_with_address_and_new_secret_the_exchange_tells_of_a_missed_call(company, boss, bela, boti):
    his = bela.tab("/call-logic/calls/").is_live()
    expect(his.page.get_by_text("No calls yet")).to_be_visible()
    tab = boss.tab("/call-logic/exchange/").is_live()
    line = tab.page.locator(f"#line-{company.line}")
    line.get_by_role("link", name="New secret…").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    secret = line.locator(f"#secret-{company.line}").inner_text()
    assert violations(tab) == []
    # What is shown is where the world sees us; the test's server listens here.
    here, shown = urlsplit(tab.page.url), urlsplit(line.locator(f"#calls-{company.line}").inner_text())

    told = subprocess.run(
        [SENDER, "missed", "pbx-1", boti, "", "queue=Ügyfélszolgálat"],
        env={
            "PATH": os.environ["PATH"],
            "FONAL_CALLS_URL": shown._replace(scheme=here.scheme, netloc=here.netloc).geturl(),
            "FONAL_SECRET": secret,
        },
        timeout=60,
        check=False,
    )

    assert told.returncode == 0
    row = his.page.locator("#call-rows tr")
    expect(row).to_contain_text("Missed call")
    # It is shown this once only.
    tab.page.goto(tab.page.url.split("/call-logic/")[0] + "/call-logic/exchange/")
    expect(line).to_contain_text(f"…{secret[-4:]}")
    assert secret not in tab.page.content()


def test_the_addresses_fit_on_a_phone_in_the_dark(boss):
    tab = boss.device("/call-logic/exchange/", color_scheme="dark", **PHONE)
    assert not is_too_wide(tab)
    assert tab.ask("() => document.querySelector('.settings').getBoundingClientRect().right <= innerWidth")
    assert violations(tab) == []
