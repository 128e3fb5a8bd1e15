"""Tasks that send letters: while the mail server is away they are put off, for half a day, instead of being lost."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.tasks import task
from django.utils import timezone

from server.mail import Round, in_round

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.tasks import Task

logger = logging.getLogger(__name__)

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))


def letter_task[**P](function: Callable[P, None]) -> Task[P, None]:
    """Make a task of it. What it has done before a letter could not be handed over it does again, but for the letters."""

    @wraps(function)
    def patient(*args: Any, attempt: int = 0, done: Sequence[str] = ()) -> None:
        letters = Round([*done])
        try:
            with in_round(letters):
                function(*args)  # type: ignore[call-arg]
            if letters.put_off:
                raise letters.put_off
        except (OSError, smtplib.SMTPException) as problem:
            if attempt >= len(PAUSES):
                raise
            logger.warning("%s: mail server away (%s), attempt %s", function.__name__, type(problem).__name__, attempt + 1)
            later = made.using(run_after=timezone.now() + PAUSES[attempt])
            later.enqueue(*args, attempt=attempt + 1, done=letters.done)

    made: Task[Any, None] = task()(patient)
    return cast("Task[P, None]", made)
