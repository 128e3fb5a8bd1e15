"""What became of a message: delivery facts for the operator's staff. The words are the subscriber's and are not shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from gateway.models import WebhookReceipt
from server.messaging.models import Conversation, DeliveryReport, Message
from server.operator_site import ReadOnly

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

# Parameters of any provider in which the text itself comes.
TEXTS = frozenset({"body", "text", "message", "content"})


class DeliveryReportInline(admin.TabularInline[DeliveryReport, Message]):
    model = DeliveryReport
    fields = readonly_fields = ("received_at", "status", "provider_status", "provider_code", "provider_message_id")
    extra = 0
    can_delete = False
    ordering = ("received_at",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = (
        "created_at",
        "direction",
        "status",
        "line",
        "number",
        "segments",
        "reason",
        "provider_code",
        "provider_message_id",
    )
    list_filter = ("status", "direction", "origin")
    list_select_related = ("conversation__line", "conversation__contact")
    search_fields = ("uuid",)
    search_help_text = _("A message's uuid, the provider's id, or a number in full")
    ordering = ("-created_at", "-id")
    # Counting millions of rows for a headline is not worth it.
    show_full_result_count = False
    fields = (
        "uuid", "subscriber", "line", "number", "direction", "status", "origin", "author", "encoding", "segments",
        "provider_account", "provider_message_id", "reason", "provider_code", "attempts", "next_attempt_at",
        "created_at", "attempted_at", "sent_at", "delivered_at", "failed_at", "deleted_at",
    )  # fmt: skip
    inlines = (DeliveryReportInline,)

    @admin.display(description=_("Line"))
    def line(self, message: Message) -> str:
        return str(message.conversation.line)

    @admin.display(description=_("Number"))
    def number(self, message: Message) -> str:
        return message.conversation.contact.display_number

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
class ConversationAdmin(ReadOnly):
    list_display = ("latest_at", "line", "number", "assignee", "waiting_since", "done_at", "inbound_count", "has_failed")
    list_select_related = ("line", "contact", "assignee")
    search_fields = ("contact__number",)
    ordering = ("-latest_at", "-id")
    show_full_result_count = False
    fields = (
        "subscriber", "line", "number", "assignee", "created_at", "latest_at", "waiting_since", "done_at",
        "inbound_count", "has_failed",
    )  # fmt: skip

    @admin.display(description=_("Number"))
    def number(self, conversation: Conversation) -> str:
        return conversation.contact.display_number


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnly):
    list_display = ("received_at", "provider", "kind", "line_id", "signature_ok", "outcome", "provider_message_id")
    list_filter = ("provider", "kind", "signature_ok", "outcome")
    search_fields = ("=provider_message_id",)
    ordering = ("-received_at", "-id")
    show_full_result_count = False
    fields = ("received_at", "provider", "kind", "line_id", "provider_message_id", "signature_ok", "outcome", "parameters")
    readonly_fields = ("parameters",)

    @admin.display(description=_("Parameters"))
    def parameters(self, receipt: WebhookReceipt) -> str:
        return json.dumps(_without_texts(receipt.raw), ensure_ascii=False, indent=1)


def _without_texts(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {name: "(not shown)" if str(name).lower() in TEXTS else _without_texts(value) for name, value in raw.items()}
    return [_without_texts(value) for value in raw] if isinstance(raw, list) else raw
