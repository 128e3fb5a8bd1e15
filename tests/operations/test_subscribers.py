"""The operator's subscribers: all of them at a glance, found by what a caller says, made and changed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def test_the_staff_see_every_company(desk, kontakt, rival):
    page = desk.get("/operator/").text
    assert "Kontakt Kft." in page
    assert "Rival Zrt." in page
