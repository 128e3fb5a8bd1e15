"""Letters to people about their own access, sent by the task worker."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from server.accounts.invitation_links import VALID_FOR, inviter_of, is_invited, words_of_link
from server.accounts.models import User
from server.letter_tasks import letter_task
from server.mail import send_letter


@letter_task
def send_invitation(person_id: int) -> None:
    """Send the link at which somebody becomes one of a company's people."""
    person = User.objects.select_related("subscriber").get(pk=person_id)
    if not is_invited(person) or person.subscriber is None:
        # Joined, or deactivated, before the letter went out.
        return
    inviter = inviter_of(person)
    with translation.override(person.language):
        words = {
            "name": person.name or person.email,
            "company": person.subscriber.name,
            "inviter": inviter.name if inviter and inviter.subscriber_id else _("Your SMS provider"),
            "link": settings.PUBLIC_URL + reverse("join", args=words_of_link(person)),
            "username": person.username,
            "days": VALID_FOR.days,
        }
        send_letter(
            to=person.email,
            subject=_("%(company)s invites you to its SMS messenger") % words,
            message=_(
                "Dear %(name)s,\n\n"
                "%(inviter)s has invited you to Fonal, where the people of %(company)s read and answer the company's SMS.\n\n"
                "Choose your password here within %(days)s days; the link works once:\n%(link)s\n\n"
                "From then on you log in with your e-mail address, %(username)s.\n\n"
                "If you don't know what this is about, there is nothing to do: without a password nobody can log in.\n"
            )
            % words,
        )
