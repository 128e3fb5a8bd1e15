"""A colleague's tab over a real WebSocket: a page, what the frames made of it, and the same page loaded afresh."""

from __future__ import annotations

import contextlib
import html
import itertools
import json
import re
import threading
from typing import TYPE_CHECKING, Self

import pytest
import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.faults.patience import until

if TYPE_CHECKING:
    from server.messaging.models import Conversation
    from tests.faults.company import Colleague, Company
    from tests.services import Server

_ENTRY = re.compile(
    r'<div class="message (\w+)[^"]*" id="entry-([0-9a-f-]+)"[^>]*? data-position="([^"]+)"[^>]*? data-status="(\w+)">'
    r'<div class="bubble">(.*?)</div>',
    re.DOTALL,
)
_ROW = re.compile(r'<li id="row-(\d+)" ([^>]*)><a class="row( failed)?.*?<span class="last"(.*?)<span class="draft"', re.DOTALL)
_GONE = re.compile(r'<live-gone [^>]*entry="entry-([0-9a-f-]+)"')
_PEOPLE = re.compile(r'<live-(presence|typing) conversation="(\d+)" people="([^"]*)"')
_POSITION = re.compile(r'<live-position number="(\d+)"')
_PAGE_POSITION = re.compile(r'<body [^>]*data-position="(\d+)"')

Rows = dict[str, tuple[str, ...]]
# Who is told one of these need not come back.
FOR_GOOD = {4401, 4403}


class Screen:
    """One conversation and the list; comes back by itself when its socket breaks, to the next of `webs`."""

    def __init__(self, company: Company, colleague: Colleague, conversation: Conversation, *webs: Server) -> None:
        self.company, self.colleague, self.conversation, self.webs = company, colleague, conversation, webs
        self.position = 0
        self.rows: Rows = {}
        self.entries: Rows = {}
        self._compared: tuple[tuple[object, object], ...] = ()
        self.people: dict[tuple[str, int], set[str]] = {}
        self.close_codes: list[int | None] = []
        self._socket: ClientConnection | None = None
        self._lock = threading.Lock()
        self._is_loaded = False
        self._is_leaving = threading.Event()
        self._origin = company.public_url
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        # What others see of it shows that its first statement was heard.
        self.sees("presence", self.colleague)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_leaving.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(20)

    # --- What a person sees ---
    def equals_a_fresh_load(self) -> None:
        """What the frames made of the page is what the server would send now, and nothing is missing."""

        def is_the_same() -> bool:
            if self.position < self.company.last_event:
                return False
            fresh_rows, fresh_entries, _ = self._fresh(self.webs[-1])
            with self._lock:
                self._compared = (self.rows, fresh_rows), (sorted(self.entries.values()), [*fresh_entries.values()])
            return all(seen == fresh for seen, fresh in self._compared)

        # What differs is told by the assertions below.
        with contextlib.suppress(pytest.fail.Exception):
            until(is_the_same, "the screen is like a fresh one", 40)
        assert self.position == self.company.last_event
        for seen, fresh in self._compared:
            assert seen == fresh
        assert str(self.conversation.pk) in self.rows
        assert len(self.entries) == self.company.messages.filter(conversation=self.conversation).count()

    def sees(self, what: str, *colleagues: Colleague) -> None:
        """Until exactly these people are shown as here ("presence") or writing ("typing")."""
        names = {colleague.user.name for colleague in colleagues}
        place = (what, self.conversation.pk)
        until(lambda: names <= self.people.get(place, set()), f"{what} of {names}")

    def shows(self, body: str) -> None:
        until(lambda: any(body == entry[-1] for entry in [*self.entries.values()]), f"{body} is on the screen")

    def says(self, **statement: object) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(statement))

    def is_shown_out(self) -> int:
        """Until the server closes for good; the code."""
        return until(lambda: next((code for code in self.close_codes if code in FOR_GOOD), 0), "the socket is closed")

    # --- What its scripts do ---
    def _look_on(self) -> None:
        for web in itertools.islice(itertools.cycle(self.webs), 2000):
            if self._is_leaving.is_set() or FOR_GOOD.intersection(self.close_codes):
                return
            with contextlib.suppress(OSError, WebSocketException, requests.RequestException):
                self._look(web)
            self._is_leaving.wait(0.1)

    def _look(self, web: Server) -> None:
        if not self._is_loaded:
            rows, entries, position = self._fresh(web)
            with self._lock:
                self.rows, self.entries, self.position = rows, entries, position
            self._is_loaded = True
        cookies = "; ".join(f"{name}={value}" for name, value in self.colleague.cookies.items())
        url = web.url.replace("http", "ws", 1) + "/ws/"
        with connect(url, origin=self._origin, additional_headers={"Cookie": cookies}, open_timeout=15, proxy=None) as socket:
            self._socket = socket
            self.says(open=self.conversation.pk, since=self.position)
            try:
                for frame in socket:
                    self._take(str(frame))
                    if not self._is_loaded:
                        # The page is being loaded anew; the server may have one more word for us: a code.
                        socket.recv(timeout=2)
                        break
            finally:
                self.close_codes.append(socket.close_code)

    def _take(self, frame: str) -> None:
        if "<live-reload>" in frame:
            self._is_loaded = False
            return
        with self._lock:
            self.rows = self.rows | _rows_in(frame)
            gone = set(_GONE.findall(frame))
            merged = self.entries | _entries_in(frame)
            self.entries = {name: entry for name, entry in merged.items() if name not in gone}
            for what, conversation_id, people in _PEOPLE.findall(frame):
                self.people[what, int(conversation_id)] = {person["name"] for person in json.loads(html.unescape(people))}
            for number in _POSITION.findall(frame):
                self.position = int(number)

    def _fresh(self, web: Server) -> tuple[Rows, Rows, int]:
        page = self.colleague.get(web, f"/conversations/{self.conversation.pk}/")
        page.raise_for_status()
        found = _PAGE_POSITION.search(page.text)
        assert found, page.text[:2000]
        return _rows_in(page.text), _entries_in(page.text), int(found[1])


def _rows_in(text: str) -> Rows:
    return {row[0]: tuple(part.strip() for part in row) for row in _ROW.findall(text)}


def _entries_in(text: str) -> Rows:
    return {
        uuid: (position, direction, status, html.unescape(body)) for direction, uuid, position, status, body in _ENTRY.findall(text)
    }
