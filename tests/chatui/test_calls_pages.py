"""The list of calls, a call's own page, and why somebody was told, or not."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from server.accounts.models import Role, Team, User
from server.calls.definition import Step, Trigger, Who
from server.calls.escalating import ESCALATION
from server.calls.models import Call, Outcome, RuleRun, Telling
from server.contacts.models import Contact
from server.lines.models import LineAccess
from server.messaging.partners import block_sender
from tests.chatui.calls_told import a_rule, applied, told
from tests.conftest import NOW
from tests.doors import HTMX, Browser

MINUTE = timedelta(minutes=1)
LIST = "/call-logic/calls/"


@pytest.fixture
def hers(dana) -> Browser:
    return Browser(dana)


def calls_in(page) -> list[str]:
    return re.findall(r'<tr id="call-([\w-]+)"', page.text)


def plain(text: str) -> str:
    """What a person reads of a page."""
    shown = re.search(r"<main.*</main>", text, re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown[0] if shown else text)).strip())


@pytest.fixture
def day(line, sales_line, boti) -> dict[str, Call]:
    """A day's calls: one of each sort, oldest first."""
    return {
        "missed": told(line, "missed", call="1", queue="Ügyfélszolgálat").call,
        "busy": told(line, "busy", call="2", at=NOW + MINUTE, caller="+442071838750").call,
        "hidden": told(line, "missed", call="3", at=NOW + 2 * MINUTE, caller="anonymous").call,
        "answered": told(line, "answered", call="4", at=NOW + 3 * MINUTE, caller="+36209990003", agent="Kata", duration=75).call,
        "out": told(line, "answered", call="5", at=NOW + 4 * MINUTE, direction="out", caller="+36209990004").call,
        "elsewhere": told(sales_line, "missed", call="6", at=NOW + 5 * MINUTE).call,
    }


def test_the_newest_call_stands_first_and_only_those_of_ones_lines(hers, sam, day):
    ours = [str(day[name].uuid) for name in ("out", "answered", "hidden", "busy", "missed")]
    assert calls_in(hers.get(LIST)) == ours
    assert calls_in(Browser(sam).get(LIST)) == [str(day["elsewhere"].uuid), *ours]


def test_each_row_says_who_what_and_how_long(hers, day, boti):
    text = plain(hers.get(LIST).text)
    assert "Missed call Kiss Boti +36 30 999 0001 Support Ügyfélszolgálat Not followed up" in text
    assert "Missed call, the line was busy +44 20 7183 8750 GB Support" in text
    assert "Missed call Withheld number Support Today" in text
    assert "Answered call 1 m 15 s +36 20 999 0003 Support answered by Kata" in text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("view=missed", ["hidden", "busy", "missed"]),
        ("view=open", ["busy"]),
        ("view=answered", ["answered"]),
        ("view=out", ["out"]),
        ("q=Boti", ["missed"]),
        ("q=7183+87", ["busy"]),
        ("q=06+20+999+0003", ["answered"]),
        ("q=gyf%C3%A9l", ["missed"]),
        ("from=2026-11-24", []),
        ("from=2026-11-23&to=2026-11-23&view=out", ["out"]),
        ("to=2026-11-22", []),
        ("view=nonsense&from=yesterday&line=x&after=1", ["out", "answered", "hidden", "busy", "missed"]),
    ],
)
def test_the_list_is_filtered(query, names, hers, day, boti, dana):
    Call.objects.filter(pk=day["missed"].pk).update(followed_up_at=NOW + MINUTE, followed_up_by=dana)
    assert calls_in(hers.get(f"{LIST}?{query}")) == [str(day[name].uuid) for name in names]


def test_a_line_is_chosen_among_ones_own(hers, sam, day, line, sales_line):
    assert len(calls_in(Browser(sam).get(f"{LIST}?line={sales_line.pk}"))) == 1
    assert calls_in(hers.get(f"{LIST}?line={sales_line.pk}")) == []
    assert "Sales" not in hers.get(LIST).text


def test_who_followed_it_up_stands_in_the_row(hers, day, dana):
    Call.objects.filter(pk=day["missed"].pk).update(followed_up_at=NOW + 5 * MINUTE, followed_up_by=dana)
    assert "Dana followed it up · 11:05" in plain(hers.get(LIST).text)


def test_who_has_called_back_from_a_telephone_that_tells_nothing_says_so(hers, dana, aron, day):
    address = f"{LIST}{day['missed'].uuid}/"
    assert f'action="{address}called-back/"' in hers.get(address, headers=HTMX).text
    assert f'action="{address}called-back/"' not in Browser(aron).get(address).text
    assert Browser(aron).post(f"{address}called-back/").status_code == 403
    said = hers.post(f"{address}called-back/", headers=HTMX)
    assert "Follow-up Dana ·" in plain(said.text)
    assert "called-back/" not in said.text
    assert hers.post(f"{address}called-back/")["Location"] == address
    assert Call.objects.get(pk=day["missed"].pk).followed_up_by == dana


def test_calls_of_the_blocked_are_not_listed(hers, line, kontakt, ada):
    call = told(line, "missed", caller="+36209990009").call
    block_sender(entry=Contact.objects.get(number="+36209990009"), by=ada, now=NOW)
    assert str(call.uuid) not in hers.get(LIST).text


def test_walking_the_pages_shows_each_call_once_at_one_price(hers, line, kontakt, dana, django_assert_num_queries):
    rule = a_rule(kontakt, "Everybody")
    for n in range(120):
        recorded = told(line, "missed", call=f"c{n}", at=NOW + n // 3 * MINUTE, caller=f"+3620999{n:04d}")
        applied(rule, recorded.event, {"user": dana, "channel": "browser"})
    page = hers.get(LIST, headers=HTMX)
    with django_assert_num_queries(9):
        page = hers.get(LIST, headers=HTMX)
    seen = calls_in(page)
    assert len(seen) == 50
    while further := re.search(r'hx-get="([^"]+after=[^"]+)"', page.text):
        with django_assert_num_queries(9):
            page = hers.get(further[1].replace("&amp;", "&"), headers=HTMX)
        seen += calls_in(page)
    newest_first = Call.objects.order_by("-began_at", "-id").values_list("uuid", flat=True)
    assert seen == [str(uuid) for uuid in newest_first]


def test_an_empty_list_says_the_next_step(hers, line):
    assert "Once your exchange tells Fonal of its calls" in hers.get(LIST).text
    assert "Everybody has been called back" in hers.get(f"{LIST}?view=open").text
    assert "No call matches" in hers.get(f"{LIST}?q=nobody").text


# --- A call's own page ---


@pytest.fixture
def english(kontakt) -> Team:
    return Team.objects.create(subscriber=kontakt, name="English team")


@pytest.fixture
def foreign(kontakt, line, dana, bela, sam, english):
    """A call from abroad: one rule did not apply, one did and told Dana, and skipped Bela; a third is tried out."""
    dana.teams.add(english)
    recorded = told(line, "missed", caller="+447700900123")
    home = a_rule(kontakt, "From home")
    missed = {"condition": "countries", "asked": ["HU"], "found": "GB", "holds": False}
    RuleRun.objects.create(
        subscriber=kontakt, rule=home, version=1, event=recorded.event, outcome=Outcome.NOT_MATCHED, checks=[missed], at=NOW
    )
    abroad = a_rule(kontakt, "From abroad", steps=(Step(who=Who.TEAMS, teams=(english.pk,)),), ends=True)
    checks = [
        {"condition": "not_countries", "asked": ["HU"], "found": "GB", "holds": True},
        {"condition": "lines", "asked": [line.pk], "found": line.pk, "holds": True},
        {"condition": "hours", "asked": "open", "found": "open", "holds": True},
        {"condition": "weekdays", "asked": [1, 2], "found": 1, "holds": True},
    ]
    run = applied(
        abroad,
        recorded.event,
        {"user": dana, "channel": "browser", "body": "Missed call from +44 7700 900123"},
        {"user": bela, "channel": "email", "state": "skipped", "reason": "away"},
        checks=checks,
    )
    applied(a_rule(kontakt, "Being tried"), recorded.event, {"user": sam, "channel": "email", "state": "dry"}, is_dry=True)
    return recorded.call, run


def test_a_calls_page_says_of_each_rule_why_it_applied_or_not(hers, foreign):
    call, _run = foreign
    text = plain(hers.get(f"{LIST}{call.uuid}/").text)
    assert "From home A condition does not hold A call is… missed The caller's country: Hungary it was: United Kingdom" in text
    assert "From abroad It applies" in text
    assert "The caller's country: not Hungary it was: United Kingdom Line: Support" in text
    assert "Business hours: inside business hours" in text
    assert "Day of the week: Monday, Tuesday it was: Monday" in text
    assert "English team Dana (browser) Why?" in text
    assert "Bela: away" in text
    assert "It ends the list: later rules were not looked at." in text
    assert "Being tried only tried out" in text


def test_the_rules_are_a_link_only_for_who_may_read_them(hers, sam, foreign):
    call, run = foreign
    assert f"/call-logic/rules/{run.rule_id}/" not in hers.get(f"{LIST}{call.uuid}/").text
    assert hers.get(f"{LIST}{call.uuid}/", headers=HTMX).text.startswith('<div class="sheet')
    assert Browser(sam).get(f"{LIST}{call.uuid}/").status_code == 200


def test_a_rule_that_has_changed_since_is_told_as_it_was(hers, foreign, english):
    call, run = foreign
    rule = run.rule
    rule.definition |= {"trigger": "busy", "steps": []}
    rule.version = 2
    rule.save()
    text = plain(hers.get(f"{LIST}{call.uuid}/").text)
    assert "From abroad It applies A call is… missed" in text
    assert "English team Dana" in text


def test_what_a_rule_named_and_is_gone_still_makes_a_page(hers, foreign, english):
    call, _run = foreign
    english.delete()
    assert "something deleted since" in hers.get(f"{LIST}{call.uuid}/").text


@pytest.mark.parametrize(
    ("condition", "asked", "found", "said"),
    [
        ("queues", ["Sales"], "", "Queue: Sales it was: none"),
        ("is_known", True, False, "The caller is in the phone book: yes it was: no"),
        ("tags", [99], [], "The caller's tags: something deleted since it was: none"),
        ("is_first_call", True, None, "The first call ever from this number: yes it was: not known"),
        ("hours", "closed", "open", "Business hours: outside business hours it was: inside business hours"),
        ("is_holiday", False, True, "Holiday: no it was: yes"),
        ("repeated_within", 10, None, "Called again within: 10 minutes it was: had not called before"),
        ("repeated_within", 10, 25, "Called again within: 10 minutes it was: 25 minutes"),
        ("countries", ["AT", "DE"], "", "The caller's country: Austria, Germany it was: not known"),
        ("definition", None, "KeyError", "it can't be read"),
        ("of tomorrow", 3, 4, "of tomorrow: 3 it was: 4"),
    ],
)
def test_each_condition_has_its_words(condition, asked, found, said, hers, line, kontakt):
    recorded = told(line, "missed")
    check = {"condition": condition, "asked": asked, "found": found, "holds": False}
    applied(a_rule(kontakt, "One"), recorded.event, checks=[check])
    assert said in plain(hers.get(f"{LIST}{recorded.call.uuid}/").text)


def test_a_call_of_another_line_is_not_found(hers, day):
    assert hers.get(f"{LIST}{day['elsewhere'].uuid}/").status_code == 404


def test_a_calls_page_costs_the_same_for_many_rules(hers, line, kontakt, dana, django_assert_max_num_queries):
    recorded = told(line, "missed")
    for n in range(15):
        applied(a_rule(kontakt, f"Rule {n}"), recorded.event, {"user": dana, "channel": "email"})
    with django_assert_max_num_queries(18):
        hers.get(f"{LIST}{recorded.call.uuid}/", headers=HTMX)


# --- Why ---


def why(person, telling) -> str:
    return plain(Browser(person).get(f"/call-logic/why/{telling.uuid}/").text)


def test_who_was_told_reads_why(dana, foreign):
    _call, run = foreign
    said = why(dana, run.tellings.get(user=dana))
    assert "You get this because the rule “From abroad” applies to a call." in said
    assert "You are in the team English team" in said
    assert "The caller's country: not Hungary" in said
    assert "Missed call from +44 7700 900123" in said


def test_who_was_left_out_is_told_why(dana, foreign, bela):
    _call, run = foreign
    skipped = run.tellings.get(user=bela)
    assert "Bela was not told: away." in why(dana, skipped)
    bela.language = "en"
    bela.save()
    assert "You were not told: away." in why(bela, skipped)


def test_who_was_told_of_a_line_that_is_not_theirs_reads_why_but_finds_no_way_into_the_thread(foreign, kontakt, rival):
    call, run = foreign
    cili = User.objects.create_user(username="cili", name="Cili", subscriber=kontakt, language="en")
    applied_to_her = applied(
        a_rule(kontakt, "Her"), call.events.get(), {"user": cili, "channel": "sms", "address": "+36205550123"}
    ).tellings.get()
    page = Browser(cili).get(f"/call-logic/why/{applied_to_her.uuid}/")
    assert "You get this because the rule “Her” applies" in plain(page.text)
    assert f"/conversations/{call.conversation_id}/" not in page.text
    assert f"{LIST}{call.uuid}/" not in page.text
    assert Browser(cili).get(f"/call-logic/why/{run.tellings.first().uuid}/").status_code == 404
    assert Browser(cili).get(f"{LIST}{call.uuid}/").status_code == 404
    # Somebody of another company, whatever their role.
    eva = User.objects.create_user(username="eva", subscriber=rival, role=Role.ADMINISTRATOR)
    assert Browser(eva).get(f"/call-logic/why/{applied_to_her.uuid}/").status_code == 404


def test_a_line_taken_away_takes_the_calls_along(hers, dana, line, foreign):
    call, _run = foreign
    assert hers.get(f"{LIST}{call.uuid}/").status_code == 200
    LineAccess.objects.filter(user=dana).delete()
    assert hers.get(f"{LIST}{call.uuid}/").status_code == 404
    assert calls_in(hers.get(LIST)) == []


def test_the_trigger_is_named(hers, line, kontakt):
    recorded = told(line, "key", key="1")
    applied(a_rule(kontakt, "Key one", trigger=Trigger.KEY, key="1"), recorded.event, {"channel": "sms"})
    text = plain(hers.get(f"{LIST}{recorded.call.uuid}/").text)
    assert "Pressed 1" in text
    assert "A call is… a key is pressed" in text


def test_who_hears_of_an_overdue_promise_reads_that(sam, foreign):
    call, run = foreign
    telling = Telling.objects.create(run=run, step=ESCALATION, user=sam, channel="email", state="told", planned_at=NOW, told_at=NOW)
    assert "You are supervisor or administrator, as the promised call-back was overdue" in why(sam, telling)
    text = plain(Browser(sam).get(f"{LIST}{call.uuid}/").text)
    assert "supervisors and administrators · as the promised call-back was overdue Sam (e-mail)" in text
