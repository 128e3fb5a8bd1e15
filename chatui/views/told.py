"""Putting notices of calls away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from chatui.access import for_people_with_sms, open_to_auditors
from chatui.answers import wants_frames
from chatui.rendering import seen_html
from server.calls import notices

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from django.http import HttpRequest


@require_POST
@for_people_with_sms
@open_to_auditors
def seen(request: HttpRequest, uuid: UUID) -> HttpResponse:
    if not notices.mark_seen(user=request.user, uuid=uuid, now=now()):
        raise Http404
    return _answer(request, [uuid])


@require_POST
@for_people_with_sms
@open_to_auditors
def all_seen(request: HttpRequest) -> HttpResponse:
    put_away = notices.mark_all_seen(user=request.user, now=now())
    return _answer(request, [notice.uuid for notice in put_away])


def _answer(request: HttpRequest, uuids: Iterable[UUID]) -> HttpResponse:
    if wants_frames(request):
        return HttpResponse("".join(seen_html(uuid) for uuid in uuids))
    # Without scripts the person stays on the page where the notice stood.
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(came_from if is_ours else reverse("calls"))
