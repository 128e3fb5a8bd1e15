"""A company that has had its SMS from us for three years: millions of messages, written into a database at once.

    load(environment=…, messages=10_000_000, conversations=200_000)

20 lines (a few busy ones, one nearly idle), 24 colleagues, a supervisor, and a second company beside.
Texts are Hungarian and English, their words as frequent as words are (Zipf), one in twenty with an order
number that no other has. Everything is drawn with one seed: the same size gives the same rows.
"""

from __future__ import annotations

import bisect
import itertools
import os
import random
from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES, COLLEAGUES, DAYS = 20, 24, 3 * 365
END = datetime(2026, 11, 22, tzinfo=UTC)
# Of the messages and of the conversations.
RIVALS_SHARE = 0.05
ORDERS_SHARE = 0.05
# When people text, by hour and by weekday.
HOURS = (1, 1, 1, 1, 1, 3, 10, 30, 70, 90, 95, 90, 75, 80, 85, 80, 70, 50, 35, 25, 15, 10, 5, 2)
WEEKDAYS = (100, 95, 95, 95, 85, 25, 10)

HUNGARIAN = """a az és nem hogy is egy meg jó napot kívánok köszönöm szépen kérem időpont számla holnap délután szeretném
rendelés csomag ma reggel tudnának mikor lesz már csak de ha vagy igen rendben üdvözlettel kérdés segítség módosítani lemondani
autó szerviz ár ajánlat cím utca telefonszám visszahívni várom önök nyitva szombaton péntek hétfő kedd szerda csütörtök
átvehető futár fizetés utalás kártya készpénz határidő garancia javítás kész van volt fog kell köszönettel tisztelt uram hölgyem"""
ENGLISH = """the to you please hello thanks is my for on tomorrow order invoice delivery when can we open appointment
yes no ok today call me back address price payment ready pick up time late"""
SURNAMES = """Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Takács Juhász Lakatos Mészáros Oláh Simon
Rácz Fekete Szilágyi Török Fehér Balázs Gál Kocsis Pintér Fodor Sipos Magyar Lukács Gulyás Biró Király László Bogdán Katona"""
GIVEN = """Anna Bence Csilla Dániel Eszter Ferenc Gábor Hanna István Judit Katalin László Mária Nóra Olivér Péter Réka Sándor Tamás
Virág Zoltán Zsófia Ágnes Árpád Éva Ildikó Örs Ünige"""
SYLLABLES = """ba be bi bo bá da de do dé fa fe fo gá ge gó ha he hi já jó ka ke ki kö la le li lő ma me mi mó na ne ni nő
pa pe pi pó ra re ri rú sa se si só szá sze szi szó ta te ti tű va ve vi vá za ze zi zsá"""
FIRM = ("Kft", "Bt", "Zrt", "Ltd")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Who is in there, by id, and words of the texts by how often they come."""

    supervisor: int
    # Has the busiest line and a quiet one.
    colleague: int
    quiet_colleague: int
    messages: int
    busy_line: int
    idle_line: int
    busiest_thread: int
    contact: int
    number: str
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Text:
    body: str
    words: str
    encoding: str
    segments: int
    plain_segments: int


def load(*, environment: dict[str, str], messages: int, conversations: int) -> Loaded:
    """Set Django up in this process, migrate, and fill the database."""
    os.environ.update(environment)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return _Load(messages, conversations).run()


class _Load:
    def __init__(self, messages: int, conversations: int) -> None:
        self.messages, self.conversations = messages, conversations
        # Not for secrets: for the same rows in each run.
        self.chance = random.Random(31)

    def run(self) -> Loaded:
        from django.db import connection

        from bench import bulk

        self.texts = self._texts()
        rival, ours = self._company("rival", "Rival Zrt.", 1), self._company("bench", "Bench Kft.", LINES)
        self.rivals = int(self.conversations * RIVALS_SHARE)
        self.lines = self._lines_of_conversations(rival, ours)
        self.people = [*rival.people, *ours.people]
        self.accounts = {line: company.subscriber for company in (rival, ours) for line in company.lines}
        bulk.write("contacts_contact", CONTACT.split(), self._contacts())
        bulk.write("messaging_conversation", CONVERSATION.split(), self._opened())
        self.last = array("q", bytes(8 * (self.conversations + 1)))
        self.inbound = array("q", bytes(8 * (self.conversations + 1)))
        self.latest: dict[int, str] = {}
        self.waiting: dict[int, str] = {}
        self.went_wrong: set[int] = set()
        bulk.write("messaging_message", MESSAGE.split(), self._messages())
        self._standing()
        bulk.finish(connection)
        return self._loaded(ours)

    # --- People and lines ---------------------------------------------------------------------
    def _company(self, slug: str, name: str, lines: int) -> _Company:
        from server.accounts.models import Activation, Role, Subscriber, User
        from server.lines.models import Line, LineAccess

        subscriber = Subscriber.objects.create(slug=slug, name=name)
        Activation.objects.create(subscriber=subscriber, sms_since=END, chat_since=END)
        first = Line.objects.count()
        made = [
            Line.objects.create(subscriber=subscriber, number=f"+363011{first + n:05}", label=f"Line {n}", provider="simulator")
            for n in range(lines)
        ]
        boss = User.objects.create(username=f"{slug}-boss", name="Supervisor", role=Role.SUPERVISOR, subscriber=subscriber)
        people = [
            User.objects.create(
                username=f"{slug}{n}", name=f"{GIVEN.split()[n]} {SURNAMES.split()[n]}", role=Role.COLLEAGUE, subscriber=subscriber
            )
            for n in range(COLLEAGUES)
        ]
        # Two lines each: the first colleague has the busiest one and a quiet one.
        access = {(made[(n + 1) * at % lines].pk, person.pk) for n, person in enumerate(people) for at in (0, 7)}
        LineAccess.objects.bulk_create(LineAccess(line_id=line, user_id=person) for line, person in access)
        return _Company(subscriber.pk, [line.pk for line in made], boss.pk, [person.pk for person in people])

    def _lines_of_conversations(self, rival: _Company, ours: _Company) -> list[int]:
        weights = [1 / (n + 1) for n in range(LINES - 1)] + [0.002]
        chosen = self.chance.choices(ours.lines, weights, k=self.conversations - self.rivals)
        return [0, *[rival.lines[0]] * self.rivals, *chosen]

    def _contacts(self) -> Iterator[tuple[Any, ...]]:
        from server.contacts.models import Contact

        for pk in range(1, self.conversations + 1):
            number = f"+36{self.chance.choice((20, 30, 70))}{self._digits(pk):07}"
            name = (
                f"{self.chance.choice(SURNAMES.split())} {self.chance.choice(GIVEN.split())}" if self.chance.random() < 0.8 else ""
            )
            company = f"{self._word(self.chance).title()} {self.chance.choice(FIRM)}" if self.chance.random() < 0.2 else ""
            contact = Contact(number=number, name=name, company=company)
            words = Contact._meta.get_field("words").pre_save(contact, True)
            yield pk, self.accounts[self.lines[pk]], number, name, company, "", "[]", "", words, "2023-11-23 06:00:00.000001"

    def _opened(self) -> Iterator[tuple[Any, ...]]:
        for pk in range(1, self.conversations + 1):
            line, opened = self.lines[pk], "2023-11-23 06:00:00.000001"
            yield pk, self.accounts[line], line, pk, opened, opened, 0, False, ""

    @staticmethod
    def _digits(pk: int) -> int:
        # Each number once, in no order: 7 digits, stepped through by a prime.
        return pk * 7_368_787 % 10_000_000

    # --- Texts --------------------------------------------------------------------------------
    @staticmethod
    def _word(chance: random.Random) -> str:
        return "".join(chance.choices(SYLLABLES.split(), k=chance.choice((2, 3, 3, 4))))

    def _texts(self) -> list[_Text]:
        """As many different texts as a fortieth of the messages, 300,000 at most, of 30,000 words."""
        from server import sms
        from server.wording import words_of

        spoken = f"{HUNGARIAN} {ENGLISH}".split()
        vocabulary = [*dict.fromkeys([*spoken, *(self._word(self.chance) for _ in range(30_000))])]
        frequencies = [*itertools.accumulate(1 / (rank + 8) for rank in range(len(vocabulary)))]
        texts = []
        for _ in range(min(300_000, max(5_000, self.messages // 40))):
            words = self.chance.choices(vocabulary, cum_weights=frequencies, k=self.chance.choice((2, 4, 6, 8, 9, 10, 12, 14, 18)))
            body = " ".join(words).capitalize() + self.chance.choice(".!?")
            if self.chance.random() < 0.3:
                body = sms.unaccent(body)
            count, plain = sms.count_segments(body), sms.count_segments(sms.unaccent(body)).segments
            texts.append(_Text(body, words_of(body), count.encoding, count.segments, plain))
        return texts

    # --- Messages -----------------------------------------------------------------------------
    def _messages(self) -> Iterator[tuple[Any, ...]]:
        chance, total = self.chance, self.conversations
        # Who texts a lot and who seldom: the busiest has thousands, the quietest a few dozen.
        shuffled = list(range(1, total + 1))
        chance.shuffle(shuffled)
        for pk, at in enumerate(self._moments(), start=1):
            conversation = shuffled[int(total * chance.random() ** 2)]
            text = chance.choice(self.texts)
            body, words = text.body, text.words
            if chance.random() < ORDERS_SHARE:
                self.order = f"RX{pk:08}"
                body, words = f"{body} {self.order}", f"{words} {self.order.lower()}"
            line = self.lines[conversation]
            if chance.random() < 0.5:
                row = self._received(pk, conversation, line, at, body, words, text)
            else:
                row = self._sent(pk, conversation, line, at, body, words, text)
            self.last[conversation], self.latest[conversation] = pk, at
            yield row

    def _received(self, pk: int, conversation: int, line: int, at: str, body: str, words: str, text: _Text) -> tuple[Any, ...]:
        self.inbound[conversation] += 1
        self.waiting.setdefault(conversation, at)
        return (
            pk, f"{self.chance.getrandbits(128):032x}", self.accounts[line], conversation, line, "in", "received", body, words,
            None, "person", text.encoding, text.segments, 0, "[]", "simulator:", f"SM{pk:032x}", "", "", 0, 0, "", at, None, None, None, None,
        )  # fmt: skip

    def _sent(self, pk: int, conversation: int, line: int, at: str, body: str, words: str, text: _Text) -> tuple[Any, ...]:
        luck = self.chance.random()
        # About four in a hundred go wrong: two of all messages.
        status, reason = ("delivered", "") if luck > 0.06 else ("sent", "") if luck > 0.04 else ("undelivered", "unreachable")
        if luck < 0.015:
            status, reason = "failed", "not_mobile"
        self.waiting.pop(conversation, None)
        (self.went_wrong.add if reason else self.went_wrong.discard)(conversation)
        origin, author = ("rule", None) if 0.5 < luck < 0.55 else ("person", self._author(line))
        return (
            pk, f"{self.chance.getrandbits(128):032x}", self.accounts[line], conversation, line, "out", status, body, words,
            author, origin, text.encoding, text.segments, text.plain_segments, "[]", "simulator:", f"SM{pk:032x}", reason, "", 1, 0, "",
            at, at, None if status == "failed" else at, at if status == "delivered" else None, at if reason else None,
        )  # fmt: skip

    def _author(self, line: int) -> int:
        # The line decides its company, and some are more at work than others.
        company = 0 if self.accounts[line] == self.accounts[self.lines[1]] else COLLEAGUES
        return self.people[company + int(COLLEAGUES * self.chance.random() ** 2)]

    def _moments(self) -> Iterator[str]:
        """As many moments as messages, in their order, more of them on working days and by day."""
        hours = [*itertools.accumulate(HOURS)]
        days = [END - timedelta(days=DAYS - n) for n in range(DAYS)]
        share = self.messages / sum(WEEKDAYS[day.weekday()] for day in days)
        due = 0.0
        written = 0
        for day in days:
            due += share * WEEKDAYS[day.weekday()]
            number = round(due) - written
            written += number
            seconds = sorted(
                3600 * bisect.bisect(hours, self.chance.random() * hours[-1]) + 3600 * self.chance.random() for _ in range(number)
            )
            prefix = f"{day:%Y-%m-%d}"
            for second in seconds:
                whole, rest = int(second), int(second % 1 * 999_998) + 1
                yield f"{prefix} {whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{rest:06}"

    def _standing(self) -> None:
        """What the conversations know of their messages."""
        from django.db import connection, transaction

        rows = [
            (self.last[pk], self.latest[pk], self.waiting.get(pk), self.inbound[pk], pk in self.went_wrong, pk)
            for pk in self.latest
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE messaging_conversation SET latest_message_id = %s, latest_at = %s, waiting_since = %s, "
                "inbound_count = %s, has_failed = %s WHERE id = %s",
                rows,
            )

    def _loaded(self, ours: _Company) -> Loaded:
        from server.contacts.models import Contact

        busiest = max(range(self.rivals + 1, self.conversations + 1), key=lambda pk: self.inbound[pk])
        number = Contact.objects.get(pk=self.conversations - 1).number
        return Loaded(
            supervisor=ours.supervisor,
            colleague=ours.people[0],
            quiet_colleague=ours.people[-1],
            messages=self.messages,
            busy_line=ours.lines[0],
            idle_line=ours.lines[-1],
            busiest_thread=busiest,
            contact=self.conversations - 1,
            number=number,
            words=self._words_by_frequency() | {"part of a number": number[-6:], "a name": "Bogdán Zsófia", "a surname": "Bogdán"},
        )

    def _words_by_frequency(self) -> dict[str, str]:
        """What is in one message, in dozens of them, in thousands and in many."""
        times = Counter(word for text in self.texts for word in text.words.split() if len(word) > 5)
        by_times = sorted(times, key=lambda word: (times[word], word))
        rare, middle, common = (by_times[int(len(by_times) * share)] for share in (0, 0.97, 0.9999))
        return {
            "one order number": self.order,
            "a rare word": rare,
            "a middle word": middle,
            "a common word": common,
            "two words": f"{common} {middle}",
        }


@dataclass(frozen=True, slots=True)
class _Company:
    subscriber: int
    lines: list[int]
    supervisor: int
    people: list[int]


CONTACT = "id subscriber_id number name company note emails language words created_at"
CONVERSATION = "id subscriber_id line_id contact_id latest_at created_at inbound_count has_failed call_state"
MESSAGE = """id uuid subscriber_id conversation_id line_id direction status body words author_id origin encoding segments
plain_segments media provider_account provider_message_id reason provider_code attempts absences lease_by created_at attempted_at
sent_at delivered_at failed_at"""
