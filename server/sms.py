"""GSM 03.38 arithmetic: what an SMS costs. Pure; the browser's twin is chatui/static/chatui/js/segments.js."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_SEGMENTS = 10
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")

# Typography that would turn the whole SMS into UCS-2 though a plain sign says the same.
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": ",", "\u201b": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"',
        "\u00ab": '"', "\u00bb": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-",
        "\u2026": "...", "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "",
        "\t": " ", "`": "'", "\u00b4": "'", "\u2022": "-",
    }
)  # fmt: skip

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Count:
    """What a text costs: `units` are septets (GSM-7) or UTF-16 units (UCS-2)."""

    encoding: str
    units: int
    segments: int
    capacity: int
    costly: tuple[str, ...]


def encoding_of(text: str) -> str:
    return "GSM-7" if all(c in GSM_BASIC or c in GSM_EXTENDED for c in text) else "UCS-2"


def count_segments(text: str) -> Count:
    """Count like the network: 160/153 septets or 70/67 UTF-16 units, never cutting an escape or a surrogate pair.

    `costly` are the characters that forced UCS-2, in the order they appear. Agrees with Twilio's calculator.
    """
    if encoding_of(text) == "GSM-7":
        widths = [2 if c in GSM_EXTENDED else 1 for c in text]
        single, multi, encoding = 160, 153, "GSM-7"
    else:
        widths = [2 if ord(c) > 0xFFFF else 1 for c in text]
        single, multi, encoding = 70, 67, "UCS-2"
    units = sum(widths)
    segments = 1 if units <= single else _split(widths, multi)
    costly = () if encoding == "GSM-7" else tuple(dict.fromkeys(c for c in text if c not in GSM_BASIC and c not in GSM_EXTENDED))
    return Count(encoding, units, segments, single if segments == 1 else segments * multi, costly)


def unaccent(text: str) -> str:
    """The text without what GSM-7 lacks: á í ó ő ú ű lose their accents, é ö ü keep theirs; emoji stay."""
    # Composed first: a letter and its accent may come as two characters (macOS file names, PDFs).
    composed = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return "".join(c if c in GSM_BASIC or c in GSM_EXTENDED else _without_accent(c) for c in composed)


def saving_accents(text: str) -> str:
    """The text as a company that saves accents sends it; as it is where something else needs UCS-2 anyway."""
    plain = unaccent(text)
    return plain if encoding_of(plain) == "GSM-7" else text


def storable(text: str) -> str:
    """Any text a provider may send, as every database can keep it: NUL and lone surrogates become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _split(widths: list[int], capacity: int) -> int:
    segments, used = 1, 0
    for width in widths:
        if used + width > capacity:
            segments, used = segments + 1, 0
        used += width
    return segments


def _without_accent(character: str) -> str:
    # ő and ű have near twins that GSM-7 does have.
    near = {"ő": "ö", "Ő": "Ö", "ű": "ü", "Ű": "Ü"}.get(character)
    if near:
        return near
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return plain if plain and encoding_of(plain) == "GSM-7" else character
