"""Which rows' tasks are lost: where there is no worker, tasks wait, and must not pile up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model
    from django.tasks import Task


def without_task[Row: Model](rows: Iterable[Row], task: Task[Any, Any]) -> list[Row]:
    """Those for which no such task, its first argument the row's id, waits for a worker."""
    left = list(rows)
    tasks = DBTaskResult.objects.filter(task_path=task.module_path, status=TaskResultStatus.READY)
    waiting = {made["args"][0] for made in tasks.values_list("args_kwargs", flat=True)} if left else set()
    return [row for row in left if row.pk not in waiting]
