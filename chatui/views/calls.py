"""Calls: the list of them, one with all that came of it, and why somebody was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chatui.access import for_people_with_sms, may_write_from, number_in
from chatui.call_pages import Asked, news_since, page_of
from chatui.call_reasons import looked_at, why_them
from server.accounts.models import Subscriber
from server.calls.clearing import KEPT_FOR
from server.calls.models import Call, CallEvent, RuleRun, RuleStep, Telling
from server.calls.promises import say_called_back
from server.calls.story import with_line
from server.cursor import read_cursor
from server.lines.models import Line
from server.messaging.models import Message, Origin

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@require_safe
@for_people_with_sms
def calls(request: HttpRequest) -> HttpResponse:
    """The calls, newest first; for htmx only those found, or the next page of them."""
    user, asked, cursor = request.user, Asked.from_query(request.GET), read_cursor(request.GET.get("after", ""))
    # First: what happens later will be told.
    position = Subscriber.objects.values_list("last_event", flat=True).get(pk=user.subscriber_id)
    context = {"asked": asked, "page": page_of(user, asked, cursor), "position": position, "is_first_page": cursor is None}
    if request.htmx and cursor is not None:
        return render(request, "chatui/_call_rows.html", context)
    if request.htmx and request.headers.get("HX-Request-Type") != "full":
        response = render(request, "chatui/_calls.html", context)
        response["HX-Replace-Url"] = reverse("calls") + (f"?{asked.query}" if asked.query else "")
        return response
    lines = Line.objects.visible_to(user).order_by("label")
    return render(request, "chatui/calls.html", context | {"lines": lines, "place": "call_logic", "tab": "calls"})


@require_safe
@never_cache
@for_people_with_sms
def calls_changes(request: HttpRequest) -> HttpResponse:
    """What happened after event `since` to the rows of a list, for a page that shows them."""
    since = number_in(request.GET.get("since"))
    if since is None:
        return HttpResponseBadRequest()
    news = news_since(user=request.user, since=since, asked=Asked.from_query(request.GET))
    return render(request, "chatui/live/calls.html", {"news": news})


@require_safe
@for_people_with_sms
def call(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Everything that happened in a call, and what each rule made of it."""
    return _story_of(request, uuid)


@require_POST
@for_people_with_sms
def call_called_back(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Somebody has called back on a telephone that no exchange tells of; twice does no harm."""
    chosen = Call.objects.visible_to(request.user).select_related("line").filter(uuid=uuid).first()
    if chosen is None:
        raise Http404
    if not may_write_from(request.user, chosen.line):
        raise PermissionDenied
    say_called_back(call=chosen, by=request.user, now=now())
    return _story_of(request, uuid) if request.htmx else redirect("call", uuid)


def _story_of(request: HttpRequest, uuid: UUID) -> HttpResponse:
    chosen = _with_all(Call.objects.visible_to(request.user)).filter(uuid=uuid).first()
    if chosen is None:
        raise Http404
    events = list(chosen.events.all())
    looked = looked_at([run for event in events for run in event.runs.all()], subscriber_id=chosen.subscriber_id)
    by_event = [(event, [one for one in looked if one.run.event_id == event.pk]) for event in events]
    promises = chosen.promises.select_related("kept_by").order_by("made_at")
    context = {
        "call": chosen,
        "events": by_event,
        "promises": promises,
        "forgotten_before": now() - KEPT_FOR,
        "may_write": may_write_from(request.user, chosen.line),
    }
    return _shown(request, "call", context)


@require_safe
@for_people_with_sms
def why(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Why somebody was told of a call, or was not; for whoever may see the call, and for the one who was told."""
    user = request.user
    telling = _tellings().filter(uuid=uuid, run__subscriber=user.subscriber_id).first()
    if telling is None:
        return _why_unknown(request, uuid)
    told_of = with_line(Call.objects.filter(pk=telling.run.event.call_id)).select_related("conversation__contact").get()
    may_see_call = Call.objects.visible_to(user).filter(pk=told_of.pk).exists()
    if not may_see_call and telling.user_id != user.pk:
        raise Http404
    (looked,) = looked_at([telling.run], subscriber_id=telling.run.subscriber_id)
    context = {
        "telling": telling,
        "call": told_of,
        "looked": looked,
        "because": why_them(telling, looked),
        "is_mine": telling.user_id == user.pk,
        "may_see_call": may_see_call,
        "others": [other for other in telling.run.tellings.all() if other.step == telling.step and other.pk != telling.pk],
    }
    return _shown(request, "why", context)


def _why_unknown(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """An automatic message of which no more is known, as what is old is forgotten."""
    message = Message.objects.visible_to(request.user).filter(uuid=uuid, origin=Origin.RULE).first()
    if message is None:
        raise Http404
    return _shown(request, "why", {"message": message})


def _shown(request: HttpRequest, name: str, context: dict) -> HttpResponse:
    """As a page, or as what a dialog shows."""
    context |= {"place": "call_logic", "tab": "calls", "zone": request.user.subscriber.timezone}
    return render(request, f"chatui/_{name}_story.html" if request.htmx else f"chatui/{name}.html", context)


def _with_all(calls: QuerySet[Call]) -> QuerySet[Call]:
    """A call with all that its page tells."""
    return (
        with_line(calls)
        .select_related("conversation__contact")
        .prefetch_related(
            Prefetch("events", CallEvent.objects.select_related("node").order_by("at", "id")),
            Prefetch("events__runs", RuleRun.objects.select_related("rule").order_by("rule__position", "rule_id")),
            Prefetch("events__runs__steps", RuleStep.objects.order_by("number")),
            Prefetch("events__runs__tellings", _told()),
        )
    )


def _tellings() -> QuerySet[Telling]:
    """With the rule's run and all that it told."""
    return (
        _told()
        .select_related("run__rule", "run__event")
        .prefetch_related(Prefetch("run__tellings", _told()), Prefetch("run__steps", RuleStep.objects.order_by("number")))
    )


def _told() -> QuerySet[Telling]:
    return Telling.objects.select_related("user", "message").defer("message__words").order_by("step", "id")
