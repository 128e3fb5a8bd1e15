"""A file that somebody brings back: is it ours, and are its rows as they were?"""

from __future__ import annotations

import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from server import spreadsheets
from server.history import sheets
from server.history.checking import Checked, Verdict, check_file
from tests.server.history.exported import converted, export_of, file_of
from tests.server.history.test_export_file import FORMULAS, LOOKS_ESCAPED, ODD, texted

SHEET = "xl/worksheets/sheet1.xml"
MAIN = SHEET_MAIN_NS.encode()


def checked(file: bytes, subscriber, name: str = "file.xlsx"):
    return check_file(upload=io.BytesIO(file), name=name, subscriber=subscriber)


def verdict(file: bytes, subscriber, name: str = "file.xlsx") -> Verdict:
    return checked(file, subscriber, name).verdict


def saved_anew(file: bytes, change=lambda workbook: None) -> bytes:
    workbook = load_workbook(io.BytesIO(file))
    change(workbook)
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def rezipped(file: bytes, **parts: bytes) -> bytes:
    """The same zip file with some parts exchanged."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *parts]):
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return made.getvalue()


def with_shared_texts(file: bytes) -> bytes:
    """The same workbook with an empty table of them."""
    types = zipfile.ZipFile(io.BytesIO(file)).read("[Content_Types].xml")
    one_more = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % SHARED_STRINGS.encode()
    parts = {"[Content_Types].xml": types.replace(b"</Types>", one_more), "xl/sharedStrings.xml": b'<sst xmlns="%s"/>' % MAIN}
    return rezipped(file, **parts)


@pytest.fixture
def export(sam, boti_texts):
    texted(boti_texts, [*FORMULAS, *ODD, *LOOKS_ESCAPED])
    return export_of(sam)


@pytest.fixture
def file(export) -> bytes:
    return file_of(export)


def test_the_very_file_is_known(file, export, kontakt):
    assert checked(file, kontakt) == checked(file, kontakt, "renamed.csv")
    assert (checked(file, kontakt).verdict, checked(file, kontakt).export) == (Verdict.EXACT, export)


def test_a_csv_file_is_known_as_it_was(sam, export, kontakt):
    file = file_of(export_of(sam, format="csv"))
    assert verdict(file, kontakt, "file.csv") == Verdict.EXACT
    assert verdict(file.replace(b"1E5", b"1E6"), kontakt, "file.csv") == Verdict.NOT_OURS


def test_saved_anew_by_openpyxl_its_rows_are_unchanged(file, export, kontakt):
    found = checked(saved_anew(file), kontakt)
    assert (found.verdict, found.export) == (Verdict.UNCHANGED, export)


def test_saved_anew_by_libreoffice_its_rows_are_unchanged(file, export, kontakt, tmp_path: Path):
    saved = converted(file, "xlsx:Calc MS Excel 2007 XML", tmp_path)
    # Which reads `_x4_` as a character whether it is escaped or not, and writes it without.
    assert verdict(saved, kontakt) == Verdict.UNCHANGED
    texts = zipfile.ZipFile(io.BytesIO(saved)).read("xl/sharedStrings.xml")
    for old, new in ((b"TRUE", b"TRUEx005F_"), (b"TRUE", b"TRUEx"), (b"TRUE", b"TRU_x0046_")):
        assert verdict(rezipped(saved, **{"xl/sharedStrings.xml": texts.replace(old, new)}), kontakt) == Verdict.CHANGED
    written_otherwise = texts.replace(b"TRUE", b"TRU_x0045_")
    assert verdict(rezipped(saved, **{"xl/sharedStrings.xml": written_otherwise}), kontakt) == Verdict.UNCHANGED


def test_one_letter_more_is_found(file, kontakt):
    def change(workbook):
        workbook["Messages"]["G2"].value += "x"

    assert verdict(saved_anew(file, change), kontakt) == Verdict.CHANGED


def forged_beside(sheet):
    forged = sheet.parent.create_sheet("Messages 1", 0)
    forged.append([cell.value for cell in sheet[1]])
    forged.append([*(cell.value for cell in sheet[2][:6]), "I agree to pay", None, None, " "])


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.delete_rows(3),
        lambda sheet: sheet.append([cell.value for cell in sheet[3]]),
        lambda sheet: sheet.__setitem__("A3", sheet["A3"].value + timedelta(seconds=1)),
        lambda sheet: sheet.__setitem__("D3", 36309990001),
        lambda sheet: sheet.__setitem__("G3", sheet["A3"].value),
        lambda sheet: sheet.__setitem__("A3", f"{sheet['A3'].value:%Y-%m-%d %H:%M:%S}"),
        lambda sheet: sheet.__setitem__("G3", True),
        lambda sheet: sheet.__setitem__("K3", "beside"),
        lambda sheet: sheet.__setitem__("XFD3", "far beside"),
        lambda sheet: sheet.__setitem__("C1", "Sent by"),
        lambda sheet: sheet.__setitem__("A1", "Time (Asia/Tokyo)"),
        lambda sheet: sheet.__setitem__("K1", "Agreed"),
        lambda sheet: sheet.delete_rows(1),
        lambda sheet: setattr(sheet, "sheet_state", "hidden"),
        lambda sheet: sheet.parent.copy_worksheet(sheet),
        forged_beside,
        lambda sheet: sheet.__setitem__("E3", '="Kiss "&"Boti"'),
        lambda sheet: sheet.move_range("A2:J2", rows=100),
    ],
    ids=[
        "a row less",
        "a row more",
        "another time",
        "a number",
        "a time for a text",
        "a text for a time",
        "yes",
        "a cell more",
        "a cell far beside",
        "a heading",
        "another zone",
        "a heading more",
        "no headings",
        "a hidden sheet",
        "its rows once more",
        "a sheet that looks like ours",
        "a formula",
        "another order",
    ],
)
def test_whatever_is_changed_in_the_rows_is_found(file, kontakt, change):
    assert verdict(saved_anew(file, lambda workbook: change(workbook["Messages"])), kontakt) == Verdict.CHANGED


def test_widths_filters_and_sums_of_ones_own_change_no_row(file, kontakt):
    def change(workbook):
        workbook["Messages"].column_dimensions["A"].width = 40
        workbook["Messages"].auto_filter.ref = None
        workbook.create_sheet("Mine", 0).append(["sum", 3])
        for cell in workbook["Messages"]["B"]:
            cell.number_format = "General"
        workbook.create_chartsheet("Drawn")

    assert verdict(saved_anew(file, change), kontakt) == Verdict.UNCHANGED


def test_a_file_is_known_whatever_the_language_of_its_headings(sam, boti_texts, kontakt):
    sam.language = "hu"
    sam.save()
    boti_texts("Szia")
    assert verdict(saved_anew(file_of(export_of(sam))), kontakt) == Verdict.UNCHANGED


def test_a_file_is_known_when_the_company_has_moved_to_another_zone(file, kontakt):
    kontakt.timezone = "Europe/London"
    kontakt.save()
    assert verdict(saved_anew(file), kontakt) == Verdict.UNCHANGED


def test_rows_of_several_sheets_are_summed_up_in_their_order(sam, boti_texts, kontakt, monkeypatch):
    monkeypatch.setattr(sheets, "ROWS_OF_SHEET", 3)
    texted(boti_texts, "abcde")
    file = file_of(export_of(sam))
    assert verdict(saved_anew(file), kontakt) == Verdict.UNCHANGED
    assert verdict(saved_anew(file, lambda book: book.move_sheet("Messages 3", -1)), kontakt) == Verdict.CHANGED
    assert verdict(saved_anew(file, lambda book: book.remove(book["Messages 2"])), kontakt) == Verdict.CHANGED


def test_a_passport_that_lies_is_not_believed(file, kontakt):
    def change(workbook):
        workbook["Messages"]["G2"].value = "Never said"
        for name, text in workbook["Passport"]:
            if name.value.startswith("SHA-256"):
                text.value = "0" * 64

    assert verdict(saved_anew(file, change), kontakt) == Verdict.CHANGED


def test_another_companys_file_is_not_ours(file, export, rival):
    for each in (file, saved_anew(file)):
        found = checked(each, rival)
        assert (found.verdict, found.export) == (Verdict.NOT_OURS, None)


def test_a_file_is_still_known_when_its_day_is_over(file, export, kontakt):
    export.status = "expired"
    export.save()
    assert verdict(file, kontakt) == Verdict.EXACT
    assert verdict(saved_anew(file), kontakt) == Verdict.UNCHANGED


def test_a_workbook_of_somebody_else_is_not_ours(kontakt):
    from openpyxl import Workbook

    made = io.BytesIO()
    workbook = Workbook()
    workbook.active.append(["Kiss Boti", 3])
    workbook.save(made)
    assert verdict(made.getvalue(), kontakt) == Verdict.NOT_OURS


@pytest.mark.parametrize("content", [b"", b"Hello", b"PK\x03\x04", b"\x00" * 1000, "szöveg".encode()])
def test_what_is_no_workbook_is_not_readable(kontakt, content):
    assert verdict(content, kontakt) == Verdict.NOT_READABLE


def test_a_damaged_file_is_not_readable(file, kontakt):
    assert verdict(file[: len(file) // 2], kontakt) == Verdict.NOT_READABLE
    assert verdict(file[:200] + b"\xff" * 100 + file[300:], kontakt) == Verdict.NOT_READABLE


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def test_a_table_of_texts_that_is_not_used_changes_nothing(file, kontakt):
    assert verdict(with_shared_texts(saved_anew(file)), kontakt) == Verdict.UNCHANGED


@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/sharedStrings.xml"])
def test_entities_are_refused(file, kontakt, part):
    file = with_shared_texts(saved_anew(file))
    text = zipfile.ZipFile(io.BytesIO(file)).read(part)
    begin = text.index(b"<", 1) if text.startswith(b"<?xml") else 0
    assert verdict(rezipped(file, **{part: text[:begin] + LAUGHS + text[begin:]}), kontakt) == Verdict.NOT_READABLE


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(file, kontakt, monkeypatch):
    bomb = rezipped(file, **{SHEET: b"<row/>" * 20_000_000})
    assert len(bomb) < 1_000_000
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert verdict(bomb, kontakt) == Verdict.NOT_READABLE


def test_what_is_locked_by_a_password_is_not_readable(file, kontakt):
    entry = file.index(b"PK\x01\x02")
    locked = file[: entry + 8] + bytes([file[entry + 8] | 1]) + file[entry + 9 :]
    assert verdict(locked, kontakt) == Verdict.NOT_READABLE


def test_a_thousand_parts_are_refused(file, kontakt):
    assert verdict(rezipped(file, **{f"xl/{number}.xml": b"" for number in range(200)}), kontakt) == Verdict.NOT_READABLE


def test_more_tags_than_can_be_kept_in_memory_are_refused_before_any_is_read(file, kontakt):
    noise = os.urandom(200_000).hex().encode()
    begin = zipfile.ZipFile(io.BytesIO(file)).read(SHEET).partition(b"<sheetData>")[0]
    endless = (
        begin + b"<sheetData><row>" + b"<c/>" * spreadsheets.MOST_TAGS + b"<!--" + noise + b"--></row></sheetData></worksheet>"
    )
    assert verdict(rezipped(file, **{SHEET: endless}), kontakt) == Verdict.TOO_LARGE


def test_a_row_far_below_brings_no_endless_row_of_empty_ones(file, kontakt):
    text = zipfile.ZipFile(io.BytesIO(file)).read(SHEET)
    far = text.replace(b"</sheetData>", b"<row r='999999999999'><c t='inlineStr'><is><t>far</t></is></c></row></sheetData>")
    assert verdict(rezipped(file, **{SHEET: far}), kontakt) == Verdict.UNCHANGED


@pytest.mark.parametrize("limit", ["LARGEST_PACKED", "LARGEST_UNPACKED", "MOST_TAGS"])
def test_a_large_file_is_known_as_it_was_and_not_compared_any_more_when_saved_anew(file, export, kontakt, monkeypatch, limit):
    monkeypatch.setattr(spreadsheets, limit, 1000)
    assert checked(file, kontakt) == Checked(Verdict.EXACT, export)
    assert checked(saved_anew(file), kontakt) == Checked(Verdict.TOO_LARGE)


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_a_cell_of_a_day_that_is_none_is_only_a_change(file, kontakt):
    text = zipfile.ZipFile(io.BytesIO(file)).read(SHEET)
    begin = text.index(b"<v>") + 3
    days = dict.fromkeys([b"1e300", b"1e999", b"-5", b"0.5", b""], Verdict.CHANGED) | dict.fromkeys(
        [b"nan", b"noon"], Verdict.NOT_READABLE
    )
    for day, expected in days.items():
        changed = text[:begin] + day + text[text.index(b"</v>") :]
        assert verdict(rezipped(file, **{SHEET: changed}), kontakt) == expected
