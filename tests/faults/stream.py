"""Many customers text at once; what gets no 2xx is told again to the next web process, as the provider would."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import requests

from tests.faults.patience import PATIENCE, until

if TYPE_CHECKING:
    from tests.faults.company import Company
    from tests.services import Server

SENDERS = 6
AT_ONCE = 4


class Stream:
    """`with Stream(company, webs, 60) as stream:` posts while the block does its harm; leaving it waits for the last 2xx."""

    def __init__(self, company: Company, webs: list[Server], count: int) -> None:
        self.company, self.webs = company, webs
        self.forms = [company.text(f"text {i}", sender=f"+3630777000{i % SENDERS}") for i in range(count)]
        self.answered: list[str] = []
        self.refused: list[str] = []
        self._gate = threading.Semaphore(count // 2)
        self._threads = ThreadPoolExecutor(AT_ONCE)

    def __enter__(self) -> Self:
        self._told = [self._threads.submit(self._tell, form, i) for i, form in enumerate(self.forms)]
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.go_on()
        self._threads.shutdown(wait=True, cancel_futures=kind is not None)
        for told in self._told:
            if kind is None:
                told.result()

    def is_in_full_flow(self) -> None:
        """A quarter was answered; and half of them wait for `go_on`, so that the stream is not over yet."""
        until(lambda: len(self.answered) >= len(self.forms) // 4, "the stream flows")

    def go_on(self) -> None:
        self._gate.release(len(self.forms))

    def _tell(self, form: dict[str, str], turn: int) -> None:
        assert self._gate.acquire(timeout=PATIENCE)
        until_then = time.monotonic() + PATIENCE
        for web in itertools.cycle(self.webs[turn % 2 :] + self.webs[: turn % 2]):
            assert time.monotonic() < until_then, f"no 2xx for {form['Body']}"
            with contextlib.suppress(requests.RequestException):
                if self.company.webhook(web, form).ok:
                    self.answered.append(form["MessageSid"])
                    return
            self.refused.append(form["MessageSid"])
            # The provider's pause before it tells it again.
            time.sleep(0.2)
