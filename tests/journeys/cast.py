"""Who plays: a company with its lines, colleagues at their browsers, customers with their phones."""

from __future__ import annotations

import hmac
import itertools
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from django.utils.crypto import salted_hmac

from tests.journeys.screen import Chat
from tests.services import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import BrowserContext, Page

    from tests.journeys.desks import Desks

SECRET_KEY = "journeys-only-secret-key-0123456789-0123456789-0123456789"
# Ours for "no" (a form with a mistake, a conflict): the browser reports each as an error of the page.
# So does htmx when a newer search overtakes an older one.
EXPECTED_ANSWERS = ("status of 409", "status of 422", "htmx:error: signal is aborted")
# A number of one test is never another's: a line's number is one of its kind, and so is a phone.
_numbers = itertools.count(os.getpid() * 40 % 800_000)


def new_number() -> str:
    return f"+3630{2_000_000 + next(_numbers):07}"


class Stagehand:
    """The process of stagehand.py: `stage.company(...)`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.stagehand"],
            cwd=ROOT,
            env=environment({"DJANGO_SETTINGS_MODULE": "server.settings", **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __getattr__(self, verb: str) -> Any:
        return lambda **wish: self._ask(verb, wish)

    def _ask(self, verb: str, wish: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": verb, **wish}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"problem": "the stagehand is gone"}')
        assert "problem" not in answer, answer["problem"]
        return answer["done"]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(20)


@dataclass
class Colleague:
    """A person at a browser of their own (and at further devices): every error on their pages is collected."""

    id: int
    name: str
    username: str
    session: str
    url: str
    desks: Desks
    stage: Stagehand
    options: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = EXPECTED_ANSWERS
    contexts: list[BrowserContext] = field(default_factory=list)

    def tab(self, path: str = "/") -> Chat:
        """A tab in this person's browser, at a page of ours."""
        context = self.contexts[0] if self.contexts else self._context(self.session, self.options)
        return self._open(context, path)

    def device(self, path: str = "/", **options: Any) -> Chat:
        """A tab on another device: a telephone, a browser without scripts, a laptop abroad."""
        return self._open(self._context(self.stage.session(user=self.id), {**self.options, **options}), path)

    def may_hear(self, *errors: str) -> None:
        """These parts of errors are part of the story: a network that was cut, for one."""
        self.expected += errors

    def _context(self, session: str, options: dict[str, Any]) -> BrowserContext:
        context = self.desks.take(**options)
        context.add_cookies([{"name": "sessionid", "value": session, "url": self.url}])
        self.contexts.append(context)
        return context

    def _open(self, context: BrowserContext, path: str) -> Chat:
        page = context.new_page()
        listen(page, self.problems, lambda: self.expected)
        page.goto(self.url + path)
        return Chat(page, self.url)

    def leave(self) -> None:
        for context in self.contexts:
            self.desks.leave(context)


def listen(page: Page, problems: list[str], expected: Any) -> None:
    """Write down what the page complains about, except what the story expects."""

    def note(text: str) -> None:
        if not any(part in text for part in expected()):
            problems.append(f"{page.url}: {text}")

    page.on("console", lambda message: message.type == "error" and note(message.text))
    page.on("pageerror", lambda error: note(f"{error.name}: {error.message}"))


@dataclass
class Company:
    """One subscriber, nobody else's in any test."""

    url: str
    stage: Stagehand
    id: int
    lines: list[dict[str, Any]]
    people: dict[str, Colleague]

    @property
    def line(self) -> int:
        return self.lines[0]["id"]

    def texts(self, number: str, body: str, line: int = 0) -> None:
        """A customer's SMS comes in by the provider's webhook."""
        form = {"id": f"SIM{uuid.uuid4().hex}", "from": number, "to": self.lines[line]["number"], "body": body}
        path, payload = f"/gateway/simulator/{self.lines[line]['key']}/messages/", urlencode(form).encode()
        signed = f"{self.lines[line]['key']} {path} ".encode() + payload
        signature = salted_hmac("gateway.simulator", signed, secret=SECRET_KEY, algorithm="sha256").hexdigest()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Simulator-Signature": signature}
        assert requests.post(self.url + path, payload, headers=headers, timeout=20).status_code == 200

    def calls(self, number: str, event: str = "missed", *, call: str = "", **more: Any) -> None:
        """The company's exchange tells of a customer's call."""
        said = {"id": call or uuid.uuid4().hex, "event": event, "caller": number, "called": self.lines[0]["number"], **more}
        body, at = json.dumps(said).encode(), str(int(time.time()))
        signature = hmac.new(self.lines[0]["secret"].encode(), f"{at}.".encode() + body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "X-Fonal-Timestamp": at, "X-Fonal-Signature": f"sha256={signature}"}
        answer = requests.post(f"{self.url}/gateway/pbx/{self.lines[0]['key']}/calls/", body, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text

    def thread(self, number: str, name: str = "", said: Any = ("Szia!",), read_by: Any = ()) -> dict[str, Any]:
        """A conversation that was there before: texts of the customer, or {"body", "minutes_ago", "by"} each."""
        said = [{"body": each, "minutes_ago": 30 - n} if isinstance(each, str) else each for n, each in enumerate(said)]
        readers = [colleague.id for colleague in read_by]
        return self.stage.thread(line=self.line, number=number, name=name, said=said, read_by=readers)

    def outgoing(self) -> list[list[str]]:
        return self.stage.outgoing(line=self.line)

    def leave(self) -> None:
        for colleague in self.people.values():
            colleague.leave()

    def problems(self) -> Iterator[str]:
        for colleague in self.people.values():
            yield from colleague.problems
