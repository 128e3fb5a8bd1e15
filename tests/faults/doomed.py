"""A Fonal process that kills itself (-9) at a chosen moment: `python -m tests.faults.doomed MOMENT TIMES COMMAND…`

The product knows nothing of this: the moment is patched in before the command runs. COMMAND is `dispatch`, `db_worker …` or `daphne …`.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    moment, times, *command = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    # First: it must choose Twisted's reactor.
    import django
    from daphne.cli import CommandLineInterface

    django.setup()
    MOMENTS[moment](_killer(int(times)))
    sys.argv = command if command[0] == "daphne" else ["manage.py", *command]
    if command[0] == "daphne":
        CommandLineInterface.entrypoint()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


def _killer(times: int) -> Callable[[], None]:
    """Deadly when called for so many times."""
    calls = itertools.count(1)

    def die() -> None:
        if next(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def _before(module: object, name: str, die: Callable[[], None]) -> None:
    real = getattr(module, name)

    def doomed(*args, **kwargs):
        die()
        return real(*args, **kwargs)

    setattr(module, name, doomed)


def _after(module: object, name: str, die: Callable[[], None]) -> None:
    real = getattr(module, name)

    def doomed(*args, **kwargs):
        result = real(*args, **kwargs)
        die()
        return result

    setattr(module, name, doomed)


def _after_claim(die: Callable[[], None]) -> None:
    from gateway import sending

    _before(sending, "_hand_over", die)


def _after_send(die: Callable[[], None]) -> None:
    from gateway import sending

    _before(sending, "_record", die)


def _after_record(die: Callable[[], None]) -> None:
    from gateway import sending

    _after(sending, "_record", die)


def _before_commit(die: Callable[[], None]) -> None:
    from gateway import webhooks

    # The last statement of the transaction.
    _after(webhooks, "keep", die)


def _before_answer(die: Callable[[], None]) -> None:
    from gateway import lane

    _after(lane, "_view_answer", die)


def _amid_export(die: Callable[[], None]) -> None:
    from server.history.sheets import Sheets

    _after(Sheets, "write", die)


def _amid_firing(die: Callable[[], None]) -> None:
    from server.calls import firing

    # It is claimed, and nothing is written of what the rules made of it.
    _before(firing, "_note", die)


def _after_firing(die: Callable[[], None]) -> None:
    from server.calls import firing

    _after(firing, "_fire", die)


def _amid_step(die: Callable[[], None]) -> None:
    from server.calls import steps

    _before(steps, "plan_tellings", die)


def _after_step(die: Callable[[], None]) -> None:
    from server.calls import steps

    _after(steps, "_take", die)


def _amid_telling(die: Callable[[], None]) -> None:
    from server.calls import telling

    # The message is queued, and nobody has noted that its caller is told.
    _after(telling, "queue_sms", die)


def _after_telling(die: Callable[[], None]) -> None:
    from server.calls import telling

    _after(telling, "_tell", die)


MOMENTS = {
    "after-claim": _after_claim,
    "after-send": _after_send,
    "after-record": _after_record,
    "before-commit": _before_commit,
    "before-answer": _before_answer,
    "amid-export": _amid_export,
    "amid-firing": _amid_firing,
    "after-firing": _after_firing,
    "amid-step": _amid_step,
    "after-step": _after_step,
    "amid-telling": _amid_telling,
    "after-telling": _after_telling,
}

if __name__ == "__main__":
    main()
