"""Dana sets up the second step of her log-in, logs in with it, and logs her lost telephone out."""

from __future__ import annotations

import time
from base64 import b32decode

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import expect

from tests.conftest import PASSWORD
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


class App:
    """The authenticator on her telephone."""

    def __init__(self, secret: str) -> None:
        self.totp = TOTP(b32decode(secret.replace(" ", "")))

    def shows(self, *, later: int = 0) -> str:
        """The code of now, or of so many half minutes later."""
        self.totp.time = time.time() + 30 * later
        return f"{self.totp.token():06d}"


def log_in(page, url: str, username: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Code")).to_be_focused()


def test_setting_up_the_second_step_and_logging_in_with_it(dana):
    dana.may_hear("status of 4")
    lost = dana.device("/settings/", viewport={"width": 390, "height": 844}, is_mobile=True)
    tab = dana.device("/settings/", color_scheme="dark")
    page = tab.page
    assert violations(tab) == []

    page.get_by_role("link", name="Set it up").click()
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="The secret for your app")).to_be_visible()
    assert violations(tab) == []
    app = App(page.locator("code.secret").inner_text())
    page.get_by_label("Then type the code").fill(app.shows())
    page.keyboard.press("Enter")
    expect(page.locator("#codes code")).to_have_count(10)
    codes = page.locator("#codes code").all_inner_texts()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    assert violations(tab) == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="It is switched on")).to_be_visible()
    assert violations(tab) == []

    # Her telephone was in without it.
    lost.page.reload()
    expect(lost.page.get_by_label("User name")).to_be_visible()

    tab.page.context.clear_cookies()
    log_in(page, tab.url, dana.username)
    assert violations(tab) == []
    page.get_by_label("Code").fill(app.shows(later=1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main menu")).to_be_visible()

    log_in(lost.page, lost.url, dana.username)
    lost.page.get_by_label("Code").fill(codes[3])
    lost.page.get_by_role("button", name="Log in").click()
    lost.is_live()

    page.goto(f"{tab.url}/settings/#places")
    places = page.locator("#places li")
    expect(places).to_have_count(2)
    assert violations(tab) == []
    places.nth(1).get_by_role("button", name="Log out").click()
    expect(places).to_have_count(1)
    # Her open screen there ends at once.
    expect(lost.page.get_by_label("User name")).to_be_visible()
