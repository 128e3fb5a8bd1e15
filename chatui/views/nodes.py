"""Message nodes: their names, and the addresses that an exchange calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_who_make_rules, for_people_who_see_rules
from chatui.administering import lead_to, show
from server.calls import nodes as verbs
from server.calls.models import MessageNode
from server.calls.rules import live_rules
from server.lines.models import Line

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

WHAT_IS_WRONG = {
    verbs.NodeNameTaken: gettext_lazy("There is a message node of this name already."),
    verbs.NodeNameMissing: gettext_lazy("Please write the name."),
    verbs.TooManyNodes: gettext_lazy("There is room for no more. Delete one that is not needed first."),
}


@require_safe
@for_people_who_see_rules
def nodes(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@for_people_who_make_rules
def node_add(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "")[:200]
    try:
        node = verbs.add_node(subscriber=request.user.subscriber, name=name, by=request.user, now=now())
    except tuple(WHAT_IS_WRONG) as refusal:
        return _page(request, status=422, typed=name, problem=WHAT_IS_WRONG[type(refusal)])
    messages.success(request, _("The message node is there: %(name)s.") % {"name": node.name})
    return redirect(reverse("nodes") + f"#node-{node.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_make_rules
def node_rename(request: HttpRequest, node_id: int) -> HttpResponse:
    node = _node_or_404(request.user, node_id)
    typed, problem = request.POST.get("name", node.name)[:200], ""
    if request.method == "POST":
        try:
            verbs.rename_node(node=node, name=typed, by=request.user, now=now())
        except (verbs.NodeNameTaken, verbs.NodeNameMissing) as refusal:
            problem = WHAT_IS_WRONG[type(refusal)]
        else:
            return lead_to(request, "nodes", place=f"#node-{node.pk}")
    context = {"place": "call_logic", "node": node, "typed": typed, "problem": problem}
    return show(request, "chatui/_node_rename.html", context, title=_("Rename"), status=422 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_make_rules
def node_delete(request: HttpRequest, node_id: int) -> HttpResponse:
    node = _node_or_404(request.user, node_id)
    if request.method == "POST":
        verbs.delete_node(node=node, by=request.user, now=now())
        messages.success(request, _("Deleted: %(name)s.") % {"name": node.name})
        return lead_to(request, "nodes")
    waiting = [rule.name for rule in live_rules(request.user.subscriber) if rule.says.node == node.pk]
    said = [_("Its address answers no more: an exchange that still calls it gets an error.")]
    if waiting:
        said.append(_("These rules wait for it: %(rules)s.") % {"rules": ", ".join(waiting)})
    title = _("Delete the message node %(name)s?") % {"name": node.name}
    context = {
        "place": "call_logic",
        "question": title,
        "said": said,
        "yes": _("Delete"),
        "action": reverse("node_delete", args=[node.pk]),
        "back": reverse("nodes"),
    }
    return show(request, "chatui/_sure.html", context, title=title)


def _page(request: HttpRequest, status: int = 200, **shown) -> HttpResponse:
    ours = request.user.subscriber
    context = {
        "place": "call_logic",
        "tab": "nodes",
        "nodes": [{"node": node, "addresses": _addresses(request.user, node)} for node in verbs.live_nodes(ours)],
    }
    return render(request, "chatui/nodes.html", context | shown, status=status)


def _addresses(user: User, node: MessageNode) -> list[tuple[str, str]]:
    """By line; they are secrets, and of use only to who sets up the exchange."""
    if not user.administers:
        return []
    lines = Line.objects.filter(subscriber=node.subscriber, is_active=True).order_by("label", "pk").only("key", "label")
    return [(line.label, settings.PUBLIC_URL + reverse("gateway:node", args=[line.key, node.key])) for line in lines]


def _node_or_404(user: User, node_id: int) -> MessageNode:
    nodes = MessageNode.objects.select_related("subscriber")
    node = nodes.filter(subscriber=user.subscriber, pk=node_id, deleted_at=None).first()
    if node is None:
        raise Http404
    return node
