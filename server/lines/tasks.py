"""What a company's administrators are told of their lines by e-mail."""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from server.accounts.models import Notice, Role, Subscriber, User
from server.letter_tasks import letter_task
from server.lines.models import Line
from server.mail import others_meanwhile, send_letter

logger = logging.getLogger(__name__)


def administrators_to_tell(subscriber: Subscriber) -> list[User]:
    """Those who want to hear when a line can't send, and have an address for it."""
    people = User.objects.filter(subscriber=subscriber, role=Role.ADMINISTRATOR, is_active=True).exclude(email="")
    return [person for person in people.order_by("pk") if Notice.LINE_HELD in person.notices]


@letter_task
def tell_of_limit(line_id: int, percent: int) -> None:
    """Tell the company's administrators that a line's limit of the day is nearly, or all, used up."""
    line = Line.objects.select_related("subscriber").get(pk=line_id)
    people = administrators_to_tell(line.subscriber)
    if not people:
        logger.warning("line %s: %s %% of its day's limit are used, and nobody of its company can be told", line.key, percent)
    for person in people:
        with translation.override(person.language), others_meanwhile():
            subject, message = _used_up() if percent >= 100 else _nearly_used_up()
            words = {"line": line.label, "number": line.number, "limit": line.per_day, "address": settings.PUBLIC_URL}
            send_letter(to=person.email, subject=subject % words, message=message % words)


def _nearly_used_up() -> tuple[str, str]:
    return _("%(line)s has sent 80 %% of today's messages"), _(
        "The line %(line)s (%(number)s) may send %(limit)s messages a day, and 80 %% of them have gone out today.\n\n"
        "Nothing has stopped yet. If the company needs more, ask us to raise the limit.\n\n%(address)s\n"
    )


def _used_up() -> tuple[str, str]:
    return _("%(line)s has sent all of today's messages"), _(
        "The line %(line)s (%(number)s) may send %(limit)s messages a day, and all of them have gone out today.\n\n"
        "Nothing is lost: what people write now is kept with them, and what was waiting shows that it was not sent and "
        "can be sent again tomorrow. Incoming messages arrive as usual. If the company needs more, ask us to raise "
        "the limit.\n\n%(address)s\n"
    )
