"""Twilio's Programmable Voice: what happens in a line's calls, and what their callers hear (docs/call-logic.md).

    voice → (voice_key) → voice_rang        what the caller hears next, each answered with TwiML
    voice_leg, voice_status                 what became of a colleague's leg, and of the caller's own

One call per CallSid of the caller's leg. That leg ends as "completed" also when only a machine spoke: a call was answered
when a colleague's leg says so, or Twilio that it connected the two. Whatever comes, in any order and as often as it likes,
the state moves by rank (server/calls/recording.py).

https://www.twilio.com/docs/voice/twiml · https://www.twilio.com/docs/voice/twiml/dial
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.twiml.voice_response import VoiceResponse

from gateway.addresses import voice_address
from gateway.forms import form_of, message_id_of, raw_of
from gateway.providers.twilio import TRIES_AGAIN
from gateway.vocabulary import WebhookRefused
from gateway.webhooks import honest, keep, refuse, understood
from server.accounts.models import User
from server.calls.callers import is_number, partner_of
from server.calls.flows import flow_of, usual_words
from server.calls.models import Call, CallEventKind, CallState, MessageNode
from server.calls.recording import Told, record_call_event
from server.lines.models import Line
from server.messaging.standing import lock_conversation
from server.sms import storable

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpRequest, QueryDict

    from server.calls.flows import Flow, MenuKey
    from server.calls.recording import Recorded

    type Step = Callable[[Heard], None]
    type View = Callable[[HttpRequest, UUID], HttpResponse]

logger = logging.getLogger(__name__)

PROVIDER = "twilio"
KIND = "voice"
# Seconds in which a key must be pressed.
PATIENCE = 6
# https://www.twilio.com/docs/voice/twiml/say/text-speech
VOICES = {"hu": ("hu-HU", "Google.hu-HU-Wavenet-A"), "en": ("en-GB", "Polly.Amy")}
LONGEST_KEYS = 32

# How the caller's own leg ended, or all of the colleagues' together.
ENDS = {
    "completed": CallEventKind.MISSED,
    "no-answer": CallEventKind.MISSED,
    "canceled": CallEventKind.MISSED,
    "busy": CallEventKind.BUSY,
    "failed": CallEventKind.FAILED,
}
ON_ITS_WAY = {"queued", "initiated", "ringing", "in-progress", "answered"}
CONNECTED = {"completed", "answered"}
LEG_IS_UP = {"in-progress", "answered"}
# Free parameters, for texts.
WORTH_KNOWING = {"CallerName": "caller_id_name", "ForwardedFrom": "forwarded_from"}
_NOT_SPOKEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Heard:
    """What a webhook says, what is made of it, and what Twilio is told to do."""

    line: Line
    form: QueryDict
    call_sid: str
    now: datetime
    twiml: VoiceResponse = field(default_factory=VoiceResponse)
    recorded: list[Recorded] = field(default_factory=list)
    is_puzzling: bool = False

    @property
    def flow(self) -> Flow | None:
        return flow_of(self.line)

    @property
    def caller(self) -> str:
        caller = self.form.get("From") or ""
        # Of a colleague's leg it is what the colleague's phone shows.
        return "" if caller == self.line.number else storable(caller)[:64]

    @property
    def partner(self) -> str:
        return partner_of(self.caller, country=self.line.subscriber.country)

    @property
    def outcome(self) -> str:
        if self.is_puzzling:
            return "unknown word"
        if not self.recorded:
            return "applied"
        return "stored" if any(one.is_new for one in self.recorded) else "known already"

    @property
    def was_answered(self) -> bool:
        return Call.objects.filter(line=self.line.pk, exchange_id=self.call_sid, state=CallState.ANSWERED).exists()

    @property
    def is_redacted(self) -> bool:
        """Whether the person was erased, also where there was nothing to store."""
        if self.recorded:
            return any(one.call.redacted_at for one in self.recorded)
        return Call.objects.filter(line=self.line.pk, exchange_id=self.call_sid, redacted_at__isnull=False).exists()

    def tell(self, kind: str, *, at: datetime | None = None, duration: int | None = None, agent: str = "") -> None:
        self._record(Told(kind=kind, duration=duration, agent=agent, **self._of_call(at)))

    def tell_key(self, key: str, *, ends: bool) -> None:
        self._record(Told(kind=CallEventKind.KEY, key=key, ends=ends, **self._of_call(None)))

    def tell_node(self, node: MessageNode) -> None:
        self._record(Told(kind=CallEventKind.NODE, node=node, **self._of_call(None)))

    def tell_end(self, kind: str, *, at: datetime | None = None) -> None:
        """Nobody answers any more. What came first has decided: after it, this only means that the call is over."""
        call = self._locked_call()
        if call is None or (call.state == CallState.RINGING and not call.has_ended_in_menu):
            self.tell(kind, at=at)

    def _locked_call(self) -> Call | None:
        calls = Call.objects.filter(line=self.line.pk, exchange_id=self.call_sid)
        thread = calls.values_list("conversation", flat=True).first()
        if thread is not None:
            lock_conversation(thread)
        return calls.select_for_update(no_key=True).first()

    def puzzle(self, word: str) -> None:
        logger.warning("%s said %.24r of a call: no word of ours", PROVIDER, word)
        self.is_puzzling = True

    def _of_call(self, at: datetime | None) -> dict[str, Any]:
        free = {name: storable(self.form.get(theirs) or "")[:200] for theirs, name in WORTH_KNOWING.items()}
        return {
            "exchange_id": self.call_sid,
            "at": at or self.now,
            "caller": self.caller,
            "called": self.line.number,
            "parameters": {name: value for name, value in free.items() if value},
        }

    def _record(self, told: Told) -> None:
        self.recorded.append(record_call_event(line=self.line, told=told, now=self.now))


# --- The views ---------------------------------------------------------------------------------


def _webhook(understand: Callable[[HttpRequest, Line], tuple[QueryDict, str]]) -> Callable[[Step], View]:
    """A view of an honest webhook: what it says is stored in one transaction, with its answer; TwiML whatever it was."""

    def view_of(step: Step) -> View:
        @csrf_exempt
        @require_POST
        @wraps(step)
        def view(request: HttpRequest, key: UUID) -> HttpResponse:
            try:
                line, _its = honest(request, PROVIDER, key)
                form, call_sid = understood(understand, request, line)
            except WebhookRefused as refusal:
                return refuse(request, refusal, PROVIDER, key, KIND)
            heard = Heard(line, form, call_sid, timezone.now())
            with transaction.atomic():
                step(heard)
                keep(line, KIND, heard.outcome, {} if heard.is_redacted else _raw_of(form), heard.now, call_sid)
            return HttpResponse(str(heard.twiml), content_type="text/xml; charset=utf-8")

        return view

    return view_of


def _raw_of(form: QueryDict) -> dict[str, Any]:
    # With it, calls could be made in the caller's name.
    return {name: value for name, value in raw_of(form).items() if name != "CallToken"}


def _of_caller(request: HttpRequest, line: Line) -> tuple[QueryDict, str]:
    form = form_of(request)
    if form.get("To") != line.number:
        raise WebhookRefused("another number")
    return form, message_id_of(form, "CallSid")


def _of_colleague(request: HttpRequest, line: Line) -> tuple[QueryDict, str]:
    form = form_of(request)
    return form, message_id_of(form, "ParentCallSid")


@_webhook(_of_caller)
def voice(heard: Heard) -> None:
    """A call comes in; or, as the fallback, any of the caller's steps whose own address did not answer."""
    if "DialCallStatus" in heard.form:
        return _rang(heard)
    if "Digits" in heard.form:
        return _pressed(heard)
    return _came(heard)


@_webhook(_of_caller)
def voice_key(heard: Heard) -> None:
    """A key of the menu was pressed."""
    _pressed(heard)


@_webhook(_of_caller)
def voice_rang(heard: Heard) -> None:
    """The colleagues' phones ring no more: somebody talked, or nobody did."""
    _rang(heard)


@_webhook(_of_colleague)
def voice_leg(heard: Heard) -> None:
    """What became of one colleague's leg."""
    word = heard.form.get("CallStatus") or ""
    if word in LEG_IS_UP:
        heard.tell(CallEventKind.ANSWERED, at=_time_of(heard), agent=_who(heard))
    elif word == "completed":
        # No proof by itself: but of a call that was answered, it says how long they talked.
        if heard.was_answered:
            heard.tell(CallEventKind.ANSWERED, at=_time_of(heard), duration=_seconds(heard, "CallDuration"), agent=_who(heard))
    elif word not in ENDS and word not in ON_ITS_WAY:
        heard.puzzle(word)


@_webhook(_of_caller)
def voice_status(heard: Heard) -> None:
    """The caller's own leg has ended: who was not answered by now has called in vain."""
    word = heard.form.get("CallStatus") or ""
    if word in ENDS:
        heard.tell_end(ENDS[word], at=_time_of(heard))
    elif word not in ON_ITS_WAY:
        heard.puzzle(word)


# --- The course of a call ----------------------------------------------------------------------


def _came(heard: Heard) -> None:
    heard.tell(CallEventKind.RINGING)
    flow = heard.flow
    if flow is None:
        return _nobody(heard, None)
    if not flow.keys:
        _say(heard.twiml, flow.language, flow.greeting)
        return _ring(heard, flow, None)
    menu = heard.twiml.gather(
        input="dtmf",
        action=_address(heard, "voice_key"),
        method="POST",
        num_digits=max(len(key.key) for key in flow.keys),
        # A # may be a key of the menu.
        finish_on_key="",
        timeout=PATIENCE,
    )
    _say(menu, flow.language, flow.greeting, *(key.says for key in flow.keys))
    # Without a key, Twilio goes on here.
    _say(heard.twiml, flow.language, usual_words(flow.language).no_key)
    return _ring(heard, flow, None, may_be_missed=False)


def _pressed(heard: Heard) -> None:
    flow, pressed = heard.flow, storable(heard.form.get("Digits") or "")[:LONGEST_KEYS]
    key = flow.key(pressed) if flow else None
    if pressed:
        heard.tell_key(pressed, ends=key is not None and key.ends)
    if key and (node := _node_of(heard.line, key)):
        heard.tell_node(node)
    if flow is None:
        return _nobody(heard, None)
    words = usual_words(flow.language)
    if key is None:
        _say(heard.twiml, flow.language, words.unknown_key if pressed else words.no_key)
        return _ring(heard, flow, None)
    if key.ends:
        # They got what they wanted: nobody was called in vain.
        _say(heard.twiml, flow.language, key.then or words.goodbye)
        return _hang_up(heard, is_over=False)
    _say(heard.twiml, flow.language, key.then)
    return _ring(heard, flow, key)


def _ring(heard: Heard, flow: Flow, key: MenuKey | None, *, may_be_missed: bool = True) -> None:
    """Ring everybody at once; `may_be_missed`: where there is nobody to ring, that is how the call ends."""
    numbers = _ringable(heard, flow.rings_for(key))
    if not numbers:
        return _nobody(heard, flow, is_over=may_be_missed)
    dial = heard.twiml.dial(
        action=_address(heard, "voice_rang"),
        method="POST",
        timeout=flow.ring_seconds,
        answer_on_bridge=True,
        # The colleague sees who calls; a withheld number can be shown to nobody.
        caller_id=None if is_number(heard.partner) else heard.line.number,
    )
    for number in numbers:
        dial.number(
            number,
            status_callback=_address(heard, "voice_leg"),
            status_callback_method="POST",
            status_callback_event="answered completed",
        )
    return None


def _ringable(heard: Heard, numbers: tuple[str, ...]) -> list[str]:
    """Not who calls, and no line: it may have become one since the flow was written, and the call would go round."""
    lines = set(Line.objects.filter(number__in=numbers).values_list("number", flat=True))
    return [number for number in numbers if number not in lines and number != heard.partner]


def _rang(heard: Heard) -> None:
    word, bridged = heard.form.get("DialCallStatus") or "", (heard.form.get("DialBridged") or "").lower()
    # A voicemail, or a colleague who hung up before they were connected, completes a leg, too.
    if bridged == "true" or (word in CONNECTED and bridged != "false"):
        heard.tell(CallEventKind.ANSWERED, at=_begin(heard), duration=_seconds(heard, "DialCallDuration"))
        heard.twiml.hangup()
        return
    kind = CallEventKind.MISSED if word in CONNECTED else ENDS.get(word)
    if kind is None:
        heard.puzzle(word)
    else:
        heard.tell_end(kind)
    _nobody(heard, heard.flow, is_over=False)


def _nobody(heard: Heard, flow: Flow | None, *, is_over: bool = True) -> None:
    language = flow.language if flow else heard.line.subscriber.language
    _say(heard.twiml, language, (flow.when_missed if flow else "") or usual_words(language).nobody)
    _hang_up(heard, is_over=is_over)


def _hang_up(heard: Heard, *, is_over: bool = True) -> None:
    heard.twiml.hangup()
    if is_over:
        heard.tell_end(CallEventKind.MISSED)


def _say(verb: VoiceResponse, spoken_in: str, *texts: str) -> None:
    language, voice_name = VOICES.get(spoken_in, VOICES["en"])
    for text in texts:
        if text:
            verb.say(_NOT_SPOKEN.sub("", text), language=language, voice=voice_name)


# --- What a webhook says -----------------------------------------------------------------------


def _address(heard: Heard, step: str) -> str:
    return voice_address(heard.line, step) + TRIES_AGAIN


def _node_of(line: Line, key: MenuKey) -> MessageNode | None:
    return MessageNode.objects.filter(subscriber=line.subscriber_id, pk=key.node, deleted_at=None).first() if key.node else None


def _time_of(heard: Heard) -> datetime:
    try:
        at = parsedate_to_datetime(heard.form.get("Timestamp") or "")
    except (ValueError, TypeError, OverflowError, IndexError):
        return heard.now
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _begin(heard: Heard) -> datetime:
    """When they began to talk, as far as can be told: the answer comes when they have ended."""
    seconds = _seconds(heard, "DialCallDuration") or 0
    return datetime.fromtimestamp(heard.now.timestamp() - seconds, UTC)


def _seconds(heard: Heard, name: str) -> int | None:
    text = heard.form.get(name) or ""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def _who(heard: Heard) -> str:
    """The colleague whose own number was rung, else the number."""
    number = storable(heard.form.get("To") or "")[:64]
    named = User.objects.filter(subscriber=heard.line.subscriber_id, phone=number).exclude(phone="").values_list("name", flat=True)
    names = list(named[:2])
    return names[0] if len(names) == 1 and names[0] else number
