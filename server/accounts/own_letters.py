"""Letters to a person about their own log-in, sent by the task worker."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks_db.models import DBTaskResult

from server.accounts.circumstances import Circumstances, under
from server.accounts.models import User
from server.accounts.passwords import has_just_had_letter, note_forgotten, words_of_link
from server.letter_tasks import letter_task
from server.mail import send_letter

if TYPE_CHECKING:
    from datetime import datetime

# Whoever asks again and again holds up everybody else's letters.
MOST_ASKED, ASKED_WITHIN = 20, timedelta(minutes=15)


@letter_task
def send_new_password_links(user_ids: list[int], address: str | None) -> None:
    """Send each the link to a new password; `address` is the IP address that asked for it.

    There may be nobody: the page that asks must not be slower for a name that somebody has.
    """
    with under(Circumstances(address=address)):
        for user in User.objects.filter(pk__in=user_ids, is_active=True).select_related("subscriber"):
            if not has_just_had_letter(user=user, now=timezone.now()):
                _send_link(user)
                # Not before: one that could not be handed over is tried again.
                note_forgotten(user=user, now=timezone.now())


def has_asked_enough(*, address: str | None, now: datetime) -> bool:
    """Whether so many new passwords were asked for from this IP address that it has to wait."""
    asked = DBTaskResult.objects.filter(task_path=send_new_password_links.module_path, enqueued_at__gt=now - ASKED_WITHIN)
    # What is tried again was asked for once.
    return asked.filter(args_kwargs__args__1=address, args_kwargs__kwargs={}).count() >= MOST_ASKED


def _send_link(user: User) -> None:
    with translation.override(user.language):
        words = {
            "name": user.name or user.username,
            "username": user.username,
            "link": settings.PUBLIC_URL + reverse("new_password", args=words_of_link(user)),
        }
        send_letter(
            to=user.email,
            subject=_("A new password for Fonal"),
            message=_(
                "Dear %(name)s,\n\n"
                "somebody, probably you, has asked for a new password for the user name %(username)s.\n\n"
                "Choose it here within a day; the link works once:\n%(link)s\n\n"
                "If it was not you, there is nothing to do: your password stays as it is.\n"
            )
            % words,
        )


@letter_task
def tell_old_address(user_id: int, old_address: str) -> None:
    """Tell the address that a person had before that it is theirs no more."""
    user = User.objects.get(pk=user_id)
    with translation.override(user.language):
        send_letter(
            to=old_address,
            subject=_("Your e-mail address in Fonal has changed"),
            message=_(
                "Dear %(name)s,\n\n"
                "letters from Fonal for the user name %(username)s, links to a new password among them, "
                "go to another address from now on.\n\n"
                "If you know nothing of it, tell your administrator at once.\n"
            )
            % {"name": user.name or user.username, "username": user.username},
        )
