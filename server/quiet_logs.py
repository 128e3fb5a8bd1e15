"""What no log may hold: whoever reads one must not come in by it."""

from __future__ import annotations

import logging
import re

# The last word of a link to join, or to a new password, is as good as the password.
_PROOF = re.compile(r"(/(?:join|login/reset)/[^/\s]*/)[^/\s]+")


class WithoutProofs(logging.Filter):
    """Django logs the address of whatever it answers with 4xx or 5xx, a form that was filled in wrongly among them."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        quiet = _PROOF.sub(r"\1…", said)
        if quiet != said:
            record.msg, record.args = quiet, ()
        return True
