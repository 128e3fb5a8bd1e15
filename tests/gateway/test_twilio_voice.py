"""Calls to a line of Twilio's: what the caller hears, and what is known of the call, in whichever order it is told."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from twilio.request_validator import RequestValidator

from gateway.lane import answer
from gateway.models import WebhookReceipt
from server.calls.definition import Definition, Step, Trigger, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.flows import Flow, MenuKey, save_flow
from server.calls.models import Call, CallEvent, CallRule, MessageNode
from server.calls.telling import tell_due
from server.messaging.models import Message
from tests.conftest import BOTI
from tests.gateway.twilio_calls import COLLEAGUE, OTHER, TwilioCall, rung, spoken, verbs
from tests.gateway.twilio_webhooks import PUBLIC_URL, TwilioWebhooks

NOBODY = "Kérjük, hívjon később."
MENU = (
    MenuKey(key="1", says="A szervizhez nyomja meg az egyes gombot.", then="Kapcsoljuk a szervizt.", rings=(OTHER,)),
    MenuKey(key="2", says="Címünkért nyomja meg a kettest.", then="Elküldtük SMS-ben.", ends=True),
    MenuKey(key="#", says="Munkatársunkhoz nyomja meg a kettős keresztet."),
)


@pytest.fixture
def flow(twilio_line, ada):
    """`flow(greeting="…")`: what callers hear from now on."""

    def save(**words) -> Flow:
        kept = Flow(**{"rings": (COLLEAGUE, OTHER), "when_missed": NOBODY} | words)
        save_flow(line=twilio_line, flow=kept, by=ada, now=timezone.now())
        return kept

    return save


@pytest.fixture
def call(webhooks) -> TwilioCall:
    return TwilioCall(webhooks)


# --- What the caller hears ----------------------------------------------------------------------
def test_all_colleagues_ring_at_once_and_see_who_calls(call, flow, twilio_line):
    flow(greeting="Jó napot kívánunk!", ring_seconds=25)

    said = call.comes()

    assert verbs(said) == ["Say", "Dial"]
    assert said[0].attrib == {"language": "hu-HU", "voice": "Google.hu-HU-Wavenet-A"}
    assert rung(said) == [COLLEAGUE, OTHER]
    dial = said.find("Dial")
    assert (dial.attrib["timeout"], dial.attrib["answerOnBridge"]) == ("25", "true")
    assert dial.attrib["action"] == f"{PUBLIC_URL}/gateway/twilio/{twilio_line.key}/voice/rang/#rc=3&rp=ct,5xx"
    assert "callerId" not in dial.attrib
    assert dial[0].attrib["statusCallbackEvent"] == "answered completed"
    assert call.kinds == ["ringing"]
    assert call.row.conversation.contact.number == BOTI


def test_an_english_flow_speaks_english(call, flow):
    flow(language="en", greeting="Hello.", when_missed="")

    assert call.comes()[0].attrib["language"] == "en-GB"
    assert spoken(call.rang("no-answer")) == ["Thank you for your call. Nobody can take it right now. Goodbye."]


def test_without_a_flow_nobody_takes_the_call_and_it_is_missed(call):
    said = call.comes()

    assert verbs(said) == ["Say", "Hangup"]
    assert call.row.state == "missed"
    assert call.kinds == ["missed", "ringing"]


def test_a_flow_that_is_switched_off_is_none(call, flow):
    flow(is_active=False)
    assert verbs(call.comes()) == ["Say", "Hangup"]


def test_with_nobody_to_ring_the_last_words_come_at_once(call, flow):
    flow(rings=(), greeting="Jó napot!")
    assert spoken(call.comes()) == ["Jó napot!", NOBODY]
    assert call.row.state == "missed"


def test_neither_the_caller_nor_what_has_become_a_line_is_rung(webhooks, flow, sales_line):
    flow()
    sales_line.number = OTHER
    sales_line.save()
    assert rung(TwilioCall(webhooks).comes()) == [COLLEAGUE]
    assert verbs(TwilioCall(webhooks, COLLEAGUE).comes()) == ["Say", "Hangup"]


def test_what_people_wrote_is_text_and_never_markup(call, flow):
    flow(greeting='<Dial>+3690123456</Dial> & "társai" \x0b\ufffe')
    said = call.comes()
    assert verbs(said) == ["Say", "Dial"]
    assert said[0].text.startswith('<Dial>+3690123456</Dial> & "társai"')


# --- The menu -----------------------------------------------------------------------------------
def test_the_menu_is_read_out_and_no_key_rings_all_the_same(call, flow):
    flow(greeting="Jó napot!", keys=MENU)

    said = call.comes()

    assert verbs(said) == ["Gather", "Say", "Dial"]
    assert spoken(said[0]) == ["Jó napot!", *(key.says for key in MENU)]
    assert said[0].attrib["numDigits"] == "1"
    assert said[0].attrib["finishOnKey"] == ""
    assert said[1].text == "Nem nyomott meg gombot."
    assert rung(said) == [COLLEAGUE, OTHER]
    assert call.kinds == ["ringing"]


@pytest.mark.parametrize(
    ("digits", "words", "numbers", "state"),
    [
        ("1", ["Kapcsoljuk a szervizt."], [OTHER], "ringing"),
        ("2", ["Elküldtük SMS-ben."], [], "ringing"),
        ("#", [], [COLLEAGUE, OTHER], "ringing"),
        ("9", ["Ehhez a gombhoz nem tartozik semmi."], [COLLEAGUE, OTHER], "ringing"),
        ("", ["Nem nyomott meg gombot."], [COLLEAGUE, OTHER], "ringing"),
        ("11", ["Ehhez a gombhoz nem tartozik semmi."], [COLLEAGUE, OTHER], "ringing"),
    ],
)
def test_each_key_does_what_was_written(call, flow, digits, words, numbers, state):
    flow(keys=MENU)
    call.comes()

    said = call.presses(digits)

    assert spoken(said) == words
    assert rung(said) == numbers
    assert verbs(said)[-1] == ("Dial" if numbers else "Hangup")
    assert call.row.state == state
    assert [event.detail for event in CallEvent.objects.filter(kind="key")] == ([digits] if digits else [])


@pytest.mark.parametrize("end", ["completed", "no-answer", "busy"])
def test_who_got_what_they_wanted_by_a_key_has_not_called_in_vain(call, flow, end):
    flow(keys=MENU)
    call.comes()
    call.presses("2")
    call.ends(end)
    call.presses("2")
    assert call.kinds == ["key 2", "ringing"]
    assert call.row.has_ended_in_menu
    assert (call.row.conversation.call_state, call.row.conversation.waiting_since) == ("in:menu", None)


def test_a_key_may_reach_a_message_node(call, flow, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="Cím", created_at=timezone.now())
    flow(keys=(MenuKey(key="1", says="Címünkért egyes.", ends=True, node=node.pk),))
    call.comes()
    for _ in range(3):
        call.presses("1")
    assert call.kinds == ["key 1", f"node {node.key}", "ringing"]
    node.deleted_at = timezone.now()
    node.save()
    TwilioCall(call.webhooks).presses("1")
    assert CallEvent.objects.filter(kind="node").count() == 1


# --- How calls end ------------------------------------------------------------------------------
COURSES = {
    # What is told, in its order → the state, and the events
    "hangs up while it rings": (["comes", "ends no-answer"], "missed", ["missed", "ringing"]),
    "hangs up while it rings, with a greeting": (["comes", "ends completed"], "missed", ["missed", "ringing"]),
    "hangs up, and the ringing ends, too": (["comes", "rang canceled", "ends completed"], "missed", ["missed", "ringing"]),
    "nobody answers": (["comes", "rang no-answer", "ends completed"], "missed", ["missed", "ringing"]),
    "only the menu": (["comes", "presses 9", "ends completed"], "missed", ["key 9", "missed", "ringing"]),
    "busy": (["comes", "rang busy", "ends completed"], "busy", ["busy", "ringing"]),
    "busy, told by the caller's leg": (["comes", "ends busy"], "busy", ["busy", "ringing"]),
    "failed": (["comes", "rang failed", "ends completed"], "failed", ["failed", "ringing"]),
    "only a machine picked up": (["comes", "rang completed false", "ends completed"], "missed", ["missed", "ringing"]),
    "leg that was never connected": (
        ["comes", "leg completed", "rang completed false", "ends completed"],
        "missed",
        ["missed", "ringing"],
    ),
    "leg that was not answered": (["comes", "leg no-answer", "rang no-answer"], "missed", ["missed", "ringing"]),
    "answered": (["comes", "leg in-progress", "rang completed true", "ends completed"], "answered", ["answered", "ringing"]),
    "answered, without DialBridged": (["comes", "rang completed", "ends completed"], "answered", ["answered", "ringing"]),
    "answered in a conference": (["comes", "rang answered", "ends completed"], "answered", ["answered", "ringing"]),
    "answered, and the caller hung up": (["comes", "leg in-progress", "ends completed"], "answered", ["answered", "ringing"]),
    "only the end was told": (["ends completed"], "missed", ["missed"]),
    "only the leg was told": (["leg in-progress"], "answered", ["answered"]),
    "all reversed": (
        ["ends completed", "rang completed true", "leg completed", "leg in-progress", "comes"],
        "answered",
        ["answered", "missed", "ringing"],
    ),
}


def run(call: TwilioCall, course: list[str], times: int = 1) -> None:
    for step in course:
        verb, *words = step.split()
        for _ in range(times):
            getattr(call, verb)(*words)


@pytest.mark.parametrize("name", COURSES)
@pytest.mark.parametrize("times", [1, 3])
def test_each_course_of_a_call_ends_as_it_did(call, flow, name, times):
    course, state, events = COURSES[name]
    flow(keys=MENU if "menu" in name else ())

    run(call, course, times)

    assert call.row.state == state
    assert call.kinds == events
    assert Call.objects.count() == 1
    assert set(WebhookReceipt.objects.values_list("kind", "signature_ok")) == {("voice", True)}
    assert set(WebhookReceipt.objects.values_list("outcome", flat=True)) <= {"stored", "known already", "applied"}


def test_nobody_answered_and_the_caller_hears_the_last_words(call, flow):
    flow()
    call.comes()
    said = call.rang("no-answer")
    assert (verbs(said), spoken(said)) == (["Say", "Hangup"], [NOBODY])


def test_after_a_talk_there_is_nothing_more_to_say(call, flow, bela):
    bela.phone = COLLEAGUE
    bela.save()
    flow()
    call.comes()
    call.leg("in-progress")
    assert verbs(call.rang("completed", "true", "61")) == ["Hangup"]
    assert (call.row.duration, call.row.agent) == (61, bela.name)


def test_a_number_that_is_nobodys_own_is_said_as_it_is(call, flow):
    flow()
    call.leg("in-progress", to=OTHER)
    assert call.row.agent == OTHER


def test_times_are_twilios(call, flow):
    flow()
    call.comes()
    at = timezone.now() - timedelta(minutes=4)
    call.leg("in-progress", Timestamp=format_datetime(at))
    assert call.row.answered_at == at.replace(microsecond=0)


@pytest.mark.parametrize("timestamp", ["", "tomorrow", "Mon, 99 Nov 2026 99:99:99 +0000", "Mon, 23 Nov 2026 10:00:00"])
def test_a_time_that_is_none_stops_nothing(call, flow, timestamp):
    flow()
    call.comes()
    call.ends("completed", Timestamp=timestamp)
    assert call.row.state == "missed"


def test_a_fallback_goes_on_where_the_call_was(call, flow):
    flow(keys=MENU)
    failed = {"ErrorCode": "11200", "ErrorUrl": "https://sms.kontakt.example/"}
    call.comes()
    assert spoken(call.post("", call.form(Digits="2", **failed))) == ["Elküldtük SMS-ben."]
    assert verbs(call.post("", call.form(DialCallStatus="completed", DialBridged="true", **failed))) == ["Hangup"]


# --- Who calls ----------------------------------------------------------------------------------
@pytest.fixture
def rule(kontakt) -> CallRule:
    """Whoever calls in vain gets an SMS."""
    says = Definition(trigger=Trigger.MISSED, steps=(Step(who=Who.CALLER),)).to_json()
    at = timezone.now()
    return CallRule.objects.create(subscriber=kontakt, name="R", definition=says, created_at=at, updated_at=at)


@pytest.mark.parametrize("caller", ["+266696687", "anonymous", "Restricted", "Unavailable", "", "+7378742833"])
def test_who_withholds_the_number_is_recorded_and_never_texted(webhooks, flow, rule, twilio_line, caller):
    flow()
    call = TwilioCall(webhooks, caller)

    said = call.comes()
    call.ends("completed")

    assert said.find("Dial").attrib["callerId"] == twilio_line.number
    assert (call.row.partner, call.row.conversation, call.row.state) == ("", None, "missed")
    assert not Message.objects.exists()


def test_of_a_missed_call_the_rules_hear_once(call, flow, rule):
    flow()
    run(call, ["comes", "rang no-answer", "ends completed"], times=3)
    assert CallEvent.objects.filter(due_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("course", "texts"),
    [(["comes", "ends completed", "rang no-answer"], 1), (["ends completed", "leg in-progress", "comes"], 0)],
)
def test_who_called_in_vain_gets_one_text_and_who_was_answered_none(call, flow, rule, course, texts):
    flow()
    run(call, course, times=3)
    later = timezone.now() + timedelta(seconds=5)
    for work in (fire_due, take_due_steps, tell_due):
        work(now=later)
    assert [message.conversation.contact.number for message in Message.objects.all()] == [BOTI] * texts


def test_what_the_network_tells_of_the_caller_can_be_put_into_texts(call, flow):
    flow()
    call.comes(CallerName="KISS BOTOND", ForwardedFrom="+3612345678")
    assert call.row.parameters == {"caller_id_name": "KISS BOTOND", "forwarded_from": "+3612345678"}


def test_all_that_twilio_says_is_kept_but_the_token_for_calls_in_the_callers_name(call, flow):
    flow()
    call.comes(SomethingNew="2027")
    raw = WebhookReceipt.objects.get().raw
    assert raw["SomethingNew"] == "2027"
    assert "CallToken" in call.form()
    assert "CallToken" not in raw


# --- What is not understood, or not Twilio's ------------------------------------------------------
@pytest.mark.parametrize("step", ["rang", "leg", "ends"])
def test_a_word_that_we_do_not_know_is_kept_and_stops_nothing(call, flow, step):
    flow()
    call.comes()
    getattr(call, step)("levitating")
    assert call.kinds == ["ringing"]
    assert WebhookReceipt.objects.order_by("pk").last().outcome == "unknown word"
    call.ends("completed")
    assert call.row.state == "missed"


@pytest.mark.parametrize("step", ["", "key/", "rang/", "leg/", "status/"])
def test_what_twilio_did_not_sign_is_refused_and_nothing_is_stored(webhooks, call, flow, step):
    flow()
    path = f"/gateway/twilio/{webhooks.line.key}/voice/{step}"
    form = call.form(ParentCallSid=call.sid)
    for forged in ("", "bm8="):
        assert webhooks.post(form, path, signature=forged).status_code == 403
    other = form | {"AccountSid": "AC9"}
    assert webhooks.post(other, path).status_code == 403
    assert webhooks.post(form | {"CallSid": "", "ParentCallSid": ""}, path).status_code == 400
    assert not Call.objects.exists()


def test_a_call_to_another_number_is_refused(webhooks, call):
    path = f"/gateway/twilio/{webhooks.line.key}/voice/"
    assert webhooks.post(call.form(To="+36301119999"), path).status_code == 403


def test_the_addresses_are_only_for_lines_of_twilio(line, twilio_line, call):
    form = call.form()
    assert TwilioWebhooks(line).post(form, f"/gateway/twilio/{line.key}/voice/", signature="bm8=").status_code == 404


@pytest.mark.parametrize("signed_with_port", [True, False])
def test_voice_is_signed_without_the_port(webhooks, call, settings, signed_with_port):
    settings.PUBLIC_URL = "https://sms.kontakt.example:8443"
    path, form = f"/gateway/twilio/{webhooks.line.key}/voice/", call.form(FromCity="Győr")
    origin = settings.PUBLIC_URL if signed_with_port else "https://sms.kontakt.example"
    signature = RequestValidator(webhooks.line.auth_token).compute_signature(origin + path, form)
    assert webhooks.post(form, path, signature=signature).status_code == 200


def test_the_fast_lane_answers_calls(webhooks, call, flow):
    flow()
    path, form = f"/gateway/twilio/{webhooks.line.key}/voice/", call.form(CallStatus="ringing")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": webhooks.signature(path, form)}
    answered = answer(method="POST", path=path, headers=headers, body=urlencode(form).encode())
    assert answered.status_code == 200
    assert b"<Dial" in answered.content


def test_of_a_person_who_was_erased_no_receipt_is_kept_even_where_nothing_is_new(call, flow):
    call.comes()
    call.rang("no-answer")
    Call.objects.update(redacted_at=timezone.now())
    call.ends("completed")
    assert WebhookReceipt.objects.latest("pk").raw == {}
