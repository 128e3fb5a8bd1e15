"""What the task workers have done is not kept for ever."""

from __future__ import annotations

from datetime import timedelta

from django.tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from gateway.chores import CHORES, TASKS_KEPT_FOR, drop_old_tasks
from server.accounts.own_letters import tell_old_address
from tests.conftest import NOW


def task(*, status: TaskResultStatus, ago: timedelta) -> DBTaskResult:
    row = DBTaskResult.objects.get(pk=tell_old_address.enqueue(1, "dana@kontakt.example").id)
    row.status, row.finished_at = status, None if status == TaskResultStatus.READY else NOW - ago
    row.save()
    return row


def test_tasks_go_a_month_after_they_were_done(db):
    long_ago = TASKS_KEPT_FOR + timedelta(seconds=1)
    for status in (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED):
        task(status=status, ago=long_ago)
    kept = {task(status=TaskResultStatus.SUCCESSFUL, ago=TASKS_KEPT_FOR), task(status=TaskResultStatus.READY, ago=long_ago)}
    assert drop_old_tasks(NOW) == 2
    assert set(DBTaskResult.objects.all()) == kept
    assert drop_old_tasks in {chore.do for chore in CHORES}
