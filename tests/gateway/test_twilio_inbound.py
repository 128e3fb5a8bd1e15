"""What comes in from Twilio, through the front door."""

from __future__ import annotations

import base64
import hmac
import uuid
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client
from twilio.request_validator import RequestValidator

from gateway.lane import answer
from gateway.models import WebhookReceipt
from gateway.refusals import KEPT_A_MINUTE
from server.contacts.models import Contact
from server.events.models import Event
from server.messaging.models import Message
from tests.conftest import BOTI
from tests.gateway.twilio_webhooks import PUBLIC_URL

FORM = "application/x-www-form-urlencoded"


def test_a_text_becomes_a_message_with_its_contact_conversation_and_event(webhooks, twilio_line):
    answer = webhooks.text("Árvíztűrő tükörfúrógép 🙂")

    message = Message.objects.get()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/xml"
    assert b"<Response/>" in answer.content
    assert message.body == "Árvíztűrő tükörfúrógép 🙂"
    assert message.conversation.line == twilio_line
    assert message.conversation.contact.number == BOTI
    assert message.conversation.inbound_count == 1
    assert Event.objects.get().message_id == message.pk


def test_every_parameter_is_kept_raw_known_or_not(webhooks):
    webhooks.text("Szia!", FromCity="Győr", SomethingNew="2027")

    assert WebhookReceipt.objects.get().raw["SomethingNew"] == "2027"
    assert WebhookReceipt.objects.get().raw["FromCity"] == "Győr"


def test_the_same_webhook_again_is_answered_alike_and_changes_nothing(webhooks):
    form = webhooks.form("Szia!")

    answers = [webhooks.post(form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert Message.objects.count() == 1
    assert Event.objects.count() == 1
    assert Message.objects.get().conversation.inbound_count == 1
    assert sorted(WebhookReceipt.objects.values_list("outcome", flat=True)) == ["known already", "known already", "stored"]


@pytest.mark.parametrize("sender", ["+36301234567", "INFO", "1749", "+266696687", "Telekom HU", "", "+", "+3630\x00123"])
def test_any_sender_is_accepted(webhooks, sender):
    assert webhooks.text("Szia!", From=sender).status_code == 200
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("", ""),
        ("x" * 1600, "x" * 1600),
        ("🙂" * 300, "🙂" * 300),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=1+1", "=1+1"),
        ("sor\r\nsor", "sor\r\nsor"),
    ],
)
def test_any_text_survives(webhooks, said, stored):
    assert webhooks.text(said).status_code == 200
    assert Message.objects.get().body == stored


def test_a_nul_in_a_media_address_or_an_error_code_is_stored_like_one_in_a_text(webhooks, sent, twilio):
    assert webhooks.text("", NumMedia="1", MediaUrl0="https://api.example/\x00", MediaContentType0="image/\x00").status_code == 200
    assert Message.objects.get().media == [{"url": "https://api.example/\ufffd", "content_type": "image/\ufffd"}]
    assert webhooks.report(sent(), "failed", ErrorCode="3\x00").status_code == 200
    assert Message.objects.outbound().get().provider_code == "3\ufffd"


def test_half_an_emoji_becomes_replacement_characters(webhooks):
    form = webhooks.form("")
    body = urlencode({name: value for name, value in form.items() if name != "Body"}).encode() + b"&Body=Szia%ED%A0%BD"
    signature = RequestValidator(webhooks.line.auth_token).compute_signature(
        PUBLIC_URL + webhooks.path, form | {"Body": "Szia\ufffd\ufffd\ufffd"}
    )

    answer = Client().post(webhooks.path, body, content_type=FORM, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 200
    assert Message.objects.get().body.startswith("Szia\ufffd")


def test_bytes_that_are_no_text_are_accepted_when_the_bytes_were_signed(webhooks):
    pairs = sorted({**webhooks.form(), "Body": ""}.items())
    signed = (PUBLIC_URL + webhooks.path).encode()
    body = b""
    for name, value in pairs:
        raw = b"\xed\xa0\xbd\xff" if name == "Body" else value.encode()
        signed += name.encode() + raw
        body += b"&" + name.encode() + b"=" + "".join(f"%{byte:02X}" for byte in raw).encode()
    signature = base64.b64encode(hmac.digest(b"12345", signed, "sha1")).decode()

    answer = Client().post(webhooks.path, body[1:], content_type=FORM, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 200
    assert "\ufffd" in Message.objects.get().body


def test_a_parameter_that_came_twice_is_kept_twice(webhooks):
    body = urlencode([*webhooks.form().items(), ("Extra", "1"), ("Extra", "2")])
    signature = RequestValidator("12345").compute_signature(PUBLIC_URL + webhooks.path, QueryDict(body))

    answer = Client().post(webhooks.path, body, content_type=FORM, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 200
    assert WebhookReceipt.objects.get().raw["Extra"] == ["1", "2"]


def test_media_are_noted_and_nothing_is_fetched(webhooks):
    webhooks.text("", NumMedia="2", MediaUrl0="https://api.twilio.com/a", MediaContentType0="image/jpeg", MediaUrl1="https://x/b")

    assert Message.objects.get().media == [
        {"url": "https://api.twilio.com/a", "content_type": "image/jpeg"},
        {"url": "https://x/b", "content_type": ""},
    ]


def test_a_text_to_a_switched_off_line_is_stored_all_the_same(webhooks, twilio_line):
    twilio_line.is_active = False
    twilio_line.save()

    assert webhooks.text("Szia!").status_code == 200
    assert Message.objects.count() == 1


# --- Who is not Twilio ------------------------------------------------------------------------


def test_the_signature_is_that_of_twilios_own_example():
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert RequestValidator("12345").validate(url, form, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")


def test_a_signature_over_the_query_is_accepted(webhooks):
    path = f"{webhooks.path}?foo=1&bar=2"

    assert webhooks.post(webhooks.form(), path).status_code == 200


def test_a_sha256_signature_is_accepted_when_the_header_names_it(webhooks):
    form = webhooks.form()
    signature = RequestValidator("12345").compute_signature(PUBLIC_URL + webhooks.path, form, "HMAC_SHA256")
    headers = {"X-Twilio-Signature": signature, "X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}

    assert webhooks.client.post(webhooks.path, urlencode(form), content_type=FORM, headers=headers).status_code == 200
    headers["X-Twilio-Webhooks-Signature-Settings"] = "key=k,algorithm=NONE"
    assert webhooks.client.post(webhooks.path, urlencode(form), content_type=FORM, headers=headers).status_code == 403


@pytest.mark.parametrize("signature", ["", "wrong", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "á", "=" * 5000])
def test_a_missing_or_wrong_signature_is_refused_and_leaves_no_message(webhooks, signature):
    assert webhooks.post(webhooks.form(), signature=signature).status_code == 403
    assert Message.objects.count() == 0
    assert WebhookReceipt.objects.get().signature_ok is False


def test_no_signature_header_at_all_is_refused(webhooks):
    answer = Client().post(webhooks.path, urlencode(webhooks.form()), content_type=FORM)

    assert answer.status_code == 403


def test_a_line_without_an_auth_token_accepts_nobody(webhooks, twilio_line):
    twilio_line.auth_token = ""
    twilio_line.save()
    form = webhooks.form()
    signature = RequestValidator("").compute_signature(PUBLIC_URL + webhooks.path, form)

    assert webhooks.post(form, signature=signature).status_code == 403


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"AccountSid": "AC" + "f" * 32}, 403),
        ({"To": "+36301110099"}, 403),
        ({"To": ""}, 403),
        ({"MessageSid": ""}, 400),
        ({"MessageSid": "SM" + "0" * 100}, 400),
        ({"MessageSid": "SM\x00"}, 400),
    ],
)
def test_a_signed_webhook_of_somebody_else_or_of_nothing_is_refused(webhooks, changed, status):
    assert webhooks.text("Szia!", **changed).status_code == status
    assert Message.objects.count() == 0


def test_a_flood_of_forged_webhooks_does_not_fill_the_table(webhooks):
    form = webhooks.form()
    answers = {webhooks.post(form, signature="forged").status_code for _ in range(KEPT_A_MINUTE + 20)}
    assert answers == {403}
    assert WebhookReceipt.objects.count() == KEPT_A_MINUTE
    assert webhooks.text("Szia!").status_code == 200


def test_a_body_that_could_not_be_read_is_not_kept_as_signed(webhooks):
    too_many_fields = "&".join(f"a{number}=1" for number in range(2000))
    answer = Client().post(webhooks.path, too_many_fields, content_type=FORM, headers={"X-Twilio-Signature": "forged"})
    assert answer.status_code == 400
    assert not WebhookReceipt.objects.get().signature_ok


def test_a_signature_of_another_line_does_not_open_this_one(webhooks, twilio_line, line):
    other = f"/gateway/twilio/{line.key}/messages/"

    assert webhooks.post(webhooks.form(), other).status_code == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"MessageSid": "SM1"}', "application/json", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
        (b"", "", 415),
        (b"=", FORM, 403),
        (b"&&&===%%%", FORM, 403),
        (b"\xff\xfe\x00", FORM, 403),
        (b"a=1", f"{FORM}; charset=utf-16", 400),
        (b"a=1", f"{FORM}; charset=nonsense", 403),
        ("&".join(f"p{i}=1" for i in range(5000)).encode(), FORM, 400),
        (b"Body=" + b"x" * (64 * 1024), FORM, 413),
    ],
)
def test_hostile_bodies_are_refused_with_4xx(webhooks, body, content_type, status):
    headers = {"X-Twilio-Signature": "abc"}

    answer = Client(raise_request_exception=True).generic("POST", webhooks.path, body, content_type=content_type, headers=headers)

    assert answer.status_code == status
    assert Message.objects.count() == 0


@pytest.mark.parametrize("length", ["", "abc", "-1", "²", "99999999999999999999"])
def test_an_odd_content_length_is_no_mistake_of_ours(webhooks, length):
    answer = Client().generic("POST", webhooks.path, b"a=1", content_type=FORM, CONTENT_LENGTH=length)

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("host", ["sms.kontakt.example:99999", "evil.example", "127.0.0.1:abc", "[::1", ""])
def test_the_host_header_is_not_listened_to(webhooks, host):
    form = webhooks.form()
    headers = {"Host": host, "Content-Type": FORM, "X-Twilio-Signature": webhooks.signature(webhooks.path, form)}

    assert answer(method="POST", path=webhooks.path, headers=headers, body=urlencode(form).encode()).status_code == 200


def test_an_unknown_key_is_not_found_and_keeps_nothing(webhooks):
    assert webhooks.post(webhooks.form(), f"/gateway/twilio/{uuid.uuid4()}/messages/").status_code == 404
    assert webhooks.post(webhooks.form(), f"/gateway/nobody/{webhooks.line.key}/messages/").status_code == 404
    assert WebhookReceipt.objects.count() == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_posts_are_answered(webhooks, method):
    assert Client().generic(method, webhooks.path).status_code == 405


# --- STOP and START ---------------------------------------------------------------------------

STOPS = """STOP|stop|Stop.|STOP!|  stop  |STOPALL|UNSUBSCRIBE|unsubscribe|CANCEL|END|QUIT|REVOKE|OPTOUT|Leiratkozás|LEIRATKOZOM
|leiratkozom!|Leiratkoznék|LEMOND|Lemondom|LETILT|Letiltás|tiltás|Ne küldj|NE KÜLDJETEK|ne küldjetek!!!|Nem kérem
|nem kerem|TÖRLÉS|torles|Kiiratkozás""".replace("\n", "").split("|")
STARTS = ["START", "start", "Start!", "UNSTOP", "Feliratkozás"]
TALK = ["stop by tomorrow", "Ne küldj semmit holnap", "nem kérem a kávét", "a vonat itt stoppol", "?", "end of the road"]


@pytest.mark.parametrize("word", STOPS)
def test_a_stop_word_silences_the_line(webhooks, twilio_line, word):
    webhooks.text(word)

    assert twilio_line.opt_outs.get().number == BOTI
    assert Message.objects.get().conversation.waiting_since is None


@pytest.mark.parametrize("word", STARTS)
def test_a_start_word_lets_the_line_speak_again(webhooks, twilio_line, word):
    webhooks.text("STOP")
    webhooks.text(word)

    assert not twilio_line.opt_outs.filter(ended_at=None).exists()


@pytest.mark.parametrize("text", TALK)
def test_talk_that_contains_such_a_word_is_talk(webhooks, twilio_line, text):
    webhooks.text(text)

    assert not twilio_line.opt_outs.exists()


def test_a_known_customer_keeps_their_name(webhooks, boti):
    webhooks.text("Szia!")

    assert Contact.objects.get().name == "Kiss Boti"
