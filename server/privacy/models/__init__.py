"""What companies keep of people, for how long, and what they have erased of them."""

from server.privacy.models.erasures import AskedHow, ErasedMessage, Erasure, ErasureState, ProviderRedaction
from server.privacy.models.holds import LegalHold
from server.privacy.models.retention import RetentionRun

__all__ = [
    "AskedHow",
    "ErasedMessage",
    "Erasure",
    "ErasureState",
    "LegalHold",
    "ProviderRedaction",
    "RetentionRun",
]
