"""All that a company has of one person, as a file to hand to that person: a sheet of the messages, and everything as JSON."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from server.accounts.models import record_audit
from server.calls.models import Call, Telling
from server.history.columns import headings
from server.history.passport import who_asked
from server.history.sheets import Sheets
from server.history.tabulation import Tabulation
from server.lines.models import Line
from server.messaging.models import Activity, Conversation, Message, Note
from server.privacy.holds import require_administrator
from server.privacy.wishes import consents_of, numbers_of, opt_outs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.accounts.models import User
    from server.contacts.models import Contact
    from server.messaging.models import MessageQuerySet

SHEET, EVERYTHING = "messages.xlsx", "everything.json"
_TIMES = ("created_at", "attempted_at", "sent_at", "delivered_at", "failed_at", "deleted_at", "redacted_at")


def make_subject_file(*, contact: Contact, by: User, now: datetime) -> IO[bytes]:
    """A zip file, read from its beginning, in the language that is active; notes are in it: they are about the person.

    Whatever its size, little of it is in memory. Raises NotYours.
    """
    require_administrator(by, contact.subscriber)
    numbers = list(numbers_of(contact))
    # Not a with: whoever gets it closes it.
    made: IO[bytes] = TemporaryFile()  # noqa: SIM115
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        with TemporaryFile() as sheet:
            _write_sheet(sheet, numbers, by, now)
            sheet.seek(0)
            with archive.open(SHEET, "w", force_zip64=True) as part:
                while piece := sheet.read(1 << 20):
                    part.write(piece)
        with archive.open(EVERYTHING, "w", force_zip64=True) as part:
            for text in _everything(numbers, now):
                part.write(text.encode())
    record_audit(
        action="privacy.file_made",
        at=now,
        actor=by,
        subscriber=contact.subscriber,
        target=str(numbers[0].pk),
        contact=numbers[0].pk,
        messages=_messages(numbers).count(),
    )
    made.seek(0)
    return made


def _write_sheet(file: IO[bytes], numbers: list[Contact], by: User, now: datetime) -> None:
    subscriber = numbers[0].subscriber
    tabulation = Tabulation(timezone=subscriber.timezone)
    about = _("everything of one person: %(who)s") % {"who": ", ".join(row.display_number for row in numbers)}
    with Sheets(file, headings=headings(timezone=subscriber.timezone)) as sheets:
        for batch in tabulation.batches(_messages(numbers).order_by("created_at", "id"), oldest_first=True):
            sheets.write(tabulation.page(batch))
        sheets.close(passport=who_asked(by, subscriber, now, [about]), author=str(by), at=now)


def _messages(numbers: list[Contact]) -> MessageQuerySet:
    """What somebody took away after it had failed is about the person as well."""
    return Message.objects.filter(conversation__contact__in=[row.pk for row in numbers])


def _everything(numbers: list[Contact], now: datetime) -> Iterator[str]:
    """Written piece by piece: there may be fifty thousand messages."""
    main = numbers[0]
    head = {
        "made_at": now,
        "company": main.subscriber.name,
        "time_zone_of_company": main.subscriber.timezone,
        "contact": _of_contact(main),
        "numbers": [{"number": row.number, "known_since": row.created_at, "blocked_at": row.blocked_at} for row in numbers],
        "consents": [_of_consent(consent) for consent in consents_of(main).order_by("given_at", "pk")],
        "opt_outs": [_of_wish(wish) for wish in opt_outs_of(main, lines=Line.objects.filter(subscriber=main.subscriber))],
    }
    conversations = Conversation.objects.filter(contact__in=[row.pk for row in numbers]).select_related(
        "contact", "line", "assignee"
    )
    yield _opened(head) + ',\n "conversations": [\n'
    for place, conversation in enumerate(conversations.order_by("pk")):
        yield ",\n" if place else ""
        yield from _of_conversation(conversation)
    yield "\n]}\n"


def _of_conversation(conversation: Conversation) -> Iterator[str]:
    head = {
        "number": conversation.contact.number,
        "line": conversation.line.number,
        "line_label": conversation.line.label,
        "opened_at": conversation.created_at,
        "done_at": conversation.done_at,
        "assigned_to": str(conversation.assignee) if conversation.assignee else None,
    }
    notes = Note.objects.filter(conversation=conversation).select_related("author").order_by("created_at", "pk")
    happened = Activity.objects.filter(conversation=conversation).select_related("actor", "subject").order_by("at", "pk")
    messages = Message.objects.filter(conversation=conversation).select_related("author").defer("words")
    calls = Call.objects.filter(conversation=conversation).prefetch_related(
        "events__runs__tellings", "events__runs__rule", "promises"
    )
    yield _opened(head)
    yield ',\n "messages": '
    yield from _listed(map(_of_message, messages.order_by("created_at", "pk").iterator(500)))
    yield ',\n "notes": '
    yield from _listed(map(_of_note, notes.iterator(500)))
    yield ',\n "happened": '
    yield from _listed(map(_of_activity, happened.iterator(500)))
    yield ',\n "calls": '
    yield from _listed(map(_of_call, calls.order_by("began_at", "pk").iterator(200)))
    yield "}"


def _listed(things: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for place, thing in enumerate(things):
        yield (",\n" if place else "\n") + _json(thing)
    yield "]"


def _of_contact(main: Contact) -> dict[str, Any]:
    return {
        "name": main.name,
        "company": main.company,
        "note": main.note,
        "emails": main.emails,
        "language": main.language,
        "tags": [*main.tags.order_by("name").values_list("name", flat=True)],
        "known_since": main.created_at,
        "erased_at": main.erased_at,
    }


def _of_consent(consent: Any) -> dict[str, Any]:
    said = {name: getattr(consent, name) for name in ("purpose", "source", "given_at", "withdrawn_at")}
    return said | {"recorded_by": str(consent.recorded_by) if consent.recorded_by else None}


def _of_wish(wish: Any) -> dict[str, Any]:
    said = {name: getattr(wish, name) for name in ("number", "source", "words", "opted_out_at", "ended_at", "ended_because")}
    people = {name: str(person) for name in ("recorded_by", "ended_by") if (person := getattr(wish, name))}
    return said | {"line": wish.line.number} | people


def _of_message(message: Message) -> dict[str, Any]:
    said = ("uuid", "direction", "status", "reason", "body", "media", "origin", "encoding", "segments", "provider_message_id")
    return {name: getattr(message, name) for name in (*said, *_TIMES)} | {"author": str(message.author) if message.author else None}


def _of_note(note: Note) -> dict[str, Any]:
    return {"uuid": note.uuid, "author": str(note.author), "body": note.body, "created_at": note.created_at}


def _of_activity(one: Activity) -> dict[str, Any]:
    return {
        "what": one.kind,
        "by": str(one.actor) if one.actor else None,
        "to": str(one.subject) if one.subject else None,
        "at": one.at,
    }


def _of_call(call: Call) -> dict[str, Any]:
    said = (
        "uuid",
        "direction",
        "state",
        "partner",
        "called",
        "queue",
        "parameters",
        "began_at",
        "answered_at",
        "ended_at",
        "duration",
    )
    runs = [run for event in call.events.all() for run in event.runs.all()]
    return {name: getattr(call, name) for name in said} | {
        "happened": [{"what": event.kind, "detail": event.detail, "at": event.at} for event in call.events.all()],
        "rules": [{"rule": run.rule.name, "outcome": run.outcome, "checks": run.checks, "at": run.at} for run in runs],
        "told": [_of_telling(telling) for run in runs for telling in run.tellings.all()],
        "promises": [{"made_at": one.made_at, "due_at": one.due_at, "kept_at": one.kept_at} for one in call.promises.all()],
    }


def _of_telling(telling: Telling) -> dict[str, Any]:
    # Whom of our people it went to is not theirs to know; what was said of them is.
    who = "the caller" if telling.user_id is None else "a colleague"
    return {"who": who} | {name: getattr(telling, name) for name in ("channel", "state", "reason", "subject", "body", "told_at")}


def _opened(thing: dict[str, Any]) -> str:
    """An object that goes on."""
    return _json(thing).removesuffix("}").rstrip()


def _json(thing: Any) -> str:
    return json.dumps(thing, ensure_ascii=False, indent=1, default=_plain)


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
