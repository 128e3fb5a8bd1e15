"""The demo company: who works there, on which lines."""

from __future__ import annotations

from dataclasses import dataclass

from server.accounts.models import Role

SLUG = "demo"
NAME = "Rokolya Ruha és Otthon Kft."
PASSWORD = "fonal-demo"
OPERATOR = "operator"

SUPPORT, ORDERS, ANNAS = "support", "orders", "anna"
LINES = {
    SUPPORT: ("+36303330001", "Ügyfélszolgálat"),
    ORDERS: ("+36303330002", "Rendelések"),
    ANNAS: ("+36303330003", "Anna"),
}
# Where its customers' mobiles are: it can answer them all.
COUNTRIES = ("HU", "AT", "DE", "FR", "GB", "HR", "IT", "NL", "NO", "PL", "SE")


@dataclass(frozen=True, slots=True)
class Colleague:
    username: str
    name: str
    role: Role
    phone: str
    lines: tuple[str, ...] = ()
    language: str = "hu"


STAFF = [
    Colleague("anna", "Anna", Role.COLLEAGUE, "+36302220001", (SUPPORT, ORDERS, ANNAS)),
    Colleague("bela", "Béla", Role.COLLEAGUE, "+36302220002", (SUPPORT, ORDERS)),
    Colleague("csaba", "Csaba", Role.COLLEAGUE, "+36302220003", (SUPPORT, ORDERS), language="en"),
    Colleague("judit", "Judit", Role.SUPERVISOR, "+36302220004"),
    Colleague("marton", "Márton", Role.ADMINISTRATOR, "+36302220005"),
    Colleague("erzsi", "Erzsi", Role.AUDITOR, "+36302220006"),
]
# As the shop's door says, and the canned text.
OPENING_HOURS = {**{str(day): [["09:00", "18:00"]] for day in range(1, 6)}, "6": [["09:00", "13:00"]]}
ENGLISH_TEAM = "English team"
TEAMS = {"Bolt": ("anna", "bela", "judit"), "Rendelések": ("bela", "csaba"), ENGLISH_TEAM: ("csaba",)}
# How they hear of calls, where a rule leaves it to each.
HEAR_OF_CALLS_BY = {"csaba": ["browser", "email", "sms"], "judit": ["email"]}
# Who answers on a line, by how often.
ANSWERERS = {SUPPORT: ("anna", "anna", "bela", "bela", "judit"), ORDERS: ("bela", "csaba", "csaba", "anna"), ANNAS: ("anna",)}

# Answers written once: the company's, and Anna's own.
CANNED_TEXTS = [
    ("", "Köszöntés", "Jó napot, {name}! {colleague} vagyok a {company} ügyfélszolgálatáról. Miben segíthetek?"),
    ("", "Rendelésszámot kérek", "Kérem, írja meg a rendelés számát (K-val kezdődik), és máris utánanézek."),
    ("", "Nyitvatartás", "Hétköznap 9 és 18, szombaton 9 és 13 óra között várjuk az Andrássy út 14. alatti üzletben."),
    ("", "Átvehető a csomag", "Kedves {name}! A csomagja átvehető az Andrássy úti üzletben, hét napig félretesszük."),
    ("", "Visszahívjuk", "Most nem tudtuk fogadni a hívását. Még ma keressük, vagy hívjon minket: {number}"),
    ("anna", "Köszönöm, szép napot", "Nagyon szívesen, szép napot kívánok! {colleague}"),
]
