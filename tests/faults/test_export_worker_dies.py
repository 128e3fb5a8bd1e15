"""The task worker is killed while it writes a large export: another one makes it, whole and once."""

from __future__ import annotations

import hashlib
import io
import signal
import sys
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from server.accounts.models import Activation, AuditEntry, Role, Subscriber, User
from server.history.checking import Verdict, check_file
from server.history.columns import COLUMNS, RELATED, Kind
from server.history.exporting import open_export, request_export
from server.history.filter import HistoryFilter
from server.history.looking_after import STALLED_AFTER, resume_stalled_exports
from server.history.models import Export, ExportFormat, ExportStatus
from server.lines.models import Line
from server.messaging.inbound import receive_sms
from server.messaging.models import Message
from tests.conftest import BOTI, NOW
from tests.faults.patience import until
from tests.faults.rows import rows_of
from tests.services import Process, environment, worker

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

# Five pages and a bit.
MESSAGES = 26_000


@pytest.fixture
def sam(database_url, django_db_blocker):
    """A supervisor of a company with many messages."""
    with rows_of(database_url, django_db_blocker):
        company = Subscriber.objects.create(slug="kontakt", name="Kontakt Kft.")
        Activation.objects.create(subscriber=company, sms_since=NOW, chat_since=NOW)
        line = Line.objects.create(subscriber=company, number="+36301110001", label="Support", provider="simulator")
        receive_sms(line=line, provider_account="simulator:", provider_message_id="0", sender=BOTI, body="=Szia & <ő> ", now=NOW)
        _multiply(MESSAGES - 1)
        yield User.objects.create(username="sam", name="Sam", role=Role.SUPERVISOR, subscriber=company, language="en")


def _multiply(times: int) -> None:
    """So many copies of the only message, each a second later than the one before."""
    own = {
        "uuid": "gen_random_uuid()",
        "body": "body || copy",
        "provider_message_id": "copy::text",
        "created_at": "created_at + copy * interval '1 second'",
    }
    names = [field.column for field in Message._meta.concrete_fields if not field.primary_key]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO messaging_message ({', '.join(names)}) SELECT {', '.join(own.get(name, name) for name in names)} "
            f"FROM messaging_message, generate_series(1, {times}) AS copy"
        )


def test_a_worker_killed_amid_a_large_export_is_made_up_for(sam, database_url, settings, exports_folder):
    before = {path.name for path in exports_folder.iterdir()}
    env = {"DATABASE_URL": database_url, "SECRET_KEY": settings.SECRET_KEY, "EXPORT_DIR": str(exports_folder)}
    request_export(user=sam, wanted=HistoryFilter(), format=ExportFormat.XLSX, now=timezone.now())
    command = (
        sys.executable,
        "-m",
        "tests.faults.doomed",
        "amid-export",
        "3",
        "db_worker",
        "--queue-name",
        "exports",
        "--interval",
        "0.2",
    )
    with Process(*command, env=environment(env)) as doomed:
        assert doomed.wait(60) == -signal.SIGKILL
    half = Export.objects.get()
    assert half.status == ExportStatus.RUNNING
    assert (exports_folder / half.file).exists()

    assert resume_stalled_exports(now=timezone.now() + STALLED_AFTER) == 1
    with worker(env=env) as another:
        until(lambda: not Export.objects.get().is_unfinished, "another worker makes it")
        assert another.is_running
    export = Export.objects.get()
    assert (export.status, export.attempts, export.rows_done) == (ExportStatus.FINISHED, 2, MESSAGES)
    assert {path.name for path in exports_folder.iterdir()} - before == {export.file}
    assert AuditEntry.objects.filter(action="export.finished").count() == 1

    assert export.sha256 == _sum_of_what_the_screen_says()
    with open_export(export=export, user=sam, now=timezone.now()) as file:
        again = _packed_anew(file.read())
    assert check_file(upload=again, name="file.xlsx", subscriber=sam.subscriber).verdict == Verdict.UNCHANGED


def _sum_of_what_the_screen_says() -> str:
    total = hashlib.sha256()
    hours = {Kind.LOCAL_TIME: 1, Kind.UTC_TIME: 0}
    with translation.override("en"):
        for message in Message.objects.select_related(*RELATED).order_by("-created_at", "-id"):
            cells = [
                f"{column.of(message) + timedelta(hours=hours[column.kind]):%Y-%m-%d %H:%M:%S}"
                if column.kind in hours
                else column.of(message)
                for column in COLUMNS
            ]
            total.update(("\x1f".join(cells) + "\x1e").encode())
    return total.hexdigest()


def _packed_anew(file: bytes) -> io.BytesIO:
    """No longer the very file: its rows are summed up anew."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return made
