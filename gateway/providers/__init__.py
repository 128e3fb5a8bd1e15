"""The providers we speak with: one file each, one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.providers.simulator import Simulator
from gateway.providers.twilio import Twilio

if TYPE_CHECKING:
    from gateway.providers.base import Provider

PROVIDERS: dict[str, Provider] = {
    "twilio": Twilio(),
    "simulator": Simulator(),
}
