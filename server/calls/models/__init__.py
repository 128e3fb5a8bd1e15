"""Calls, the rules that answer them, and what came of each: call logic's rows."""

from server.calls.models.calls import (
    STATE_RANK,
    UNANSWERED,
    Call,
    CallDirection,
    CallEvent,
    CallEventKind,
    CallParameter,
    CallState,
)
from server.calls.models.flows import CallFlow
from server.calls.models.promises import KeptBy, Promise
from server.calls.models.rules import CallLogic, CallRule, MessageNode, RuleVersion
from server.calls.models.runs import Outcome, RuleRun, RuleStep, Skipped, StepOutcome, Telling, TellingState
from server.calls.models.usage import DayUsage, MinuteUsage, NumberUsage, RuleUsage

__all__ = [
    "STATE_RANK",
    "UNANSWERED",
    "Call",
    "CallDirection",
    "CallEvent",
    "CallEventKind",
    "CallFlow",
    "CallLogic",
    "CallParameter",
    "CallRule",
    "CallState",
    "DayUsage",
    "KeptBy",
    "MessageNode",
    "MinuteUsage",
    "NumberUsage",
    "Outcome",
    "Promise",
    "RuleRun",
    "RuleStep",
    "RuleUsage",
    "RuleVersion",
    "Skipped",
    "StepOutcome",
    "Telling",
    "TellingState",
]
