"""What became of a message: delivery facts for the operator's staff. The words are the subscriber's and are not shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from gateway.models import WebhookReceipt
from server.accounts.models import AuditEntry
from server.contacts.models import OptOut
from server.lines.models import secrets_of
from server.messaging.models import Conversation, DeliveryReport, Message
from server.messaging.reasons import Reason
from server.operator_site import ReadOnly, by, column

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

# Parameters of any provider in which the text itself comes.
TEXTS = frozenset({"body", "text", "message", "content"})

created_at = column("created_at", _("Created"))
received_at = column("received_at", _("Received"))
status = column("status", _("Status"))
direction = column("direction", _("Direction"))
provider = column("provider", _("Provider"))
provider_code = column("provider_code", _("Provider's code"))
provider_message_id = column("provider_message_id", _("Provider's id"))
subscriber = column("subscriber", _("Subscriber"))
outcome = column("outcome", _("Outcome"))
kind = column("kind", _("Kind"))
signature_ok = column("signature_ok", _("Signature right"))
line_id = column("line_id", _("Line"))


@admin.display(description=_("Reason"))
def reason(message: Message) -> str:
    return str(Reason(message.reason).label) if message.reason in Reason.values else message.reason


class DeliveryReportInline(admin.TabularInline[DeliveryReport, Message]):
    model = DeliveryReport
    shown = (
        received_at,
        status,
        column("provider_status", _("Provider's word")),
        provider_code,
        provider_message_id,
    )
    extra = 0
    can_delete = False
    ordering = ("received_at",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OfConversation(ReadOnly):
    """Shows the line, without deciphering its secrets, and the number of the contact."""

    @admin.display(description=_("Line"))
    def of_line(self, row: Any) -> str:
        return str(getattr(row, "conversation", row).line)

    @admin.display(description=_("Number"))
    def of_number(self, row: Any) -> str:
        return getattr(row, "conversation", row).contact.display_number  # type: ignore[no-any-return]


@admin.register(Message)
class MessageAdmin(OfConversation):
    list_display = (created_at, direction, status, "of_line", "of_number", column("segments", _("Segments")), reason, provider_code)
    list_filter = (
        by("status", _("Status"), admin.ChoicesFieldListFilter),
        by("direction", _("Direction"), admin.ChoicesFieldListFilter),
        by("origin", _("Origin"), admin.ChoicesFieldListFilter),
    )
    search_fields = ("uuid",)
    search_help_text = _("A message's uuid, the provider's id, or a number in full")
    ordering = ("-created_at", "-id")
    # Counting millions of rows for a headline is not worth it.
    show_full_result_count = False
    shown = (
        column("uuid", _("Reference")), subscriber, "of_line", "of_number", direction, status, column("origin", _("Origin")),
        column("author", _("Author")), column("encoding", _("Encoding")), column("segments", _("Segments")),
        column("provider_account", _("Provider's account")), provider_message_id, reason, provider_code,
        column("attempts", _("Attempts")), column("next_attempt_at", _("Next attempt")), created_at,
        column("attempted_at", _("Attempted")), column("sent_at", _("Sent")), column("delivered_at", _("Delivered")),
        column("failed_at", _("Failed")), column("deleted_at", _("Taken back")),
    )  # fmt: skip
    inlines = (DeliveryReportInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        messages = super().get_queryset(request).select_related("conversation__line", "conversation__contact", "subscriber")
        return messages.defer("body", *secrets_of("conversation__line"))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        try:
            return queryset.filter(uuid=UUID(wanted)), False
        except ValueError:
            pass
        if wanted.startswith("+"):
            return queryset.filter(conversation__contact__number=wanted.replace(" ", "")), False
        return queryset.filter(provider_message_id=wanted), False


@admin.register(Conversation)
class ConversationAdmin(OfConversation):
    list_display = (
        column("latest_at", _("Last activity")), "of_line", "of_number", column("assignee", _("Assignee")),
        column("waiting_since", _("Waiting since")), column("done_at", _("Done")), column("inbound_count", _("Incoming")),
    )  # fmt: skip
    search_fields = ("contact__number",)
    ordering = ("-latest_at", "-id")
    show_full_result_count = False
    shown = (subscriber, created_at, *list_display)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).select_related("line", "contact", "assignee", "subscriber")
        return found.defer(*secrets_of("line"))


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnly):
    list_display = (received_at, provider, kind, line_id, signature_ok, outcome, provider_message_id)
    # Not by outcome: to offer those that there are, the database would read all of them.
    list_filter = (by("signature_ok", _("Signature right"), admin.BooleanFieldListFilter),)
    search_fields = ("=provider_message_id",)
    ordering = ("-received_at", "-id")
    show_full_result_count = False
    shown = (*list_display, "parameters")

    @admin.display(description=_("Parameters"))
    def parameters(self, receipt: WebhookReceipt) -> str:
        return json.dumps(_without_texts(receipt.raw), ensure_ascii=False, indent=1)


@admin.register(OptOut)
class OptOutAdmin(ReadOnly):
    """Not the words with which somebody stopped: they are the subscriber's."""

    list_display = (
        column("opted_out_at", _("Since")), column("number", _("Number")), column("line", _("Line")),
        column("source", _("Source")), column("ended_at", _("Ended")),
    )  # fmt: skip
    search_fields = ("number",)
    ordering = ("-opted_out_at", "-id")
    show_full_result_count = False
    shown = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("line").defer(*secrets_of("line"))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = (
        column("at", _("Time")), column("actor", _("Who")), column("action", _("What")), column("target", _("Whom or what")),
        subscriber, column("address", _("IP address")),
    )  # fmt: skip
    list_select_related = ("actor", "subscriber")
    search_fields = ("=action", "target", "actor__username")
    ordering = ("-at", "-id")
    show_full_result_count = False
    shown = (*list_display, column("is_support", _("For support")), "details")

    @admin.display(description=_("Details"))
    def details(self, entry: AuditEntry) -> str:
        return json.dumps(entry.detail, ensure_ascii=False, indent=1)


def _without_texts(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {name: "(not shown)" if str(name).lower() in TEXTS else _without_texts(value) for name, value in raw.items()}
    return [_without_texts(value) for value in raw] if isinstance(raw, list) else raw
