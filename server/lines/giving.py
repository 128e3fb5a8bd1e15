"""Giving people lines: to read, or also to send from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.lines.models import Line, LineAccess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.accounts.models import User


def give_exactly(user: User, wanted: Mapping[int, bool]) -> dict[str, dict[str, str]]:
    """Give the person exactly these lines of their company, by id: whether they may also send from it.

    Returns the numbers before and after, each with "read" or "send", if that changed any.
    """
    ours = dict(Line.objects.filter(subscriber=user.subscriber).values_list("pk", "number"))
    held = dict(LineAccess.objects.filter(user=user).values_list("line_id", "can_send"))
    wished = {pk: can_send for pk, can_send in wanted.items() if pk in ours}
    if held == wished:
        return {}
    LineAccess.objects.filter(user=user).exclude(line__in=wished).delete()
    for pk, can_send in wished.items():
        if held.get(pk) != can_send:
            LineAccess.objects.update_or_create(line_id=pk, user=user, defaults={"can_send": can_send})
    return {"old": _in_words(held, ours), "new": _in_words(wished, ours)}


def _in_words(lines: Mapping[int, bool], numbers: Mapping[int, str]) -> dict[str, str]:
    return {numbers.get(pk, "?"): "send" if can_send else "read" for pk, can_send in sorted(lines.items())}
