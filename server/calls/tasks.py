"""Letters about calls: sent by the worker, one attempt each; whoever finds the mail server away leaves it for later.

The number of the attempt is the claim: of two tasks for the same one only the first does anything. A worker that dies
between handing the letter over and noting it sends it again, under the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.tasks import task
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from server.accounts.models import Subscriber
from server.calls.models import Call, Skipped, Telling, TellingState
from server.calls.settling import is_stopped, settle
from server.letter_tasks import letter_task
from server.lines.tasks import administrators_to_tell
from server.mail import is_for_good, others_meanwhile, send_automatic_letter, send_letter

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User

logger = logging.getLogger(__name__)

# Longer than a mail server may take for one letter.
LEASE = timedelta(minutes=2)
PAUSES = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=1))


@task()
def send_letter_of_call(telling_id: int, attempt: int) -> None:
    now = timezone.now()
    if not _claim(telling_id, attempt, now):
        return
    telling = Telling.objects.select_related("user", "run__rule", "run__event__call__conversation").get(pk=telling_id)
    try:
        reason = _reason_not_to(telling)
        if reason is None:
            _send(telling)
    except (OSError, smtplib.SMTPException) as problem:
        _put_off(telling, attempt, problem)
    else:
        _settle(telling, reason)


@letter_task
def tell_of_used_up_day(subscriber_id: int, limit: int) -> None:
    """Tell the company's administrators that no more automatic messages go out today."""
    subscriber = Subscriber.objects.get(pk=subscriber_id)
    people = administrators_to_tell(subscriber)
    if not people:
        logger.warning("company %s: its automatic messages of the day are used up, and nobody of it can be told", subscriber.slug)
    for person in people:
        with override(person.language), others_meanwhile():
            words = {"limit": limit, "address": f"{settings.PUBLIC_URL}{reverse('call_logic_limits')}"}
            send_letter(
                to=person.email,
                subject=_("Call logic has sent all of today's messages"),
                message=_(
                    "Call logic may send %(limit)s SMS a day, and all of them have gone out today. No more go out by themselves "
                    "until tomorrow; each call says who was not told. What people write goes out as usual.\n\n"
                    "If this is not what you expect, look at the calls of today: somebody may be making your exchange ring. "
                    "Administrators change the limit here:\n%(address)s\n"
                )
                % words,
            )


def _claim(telling_id: int, attempt: int, now: datetime) -> bool:
    planned = Telling.objects.filter(pk=telling_id, state=TellingState.SENDING, attempts=attempt)
    return bool(planned.update(attempts=F("attempts") + 1, lease_until=now + LEASE))


def _reason_not_to(telling: Telling) -> Skipped | None:
    if telling.user is None or not telling.user.is_active:
        return Skipped.INACTIVE
    return Skipped.STOPPED if is_stopped(telling) else None


def _send(telling: Telling) -> None:
    assert telling.user is not None, "letters go to colleagues"
    with override(telling.user.language):
        send_automatic_letter(
            to=telling.address,
            subject=telling.subject,
            text=telling.body,
            links=_links(telling, telling.user),
            message_id=str(telling.uuid),
            language=telling.language,
        )


def _links(telling: Telling, person: User) -> list[tuple[str, str]]:
    """Where to go on: the thread, for who may see it; and why they got this letter."""
    call = telling.run.event.call
    links = []
    if call.conversation_id and Call.objects.visible_to(person).filter(pk=call.pk).exists():
        links.append((_("Open the conversation"), f"{reverse('conversation', args=[call.conversation_id])}#entry-{call.uuid}"))
    links.append((_("Why did I get this?"), reverse("why", args=[telling.uuid])))
    links.append((_("How I hear of calls"), f"{reverse('settings')}#calls"))
    return [(words, f"{settings.PUBLIC_URL}{path}") for words, path in links]


def _put_off(telling: Telling, attempt: int, problem: Exception) -> None:
    """Later, at growing pauses; the dispatcher makes the task again, and gives up after a day."""
    if is_for_good(problem):
        logger.warning("telling %s: the mail server refuses the address", telling.uuid)
        _settle(telling, Skipped.NOT_SENT)
        return
    logger.warning("telling %s: mail server away (%s), attempt %s", telling.uuid, type(problem).__name__, attempt + 1)
    due = timezone.now() + PAUSES[min(attempt, len(PAUSES) - 1)]
    Telling.objects.filter(pk=telling.pk, state=TellingState.SENDING).update(lease_until=due)


@transaction.atomic
def _settle(telling: Telling, reason: Skipped | None) -> None:
    state = TellingState.TOLD if reason is None else TellingState.SKIPPED
    settle(telling, state=state, reason=reason or "", now=timezone.now())
