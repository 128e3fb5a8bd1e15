"""The set-up check of a line: green steps, and failing ones that say what to do."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from twilio.request_validator import RequestValidator

from gateway.addresses import messages_address, voice_address
from gateway.providers.simulator import post_due_reports, switch_phone, text_in
from gateway.sending import send_due
from server.accounts.models import AuditEntry
from server.lines.models import Line, LineUsage
from server.messaging.models import Message
from tests.conftest import BOTI
from tests.gateway.conftest import twilio, webhooks  # noqa: F401
from tests.gateway.exchange import Exchange
from tests.gateway.twilio_webhooks import PUBLIC_URL


@pytest.fixture(autouse=True)
def public_url(settings):
    settings.PUBLIC_URL = PUBLIC_URL


def check_of(line: Line) -> str:
    return f"/operator/lines/{line.pk}/check/"


def steps(desk, line: Line, part: str) -> list[tuple[str, str]]:
    """The steps of a part of the page: state and text, with the advice."""
    html = desk.get(f"{check_of(line)}?part={part}").text
    found = re.findall(r'<div class="step (\w+)">(.*?)</p></div>', html, re.DOTALL)
    return [(state, unescape(re.sub(r"<[^>]+>", " ", text))) for state, text in found]


def states(desk, line: Line, part: str) -> list[str]:
    return [state for state, _text in steps(desk, line, part)]


# --- What the provider says ---------------------------------------------------------------------
def test_a_line_that_is_set_up_is_green(desk, twilio, twilio_line):  # noqa: F811
    rented = twilio.rent(twilio_line.account_sid, twilio_line.number)
    texts, calls, tries = messages_address(twilio_line), voice_address(twilio_line), "#rc=3&rp=ct,5xx"
    rented.settings = {"SmsUrl": texts + tries, "SmsFallbackUrl": texts, "VoiceUrl": calls + tries, "VoiceFallbackUrl": calls}
    rented.settings["StatusCallback"] = f"{calls}status/{tries}"
    assert states(desk, twilio_line, "provider") == ["ok", "ok", "ok"]
    assert "“Kontakt”" in steps(desk, twilio_line, "provider")[0][1]


def test_refused_credentials_say_what_to_do_and_the_rest_waits(desk, twilio, twilio_line):  # noqa: F811
    Line.objects.filter(pk=twilio_line.pk).update(auth_token="wrong")
    found = steps(desk, twilio_line, "provider")
    assert [state for state, _ in found] == ["bad", "todo", "todo"]
    assert "Copy account SID and auth token anew" in found[0][1]


def test_a_line_without_credentials_is_not_said_to_be_refused(desk, twilio_line):
    Line.objects.filter(pk=twilio_line.pk).update(auth_token="")
    assert "The line has no account SID and auth token yet." in steps(desk, twilio_line, "provider")[0][1]


def test_a_provider_that_is_away_blames_nobody(desk, twilio_line, settings):
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:1"
    assert "can't be asked now" in steps(desk, twilio_line, "provider")[0][1]


def test_a_number_that_is_not_the_accounts_is_told(desk, twilio, twilio_line):  # noqa: F811
    found = steps(desk, twilio_line, "provider")
    assert [state for state, _ in found] == ["ok", "bad", "todo"]
    assert "none of this account's" in found[1][1]


def test_another_address_is_shown_beside_ours_and_set_by_a_button(desk, twilio, twilio_line, oper):  # noqa: F811
    twilio.rent(twilio_line.account_sid, twilio_line.number)
    found = steps(desk, twilio_line, "provider")
    assert [state for state, _ in found] == ["ok", "ok", "bad"]
    assert f"expected {messages_address(twilio_line)}" in found[2][1]
    assert "got https://demo.twilio.com/welcome/sms/reply" in found[2][1]
    assert "Set them for me" in desk.get(f"{check_of(twilio_line)}?ask=1").text
    desk.post(f"{check_of(twilio_line)}webhooks/")
    assert states(desk, twilio_line, "provider") == ["ok", "ok", "ok"]
    assert AuditEntry.objects.get(action="line.webhooks_set").actor == oper


def test_the_right_address_without_more_tries_is_not_enough(desk, twilio, twilio_line):  # noqa: F811
    twilio.rent(twilio_line.account_sid, twilio_line.number).settings = {"SmsUrl": messages_address(twilio_line)}
    assert "how often it is tried again" in steps(desk, twilio_line, "provider")[2][1]


def test_what_can_not_be_set_is_told(desk, twilio, twilio_line):  # noqa: F811
    answer = desk.post(f"{check_of(twilio_line)}webhooks/", follow=True)
    assert "none of this account" in unescape(answer.text)
    assert not AuditEntry.objects.exists()


def test_the_page_comes_at_once_and_shows_what_to_set(desk, twilio_line, settings):
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:1"
    page = unescape(desk.get(check_of(twilio_line)).text)
    assert f"{messages_address(twilio_line)}#rc=3&rp=ct,5xx" in page
    assert "Asking the provider…" in page


def test_a_sender_name_needs_nothing_to_come_in(desk, twilio, twilio_line):  # noqa: F811
    Line.objects.filter(pk=twilio_line.pk).update(number="FONAL")
    assert states(desk, twilio_line, "provider") == ["ok", "none", "none"]
    assert states(desk, twilio_line, "live") == ["todo", "none"]


# --- Out and in ---------------------------------------------------------------------------------
def test_a_test_goes_the_road_of_all_messages_and_its_state_is_shown(desk, line, oper):
    assert states(desk, line, "live") == ["todo", "todo"]
    assert desk.post(f"{check_of(line)}test/", {"to": "06 30 999 0001"}).status_code == 302
    message = Message.objects.get()
    assert (message.author, message.conversation.contact.number) == (None, BOTI)
    assert AuditEntry.objects.get(action="line.tested").detail == {"message": str(message.uuid)}
    assert "On its way" in steps(desk, line, "live")[0][1]
    send_due()
    assert "The provider took it" in steps(desk, line, "live")[0][1]
    post_due_reports(timezone.now() + timedelta(seconds=10))
    assert states(desk, line, "live") == ["ok", "todo"]


def test_a_test_that_does_not_arrive_says_why(desk, line):
    switch_phone(BOTI, is_on=False)
    desk.post(f"{check_of(line)}test/", {"to": BOTI})
    send_due()
    post_due_reports(timezone.now() + timedelta(seconds=10))
    state, text = steps(desk, line, "live")[0]
    assert state == "bad"
    assert "the phone could not be reached" in text


@pytest.mark.parametrize(
    ("to", "told"), [("x", "not a phone number"), ("+4915112345678", "of Hungary"), ("0690123456", "of Hungary"), ("", "required")]
)
def test_a_test_to_a_strange_number_is_refused(desk, line, to, told):
    answer = desk.post(f"{check_of(line)}test/", {"to": to})
    assert answer.status_code == 422
    assert told in unescape(answer.text)
    assert f'hx-get="{check_of(line)}?part=provider"' in answer.text
    assert not Message.objects.exists()
    # Whom nothing was sent to, does not stand in the company's lists.
    assert not line.subscriber.contacts.exists()


def test_a_test_keeps_to_the_limits_and_to_the_service(desk, line):
    Line.objects.filter(pk=line.pk).update(per_day=1)
    now = timezone.now()
    LineUsage.objects.create(line=line, day=(now + timedelta(days=1)).date(), sent_on_day=1, minute=now)
    assert "messages it may send today" in desk.post(f"{check_of(line)}test/", {"to": BOTI}).text
    line.subscriber.activation.delete()
    assert "no SMS service" in desk.post(f"{check_of(line)}test/", {"to": BOTI}).text


def test_a_text_that_comes_in_turns_its_step_green(desk, line):
    assert states(desk, line, "live") == ["todo", "todo"]
    text_in(line, BOTI, "Szia!")
    assert states(desk, line, "live") == ["todo", "ok"]


def test_what_came_before_the_check_does_not_count(desk, line, monkeypatch):
    text_in(line, BOTI, "Régi")
    assert states(desk, line, "live") == ["todo", "todo"]


def test_after_an_hour_and_after_a_new_address_the_check_begins_anew(desk, line, monkeypatch):
    desk.get(check_of(line))
    text_in(line, BOTI, "Szia!")
    assert states(desk, line, "live") == ["todo", "ok"]
    desk.post(f"/operator/lines/{line.pk}/address/")
    assert states(desk, line, "live") == ["todo", "todo"]


def test_one_line_is_not_taken_for_another(desk, line, sales_line):
    desk.get(check_of(sales_line))
    desk.post(f"{check_of(line)}test/", {"to": BOTI})
    text_in(line, BOTI, "Szia!")
    assert states(desk, sales_line, "live") == ["todo", "todo"]


def test_calls_may_go_elsewhere_and_stay_there(desk, twilio, twilio_line):  # noqa: F811
    rented = twilio.rent(twilio_line.account_sid, twilio_line.number)
    rented.settings["VoiceUrl"] = "https://exchange.example/ivr"
    desk.post(f"{check_of(twilio_line)}webhooks/", {"leave_calls": "on"})
    assert rented.settings["VoiceUrl"] == "https://exchange.example/ivr"
    state, text = steps(desk, twilio_line, "provider")[2]
    assert (state, "calls go elsewhere: https://exchange.example/ivr" in text) == ("todo", True)
    desk.post(f"{check_of(twilio_line)}webhooks/")
    assert rented.settings["VoiceUrl"].endswith(f"/gateway/twilio/{twilio_line.key}/voice/#rc=3&rp=ct,5xx")
    rented.settings["StatusCallback"] = ""
    assert "but not how a call ended" in steps(desk, twilio_line, "provider")[2][1]
    desk.post(f"{check_of(twilio_line)}webhooks/")
    assert steps(desk, twilio_line, "provider")[2][0] == "ok"


# --- What was refused ---------------------------------------------------------------------------
def test_a_wrong_token_is_told_from_a_wrong_address(desk, webhooks, twilio_line, settings):  # noqa: F811
    settings.ALLOWED_HOSTS = ["*"]
    desk.get(check_of(twilio_line))
    form = webhooks.form()
    webhooks.post(form, signature="bm8=", HTTP_HOST="sms.kontakt.example", HTTP_X_FORWARDED_PROTO="https")
    assert "The auth token is not that of the account" in steps(desk, twilio_line, "live")[-1][1]


def test_a_proxy_that_changes_the_address_is_named(desk, webhooks, twilio_line):  # noqa: F811
    desk.get(check_of(twilio_line))
    form = webhooks.form()
    signature = RequestValidator(twilio_line.auth_token).compute_signature(f"http://sms.kontakt.example{webhooks.path}", form)
    webhooks.post(form, signature=signature)
    state, text = steps(desk, twilio_line, "live")[-1]
    assert state == "bad"
    assert f"Your proxy changes the address: expected {PUBLIC_URL}{webhooks.path}" in text
    assert f"got http://sms.kontakt.example{webhooks.path}" in text


def test_webhooks_of_another_account_or_number_or_without_signature_are_explained(desk, webhooks, twilio_line):  # noqa: F811
    desk.get(check_of(twilio_line))
    webhooks.text(AccountSid="AC9")
    webhooks.text(To="+36301119999")
    webhooks.post(webhooks.form(), signature="")
    told = " ".join(text for _state, text in steps(desk, twilio_line, "live"))
    for words in ("another account", "another number", "without a signature"):
        assert words in told


def test_what_is_wrong_with_an_exchange_is_explained(desk, twilio_line):
    desk.get(check_of(twilio_line))
    exchange = Exchange(twilio_line)
    body = json.dumps(exchange.event()).encode()
    for headers in ({}, exchange.headers(body, secret="guessed"), exchange.headers(body, at=0)):
        assert exchange.post_raw(body, headers=headers).status_code == 403
    assert exchange.tell("exploded").status_code == 422
    told = " ".join(text for _state, text in steps(desk, twilio_line, "live"))
    for words in ("does not sign", "signs with another secret", "five minutes"):
        assert words in told
    assert "Events of the exchange that can&#x27;t be read" in desk.get(f"/operator/lines/{twilio_line.pk}/health/").text


def test_what_a_stranger_sends_as_an_address_is_shown_as_text(desk, webhooks, twilio_line):  # noqa: F811
    desk.get(check_of(twilio_line))
    webhooks.post(webhooks.form(), signature="bm8=", HTTP_X_FORWARDED_HOST="<img src=x onerror=alert(1)>")
    page = desk.get(f"{check_of(twilio_line)}?part=live").text
    assert "<img" not in page
