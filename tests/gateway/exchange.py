"""An exchange's hand: posts events of calls, signed as docs/call-logic.md says."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from django.test import Client

from server.lines.models import Line
from tests.conftest import BOTI


class Exchange:
    def __init__(self, line: Line) -> None:
        self.line = line
        self.client = Client()

    @property
    def path(self) -> str:
        return f"/gateway/pbx/{self.line.key}/calls/"

    def event(self, event: str = "missed", **more: Any) -> dict[str, Any]:
        return {"id": "c1", "event": event, "caller": BOTI, "called": self.line.number} | more

    def headers(self, body: bytes, *, secret: str | None = None, at: float | None = None) -> dict[str, str]:
        timestamp = str(int(time.time() if at is None else at))
        key = (self.line.pbx_secret if secret is None else secret).encode()
        signature = hmac.new(key, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Fonal-Timestamp": timestamp, "X-Fonal-Signature": f"sha256={signature}"}

    def post_raw(
        self, body: bytes, *, headers: dict[str, str] | None = None, content_type: str = "application/json", path: str = ""
    ):
        signed = self.headers(body) if headers is None else headers
        return self.client.post(path or self.path, body, content_type=content_type, headers=signed)

    def post(self, said: Any, **changes: Any):
        return self.post_raw(json.dumps(said).encode(), **changes)

    def tell(self, event: str = "missed", **more: Any):
        """An event, honestly signed."""
        return self.post(self.event(event, **more))
