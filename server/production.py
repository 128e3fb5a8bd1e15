"""What must never go on the internet."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from server.accounts.models import Subscriber

logger = logging.getLogger(__name__)

# `manage.py demo` puts all its people under this subscriber; their password is printed for everybody to read.
DEMO_SLUG = "demo"


def refuse_demo_people() -> None:
    """Raise ImproperlyConfigured where the demo company is in a database that the internet can reach."""
    if settings.IS_LOCAL:
        return
    try:
        is_there = Subscriber.objects.filter(slug=DEMO_SLUG).exists()
    except DatabaseError as problem:
        # Not migrated or not there yet: /health/ says so; there is nobody in it to log in either.
        logger.warning("could not look for demo users: %s", type(problem).__name__)
        return
    finally:
        # Asked once, on a thread that will not ask again: with a pool it would keep its connection for ever.
        if not connection.in_atomic_block:
            connection.close()
    if is_there:
        raise ImproperlyConfigured(
            f"PUBLIC_URL is {settings.PUBLIC_URL}, so this is production, but the demo company with its well-known "
            "passwords is in this database. Use a database of its own (DATABASE_URL): a fresh one needs "
            "`python manage.py migrate` and `python manage.py provision FILE.toml`."
        )
