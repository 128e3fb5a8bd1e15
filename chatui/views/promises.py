"""Call-back promises: somebody says that a customer was called back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatui.access import conversation_or_404, for_people_with_sms, may_write_from
from chatui.answers import say_no, show_changes
from server.calls.models import Promise
from server.calls.promises import finish_promise

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse


@require_POST
@for_people_with_sms
def promise_done(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Whoever may write from the line may say so; twice does no harm."""
    promise = Promise.objects.filter(uuid=uuid, subscriber=request.user.subscriber_id).first()
    if promise is None:
        raise Http404
    conversation = conversation_or_404(request.user, promise.conversation_id)
    if not may_write_from(request.user, conversation.line):
        return say_no(request, conversation.pk, _("Nothing was changed: you may read this line but not write from it."))
    finish_promise(promise=promise, by=request.user, now=now())
    return show_changes(request, conversation.pk, promise)
