"""Fetching with permission: what a person may not see is the same 404 as what does not exist."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers

from server.accounts.models import Role, User
from server.contacts.importing.rights import may_import
from server.lines.models import Line, LineAccess
from server.messaging.models import Conversation, Message

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest


SAFE = {"GET", "HEAD", "OPTIONS"}


def open_to_auditors(view):
    """Marks what changes only a person's own things: whoever only reads may do it, too; all else is refused to them."""
    view.is_open_to_auditors = True
    return view


def for_people_with_sms(view):
    """Only a subscriber's people, and only while the operator has switched SMS on for them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        user = request.user
        if not user.is_authenticated:
            return _to_log_in(request)
        if user.subscriber_id is None:
            return redirect("operator:subscribers")
        if not user.subscriber.has_sms:
            return _service_is_off(request)
        _refuse_changes_by_auditors(request, view)
        response = view(request, *args, **kwargs)
        # The same address is a page or a part of one: a browser's Back must not show the part alone.
        patch_vary_headers(response, ("HX-Request", "HX-Request-Type", "X-Fonal"))
        return response

    return guarded


def _service_is_off(request: HttpRequest):
    response = render(request, "chatui/service_off.html", status=403)
    if request.htmx:
        # It can't be put into another page's place: that page is loaded anew, and is it.
        response.headers["HX-Refresh"] = "true"
    return response


def for_people_with_chat(view):
    """Chat is a supplement of its own: without it there is only Messages."""

    @for_people_with_sms
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not request.user.subscriber.has_chat:
            if request.method in {"GET", "HEAD"} and request.resolver_match.url_name == "chat":
                return redirect("messages")
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def for_people_who_export(view):
    """Who may take messages away as a file: supervisors, administrators and, where it is allowed, colleagues."""

    @for_people_with_sms
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not request.user.may_export:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def for_people_who_import(view):
    """Who may bring contacts in: supervisors and administrators; what they bring is everybody's in the company."""

    @for_people_with_sms
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not may_import(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def for_people_who_see_rules(view):
    """Who may read call logic's rules: supervisors, administrators and auditors."""

    @for_people_with_sms
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not request.user.sees_all_lines:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def for_people_who_make_rules(view):
    """Who may change call logic: administrators, while the company has SMS."""

    @for_people_with_sms
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not request.user.administers:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def for_people_of_a_company(view):
    """Everybody of a company, whether its services are switched on or not."""
    return _for_some_of_the_company(view, lambda user: True)


def for_administrators(view):
    """The company's administrators, whether its services are switched on or not."""
    return _for_some_of_the_company(view, lambda user: user.administers)


def for_administrators_who_export(view):
    """Administrators themselves: the operator's staff who act for one take nothing of a company's people away."""
    return _for_some_of_the_company(view, lambda user: user.administers and user.may_export)


def for_people_who_audit(view):
    """Who may read the audit log: administrators and auditors."""
    return _for_some_of_the_company(view, lambda user: user.administers or user.only_reads)


def _for_some_of_the_company(view, may):
    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if not request.user.is_authenticated:
            return _to_log_in(request)
        if request.user.subscriber_id is None:
            return redirect("operator:subscribers")
        if not may(request.user):
            raise PermissionDenied
        _refuse_changes_by_auditors(request, view)
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ("HX-Request", "HX-Request-Type", "X-Fonal"))
        return response

    return guarded


def not_for_auditors(view):
    """What only leads to a change is not even shown to who only reads; below for_people_with_sms."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs):
        if request.user.only_reads:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guarded.is_shut_to_auditors = True
    return guarded


def _refuse_changes_by_auditors(request: HttpRequest, view) -> None:
    if request.user.only_reads and request.method not in SAFE and not getattr(view, "is_open_to_auditors", False):
        raise PermissionDenied


def conversation_or_404(user: User, conversation_id: int) -> Conversation:
    conversation = Conversation.objects.visible_to(user).with_row().filter(pk=conversation_id).first()
    if conversation is None:
        raise Http404
    return conversation


def message_or_404(user: User, uuid: UUID) -> Message:
    messages = Message.objects.visible_to(user).select_related("conversation__line__subscriber", "conversation__contact", "author")
    message = messages.filter(uuid=uuid).first()
    if message is None:
        raise Http404
    return message


def may_write_from(user: User, line: Line) -> bool:
    """Whether the person was given the line for writing, too; it may be switched off."""
    if user.only_reads:
        return False
    return user.sees_all_lines or LineAccess.objects.filter(line=line, user=user, can_send=True).exists()


def colleagues_of(user: User):
    """The active people of the same subscriber, by name."""
    return User.objects.filter(subscriber_id=user.subscriber_id, is_active=True).exclude(subscriber_id=None).order_by("name")


def who_take_part(user: User):
    """The colleagues who can be given a conversation or mentioned: not those who only read."""
    return colleagues_of(user).exclude(role=Role.AUDITOR)


def number_in(text: str | None) -> int | None:
    """The number that somebody's text is; None for anything that can't be an id of ours."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else None


def _to_log_in(request: HttpRequest):
    if request.headers.get("X-Fonal") or request.headers.get("HX-Request"):
        # A script can't follow a log-in page: tell it to go there.
        return render(request, "chatui/live/_log_in.html", status=401)
    from django.contrib.auth.views import redirect_to_login

    return redirect_to_login(request.get_full_path())
