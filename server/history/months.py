"""The names of months, and what people shorten them to, in Hungarian and English."""

from __future__ import annotations

from server.wording import fold

_MONTHS = (
    "január február március április május június július augusztus szeptember október november december",
    "january february march april may june july august september october november december",
)
# Three letters of a month, or more, are one: nov, nov., novem.
MONTH = {
    fold(name[:letters]): at + 1
    for names in _MONTHS
    for at, name in enumerate(names.split())
    for letters in range(3, len(name) + 1)
}
# "Már" is the word for "already": "már 3 napja" is no day of March.
_WRITTEN_MONTHS = {name[:letters] for names in _MONTHS for name in names.split() for letters in range(3, len(name) + 1)} - {"már"}
NAMED = rf"(?:{'|'.join(sorted(_WRITTEN_MONTHS | set(MONTH), key=len, reverse=True))})"
