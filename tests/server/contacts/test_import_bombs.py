"""Files that mean ill, or are not what they seem, are refused: at once where that can be seen, else by the worker."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from server.contacts.importing.asking import hand_in
from server.contacts.importing.problems import NotImportable, in_words
from server.contacts.models import Contact, ContactImport
from tests.conftest import NOW
from tests.server.contacts.conftest import cards, workbook

pytestmark = pytest.mark.django_db
ROWS = (["Név", "Telefon"], ["Kiss Éva", "06301234567"])


def repacked(content: bytes, change: Callable[[str, bytes], bytes] = lambda name, part: part, **more: bytes) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, part in more.items():
            new.writestr(name, part)
    return made.getvalue()


def sheet(change: Callable[[bytes], bytes]) -> bytes:
    return repacked(workbook(*ROWS), lambda name, part: change(part) if name == "xl/worksheets/sheet1.xml" else part)


AT_ONCE = {
    "nothing": (lambda: b"  \n", "empty"),
    "old excel": (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 100, "old_excel"),
    "a zip that unpacks to much": (lambda: repacked(workbook(*ROWS), **{"xl/media/a.bin": b"\0" * 60_000_000}), "unpacks"),
    "more than 64 MB in all": (
        lambda: repacked(workbook(*ROWS), **{f"xl/media/{n}.bin": b"\0" * 990_000 for n in range(70)}),
        "unpacks",
    ),
    "many parts": (lambda: repacked(workbook(*ROWS), **{f"x{n}": b"" for n in range(300)}), "not_readable"),
    "macros": (lambda: repacked(workbook(*ROWS), **{"xl/vbaProject.bin": b"x"}), "macros"),
    "a zip that is no workbook": (lambda: repacked(b"PK\x05\x06" + b"\0" * 18, **{"a.txt": b"x"}), "not_readable"),
    "a broken zip": (lambda: b"PK\x03\x04" + b"x" * 100, "not_readable"),
    "a large workbook": (lambda: b"PK\x03\x04" + b"x" * 5_000_000, "too_large"),
    "a large text": (lambda: b"x" * 20_000_001, "too_large"),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_what_can_be_seen_from_outside_is_refused_at_once_and_nothing_is_kept(what, sam, imports_folder):
    make, problem = AT_ONCE[what]
    with pytest.raises(NotImportable) as refusal:
        hand_in(user=sam, file_name="a.xlsx", upload=BytesIO(make()), now=NOW)
    assert refusal.value.problem == problem
    assert not ContactImport.objects.exists()
    assert not imports_folder.exists()


def many_columns(count: int) -> str:
    return "Név;Telefon\n" + ";".join(["a"] * count) + "\n"


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
BY_WORKER = {
    "a formula": (lambda: workbook(*ROWS, ["=1+1", "06301112233"]), "formula:A3"),
    "a formula beyond": (lambda: workbook(*ROWS, [*[""] * 9, "=HYPERLINK(1)"]), "formula:J3"),
    "entities": (lambda: sheet(lambda part: part.replace(b"<worksheet", ENTITIES + b"<worksheet", 1)), "not_readable"),
    "no xml": (lambda: sheet(lambda part: b"nothing"), "not_readable"),
    "no rows": (lambda: workbook([]), "nothing"),
    "5000 columns": (lambda: workbook(ROWS[0], ["a"] * 5000), "too_many_columns:2"),
    "5000 columns of a csv": (lambda: many_columns(5000).encode(), "too_many_columns:2"),
    "NUL bytes": (lambda: "Név;Telefon\nKiss\0Éva;06301234567\n".encode(), "not_readable"),
    "a field of 1 MB": (lambda: b"a;b\n" + b"x" * 1_000_000 + b";06301234567\n", "cell_too_long:2"),
    "a field of 20 kB": (lambda: b"a;b\n" + b"x" * 20_000 + b";06301234567\n", "cell_too_long:2"),
    "an open quotation mark": (lambda: b'a;b\n"x;06301234567\n' + b"y;06301234567\n" * 20_000, "cell_too_long:2"),
    "100,002 rows": (lambda: b"a;b\n" * 100_002, "too_many_rows"),
    "bytes of no text": (lambda: bytes(range(1, 256)) * 20, "not_readable"),
}


@pytest.mark.parametrize("what", BY_WORKER)
def test_what_only_reading_shows_is_refused_by_the_worker_with_a_reason(what, reading, imports_folder):
    make, problem = BY_WORKER[what]
    one = reading(make())
    assert (one.state, one.problem) == ("failed", problem)
    assert "%(" not in in_words(one.problem)
    assert list(imports_folder.iterdir()) == []


def test_a_sheet_that_lies_about_its_size_is_read_as_it_is(importing):
    content = sheet(lambda part: part.replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:XFD1048576"'))
    assert b"XFD1048576" in zipfile.ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert importing(content).new_count == 1
    assert importing(sheet(lambda part: part.replace(b'ref="A1:B2"', b'ref="A1"'))).same_count == 1


def test_a_row_that_lies_about_its_number_ends_it_soon(reading):
    one = reading(sheet(lambda part: part.replace(b'<row r="2"', b'<row r="999999999"').replace(b'"A2"', b'"A999999999"')))
    assert one.state in {"read", "failed"}
    assert one.rows_total <= 2


def test_hundreds_of_thousands_of_empty_rows_are_none(reading):
    empty = b"".join(b'<row r="%d"/>' % number for number in range(3, 200_000))
    # They shrink too well to be let in otherwise.
    one = reading(sheet(lambda part: part.replace(b"</sheetData>", empty + b"</sheetData>")))
    assert (one.state, one.rows_total) == ("read", 2)


def test_a_workbook_by_name_that_is_a_csv_is_read_as_what_it_is(reading):
    one = reading("Név;Telefon\nKiss Éva;06301234567\n", name="lista.xlsx")
    assert (one.format, one.state) == ("csv", "read")


def test_a_picture_of_ten_megabytes_does_no_harm(importing):
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["A" * 74] * 140_000)
    importing(cards("FN:Kiss Éva\r\nTEL:06301234567\r\n" + photo))
    assert Contact.objects.get().name == "Kiss Éva"


def test_a_long_gap_between_addresses_costs_nothing(checking):
    gap = " " * 9000
    one = checking("Név;Telefon;E-mail\n" + f"Kiss Éva;06301234567;a{gap}b\n" * 300)
    assert one.error_count == 300


def test_what_a_cell_says_is_only_text(importing):
    importing('Név;Telefon;Megjegyzés\n"=cmd|calc";06301234567;<script>alert(1)</script>\n')
    assert Contact.objects.get().name == "=cmd|calc"
