"""The list of the phone book: which entries, in the order of their names, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from chatui.access import number_in
from server import sms
from server.contacts import phonebook
from server.contacts.entries import in_phone_book
from server.contacts.models import Contact, Tag
from server.contacts.ordering import Folded
from server.messaging.models import Conversation
from server.wording import fold, words_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from server.accounts.models import User

PAGE = 50
# As many are named one by one.
_FEW = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list shows; the same thing as its address."""

    text: str = ""
    tag: int | None = None
    is_blocked: bool = False

    @classmethod
    def from_query(cls, query) -> Asked:
        text = sms.storable(query.get("q", "").strip()[:200])
        return cls(text=text, tag=number_in(query.get("tag")), is_blocked=query.get("view") == "blocked")

    @property
    def query(self) -> str:
        parts = {"q": self.text, "tag": self.tag or "", "view": "blocked" if self.is_blocked else ""}
        return urlencode({key: value for key, value in parts.items() if value})

    @property
    def words(self) -> list[str]:
        """The beginnings to mark in what was found."""
        return words_in(self.text)

    @property
    def is_all(self) -> bool:
        return self == Asked()


@dataclass(frozen=True, slots=True)
class EntryPage:
    entries: list[Contact]
    after: int | None


def page_of(user: User, asked: Asked, after: int | None = None) -> EntryPage:
    """The page of 50 entries that begins after one of them, by its id, and the id after which the next one begins."""
    found = entries_in(user, asked).annotate(sorts_as=Folded("name")).order_by("sorts_as", "pk")
    edge = _edge(user, after)
    if edge is not None:
        found = found.filter(Q(sorts_as__gt=edge) | Q(sorts_as=edge, pk__gt=after), sorts_as__gte=edge)
    elif not asked.is_blocked:
        # Names of numbers are empty, and so at the beginning of the index.
        found = found.filter(sorts_as__gt="")
    entries = list(with_row(found)[: PAGE + 1])
    has_more, entries = len(entries) > PAGE, entries[:PAGE]
    return EntryPage(entries, entries[-1].pk if has_more else None)


def _edge(user: User, after: int | None) -> str | None:
    """What the last entry of the page before is sorted by."""
    if after is None:
        return None
    return Contact.objects.filter(subscriber_id=user.subscriber_id, pk=after).values_list(Folded("name"), flat=True).first()


def with_row(entries: QuerySet[Contact]) -> QuerySet[Contact]:
    """With all that a row of them shows, in a fixed number of queries."""
    return entries.select_related("subscriber").defer("words", "note").prefetch_related("tags", "others")


def entries_in(user: User, asked: Asked) -> QuerySet[Contact]:
    """The entries of a list, unordered: those with a name; of the blocked ones also numbers whose threads the person may see."""
    ours = Contact.objects.filter(subscriber_id=user.subscriber_id, main=None, erased_at=None)
    if asked.is_blocked:
        seen = Conversation.objects.visible_to(user).filter(hidden_at__isnull=False).values("contact")
        ours = ours.filter(~Q(name="") | Q(pk__in=seen), blocked_at__isnull=False)
    else:
        ours = ours.filter(in_phone_book())
    if asked.tag is not None:
        ours = ours.filter(_tagged([asked.tag]))
    return ours.annotate(itself=F("pk") + 0).filter(_said(user, asked.text)) if asked.text else ours


def _said(user: User, text: str) -> Q:
    """Found by name, company or part of a number, by a tag, or, with an @ in it, by an e-mail address."""
    if "@" in text:
        return Q(emails__icontains=text)
    assert user.subscriber is not None
    rows = phonebook.matching(subscriber=user.subscriber, text=text).order_by().annotate(whole=Coalesce("main_id", "pk"))
    whole = list(rows.values_list("whole", flat=True)[: _FEW + 1])
    # Not by `pk`: of very many SQLite would put all in order for a page, where it need only walk through the names.
    found = Q(pk__in=set(whole)) if len(whole) <= _FEW else Q(itself__in=rows.values("whole"))
    tags = [tag.pk for tag in Tag.objects.filter(subscriber=user.subscriber) if fold(tag.name).startswith(fold(text))]
    return found | _tagged(tags) if tags else found


def _tagged(tags: Collection[int]) -> Q:
    """With one of these tags: named one by one while they are few; of very many, each is asked in its turn."""
    pairs = Contact.tags.through.objects.filter(tag__in=tags)
    few = list(pairs.values_list("contact", flat=True)[: _FEW + 1])
    return Q(pk__in=few) if len(few) <= _FEW else Q(Exists(pairs.filter(contact=OuterRef("pk"))))


def contacts_seen_by(user: User) -> QuerySet[Contact]:
    """All numbers of the company's phone book, and those without a name that have a thread on a line of this person's."""
    seen = Conversation.objects.visible_to(user).values("contact")
    return Contact.objects.filter(~Q(name="") | Q(pk__in=seen), subscriber_id=user.subscriber_id).exclude(subscriber=None)


def tags_of(user: User) -> list[Tag]:
    """The company's tags, as people would sort them."""
    return sorted(Tag.objects.filter(subscriber_id=user.subscriber_id), key=lambda tag: (fold(tag.name), tag.pk))
