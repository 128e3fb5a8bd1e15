"""A company asks for a service, and what the operator's staff answer.

open ──switched on──▶ granted
  └──said no to─────▶ declined     (and it may be asked for again)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server.accounts.models import Service, ServiceRequest, record_audit
from server.accounts.provisioning import ChatNeedsSms
from server.accounts.request_letters import tell_of_answer, tell_the_operator

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User


class ServiceIsOn(Exception):
    """The company has the service already."""


class RequestClosed(Exception):
    """Somebody has answered the request meanwhile."""


@transaction.atomic
def request_service(*, subscriber: Subscriber, service: Service, remark: str, by: User, now: datetime) -> ServiceRequest:
    """Ask for a service; while it is asked for, asking again changes nothing. Raises ServiceIsOn and ChatNeedsSms."""
    if subscriber.has_chat if service == Service.CHAT else subscriber.has_sms:
        raise ServiceIsOn
    if service == Service.CHAT and not subscriber.has_sms:
        raise ChatNeedsSms
    try:
        with transaction.atomic():
            request = ServiceRequest.objects.create(
                subscriber=subscriber, service=service, remark=remark, requested_by=by, requested_at=now
            )
    except IntegrityError:
        return ServiceRequest.objects.get(subscriber=subscriber, service=service, settled_at=None)
    record_audit(action="service.requested", at=now, actor=by, subscriber=subscriber, target=service)
    tell_the_operator.enqueue(request.pk)
    return request


@transaction.atomic
def close_request(*, request: ServiceRequest, is_granted: bool, answer: str, by: User | None, now: datetime) -> ServiceRequest:
    """Write down the answer, and have the person told who asked. Raises RequestClosed when there is one already."""
    # Claimed: two of the staff may answer at the same moment.
    is_open = ServiceRequest.objects.filter(pk=request.pk, settled_at=None)
    if not is_open.update(settled_by=by, settled_at=now, is_granted=is_granted, answer=answer):
        raise RequestClosed
    request.refresh_from_db()
    tell_of_answer.enqueue(request.pk)
    return request


@transaction.atomic
def decline_request(*, request: ServiceRequest, answer: str, by: User, now: datetime) -> ServiceRequest:
    """Say no to it. Raises RequestClosed."""
    closed = close_request(request=request, is_granted=False, answer=answer, by=by, now=now)
    record_audit(action="service.declined", at=now, actor=by, subscriber=request.subscriber, target=request.service, because=answer)
    return closed
