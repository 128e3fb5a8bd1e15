"""The operator's lines: the list, one of them, making and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gateway.addresses import calls_address
from gateway.providers import PROVIDERS
from operations.access import for_the_operator, staff_of
from operations.health import delivery_rate, line_health, puzzling_receipts
from operations.line_forms import AccessForm, LineForm
from operations.refusals import outcome_words
from server import phone, sms
from server.accounts.models import Subscriber
from server.countries import country_names
from server.lines import limits
from server.lines.encryption import ending_of
from server.lines.keeping import ChangedMeanwhile, NumberTaken, add_line, change_line, give_new_address, let_use, renew_pbx_secret
from server.lines.models import SECRETS, Line
from server.lines.provisioning import CREDENTIALS
from server.messaging.sending import release_line
from server.wording import fold

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

PAGE = 50
LONGEST_SEARCH = 200
STATES = {
    "works": Q(is_active=True, held_since=None),
    "held": Q(is_active=True, held_since__isnull=False),
    "off": Q(is_active=False),
}
hides_secrets = sensitive_post_parameters(*SECRETS)


@require_safe
@for_the_operator
def lines(request: HttpRequest) -> HttpResponse:
    """All of them by company, or those that a search finds; htmx gets the list alone."""
    sought = sms.storable(request.GET.get("q", ""))[:LONGEST_SEARCH].strip()
    provider, state = request.GET.get("provider", ""), request.GET.get("state", "")
    found = _found_by(sought, provider, state)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    health = line_health(list(page.object_list), now())
    context = {
        "place": "operator",
        "tab": "lines",
        "sought": sought,
        "provider": provider,
        "state": state,
        "providers": [(name, name.title()) for name in PROVIDERS],
        "page": page,
        "rows": [health[line.pk] for line in page.object_list],
        "is_filtered": bool(sought or provider or state),
    }
    is_part = request.headers.get("HX-Request") == "true"
    answer = render(request, "operations/_lines.html" if is_part else "operations/lines.html", context)
    patch_vary_headers(answer, ("HX-Request",))
    return answer


@hides_secrets
@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def new_line(request: HttpRequest) -> HttpResponse:
    """A new line for a company, which has to be named; without one, its choice."""
    named = request.GET.get("subscriber", "")
    subscriber = Subscriber.objects.filter(pk=int(named)).first() if named.isdecimal() and len(named) < 19 else None
    if subscriber is None:
        if named:
            raise Http404
        companies = sorted(Subscriber.objects.all(), key=lambda one: fold(one.name))
        return render(request, "operations/line_whose.html", {"place": "operator", "tab": "lines", "companies": companies})
    form = LineForm(request.POST if request.method == "POST" else None, subscriber=subscriber)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_line(subscriber=subscriber, by=staff_of(request), now=now(), **form.wishes)
        except NumberTaken as taken:
            form.say_taken(taken)
        else:
            messages.success(request, _("The line is made. Now see whether it is set up as it must be."))
            return redirect("operator:line_check", made.pk)
    context = {"place": "operator", "tab": "lines", "subscriber": subscriber, "form": form}
    return render(request, "operations/line_new.html", context, status=422 if form.errors else 200)


@hides_secrets
@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def line(request: HttpRequest, line_id: int) -> HttpResponse:
    """One line: what it is, what it may, who uses it."""
    edited = line_or_404(line_id)
    form = LineForm(request.POST if request.method == "POST" else None, subscriber=edited.subscriber, line=edited)
    if request.method == "POST" and form.is_valid():
        try:
            said = _save(edited, form, by=staff_of(request), at=now())
        except NumberTaken as taken:
            form.say_taken(taken)
        except ChangedMeanwhile:
            edited = line_or_404(line_id)
            form.say_changed_meanwhile(edited)
        else:
            messages.success(request, said)
            return redirect("operator:line", line_id)
    return _line_page(request, edited, form=form)


@require_POST
@for_the_operator
def line_people(request: HttpRequest, line_id: int) -> HttpResponse:
    """Who of the company's colleagues may use it."""
    given = line_or_404(line_id)
    form = AccessForm(request.POST, line=given)
    if not form.is_valid():
        return _line_page(request, given, access=form)
    let_use(line=given, people=form.rights, by=staff_of(request), now=now())
    messages.success(request, _("Saved."))
    return redirect("operator:line", line_id)


@require_POST
@for_the_operator
def line_release(request: HttpRequest, line_id: int) -> HttpResponse:
    """Send again from a held line. Also where it is held no longer: nothing may stay behind."""
    waiting = release_line(line=line_or_404(line_id), now=now(), by=staff_of(request))
    messages.success(request, _("Released. Messages that go out now: %(n)s.") % {"n": waiting})
    return redirect("operator:line", line_id)


@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def line_address(request: HttpRequest, line_id: int) -> HttpResponse:
    """A new webhook address, once somebody is sure."""
    readdressed = line_or_404(line_id)
    if request.method == "POST":
        give_new_address(line=readdressed, by=staff_of(request), now=now())
        messages.success(request, _("The line has a new address; the old one is refused. Set the new one at the provider."))
        return redirect("operator:line_check", line_id)
    context = {"place": "operator", "tab": "lines", "line": readdressed}
    is_dialog = request.headers.get("HX-Request") == "true"
    answer = render(request, "operations/_line_address.html" if is_dialog else "operations/line_address.html", context)
    patch_vary_headers(answer, ("HX-Request",))
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def line_secret(request: HttpRequest, line_id: int) -> HttpResponse:
    """A new secret for the line's exchange, once somebody is sure: the only page that ever shows it."""
    renewed = line_or_404(line_id)
    made = renew_pbx_secret(line=renewed, by=staff_of(request), now=now()) if request.method == "POST" else ""
    context = {"place": "operator", "tab": "lines", "line": renewed, "secret": made, "calls_address": calls_address(renewed)}
    is_dialog = request.headers.get("HX-Request") == "true"
    answer = render(request, "operations/_line_secret.html" if is_dialog else "operations/line_secret.html", context)
    patch_vary_headers(answer, ("HX-Request",))
    return answer


@require_safe
@for_the_operator
def health(request: HttpRequest, line_id: int) -> HttpResponse:
    """The line's last signs of life, what was refused, what waits, and how much arrives."""
    looked_at, at = line_or_404(line_id), now()
    its = line_health([looked_at], at)[looked_at.pk]
    context = {
        "place": "operator",
        "tab": "lines",
        "part": "health",
        "line": looked_at,
        "health": its,
        "rate": delivery_rate(looked_at, at),
        "refused": [(outcome_words(outcome), its.refused_day[outcome], week) for outcome, week in its.refused_week.most_common()],
        "puzzling": [(outcome_words(outcome), week) for outcome, week in puzzling_receipts(looked_at, at).items()],
    }
    return render(request, "operations/line_health.html", context)


def line_or_404(line_id: int) -> Line:
    return get_object_or_404(Line.objects.select_related("subscriber__activation"), pk=line_id)


@transaction.atomic
def _save(edited: Line, form: LineForm, *, by: User, at: datetime) -> str:
    changed = change_line(line=edited, seen=form.cleaned_data["seen"], by=by, now=at, **form.wishes)
    if edited.held_since and CREDENTIALS & set(changed):
        # What the provider refused was the old ones.
        waiting = release_line(line=edited, now=at, by=by)
        return _("Saved, and the line is released. Messages that go out now: %(n)s.") % {"n": waiting}
    return _("Saved.") if changed else _("Nothing was changed.")


def _line_page(
    request: HttpRequest, shown: Line, *, form: LineForm | None = None, access: AccessForm | None = None
) -> HttpResponse:
    refused = bool((form and form.errors) or (access and access.errors))
    context: dict[str, Any] = {
        "place": "operator",
        "tab": "lines",
        "part": "line",
        "line": shown,
        "subscriber": shown.subscriber,
        "form": form or LineForm(subscriber=shown.subscriber, line=shown),
        "access": access or AccessForm(line=shown),
        "health": line_health([shown], now())[shown.pk],
        "calls_address": calls_address(shown),
        "secret_ending": ending_of(shown.pbx_secret),
        "own_country": country_names([shown.subscriber.country]),
        "allowed": country_names(limits.countries_of(shown)),
    }
    return render(request, "operations/line.html", context, status=422 if refused else 200)


def _found_by(sought: str, provider: str, state: str) -> list[Line]:
    """By company and label; compared here, as no database of ours knows that "arviz" may stand for "Árvíz"."""
    rows = Line.objects.select_related("subscriber").defer(*SECRETS)
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(STATES[state]) if state in STATES else rows
    words = fold(sought).split()
    digits = {phone.digits_of(sought), phone.bare_digits_of(sought)} if phone.may_be_part_of_number(sought) else set()

    def fits(line: Line) -> bool:
        told = fold(f"{line.label} {line.number} {line.subscriber.name} {line.subscriber.slug}")
        return all(word in told for word in words) or any(part and part in line.number for part in digits)

    return sorted(filter(fits, rows), key=lambda line: (fold(line.subscriber.name), fold(line.label), line.pk))
