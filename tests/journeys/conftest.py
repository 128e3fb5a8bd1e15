"""One server and one browser for all stories of a worker; a company of its own for each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.journeys.cast import SECRET_KEY, Colleague, Company, Stagehand, new_number
from tests.journeys.desks import Desks
from tests.journeys.mailbox import Mailbox
from tests.services import Server, serve, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The first is Chromium without the parts that draw windows: a page costs half.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
PEOPLE = {"dana": "Dana Kis", "bela": "Béla Nagy"}


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """Where the server's letters go."""
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture(scope="session")
def settings_of_server(tmp_path_factory, mailbox) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("journeys")
    return {
        "DATABASE_URL": sqlite_url(folder),
        "SECRET_KEY": SECRET_KEY,
        "EXPORT_DIR": str(folder / "exports"),
        "IMPORT_DIR": str(folder / "imports"),
        "EMAIL_URL": mailbox.url,
    }


@pytest.fixture(scope="session")
def server(settings_of_server) -> Iterator[Server]:
    with serve(env=settings_of_server) as running:
        yield running


@pytest.fixture(scope="session")
def stage(server, settings_of_server) -> Iterator[Stagehand]:
    stagehand = Stagehand({"PUBLIC_URL": server.url, **settings_of_server})
    yield stagehand
    stagehand.close()


# Not for the whole session: while Playwright is open its event loop counts as running, and the async
# tests of other rooms, later on the same worker, could not have theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        chromium = playwright.chromium.launch(executable_path=found, args=BROWSER_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def desks(server, browser) -> Desks:
    return Desks(browser, server.url)


@pytest.fixture
def found_company(server, stage, desks) -> Iterator[Callable[..., Company]]:
    """Makes companies; when the story is over, nobody's page may have complained."""
    founded: list[Company] = []

    def found(*, lines: int = 1, people: dict[str, str] = PEOPLE, language: str = "en", **facts) -> Company:
        labels = ["Support", "Sales", "Accounts"]
        made = stage.company(
            lines=[{"number": new_number(), "label": labels[n]} for n in range(lines)],
            people=[{"username": username, "name": name, "language": language} for username, name in people.items()],
            **facts,
        )
        colleagues = {
            username: Colleague(**person, url=server.url, desks=desks, stage=stage)
            for username, person in zip(people, made["people"], strict=True)
        }
        company = Company(url=server.url, stage=stage, id=made["id"], lines=made["lines"], people=colleagues)
        founded.append(company)
        return company

    yield found
    for company in founded:
        company.leave()
    assert not [problem for company in founded for problem in company.problems()]


@pytest.fixture
def company(found_company) -> Company:
    return found_company()


@pytest.fixture
def dana(company) -> Colleague:
    return company.people["dana"]


@pytest.fixture
def bela(company) -> Colleague:
    return company.people["bela"]


@pytest.fixture
def olga(server, stage, desks) -> Iterator[Colleague]:
    """The operator's staff."""
    olga = Colleague(**stage.operator(), url=server.url, desks=desks, stage=stage)
    yield olga
    olga.leave()
    assert not olga.problems


@pytest.fixture
def boti() -> str:
    """A customer's number, nobody else's in any story."""
    return new_number()
