"""One small history, told by hand, and which of its messages each filter finds: the same on every database.

The clock of Budapest shows 02:00–03:00 twice in the night of 26 October 2025 (the first time until 01:00 UTC), and
not at all on 29 March 2026 (at 01:00 UTC it jumps).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from server.accounts.models import Role, Subscriber, User
from server.contacts.models import Contact
from server.lines.models import Line, LineAccess
from server.messaging.inbound import conversation_between
from server.messaging.models import Message, Note

if TYPE_CHECKING:
    from collections.abc import Iterable

BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
LINES = {"support": "+36301110001", "sales": "+36301110002", "rival": "+36301119999"}
PEOPLE = {"dana": Role.COLLEAGUE, "sam": Role.SUPERVISOR}
# Name, number, company.
CONTACTS = {
    "boti": ("Kiss Boti", "+36309990001", ""),
    "arpad": ("Árpád", "+36205551234", "Szűcs és Társa Kft."),
    "info": ("", "INFO", ""),
    "abroad": ("Müller Straße", "+4366412345678", ""),
    "eves": ("Kiss Boti", "+36309990001", ""),
}
# name: contact, line, UTC, direction, status, text, and what else is said of it.
MESSAGES: dict[str, tuple[str, str, str, str, str, str, dict[str, Any]]] = {
    "a": ("boti", "support", "2025-10-25 21:59:59.999999", "in", "received", "Árvíztűrő tükörfúrógép", {}),
    "b": ("boti", "support", "2025-10-25 22:00", "out", "delivered", "Köszönöm, jövünk!", {"author": "dana"}),
    "c": ("arpad", "support", "2025-10-26 00:30", "in", "received", "az első 02:30", {}),
    "d": ("arpad", "support", "2025-10-26 01:30", "in", "received", "a második 02:30", {}),
    "e": ("arpad", "sales", "2025-10-26 02:00", "out", "failed", "reggel 3 óra", {"author": "sam", "reason": "unreachable"}),
    "f": ("info", "support", "2025-12-24 10:00", "in", "received", "A számla: 36301234567, 1.500 Ft", {}),
    "g": ("abroad", "sales", "2026-03-29 00:59:59.999999", "in", "received", "Straßenbahn um 2", {}),
    "h": ("abroad", "sales", "2026-03-29 01:00", "out", "undelivered", "Bitte um 3", {"author": "sam", "reason": "blocked"}),
    # Of one instant: the order is that of their ids.
    "i": ("boti", "support", "2026-03-29 10:00", "out", "sent", "Szia! Számlája elkészült.", {"author": "dana"}),
    "j": ("boti", "support", "2026-03-29 10:00", "out", "queued", "Nyitva vagyunk", {"origin": "rule"}),
    # Came late: a higher id than what happened after it.
    "l": ("boti", "sales", "2026-03-30 09:00", "in", "received", "november 12-én jövök, Árpád", {}),
    "k": ("boti", "support", "2026-03-30 08:00", "in", "received", "", {"origin": "recovered", "media": [{"url": "https://x"}]}),
    # Taken away, and somebody else's: never found.
    "gone": ("boti", "support", "2026-03-30 08:30", "out", "failed", "Szia számla", {"author": "dana", "deleted": True}),
    "rival": ("eves", "rival", "2026-03-30 08:30", "in", "received", "Szia számla", {}),
}
NOTE_ON = "d"

# What it is, the filter as an address has it, and what is found, newest first: by sam, who sees every line.
FILTERS: list[tuple[str, dict[str, str], str]] = [
    ("everything", {}, "lkjihgfedcba"),
    ("oldest first", {"oldest": "1"}, "abcdefghijkl"),
    # --- The wall clock
    ("a day of 25 hours", {"from": "2025-10-26", "to": "2025-10-26"}, "edcb"),
    ("from its first minute", {"from": "2025-10-26 00:00"}, "lkjihgfedcb"),
    ("to the last minute before it, to its end", {"to": "2025-10-25 23:59"}, "a"),
    ("an hour that is shown twice, both times", {"from": "2025-10-26 02:00", "to": "2025-10-26 02:59"}, "dc"),
    ("a minute that is shown twice", {"from": "2025-10-26 02:30", "to": "2025-10-26 02:30"}, "dc"),
    ("from a minute shown twice: from the first time", {"from": "2025-10-26 02:30", "to": "2025-10-26 03:00"}, "edc"),
    ("to a minute shown twice: to the second time", {"from": "2025-10-26 01:00", "to": "2025-10-26 02:30"}, "dc"),
    ("to the minute before the second time: it is over by then", {"from": "2025-10-26", "to": "2025-10-26 02:29"}, "cb"),
    ("after the hour", {"from": "2025-10-26 03:00", "to": "2025-10-26 23:59"}, "e"),
    ("a day of 23 hours", {"from": "2026-03-29", "to": "2026-03-29"}, "jihg"),
    ("to the minute before the jump", {"from": "2026-03-29", "to": "2026-03-29 01:59"}, "g"),
    ("to a minute that never was: to the jump", {"from": "2026-03-29", "to": "2026-03-29 02:30"}, "g"),
    ("from a minute that never was: from the jump", {"from": "2026-03-29 02:30", "to": "2026-03-29 03:00"}, "h"),
    ("within what never was", {"from": "2026-03-29 02:10", "to": "2026-03-29 02:50"}, ""),
    ("the first minute after the jump", {"from": "2026-03-29 03:00", "to": "2026-03-29 03:00"}, "h"),
    # --- What a message is
    ("incoming", {"direction": "in"}, "lkgfdca"),
    ("outgoing", {"direction": "out"}, "jiheb"),
    ("outgoing, oldest first", {"direction": "out", "oldest": "1"}, "behij"),
    ("not sent", {"status": "failed"}, "e"),
    ("waiting", {"status": "queued"}, "j"),
    ("gone wrong", {"failed": "1"}, "he"),
    ("gone wrong, not delivered", {"failed": "1", "status": "undelivered"}, "h"),
    ("of a rule", {"origin": "rule"}, "j"),
    ("of a person: what came in is none", {"origin": "person"}, "iheb"),
    ("recovered", {"origin": "recovered"}, "k"),
    ("with a note", {"note": "1"}, "dc"),
    ("of a line", {"line": "sales"}, "lhge"),
    ("of a line of somebody else", {"line": "rival"}, ""),
    ("of a colleague", {"colleague": "dana"}, "ib"),
    ("of a contact", {"contact": "boti"}, "lkjiba"),
    ("of somebody else's contact", {"contact": "eves"}, ""),
    ("of a thread", {"conversation": "l"}, "l"),
    ("picked out by hand", {"only": "b,rival,gone,i"}, "ib"),
    # --- Numbers
    ("a number", {"number": "+36309990001"}, "lkjiba"),
    ("a number as people write it", {"number": "06 30 / 999-0001"}, "lkjiba"),
    ("its beginning", {"number": "0630"}, "lkjiba"),
    ("its end", {"number": "0001"}, "lkjiba"),
    ("its middle", {"number": "9900"}, "lkjiba"),
    ("two digits", {"number": "66"}, "hg"),
    ("one digit", {"number": "7"}, "hg"),
    ("a number abroad", {"number": "00 43 664"}, "hg"),
    ("with the zero for callers at home", {"number": "+43 (0)664 123"}, "hg"),
    ("with the marks of a phone's address book", {"number": "\u202a+36 20 555\u202c"}, "edc"),
    ("nobody's number", {"number": "0000000"}, ""),
    ("a sender that is a name", {"number": "info"}, "f"),
    ("the beginning of one", {"number": "in"}, "f"),
    ("a name in the field of numbers", {"number": "kiss"}, ""),
    ("no number at all", {"number": "?!"}, ""),
    # --- Partners
    ("the beginning of a partner's name", {"name": "kis"}, "lkjiba"),
    ("both names, without accents", {"name": "BOTI kiss"}, "lkjiba"),
    ("a company and a name", {"name": "szucs arpad"}, "edc"),
    ("a name of which one word is wrong", {"name": "kiss arpad"}, ""),
    ("the middle of a name", {"name": "oti"}, ""),
    ("a sender's name", {"name": "info"}, "f"),
    ("a number in the field of names", {"name": "3630"}, ""),
    ("how numbers are kept", {"name": "tel"}, ""),
    ("how senders are kept", {"name": "telinfo"}, ""),
    ("a letter that numbers are kept by, too", {"name": "t"}, "edc"),
    ("no name at all", {"name": "?!"}, ""),
    ("a partner and a word", {"name": "boti", "q": "nyitva"}, "j"),
    # --- Words
    ("a word", {"q": "számla"}, "if"),
    ("a word without its accents", {"q": "szamla"}, "if"),
    ("a word in capitals", {"q": "SZÁMLA"}, "if"),
    ("the beginning of a word", {"q": "tük"}, "a"),
    ("the middle of a word", {"q": "fúró"}, ""),
    ("two words, each met", {"q": "szia számla"}, "i"),
    ("one word and none", {"q": "szia tükör"}, ""),
    ("a letter that is two", {"q": "strasse"}, "hg"),
    ("a name", {"q": "boti"}, "lkjiba"),
    ("a name's beginning, and a word of a text", {"q": "árp"}, "ledc"),
    ("a name and a word", {"q": "boti nyitva"}, "j"),
    ("a company", {"q": "szucs tarsa"}, "edc"),
    ("a part of a number", {"q": "999 00"}, "lkjiba"),
    ("a number that somebody has written", {"q": "06 30 123 4567"}, ""),
    ("a number as it was written", {"q": "36301234567"}, "f"),
    ("a number and a word", {"q": "0001 nyitva"}, "j"),
    ("two digits: no part of a number", {"q": "30"}, "dc"),
    ("a sender", {"q": "INFO"}, "f"),
    ("a day, and the words of one", {"q": "2025. december 24."}, "f"),
    ("a day as a number, and a word", {"q": "2026-03-29 szia"}, "i"),
    ("a day of 25 hours", {"q": "2025.10.26"}, "edcb"),
    ("a year and nothing of it", {"q": "1999.12.31"}, ""),
    ("signs only", {"q": "?!"}, ""),
    ("a letter that is no letter", {"q": "ͺ"}, ""),
    ("signs of a searching language", {"q": "szia & ! | <-> :* ' \\ \" NEAR("}, ""),
    ("a word, and signs of a searching language", {"q": "'szia':* | \"\"*"}, "i"),
    ("what begins every word", {"q": "a"}, "lfedca"),
    # --- Together
    ("a line, a direction and a day", {"line": "support", "direction": "in", "from": "2025-10-26", "to": "2025-10-26"}, "dc"),
    ("a word in a line", {"line": "support", "q": "számla"}, "if"),
    ("a number and a word's beginning", {"number": "0001", "q": "sz"}, "i"),
    ("a name, oldest first", {"q": "boti", "oldest": "1"}, "abijkl"),
]

# The same, asked by dana, who was given the shared line only.
FILTERS_OF_DANA: list[tuple[str, dict[str, str], str]] = [
    ("everything", {}, "kjifdcba"),
    ("gone wrong", {"failed": "1"}, ""),
    ("a line of others", {"line": "sales"}, ""),
    ("a contact of two lines", {"contact": "boti"}, "kjiba"),
    ("a name of two lines", {"q": "árpád"}, "dc"),
    ("a thread of others", {"conversation": "l"}, ""),
]


class Told:
    """The history in the database: `asked()` turns a row of the table into an address's values, `names()` messages into letters."""

    def __init__(self) -> None:
        ours, rival = (Subscriber.objects.create(slug=slug, name=slug.title()) for slug in ("told", "eves"))
        self.lines = {name: self._line(name, number, rival if name == "rival" else ours) for name, number in LINES.items()}
        self.people = {name: self._user(name, role, ours) for name, role in PEOPLE.items()}
        LineAccess.objects.create(line=self.lines["support"], user=self.people["dana"])
        self.contacts = {
            key: Contact.objects.create(
                subscriber=rival if key == "eves" else ours, name=name, number=number, company=company, created_at=BEFORE
            )
            for key, (name, number, company) in CONTACTS.items()
        }
        self.messages = {name: self._message(*row) for name, row in MESSAGES.items()}
        thread = self.messages[NOTE_ON].conversation
        Note.objects.create(conversation=thread, author=self.people["dana"], body="Visszahívni", created_at=BEFORE)
        self._letters = {message.pk: name for name, message in self.messages.items()}

    def asked(self, values: dict[str, str]) -> dict[str, str]:
        known = {"line": self.lines, "colleague": self.people, "contact": self.contacts}
        values = {name: str(known[name][value].pk) if name in known else value for name, value in values.items()}
        if "conversation" in values:
            values["conversation"] = str(self.messages[values["conversation"]].conversation_id)
        if "only" in values:
            values["only"] = ",".join(str(self.messages[name].uuid) for name in values["only"].split(","))
        return values

    def names(self, messages: Iterable[Message]) -> str:
        return "".join(self._letters[message.pk] for message in messages)

    def _line(self, label: str, number: str, subscriber: Subscriber) -> Line:
        return Line.objects.create(subscriber=subscriber, number=number, label=label, provider="simulator")

    def _user(self, name: str, role: Role, subscriber: Subscriber) -> User:
        return User.objects.create(username=f"{name}-told", name=name.title(), role=role, subscriber=subscriber)

    def _message(self, who: str, line: str, at: str, direction: str, status: str, body: str, more: dict[str, Any]) -> Message:
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        thread = conversation_between(line=self.lines[line], contact=self.contacts[who], now=BEFORE)
        more = {**more, "deleted_at": moment if more.get("deleted") else None, "author": self.people.get(more.get("author", ""))}
        more.pop("deleted", None)
        return Message.objects.create(
            subscriber_id=thread.subscriber_id, conversation=thread, line_id=thread.line_id, created_at=moment,
            direction=direction, status=status, body=body, **more,
        )  # fmt: skip
