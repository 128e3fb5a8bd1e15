"""What the tests of exports share: asking for one, its file, and something that happens while one is made."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl import load_workbook

from server.history import exporting, making, tabulation
from server.history.exporting import open_export, request_export
from server.history.filter import HistoryFilter
from server.history.making import make_export
from server.history.models import Export, ExportFormat
from tests.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.accounts.models import User


def export_of(user: User, *, format: str = ExportFormat.XLSX, **conditions: str) -> Export:  # noqa: A002
    return request_export(user=user, wanted=HistoryFilter.read(conditions), format=format, now=NOW)


def file_of(export: Export) -> bytes:
    with open_export(export=export, user=export.user, now=NOW) as file:
        return file.read()


def sheets_in(file: bytes) -> dict[str, list[tuple]]:
    """The cells of each sheet, by its name, as openpyxl reads them."""
    return {sheet.title: [tuple(row) for row in sheet.iter_rows()] for sheet in load_workbook(io.BytesIO(file))}


def values_in(file: bytes, sheet: str = "Messages") -> list[tuple]:
    """The values below the headings."""
    return [tuple(cell.value for cell in row) for row in sheets_in(file)[sheet][1:]]


def passport_in(file: bytes, sheet: str = "Passport") -> dict[str, str]:
    return {name.value: text.value for name, text in sheets_in(file)[sheet]}


def queued(monkeypatch, user: User, **options: str) -> Export:
    """An export that waits for the worker, as if it were a large one."""
    monkeypatch.setattr(exporting, "SMALL", 0)
    return export_of(user, **options)


def made(export: Export) -> Export:
    make_export(export_id=export.pk)
    export.refresh_from_db()
    return export


def meanwhile(monkeypatch, do: Callable[[], object], *, after: int) -> None:
    """Have `do` happen once, in the middle of the making of an export: row by row, after so many rows."""
    monkeypatch.setattr(tabulation, "BATCH", 1)
    monkeypatch.setattr(making, "PROGRESS_EVERY", 0)
    reach, has_happened = making._Progress.reach, []

    def then(progress, rows_done: int) -> None:
        reach(progress, rows_done)
        if rows_done == after and not has_happened:
            has_happened.append(True)
            do()

    monkeypatch.setattr(making._Progress, "reach", then)


def converted(file: bytes, to: str, folder: Path) -> bytes:
    """The file as LibreOffice saves it; it keeps its profile in the folder, apart from anybody's own."""
    source, target = folder / "made.xlsx", folder / "converted"
    source.write_bytes(file)
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", to]
    subprocess.run([*command, "--outdir", target, source], check=True, capture_output=True, timeout=180)
    [saved] = target.iterdir()
    return saved.read_bytes()
