"""Reading a provisioning file: all of it is checked before anything is done, and every mistake is told at once."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from server import phone
from server.accounts.models import Language, Role, Subscriber, User
from server.lines.models import Line
from server.provisioning.plan import LineWish, OperatorWish, Plan, SubscriberWish, UserWish
from server.zones import zones

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

ROLES = (Role.COLLEAGUE, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)


class FileNotValid(Exception):
    """The file can't be carried out; nothing was changed. `problems` are sentences that name table and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_plan(text: str, *, providers: Collection[str]) -> Plan:
    """Turn a file's text into a plan that the database can take; raises FileNotValid."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise FileNotValid([f"This is not TOML: {problem}"]) from problem
    return _Reader(text, providers).plan(document)


@dataclass
class _Table:
    """One table of the file; asking for a field checks it and crosses it off."""

    name: str
    fields: dict[str, Any]
    problems: list[str]

    def complain(self, field: str, what: str) -> None:
        self.problems.append(f"{self.name}, {field}: {what}")

    def text(self, field: str, *, required: bool = False, may_be_empty: bool = False, longest: int = 120) -> str | None:
        value: str | None = self._take(field, str, "a text in quotes")
        if value is not None:
            value = value.strip()
            if len(value) > longest:
                self.complain(field, f"{longest} characters at most")
            if "\x00" in value:
                self.complain(field, "holds a NUL character")
        if value == "" and not may_be_empty:
            self.complain(field, "is empty")
        if value is None and required:
            self.complain(field, "is missing")
        return value

    def truth(self, field: str) -> bool | None:
        value: bool | None = self._take(field, bool, "true or false")
        return value

    def count(self, field: str, *, least: int, most: int = 10_000_000) -> int | None:
        value: int | None = self._take(field, int, "a number")
        if value is not None and not least <= value <= most:
            self.complain(field, f"must be from {least} to {most}")
        return value

    def texts(self, field: str) -> tuple[str, ...] | None:
        values = self._take(field, list, "a list of texts")
        if values is None:
            return None
        if not all(isinstance(value, str) for value in values):
            self.complain(field, "must be a list of texts")
            return ()
        return tuple(value.strip() for value in values)

    def one_of(self, field: str, allowed: Collection[str], **options: Any) -> str | None:
        value = self.text(field, **options)
        if value and value not in allowed:
            self.complain(field, f"{value!r} is none of {', '.join(sorted(allowed))}")
        return value

    def checked(self, field: str, check: Callable[[str], Any], what: str, **options: Any) -> Any:
        """A text turned into something by `check`, which raises ValueError or ValidationError when it is not `what`."""
        value = self.text(field, **options)
        if not value:
            return value
        try:
            return check(value)
        except (ValueError, ValidationError):
            self.complain(field, f"{value!r} is not {what}")
            return value

    def tables(self, field: str) -> list[dict[str, Any]]:
        values = self._take(field, list, f"tables: [[…{field}]]") or []
        if not all(isinstance(value, dict) for value in values):
            self.complain(field, f"must be tables: [[…{field}]]")
            return []
        return values

    def nothing_else(self) -> None:
        for field in self.fields:
            self.complain(field, "is unknown here")

    def _take(self, field: str, kind: type, what: str) -> Any:
        value = self.fields.pop(field, None)
        # TOML has no null, and true is an int to Python.
        if value is not None and type(value) is not kind:
            self.complain(field, f"must be {what}")
            return None
        return value


class _Reader:
    def __init__(self, text: str, providers: Collection[str]) -> None:
        self.providers = providers
        self.problems: list[str] = []
        self.headers = {
            header: _lines_with(text, header)
            for header in ("operator", "subscriber", *(f"subscriber.{room}" for room in ("team", "line", "user", "contact")))
        }

    def plan(self, document: dict[str, Any]) -> Plan:
        file = _Table("The file", dict(document), self.problems)
        operators = tuple(self.operator(table) for table in self.each("operator", file.tables("operator"), "username"))
        subscribers = tuple(self.subscriber(table) for table in self.each("subscriber", file.tables("subscriber"), "slug"))
        file.nothing_else()
        if not operators and not subscribers and not self.problems:
            self.problems.append("The file holds neither [[operator]] nor [[subscriber]].")
        self.check_no_twins(operators, subscribers)
        if not self.problems:
            self.check_against_rows(operators, subscribers)
        if self.problems:
            raise FileNotValid(self.problems)
        return Plan(operators=operators, subscribers=subscribers)

    def each(self, header: str, tables: list[dict[str, Any]], title: str) -> Iterator[_Table]:
        for table in tables:
            where = next(self.headers[header], None)
            called = table.get(title)
            name = f"[[{header}]]" + (f" {called!r}" if isinstance(called, str) else "") + (f" (line {where})" if where else "")
            yield _Table(name, dict(table), self.problems)

    def operator(self, table: _Table) -> OperatorWish:
        wish = OperatorWish(username=_username(table), password=_password(table), name=table.text("name"))
        table.nothing_else()
        return wish

    def subscriber(self, table: _Table) -> SubscriberWish:
        slug = table.checked("slug", _slug, "made of letters, digits and hyphens", required=True, longest=50) or ""
        country = table.checked("country", _country, "a country's two letters, such as HU")
        reads_as = country or Subscriber.objects.filter(slug=slug).values_list("country", flat=True).first() or "HU"
        teams = [team for one in self.each("subscriber.team", table.tables("team"), "name") if (team := self.team(one))]
        wish = SubscriberWish(
            slug=slug,
            name=table.text("name"),
            country=country,
            timezone=table.checked("timezone", _timezone, "a time zone, such as Europe/Budapest", longest=64),
            language=table.one_of("language", Language.values),
            sms=table.truth("sms"),
            chat=table.truth("chat"),
            teams=tuple(teams),
            lines=tuple(self.line(one, reads_as) for one in self.each("subscriber.line", table.tables("line"), "number")),
            users=tuple(self.user(one, reads_as) for one in self.each("subscriber.user", table.tables("user"), "username")),
            contacts=dict(
                self.contact(one, reads_as) for one in self.each("subscriber.contact", table.tables("contact"), "number")
            ),
        )
        _check_services(table, wish)
        table.nothing_else()
        return wish

    def team(self, table: _Table) -> str | None:
        name = table.text("name", required=True, longest=80)
        table.nothing_else()
        return name

    def line(self, table: _Table, country: str) -> LineWish:
        wish = LineWish(
            number=table.checked("number", lambda text: phone.to_e164(text, country=country), "a phone number", required=True)
            or "",
            label=table.text("label", longest=80),
            provider=table.one_of("provider", self.providers, required=True),
            key=table.checked("key", UUID, "a UUID, such as 0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11"),
            account_sid=table.text("account_sid", may_be_empty=True, longest=64),
            auth_token=table.text("auth_token", may_be_empty=True),
            pbx_secret=table.text("pbx_secret", may_be_empty=True),
            per_day=table.count("per_day", least=0),
            per_minute=table.count("per_minute", least=1),
            countries=_countries(table),
        )
        if wish.provider == "twilio":
            for field in ("account_sid", "auth_token"):
                if not getattr(wish, field):
                    table.complain(field, "is needed at twilio")
        table.nothing_else()
        return wish

    def user(self, table: _Table, country: str) -> UserWish:
        numbers = table.texts("lines")
        wish = UserWish(
            username=_username(table),
            password=_password(table),
            name=table.text("name"),
            role=table.one_of("role", ROLES),
            language=table.one_of("language", Language.values),
            lines=None if numbers is None else tuple(_line_number(table, number, country) for number in numbers),
            teams=table.texts("teams"),
            phone=table.checked("phone", lambda text: phone.to_e164(text, country=country), "a phone number", may_be_empty=True),
            email=table.checked("email", _email, "an e-mail address", may_be_empty=True),
        )
        table.nothing_else()
        return wish

    def contact(self, table: _Table, country: str) -> tuple[str, str]:
        number = table.checked(
            "number", lambda text: _contact_number(text, country), "a phone number, short code or name", required=True
        )
        name = table.text("name", required=True)
        table.nothing_else()
        return number or "", name or ""

    def check_no_twins(self, operators: tuple[OperatorWish, ...], subscribers: tuple[SubscriberWish, ...]) -> None:
        names = [wish.username for wish in operators] + [user.username for wish in subscribers for user in wish.users]
        lines = [(line.provider, line.number) for wish in subscribers for line in wish.lines]
        keys = [str(line.key) for wish in subscribers for line in wish.lines if line.key]
        self._complain_of_twins("username", names)
        self._complain_of_twins("slug", [wish.slug for wish in subscribers])
        self._complain_of_twins("line", [f"{number} at {provider}" for provider, number in lines])
        self._complain_of_twins("key", keys)
        owners = {(line.number, wish.slug) for wish in subscribers for line in wish.lines}
        self._complain_of_twins("line number", [number for number, _ in owners])

    def _complain_of_twins(self, what: str, values: list[str]) -> None:
        self.problems += [
            f"The file has the {what} {value!r} {count} times." for value, count in Counter(values).items() if value and count > 1
        ]

    def check_against_rows(self, operators: tuple[OperatorWish, ...], subscribers: tuple[SubscriberWish, ...]) -> None:
        for operator in operators:
            known = User.objects.filter(username=operator.username).first()
            if known and known.role != Role.OPERATOR:
                self._complain("operator", operator.username, "username", f"belongs to somebody of {known.subscriber}")
            if not known and not operator.password:
                self._complain("operator", operator.username, "password", "is missing: the person is new")
        for subscriber in subscribers:
            row = Subscriber.objects.filter(slug=subscriber.slug).select_related("activation").first()
            if row is None and not subscriber.name:
                self._complain("subscriber", subscriber.slug, "name", "is missing: the subscriber is new")
            if subscriber.chat and subscriber.sms is None and not (row and row.has_sms):
                self._complain("subscriber", subscriber.slug, "chat", "needs sms = true: chat is a supplement of SMS")
            for line in subscriber.lines:
                self.check_line(subscriber, line)
            for user in subscriber.users:
                self.check_user(subscriber, row, user)

    def check_line(self, subscriber: SubscriberWish, line: LineWish) -> None:
        # Whatever the provider: one number is one company's.
        if (
            other := Line.objects.filter(number=line.number)
            .exclude(subscriber__slug=subscriber.slug)
            .select_related("subscriber")
            .first()
        ):
            self._complain("subscriber.line", line.number, "number", f"is already a line of {other.subscriber.slug!r}")
        if line.key and (other := Line.objects.filter(key=line.key).exclude(number=line.number).first()):
            self._complain("subscriber.line", line.number, "key", f"is already the key of {other.number}")

    def check_user(self, subscriber: SubscriberWish, row: Subscriber | None, user: UserWish) -> None:
        known = User.objects.filter(username=user.username).select_related("subscriber").first()
        if known and (row is None or known.subscriber_id != row.pk):
            owner = f"somebody of {known.subscriber.slug!r}" if known.subscriber else "the operator's staff"
            self._complain("subscriber.user", user.username, "username", f"belongs to {owner}")
        if not known and not user.password:
            self._complain("subscriber.user", user.username, "password", "is missing: the person is new")
        theirs = {line.number for line in subscriber.lines}
        teams = set(subscriber.teams)
        if row:
            theirs |= set(row.lines.values_list("number", flat=True))
            teams |= set(row.teams.values_list("name", flat=True))
        for number in sorted(set(user.lines or ()) - theirs):
            self._complain("subscriber.user", user.username, "lines", f"{number} is no line of {subscriber.slug!r}")
        for team in sorted(set(user.teams or ()) - teams):
            self._complain("subscriber.user", user.username, "teams", f"{team!r} is no team of {subscriber.slug!r}")

    def _complain(self, header: str, called: str, field: str, what: str) -> None:
        self.problems.append(f"[[{header}]] {called!r}, {field}: {what}")


def _lines_with(text: str, header: str) -> Iterator[int]:
    """The numbers of the lines on which [[header]] stands, in order."""
    wanted = re.compile(r"\s*\[\[\s*" + r"\s*\.\s*".join(map(re.escape, header.split("."))) + r"\s*\]\]")
    return iter([number for number, line in enumerate(text.splitlines(), start=1) if wanted.match(line)])


def _username(table: _Table) -> str:
    return (
        table.checked("username", _valid_username, "a user name (letters, digits and @ . + - _)", required=True, longest=150) or ""
    )


def _password(table: _Table) -> str | None:
    # Spaces at its ends are the password's own.
    password = table.fields.get("password")
    if isinstance(password, str):
        table.fields.pop("password")
        if not password:
            table.complain("password", "is empty")
        return password
    return table.text("password")


def _check_services(table: _Table, wish: SubscriberWish) -> None:
    if wish.chat and wish.sms is False:
        table.complain("chat", "needs sms = true: chat is a supplement of SMS")


def _slug(text: str) -> str:
    validate_slug(text)
    return text


def _valid_username(text: str) -> str:
    User.username_validator(text)
    return User.normalize_username(text)


def _country(text: str) -> str:
    if not phone.is_country(text.upper()):
        raise ValueError(text)
    return text.upper()


def _countries(table: _Table) -> tuple[str, ...] | None:
    named = table.texts("countries")
    for text in named or ():
        if not phone.is_country(text.upper()):
            table.complain("countries", f"{text!r} is not a country's two letters, such as HU")
    return None if named is None else tuple(sorted({text.upper() for text in named}))


def _timezone(text: str) -> str:
    if text not in zones():
        raise ValueError(text)
    return text


def _email(text: str) -> str:
    validate_email(text)
    return text


def _line_number(table: _Table, text: str, country: str) -> str:
    try:
        return phone.to_e164(text, country=country)
    except phone.NumberNotValid:
        table.complain("lines", f"{text!r} is not a phone number")
        return text


def _contact_number(text: str, country: str) -> str:
    number = phone.sender_of(text, country=country)
    if len(text) > 20 or (number.startswith("+") and not re.fullmatch(r"\+[0-9]{7,15}", number)):
        raise ValueError(text)
    # Neither a number nor what a sender may be called (a short code, letters).
    if not number.startswith("+") and (re.fullmatch(r"[0-9]{7,}", number) or len(number) > 15):
        raise ValueError(text)
    return number
