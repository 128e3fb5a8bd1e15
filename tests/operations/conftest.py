from __future__ import annotations

import pytest

from server.accounts.models import User
from tests.doors import Browser, verified


@pytest.fixture
def desk(oper) -> Browser:
    """The browser of the operator's staff, both steps of the log-in taken."""
    User.objects.filter(pk=oper.pk).update(language="en")
    return verified(oper)
