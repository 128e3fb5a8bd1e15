"""What need not be done at once: run by the task worker."""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from server.letter_tasks import letter_task
from server.lines.models import Line
from server.lines.tasks import administrators_to_tell
from server.mail import others_meanwhile, send_letter

logger = logging.getLogger(__name__)


@letter_task
def tell_of_held_line(line_id: int) -> None:
    """Tell the company's administrators who want to hear it by e-mail that a line's messages wait."""
    line = Line.objects.select_related("subscriber").get(pk=line_id)
    people = administrators_to_tell(line.subscriber)
    if not people:
        logger.warning("line %s is held, and nobody of its company can be told by e-mail", line.key)
    for person in people:
        with translation.override(person.language), others_meanwhile():
            send_letter(
                to=person.email,
                subject=_("Sending from %(line)s has stopped") % {"line": line.label},
                message=_(
                    "The SMS provider refuses the account of the line %(line)s (%(number)s), so nothing can be sent from it.\n\n"
                    "Nothing is lost: messages that people write meanwhile wait, and go out once the account is accepted "
                    "again and the line is released. Incoming messages arrive as usual.\n\n%(address)s\n"
                )
                % {"line": line.label, "number": line.number, "address": settings.PUBLIC_URL},
            )
