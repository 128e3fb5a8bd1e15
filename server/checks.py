"""What is looked at whenever a command starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Warning as Doubt
from django.core.checks import register


@register()
def proxies_are_named(**_: Any) -> list[Doubt]:
    """Whoever is reached by HTTPS has a proxy in front: without its number everybody comes from the proxy's address."""
    if not settings.IS_HTTPS or settings.TRUSTED_PROXIES:
        return []
    return [
        Doubt(
            "PUBLIC_URL is https, and TRUSTED_PROXIES is 0.",
            hint="Set it to the number of proxies in front. Else all visitors share one address: one limit of letters for "
            "forgotten passwords, one count of wrong passwords for a name, and the audit log shows the proxy.",
            id="fonal.W001",
        )
    ]
