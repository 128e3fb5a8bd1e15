"""Calls, and what the rules made of them, in people's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.calls.definition import Channel
from server.calls.models import CallEventKind, CallState, Skipped, TellingState
from server.calls.recording import TOO_LATE

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.models import Call, CallEvent, RuleRun, Telling
    from server.messaging.models import Conversation

# By direction and state, as Conversation.call_state says it: how it is drawn, and what it is called.
_CALLS = {
    "in:ringing": ("call-in", "ringing", gettext_lazy("Incoming call")),
    "in:missed": ("call-missed", "missed", gettext_lazy("Missed call")),
    "in:busy": ("call-missed", "missed", gettext_lazy("Missed call, the line was busy")),
    "in:failed": ("call-missed", "missed", gettext_lazy("Call that did not get through")),
    "in:menu": ("call-in", "ended", gettext_lazy("Incoming call, ended in the menu")),
    "in:untold": ("call-in", "ended", gettext_lazy("Incoming call, its end was not told")),
    "in:answered": ("call-in", "answered", gettext_lazy("Answered call")),
    "out:ringing": ("call-out", "ringing", gettext_lazy("Outgoing call")),
    "out:untold": ("call-out", "ended", gettext_lazy("Outgoing call")),
    "out:missed": ("call-out", "ended", gettext_lazy("Outgoing call, nobody answered")),
    "out:busy": ("call-out", "ended", gettext_lazy("Outgoing call, busy")),
    "out:failed": ("call-out", "ended", gettext_lazy("Outgoing call that did not get through")),
    "out:answered": ("call-out", "answered", gettext_lazy("Outgoing call")),
}


@dataclass(frozen=True, slots=True)
class Headline:
    icon: str
    style: str
    words: str


# Nothing rings for so long: the exchange has told no more, or tells keys and nodes only.
RINGS_AT_MOST = timedelta(minutes=15)


def headline_of(state: str, since: datetime) -> Headline:
    """`state` is direction and state, such as in:missed, of a call that began then."""
    if state.endswith(":ringing") and timezone.now() - since > RINGS_AT_MOST:
        state = state.replace("ringing", "untold")
    icon, style, words = _CALLS.get(state, ("call", "ended", gettext_lazy("Call")))
    return Headline(icon, style, str(words))


def headline(call: Call) -> Headline:
    return headline_of(call.standing, call.began_at)


def newest_call(conversation: Conversation) -> Headline | None:
    """What the row of a thread says of a call, when that is the newest thing in it."""
    if conversation.call_at is None or not conversation.call_state:
        return None
    latest = conversation.latest_message
    if latest is not None and latest.created_at > conversation.call_at:
        return None
    return headline_of(conversation.call_state, conversation.call_at)


def lasting(seconds: int) -> str:
    """25 s, 3 m 12 s."""
    if seconds < 60:
        return _("%(n)s s") % {"n": seconds}
    minutes, rest = divmod(seconds, 60)
    return _("%(m)s m %(s)s s") % {"m": minutes, "s": rest}


def facts_of(call: Call) -> list[str]:
    """What else a thread says of a call beside its name and time, each in a few words."""
    facts = [call.queue or call.line.label]
    if call.state == CallState.ANSWERED:
        if call.is_inbound and call.agent:
            facts.append(_("answered by %(who)s") % {"who": call.agent})
        if call.duration is not None:
            facts.append(_("talked %(time)s") % {"time": lasting(call.duration)})
    elif call.ended_at and not call.has_ended_in_menu and call.ended_at > call.began_at:
        facts.append(_("rang %(time)s") % {"time": lasting(round((call.ended_at - call.began_at).total_seconds()))})
    return facts


def steps_of(call: Call) -> list[str]:
    """The keys that were pressed and the nodes that were reached, in their order."""
    said = []
    for event in call.events.all():
        if event.kind == CallEventKind.KEY:
            said.append(_("pressed %(key)s") % {"key": event.detail})
        elif event.kind == CallEventKind.NODE:
            said.append(_("reached “%(node)s”") % {"node": event.node.name if event.node else event.detail})
    return said


def lateness_of(call: Call) -> str:
    """How late the exchange told of it, where that kept the rules from looking at it; mostly nothing."""
    late = [event for event in call.events.all() if event.is_late]
    return told_late(max(late, key=lambda event: event.told_at - event.at)) if late else ""


def happened(event: CallEvent) -> str:
    """What happened in a call at that moment."""
    if event.kind == CallEventKind.KEY:
        return _("Pressed %(key)s") % {"key": event.detail}
    if event.kind == CallEventKind.NODE:
        return _("Reached the message node “%(node)s”") % {"node": event.node.name if event.node else event.detail}
    return str(CallEventKind(event.kind).label)


def told_late(event: CallEvent) -> str:
    """How late, and whose fault it was: the exchange told it late, or nobody of ours was there to look at it."""
    if event.told_at - event.at > TOO_LATE or event.decided_at is None:
        return _("told %(time)s late: no rule looked at it") % {"time": _roughly(event.told_at - event.at)}
    return _("reached the rules %(time)s late: none was applied") % {"time": _roughly(event.decided_at - event.at)}


def _roughly(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes < 120:
        return _("%(n)s minutes") % {"n": minutes}
    return _("%(n)s hours") % {"n": minutes // 60} if minutes < 48 * 60 else _("%(n)s days") % {"n": minutes // (24 * 60)}


def runs_of(call: Call) -> list[RuleRun]:
    """The rules that applied, in the order of what happened."""
    return [run for event in call.events.all() for run in event.runs.all()]


def recipient_of(telling: Telling) -> str:
    """Whom it was for; nobody when there was nobody."""
    if telling.user is not None:
        return telling.user.name or telling.user.username
    return "" if telling.reason == Skipped.NOBODY else _("the caller")


def how_of(telling: Telling) -> str:
    return _("browser") if telling.channel == Channel.BROWSER else str(Channel(telling.channel).label)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of telling somebody: how it is drawn, its name, and why it did not happen."""

    icon: str
    style: str
    label: str
    reason: str = ""


_FATES = {
    TellingState.PLANNED: ("clock", "queued"),
    TellingState.SENDING: ("clock", "queued"),
    TellingState.TOLD: ("tick", "sent"),
    TellingState.SKIPPED: ("cross", "skipped"),
    TellingState.DRY: ("pause", "dry"),
}


def fate_of(telling: Telling) -> Fate:
    if telling.message is not None and telling.message.went_wrong:
        from chatui.templatetags.fonal import reason_text

        return Fate("alert", "bad", telling.message.get_status_display(), reason_text(telling.message))
    state = TellingState(telling.state)
    reason = str(Skipped(telling.reason).label) if telling.reason in Skipped.values else ""
    return Fate(*_FATES[state], str(state.label), reason)
