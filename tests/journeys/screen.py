"""What a person sees and does on a page of Fonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error, expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# A bound on a test that goes wrong, not a measurement.
expect.set_options(timeout=15_000)


class Chat:
    """One tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def visit(self, path: str) -> None:
        """Go to another page; a page that loads itself anew at this very moment takes its place, so then again."""
        try:
            self.page.goto(self.url + path)
        except Error as problem:
            if "ERR_ABORTED" not in problem.message:
                raise
            self.page.goto(self.url + path)

    # --- The list
    @property
    def rows(self) -> Locator:
        return self.page.locator("#rows > li[data-id]")

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text)

    def open(self, text: str) -> Chat:
        """Click a conversation in the list and wait until its thread is there."""
        row = self.row(text)
        row.locator("a.row").click()
        number = row.get_attribute("data-id")
        expect(self.page.locator(f"#talk[data-conversation='{number}']")).to_be_visible()
        return self

    # --- The thread
    @property
    def thread(self) -> Locator:
        return self.page.locator("#thread")

    @property
    def bubbles(self) -> Locator:
        return self.thread.locator(".message")

    def bubble(self, text: str) -> Locator:
        return self.bubbles.filter(has_text=text)

    def tick(self, text: str) -> Locator:
        return self.bubble(text).locator(".tick")

    # --- The composer
    @property
    def composer(self) -> Locator:
        return self.page.locator("#composer textarea")

    def send(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def note(self, text: str) -> None:
        self.page.get_by_role("button", name="Internal note").click()
        self.send(text)

    def act(self, name: str) -> None:
        """A button of the thread's header."""
        self.page.locator("#head").get_by_role("button", name=name).click()

    # --- The dialog
    @property
    def dialog(self) -> Locator:
        return self.page.locator("#dialog")

    def new_message(self) -> Locator:
        # Before the scripts are there, the link leads to a page of its own.
        self.until("() => window.fonal")
        self.page.get_by_role("link", name="New message").first.click()
        expect(self.dialog.get_by_role("heading", name="New message")).to_be_visible()
        return self.dialog

    # --- The connection
    @property
    def bar(self) -> Locator:
        return self.page.locator("#bar")

    def is_live(self) -> Chat:
        """Wait until the socket has brought this tab up to date."""
        self.page.wait_for_function("() => window.fonal?.status().isConnected")
        return self

    # --- What the page itself can tell
    def ask(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def until(self, script: str, argument: Any = None) -> None:
        self.page.wait_for_function(script, arg=argument, timeout=15_000)
