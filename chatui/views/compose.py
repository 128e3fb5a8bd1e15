"""Writing: SMS, notes, drafts, new messages, and second tries."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django import forms
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import (
    conversation_or_404,
    for_people_with_chat,
    for_people_with_sms,
    may_write_from,
    message_or_404,
    not_for_auditors,
    number_in,
)
from chatui.answers import go_on_at, say_no, show_changes, wants_frames
from server import phone, sms
from server.accounts.models import User
from server.contacts import phonebook
from server.contacts.models import Contact, OptOut
from server.countries import country_names
from server.lines import limits
from server.lines.models import SECRETS, Line
from server.messaging import outbound
from server.messaging.conversations import NOTE_MAX_CHARACTERS, NoteNotValid, save_draft, write_note
from server.messaging.models import Conversation

if TYPE_CHECKING:
    from django.http import HttpRequest

LOOKUP_ROWS = 8


@require_POST
@for_people_with_chat
def send(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Queue the composer's text. Repeating the POST with the same uuid is harmless."""
    conversation = conversation_or_404(request.user, conversation_id)
    token, body = _uuid_of(request), request.POST.get("body", "")
    if conversation.hidden_at is not None:
        save_draft(conversation=conversation, by=request.user, body=body, now=now())
        return say_no(request, conversation_id, _blocked(conversation.contact))
    if token is None:
        save_draft(conversation=conversation, by=request.user, body=body, now=now())
        return say_no(
            request, conversation_id, _("Not sent: the page is out of date. Your text is saved; reload and send again."), 400
        )
    try:
        message = outbound.queue_sms(
            uuid=token,
            conversation=conversation,
            body=_as_it_goes_out(request, body),
            author=request.user,
            now=now(),
            seen=number_in(request.POST.get("seen")),
        )
    except outbound.SomebodyWrote as guard:
        save_draft(conversation=conversation, by=request.user, body=body, now=now())
        return _ask_again(request, conversation, guard)
    except outbound.UnableToSend as refusal:
        save_draft(conversation=conversation, by=request.user, body=body, now=now())
        return say_no(request, conversation_id, why_not(refusal, conversation))
    return show_changes(request, conversation_id, message)


@require_POST
@for_people_with_chat
def note(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    token = _uuid_of(request)
    if token is None:
        return say_no(request, conversation_id, _("Not saved: the page is out of date. Reload and try again."), 400)
    try:
        written = write_note(
            uuid=token, conversation=conversation, body=request.POST.get("body", ""), author=request.user, now=now()
        )
    except NoteNotValid:
        return say_no(request, conversation_id, _("A note needs text, %(n)s characters at most.") % {"n": NOTE_MAX_CHARACTERS})
    return show_changes(request, conversation_id, written)


@require_POST
@for_people_with_chat
def draft(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    save_draft(conversation=conversation, by=request.user, body=request.POST.get("body", ""), now=now())
    return HttpResponse(status=204)


@require_POST
@for_people_with_sms
def retry(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    message = message_or_404(request.user, uuid)
    try:
        outbound.retry_sms(message=message, by=request.user, now=now())
    except outbound.UnableToSend as refusal:
        return say_no(request, message.conversation_id, why_not(refusal, message.conversation))
    message.refresh_from_db()
    return show_changes(request, message.conversation_id, message)


@require_POST
@for_people_with_sms
def discard(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take a message that did not go out away; with `edit` its text goes back into the composer."""
    message = message_or_404(request.user, uuid)
    if not may_write_from(request.user, message.conversation.line):
        return say_no(request, message.conversation_id, _("Nothing was changed: you may read this line but not write from it."))
    if not outbound.discard_sms(message=message, now=now()):
        return say_no(request, message.conversation_id, _("This message is on its way again and can't be taken back."), 409)
    extra = format_html('<live-gone conversation="{}" entry="entry-{}"></live-gone>', message.conversation_id, message.uuid)
    if request.POST.get("edit"):
        save_draft(conversation=message.conversation, by=request.user, body=message.body, now=now())
        extra += format_html('<live-draft conversation="{}">{}</live-draft>', message.conversation_id, message.body)
    return show_changes(request, message.conversation_id, extra=extra)


class NewMessageForm(forms.Form):
    """Üzenet küldés: a number in any usual format, a text, and the line if there are several."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    to = forms.CharField(label=gettext_lazy("Recipient"), max_length=120)
    line = forms.ModelChoiceField(Line.objects.none(), label=gettext_lazy("From"), empty_label=None)
    body = forms.CharField(label=gettext_lazy("Message"), max_length=4000, widget=forms.Textarea, strip=False)

    def __init__(self, *args, user: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["line"].queryset = Line.objects.sendable_by(user).order_by("label")
        self.fields["line"].label_from_instance = lambda line: f"{line.label} · {phone.display(line.number)}"

    def full_clean(self) -> None:
        super().full_clean()
        if "uuid" in self.errors:
            # A hidden field has no place for an error; with a new one the same text can be sent.
            self.data = self.data.copy()
            self.data["uuid"] = str(uuid.uuid4())
            self.add_error(None, _("Not sent: the page was out of date. Your text is here; please send it again."))

    def clean_to(self) -> str:
        number = recipient_number(self.user, self.cleaned_data["to"])
        blocked = Contact.objects.filter(subscriber_id=self.user.subscriber_id, number=number, blocked_at__isnull=False).first()
        if blocked is not None:
            raise forms.ValidationError(_blocked(blocked))
        return number


def recipient_number(user: User, text: str) -> str:
    """The number that a typed recipient means: any format, or the exact name of one contact. Raises ValidationError."""
    try:
        return phone.to_e164(text, country=user.subscriber.country)
    except phone.NumberNotValid:
        # Of somebody with several numbers the main one.
        named = _contacts_like(user, text).filter(name__iexact=text.strip(), main=None)[:2]
    if len(named) == 1:
        return named[0].number
    raise forms.ValidationError(
        _("This is not a phone number that can get SMS. Write it like 36301234567, +36 30 123 4567 or 06 30 123 4567.")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@not_for_auditors
def new_message(request: HttpRequest) -> HttpResponse:
    """The dialog behind "New message": recipient, line, text."""
    if request.method != "POST":
        form = NewMessageForm(user=request.user, initial={"uuid": uuid.uuid4(), "to": request.GET.get("to", "")[:120]})
        return _new_message_page(request, form)
    form = NewMessageForm(request.POST, user=request.user)
    if not form.is_valid():
        return _new_message_page(request, form, status=422)
    data = form.cleaned_data
    try:
        # Together: who can't be written to must not appear in the list as an empty conversation.
        with transaction.atomic():
            conversation = outbound.conversation_with(line=data["line"], number=data["to"], now=now())
            message = outbound.queue_sms(
                uuid=data["uuid"],
                conversation=conversation,
                body=_as_it_goes_out(request, data["body"]),
                author=request.user,
                now=now(),
            )
    except outbound.UnableToSend as refusal:
        form.add_error(None, why_not(refusal, conversation))
        return _new_message_page(request, form, status=422)
    has_chat = request.user.subscriber.has_chat
    target = reverse("conversation", args=[message.conversation_id]) if has_chat else reverse("messages")
    return go_on_at(request, target)


@require_safe
@for_people_with_sms
def lookup(request: HttpRequest) -> HttpResponse:
    """Live rows under the recipient field: contacts, existing threads, colleagues, "send to +36 30 …"."""
    text = sms.storable(request.GET.get("to", "").strip()[:120])
    context = {"text": text, "rows": _lookup_rows(request.user, text) if text else []}
    return render(request, "chatui/_lookup.html", context)


def _lookup_rows(user: User, text: str) -> list[dict]:
    rows = []
    try:
        typed = phone.to_e164(text, country=user.subscriber.country)
    except phone.NumberNotValid:
        typed = ""
    lines = Line.objects.visible_to(user)
    contacts = list(_contacts_like(user, text).select_related("main").prefetch_related("tags", "main__tags")[:LOOKUP_ROWS])
    threads = dict(
        Conversation.objects.filter(line__in=lines, contact__in=contacts)
        .order_by("latest_at")
        .values_list("contact_id", "line__label")
    )
    known = {contact.number for contact in contacts}
    stopped = set(OptOut.objects.filter(line__in=lines, number__in=known, ended_at=None).values_list("number", flat=True))
    for contact in contacts:
        thread, has_stopped = threads.get(contact.pk), contact.number in stopped
        rows.append({"who": contact, "number": contact.number, "name": contact.name, "thread": thread, "stopped": has_stopped})
        rows[-1] |= {"company": contact.company, "tags": contact.whole.tags.all(), "is_blocked": contact.blocked_at is not None}
    colleagues = User.objects.filter(subscriber=user.subscriber, is_active=True, name__icontains=text).exclude(phone="")[:3]
    rows += [
        {"who": one, "number": one.phone, "name": one.name, "is_colleague": True} for one in colleagues if one.phone not in known
    ]
    if typed and typed not in known:
        rows.insert(0, {"who": None, "number": typed, "name": "", "is_typed": True})
    senders = list(Line.objects.sendable_by(user).select_related("subscriber").defer(*SECRETS))
    for row in rows:
        row["is_landline"] = phone.is_landline(row["number"])
        row["is_beyond"] = bool(senders) and not any(limits.may_text(line, row["number"]) for line in senders)
    return rows


def _contacts_like(user: User, text: str):
    """Whom the text may mean: the company's phone book, and who without a name has written to a line of this person's."""
    known_here = Conversation.objects.visible_to(user).filter(contact=OuterRef("pk"))
    found = phonebook.matching(subscriber=user.subscriber, text=text).filter(number__startswith="+")
    return found.filter(~Q(name="") | Exists(known_here))


def _blocked(contact: Contact) -> str:
    return _("Not sent: %(who)s is blocked. Your text is kept; unblock them first, on their page in the phone book.") % {
        "who": contact
    }


def _as_it_goes_out(request: HttpRequest, body: str) -> str:
    """Without accents where the company saves them, unless the writer keeps those of this text."""
    keeps = not request.user.subscriber.saves_accents or request.POST.get("keeps_accents") == "1"
    return body if keeps else sms.saving_accents(sms.storable(body))


def why_not(refusal: outbound.UnableToSend, conversation: Conversation) -> str:
    """What happened, what was kept, what to do."""
    who = str(conversation.contact)
    match refusal:
        case outbound.OptedOut():
            return _("Not sent: %(who)s asked this line for no more messages. Your text is saved.") % {"who": who}
        case outbound.BodyEmpty():
            return _("There is nothing to send yet: write something first.")
        case outbound.BodyTooLong(segments=segments):
            return _(
                "Not sent: this would be %(n)s SMS, 10 at most. Your text is saved; shorten it or send it without accents."
            ) % {"n": segments}
        case outbound.CanNotBeAnswered():
            return _("Not sent: %(who)s is a name, not a number that can be answered.") % {"who": who}
        case outbound.NotAllowedToSend():
            return _("Not sent: you may read this line but not write from it. Ask your administrator. Your text is saved.")
        case outbound.DestinationNotAllowed(countries=countries):
            return _(
                "Not sent: this line may only text mobile numbers of %(countries)s. Your text is saved. Ask your administrator."
            ) % {"countries": country_names(countries)}
        case outbound.DailyLimitReached(limit=limit):
            return _(
                "Not sent: this line has sent the %(n)s messages it may send today. "
                "Your text is saved; send it tomorrow, or ask your administrator."
            ) % {"n": limit}
        case outbound.ServiceOff():
            return _("Not sent: this line is switched off. Your text is saved.")
        case _:
            return _("Not sent. Your text is saved; reload the page and try again.")


def _ask_again(request: HttpRequest, conversation: Conversation, guard: outbound.SomebodyWrote) -> HttpResponse:
    """The stale-thread guard: show what was written meanwhile and ask whether to send still."""
    newest = guard.newer[-1]
    who = newest.author.name if newest.author else str(conversation.contact)
    count = len(guard.newer)
    text = ngettext(
        "%(who)s wrote while you were typing:", "%(n)s messages came while you were typing, the last from %(who)s:", count
    ) % {
        "who": who,
        "n": count,
    }
    if not wants_frames(request):
        return say_no(
            request, conversation.pk, _("Not sent yet: somebody wrote meanwhile. Look, then send again; your text is saved.")
        )
    context = {"text": text, "newest": newest}
    return HttpResponse(render_to_string("chatui/live/guard.html", context, request), status=409)


def _new_message_page(request: HttpRequest, form: NewMessageForm, status: int = 200) -> HttpResponse:
    template = "chatui/_new_message.html" if request.htmx else "chatui/new_message.html"
    return render(request, template, {"form": form, "place": "messages"}, status=status)


def _uuid_of(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("uuid", ""))
    except ValueError:
        return None
