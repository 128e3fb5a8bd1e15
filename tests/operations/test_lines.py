"""The operator's pages of lines."""

from __future__ import annotations

import io
import sys
import uuid

import pytest
from django.core.management import call_command
from django.core.signals import got_request_exception
from django.db import connection
from django.views.debug import ExceptionReporter

from server.accounts.models import AuditEntry
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.inbound import conversation_between
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from server.messaging.sending import hold_line

LINES = "/operator/lines/"
TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "pbx-secret-of-kontakt-9876"


def form_of(browser, line: Line, **changes) -> dict:
    """What the page of a line holds, with changes."""
    form = browser.get(f"{LINES}{line.pk}/").context["form"]
    held = {name: form[name].value() for name in form.fields}
    held = {name: value for name, value in held.items() if value not in (None, False)}
    return {**held, "auth_token": "", "pbx_secret": ""} | changes


def save(browser, line: Line, **changes):
    return browser.post(f"{LINES}{line.pk}/", form_of(browser, line, **changes))


def new(browser, subscriber, **fields):
    given = {"number": "+36 30 111 0077", "label": "Support", "provider": "twilio", "is_active": "on", "countries": ["HU"]}
    return browser.post(f"{LINES}new/?subscriber={subscriber.pk}", given | fields)


# --- The list ---------------------------------------------------------------------------------------
def test_all_lines_stand_in_the_list_with_their_company(desk, line, sales_line, rival_line):
    page = desk.get(LINES).text
    for told in ("Support", "Sales", "+36 30 111 9999", "Kontakt Kft.", "Rival Zrt."):
        assert told in page


@pytest.mark.parametrize("typed", ["rival", "RIVÁL", "119999", "06 30 111 9999", "+36301119999"])
def test_a_line_is_found_by_company_label_and_number(desk, line, rival_line, typed):
    page = desk.get(LINES, {"q": typed}).text
    assert f"{LINES}{rival_line.pk}/" in page
    assert f"{LINES}{line.pk}/" not in page


def test_lines_can_be_narrowed_by_provider_and_state(desk, line, twilio_line, sales_line, now):
    hold_line(line=sales_line, reason="401", now=now)
    shown = {
        query: {pk for pk in (line.pk, twilio_line.pk, sales_line.pk) if f'"{LINES}{pk}/"' in desk.get(LINES + query).text}
        for query in ("?provider=twilio", "?state=held", "?state=works&provider=simulator", "?state=nonsense&page=x")
    }
    assert shown == {
        "?provider=twilio": {twilio_line.pk},
        "?state=held": {sales_line.pk},
        "?state=works&provider=simulator": {line.pk},
        "?state=nonsense&page=x": {line.pk, twilio_line.pk, sales_line.pk},
    }


def test_many_lines_cost_as_many_queries_as_few(desk, line, kontakt, django_assert_num_queries):
    desk.get(LINES)
    with django_assert_num_queries(10):
        desk.get(LINES)
    for n in range(30):
        Line.objects.create(subscriber=kontakt, number=f"+3620111{n:04}", label=f"Line {n}", provider="simulator", per_day=n)
    with django_assert_num_queries(10):
        desk.get(LINES)


# --- Making and changing ----------------------------------------------------------------------------
def test_a_new_line_is_made_and_led_to_its_check(desk, kontakt, oper):
    answer = new(desk, kontakt, account_sid="AC1", auth_token=TOKEN, per_day="500", countries=["HU", "AT"])
    line = Line.objects.get()
    assert answer.url == f"{LINES}{line.pk}/check/"
    assert (line.subscriber, line.number, line.auth_token, line.per_day) == (kontakt, "+36301110077", TOKEN, 500)
    assert line.countries == ["AT", "HU"]
    entry = AuditEntry.objects.get(action="line.added")
    assert (entry.actor, entry.subscriber, entry.target) == (oper, kontakt, str(line))
    assert entry.detail["per_day"] == [None, 500]
    assert Event.objects.get().kind == Kind.ACCESS_CHANGED


@pytest.mark.parametrize("typed", ["06301110077", "0036 30 111-0077", "36301110077"])
def test_a_number_may_be_written_in_any_usual_format(desk, kontakt, typed):
    new(desk, kontakt, number=typed)
    assert Line.objects.get().number == "+36301110077"


@pytest.mark.parametrize("name", ["FONAL", "Kontakt Kft", "A-B_C&D+1", "x", "ABCDEFGHIJK"])
def test_a_sender_name_is_a_line_that_nobody_can_answer(desk, kontakt, name):
    new(desk, kontakt, number=name)
    line = Line.objects.get()
    assert (line.number, line.is_one_way) == (name, True)
    assert "nobody can answer it" in desk.get(f"{LINES}{line.pk}/").text


@pytest.mark.parametrize("typed", ["", "12", "1749", "ABCDEFGHIJKL", "ÁRVÍZ", "a.b", "+", "\x00", "Két szó sok", "++++"])
def test_what_is_neither_number_nor_name_is_refused(desk, kontakt, typed):
    assert new(desk, kontakt, number=typed).status_code == 422
    assert not Line.objects.exists()


def test_a_number_of_another_subscriber_is_refused_clearly(desk, kontakt, rival_line):
    answer = new(desk, kontakt, number=rival_line.number)
    assert answer.status_code == 422
    assert "a line of another subscriber (Rival Zrt.)." in answer.text
    # At another provider as well.
    assert new(desk, kontakt, number=rival_line.number, provider="simulator").status_code == 422
    assert Line.objects.count() == 1


def test_a_name_that_differs_only_in_its_capitals_is_taken(desk, kontakt, rival):
    Line.objects.create(subscriber=rival, number="Fonal", label="F", provider="twilio")
    assert new(desk, kontakt, number="FONAL").status_code == 422


def test_a_line_without_a_company_asks_whose_it_is(desk, kontakt):
    assert "Kontakt Kft." in desk.get(f"{LINES}new/").text
    for wrong in ("999999", "x", "9" * 30):
        assert desk.get(f"{LINES}new/?subscriber={wrong}").status_code == 404


def test_only_what_changed_is_written_down_and_no_secret(desk, twilio_line, oper):
    save(desk, twilio_line, auth_token=TOKEN, label="Main", per_minute="30")
    twilio_line.refresh_from_db()
    assert (twilio_line.auth_token, twilio_line.label, twilio_line.per_minute) == (TOKEN, "Main", 30)
    entry = AuditEntry.objects.get(action="line.changed")
    assert entry.detail == {"changed": ["auth_token", "label", "per_minute"], "per_minute": [None, 30]}
    assert entry.actor == oper


def test_saving_without_a_change_changes_nothing(desk, twilio_line):
    save(desk, twilio_line)
    assert not AuditEntry.objects.exists()
    assert not Event.objects.exists()
    assert Line.objects.get(pk=twilio_line.pk).auth_token == "12345"


def test_the_subscriber_of_a_line_stays(desk, line, rival):
    save(desk, line, subscriber=rival.pk, label="x")
    assert Line.objects.get(pk=line.pk).subscriber != rival


def test_new_credentials_release_a_held_line(desk, twilio_line, twilio_conversation_queued, now):
    hold_line(line=twilio_line, reason="401", now=now)
    Message.objects.update(status=Status.HELD)
    assert "Held: nothing goes out" in desk.get(f"{LINES}{twilio_line.pk}/").text
    save(desk, twilio_line, auth_token=TOKEN)
    twilio_line.refresh_from_db()
    assert twilio_line.held_since is None
    assert Message.objects.get().status == Status.QUEUED


@pytest.fixture
def twilio_conversation_queued(twilio_line, boti, now):
    conversation = conversation_between(line=twilio_line, contact=boti, now=now)
    return queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Jövünk!", author=None, now=now)


def test_a_line_is_released_by_a_button(desk, twilio_line, twilio_conversation_queued, now):
    hold_line(line=twilio_line, reason="401", now=now)
    Message.objects.update(status=Status.HELD)
    desk.post(f"{LINES}{twilio_line.pk}/release/")
    assert Message.objects.get().status == Status.QUEUED
    assert AuditEntry.objects.get(action="line.released").actor is not None


def test_who_saves_what_somebody_else_has_changed_meanwhile_looks_again(desk, line):
    mine = form_of(desk, line, label="Mine")
    save(desk, line, per_day="5")
    answer = desk.post(f"{LINES}{line.pk}/", mine)
    assert answer.status_code == 422
    assert "somebody else changed this line" in answer.text
    line.refresh_from_db()
    assert (line.label, line.per_day) == ("Support", 5)
    # What is shown now may be saved.
    again = {name: answer.context["form"][name].value() for name in mine}
    assert desk.post(f"{LINES}{line.pk}/", {k: v for k, v in again.items() if v is not None}).status_code == 302
    line.refresh_from_db()
    assert (line.label, line.per_day) == ("Mine", None)


def test_a_line_moves_to_another_provider_with_its_conversations(desk, line, conversation):
    save(desk, line, provider="twilio", account_sid="AC1", auth_token=TOKEN)
    conversation.refresh_from_db()
    assert (conversation.line_id, Line.objects.get(pk=line.pk).provider) == (line.pk, "twilio")


def test_ones_own_country_alone_is_the_rule_and_no_wish(desk, line):
    save(desk, line, countries=["HU"])
    assert Line.objects.get(pk=line.pk).countries == []
    save(desk, line, countries=["AT"])
    assert Line.objects.get(pk=line.pk).countries == ["AT"]
    save(desk, line, countries=[])
    assert Line.objects.get(pk=line.pk).countries == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_day": "-1"},
        {"per_day": "x"},
        {"per_day": "9" * 20},
        {"per_minute": "0"},
        {"countries": ["XX"]},
        {"label": ""},
        {"label": "\x00"},
        {"provider": "pigeon"},
        {"auth_token": "x" * 201},
    ],
)
def test_nonsense_is_refused_and_nothing_changed(desk, twilio_line, wrong):
    assert save(desk, twilio_line, **wrong).status_code == 422
    assert not AuditEntry.objects.exists()


# --- Who may use it ---------------------------------------------------------------------------------
def rights(line) -> dict[str, bool]:
    return dict(LineAccess.objects.filter(line=line).values_list("user__username", "can_send"))


def test_colleagues_are_given_a_line_to_read_or_to_send(desk, sales_line, dana, bela, sam, eve):
    wish = {f"person_{dana.pk}": "send", f"person_{bela.pk}": "read", f"person_{sam.pk}": "send", f"person_{eve.pk}": "send"}
    desk.post(f"{LINES}{sales_line.pk}/people/", wish)
    assert rights(sales_line) == {"dana": True, "bela": False}
    entry = AuditEntry.objects.get(action="line.given")
    assert entry.detail == {"people": {"dana": "sends", "bela": "reads"}}
    assert Event.objects.get().kind == Kind.ACCESS_CHANGED


def test_a_line_is_taken_away(desk, line, dana, bela):
    desk.post(f"{LINES}{line.pk}/people/", {f"person_{bela.pk}": "read"})
    assert rights(line) == {"bela": False}


def test_giving_what_is_given_changes_nothing(desk, line, dana):
    desk.post(f"{LINES}{line.pk}/people/", {f"person_{dana.pk}": "send"})
    assert not AuditEntry.objects.exists()


def test_who_was_deactivated_keeps_what_they_had(desk, line, dana, bela):
    type(dana).objects.filter(pk=dana.pk).update(is_active=False)
    desk.post(f"{LINES}{line.pk}/people/", {})
    assert rights(line) == {"dana": True}


# --- A new address ----------------------------------------------------------------------------------
def test_a_new_address_is_given_to_who_is_sure(desk, line, oper):
    old = line.key
    assert "stops at once" in desk.get(f"{LINES}{line.pk}/address/").text
    assert Line.objects.get(pk=line.pk).key == old
    answer = desk.post(f"{LINES}{line.pk}/address/")
    line.refresh_from_db()
    assert (line.key != old, answer.url) == (True, f"{LINES}{line.pk}/check/")
    assert AuditEntry.objects.get().action == "line.readdressed"


def test_the_exchange_s_address_is_shown_and_its_secret_only_when_it_is_new(desk, line, oper, settings):
    settings.PUBLIC_URL = "https://sms.example.hu"
    old = line.pbx_secret
    page = desk.get(f"{LINES}{line.pk}/").text
    assert f"https://sms.example.hu/gateway/pbx/{line.key}/calls/" in page
    assert (f"…{old[-4:]}" in page, old in page) == (True, False)
    assert "stops at once" in desk.get(f"{LINES}{line.pk}/secret/").text
    assert Line.objects.get(pk=line.pk).pbx_secret == old
    made = desk.post(f"{LINES}{line.pk}/secret/")
    line.refresh_from_db()
    assert line.pbx_secret != old
    assert line.pbx_secret in made.text
    assert "no-store" in made["Cache-Control"]
    assert line.pbx_secret not in desk.get(f"{LINES}{line.pk}/").text
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subscriber) == ("line.pbx_secret_renewed", oper, line.subscriber)
    assert line.pbx_secret not in repr(list(AuditEntry.objects.values()))


# --- Secrets ----------------------------------------------------------------------------------------
def test_a_secret_never_comes_out_again(desk, kontakt, caplog, twilio_line):
    """Not in a page, a form that was refused, a log, the audit log, or the database."""
    caplog.set_level("DEBUG")
    secrets = {"auth_token": TOKEN, "pbx_secret": SECRET}
    answers = [new(desk, kontakt, label="", **secrets), new(desk, kontakt, **secrets)]
    line = Line.objects.get(number="+36301110077")
    where = f"{LINES}{line.pk}/"
    answers += [desk.get(where + part) for part in ("", "check/", "check/?part=live", "health/", "address/")]
    answers += [desk.get(LINES), desk.get("/operator/"), save(desk, line, number="nonsense", **secrets)]
    answers += [save(desk, line, **{name: value + "x" for name, value in secrets.items()})]
    told = "".join(answer.text for answer in answers) + caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth_token, pbx_secret FROM lines_line")
        told += repr(cursor.fetchall())
    for model in (AuditEntry, Event):
        told += repr(list(model.objects.values()))
    call_command("dumpdata", "sessions", "accounts", stdout=(out := io.StringIO()))
    told += out.getvalue()
    for value in secrets.values():
        assert value not in told
    # The last four are shown, for telling two apart.
    assert f"…{TOKEN[-4:]}" in desk.get(where).text or f"…{(TOKEN + 'x')[-4:]}" in desk.get(where).text


@pytest.mark.parametrize("broken", ["server.lines.keeping._save", "server.lines.keeping._tell", "server.lines.keeping.state_of"])
def test_what_a_mistake_of_ours_tells_hides_secrets(desk, kontakt, line, monkeypatch, caplog, broken):
    """The report that goes to whoever looks after the server, with the variables of every function on the way."""
    told = []

    def look(sender, request, **_):
        reporter = ExceptionReporter(request, *sys.exc_info(), is_email=True)
        told.append(reporter.get_traceback_html() + reporter.get_traceback_text())

    form = form_of(desk, line, label="Other", auth_token=TOKEN, pbx_secret=SECRET)
    monkeypatch.setattr(broken, lambda *_, **__: 1 / 0)
    desk.raise_request_exception = False
    got_request_exception.connect(look)
    answers = [desk.post(f"{LINES}{line.pk}/", form)]
    if not broken.endswith("state_of"):
        answers += [new(desk, kontakt, auth_token=TOKEN, pbx_secret=SECRET)]
    got_request_exception.disconnect(look)
    assert {answer.status_code for answer in answers} == {500}
    assert len(told) == len(answers)
    for value in (TOKEN, SECRET):
        assert value not in "".join(told) + caplog.text + "".join(answer.text for answer in answers)
