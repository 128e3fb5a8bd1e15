from __future__ import annotations

import pytest

from tests.doors import Browser, verified


@pytest.fixture
def desk(oper) -> Browser:
    """The browser of the operator's staff, both steps of the log-in taken."""
    return verified(oper)
