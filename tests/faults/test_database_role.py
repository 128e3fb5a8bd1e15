"""Fonal runs as a PostgreSQL role that does not own its tables; of the audit log that role can neither change nor delete a line."""

from __future__ import annotations

import uuid

import psycopg
import pytest
import requests

from server.accounts.models import AuditEntry
from server.lines.models import Line
from server.messaging.models import Message, Status
from tests.faults.patience import until
from tests.faults.rows import rows_of
from tests.services import dispatch, manage, web

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

PLAN = """
[[subscriber]]
slug = "kontakt"
name = "Kontakt Kft."
country = "HU"
timezone = "Europe/Budapest"
language = "hu"
sms = true
chat = true
[[subscriber.line]]
number = "+36301110001"
label = "Support"
provider = "simulator"
key = "6f1e5b0a-8d1c-4f0e-9c55-0d5b7f6a1c11"
[[subscriber.user]]
username = "ada"
password = "tavaszi-szel-vizet"
name = "Ada"
role = "administrator"
language = "hu"
"""
FORBIDDEN = [
    "UPDATE accounts_auditentry SET target = 'somebody else'",
    "DELETE FROM accounts_auditentry",
    "TRUNCATE accounts_auditentry",
    "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL",
    "DROP TRIGGER accounts_auditentry_no_delete ON accounts_auditentry",
    "DROP TABLE accounts_auditentry",
    "CREATE OR REPLACE FUNCTION accounts_auditentry_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$",
    "DELETE FROM django_migrations",
]


@pytest.fixture
def roles_url(cluster, database_url) -> str:
    """The same database, for a role with the rights of `manage.py database_role`, given twice."""
    name = database_url.rpartition("/")[2]
    cluster.sql("DROP ROLE IF EXISTS fonal_app")
    cluster.sql("CREATE ROLE fonal_app LOGIN")
    for _ in range(2):
        cluster.sql(manage("database_role", "fonal_app", env={"DATABASE_URL": database_url}), database=name)
    yield database_url.replace("postgres@", "fonal_app@")
    cluster.sql("DROP OWNED BY fonal_app", database=name)
    cluster.sql("DROP ROLE fonal_app")


def test_it_does_all_of_the_work_and_can_not_touch_the_log(roles_url, tmp_path, django_db_blocker):
    (tmp_path / "plan.toml").write_text(PLAN)
    env = {"DATABASE_URL": roles_url}
    manage("provision", str(tmp_path / "plan.toml"), env=env)
    with web(env=env) as server, dispatch(env=env):
        ada = requests.Session()
        assert _log_in(ada, server.url, password="tavaszi-szel-vizet").url == server.url + "/"
        with rows_of(roles_url, django_db_blocker):
            _writes(ada, server.url, to="+36309990001", body="Megjött a csomag.")
            until(Message.objects.filter(status__in=[Status.SENT, Status.DELIVERED]).exists, "what Ada wrote is sent")
    with rows_of(roles_url, django_db_blocker):
        written = list(AuditEntry.objects.values_list("pk", "action", "target"))
        assert {"line.recorded", "user.logged_in"} <= {action for _, action, _ in written}
        with psycopg.connect(roles_url, autocommit=True) as connection:
            for statement in FORBIDDEN:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
        assert list(AuditEntry.objects.values_list("pk", "action", "target")) == written


def _log_in(browser: requests.Session, url: str, *, password: str) -> requests.Response:
    browser.get(url + "/login/", timeout=15)
    form = {"username": "ada", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    return browser.post(url + "/login/", data=form, timeout=15)


def _writes(browser: requests.Session, url: str, **form: str) -> None:
    form |= {"uuid": str(uuid.uuid4()), "line": str(Line.objects.get().pk), "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    answer = browser.post(url + "/messages/new/", data=form, timeout=15)
    assert answer.status_code == 200, answer.text


def test_a_role_with_a_strange_name_is_refused(database_url):
    with pytest.raises(AssertionError, match="A role's name"):
        manage("database_role", "fonal; DROP TABLE x", env={"DATABASE_URL": database_url})
