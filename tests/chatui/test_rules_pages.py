"""The pages of call logic: rules are read, written, ordered, switched, deleted and taken back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from chatui.contact_form import LANGUAGES
from server.accounts.models import Team
from server.calls.definition import Channel, Conditions, Definition, Only, Step, Trigger, Who
from server.calls.languages import TEXT_LANGUAGES
from server.calls.models import CallLogic, CallRule, MessageNode
from server.calls.recording import Told, record_call_event
from server.calls.rules import live_rules, save_rule
from server.calls.stopping import stop_automatic
from server.calls.texts import words_for
from tests.conftest import BOTI, NOW
from tests.doors import FRAMES, Browser

DUTY = Definition(Trigger.MISSED, steps=(Step(who=Who.ON_DUTY),))
# What a browser posts of a fresh form.
FORM = {
    "name": "Missed",
    "trigger": "missed",
    "steps": "1",
    "s0-who": "on_duty",
    "s0-channel": "sms",
    "s0-after": "0",
    "s0-after-unit": "1",
    "s0-only": "always",
    "cool_down": "6",
    "cool_down-unit": "60",
    "active": "1",
}


@pytest.fixture
def made(kontakt, ada):
    def make(name: str = "Missed", definition: Definition = DUTY, **more) -> CallRule:
        return save_rule(subscriber=kontakt, rule=None, name=name, definition=definition, is_active=True, by=ada, now=NOW)

    return make


@pytest.fixture
def english_team(kontakt):
    return Team.objects.create(subscriber=kontakt, name="English team")


def notice(browser: Browser) -> str:
    return browser.notices("/call-logic/")


def form_in(page: str) -> dict[str, str | list[str]]:
    """What a browser would post of the form on a page, untouched."""
    from html.parser import HTMLParser

    values: dict[str, list[str]] = {}

    class Reader(HTMLParser):
        select = area = ""

        def handle_starttag(self, tag, attributes):
            had = dict(attributes)
            if tag == "input" and had.get("name") and (had.get("type") not in {"radio", "checkbox"} or "checked" in had):
                values.setdefault(had["name"], []).append(had.get("value", ""))
            elif tag == "select":
                self.select = had["name"]
            elif tag == "option" and "selected" in had:
                values.setdefault(self.select, []).append(had["value"])
            elif tag == "textarea":
                self.area = had["name"]
                values[self.area] = [""]

        def handle_data(self, data):
            if self.area:
                values[self.area][0] += data

        def handle_endtag(self, tag):
            if tag == "textarea":
                self.area = ""

    Reader().feed(re.search(r'<form class="rule-form".*?</form>', page, re.DOTALL)[0])
    return values


# --- Reading -------------------------------------------------------------------------------------
def test_an_empty_list_leads_to_good_beginnings(ada):
    page = Browser(ada).get("/call-logic/").text
    assert "No missed call need be a lost customer" in page
    assert "/call-logic/rules/new/?from=promise" in page


@pytest.mark.parametrize("start", ["missed", "promise", "abroad", "others", "key", "node", "nonsense"])
def test_each_beginning_opens_the_editor(ada, start):
    assert "data-rule-form" in Browser(ada).get(f"/call-logic/rules/new/?from={start}").text


def test_confirming_a_key_begins_with_a_short_wait(ada):
    page = Browser(ada).get("/call-logic/rules/new/?from=key").text
    assert 'name="cool_down" value="5"' in page
    assert "a second order the same day is confirmed, too" in page


def test_rules_are_read_as_sentences_in_their_order(ada, made):
    made("Second thing first")
    made("Then this", replace(DUTY, conditions=Conditions(countries=("HU",), is_in_countries=False)))
    page = Browser(ada).get("/call-logic/").text
    assert page.index("Second thing first") < page.index("Then this")
    assert "When a call from <b>abroad</b> is <b>missed</b>, tell <b>whoever is on duty</b> as each person likes." in page


@pytest.mark.parametrize("who", ["sam", "aron"])
def test_supervisors_and_auditors_read_without_forms_that_would_be_refused(who, request, made):
    rule, browser = made(), Browser(request.getfixturevalue(who))
    for path in (
        "/call-logic/",
        f"/call-logic/rules/{rule.pk}/",
        f"/call-logic/rules/{rule.pk}/versions/",
        "/call-logic/nodes/",
        "/call-logic/limits/",
    ):
        main = re.search(r"<main.*</main>", browser.get(path).text, re.DOTALL)[0]
        assert "<form" not in main, path
    assert browser.post(f"/call-logic/rules/{rule.pk}/", FORM).status_code == 403
    assert browser.post("/call-logic/limits/", {"per_minute": "1"}).status_code == 403


def test_colleagues_have_no_part_in_it(dana, made):
    rule = made()
    for path in ("/call-logic/", f"/call-logic/rules/{rule.pk}/", "/call-logic/nodes/", "/call-logic/limits/"):
        assert Browser(dana).get(path).status_code == 403, path


def test_the_list_asks_the_database_as_often_for_many_rules(ada, made, english_team, django_assert_max_num_queries):
    browser = Browser(ada)
    for number in range(12):
        made(f"Rule {number}", replace(DUTY, steps=(Step(who=Who.TEAMS, teams=(english_team.pk,)),)))
    with django_assert_max_num_queries(14):
        browser.get("/call-logic/")


# --- Writing -------------------------------------------------------------------------------------
def test_the_rule_of_the_brochure_is_written(ada, kontakt, line, english_team):
    browser = Browser(ada)
    wishes = {"if": ["countries", "lines"], "country-way": "abroad", "lines": str(line.pk), "s0-who": "teams"}
    wishes |= {"s0-teams": str(english_team.pk), "s0-own": "1", "s0-text-en": "Missed: {Caller}", "ends": "1"}
    assert browser.post("/call-logic/rules/new/", FORM | wishes).status_code == 302
    rule = CallRule.objects.get(subscriber=kontakt)
    assert rule.says == Definition(
        Trigger.MISSED,
        conditions=Conditions(countries=("HU",), is_in_countries=False, lines=(line.pk,)),
        steps=(Step(who=Who.TEAMS, teams=(english_team.pk,), channel=Channel.SMS, texts={"en": "Missed: {caller}"}),),
        ends=True,
    )
    assert "The rule is there: Missed." in notice(browser)


EVERYTHING = Definition(
    Trigger.KEY,
    key="1",
    conditions=Conditions(
        queues=("sales",),
        countries=("AT", "DE"),
        is_known=False,
        is_first_call=True,
        hours="open",
        is_holiday=False,
        weekdays=(1, 7),
        repeated_within=90,
    ),
    steps=(
        Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Visszahívjuk: {call_back_time}", "en": "By {call_back_time}"}),
        Step(
            who=Who.ON_DUTY, channel=Channel.EMAIL, after=60, only=Only.NOBODY_THERE, texts={"en": "Hi"}, subjects={"en": "{key}!"}
        ),
    ),
    cool_down=1440,
    promises_within=45,
    ends=True,
)


@pytest.mark.parametrize("language", ["en", "hu"])
def test_what_the_form_shows_saved_again_is_the_same_rule(ada, made, language):
    ada.language = language
    ada.save()
    rule, browser = made(definition=EVERYTHING), Browser(ada)
    browser.post("/language/", {"language": language})
    page = browser.get(f"/call-logic/rules/{rule.pk}/").text
    assert browser.post(f"/call-logic/rules/{rule.pk}/", form_in(page)).status_code == 302
    rule.refresh_from_db()
    assert (rule.version, rule.says) == (1, EVERYTHING)


def test_a_condition_that_is_not_ticked_does_not_count(ada, kontakt):
    Browser(ada).post("/call-logic/rules/new/", FORM | {"hours": "closed", "weekdays": ["1", "2"], "country-way": "abroad"})
    assert CallRule.objects.get(subscriber=kontakt).says.conditions == Conditions()


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"name": " "}, "Please give the rule a name."),
        ({"trigger": "key", "key": "x"}, "Write the key as it is pressed"),
        ({"if": "countries", "country-way": "these", "countries": "Austria, Atlantis"}, "There is no such country: Atlantis."),
        ({"if": "countries", "country-way": "others", "countries": ""}, "Write at least one country."),
        ({"if": "lines"}, "Choose a line."),
        ({"if": "repeated_within", "repeated_within": "soon"}, "Between 1 and 10080 minutes, please."),
        ({"steps": "0"}, "Say who is told"),
        ({"s0-who": "teams"}, "Choose a team."),
        ({"s0-after": "x"}, "Between 0 and 1440 minutes, please."),
        ({"s0-own": "1", "s0-text-en": "Call {calller}"}, "Did you mean {caller}?"),
        ({"cool_down": ""}, "Between 5 and 10080 minutes, please."),
        ({"promise": "1", "promises_within": "5", "promises_within-unit": "1"}, "Between 15 and 2880 minutes, please."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_all_is_kept(ada, wishes, said):
    answer = Browser(ada).post("/call-logic/rules/new/", {"name": "Kept name"} | FORM | {"queues": "kept queue"} | wishes)
    assert answer.status_code == 422
    assert said in answer.text.replace("&#x27;", "'")
    assert "kept queue" in answer.text
    assert 'role="alert"' in answer.text
    assert not CallRule.objects.exists()


def test_steps_are_added_moved_and_taken_out_without_saving(ada):
    browser, form = Browser(ada), FORM | {"s0-own": "1", "s0-text-en": "First"}
    page = browser.post("/call-logic/rules/new/", form | {"do": "add-step"}).text
    assert page.count('<li class="rule-step"') == 2
    two = form_in(page) | {"s1-own": "1", "s1-text-en": "Second"}
    page = browser.post("/call-logic/rules/new/", two | {"do": "raise-step:1"}).text
    assert page.index("Second</textarea>") < page.index("First</textarea>")
    page = browser.post("/call-logic/rules/new/", form_in(page) | {"do": "drop-step:0"}).text
    assert "Second</textarea>" not in page
    assert not CallRule.objects.exists()
    part = browser.post("/call-logic/rules/new/", form | {"do": "add-step"}, headers=FRAMES).text
    assert part.startswith("<form")


def test_a_text_to_callers_is_added_in_their_language(ada, sam, line):
    browser, form = Browser(ada), FORM | {"s0-who": "caller", "s0-own": "1", "s0-text-en": "Sorry"}
    page = browser.post("/call-logic/rules/new/", form | {"s0-another": "de", "do": "add-language:0"}).text
    written = form_in(page) | {"s0-text-de": "Wir rufen {caller} zurück."}
    browser.post("/call-logic/rules/new/", written)
    rule = CallRule.objects.get()
    assert rule.says.steps[0].texts == {"en": "Sorry", "de": "Wir rufen {caller} zurück."}
    assert "Wir rufen {caller} zurück." in browser.get(f"/call-logic/rules/{rule.pk}/").text
    german = record_call_event(
        line=line, told=Told(exchange_id="1", kind="missed", at=NOW, caller="+4915123456780", called=line.number), now=NOW
    )
    words = words_for(step=rule.says.steps[0], event=german.event, person=None)
    assert (words.language, words.body) == ("de", "Wir rufen +49 1512 3456780 zurück.")
    assert "Text of step 1 (German)" in Browser(sam).get(f"/call-logic/rules/{rule.pk}/").text
    # Whatever the phone book says that they speak.
    assert {code[:2] for code in LANGUAGES} <= {*TEXT_LANGUAGES}


def test_the_sketch_says_what_is_written_by_now(ada, line, boti):
    from django.utils import timezone

    told = Told(exchange_id="1", kind="missed", at=timezone.now(), caller=BOTI, called=line.number)
    record_call_event(line=line, told=told, now=timezone.now())
    wishes = {"s0-own": "1", "s0-text-en": "{caller_name} rang", "s0-who": "teams"}
    answer = Browser(ada).post("/call-logic/rules/sketch/", FORM | wishes)
    assert answer.status_code == 200
    assert "When a call is <b>missed</b>" in answer.text
    assert "Kiss Boti rang" in answer.text
    assert "With the longest values of your calls so far: 1 SMS" in answer.text
    # Only of calls that the rule would have been for.
    foreign = Browser(ada).post("/call-logic/rules/sketch/", FORM | wishes | {"if": "countries", "country-way": "abroad"})
    assert "Kiss Boti rang" not in foreign.text
    assert "No such call in the last month" in foreign.text
    wrong = Browser(ada).post("/call-logic/rules/sketch/", FORM | {"s0-own": "1", "s0-text-en": "{nobody}"})
    assert "There is no {nobody}." in wrong.text


def test_a_text_to_callers_is_shown_on_no_call_of_a_withheld_number(ada, line):
    from django.utils import timezone

    told = Told(exchange_id="1", kind="missed", at=timezone.now(), caller="anonymous", called=line.number)
    record_call_event(line=line, told=told, now=timezone.now())
    wishes = FORM | {"s0-own": "1", "s0-text-en": "Somebody rang"}
    shown = {who: Browser(ada).post("/call-logic/rules/sketch/", wishes | {"s0-who": who}).text for who in ("caller", "on_duty")}
    assert "No such call in the last month" in shown["caller"]
    assert "No such call in the last month" not in shown["on_duty"]


def test_what_is_gone_is_said_in_red_and_can_be_given_up(ada, made, english_team):
    rule = made(definition=replace(DUTY, steps=(Step(who=Who.TEAMS, teams=(english_team.pk,)),)))
    english_team.delete()
    browser = Browser(ada)
    assert '<b class="gone">a team that is gone</b>' in browser.get("/call-logic/").text
    page = browser.get(f"/call-logic/rules/{rule.pk}/").text
    assert "check gone" in page
    refused = browser.post(f"/call-logic/rules/{rule.pk}/", form_in(page))
    assert refused.status_code == 422
    assert "Something that was chosen here is gone." in refused.text
    given_up = {name: values for name, values in form_in(page).items() if name != "s0-teams"} | {"s0-who": "on_duty"}
    assert browser.post(f"/call-logic/rules/{rule.pk}/", given_up).status_code == 302


# --- Changing together ---------------------------------------------------------------------------
def test_a_change_can_be_taken_back(ada, made):
    rule, browser = made(), Browser(ada)
    page = browser.get(f"/call-logic/rules/{rule.pk}/").text
    browser.post(f"/call-logic/rules/{rule.pk}/", form_in(page) | {"name": "Other"})
    assert f'action="/call-logic/rules/{rule.pk}/versions/1/"' in notice(browser)
    browser.post(f"/call-logic/rules/{rule.pk}/versions/1/")
    rule.refresh_from_db()
    assert (rule.name, rule.version) == ("Missed", 3)
    history = browser.get(f"/call-logic/rules/{rule.pk}/versions/").text
    assert "<del>Missed</del><ins>Other</ins>" in history
    assert "<del>Other</del><ins>Missed</ins>" in history


def test_who_was_slower_keeps_what_was_typed_and_is_told(ada, made, kontakt):
    rule, browser = made(), Browser(ada)
    form = form_in(browser.get(f"/call-logic/rules/{rule.pk}/").text)
    save_rule(subscriber=kontakt, rule=rule, name="Theirs", definition=DUTY, is_active=True, by=ada, now=NOW)
    answer = browser.post(f"/call-logic/rules/{rule.pk}/", form | {"name": "Mine"})
    assert answer.status_code == 409
    assert "Ada changed this rule while you were writing" in answer.text
    assert form_in(answer.text)["name"] == ["Mine"]
    rule.refresh_from_db()
    assert rule.name == "Theirs"
    # Saving once more is done knowingly.
    assert browser.post(f"/call-logic/rules/{rule.pk}/", form_in(answer.text)).status_code == 302
    rule.refresh_from_db()
    assert rule.name == "Mine"


def test_what_was_written_about_a_deleted_rule_becomes_a_new_one(ada, made):
    rule, browser = made(), Browser(ada)
    form = form_in(browser.get(f"/call-logic/rules/{rule.pk}/").text)
    browser.post(f"/call-logic/rules/{rule.pk}/delete/")
    assert f'action="/call-logic/rules/{rule.pk}/versions/1/"' in notice(browser)
    answer = browser.post(f"/call-logic/rules/{rule.pk}/", form | {"name": "Mine"})
    assert answer.status_code == 409
    assert 'action="/call-logic/rules/new/"' in answer.text


def test_rules_are_moved_switched_and_brought_back(ada, kontakt, made):
    first, second = made("First"), made("Second")
    browser = Browser(ada)
    browser.post(f"/call-logic/rules/{second.pk}/move/", {"to": "0"})
    assert [rule.name for rule in live_rules(kontakt)] == ["Second", "First"]
    part = browser.say(f"/call-logic/rules/{second.pk}/move/", to="1")
    assert part.text.index("First") < part.text.index("Second")
    browser.post(f"/call-logic/rules/{first.pk}/switch/", {"on": "0"})
    assert not CallRule.objects.get(pk=first.pk).is_active
    browser.post(f"/call-logic/rules/{first.pk}/delete/")
    browser.post(f"/call-logic/rules/{first.pk}/versions/2/")
    assert [rule.name for rule in live_rules(kontakt)] == ["First", "Second"]


# --- Nodes, limits, the switch -------------------------------------------------------------------
def test_nodes_are_made_renamed_and_deleted(ada, kontakt, line, sam):
    browser = Browser(ada)
    assert browser.post("/call-logic/nodes/new/", {"name": ""}).status_code == 422
    browser.post("/call-logic/nodes/new/", {"name": "Garage"})
    node = MessageNode.objects.get()
    assert f"/gateway/pbx/{line.key}/nodes/{node.key}/" in browser.get("/call-logic/nodes/").text
    # An address is a secret, and of no use to who only reads.
    assert str(node.key) not in Browser(sam).get("/call-logic/nodes/").text
    browser.post(f"/call-logic/nodes/{node.pk}/", {"name": "Workshop"})
    assert "Workshop" in browser.get("/call-logic/nodes/").text
    browser.post(f"/call-logic/nodes/{node.pk}/delete/")
    assert "Workshop" not in re.search("<main.*</main>", browser.get("/call-logic/nodes/").text, re.DOTALL)[0]


def test_limits_are_changed_within_their_bounds(ada, kontakt):
    browser, wishes = Browser(ada), {"per_number_per_day": "2", "per_colleague_per_day": "40", "per_minute": "10", "per_day": "90"}
    assert browser.post("/call-logic/limits/", wishes | {"per_number_per_day": "11"}).status_code == 422
    assert browser.post("/call-logic/limits/", wishes).status_code == 302
    assert CallLogic.objects.get(subscriber=kontakt).per_number_per_day == 2


def test_the_red_switch_is_said_on_every_page_and_can_be_turned_back(ada, dana, kontakt):
    browser = Browser(ada)
    assert "stopped-bar" not in browser.get("/messages/").text
    browser.post("/call-logic/stop/", {"on": "0"})
    assert CallLogic.objects.get(subscriber=kontakt).is_stopped
    assert "by Ada" in browser.get("/messages/").text
    # Colleagues see it, and can't turn it back.
    page = Browser(dana).get("/messages/").text
    assert "All automatic sending is stopped" in page
    assert "/call-logic/stop/" not in page
    browser.post("/call-logic/stop/", {"on": "1"})
    assert not CallLogic.objects.get(subscriber=kontakt).is_stopped


def test_another_companys_switch_is_not_ours(ada, eve, kontakt):
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    assert "stopped-bar" not in Browser(eve).get("/messages/").text
