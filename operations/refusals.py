"""Why webhooks of a line were refused, and what to do about it, in words for the staff."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from gateway.addresses import messages_address

if TYPE_CHECKING:
    from gateway.models import WebhookReceipt
    from server.lines.models import Line


def explained(receipt: WebhookReceipt, line: Line) -> tuple[str, str]:
    """What happened with a refused webhook, and what to do."""
    ours, raw = messages_address(line), receipt.raw if isinstance(receipt.raw, dict) else {}
    if receipt.outcome == "signed for another address":
        return _other_address(ours, str(raw.get("signed_for", "")))
    if receipt.outcome == "wrong signature":
        return _wrong_signature(ours, str(raw.get("seen", "")))
    said, advice = _words().get(receipt.outcome, (_("A webhook was refused: %(why)s.") % {"why": receipt.outcome}, ""))
    return said, advice


def _other_address(ours: str, theirs: str) -> tuple[str, str]:
    words = {"expected": _origin_and_path(ours, theirs), "got": theirs}
    return (
        _("Your proxy changes the address: expected %(expected)s, got %(got)s.") % words,
        _(
            "Set at the provider exactly the address shown above. "
            "If it is right there, PUBLIC_URL must be the address that the provider calls."
        ),
    )


def _wrong_signature(ours: str, seen: str) -> tuple[str, str]:
    if urlsplit(seen).netloc != urlsplit(ours).netloc:
        # No proof: a proxy may call us by any name. What counts is the address that the provider calls.
        words = {"expected": _origin_and_path(ours, seen), "got": seen}
        return (
            _("A signature is wrong. It must be for %(expected)s, and the request came to us as %(got)s.") % words,
            _(
                "If the provider calls another address, set PUBLIC_URL to that one. "
                "If it calls the right one, copy the auth token anew from its console."
            ),
        )
    return (
        _("A signature is wrong, though the address is right."),
        _("The auth token is not that of the account that calls us. Copy it anew from the provider's console: the primary one."),
    )


def _origin_and_path(ours: str, theirs: str) -> str:
    """Our origin with the path that was called: a report has another path than a message."""
    at = theirs.find("/gateway/")
    mine = urlsplit(ours)
    return f"{mine.scheme}://{mine.netloc}{theirs[at:]}" if at >= 0 else ours


def _words() -> dict[str, tuple[str, str]]:
    return {
        "no signature": (
            _("A request without a signature was refused."),
            _("Either it was not the provider's, or the proxy takes its signature header away."),
        ),
        "line has no auth token": (
            _("A webhook came, but the line has no auth token to check it with."),
            _("Enter the auth token."),
        ),
        "another account": (
            _("A webhook of another account was refused."),
            _("The number is in a sub-account: give that one's SID and auth token."),
        ),
        "another number": (
            _("A webhook of another number was refused."),
            _("At the provider, another number has this line's address: each line has an address of its own."),
        ),
        "exchange signature wrong": (
            _("The telephone exchange signs with another secret."),
            _("Copy the secret anew, or make a new one on the line's page and set it in the exchange."),
        ),
        "exchange signature missing": (
            _("The telephone exchange does not sign what it posts."),
            _("It must send a timestamp and a signature made with the line's secret."),
        ),
        "exchange clock differs": (
            _("The clock of the telephone exchange differs from ours by more than five minutes."),
            _("Let it set its clock by itself (NTP)."),
        ),
        "line has no exchange secret": (
            _("A telephone exchange called, but the line has no secret to check it with."),
            _("Make a new secret on the line's page."),
        ),
        "events not readable": (
            _("The telephone exchange sent events that we can't read."),
            _("The answer that it got names what is wrong with each."),
        ),
        "not a form": (_("A webhook came in a form that we do not read."), _("Set the method to HTTP POST at the provider.")),
    }


def outcome_words(outcome: str) -> str:
    """What became of a webhook, as people read it; what only developers can tell stays as it is."""
    return {
        "signed for another address": _("Signed for another address"),
        "wrong signature": _("Wrong signature"),
        "no signature": _("No signature"),
        "line has no auth token": _("The line has no auth token"),
        "another account": _("Another account"),
        "another number": _("Another number"),
        "not a form": _("Not a form"),
        "exchange signature wrong": _("Wrong signature of the exchange"),
        "exchange signature missing": _("No signature of the exchange"),
        "exchange clock differs": _("The clock of the exchange differs"),
        "line has no exchange secret": _("The line has no secret for its exchange"),
        "events not readable": _("Events of the exchange that can't be read"),
        "unknown word": _("A status that we have no word for"),
        "unknown message": _("A report of a message that is not ours"),
    }.get(outcome, outcome)
