"""What every page's frame needs."""

from __future__ import annotations

from django.conf import settings


def shell(request):
    return {"is_demo": settings.DEMO, "public_url": settings.PUBLIC_URL}
