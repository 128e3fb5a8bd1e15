"""The audit log in people's words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.audit_values import DEEDS, said
from server.accounts.models import Service

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from server.accounts.models import AuditEntry

ACTIONS: dict[str, _StrPromise] = {
    "user.logged_in": gettext_lazy("Logged in"),
    "user.log_in_failed": gettext_lazy("Log-in failed"),
    "user.locked_out": gettext_lazy("Log-in locked for a while after wrong passwords"),
    "user.logged_out": gettext_lazy("Logged out"),
    "user.recorded": gettext_lazy("Person made or changed"),
    "user.password_given": gettext_lazy("Given a first password"),
    "user.password_changed": gettext_lazy("Changed the password"),
    "user.teams": gettext_lazy("Put into teams"),
    "user.lines": gettext_lazy("Given lines"),
    "team.recorded": gettext_lazy("Team made"),
    "user.invited": gettext_lazy("Invited"),
    "user.joined": gettext_lazy("Took the invitation"),
    "user.changed": gettext_lazy("Person changed"),
    "user.deactivated": gettext_lazy("Person deactivated"),
    "user.reactivated": gettext_lazy("Person taken back"),
    "user.shown_out": gettext_lazy("Logged out everywhere by an administrator"),
    "team.made": gettext_lazy("Team made"),
    "team.changed": gettext_lazy("Team changed"),
    "team.deleted": gettext_lazy("Team dissolved"),
    "company.changed": gettext_lazy("Company's settings changed"),
    "company.hours": gettext_lazy("Opening hours changed"),
    "company.closed_day_added": gettext_lazy("Closed day added"),
    "company.closed_day_removed": gettext_lazy("Closed day taken out"),
    "company.stop_words": gettext_lazy("Words that stop messages changed"),
    "exports.forbidden": gettext_lazy("Decided whether colleagues may download"),
    "subscriber.recorded": gettext_lazy("Company made or changed"),
    "services.switched": gettext_lazy("Services switched"),
    "line.recorded": gettext_lazy("Line made or changed"),
    "line.added": gettext_lazy("Line made"),
    "line.changed": gettext_lazy("Line changed"),
    "line.given": gettext_lazy("Line given to people or taken away"),
    "line.readdressed": gettext_lazy("Line given a new webhook address"),
    "line.pbx_secret_renewed": gettext_lazy("Line given a new secret for its exchange"),
    "line.webhooks_set": gettext_lazy("Addresses set at the provider"),
    "line.tested": gettext_lazy("Test sent from a line"),
    "line.held": gettext_lazy("Line held: its provider refuses it"),
    "line.released": gettext_lazy("Line released"),
    "audit.exported": gettext_lazy("Downloaded the audit log"),
    "exports.allowed": gettext_lazy("Decided whether colleagues may download"),
    "figures.downloaded": gettext_lazy("Downloaded the figures"),
    "conversation.printed": gettext_lazy("Printed a thread"),
    "filter.shared": gettext_lazy("Shared a filter with the company"),
    "filter.unshared": gettext_lazy("Took a shared filter away"),
    "optout.recorded": gettext_lazy("Put down that a number wants no messages"),
    "optout.overridden": gettext_lazy("Ended an opt-out for a reason"),
    "optouts.downloaded": gettext_lazy("Downloaded the opt-outs"),
    "contacts.imported": gettext_lazy("Imported contacts"),
    "contacts.import_cancelled": gettext_lazy("Stopped an import of contacts"),
    "contacts.import_undone": gettext_lazy("Took an import of contacts back"),
    "contacts.exported": gettext_lazy("Exported contacts"),
    "consent.given": gettext_lazy("Put down a consent"),
    "consent.withdrawn": gettext_lazy("Withdrew a consent"),
    "hold.placed": gettext_lazy("Placed a legal hold"),
    "hold.ended": gettext_lazy("Ended a legal hold"),
    "erasure.requested": gettext_lazy("Asked for a person to be erased"),
    "erasure.finished": gettext_lazy("Erased a person"),
    "erasure.certificate": gettext_lazy("Downloaded a certificate of erasure"),
    "retention.changed": gettext_lazy("Changed how long messages are kept"),
    "retention.run": gettext_lazy("Deleted messages that were too old"),
    "privacy.file_made": gettext_lazy("Downloaded all data of a person"),
    "contact.blocked": gettext_lazy("Blocked a sender"),
    "contact.unblocked": gettext_lazy("Unblocked a sender"),
    "contact.deleted": gettext_lazy("Took a contact out of the phone book"),
    "contacts.merged": gettext_lazy("Merged two contacts"),
    "contacts.separated": gettext_lazy("Separated a number from a contact"),
    "service.requested": gettext_lazy("Asked for a service"),
    "service.declined": gettext_lazy("Declined a service that was asked for"),
    "user.own_changed": gettext_lazy("Changed how they are reached and told"),
    "export.finished": gettext_lazy("A file of messages was made"),
    "export.failed": gettext_lazy("A file of messages could not be made"),
    "export.cancelled": gettext_lazy("A file of messages was cancelled"),
    "export.downloaded": gettext_lazy("Downloaded a file of messages"),
    "support.began": gettext_lazy("Began to act for the company, for support"),
    "support.ended": gettext_lazy("Ended acting for the company"),
    "support.looked": gettext_lazy("Looked at a page, for support"),
    "support.did": gettext_lazy("Did something for the company, for support"),
    "user.password_forgotten": gettext_lazy("Asked for a link for a new password"),
    "user.second_step_set": gettext_lazy("Set up the second step"),
    "user.second_step_removed": gettext_lazy("Switched the second step off"),
    "user.second_step_reset": gettext_lazy("Second step reset"),
    "user.recovery_codes_made": gettext_lazy("Made new recovery codes"),
    "user.recovery_code_used": gettext_lazy("Logged in with a recovery code"),
    "rule.made": gettext_lazy("Made a rule of call logic"),
    "rule.changed": gettext_lazy("Changed a rule of call logic"),
    "rule.moved": gettext_lazy("Moved a rule of call logic"),
    "rule.switched_on": gettext_lazy("Switched a rule of call logic on"),
    "rule.switched_off": gettext_lazy("Switched a rule of call logic off"),
    "rule.deleted": gettext_lazy("Deleted a rule of call logic"),
    "rule.brought_back": gettext_lazy("Brought a rule of call logic back"),
    "rule.restored": gettext_lazy("Took a change of a rule back"),
    "rule.trial_started": gettext_lazy("Began to try a rule of call logic out"),
    "rule.trial_ended": gettext_lazy("Ended the trial of a rule of call logic"),
    "node.made": gettext_lazy("Made a message node"),
    "node.renamed": gettext_lazy("Renamed a message node"),
    "node.deleted": gettext_lazy("Deleted a message node"),
    "call_parameter.forgotten": gettext_lazy("Forgot a parameter of the exchange"),
    "call_flow.saved": gettext_lazy("Changed what callers of a line hear"),
    "call_logic.stopped": gettext_lazy("Stopped all automatic sending"),
    "call_logic.resumed": gettext_lazy("Allowed automatic sending again"),
    "call_logic.limits": gettext_lazy("Changed the limits of automatic messages"),
}
# What stands in the details, in the order in which it is said.
_DETAILS: dict[str, _StrPromise] = {
    "because": gettext_lazy("reason"),
    "reason": gettext_lazy("reason"),
    "changed": gettext_lazy("changed"),
    "role": gettext_lazy("role"),
    "teams": gettext_lazy("teams"),
    "lines": gettext_lazy("lines"),
    "rows": gettext_lazy("rows"),
    "format": gettext_lazy("format"),
    "filter": gettext_lazy("filter"),
    "second_step": gettext_lazy("second step"),
    "step": gettext_lazy("wrong"),
    "old": gettext_lazy("before"),
    "new": gettext_lazy("after"),
    "released": gettext_lazy("conversations given back"),
    "sessions": gettext_lazy("log-ins ended"),
    "members": gettext_lazy("members"),
    "day": gettext_lazy("day"),
    "added": gettext_lazy("added"),
    "made": gettext_lazy("made"),
    "errors": gettext_lazy("with an error"),
    "deleted": gettext_lazy("deleted"),
    "restored": gettext_lazy("as before"),
    "kept": gettext_lazy("kept"),
    "removed": gettext_lazy("taken out"),
    "again": gettext_lazy("once more"),
    "name": gettext_lazy("name"),
    "email": gettext_lazy("e-mail"),
    "phone": gettext_lazy("own phone number"),
    "language": gettext_lazy("language"),
    "username": gettext_lazy("user name"),
    "timezone": gettext_lazy("time zone"),
    "saves_accents": gettext_lazy("sends without accents"),
    "opening_hours": gettext_lazy("opening hours"),
    "is_closed_on_holidays": gettext_lazy("closed on public holidays"),
    "asked_how": gettext_lazy("asked for"),
    "contact": gettext_lazy("contact"),
    "other": gettext_lazy("other contact"),
    "number": gettext_lazy("number"),
    "numbers": gettext_lazy("numbers"),
    "line": gettext_lazy("line"),
    "people": gettext_lazy("people"),
    "per_day": gettext_lazy("SMS a day"),
    "per_minute": gettext_lazy("SMS a minute"),
    "per_number_per_day": gettext_lazy("automatic SMS a day to a caller"),
    "per_colleague_per_day": gettext_lazy("automatic SMS a day to a colleague"),
    "countries": gettext_lazy("countries"),
    "days": gettext_lazy("days"),
    "before": gettext_lazy("before"),
    "until": gettext_lazy("until"),
    "how": gettext_lazy("how"),
    "did": gettext_lazy("what"),
    "left": gettext_lazy("codes left"),
    "message": gettext_lazy("message"),
    "messages": gettext_lazy("messages"),
    "conversations": gettext_lazy("conversations"),
    "contacts": gettext_lazy("contacts"),
    "receipts": gettext_lazy("records of what the provider posted"),
    "notes": gettext_lazy("with internal notes"),
    "calls": gettext_lazy("calls"),
    "problem": gettext_lazy("problem"),
    "values": gettext_lazy("filter"),
    "password": gettext_lazy("password"),
    "notices": gettext_lazy("notices"),
    "hears_of_calls_by": gettext_lazy("how they hear of calls"),
    "label": gettext_lazy("name"),
    "provider": gettext_lazy("provider"),
    "is_active": gettext_lazy("in use"),
    "account_sid": gettext_lazy("account"),
    "auth_token": gettext_lazy("secret of the account"),
    "country": gettext_lazy("country"),
    "slug": gettext_lazy("short name"),
    "definition": gettext_lazy("what it says"),
}
# Of use to the program alone.
_NOT_SAID = frozenset({"fingerprint"})


def name_of(action: str) -> str:
    """What was done; an action of a former version has its own word only."""
    return str(ACTIONS.get(action, action))


def person_of(entry: AuditEntry) -> str:
    """Who did it; the operator's staff are said to be such."""
    if entry.actor is None:
        return _("Fonal itself")
    name = entry.actor.name or entry.actor.username
    if entry.is_support:
        return _("%(name)s (operator's support)") % {"name": name}
    if entry.actor.subscriber_id is None:
        return _("%(name)s (operator)") % {"name": name}
    return name


def contact_of(entry: AuditEntry) -> int | None:
    """Whose entry in the phone book it was about; the log, which is for ever, holds no names of customers."""
    contact = entry.detail.get("contact")
    return contact if isinstance(contact, int) else None


def target_of(entry: AuditEntry) -> str:
    """What it was done to."""
    if (contact := contact_of(entry)) is not None and entry.target == str(contact):
        return _("contact no. %(number)s") % {"number": contact}
    if entry.action.startswith("service.") and entry.target in Service.values:
        return str(Service(entry.target).label)
    return entry.target


def details_of(entry: AuditEntry) -> str:
    """The rest of it, in one line."""
    told = {key: value for key, value in entry.detail.items() if value not in ("", None, [], {}) and key not in _NOT_SAID}
    if str(told.get("contact")) == entry.target:
        del told["contact"]
    if told.get("did") not in DEEDS:
        told.pop("did", None)
    if entry.action == "support.began" and "until" in told:
        told["until"] = _clock(told["until"], entry)
    order = [*(key for key in _DETAILS if key in told), *(key for key in told if key not in _DETAILS)]
    return " · ".join(f"{_DETAILS.get(key, key)}: {said(key, told[key], _DETAILS)}" for key in order)


def _clock(moment: str, entry: AuditEntry) -> str:
    """On the company's clock, as the times of the entries are."""
    zone = ZoneInfo(entry.subscriber.timezone) if entry.subscriber else None
    return f"{datetime.fromisoformat(moment).astimezone(zone):%H:%M}"
