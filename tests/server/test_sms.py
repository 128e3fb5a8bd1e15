from __future__ import annotations

import pytest

from server import sms

FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("a" * 1530, "GSM-7", 1530, 10),
        ("a" * 1531, "GSM-7", 1531, 11),
        ("á" * 70, "UCS-2", 70, 1),
        ("á" * 71, "UCS-2", 71, 2),
        ("á" * 134, "UCS-2", 134, 2),
        ("á" * 135, "UCS-2", 135, 3),
        ("á" * 670, "UCS-2", 670, 10),
        ("á" * 671, "UCS-2", 671, 11),
        ("éöüÉÖÜäñà", "GSM-7", 9, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        ("a" * 159 + "€", "GSM-7", 161, 2),
        # 152 and an escape pair: the pair is not cut, and begins the second segment; 152 more fill that to the brim.
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        # 66 and a surrogate pair: likewise.
        ("á" * 66 + "😀" + "á" * 65, "UCS-2", 133, 2),
        ("á" * 66 + "😀" + "á" * 66, "UCS-2", 134, 3),
        ("a" * 69 + "€", "GSM-7", 71, 1),
        ("á" + "€" * 69, "UCS-2", 70, 1),
        ("á" + "€" * 70, "UCS-2", 71, 2),
        ("Árvíztűrő tükörfúrógép", "UCS-2", 22, 1),
        ("sor\nsor\rsor", "GSM-7", 11, 1),
        (FAMILY, "UCS-2", 8, 1),
    ],
)
def test_segments_are_counted_like_the_network_counts_them(text, encoding, units, segments):
    count = sms.count_segments(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


@pytest.mark.parametrize("character", ["€", "^", "{", "}", "[", "]", "~", "|", "\\", "\f"])
def test_the_escaped_signs_count_two(character):
    assert sms.encoding_of(character) == "GSM-7"
    assert sms.count_segments(character).units == 2


def test_the_basic_table_has_all_its_127_letters():
    # 128 places less the escape itself.
    assert len(sms.GSM_BASIC) == 127


def test_the_capacity_is_what_the_counter_counts_down_from():
    assert sms.count_segments("a").capacity == 160
    assert sms.count_segments("a" * 161).capacity == 306
    assert sms.count_segments("á").capacity == 70
    assert sms.count_segments("á" * 71).capacity == 134


def test_the_costly_characters_are_named_in_order_and_once():
    assert sms.count_segments("Szia őrző, á! ő 😀").costly == ("ő", "á", "😀")
    assert sms.count_segments("Szia Zoé").costly == ()


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Árvíztűrő tükörfúrógép", "Arviztürö tükörfurogép"),
        ("ÁÍÓÚŐŰ áíóúőű", "AIOUÖÜ aiouöü"),
        ("éöüÉÖÜ", "éöüÉÖÜ"),
        ("„idézet” – ’így’…", "\"idézet\" - 'így'...".replace("í", "i")),
        ("10\u00a0000\u202fFt", "10 000 Ft"),
        ("o\u030b a\u0301 e\u0301", "ö a é"),
        ("Szia 😀", "Szia 😀"),
        (FAMILY, FAMILY),
        ("Привет", "Привет"),
        ("čšž ł", "csz ł"),
        ("€ [x]", "€ [x]"),
    ],
)
def test_unaccent_keeps_what_gsm_has_and_the_meaning_of_the_rest(written, plain):
    assert sms.unaccent(written) == plain


def test_an_unaccented_hungarian_text_fits_gsm():
    text = "Árvíztűrő tükörfúrógép, „jó” munkához – idő kell…"
    assert sms.encoding_of(text) == "UCS-2"
    assert sms.encoding_of(sms.unaccent(text)) == "GSM-7"


@pytest.mark.parametrize(
    ("came", "kept"), [("a\x00b", "a\ufffdb"), ("\ud83d", "\ufffd"), ("x\udc00y", "x\ufffdy"), ("😀 ő", "😀 ő"), ("", "")]
)
def test_what_no_database_can_keep_becomes_a_replacement_character(came, kept):
    assert sms.storable(came) == kept
