"""Who is where: people in conversations (reading, or writing), as far as all processes have said.

Plain bookkeeping without a clock of its own. What nobody repeats expires, so a process that was
killed takes its people with it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(slots=True)
class _Seat:
    name: str
    until: float


class Attendance:
    def __init__(self) -> None:
        self._seats: dict[int, dict[tuple[str, int], _Seat]] = defaultdict(dict)

    def come(self, conversation_id: int, *, process: str, user_id: int, name: str, until: float) -> bool:
        """Somebody is there until a moment, unless said again; True when that is news."""
        was_there = self._has(conversation_id, user_id)
        self._seats[conversation_id][process, user_id] = _Seat(name, until)
        return not was_there

    def go(self, conversation_id: int, *, process: str, user_id: int) -> bool:
        """Somebody left; True when they are now in no process there."""
        left = self._seats.get(conversation_id, {}).pop((process, user_id), None)
        self._forget_empty(conversation_id)
        return left is not None and not self._has(conversation_id, user_id)

    def people(self, conversation_id: int) -> list[dict[str, object]]:
        """[{"id": 7, "name": "Anna"}], each person once, by name."""
        names = {user_id: seat.name for (_, user_id), seat in self._seats.get(conversation_id, {}).items()}
        return [{"id": user_id, "name": name} for user_id, name in sorted(names.items(), key=lambda item: (item[1], item[0]))]

    def expire(self, now: float, only: int | None = None) -> list[int]:
        """Forget whom nobody has mentioned lately (in one conversation, or everywhere); where that is news."""
        changed = []
        for conversation_id in [*self._seats] if only is None else {only} & self._seats.keys():
            seats = self._seats[conversation_id]
            before = {user_id for _, user_id in seats}
            for key in [key for key, seat in seats.items() if seat.until <= now]:
                del seats[key]
            if {user_id for _, user_id in seats} != before:
                changed.append(conversation_id)
            self._forget_empty(conversation_id)
        return changed

    def conversations_of(self, *, process: str, user_id: int) -> list[int]:
        return [conversation_id for conversation_id, seats in self._seats.items() if (process, user_id) in seats]

    def _has(self, conversation_id: int, user_id: int) -> bool:
        return any(seated == user_id for _, seated in self._seats.get(conversation_id, {}))

    def _forget_empty(self, conversation_id: int) -> None:
        if not self._seats.get(conversation_id, True):
            del self._seats[conversation_id]
