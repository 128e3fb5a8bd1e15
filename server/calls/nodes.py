"""Message nodes: places in an exchange's call flow, each with an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.invitations import plain_name
from server.accounts.models import Subscriber, record_audit
from server.calls.models import MessageNode
from server.events.log import record
from server.events.models import Kind
from server.wording import fold

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User

LONGEST_NAME = 80
MOST_NODES = 100


class NodeNameTaken(ValueError):
    """The company has a node of this name, whatever its case and accents."""


class NodeNameMissing(ValueError):
    """A node needs a name."""


class TooManyNodes(ValueError):
    """The company has a hundred of them."""


def live_nodes(subscriber: Subscriber) -> QuerySet[MessageNode]:
    return MessageNode.objects.filter(subscriber=subscriber, deleted_at=None).order_by("name", "id")


@transaction.atomic
def add_node(*, subscriber: Subscriber, name: str, by: User | None, now: datetime) -> MessageNode:
    """Make a node with an address of its own. Raises NodeNameTaken, NodeNameMissing, TooManyNodes."""
    wished = _free_name(subscriber, name)
    if live_nodes(subscriber).count() >= MOST_NODES:
        raise TooManyNodes
    node = MessageNode.objects.create(subscriber=subscriber, name=wished, created_at=now)
    _note("node.made", node, by=by, now=now)
    return node


@transaction.atomic
def rename_node(*, node: MessageNode, name: str, by: User, now: datetime) -> bool:
    """Call it otherwise; its address stays. False when it is called so already. Raises NodeNameTaken, NodeNameMissing."""
    old, node.name = node.name, _free_name(node.subscriber, name, but=node)
    if old == node.name:
        return False
    node.save(update_fields=["name"])
    _note("node.renamed", node, by=by, now=now, old=old, new=node.name)
    return True


@transaction.atomic
def delete_node(*, node: MessageNode, by: User, now: datetime) -> bool:
    """Its address answers no more; rules that wait for it say that it is gone. False when it is gone already."""
    if not MessageNode.objects.filter(pk=node.pk, deleted_at=None).update(deleted_at=now):
        return False
    _note("node.deleted", node, by=by, now=now)
    return True


def _free_name(subscriber: Subscriber, name: str, but: MessageNode | None = None) -> str:
    wished = plain_name(name)[:LONGEST_NAME]
    if not wished:
        raise NodeNameMissing
    # The company's row is locked, so that two nodes can't get one name at the same moment.
    Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    if fold(wished) in {fold(other.name) for other in live_nodes(subscriber) if other != but}:
        raise NodeNameTaken(wished)
    return wished


def _note(action: str, node: MessageNode, *, by: User | None, now: datetime, **detail: str) -> None:
    record_audit(action=action, at=now, actor=by, subscriber=node.subscriber, target=node.name, **detail)
    record(subscriber_id=node.subscriber_id, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=node.pk)
