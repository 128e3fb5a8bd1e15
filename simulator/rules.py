"""The demo company's call logic: message nodes and rules, made through the verbs that its administrator's pages use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.calls.definition import COOL_DOWN_OF_KEYS, Channel, Conditions, Definition, Only, Step, Trigger, Who
from server.calls.free_parameters import note_parameters
from server.calls.nodes import add_node
from server.calls.rules import save_rule, switch_rule
from simulator.company import ENGLISH_TEAM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.calls.models import MessageNode

ORDER_READY, DIRECTIONS = "Rendelés kész", "Útvonal az üzlethez"
SHOP = "Andrássy út 14."

CALL_BACK = {
    "hu": "Kedves {caller_name|Ügyfelünk}! Most nem tudtuk fogadni a hívását. {call_back_time}-ig visszahívjuk. Rokolya",
    "en": "Dear {caller_name|customer}, sorry we missed your call. We will call you back by {call_back_time}. Rokolya",
}
ORDER_CONFIRMED = {
    "hu": "Köszönjük, rendelését megerősítette ({time}). Szólunk, amint elkészült. Rokolya",
    "en": "Thank you, your order is confirmed ({time}). We will text you as soon as it is ready. Rokolya",
}
READY = {
    "hu": f"Elkészült a rendelése ({{exchange.order}}), átvehető az üzletben: {SHOP} Rokolya",
    "en": f"Your order ({{exchange.order}}) is ready to be collected at {SHOP}, Budapest. Rokolya",
}
THE_WAY = {
    "hu": f"Így talál hozzánk: {SHOP}, az Operával szemben, a kapucsengő 23. Hétköznap 9-18, szombaton 9-13. Rokolya",
    "en": f"How to find us: {SHOP}, Budapest, opposite the Opera, bell 23. Mon-Fri 9-18, Sat 9-13. Rokolya",
}


def load_rules(*, subscriber: Subscriber, users: dict[str, User], now: datetime) -> None:
    """The nodes, then the rules in their order; the last one is there to be tried, and switched off."""
    # What the exchange sends along, so that texts may use it.
    note_parameters(subscriber_id=subscriber.pk, parameters={"order": "K-52204"}, now=now)
    by = users["marton"]
    nodes = {name: add_node(subscriber=subscriber, name=name, by=by, now=now) for name in (ORDER_READY, DIRECTIONS)}
    teams = {team.name: team.pk for team in subscriber.teams.all()}
    for name, definition in _rules(teams, nodes, {line.label: line.pk for line in subscriber.lines.all()}):
        rule = save_rule(subscriber=subscriber, rule=None, name=name, definition=definition, is_active=True, by=by, now=now)
    switch_rule(rule=rule, is_active=False, by=by, now=now)


def _rules(teams: dict[str, int], nodes: dict[str, MessageNode], lines: dict[str, int]) -> Iterator[tuple[str, Definition]]:
    caller = {"who": Who.CALLER, "channel": Channel.SMS}
    yield (
        "Visszahívást ígérünk",
        Definition(Trigger.NOT_REACHED, steps=(Step(**caller, texts=CALL_BACK),), promises_within=120),
    )
    yield (
        "Külföldről hívnak",
        Definition(
            Trigger.NOT_REACHED,
            conditions=Conditions(countries=("HU",), is_in_countries=False),
            steps=(
                Step(Who.TEAMS, teams=(teams[ENGLISH_TEAM],)),
                Step(Who.TEAMS, teams=(teams["Bolt"],), after=10, only=Only.NOBODY_THERE),
            ),
            ends=True,
        ),
    )
    yield (
        "Itthonról hívnak",
        Definition(
            Trigger.NOT_REACHED,
            steps=(
                Step(Who.TEAMS, teams=(teams["Bolt"],)),
                Step(Who.TEAMS, teams=(teams["Rendelések"],), after=10, only=Only.NOBODY_THERE),
            ),
        ),
    )
    yield (
        "1-es gomb: megerősített rendelés",
        Definition(Trigger.KEY, key="1", steps=(Step(**caller, texts=ORDER_CONFIRMED),), cool_down=COOL_DOWN_OF_KEYS),
    )
    yield "Elkészült a rendelés", Definition(Trigger.NODE, node=nodes[ORDER_READY].pk, steps=(Step(**caller, texts=READY),))
    yield "Merre van az üzlet?", Definition(Trigger.NODE, node=nodes[DIRECTIONS].pk, steps=(Step(**caller, texts=THE_WAY),))
    yield (
        "Zárás után keresnek",
        Definition(
            Trigger.NOT_REACHED,
            conditions=Conditions(lines=(lines["Ügyfélszolgálat"],), hours="closed"),
            steps=(Step(Who.LAST_SPOKEN, Channel.EMAIL),),
        ),
    )
