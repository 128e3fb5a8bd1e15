"""The twelve newest conversations: the picture that the demo always opens with."""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.company import ORDERS, SUPPORT
from simulator.threads import ZONE, Thread, Told
from simulator.words import Persona


def threads(*, now: datetime) -> list[Thread]:
    """Times are minutes before now for today, and a time of day for the days before."""

    def ago(minutes: float) -> datetime:
        return (now - timedelta(minutes=minutes)).astimezone(ZONE)

    def day(days: int, clock: str) -> datetime:
        hour, minute = clock.split(":")
        return (now.astimezone(ZONE) - timedelta(days=days)).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)

    def yesterday(clock: str) -> datetime:
        return day(1, clock)

    return [
        Thread(
            SUPPORT,
            Persona("+36309990001", "hu", "Ilona", "Kiss", is_known=True, company="Kiss Textil Kft."),
            [
                Told("in", day(183, "10:12"), "Jó napot! A katalógusban látott szürke gyapjúszövetből lehet mintát kérni?"),
                Told("out", day(183, "10:20"), "Jó napot! Igen, holnap postázzuk. Melyik címre küldhetjük?", "anna"),
                Told("in", day(183, "10:24"), "Kiss Textil Kft., 6000 Kecskemét, Malom köz 8. Köszönöm!"),
                Told("in", day(96, "15:41"), "Megvan a szövet, gyönyörű. 12 métert kérnénk belőle."),
                Told("out", day(96, "15:52"), "Félretettük, a számlát e-mailben küldjük. Jövő héten viszi a futár.", "bela"),
                Told("in", day(95, "8:31"), "Rendben, várjuk."),
                Told("in", day(6, "11:02"), "Jó napot! Szeretnék egy szürke kabátot is rendelni magamnak, 44-es méretben."),
                Told("out", day(6, "11:15"), "Kedves Ilona! Felvettük, a próba után szólunk.", "anna"),
                Told("in", yesterday("16:24"), "Köszönöm! A kedden leadott rendelésről lenne szó, a szürke kabátról."),
                Told("note", yesterday("16:31"), "Raktáron van, holnap 3-ra el tudjuk készíteni. @Anna megírod neki?", "bela"),
                Told("out", ago(103), "Jó reggelt! A szürke kabát ma délután 15 órától átvehető az Andrássy úti üzletben.", "anna"),
                Told("out", ago(102), "Ha önnek úgy jó, félre is tesszük estig.", "anna"),
                Told("out", ago(64), "A bolt címe: Andrássy út 14., a kapucsengő: 23", "anna", fate="unreachable"),
                Told("in", ago(4), "Tökéletes, az Andrássy jó lesz."),
                Told("in", ago(2), "Rendben, akkor délután háromkor ott leszek. Kell hoznom valamit?"),
            ],
            unread=dict.fromkeys(("anna", "bela", "judit", "marton"), 2),
            note="Törzsvásárló. Délután érhető el.",
        ),
        Thread(
            ORDERS,
            Persona("+36205551234", "hu", "Bence", "Tóth", is_known=True),
            [
                Told("in", day(2, "12:40"), "Szia! Leadtam a rendelést, két flanelling. Mikor jön?"),
                Told("out", day(2, "12:47"), "Szia Bence! Ma csomagoljuk, holnapután viszi a futár.", "bela"),
                Told("in", ago(38), "Jó napot! Ma jön a K-52204 csomag?"),
                Told("in", ago(13), "Mikor érkezik a futár?"),
            ],
            unread=dict.fromkeys(("anna", "bela", "csaba", "judit", "marton"), 2),
        ),
        Thread(
            SUPPORT,
            Persona("+447400123098", "en", "James", "Miller", is_known=True),
            [
                Told("in", yesterday("14:02"), "Hello, I am in Budapest until Friday. Can you shorten a jacket sleeve by then?"),
                Told("out", yesterday("14:10"), "Hello James! Yes, please bring it in today or tomorrow before 4 pm.", "anna"),
                Told("in", yesterday("14:13"), "Great, I'll drop it off tomorrow."),
                Told("out", ago(50), "Your jacket has arrived, we start right away. It will be ready tomorrow at noon.", "anna"),
                Told("in", ago(32), "Thank you so much! Could you also have a look at the second button? It is a bit loose."),
            ],
            assignee="anna",
            unread={"bela": 1},
        ),
        Thread(
            ORDERS,
            Persona("+36704012288", "hu"),
            [
                Told("in", ago(71), "K-53118 kifizetve, átutalással. Megkapták?"),
                Told("out", ago(46), "Köszönjük, megkaptuk a rendelést.", "anna"),
            ],
        ),
        Thread(
            SUPPORT,
            Persona("+36306110042", "hu", "Eszter", "Szabó", is_known=True),
            [
                Told("in", yesterday("10:05"), "Jó napot! Elkészült már a számlám? A könyvelő sürget."),
                Told("out", yesterday("10:12"), "Jó napot! Holnap reggel állítjuk ki, és küldjük a hivatkozást.", "bela"),
                Told("out", ago(64.5), "A számla elkészült, a hivatkozást e-mailben is elküldtük.", "bela", fate="unknown_phone"),
            ],
            assignee="bela",
        ),
        Thread(
            SUPPORT,
            Persona("+36209173305", "hu", "Gergő", "Nagy", is_known=True),
            [
                Told("in", day(9, "9:20"), "Bevittem javításra a bőrdzsekit, zöld cédula 118."),
                Told("out", day(9, "9:33"), "Megvan, a bélés cseréje 6–8 nap.", "anna"),
                Told("in", yesterday("17:38"), "Érdeklődnék, hogy áll a dzsekim javítása?"),
                Told("out", yesterday("17:44"), "Utánanézünk a varrodában, és hamarosan írunk.", "anna"),
            ],
            assignee="anna",
            drafts={"anna": "Jó napot! A javítás várhatóan"},
        ),
        Thread(
            SUPPORT,
            Persona("+36302886190", "hu", "Zsófi", "Horváth", is_known=True),
            [
                Told("in", yesterday("15:20"), "Visszahívást szeretnék kérni a függönyfelmérés miatt."),
                Told("out", yesterday("15:31"), "Holnap 8 és 10 között hívjuk.", "anna", fate="sent"),
            ],
            assignee="anna",
        ),
        Thread(
            ORDERS,
            Persona("+36703007711", "hu", "Péter", "Varga", is_known=True),
            [
                Told("in", yesterday("13:02"), "Az XL-es pulóver mennyire bő?"),
                Told(
                    "out",
                    yesterday("13:06"),
                    "Normál szabású, mellben 116 cm. Ha két méret között van, a kisebbet ajánljuk.",
                    "bela",
                ),
                Told("in", yesterday("13:09"), "Szuper, köszi a gyors választ! 👍"),
            ],
            done_by="bela",
            reopened_by="bela",
        ),
        Thread(
            SUPPORT,
            Persona("INFO", "hu"),
            [Told("in", day(3, "11:16"), "A csomagja átvehető a pontnál.")],
            done_by="bela",
            reopened_by="anna",
        ),
        Thread(
            SUPPORT,
            Persona("+36305449800", "hu", "Attila", "Molnár", is_known=True),
            [
                Told("in", day(3, "9:48"), "Lehet önöknél kártyával fizetni a javítást?"),
                Told("out", day(3, "9:52"), "Igen, kártyával is lehet.", "anna"),
            ],
        ),
        Thread(
            SUPPORT,
            Persona("+36204801216", "hu", "Dóra", "Farkas", is_known=True),
            [Told("in", day(4, "16:05"), "Nem értem el önöket telefonon.")],
        ),
        Thread(
            SUPPORT,
            Persona("+4915123456789", "de"),
            [Told("in", day(4, "12:31"), "Hello, is the shop open on Saturday?")],
        ),
    ]
