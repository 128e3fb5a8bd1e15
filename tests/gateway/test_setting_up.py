"""Asking a provider whether a line is set up as it must be, and setting it up."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from gateway.addresses import messages_address
from gateway.forms import FORM
from gateway.lane import answer
from gateway.models import WebhookReceipt
from gateway.providers import PROVIDERS
from gateway.vocabulary import AccountRefused, LookFailed, NumberUnknown, Webhooks
from tests.gateway.twilio_webhooks import PUBLIC_URL

TWILIO, SIMULATOR = PROVIDERS["twilio"], PROVIDERS["simulator"]


@pytest.fixture
def rented(twilio, twilio_line):
    return twilio.rent(twilio_line.account_sid, twilio_line.number)


def test_the_account_has_a_name(twilio, twilio_line):
    assert TWILIO.check_account(twilio_line) == "Kontakt"


@pytest.mark.parametrize("changed", [{"auth_token": "wrong"}, {"auth_token": ""}, {"account_sid": "AC0"}, {"account_sid": ""}])
def test_credentials_that_open_nothing_are_refused(twilio, twilio_line, changed):
    for name, value in changed.items():
        setattr(twilio_line, name, value)
    with pytest.raises(AccountRefused):
        TWILIO.check_account(twilio_line)


def test_a_suspended_account_is_refused(twilio, twilio_line):
    twilio.standing[twilio_line.account_sid] = "suspended"
    with pytest.raises(AccountRefused, match="suspended"):
        TWILIO.check_account(twilio_line)


def test_a_provider_that_is_away_says_nothing_of_the_credentials(twilio_line, settings):
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:1"
    for ask in (TWILIO.check_account, TWILIO.webhooks_of):
        with pytest.raises(LookFailed):
            ask(twilio_line)


def test_a_number_of_somebody_else_is_unknown(twilio, twilio_line):
    twilio.accounts["AC1"] = "other"
    twilio.rent("AC1", twilio_line.number)
    twilio.rent(twilio_line.account_sid, twilio_line.number + "9")
    with pytest.raises(NumberUnknown):
        TWILIO.webhooks_of(twilio_line)
    with pytest.raises(NumberUnknown):
        TWILIO.set_webhooks(twilio_line, Webhooks(messages="https://a.example/"))


def test_the_addresses_are_set_with_more_tries_and_a_second_chance(rented, twilio_line):
    address = messages_address(twilio_line)
    assert address == f"{PUBLIC_URL}/gateway/twilio/{twilio_line.key}/messages/"
    assert TWILIO.webhooks_of(twilio_line) != TWILIO.webhooks_for(twilio_line, address)
    TWILIO.set_webhooks(twilio_line, TWILIO.webhooks_for(twilio_line, address))
    assert TWILIO.webhooks_of(twilio_line) == TWILIO.webhooks_for(twilio_line, address)
    voice = f"{PUBLIC_URL}/gateway/twilio/{twilio_line.key}/voice/"
    assert rented.settings == {
        "SmsUrl": f"{address}#rc=3&rp=ct,5xx",
        "SmsMethod": "POST",
        "SmsFallbackUrl": address,
        "SmsFallbackMethod": "POST",
        "SmsApplicationSid": "",
        "VoiceUrl": f"{voice}#rc=3&rp=ct,5xx",
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": voice,
        "VoiceFallbackMethod": "POST",
        "VoiceApplicationSid": "",
        "StatusCallback": f"{voice}status/#rc=3&rp=ct,5xx",
        "StatusCallbackMethod": "POST",
    }


def test_an_application_stands_before_the_numbers_own_address(rented, twilio_line):
    wanted = TWILIO.webhooks_for(twilio_line, messages_address(twilio_line))
    TWILIO.set_webhooks(twilio_line, wanted)
    rented.settings |= {"SmsApplicationSid": "AP1", "VoiceApplicationSid": "AP1"}
    assert TWILIO.webhooks_of(twilio_line).messages == ""
    assert TWILIO.webhooks_of(twilio_line).voice == ""
    TWILIO.set_webhooks(twilio_line, wanted)
    assert TWILIO.webhooks_of(twilio_line) == wanted


@pytest.mark.parametrize("has_voice", [True, False])
def test_calls_that_go_to_a_companys_own_exchange_stay_there(rented, twilio_line, has_voice):
    rented.has_voice = has_voice
    rented.settings |= {"TrunkSid": "TK1"} if has_voice else {"VoiceUrl": ""}
    before = {name: value for name, value in rented.settings.items() if not name.startswith("Sms")}
    wanted = TWILIO.webhooks_for(twilio_line, messages_address(twilio_line))
    TWILIO.set_webhooks(twilio_line, wanted)
    assert {name: value for name, value in rented.settings.items() if not name.startswith("Sms")} == before
    assert TWILIO.webhooks_of(twilio_line) == wanted


def test_the_simulated_network_finds_us_by_itself(line):
    address = messages_address(line)
    assert SIMULATOR.check_account(line)
    assert SIMULATOR.webhooks_of(line) == SIMULATOR.webhooks_for(line, address)


# --- Why a signature is wrong ------------------------------------------------------------------


def refusal() -> tuple[str, dict[str, str]]:
    receipt = WebhookReceipt.objects.get()
    assert not receipt.signature_ok
    return receipt.outcome, receipt.raw


def call(webhooks, form: dict[str, str], *, signature: str = "bm8=", **headers: str) -> int:
    """Through the lane, where no middleware looks at the host; returns the status of the answer."""
    headers = {"Content-Type": FORM, "X-Twilio-Signature": signature} | {k.replace("_", "-"): v for k, v in headers.items()}
    return answer(method="POST", path=webhooks.path, headers=headers, body=urlencode(form).encode()).status_code


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("http://sms.kontakt.example", {}),
        ("https://old.kontakt.example", {"Host": "old.kontakt.example"}),
        ("https://old.kontakt.example", {"X_Forwarded_Host": "old.kontakt.example, inner"}),
        ("https://sms.kontakt.example:8443", {"Host": "sms.kontakt.example:8443"}),
        ("https://sms.kontakt.example/fonal", {"X_Forwarded_Prefix": "/fonal/"}),
    ],
)
def test_a_signature_for_another_address_is_refused_and_tells_which(webhooks, address, headers):
    form = webhooks.form()
    signature = RequestValidator(webhooks.line.auth_token).compute_signature(address + webhooks.path, form)
    assert call(webhooks, form, signature=signature, **headers) == 403
    outcome, raw = refusal()
    assert outcome == "signed for another address"
    assert raw["signed_for"] == address + webhooks.path


def test_a_wrong_token_is_no_matter_of_the_address(webhooks):
    assert call(webhooks, webhooks.form(), Host="sms.kontakt.example", X_Forwarded_Proto="https") == 403
    outcome, raw = refusal()
    assert outcome == "wrong signature"
    assert raw == {"seen": f"https://sms.kontakt.example{webhooks.path}"}


def test_neither_contents_nor_endless_headers_are_kept_of_what_was_refused(webhooks):
    call(webhooks, webhooks.form("Titok"), Host="a\x00b" * 200)
    _outcome, raw = refusal()
    assert "Titok" not in str(raw)
    assert len(raw["seen"]) <= 300
    assert "\x00" not in raw["seen"]


def test_parameters_of_the_address_are_not_kept(webhooks):
    assert webhooks.post(webhooks.form(), path=f"{webhooks.path}?secret=1", signature="bm8=").status_code == 403
    assert "secret" not in str(refusal())


def test_while_a_secret_can_not_be_read_the_provider_is_asked_to_come_again(webhooks, settings):
    settings.SECRET_KEY = "lost" * 20
    assert webhooks.text().status_code == 503
