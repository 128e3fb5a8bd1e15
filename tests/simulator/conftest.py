from __future__ import annotations

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.test import override_settings

from server.accounts.models import Subscriber
from server.lines.models import Line
from simulator import calls, story

ILONA = "+36309990001"


@pytest.fixture
def demo_is_on():
    """As with DEMO=1 in the environment, which the tests' process does not have."""
    apps = [*(app for app in project.INSTALLED_APPS if app != "simulator"), "simulator"]
    quick = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(DEMO=True, INSTALLED_APPS=apps, ROOT_URLCONF="tests.simulator.urls", PASSWORD_HASHERS=quick):
        yield


@pytest.fixture
def a_few_conversations(monkeypatch):
    """Enough for a phone; three hundred take their time."""
    monkeypatch.setattr(story, "COUNTS", dict.fromkeys(story.COUNTS, 6))
    monkeypatch.setattr(calls, "COUNT", 3)


@pytest.fixture
def rokolya(db, demo_is_on) -> Subscriber:
    """The demo company, loaded."""
    call_command("demo", verbosity=0)
    return Subscriber.objects.get(slug="demo")


@pytest.fixture
def support_line(rokolya) -> Line:
    return rokolya.lines.get(label="Ügyfélszolgálat")
