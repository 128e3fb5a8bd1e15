"""Letters about requests for services, sent by the task worker: to the operator, then to whoever asked."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from server.accounts.models import Role, ServiceRequest, User
from server.letter_tasks import letter_task
from server.mail import others_meanwhile, send_letter


@letter_task
def tell_the_operator(request_id: int) -> None:
    """Tell OPERATOR_EMAIL and every one of the operator's staff who has an address, each in their language."""
    request = ServiceRequest.objects.select_related("subscriber", "requested_by").get(pk=request_id)
    for address, language in _operator_addresses().items():
        with translation.override(language), others_meanwhile():
            words = _words(request)
            send_letter(
                to=address,
                subject=_("%(company)s asks for %(service)s") % words,
                message=_(
                    "%(person)s of %(company)s asks for the service %(service)s.\n\n"
                    "%(remark)s\n\n"
                    "Switch it on, or decline it, here:\n%(link)s\n"
                )
                % {**words, "remark": request.remark or _("(no remark)"), "link": _link("operator:requests")},
            )


@letter_task
def tell_of_answer(request_id: int) -> None:
    """Tell whoever asked what came of it."""
    request = ServiceRequest.objects.select_related("subscriber", "requested_by").get(pk=request_id)
    person = request.requested_by
    if not person.email or not person.is_active or request.settled_at is None:
        return
    with translation.override(person.language):
        words = {**_words(request), "answer": request.answer, "link": _link("chat")}
        if request.is_granted:
            send_letter(
                to=person.email,
                subject=_("%(service)s is switched on for %(company)s") % words,
                message=_(
                    "Dear %(person)s,\n\n"
                    "you asked for the service %(service)s for %(company)s. It is switched on: everybody of the company "
                    "can use it from now on.\n\n%(link)s\n"
                )
                % words,
            )
        else:
            send_letter(
                to=person.email,
                subject=_("Your request for %(service)s was declined") % words,
                message=_(
                    "Dear %(person)s,\n\n"
                    "you asked for the service %(service)s for %(company)s. Your SMS provider has not switched it on, "
                    "and writes:\n\n%(answer)s\n\n%(link)s\n"
                )
                % words,
            )


def _operator_addresses() -> dict[str, str]:
    """Address → language, nobody twice."""
    staff = User.objects.filter(role=Role.OPERATOR, is_staff=True, is_active=True).exclude(email="")
    house = {settings.OPERATOR_EMAIL: settings.LANGUAGE_CODE} if settings.OPERATOR_EMAIL else {}
    return house | {person.email: person.language for person in staff}


def _words(request: ServiceRequest) -> dict[str, str]:
    return {
        "person": str(request.requested_by),
        "company": request.subscriber.name,
        "service": str(request.get_service_display()),
    }


def _link(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name)}"
