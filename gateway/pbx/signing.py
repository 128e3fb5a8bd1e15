"""How an exchange signs what it posts: HMAC-SHA256 with the line's secret over "<timestamp>.<body>".

The timestamp is signed along, so that what somebody has recorded is worth nothing five minutes later.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from gateway.vocabulary import WebhookRefused
from server.lines.encryption import Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from server.lines.models import Line

TIMESTAMP_HEADER = "X-Fonal-Timestamp"
SIGNATURE_HEADER = "X-Fonal-Signature"
# Seconds by which the exchange's clock may differ from ours.
WINDOW = 300
_SECONDS = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"(?:sha256=)?([0-9a-fA-F]{64})")


class ExchangeRefused(WebhookRefused):
    """`advice` is for whoever sets the exchange up."""

    def __init__(self, outcome: str, advice: str, status: int = 403) -> None:
        super().__init__(outcome, status)
        self.advice = advice


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """What belongs into X-Fonal-Signature."""
    return f"sha256={hmac.digest(secret.encode(), timestamp.encode() + b'.' + body, 'sha256').hex()}"


def verify(request: HttpRequest, line: Line, *, now: datetime) -> None:
    """Raises ExchangeRefused unless whoever knows the line's secret has signed this request, just now."""
    if isinstance(line.pbx_secret, Unreadable):
        # Our own trouble: it shall come again.
        raise ExchangeRefused("exchange secret not readable", "Our own mistake: try again later.", 503)
    if not line.pbx_secret:
        # An empty key would let anybody sign.
        raise ExchangeRefused("line has no exchange secret", "The line's page gives it a new one.")
    timestamp = request.headers.get(TIMESTAMP_HEADER, "").strip()
    given = _SIGNATURE.fullmatch(request.headers.get(SIGNATURE_HEADER, "").strip())
    if not timestamp or given is None:
        raise ExchangeRefused(
            "exchange signature missing", f"Send {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}: sha256=<64 hex digits>."
        )
    if not _SECONDS.fullmatch(timestamp):
        raise ExchangeRefused("exchange signature missing", f"{TIMESTAMP_HEADER} is the Unix time in whole seconds.")
    expected = signature_of(line.pbx_secret, timestamp, request.body)
    if not hmac.compare_digest(expected, f"sha256={given[1].lower()}"):
        raise ExchangeRefused("exchange signature wrong", "Sign <timestamp>.<body> with the line's secret, the body byte by byte.")
    # Only now: to whoever can not sign, it says nothing.
    behind = int(now.timestamp()) - int(timestamp)
    if abs(behind) > WINDOW:
        raise ExchangeRefused("exchange clock differs", f"It was signed {behind} seconds ago; at most {WINDOW} are allowed.")
