"""Who may no longer look is shown out on the other web process, too."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.models import Session

from server.accounts.models import Role, User
from server.lines.models import LineAccess
from tests.faults.company import Colleague
from tests.faults.screen import Screen

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

LOGGED_OUT, NOT_ALLOWED = 4401, 4403


@pytest.fixture
def ada(company):
    """The company's administrator."""
    colleague = company.colleague("ada")
    User.objects.filter(pk=colleague.user.pk).update(role=Role.ADMINISTRATOR)
    return colleague


def test_logging_out_closes_the_sockets_of_that_session_on_the_other_process_at_once(house, company):
    one, two = house.webs
    # The first process asks anew only every ten minutes: it was told through Redis.
    with Screen(company, company.dana, company.boti, one) as danas, Screen(company, company.bela, company.boti, one) as belas:
        assert company.dana.post(two, "/logout/").status_code == 302
        assert danas.is_shown_out() == LOGGED_OUT
        assert company.webhook(two, company.text("Still there?")).ok
        belas.shows("Still there?")
        assert "Still there?" not in str(danas.entries)
        assert not set(belas.close_codes)
        belas.equals_a_fresh_load()


def test_a_deactivated_colleague_is_shown_out_on_the_other_process_at_once(house, company, ada):
    one, two = house.webs
    with Screen(company, company.dana, company.boti, one) as danas:
        assert ada.post(two, f"/company/people/{company.dana.user.pk}/deactivate/").status_code in {200, 302}
        assert not User.objects.get(pk=company.dana.user.pk).is_active
        assert danas.is_shown_out() == LOGGED_OUT
    assert company.dana.get(one, "/").url.startswith(one.url + "/login/")


def test_who_loses_the_line_is_shown_out_on_the_other_process(house, company, ada):
    one, two = house.webs
    page = f"/company/people/{company.dana.user.pk}/"
    with Screen(company, company.dana, company.boti, one) as danas:
        form = fields_in(ada.get(two, page).text) | {f"line-{company.line.pk}": ""}
        assert ada.post(two, page, **form).status_code in {200, 302}
        assert not LineAccess.objects.filter(user=company.dana.user).exists()
        assert danas.is_shown_out() == NOT_ALLOWED
    assert company.dana.get(one, f"/conversations/{company.boti.pk}/").status_code == 404


def test_a_deleted_session_is_noticed_at_the_next_look(house, company):
    # This process asks anew every second; nobody tells it anything.
    with Screen(company, company.dana, company.boti, house.webs[1]) as danas:
        Session.objects.filter(session_key=company.dana.session_key).delete()
        assert danas.is_shown_out() == LOGGED_OUT


def test_a_session_from_the_log_in_page_of_one_process_opens_a_socket_on_the_other(house, company):
    one, two = house.webs
    # Production's hasher, but quick.
    User.objects.filter(pk=company.dana.user.pk).update(password=PBKDF2PasswordHasher().encode("tavaszi-szel", "salt", 1000))
    nobody = Colleague(company.dana.user, "")
    answer = nobody.post(one, "/login/", username=company.dana.user.username, password="tavaszi-szel")
    assert answer.status_code == 302
    dana = Colleague(company.dana.user, answer.cookies["sessionid"])
    with Screen(company, dana, company.boti, two) as danas:
        assert company.webhook(one, company.text("Good morning!")).ok
        danas.shows("Good morning!")
        danas.equals_a_fresh_load()


class _Fields(HTMLParser):
    """What a browser would send of a page's form."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, object] = {}
        self._select: str | None = None
        self._text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name = has.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in has:
            self.values[self._select] = has.get("value") or ""
        elif tag == "textarea":
            self._text = name
            self.values[name] = ""
        elif tag == "input" and name and has.get("type") not in {"submit", "button"}:
            is_box = has.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in has:
                self.values[name] = has.get("value") or ("on" if is_box else "")

    def handle_data(self, data: str) -> None:
        if self._text:
            self.values[self._text] = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None


def fields_in(page: str) -> dict[str, object]:
    fields = _Fields()
    fields.feed(page)
    return {name: value for name, value in fields.values.items() if name != "csrfmiddlewaretoken"}
