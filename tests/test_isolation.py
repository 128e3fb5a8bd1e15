"""Two companies never see each other, nor does a colleague see a line that was not given.

Every address and every statement of the live view's socket has its line in a table below. Strangers call it
with Boti's conversation of Kontakt Kft. and get what they would get for something that does not exist.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from django.apps import apps
from django.conf import settings as project
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from chatui.consumers import WORDS
from server import phone
from server.accounts.models import ClosedDay, Role, Team, User, UserSession
from server.calls.definition import Definition, Step, Trigger, Who
from server.calls.models import CallLogic, CallRule, MessageNode, Outcome, RuleRun, RuleVersion, Telling
from server.calls.promises import open_promise
from server.calls.recording import Told, record_call_event
from server.contacts.models import Consent, Contact, ContactImport, OptOut, Tag
from server.cursor import write_cursor
from server.history.exporting import request_export
from server.history.filter import HistoryFilter
from server.history.models import Export, ExportFormat, SavedFilter
from server.lines.models import LineAccess
from server.messaging.inbound import receive_sms
from server.messaging.models import CannedText, Conversation, Message, Status
from server.messaging.outbound import queue_sms
from server.privacy.models import Erasure, LegalHold
from tests.chatui.conftest import _migrated_file, on_disk, tab_of  # noqa: F401
from tests.conftest import BOTI, NOW
from tests.doors import FRAMES, HTMX, Browser, verified

# All of them: the simulator's too, which server.urls names only when DEMO is on.
ADDRESSES = "tests.simulator.urls"


# --- How an address is called ----------------------------------------------------------------------
@dataclass(frozen=True)
class Call:
    """One request. {words} stand for what belongs to Kontakt Kft., or for what does not exist; {own_…} for the stranger's."""

    method: str
    address: str
    form: dict[str, str]
    # A stranger's answer; None: any, if only it is the same as for what does not exist.
    status: int | None = None
    # Within a company the names of colleagues and of the phone book are no secret.
    is_across_companies: bool = False


def hidden(method: str, address: str, **form: str) -> Call:
    """Not found, exactly like something that does not exist."""
    return Call(method, address, form, status=404)


def hidden_across(method: str, address: str, **form: str) -> Call:
    return Call(method, address, form, status=404, is_across_companies=True)


def blind(method: str, address: str, **form: str) -> Call:
    """An answer of one's own, in which the foreign id makes no difference."""
    return Call(method, address, form)


def blind_across(method: str, address: str, **form: str) -> Call:
    return Call(method, address, form, is_across_companies=True)


CHAT = "/conversations/{conversation}/"
OWN = "/conversations/{own}/"
FORM = {"uuid": "{fresh}", "to": "06301234567", "body": "Szia!"}

# Addresses of people who are logged in: pages, parts of pages, and what changes data.
PRIVATE: dict[str, list[Call]] = {
    "chat": [
        blind("get", "/"),
        blind("get", "/?q={word}"),
        blind("get", "/?q={number}"),
        blind_across("get", "/?q={name}"),
        blind("get", "/?after={cursor}"),
        blind("get", "/?view=mine"),
    ],
    "rows": [
        blind("get", "/conversations/rows/?q={word}"),
        blind("get", "/conversations/rows/?q={number}"),
        blind("get", "/conversations/rows/?after={cursor}&sort=waiting"),
        blind("get", "/conversations/rows/?view=done"),
    ],
    "counts": [blind("get", "/conversations/counts/"), blind("get", "/conversations/counts/?q={word}")],
    "conversation": [
        hidden("get", CHAT),
        hidden("get", CHAT + "?message={message_uuid}"),
        blind("get", OWN + "?message={message_uuid}"),
        blind("get", OWN + "?before={message}"),
        blind("get", OWN + "?after={message}"),
    ],
    "entries": [
        hidden("get", CHAT + "entries/"),
        hidden("get", CHAT + "entries/?before={message}"),
        blind("get", OWN + "entries/?before={message}"),
        blind("get", OWN + "entries/?after={message}"),
    ],
    "send": [hidden("post", CHAT + "send/", uuid="{fresh}", body="Szia!", seen="{message}")],
    "note": [hidden("post", CHAT + "note/", uuid="{fresh}", body="Szia!")],
    "draft": [hidden("post", CHAT + "draft/", body="Szia!")],
    "claim": [hidden("post", CHAT + "claim/")],
    "assign": [
        hidden("post", CHAT + "assign/", to=""),
        hidden("post", CHAT + "assign/", to="{me}"),
        Call("post", OWN + "assign/", {"to": "{user}"}, status=404, is_across_companies=True),
    ],
    "colleagues": [hidden("get", CHAT + "colleagues/"), blind("get", OWN + "colleagues/")],
    "done": [hidden("post", CHAT + "done/")],
    "reopen": [hidden("post", CHAT + "reopen/")],
    "read": [hidden("post", CHAT + "read/", upto="1")],
    "unread": [hidden("post", CHAT + "unread/")],
    "messages": [
        blind("get", "/messages/"),
        blind("get", "/messages/?before={cursor}"),
        blind("get", "/messages/?line={line}"),
        blind("get", "/messages/?conversation={conversation}"),
        blind("get", "/messages/?only={message_uuid}"),
        blind("get", "/messages/?q={word}"),
        blind("get", "/messages/?number={nameless}"),
        blind_across("get", "/messages/?name={name}"),
        blind_across("get", "/messages/?contact={contact}"),
        blind_across("get", "/messages/?colleague={user}"),
        blind_across("get", "/messages/?q={name}"),
    ],
    "messages_count": [
        blind("get", "/messages/count/"),
        blind("get", "/messages/count/?line={line}"),
        blind("get", "/messages/count/?conversation={conversation}"),
        blind("get", "/messages/count/?q={word}"),
        blind("get", "/messages/count/?number={number}"),
        blind_across("get", "/messages/count/?contact={contact}"),
        blind_across("get", "/messages/count/?colleague={user}"),
    ],
    "filter_keep": [Call("post", "/messages/filters/", {"keep_as": "", "line": "{line}"}, status=302)],
    "filter_forget": [
        hidden("get", "/messages/filters/{saved_filter}/delete/"),
        hidden("post", "/messages/filters/{saved_filter}/delete/", sure="1"),
    ],
    "help": [blind("get", "/help/messages/")],
    "message_details": [hidden("get", "/messages/{message_uuid}/"), hidden("get", "/messages/{failed}/")],
    "messages_changes": [
        blind("get", "/messages/changes/?since=0"),
        blind("get", "/messages/changes/?since=0&q={word}"),
        blind("get", "/messages/changes/?since=0&number={number}"),
        blind("get", "/messages/changes/?since=0&conversation={conversation}"),
        blind("get", "/messages/changes/?since=0&contact={contact}"),
        blind("get", "/messages/changes/?since=0&only={message_uuid}"),
        blind_across("get", "/messages/changes/?since=0&q={name}"),
    ],
    "new_message": [
        blind("get", "/messages/new/"),
        blind_across("get", "/messages/new/?to={name}"),
        Call("post", "/messages/new/", FORM | {"line": "{line}"}, status=422),
        Call("post", "/messages/new/", FORM | {"line": "{own_line}", "to": "{name}"}, status=422, is_across_companies=True),
    ],
    "lookup": [
        blind("get", "/messages/new/lookup/?to={word}"),
        blind_across("get", "/messages/new/lookup/?to={name}"),
        blind_across("get", "/messages/new/lookup/?to={number}"),
        blind("get", "/messages/new/lookup/?to={nameless}"),
        blind_across("get", "/messages/new/lookup/?to={colleague}"),
    ],
    "calls": [
        blind("get", "/call-logic/calls/"),
        blind("get", "/call-logic/calls/?view=open"),
        blind("get", "/call-logic/calls/?line={line}"),
        blind("get", "/call-logic/calls/?after={cursor}"),
        blind("get", "/call-logic/calls/?q={word}"),
        blind("get", "/call-logic/calls/?q={number}"),
        blind("get", "/call-logic/calls/?q={nameless}"),
        blind_across("get", "/call-logic/calls/?q={name}"),
        blind_across("get", "/call-logic/calls/?contact={contact}"),
    ],
    "calls_changes": [
        blind("get", "/call-logic/calls/changes/?since=0"),
        blind("get", "/call-logic/calls/changes/?since=0&line={line}"),
        blind("get", "/call-logic/calls/changes/?since=0&q={number}"),
    ],
    "call_logic": [blind("get", "/call-logic/")],
    "rule_new": [
        blind("get", "/call-logic/rules/new/"),
        blind_across("post", "/call-logic/rules/new/", name="", tags="{tag}", **{"if": "tags"}),
    ],
    "call_logic_picture": [blind("get", "/call-logic/picture/"), blind("get", "/call-logic/picture/?as=svg")],
    "rule_rehearse_new": [blind_across("post", "/call-logic/rules/new/rehearse/", name="Új", tags="{tag}", **{"if": "tags"})],
    "rule_rehearse": [
        blind_across("get", "/call-logic/rules/{rule}/rehearse/"),
        blind_across("post", "/call-logic/rules/{rule}/rehearse/", name="Enyém", trigger="missed"),
    ],
    "rule_try": [blind_across("post", "/call-logic/rules/{rule}/try/", on="1")],
    "rule_sketch": [blind("post", "/call-logic/rules/sketch/", **{"trigger": "node", "steps": "1", "s0-who": "teams"})],
    "rule": [
        blind_across("get", "/call-logic/rules/{rule}/"),
        blind_across("post", "/call-logic/rules/{rule}/", name="Enyém", trigger="missed"),
    ],
    "rule_move": [blind_across("post", "/call-logic/rules/{rule}/move/", to="0")],
    "rule_switch": [blind_across("post", "/call-logic/rules/{rule}/switch/", on="0")],
    "rule_delete": [blind_across("post", "/call-logic/rules/{rule}/delete/")],
    "rule_versions": [blind_across("get", "/call-logic/rules/{rule}/versions/")],
    "rule_restore": [blind_across("post", "/call-logic/rules/{rule}/versions/1/")],
    "call_flows": [blind("get", "/call-logic/flows/")],
    "call_flow": [
        blind_across("get", "/call-logic/flows/{line}/"),
        blind_across("post", "/call-logic/flows/{line}/", greeting="Enyém", language="hu", ring_seconds="20"),
    ],
    "call_flow_heard": [blind_across("post", "/call-logic/flows/{line}/heard/", greeting="Enyém")],
    "nodes": [blind("get", "/call-logic/nodes/")],
    "call_exchange": [blind("get", "/call-logic/exchange/")],
    "call_exchange_secret": [
        blind_across("get", "/call-logic/exchange/{line}/secret/"),
        blind_across("post", "/call-logic/exchange/{line}/secret/"),
    ],
    "call_parameter_forget": [blind("post", "/call-logic/exchange/parameters/forget/", name="{word}")],
    "node_add": [blind("post", "/call-logic/nodes/new/", name="")],
    "node_rename": [
        blind_across("get", "/call-logic/nodes/{node}/"),
        blind_across("post", "/call-logic/nodes/{node}/", name="Enyém"),
    ],
    "node_delete": [
        blind_across("get", "/call-logic/nodes/{node}/delete/"),
        blind_across("post", "/call-logic/nodes/{node}/delete/"),
    ],
    "call_logic_limits": [blind("get", "/call-logic/limits/"), blind("post", "/call-logic/limits/", per_minute="{word}")],
    # It is on already.
    "call_logic_stop": [blind("post", "/call-logic/stop/", on="1")],
    "call": [hidden("get", "/call-logic/calls/{call}/")],
    "call_called_back": [hidden("post", "/call-logic/calls/{call}/called-back/")],
    "why": [hidden("get", "/call-logic/why/{telling}/")],
    "told_seen": [hidden("post", "/call-logic/told/{telling}/seen/")],
    "told_all_seen": [blind("post", "/call-logic/told/seen/")],
    "call_figures": [blind("get", "/call-logic/figures/"), blind("get", "/call-logic/figures/?from=2026-11-01&to=2026-11-30")],
    "call_figures_download": [blind("get", "/call-logic/figures/download/?from=2026-11-01&to=2026-11-30")],
    "promise_done": [hidden("post", "/call-logic/promises/{promise}/done/")],
    "retry": [hidden("post", "/messages/{failed}/retry/")],
    "discard": [hidden("post", "/messages/{failed}/discard/"), hidden("post", "/messages/{failed}/discard/", edit="1")],
    "figures": [
        blind("get", "/figures/"),
        blind("get", "/figures/?conversation={conversation}"),
        blind_across("get", "/figures/?contact={contact}&from=2026-11-01&to=2026-11-30"),
        blind("get", "/figures/?number={number}&from=2026-11-01&to=2026-11-30"),
        blind("get", "/figures/?only={message_uuid}&from=2026-11-01"),
        blind("get", "/figures/?q={word}&from=2026-11-01"),
        blind_across("get", "/figures/?q={name}&from=2026-11-01"),
    ],
    # Nothing is found: whoever may download at all is led back to the page, and no line is written into the audit log.
    "figures_download": [
        blind("get", "/figures/download/?conversation={conversation}"),
        blind("get", "/figures/download/?number={number}&from=2026-11-01"),
        blind("get", "/figures/download/?q={word}&from=2026-11-01"),
    ],
    "print": [blind("get", CHAT + "print/"), blind("get", CHAT + "print/?notes=1")],
    "exports": [
        blind("get", "/messages/exports/"),
        blind("get", "/messages/exports/?of={export}"),
        blind("post", "/messages/exports/", conversation="{conversation}"),
        blind("post", "/messages/exports/", line="{line}", format="csv"),
        blind("post", "/messages/exports/", only="{message_uuid}"),
        blind("post", "/messages/exports/", number="{number}"),
    ],
    "export_new": [
        blind("get", "/messages/exports/new/?conversation={conversation}"),
        blind("get", "/messages/exports/new/?line={line}"),
        blind("get", "/messages/exports/new/?only={message_uuid}"),
        blind("get", "/messages/exports/new/?q={word}"),
        blind_across("get", "/messages/exports/new/?contact={contact}&colleague={user}"),
    ],
    "export_file": [blind("get", "/messages/exports/{export}/")],
    "export_cancel": [blind("post", "/messages/exports/{export}/cancel/")],
    "export_check": [blind("get", "/messages/exports/check/")],
    # Names are the whole company's; a number without one only theirs who have its thread.
    "phonebook": [
        blind_across("get", "/phonebook/"),
        blind_across("get", "/phonebook/?q={name}"),
        blind_across("get", "/phonebook/?q={number}"),
        blind_across("get", "/phonebook/?view=blocked"),
        blind_across("get", "/phonebook/?after={contact}"),
        blind_across("get", "/phonebook/?tag={tag}"),
        blind("get", "/phonebook/?q={nameless}"),
    ],
    "contact_new": [
        blind_across("get", "/phonebook/new/"),
        Call("post", "/phonebook/new/", {"name": "", "numbers": "{number}"}, status=422, is_across_companies=True),
    ],
    "contact": [
        hidden("get", "/phonebook/{unnamed}/"),
        hidden("get", "/phonebook/{unnamed}/?conversation={conversation}"),
        hidden("post", "/phonebook/{unnamed}/", name="Enyém"),
        hidden_across("get", "/phonebook/{contact}/"),
        hidden_across("post", "/phonebook/{contact}/", name="Enyém"),
        blind_across("get", "/phonebook/{own_contact}/?conversation={conversation}"),
    ],
    "contact_lookup": [
        hidden("get", "/phonebook/{unnamed}/lookup/?q=a"),
        hidden_across("get", "/phonebook/{contact}/lookup/?q=a"),
        blind_across("get", "/phonebook/{own_contact}/lookup/?q={name}"),
        blind("get", "/phonebook/{own_contact}/lookup/?q={nameless}"),
    ],
    "contact_merge": [
        hidden("get", "/phonebook/{unnamed}/merge/"),
        hidden("post", "/phonebook/{unnamed}/merge/"),
        hidden_across("post", "/phonebook/{contact}/merge/", **{"with": "{own_contact}", "keep": "{own_contact}"}),
        blind_across("get", "/phonebook/{own_contact}/merge/?with={contact}"),
        hidden_across("post", "/phonebook/{own_contact}/merge/", **{"with": "{contact}", "keep": "{contact}"}),
    ],
    "contact_separate": [
        hidden("post", "/phonebook/{unnamed}/separate/"),
        hidden_across("post", "/phonebook/{contact}/separate/"),
    ],
    "contact_delete": [
        hidden("get", "/phonebook/{unnamed}/delete/"),
        hidden("post", "/phonebook/{unnamed}/delete/"),
        hidden_across("post", "/phonebook/{contact}/delete/"),
    ],
    "contact_block": [
        hidden("get", "/phonebook/{unnamed}/block/"),
        hidden("post", "/phonebook/{unnamed}/block/"),
        hidden_across("post", "/phonebook/{contact}/block/"),
    ],
    "contact_unblock": [
        hidden("post", "/phonebook/{unnamed}/unblock/"),
        hidden_across("post", "/phonebook/{contact}/unblock/"),
        hidden("post", "/phonebook/{unnamed}/unblock/?conversation={conversation}"),
    ],
    "import_new": [blind("get", "/phonebook/import/"), blind("post", "/phonebook/import/")],
    "import_one": [blind("get", "/phonebook/import/{import}/")],
    "import_match": [blind("post", "/phonebook/import/{import}/match/", mode="fill")],
    "import_start": [blind("post", "/phonebook/import/{import}/start/")],
    "import_cancel": [blind("post", "/phonebook/import/{import}/cancel/")],
    "import_undo": [blind("get", "/phonebook/import/{import}/undo/"), blind("post", "/phonebook/import/{import}/undo/")],
    "import_errors": [blind("get", "/phonebook/import/{import}/errors/")],
    # Without a format nothing leaves, and no line is written into the audit log.
    "contacts_export": [
        blind_across("get", "/phonebook/export/?q={name}"),
        blind_across("get", "/phonebook/export/?tag={tag}"),
        blind("get", "/phonebook/export/?q={nameless}"),
    ],
    # An administrator decides about his own company, and says here what is so already.
    "company": [
        blind("get", "/company/"),
        blind("post", "/company/", name="{name}", timezone="{word}", language="hu"),
    ],
    "company_hours": [blind("post", "/company/hours/", **{"from-1-0": "{word}"})],
    "closed_day_add": [blind("post", "/company/closed-days/", day="{word}")],
    "closed_day_delete": [blind_across("post", "/company/closed-days/{closed_day}/delete/")],
    "stop_words": [blind("post", "/company/stop-words/", remove="{word}")],
    "export_rights": [blind("post", "/company/exports/", allowed="")],
    "people": [blind("get", "/company/people/"), blind_across("get", "/company/people/?q={colleague}")],
    "person_invite": [
        blind("get", "/company/people/invite/"),
        blind("post", "/company/people/invite/", email="", name="{name}", role="colleague", language="hu"),
    ],
    "person": [
        blind_across("get", "/company/people/{user}/"),
        blind_across("post", "/company/people/{user}/", name="Enyém", role="colleague", language="hu", email="a@b.example"),
    ],
    "person_invite_again": [blind_across("post", "/company/people/{user}/invite/")],
    "person_deactivate": [
        blind_across("get", "/company/people/{user}/deactivate/"),
        blind_across("post", "/company/people/{user}/deactivate/"),
    ],
    "person_reactivate": [blind_across("post", "/company/people/{user}/reactivate/")],
    "person_second_step": [
        blind_across("get", "/company/people/{user}/second-step/"),
        blind_across("post", "/company/people/{user}/second-step/"),
    ],
    "person_log_out": [
        blind_across("get", "/company/people/{user}/log-out/"),
        blind_across("post", "/company/people/{user}/log-out/"),
    ],
    "teams": [blind("get", "/company/teams/")],
    "team_add": [
        blind("get", "/company/teams/new/"),
        blind("post", "/company/teams/new/", name="", members="{user}"),
    ],
    "team": [
        blind_across("get", "/company/teams/{team}/"),
        blind_across("post", "/company/teams/{team}/", name="Enyém"),
    ],
    "team_delete": [
        blind_across("get", "/company/teams/{team}/delete/"),
        blind_across("post", "/company/teams/{team}/delete/"),
    ],
    "privacy": [
        blind("get", "/company/privacy/"),
        blind("get", "/company/privacy/?number={number}"),
    ],
    "retention": [blind("get", "/company/privacy/retention/?days=90"), blind("post", "/company/privacy/retention/", days="{word}")],
    "hold_place": [blind("post", "/company/privacy/holds/", contact="{contact}", reason="")],
    "hold_end": [blind_across("post", "/company/privacy/holds/{hold}/end/")],
    "erase": [
        blind("get", "/company/privacy/erase/{contact}/"),
        blind("post", "/company/privacy/erase/{contact}/", asked_how="letter", digits="0001"),
    ],
    "erasure": [blind("get", "/company/privacy/erasures/{erasure}/")],
    "erasure_file": [blind_across("get", "/company/privacy/erasures/{erasure}/certificate/")],
    "subject_file": [blind_across("post", "/company/privacy/people/{contact}/")],
    "opt_outs_file": [blind_across("get", "/company/privacy/opt-outs/?number={number}")],
    "opt_out_record": [
        hidden("post", "/phonebook/{unnamed}/opt-outs/"),
        hidden_across("post", "/phonebook/{contact}/opt-outs/"),
        blind("post", "/phonebook/{own_contact}/opt-outs/", line="{line}"),
    ],
    "opt_out_override": [blind("post", "/phonebook/opt-outs/{opt_out}/end/", reason="Szia")],
    "consent_give": [
        hidden("post", "/phonebook/{unnamed}/consents/", purpose="Hírlevél", source="Űrlap"),
        hidden_across("post", "/phonebook/{contact}/consents/", purpose="Hírlevél", source="Űrlap"),
    ],
    "consent_withdraw": [hidden_across("post", "/phonebook/consents/{consent}/withdraw/")],
    "audit": [
        blind("get", "/company/audit/"),
        blind("get", "/company/audit/?who={user}"),
        blind("get", "/company/audit/?text={word}"),
        blind("get", "/company/audit/?after={cursor}"),
        blind_across("get", "/company/audit/?text={colleague}"),
    ],
    # Each is written into the log; what is in it, tests/chatui/test_audit.py says.
    "audit_export": [blind("get", "/company/audit/download/?since=whenever")],
    "live": [
        hidden("get", "/live/?since=0&open={conversation}"),
        blind("get", "/live/?since=0"),
        blind("get", "/live/?since=0&open={own}"),
    ],
    "settings": [blind("get", "/settings/")],
    "own": [Call("post", "/settings/own/", {"phone": "12"}, status=422)],
    "away": [blind("post", "/settings/away/")],
    "session_end": [hidden("post", "/settings/sessions/{session}/end/")],
    "sessions_end_others": [blind("post", "/settings/sessions/end-others/")],
    "two_factor": [
        blind("get", "/settings/two-factor/"),
        Call("post", "/settings/two-factor/", {"act": "confirm", "code": "123456"}, status=409),
    ],
    "keys": [blind("get", "/keys/")],
    # Asking for what is on already changes nothing.
    "service_request": [blind("get", "/services/request/"), Call("post", "/services/request/", {"service": "sms"}, status=302)],
    "canned": [hidden("get", CHAT + "canned/"), blind("get", OWN + "canned/")],
    "canned_add": [Call("post", "/settings/canned-texts/", {"title": "", "body": "Szia!"}, status=422)],
    "canned_change": [hidden("post", "/settings/canned-texts/{canned}/", title="Enyém", body="Szia!")],
    "canned_delete": [hidden("post", "/settings/canned-texts/{canned}/delete/")],
}
# A company's own pages, for its administrators: whoever has a lower role is told that it is not for them.
ADMINISTRATORS_ONLY = {
    "company",
    "company_hours",
    "closed_day_add",
    "closed_day_delete",
    "stop_words",
    "export_rights",
    "people",
    "person_invite",
    "person",
    "person_invite_again",
    "person_deactivate",
    "person_reactivate",
    "person_second_step",
    "person_log_out",
    "teams",
    "team_add",
    "team",
    "team_delete",
    "privacy",
    "retention",
    "hold_place",
    "hold_end",
    "erase",
    "erasure",
    "erasure_file",
    "subject_file",
    "opt_outs_file",
    "rule_new",
    "rule_rehearse_new",
    "rule_try",
    "rule_sketch",
    "rule_move",
    "rule_switch",
    "rule_delete",
    "rule_restore",
    "call_exchange",
    "call_exchange_secret",
    "call_parameter_forget",
    "call_flow_heard",
    "node_add",
    "node_rename",
    "node_delete",
    "call_logic_stop",
}
# Also for the operator's staff: pages about oneself, or about nobody.
FOR_THE_OPERATOR_TOO = {"settings", "own", "away", "session_end", "sessions_end_others", "two_factor", "keys", "help"}
# Open to anybody, and about nobody.
PUBLIC: dict[str, list[Call]] = {
    "login": [blind("get", "/login/"), blind("get", "/login/?next=" + CHAT)],
    "login_code": [Call("get", "/login/code/", {}, status=302), Call("post", "/login/code/", {"code": "123456"}, status=302)],
    "join": [hidden("get", "/join/MQ/{word}/"), hidden("post", "/join/MQ/{word}/", name="{name}", password="a", again="a")],
    "forgotten": [blind("get", "/login/forgotten/")],
    "new_password": [hidden("get", "/login/reset/{user}/{key}/"), hidden("post", "/login/reset/{user}/{key}/", new_password1="x")],
    "logout": [Call("get", "/logout/", {}, status=405)],
    "language": [Call("get", "/language/", {}, status=405)],
    "health": [blind("get", "/health/")],
    "static": [Call("get", "/static/{word}/chatui/css/base.css", {}, status=302), hidden("get", f"{project.STATIC_URL}{{word}}")],
    # Providers prove who they are by other means; without them nothing is stored.
    "gateway:messages": [
        Call("get", "/gateway/simulator/{key}/messages/", {}, status=405),
        Call("post", "/gateway/simulator/{key}/messages/", {"From": "+36301234567", "Body": "Szia!"}),
        Call("post", "/gateway/twilio/{key}/messages/", {"From": "+36301234567", "Body": "Szia!"}),
    ],
    "gateway:status": [
        Call("get", "/gateway/simulator/{key}/status/{failed}/", {}, status=405),
        Call("post", "/gateway/simulator/{key}/status/{failed}/", {"MessageStatus": "delivered"}),
        Call("post", "/gateway/twilio/{key}/status/{failed}/", {"MessageStatus": "delivered"}),
    ],
    "gateway:calls": [
        Call("get", "/gateway/pbx/{key}/calls/", {}, status=405),
        Call("post", "/gateway/pbx/{key}/calls/", {"id": "c1", "event": "missed"}, status=403),
    ],
    **{
        f"gateway:{name}": [
            Call("get", f"/gateway/twilio/{{key}}/{path}", {}, status=405),
            Call("post", f"/gateway/twilio/{{key}}/{path}", {"CallSid": "CA1", "ParentCallSid": "CA1", "CallStatus": "ringing"}),
        ]
        for name, path in [
            ("voice", "voice/"),
            ("voice_key", "voice/key/"),
            ("voice_rang", "voice/rang/"),
            ("voice_leg", "voice/leg/"),
            ("voice_status", "voice/status/"),
        ]
    },
    # Who knows a line's key still has to know a node's.
    "gateway:node": [
        hidden("get", "/gateway/pbx/{key}/nodes/3f2504e0-4f89-41d3-9a0c-0305e82c3301/?caller=%2B36301234567"),
        hidden("post", "/gateway/pbx/{key}/nodes/3f2504e0-4f89-41d3-9a0c-0305e82c3301/", caller="+36301234567"),
    ],
    # The demo's phone and its one-click log-in know the demo company only.
    "simulator:handset": [blind("get", "/simulator/"), blind("get", "/simulator/?line={line}&number={number}")],
    "simulator:live": [hidden("get", "/simulator/live/?line={line}&number={number}")],
    "simulator:text": [hidden("post", "/simulator/text/", line="{line}", number="{number}", body="Szia!")],
    "simulator:repeat": [hidden("post", "/simulator/repeat/", line="{line}", number="{number}")],
    "simulator:call": [hidden("post", "/simulator/call/", line="{line}", number="{number}", act="dial")],
    "simulator:phone": [hidden("post", "/simulator/phone/", line="{line}", number="{number}", power="off")],
    "simulator:log_in_as": [hidden("post", "/simulator/log-in-as/{colleague}/")],
}
# Everything under /admin/ is the operator's staff's alone; only these answer others at all.
ADMIN_FOR_ALL = {"admin:login", "admin:logout"}

# What a socket may say. Foreign ids are answered like missing ones, and nobody else hears of it.
STATEMENTS: dict[str, list[dict[str, str | int]]] = {
    "open": [{"open": "conversation"}, {"open": "conversation", "since": 0}],
    "typing": [{"typing": "conversation"}],
    "since": [{"since": 0}],
    "pong": [{"pong": 0}],
}


# --- Who calls, and with what ----------------------------------------------------------------------
@dataclass
class World:
    """Boti's conversation at Kontakt Kft. (`foreign`), things that do not exist (`missing`), and the strangers with things of their own."""

    foreign: dict[str, Any]
    missing: dict[str, Any]
    strangers: dict[str, User]
    own: dict[str, dict[str, Any]]

    def words(self, ids: dict[str, Any], stranger: str) -> dict[str, Any]:
        return ids | self.own[stranger]

    def without_names(self, text: str) -> str:
        """An answer without what was asked for, and without what differs from one answer to the next."""
        for ids in (self.foreign, self.missing):
            for word in (
                "export",
                "import",
                "call",
                "telling",
                "promise",
                "rule",
                "node",
                "conversation",
                "contact",
                "tag",
                "message_uuid",
                "failed",
                "cursor",
                "key",
                "word",
                "name",
                "number",
                "nameless",
            ):
                for said in (str(ids[word]), quote_plus(str(ids[word])), quote(str(ids[word]))):
                    text = text.replace(said, f"({word})")
            for word in ("number", "nameless"):
                text = text.replace(phone.display(ids[word]), f"({word})").replace(ids[word][1:], f"({word})")
        # Ids of lines and people are too short to be told from other numbers.
        text = re.sub(r"\b(line|colleague)=\d+", r"\1=", text)
        text = re.sub(r'(nonce="|csrfmiddlewaretoken" value=")[^"]+', r"\1", text)
        # What was asked for, in the form that asks for it again.
        text = re.sub(r'(name="(?:line|colleague)" value="|[?;&](?:line|colleague)=)\d+', r"\1", text)
        text = re.sub(r'(name="text"[^>]* value=")[^"]*', r"\1", text)
        # A composer's own fresh uuid.
        return re.sub(r'(name="uuid" value=")[^"]+', r"\1", text)


@pytest.fixture
def world(kontakt, rival, line, sales_line, rival_line, dana, sam, eve) -> World:
    eve_admin = User.objects.create_user(username="eva", name="Éva", subscriber=rival, role=Role.ADMINISTRATOR, language="en")
    CallLogic.objects.create(subscriber=rival)
    cili = User.objects.create_user(username="cili", name="Cili", subscriber=kontakt, language="en")
    LineAccess.objects.create(line=sales_line, user=cili)
    User.objects.filter(pk=dana.pk).update(phone="+36205550123")
    # Large ids of their own, so that they can be told from any other number on a page.
    contact = Contact.objects.create(pk=7_000_001, subscriber=kontakt, number=BOTI, name="Kiss Boti", created_at=NOW)
    conversation = Conversation.objects.create(
        pk=7_100_001, subscriber=kontakt, line=line, contact=contact, latest_at=NOW, created_at=NOW
    )
    text = _text(line, BOTI, "Titkos szöveg")
    unnamed = Contact.objects.create(pk=7_000_002, subscriber=kontakt, number="+36209990002", created_at=NOW)
    tag = Tag.objects.create(pk=7_600_001, subscriber=kontakt, name="Titkos címke")
    contact.tags.add(tag)
    _text(line, "+36209990002", "Névtelen szöveg")
    failed = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Titkos válasz", author=dana, now=NOW)
    Message.objects.filter(pk=failed.pk).update(status=Status.FAILED, reason="other")
    conversation.refresh_from_db()
    canned = CannedText.objects.create(
        pk=7_200_001, subscriber=kontakt, owner=dana, title="Titkos sablon", body="Titkos minta", updated_at=NOW
    )
    log_in = UserSession.objects.create(pk=7_500_001, user=dana, session_key="dana's", logged_in_at=NOW, seen_at=NOW)
    export = request_export(user=sam, wanted=HistoryFilter(), format=ExportFormat.CSV, now=NOW)
    saved = SavedFilter.objects.create(
        pk=7_300_001, subscriber=kontakt, owner=dana, name="Titkos szűrő", values={"q": "Titkos"}, created_at=NOW
    )
    imported = ContactImport.objects.create(
        subscriber=kontakt, user=sam, file_name="Titkos lista.csv", format="csv", state="done", created_at=NOW, finished_at=NOW
    )
    team = Team.objects.create(pk=7_400_001, subscriber=kontakt, name="Titkos csapat")
    closed = ClosedDay.objects.create(pk=7_500_001, subscriber=kontakt, day=NOW.date(), name="Titkos nap")
    call_matters = _call_matters(conversation, dana)
    conversation.refresh_from_db()
    foreign = {
        "closed_day": closed.pk,
        "team": team.pk,
        "saved_filter": saved.pk,
        "export": export.uuid,
        "import": imported.uuid,
        "conversation": conversation.pk,
        "contact": contact.pk,
        "unnamed": unnamed.pk,
        "tag": tag.pk,
        "message": text.pk,
        "message_uuid": text.uuid,
        "failed": failed.uuid,
        "line": line.pk,
        "user": dana.pk,
        "key": line.key,
        "cursor": write_cursor(conversation.latest_at, conversation.pk),
        "word": "Titkos",
        "name": "Kiss Boti",
        "number": BOTI,
        "nameless": "+36209990002",
        "colleague": "dana",
        "canned": canned.pk,
        **_private_matters(contact, line, sam),
        **call_matters,
        "session": log_in.pk,
    }
    missing = {
        "closed_day": 7_900_009,
        "team": 7_900_008,
        "saved_filter": 7_900_007,
        "export": uuid.uuid4(),
        "import": uuid.uuid4(),
        "call": uuid.uuid4(),
        "telling": uuid.uuid4(),
        "promise": uuid.uuid4(),
        "rule": 7_900_014,
        "node": 7_900_015,
        "conversation": 7_900_001,
        "contact": 7_900_002,
        "unnamed": 7_900_012,
        "tag": 7_900_013,
        "message": 7_900_003,
        "message_uuid": uuid.uuid4(),
        "failed": uuid.uuid4(),
        "line": 7_900_004,
        "user": 7_900_005,
        "key": uuid.uuid4(),
        "cursor": write_cursor(conversation.latest_at, 7_900_001),
        "word": "Semmis",
        "name": "Nemes Ede",
        "number": "+36309990777",
        "nameless": "+36209990888",
        "colleague": "nemo",
        "canned": 7_900_006,
        "opt_out": 7_900_011,
        "consent": 7_900_012,
        "hold": 7_900_013,
        "erasure": uuid.uuid4(),
        "session": 7_900_009,
    }
    strangers = {"eve": eve, "administrator of another company": eve_admin, "colleague without the line": cili}
    own = {
        name: _own_things(user, sales_line if user is cili else rival_line) | {"me": user.pk, "fresh": uuid.uuid4()}
        for name, user in strangers.items()
    }
    return World(foreign, missing, strangers, own)


def _text(line, sender: str, body: str, at: datetime = NOW) -> Message:
    return receive_sms(
        line=line, provider_account="simulator:", provider_message_id=uuid.uuid4().hex, sender=sender, body=body, now=at
    ).message


def _private_matters(contact: Contact, line, by: User) -> dict[str, Any]:
    wish = OptOut.objects.create(pk=7_400_001, line=line, number=contact.number, source="sms", opted_out_at=NOW, ended_at=NOW)
    consent = Consent.objects.create(pk=7_400_002, contact=contact, purpose="Titkos hírlevél", source="Titkos", given_at=NOW)
    company = contact.subscriber
    hold = LegalHold.objects.create(
        pk=7_400_003,
        subscriber=company,
        contact=contact,
        reason="Titkos per",
        placed_by=by,
        placed_at=NOW,
        ended_at=NOW,
        ended_by=by,
    )
    erasure = Erasure.objects.create(
        subscriber=company, entry=7_900_100, asked_how="letter", requested_by=by, requested_at=NOW, state="finished"
    )
    return {"opt_out": wish.pk, "consent": consent.pk, "hold": hold.pk, "erasure": erasure.uuid}


def _call_matters(conversation: Conversation, told: User) -> dict[str, Any]:
    """Boti called, nobody answered, and Dana was told."""
    line = conversation.line
    told_of = Told(exchange_id="titkos-1", kind="missed", at=NOW, caller=BOTI, called=line.number, queue="Titkos sor")
    recorded = record_call_event(line=line, told=told_of, now=NOW)
    rule = CallRule.objects.create(
        pk=7_800_001,
        subscriber=line.subscriber,
        name="Titkos szabály",
        definition=Definition(trigger=Trigger.MISSED, steps=(Step(who=Who.PEOPLE, people=(told.pk,)),)).to_json(),
        created_at=NOW,
        updated_at=NOW,
    )
    RuleVersion.objects.create(rule=rule, number=1, name=rule.name, definition=rule.definition, is_active=True, at=NOW)
    run = RuleRun.objects.create(
        subscriber=line.subscriber, rule=rule, version=1, event=recorded.event, outcome=Outcome.MATCHED, at=NOW
    )
    promise = open_promise(call=recorded.call, rule=rule, due_at=NOW + timedelta(hours=1), now=NOW)
    telling = Telling.objects.create(
        run=run, step=0, user=told, channel="browser", state="told", body="Titkos értesítés", planned_at=NOW, told_at=NOW
    )
    node = MessageNode.objects.create(pk=7_800_002, subscriber=line.subscriber, name="Titkos pont", created_at=NOW)
    return {"call": recorded.call.uuid, "telling": telling.uuid, "promise": promise.uuid, "rule": rule.pk, "node": node.pk}


def _own_things(user: User, line) -> dict[str, Any]:
    message = _text(line, f"+3670555000{user.pk}", "Saját szöveg", NOW - timedelta(hours=1))
    return {"own": message.conversation_id, "own_contact": message.conversation.contact_id, "own_line": line.pk}


STRANGERS = ["eve", "administrator of another company", "colleague without the line"]
# What no stranger's answer may hold, whatever was asked.
SECRETS = re.compile(r"Titkos|Névtelen|999\s?000[12]|9990002")
# Within the company these are known to all.
SECRETS_ACROSS = re.compile(r"Kiss Boti|Kontakt|Support|Sales|Dana|205550123|20 555 0123")


def answer_to(browser: Browser, call: Call, words: dict[str, Any], headers: dict[str, str]):
    form = {name: value.format(**words) for name, value in call.form.items()}
    address = call.address.format(**{word: str(value).replace("+", "%2B") for word, value in words.items()})
    return (
        getattr(browser, call.method)(address, form, headers=headers)
        if form
        else getattr(browser, call.method)(address, headers=headers)
    )


def everything() -> dict[str, list[str]]:
    """All rows of the product, as text."""
    rooms = ["accounts", "lines", "contacts", "messaging", "events", "history", "privacy", "calls"]
    models = [model for room in rooms for model in apps.get_app_config(room).get_models(include_auto_created=True)]
    return {model._meta.label: sorted(map(repr, model._default_manager.values_list())) for model in models}


# --- The tables are complete -----------------------------------------------------------------------
def names_of(patterns: list[Any], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name or pattern.pattern}"


ALL_NAMES = sorted(set(names_of(get_resolver(ADDRESSES).url_patterns)))
NAMES = [name for name in ALL_NAMES if not name.startswith(("admin:", "operator:"))]


@pytest.mark.parametrize("name", NAMES)
def test_every_address_has_its_line_in_a_table(name):
    assert name in PRIVATE | PUBLIC, f"Say in tests/test_isolation.py, PRIVATE or PUBLIC, how {name!r} is called by a stranger."
    with override_settings(ROOT_URLCONF=ADDRESSES):
        words = dict.fromkeys(re.findall(r"{(\w+)}", str((PRIVATE | PUBLIC)[name])), "1")
        words |= dict.fromkeys(
            ["key", "failed", "message_uuid", "export", "import", "erasure", "call", "telling", "promise"], str(uuid.UUID(int=1))
        )
        for call in (PRIVATE | PUBLIC)[name]:
            assert resolve(call.address.format(**words).split("?")[0]).view_name == name


@pytest.mark.parametrize("name", sorted(PRIVATE | PUBLIC))
def test_no_line_of_the_tables_is_about_an_address_that_is_gone(name):
    assert name in NAMES


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_statement_has_its_line_in_the_table(word):
    assert word in STATEMENTS, f"Say in tests/test_isolation.py, STATEMENTS, what a stranger is answered to {word!r}."
    assert any(word in statement for statement in STATEMENTS[word])


# --- Strangers -------------------------------------------------------------------------------------
@pytest.fixture
def all_addresses():
    """As with DEMO=1 in the environment: the simulator's pages are there, too."""
    rooms = [*(app for app in project.INSTALLED_APPS if app != "simulator"), "simulator"]
    with override_settings(DEMO=True, INSTALLED_APPS=rooms, ROOT_URLCONF=ADDRESSES):
        yield


@pytest.mark.parametrize("name", [name for name in NAMES if name in PRIVATE])
@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_learns_and_changes_nothing(name, who, world):
    user = world.strangers[who]
    browser = Browser(user)
    is_across = user.subscriber_id != User.objects.get(username="dana").subscriber_id
    before = everything()
    for call in PRIVATE[name]:
        if call.is_across_companies and not is_across:
            continue
        for headers in ({}, FRAMES, HTMX):
            theirs = answer_to(browser, call, world.words(world.foreign, who), headers)
            nothing = answer_to(browser, call, world.words(world.missing, who), headers)
            said = world.without_names(theirs.text)
            assert theirs.status_code == nothing.status_code, call
            assert theirs.status_code == (call.status or theirs.status_code), call
            assert theirs.status_code < 500, call
            assert said == world.without_names(nothing.text), call
            assert _headers(theirs, world) == _headers(nothing, world), call
            assert not SECRETS.search(said), call
            assert not (is_across and SECRETS_ACROSS.search(said)), call
    assert everything() == before


def _headers(answer: Any, world: World) -> dict[str, str]:
    told = {name: world.without_names(value) for name, value in answer.headers.items()}
    told["Content-Security-Policy"] = re.sub(r"'nonce-[^']+'", "", told["Content-Security-Policy"])
    # Names of different length were asked for, and a second may have gone by.
    for name in ("Content-Length", "Expires"):
        told.pop(name, None)
    return told


@pytest.mark.parametrize("name", [name for name in NAMES if name in PUBLIC])
@pytest.mark.parametrize("who", ["nobody", *STRANGERS])
@pytest.mark.usefixtures("all_addresses")
def test_what_is_open_to_anybody_tells_and_changes_nothing_of_a_company(name, who, world):
    for call in PUBLIC[name]:
        browser = Browser(world.strangers.get(who))
        words = world.words(world.foreign, who) if who in STRANGERS else world.foreign
        before = everything()
        theirs = answer_to(browser, call, words, {})
        said = world.without_names(theirs.text)
        assert theirs.status_code == (call.status or theirs.status_code), call
        assert theirs.status_code < 500 or name == "health", call
        assert not SECRETS.search(said), call
        assert not SECRETS_ACROSS.search(said.replace("Dana", "") if name == "simulator:log_in_as" else said), call
        if call.status == 404:
            nothing = answer_to(browser, call, words | world.missing, {})
            assert (nothing.status_code, world.without_names(nothing.text)) == (404, said), call
        if name.startswith("gateway:"):
            assert 400 <= theirs.status_code < 500, call
        assert everything() == before, call


@pytest.mark.parametrize("name", [name for name in NAMES if name in PRIVATE])
def test_without_logging_in_there_is_only_the_log_in_page(name, world):
    before = everything()
    for call in PRIVATE[name]:
        words = world.words(world.foreign, "eve")
        page = answer_to(Browser(), call, words, {})
        assert page.status_code == 302, call
        assert page.url.startswith("/login/?next="), call
        if name not in FOR_THE_OPERATOR_TOO:
            for headers in (FRAMES, HTMX):
                assert answer_to(Browser(), call, words, headers).status_code == 401, call
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in NAMES if name in PRIVATE and name not in FOR_THE_OPERATOR_TOO])
def test_the_operators_staff_see_no_companys_messages(name, world, oper):
    for call in PRIVATE[name]:
        answer = answer_to(Browser(oper), call, world.words(world.foreign, "eve"), {})
        assert answer.status_code == 302, call
        assert answer.url in {"/admin/", "/operator/"}, call


# --- The operator's staff, acting for a company ----------------------------------------------------
def acting_for(subscriber: Any, oper: User) -> Browser:
    browser = verified(oper)
    assert browser.post(f"/operator/subscribers/{subscriber.pk}/act-as/", {"because": "They asked"}).status_code == 302
    return browser


def test_support_for_one_company_learns_and_changes_nothing_of_another(world, oper, rival):
    browser, before = acting_for(rival, oper), everything()
    for name in sorted(set(PRIVATE) - FOR_THE_OPERATOR_TOO):
        for call in PRIVATE[name]:
            words = world.words(world.foreign, "administrator of another company")
            nothing_there = world.words(world.missing, "administrator of another company")
            theirs, nothing = answer_to(browser, call, words, {}), answer_to(browser, call, nothing_there, {})
            assert (theirs.status_code, theirs.status_code < 500) == (nothing.status_code, True), call
            said = world.without_names(theirs.text)
            assert not SECRETS.search(said), call
            assert not SECRETS_ACROSS.search(said), call
    after = everything()
    own = {"accounts.AuditEntry", "events.Event", "accounts.Subscriber"}
    assert {label for label in before if before[label] != after[label]} <= own


def test_support_in_a_company_writes_nothing_into_its_own_row(world, oper, dana):
    browser = acting_for(dana.subscriber, oper)
    before = User.objects.filter(pk=oper.pk).values().get()
    words = words_of_the_company(world, oper)
    for name, calls in sorted(PRIVATE.items()):
        with undone():
            for call in calls:
                for method in {"post", call.method}:
                    done = Call(method, call.address, call.form)
                    answer = answer_to(browser, done, words | {"fresh": uuid.uuid4()}, {})
                    assert answer.status_code < 500, done
                    assert name not in ABOUT_ONESELF or answer.status_code == 403, done
            assert User.objects.filter(pk=oper.pk).values().get() == before, name
            assert not Export.objects.filter(user=oper).exists(), name
            assert not Conversation.objects.filter(assignee=oper).exists(), name


@pytest.mark.parametrize("name", [name for name, calls in PRIVATE.items() if any(call.status == 404 for call in calls)])
def test_whom_it_concerns_gets_in(name, world, dana):
    """Else the tests above could pass because a call is wrong for everybody."""
    for call in PRIVATE[name]:
        if call.status == 404 and not call.is_across_companies:
            words = world.words(world.foreign, "eve") | {"me": dana.pk, "fresh": uuid.uuid4()}
            Message.objects.filter(uuid=world.foreign["failed"]).update(status=Status.FAILED, deleted_at=None)
            assert answer_to(Browser(dana), call, words, FRAMES).status_code in {200, 204, 302, 409}, call


# --- Auditors see everything and change nothing ----------------------------------------------------
# Their own marker, filters and files.
OPEN_TO_AUDITORS = {"read", "unread", "filter_keep", "filter_forget", "exports", "export_cancel", "export_check"}
OPEN_TO_AUDITORS |= {"told_seen", "told_all_seen"}
OWN_ROWS = {"messaging.ReadMarker", "history.SavedFilter", "history.Export", "accounts.AuditEntry", "events.Event", "calls.Telling"}
# Their forms are of no use to who only reads.
SHUT_TO_AUDITORS = {"contact_block", "contact_delete", "contact_lookup", "contact_merge", "contact_new", "new_message"}
NOT_FOR_AUDITORS = SHUT_TO_AUDITORS | {"filter_forget"}
# Every log-in's own pages, that know no company.
ABOUT_ONESELF = {"settings", "own", "away", "session_end", "sessions_end_others", "two_factor"}


def views_by_name(patterns: list[Any]) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views_by_name(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield str(pattern.name), pattern.callback


def test_only_what_is_ones_own_is_open_to_auditors():
    views = dict(views_by_name(get_resolver(ADDRESSES).url_patterns))
    assert {name for name, view in views.items() if hasattr(view, "is_open_to_auditors")} == OPEN_TO_AUDITORS
    assert {name for name, view in views.items() if hasattr(view, "is_shut_to_auditors")} == SHUT_TO_AUDITORS


@contextmanager
def undone() -> Iterator[None]:
    """What is done in the block is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def words_of_the_company(world: World, user: User) -> dict[str, Any]:
    """As somebody of Kontakt Kft. would call: its things are their own."""
    own = {"own": world.foreign["conversation"], "own_contact": world.foreign["contact"], "own_line": world.foreign["line"]}
    return world.words(world.foreign, "eve") | own | {"me": user.pk}


def test_an_auditor_changes_nothing(world, aron):
    """Every address is also posted to, whatever its table says."""
    browser, words, before = Browser(aron), words_of_the_company(world, aron), everything()
    own_row = next(row for row in before["accounts.User"] if repr(aron.username) in row)
    for name, calls in sorted(PRIVATE.items()):
        with undone():
            for call in calls:
                for headers in ({}, FRAMES, HTMX):
                    posted = Call("post", call.address, call.form if call.method == "post" else {})
                    answer = answer_to(browser, posted, words | {"fresh": uuid.uuid4()}, headers)
                    is_open = name in OPEN_TO_AUDITORS | ABOUT_ONESELF
                    assert answer.status_code < 500 if is_open else answer.status_code in {403, 405}, (call, answer.status_code)
            after = everything()
        assert own_row in after["accounts.User"], name
        own = OWN_ROWS if name in OPEN_TO_AUDITORS else set()
        # An event takes the company's next number.
        assert {label for label in before if before[label] != after[label]} - own <= ({"accounts.Subscriber"} if own else set()), (
            name
        )


def test_an_auditor_reads_what_colleagues_read(world, aron):
    browser, words = Browser(aron), words_of_the_company(world, aron) | {"fresh": uuid.uuid4()}
    for name in sorted(set(PRIVATE) - ADMINISTRATORS_ONLY - NOT_FOR_AUDITORS):
        for call in PRIVATE[name]:
            if call.method == "get" and call.status == 404:
                assert answer_to(browser, call, words, {}).status_code in {200, 302}, call
    for name in sorted(SHUT_TO_AUDITORS):
        for call in PRIVATE[name]:
            assert answer_to(browser, call, words, {}).status_code == 403, call


@pytest.mark.parametrize("name", sorted(ADMINISTRATORS_ONLY))
def test_a_companys_own_pages_are_for_its_administrators(name, world, dana, sam, ada):
    browsers = [Browser(dana), Browser(sam)]
    before = everything()
    for call in PRIVATE[name]:
        for browser in browsers:
            for headers in ({}, FRAMES, HTMX):
                assert answer_to(browser, call, world.words(world.foreign, "eve"), headers).status_code == 403, call
    assert everything() == before
    for call in PRIVATE[name]:
        answer = answer_to(Browser(ada), call, world.words(world.foreign, "eve"), {})
        assert answer.status_code in {200, 302, 422}, call


def test_another_companys_message_is_not_told_to_who_knows_its_uuid(world):
    browser = Browser(world.strangers["eve"])
    own = world.own["eve"]["own"]
    answer = browser.say(f"/conversations/{own}/send/", uuid=world.foreign["message_uuid"], body="Szia!")
    assert answer.status_code == 422
    assert not SECRETS.search(answer.text)


# --- The operator's admin --------------------------------------------------------------------------
def admin_addresses(patterns: list[Any], prefix: str, pk: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = re.sub(r"<path:\w+>|\(\?P<url>\.\*\)", pk, str(pattern.pattern))
        address = prefix + re.sub(r"\(\?P<app_label>(\w+)[^)]*\)|[\^$]", r"\1", route)
        if isinstance(pattern, URLResolver):
            yield from admin_addresses(pattern.url_patterns, address, pk)
        else:
            yield f"admin:{pattern.name or pattern.pattern}", address


(ADMIN,) = [one for one in get_resolver(ADDRESSES).url_patterns if getattr(one, "namespace", None) == "admin"]


# The staff's own second step is missing here.
@pytest.mark.parametrize("who", ["nobody", "dana", "ada", "sam", "eve", "oper"])
def test_the_admin_is_closed_to_everybody_but_the_operators_staff(who, world, request):
    browser = Browser(None if who == "nobody" else request.getfixturevalue(who))
    before = everything()
    for pk in (str(world.foreign["conversation"]), str(world.missing["conversation"])):
        for name, address in admin_addresses(ADMIN.url_patterns, "/admin/", pk):
            if name in ADMIN_FOR_ALL:
                continue
            for method in ("get", "post"):
                answer = getattr(browser, method)(address)
                assert answer.status_code == 302, (name, address)
                assert answer.url.startswith("/admin/login/?next=/admin/"), (name, address)
    assert "Titkos" not in browser.get("/admin/login/").text
    assert everything() == before


# --- The operator's pages --------------------------------------------------------------------------
(OPERATOR,) = [one for one in get_resolver(ADDRESSES).url_patterns if getattr(one, "namespace", None) == "operator"]


def operator_addresses(world: World) -> list[str]:
    """Each with the id of Kontakt Kft. or of its line, where it asks for one."""
    routes = [str(pattern.pattern) for pattern in OPERATOR.url_patterns]
    places = {"int": str(world.foreign["line"]), "uuid": str(world.foreign["key"]), "slug": "kontakt", "str": "kontakt"}
    return ["/operator/" + re.sub(r"<(\w+):\w+>", lambda place: places[place[1]], route) for route in routes]


@pytest.mark.parametrize("who", ["dana", "sam", "ada", "eve"])
def test_the_operators_pages_are_forbidden_to_every_companys_people(who, world, request):
    browser = Browser(request.getfixturevalue(who))
    before = everything()
    for address in operator_addresses(world):
        for method in ("get", "post"):
            assert getattr(browser, method)(address).status_code in {403, 405}, (method, address)
        assert 403 in {browser.get(address).status_code, browser.post(address).status_code}, address
    assert everything() == before


def test_the_operators_pages_ask_for_a_log_in_and_its_second_step(world, oper):
    browsers = ((Browser(), "/login/"), (Browser(oper), "/settings/two-factor/"))
    before = everything()
    for browser, leads_to in browsers:
        for address in operator_addresses(world):
            answers = [getattr(browser, method)(address) for method in ("get", "post")]
            led = [unquote(answer.url).startswith(f"{leads_to}?next=/operator/") for answer in answers if answer.status_code == 302]
            assert led, address
            assert all(led), address
            assert {answer.status_code for answer in answers} <= {302, 405}, address
    assert everything() == before


# --- The socket ------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", sorted(WORDS))
@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.usefixtures("on_disk")
@pytest.mark.django_db(transaction=True)
async def test_a_strangers_statement_is_answered_like_one_about_nothing(word, who, world, dana, tab_of):  # noqa: F811
    hers, strangers = await tab_of(dana), await tab_of(world.strangers[who])
    await hers.says(open=world.foreign["conversation"])
    await hers.sees("live-presence")
    for statement in STATEMENTS[word]:
        theirs = await _answers(strangers, statement, world.foreign)
        nothing = await _answers(strangers, statement, world.missing)
        assert world.without_names(theirs) == world.without_names(nothing)
        assert not SECRETS.search(theirs)
        assert world.strangers[who].subscriber == dana.subscriber or not SECRETS_ACROSS.search(theirs)
    # And she who has it open hears of nobody.
    assert await hers.has_heard_nothing()


async def _answers(tab, statement: dict[str, str | int], ids: dict[str, Any]) -> str:
    """All that is told until an answer to something else comes."""
    await tab.says(**{word: ids.get(str(value), value) for word, value in statement.items()})
    await tab.says(since=2**62)
    told = []
    while not (text := await tab.gets()).startswith("<live-reload>"):
        told.append(text)
    return "".join(told)
