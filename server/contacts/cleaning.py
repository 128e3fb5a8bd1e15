"""What people type into the phone book, as it is kept: one line, without signs that nobody sees."""

from __future__ import annotations

import re
import unicodedata

from server import sms

# Marks that turn the direction of what stands beside them, and spaces of no width. Those that join letters
# (U+200C, U+200D) belong to some languages, and to emoji.
_UNSEEN = re.compile(r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_JOINERS = re.compile(r"[\u200c\u200d\ufe00-\ufe0f]")


def one_line(text: str) -> str:
    """A name, a company or a tag; empty when there is nothing to see in it."""
    seen = _UNSEEN.sub("", unicodedata.normalize("NFC", sms.storable(text)))
    line = " ".join("".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in seen).split())
    return line if _JOINERS.sub("", line).strip() else ""


def several_lines(text: str) -> str:
    """A remark."""
    return sms.storable(text).replace("\r\n", "\n").strip()
