"""Files of contacts, and an import driven as the page and the worker do."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook

from server.contacts.importing.asking import hand_in, match_columns, start_import
from server.contacts.importing.columns import Mode
from server.contacts.importing.working import work_on
from server.contacts.models import ContactImport
from tests.conftest import NOW


@pytest.fixture(autouse=True)
def imports_folder(settings, tmp_path) -> Path:
    folder = tmp_path / "imports"
    imports = settings.STORAGES["imports"] | {"OPTIONS": {"location": folder}}
    settings.STORAGES = settings.STORAGES | {"imports": imports}
    return folder


def workbook(*rows: list, change: Callable | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book.active)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def cards(*texts: str) -> bytes:
    return "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{text}\r\nEND:VCARD\r\n" for text in texts).encode()


@pytest.fixture
def reading(sam) -> Callable[..., ContactImport]:
    """`reading(content)` hands a file in and lets the worker read it."""

    def read(content: bytes | str, name: str = "ugyfelek.csv", user=sam) -> ContactImport:
        upload = BytesIO(content.encode() if isinstance(content, str) else content)
        one = hand_in(user=user, file_name=name, upload=upload, now=NOW)
        work_on(import_id=one.pk)
        one.refresh_from_db()
        return one

    return read


@pytest.fixture
def checking(reading, sam) -> Callable[..., ContactImport]:
    """And has it tried out, with the columns as they were guessed unless said otherwise."""

    def check(content: bytes | str, mode: Mode = Mode.FILL, tag: str = "", fields=None, has_heading=None) -> ContactImport:
        one = reading(content)
        assert one.state == "read", one.problem
        match_columns(
            one=one,
            user=sam,
            fields=fields or one.mapping["fields"],
            has_heading=one.mapping["has_heading"] if has_heading is None else has_heading,
            mode=mode,
            tag=tag,
            now=NOW,
        )
        work_on(import_id=one.pk)
        one.refresh_from_db()
        assert one.state == "checked", one.problem
        return one

    return check


@pytest.fixture
def importing(checking, sam) -> Callable[..., ContactImport]:
    """And imports it."""

    def run(content: bytes | str, mode: Mode = Mode.FILL, tag: str = "", fields=None) -> ContactImport:
        one = checking(content, mode, tag, fields)
        start_import(one=one, user=sam, now=NOW)
        work_on(import_id=one.pk)
        one.refresh_from_db()
        assert one.state == "done", one.problem
        return one

    return run


def counts(one: ContactImport) -> tuple[int, int, int, int]:
    return one.new_count, one.changed_count, one.same_count, one.error_count
