"""What need not be done at once: run by the task worker."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.tasks import task
from django.utils import translation
from django.utils.translation import gettext as _

from server.accounts.models import Role, User
from server.lines.models import Line

logger = logging.getLogger(__name__)


@task()
def tell_of_held_line(line_id: int) -> None:
    """Tell the company's administrators by e-mail that a line's messages wait."""
    line = Line.objects.select_related("subscriber").get(pk=line_id)
    people = User.objects.filter(subscriber=line.subscriber, role=Role.ADMINISTRATOR, is_active=True).exclude(email="")
    if not people:
        logger.warning("line %s is held, and its company has no administrator with an e-mail address", line.key)
    for person in people:
        with translation.override(person.language):
            send_mail(
                subject=_("Sending from %(line)s has stopped") % {"line": line.label},
                message=_(
                    "The SMS provider refuses the account of the line %(line)s (%(number)s), so nothing can be sent from it.\n\n"
                    "Nothing is lost: messages that people write meanwhile wait, and go out once the account is accepted "
                    "again and the line is released. Incoming messages arrive as usual.\n\n%(address)s\n"
                )
                % {"line": line.label, "number": line.number, "address": settings.PUBLIC_URL},
                from_email=None,
                recipient_list=[person.email],
            )
