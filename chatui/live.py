"""Asking instead of being told: the same frames by HTTP, for when the socket can't be had."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBadRequest
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatui.access import conversation_or_404, for_people_with_chat
from chatui.admission import Person
from chatui.feed import look, position
from chatui.rendering import RELOAD
from chatui.viewer import concerns_rights, is_for
from server.lines.models import Line

LARGEST_NUMBER = 2**63


@require_safe
@never_cache
@for_people_with_chat
def catch_up(request):
    """What happened after event `since`, for the lists and for the thread of conversation `open`."""
    user = request.user
    try:
        since, open_id = _number(request.GET["since"]), _number(request.GET.get("open") or "0") or None
    except (KeyError, ValueError):
        return HttpResponseBadRequest()
    if open_id is not None:
        conversation_or_404(user, open_id)
    lines = frozenset(Line.objects.visible_to(user).values_list("pk", flat=True))
    person = Person(user.pk, user.name, user.language, user.subscriber_id, lines)
    seen = look(user.subscriber_id, since, [user.language], opened={open_id})
    if seen.must_reload or any(concerns_rights(event, person) for event in seen.events):
        return HttpResponse(RELOAD + position(seen.upto))
    frames = [frame.text for frame in seen.frames[user.language] if is_for(frame, person, open_id)]
    return HttpResponse("".join([*frames, position(seen.upto, replayed=len(seen.events))]))


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < LARGEST_NUMBER:
        raise ValueError(text)
    return number
