"""A rehearsal in people's words: shares, limits and what was left out, as short lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from chatui.call_reasons import NAMES
from server.calls.definition import Channel
from server.calls.models import Outcome, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.calls.models import CallRule
    from server.calls.rehearsing import Rehearsal, Share


@dataclass(frozen=True, slots=True)
class Row:
    """What one person, or all callers, would have got; `reasons`: why not, with how often."""

    who: str
    is_caller: bool
    times: int
    ways: str
    segments: int
    reasons: list[tuple[str, int]]


@dataclass
class Said:
    found: Rehearsal

    @cached_property
    def rows(self) -> list[Row]:
        return [_row(share) for share in self.found.most_told]

    @cached_property
    def times(self) -> int:
        return sum(row.times for row in self.rows)

    @property
    def sms(self) -> int:
        return self.found.ways[Channel.SMS]

    @property
    def held(self) -> int:
        return sum(count for _reason, count in self.limits)

    @property
    def limits(self) -> list[tuple[str, int]]:
        """What held messages back, the most frequent first."""
        held = [(str(reason.label), count) for reason, count in self.found.skipped]
        waited = [(_("would have waited for the next minute"), self.found.delayed)] if self.found.delayed else []
        return held + waited

    @property
    def others(self) -> list[tuple[str, int]]:
        """What became of the calls that the rule does not apply to, and of steps that were not taken."""
        return [*self._not_applying(), *self._not_taken()]

    @property
    def swallowed(self) -> list[tuple[CallRule, int]]:
        return self.found.swallowed.most_common()

    def _not_applying(self) -> Iterator[tuple[str, int]]:
        for condition, count in self.found.failed_conditions.most_common():
            yield _("does not hold: %(condition)s") % {"condition": NAMES.get(condition, condition)}, count
        if count := self.found.outcomes[Outcome.ANSWERED_MEANWHILE]:
            yield str(Outcome.ANSWERED_MEANWHILE.label), count

    def _not_taken(self) -> Iterator[tuple[str, int]]:
        for outcome, count in self.found.left_out.most_common():
            yield _("step not taken: %(why)s") % {"why": StepOutcome(outcome).label}, count


def _row(share: Share) -> Row:
    ways = ", ".join(f"{Channel(way).label} {count}" for way, count in share.ways.most_common())
    return Row(
        who=share.user.name or share.user.username if share.user else _("callers"),
        is_caller=share.user is None,
        times=share.times,
        ways=ways,
        segments=share.segments,
        reasons=[(str(reason.label), count) for reason, count in share.reasons],
    )
