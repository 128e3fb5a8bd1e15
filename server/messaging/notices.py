"""Letters to colleagues who asked for them: somebody gave them a conversation, or mentioned them in a note.

Such a letter says who and where, never what was written: mailboxes are not ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from server.accounts.models import Notice, User
from server.letter_tasks import letter_task
from server.mail import send_letter
from server.messaging.models import Conversation, Note

if TYPE_CHECKING:
    from collections.abc import Iterable


def tell_whom_it_was_given(conversation: Conversation, *, to: User, by: User) -> None:
    """Call it in the transaction: the task stands in the same database."""
    if to.pk != by.pk and _wants(to, Notice.ASSIGNED):
        tell_of_assignment.enqueue(conversation.pk, to.pk, by.name)


def tell_who_is_mentioned(note: Note, people: Iterable[User]) -> None:
    for person in people:
        if person.pk != note.author_id and _wants(person, Notice.MENTIONED):
            tell_of_mention.enqueue(note.pk, person.pk)


@letter_task
def tell_of_assignment(conversation_id: int, person_id: int, by: str) -> None:
    person = User.objects.get(pk=person_id)
    # Handed on, or the line taken away, before the letter went out.
    still = Conversation.objects.visible_to(person).filter(pk=conversation_id, assignee=person).exists()
    if not still or not _wants(person, Notice.ASSIGNED):
        return
    with translation.override(person.language):
        words = {"name": by, "link": _link_to(conversation_id)}
        subject = _("%(name)s has given you a conversation") % words
        _send(person, subject, _("%(name)s has given you a conversation in Fonal:\n%(link)s\n") % words)


@letter_task
def tell_of_mention(note_id: int, person_id: int) -> None:
    person = User.objects.get(pk=person_id)
    note = Note.objects.select_related("author").filter(pk=note_id).first()
    if note is None or not Conversation.objects.visible_to(person).filter(pk=note.conversation_id).exists():
        return
    if not _wants(person, Notice.MENTIONED):
        return
    with translation.override(person.language):
        words = {"name": note.author.name, "link": f"{_link_to(note.conversation_id)}#entry-{note.uuid}"}
        subject = _("%(name)s mentions you in a note") % words
        _send(person, subject, _("%(name)s mentions you in a note in Fonal:\n%(link)s\n") % words)


def _wants(person: User, notice: Notice) -> bool:
    return person.is_active and bool(person.email) and notice in person.notices


def _link_to(conversation_id: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('conversation', args=[conversation_id])}"


def _send(person: User, subject: str, body: str) -> None:
    end = _("You chose in Fonal's settings to be told of this: %(link)s") % {
        "link": f"{settings.PUBLIC_URL}{reverse('settings')}#notices"
    }
    send_letter(to=person.email, subject=subject, message=f"{body}\n-- \n{end}\n")
