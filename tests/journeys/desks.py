"""Browsers for people to sit down at: each is empty but for the files that pages are made of, which all of them need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

USUAL = {"locale": "en-GB", "timezone_id": "Europe/Budapest"}
STORED = "local_storage,indexeddb,websql,service_workers,cache_storage,file_systems"


class Desks:
    """The usual ones are cleared and taken again: a new one would fetch seventy files for its first page."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._usual: set[BrowserContext] = set()
        self._free: list[BrowserContext] = []

    def take(self, **options: Any) -> BrowserContext:
        if not options and self._free:
            return self._free.pop()
        context = self._browser.new_context(**(USUAL | options))
        context.set_default_timeout(15_000)
        if not options:
            self._usual.add(context)
        return context

    def leave(self, context: BrowserContext) -> None:
        if context not in self._usual:
            context.close()
            return
        self._clear(context)
        self._free.append(context)

    def _clear(self, context: BrowserContext) -> None:
        context.unroute_all()
        blank = context.new_page()
        for page in context.pages:
            if page is not blank:
                page.close()
        context.set_offline(False)
        context.clear_permissions()
        context.clear_cookies()
        context.new_cdp_session(blank).send("Storage.clearDataForOrigin", {"origin": self._url, "storageTypes": STORED})
        blank.close()
