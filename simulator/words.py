"""People, streets, goods and dates to fill the demo's dialogues with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

FAMILIES = """Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Takács Juhász Lakatos Mészáros Oláh Simon Rácz
Fekete Szilágyi Török Fehér Balázs Gál Kis Szűcs Kocsis Orsós Pintér Fodor Szalai Sipos Magyar Lukács Gulyás Bíró Király Katona László
Jakab Bogdán Boros Sándor Váradi Kelemen Antal Somogyi Fazekas Orosz Vincze Veres Hegedűs Deák Budai Pap Bálint Pál Illés Szőke""".split()
GIVENS = """Mária Erzsébet Katalin Éva Ilona Zsuzsanna Judit Ágnes Andrea Erika Krisztina Mónika Edit Gabriella Anikó Szilvia Tímea Nóra
Réka Dorottya Eszter Zsófia Lili Hanna Luca Boglárka Petra Vivien Fanni Kinga Orsolya Beáta Ildikó Márta Piroska László István József
János Zoltán Sándor Gábor Ferenc Attila Péter Tamás Zsolt Tibor András Imre Róbert Dávid Dániel Ádám Gergely Bálint Máté Balázs Levente
Norbert Kristóf Viktor Miklós Endre""".split()
FOREIGNERS = [
    ("Emily", "Clarke", "+44770090{:04d}", "en"),
    ("Oliver", "Hughes", "+44770090{:04d}", "en"),
    ("Sophie", "Walker", "+44770090{:04d}", "en"),
    ("Daniel", "Cooper", "+1202555{:04d}", "en"),
    ("Grace", "Bennett", "+1202555{:04d}", "en"),
    ("Ingrid", "Solberg", "+4740612{:03d}", "en"),
    ("Lars", "Nyström", "+4670174{:04d}", "en"),
    ("Marta", "Nowak", "+48512345{:03d}", "en"),
    ("Luca", "Ferri", "+39320123{:04d}", "en"),
    ("Camille", "Laurent", "+33612345{:03d}", "en"),
    ("Jasper", "de Wit", "+3161234{:04d}", "en"),
    ("Ana", "Horvat", "+38591234{:04d}", "en"),
    ("Maria", "Santos", "+63917555{:04d}", "en"),
    ("Sabine", "Keller", "+4915123{:06d}", "de"),
    ("Jürgen", "Wolff", "+4915123{:06d}", "de"),
    ("Lena", "Gruber", "+43664123{:04d}", "de"),
    ("Matthias", "Huber", "+43664123{:04d}", "de"),
]
COMPANIES = """Kertvendéglő Kft.|Hársfa Panzió|Pajtás Óvoda|Fodrászat a Sarkon Bt.|Duna-parti Rendezvényház|Négy Évszak Étterem|Mozaik Kávézó
|Bodza Esküvőszervezés|Tiszavirág Néptáncegyüttes|Szent Imre Általános Iskola|Platán Könyvelőiroda|Vadgesztenye Vendégház""".replace(
    "\n", ""
).split("|")
# Goods begin with consonants, so that the article before them is always "a".
PRODUCTS = """szürke gyapjúkabát|bordó bársonyblézer|lenvászon ruha|csíkos pamutpizsama|kék farmerszoknya|fehér lenabrosz|mintás ágyneműgarnitúra
|drapp sötétítő függöny|hímzett párnahuzat|virágmintás nyári ruha|barna kordnadrág|mustársárga pulóver|kockás flanelling|fürdőköpeny
|zöld kötött sál|gyerek esőkabát|rojtos gyapjúpléd|szabott öltöny|kézzel festett selyemkendő|pöttyös konyharuha-szett""".replace(
    "\n", ""
).split("|")
PRODUCTS_EN = """wool coat|linen dress|striped pyjamas|velvet blazer|linen tablecloth|flannel shirt|silk scarf|wool blanket|set of bed
 linen|corduroy trousers|bathrobe|hand-knitted sweater""".replace("\n", "").split("|")
STREETS = """Bartók Béla út|Pozsonyi út|Kossuth Lajos utca|Petőfi utca|Rákóczi út|Dózsa György út|Jókai utca|Arany János utca|Váci út|Templom tér
|Béke utca|Akácfa utca|Szondi utca|Munkácsy utca|Lehel út|Gesztenye sor|Hunyadi János utca|Szőlő utca|Liliom utca|Malom köz""".replace(
    "\n", ""
).split("|")
CITIES = """1137 Budapest|1052 Budapest|1114 Budapest|1027 Budapest|1163 Budapest|2000 Szentendre|2040 Budaörs|2100 Gödöllő|8000 Székesfehérvár
|9021 Győr|6720 Szeged|7621 Pécs|4024 Debrecen|3300 Eger|8200 Veszprém|6000 Kecskemét|2600 Vác|9400 Sopron|5000 Szolnok|8360 Keszthely""".replace(
    "\n", ""
).split("|")
STREETS_EN = [
    "12 Elm Grove, Leeds LS6 2AB",
    "Storgata 18, 0184 Oslo",
    "41 Maple Avenue, Albany NY 12208",
    "9 Harbour View, Bristol BS1 5TT",
]
COUNTRIES_EN = ["Ireland", "Denmark", "Portugal", "Slovenia", "Belgium", "Estonia"]
MONTHS = "január február március április május június július augusztus szeptember október november december".split()
DAYS = "hétfő kedd szerda csütörtök péntek szombat".split()
ON_DAYS = "hétfőn kedden szerdán csütörtökön pénteken szombaton".split()
DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday".split()
DAYS_DE = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag".split()
_BACK_VOWELS = {2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30}


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who texts the company."""

    number: str
    language: str
    given: str = ""
    family: str = ""
    is_known: bool = False
    company: str = ""

    @property
    def name(self) -> str:
        return f"{self.family} {self.given}" if self.language == "hu" else f"{self.given} {self.family}"


def personas(rng: Random, *, count: int, language: str = "hu"):
    """People with a name and a number of their own; two thirds of them stand in the phone book."""
    foreigners = [foreigner for foreigner in FOREIGNERS if foreigner[3] == language]
    numbers: set[str] = set()
    for index in range(count):
        if language == "hu":
            given, family = rng.choice(GIVENS), rng.choice(FAMILIES)
        else:
            given, family, pattern, _ = foreigners[index % len(foreigners)]
        number = ""
        while not number or number in numbers:
            number = (
                f"+36{rng.choice((20, 30, 70))}{rng.randrange(2_000_000, 9_700_000)}"
                if language == "hu"
                else _foreign(pattern, rng)
            )
        numbers.add(number)
        company = rng.choice(COMPANIES) if language == "hu" and rng.random() < 0.12 else ""
        yield Persona(number, language, given, family, is_known=rng.random() < 0.68, company=company)


def invent(name: str, *, persona: Persona, at: datetime, rng: Random) -> dict[str, str]:
    """A value for a word, with those of the words that must agree with it (a day and its date)."""
    if name in {"date", "ondate", "day", "onday", "day_en", "day_de"}:
        return _coming_day(at + timedelta(days=rng.randint(2, 6)))
    if name == "past":
        return {"past": _on_date(at - timedelta(days=rng.randint(5, 12)))}
    hour = rng.randint(9, 11)
    choices = {
        "order": f"K-{rng.randint(41_000, 58_999)}",
        "invoice": f"{at.year}/{rng.randint(1_000, 8_999):05d}",
        "product": rng.choice(PRODUCTS),
        "product_en": rng.choice(PRODUCTS_EN),
        "size": rng.choice(["32", "34", "40", "42", "44"]),
        "price": f"{rng.randint(4, 68)} {rng.choice(('490', '990', '900', '750'))} Ft",
        "street": f"{rng.choice(STREETS)} {rng.randint(2, 118)}.",
        "street_en": rng.choice(STREETS_EN),
        "city": rng.choice(CITIES),
        "country_en": rng.choice(COUNTRIES_EN),
        "hour": str(hour),
        "time": f"{rng.randint(10, 15)}:{rng.choice(('00', '15', '30', '45'))}",
        "given": persona.given,
        "family": persona.family,
        "name": persona.name,
        "dear": f"Kedves {persona.given}" if persona.is_known else "Tisztelt Vásárlónk",
    }
    return {name: choices[name]}


def _coming_day(at: datetime) -> dict[str, str]:
    if at.weekday() == 6:
        at += timedelta(days=1)
    weekday = at.weekday()
    return {
        "date": f"{MONTHS[at.month - 1]} {at.day}.",
        "ondate": _on_date(at),
        "day": DAYS[weekday],
        "onday": ON_DAYS[weekday],
        "day_en": DAYS_EN[weekday],
        "day_de": DAYS_DE[weekday],
    }


def _on_date(at: datetime) -> str:
    ending = "jén" if at.day == 1 else "án" if at.day in _BACK_VOWELS else "én"
    return f"{MONTHS[at.month - 1]} {at.day}-{ending}"


def _foreign(pattern: str, rng: Random) -> str:
    digits = int(pattern[pattern.index(":0") + 2])
    return pattern.format(rng.randrange(10**digits))
