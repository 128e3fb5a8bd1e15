"""Twilio's Programmable Messaging: its webhooks, its API, its words.

https://www.twilio.com/docs/messaging/guides/webhook-request
https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import hmac
import logging
import ssl
import threading
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import requests
from django.conf import settings
from django.http import HttpResponse
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError, ProxyError

from gateway.addresses import LONGEST, other_addresses, voice_address
from gateway.forms import form_of, message_id_of, raw_of
from gateway.vocabulary import (
    Accepted,
    AccountRefused,
    InboundSms,
    ListedSms,
    LookFailed,
    NotForgotten,
    NotTaken,
    NumberUnknown,
    OutboundSms,
    OutcomeUnknown,
    Refused,
    SendError,
    WebhookRefused,
    Webhooks,
    WordUnknown,
)
from server.lines.encryption import Unreadable
from server.messaging.delivery import Report
from server.messaging.models import Status
from server.messaging.reasons import Reason
from server.sms import storable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, QueryDict
    from twilio.http.response import Response
    from twilio.rest.api.v2010.account.incoming_phone_number import IncomingPhoneNumberInstance
    from twilio.rest.api.v2010.account.message import MessageInstance

    from server.lines.models import Line

logger = logging.getLogger(__name__)

# Seconds to connect, and to wait for the answer. The SDK's own default is to wait for ever.
TIMEOUT = (3.05, 10)
# A chat answer that arrives hours late is worse than one that failed: Twilio drops it after this many seconds.
VALID_FOR = 3600
# Twilio's own maximum.
LIST_PAGE = 1000
MEDIA_LIMIT = 10
# Without it Twilio repeats only what could not connect, and that once. It is not sent, and not signed.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
TRIES_AGAIN = "#rc=3&rp=ct,5xx"

# Any word at all proves that Twilio took the message.
STATUSES = {
    "accepted": Status.SENT,
    "scheduled": Status.SENT,
    "queued": Status.SENT,
    "sending": Status.SENT,
    "sent": Status.SENT,
    "partially_delivered": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}

# https://www.twilio.com/docs/api/errors: those that are about one message.
REASONS = {
    "21211": Reason.INVALID_NUMBER,
    "21217": Reason.INVALID_NUMBER,
    "21408": Reason.REGION_OFF,
    "21602": Reason.EMPTY,
    "21603": Reason.BAD_SENDER,
    "21606": Reason.BAD_SENDER,
    "21212": Reason.BAD_SENDER,
    "21610": Reason.OPTED_OUT,
    "21611": Reason.QUEUE_FULL,
    "21612": Reason.BAD_SENDER,
    "21614": Reason.NOT_MOBILE,
    "21617": Reason.TOO_LONG,
    "21619": Reason.EMPTY,
    "21635": Reason.NOT_MOBILE,
    "21659": Reason.BAD_SENDER,
    "21660": Reason.BAD_SENDER,
    "30001": Reason.QUEUE_FULL,
    "30002": Reason.ACCOUNT,
    "30003": Reason.UNREACHABLE,
    "30004": Reason.BLOCKED,
    "30005": Reason.UNKNOWN_PHONE,
    "30006": Reason.NOT_MOBILE,
    "30007": Reason.FILTERED,
    "30008": Reason.OTHER,
    "30022": Reason.QUEUE_FULL,
    "30023": Reason.QUEUE_FULL,
    "30024": Reason.BAD_SENDER,
    "30027": Reason.QUEUE_FULL,
    "30032": Reason.BAD_SENDER,
    "30034": Reason.BAD_SENDER,
    "30036": Reason.EXPIRED,
    "30410": Reason.OTHER,
    "30450": Reason.FILTERED,
    "30453": Reason.FILTERED,
}
TOO_MANY_REQUESTS = {"20429", "14107"}
ACCOUNT_REFUSED = {"20003", "20005", "20404", "30002"}


class Twilio:
    """One account and auth token per line; nothing is looked up by what a body says."""

    def account_of(self, line: Line) -> str:
        return f"twilio:{line.account_sid}"

    def verify(self, request: HttpRequest, line: Line) -> None:
        form = form_of(request)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if isinstance(line.auth_token, Unreadable):
            # Our own trouble: it shall come again.
            raise WebhookRefused("auth token not readable", 503)
        if not line.auth_token:
            # An empty key would let anybody sign.
            raise WebhookRefused("line has no auth token")
        if not signature:
            raise WebhookRefused("no signature")
        # Never from the Host header, which anybody can write.
        url = settings.PUBLIC_URL + request.get_full_path()
        # Either algorithm needs the same secret, so the header can weaken nothing.
        algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER))
        if not _is_signed(url, form, signature, algorithm, line.auth_token, request):
            signed_for = _address_signed_for(request, form, signature, algorithm, line.auth_token)
            raise WebhookRefused("signed for another address" if signed_for else "wrong signature", signed_for=signed_for)
        if form.get("AccountSid") != line.account_sid:
            raise WebhookRefused("another account")

    def parse_message(self, request: HttpRequest, line: Line) -> InboundSms:
        form = form_of(request)
        if form.get("To") != line.number:
            raise WebhookRefused("another number")
        return InboundSms(
            provider_message_id=message_id_of(form, "MessageSid"),
            sender=form.get("From") or "",
            recipient=line.number,
            body=form.get("Body") or "",
            media=_media_of(form),
            raw=raw_of(form),
        )

    def parse_report(self, request: HttpRequest, line: Line) -> Report:
        form = form_of(request)
        message_id = message_id_of(form, "MessageSid")
        word = form.get("MessageStatus") or form.get("SmsStatus") or ""
        status = STATUSES.get(word)
        if status is None:
            raise WordUnknown(word)
        code = storable(form.get("ErrorCode") or "")
        return Report(
            status=status,
            provider_status=word,
            provider_message_id=message_id,
            provider_account=self.account_of(line),
            provider_code=code[:16],
            reason=_reason_of(status, code),
            raw=raw_of(form),
        )

    def answer(self) -> HttpResponse:
        # No <Message> in it: an answer by TwiML would bypass the outbox and the opt-outs.
        return HttpResponse('<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml")

    def send(self, line: Line, sms: OutboundSms) -> Accepted:
        client = _client_of(line)
        try:
            sent = client.messages.create(
                to=sms.recipient,
                from_=sms.sender,
                body=sms.body,
                status_callback=sms.callback_url,
                validity_period=VALID_FOR,
            )
        except (TwilioRestException, TwilioServiceException) as refusal:
            raise _send_error(refusal, client.http_client) from refusal
        except requests.RequestException as problem:
            raise _send_error_of_connection(problem) from problem
        except Exception as nonsense:
            # The SDK could not make sense of a 2xx answer; the message may well have been taken.
            raise OutcomeUnknown(f"answer not understood: {type(nonsense).__name__}") from nonsense
        if not sent.sid:
            raise OutcomeUnknown("answer without a message id")
        return Accepted(provider_message_id=str(sent.sid), segments=_segments_of(sent))

    def sent_since(self, line: Line, recipient: str, since: datetime) -> list[ListedSms]:
        # Not narrowed by date: Twilio's filter is by the date sent, which a waiting message has not.
        found = _listed(lambda: _client_of(line).messages.list(to=recipient, from_=line.number, limit=50, page_size=50))
        return [_outbound(m) for m in found if m.direction != "inbound" and m.date_created and m.date_created >= since]

    def received_since(self, line: Line, since: datetime) -> list[InboundSms]:
        after = since.astimezone(UTC)
        # All pages: the newest come first, and the oldest are those that nobody would look for again.
        found = _listed(lambda: _client_of(line).messages.list(to=line.number, date_sent_after=after, page_size=LIST_PAGE))
        return [_inbound(m) for m in found if m.direction == "inbound" and m.date_sent and m.date_sent >= since]

    def redact(self, line: Line, provider_message_id: str) -> None:
        _forget(lambda: _client_of(line).messages(provider_message_id).update(body=""))

    def delete_media(self, line: Line, provider_message_id: str) -> None:
        def delete_all() -> None:
            media = _client_of(line).messages(provider_message_id).media
            for each in media.list(limit=MEDIA_LIMIT):
                _forget(each.delete)

        _forget(delete_all)

    def check_account(self, line: Line) -> str:
        account = _asked(line, lambda client: client.api.v2010.accounts(line.account_sid).fetch())
        if account.status != "active":
            raise AccountRefused(f"the account is {storable(str(account.status))[:40]}")
        return storable(account.friendly_name or line.account_sid)[:120]

    def webhooks_for(self, line: Line, address: str) -> Webhooks:
        voice, status = voice_address(line), voice_address(line, "voice_status")
        return Webhooks(
            messages=address + TRIES_AGAIN,
            fallback=address,
            voice=voice + TRIES_AGAIN,
            voice_fallback=voice,
            voice_status=status + TRIES_AGAIN,
        )

    def webhooks_of(self, line: Line) -> Webhooks:
        number = _number_of(line)
        # An application's own address stands before the number's.
        texts = ("", "") if number.sms_application_sid else (number.sms_url, number.sms_fallback_url)
        calls = ("", "", number.status_callback)
        if not number.voice_application_sid:
            calls = (number.voice_url, number.voice_fallback_url, number.status_callback)
        if not _can_ring_us(number):
            # Nothing to set: it is as it should be.
            calls = self.webhooks_for(line, "").of_calls
        names = ("messages", "fallback", "voice", "voice_fallback", "voice_status")
        return Webhooks(**{name: storable(address or "") for name, address in zip(names, (*texts, *calls), strict=True)})

    def set_webhooks(self, line: Line, webhooks: Webhooks) -> None:
        number = _number_of(line)
        values = {
            "sms_application_sid": "",
            "sms_url": webhooks.messages,
            "sms_method": "POST",
            "sms_fallback_url": webhooks.fallback,
            "sms_fallback_method": "POST",
        }
        if webhooks.voice and _can_ring_us(number):
            values |= {
                "voice_application_sid": "",
                "voice_url": webhooks.voice,
                "voice_method": "POST",
                "voice_fallback_url": webhooks.voice_fallback,
                "voice_fallback_method": "POST",
                "status_callback": webhooks.voice_status,
                "status_callback_method": "POST",
            }
        _asked(line, lambda client: client.incoming_phone_numbers(str(number.sid)).update(**values))


# --- Webhooks ---------------------------------------------------------------------------------


def _is_signed(url: str, form: QueryDict, signature: str, algorithm: str, token: str, request: HttpRequest) -> bool:
    validator = RequestValidator(token)
    try:
        # Nearly always it is the address just as we gave it; `validate` also tries it with and without the port.
        expected = validator.compute_signature(url, form, algorithm)
        if hmac.compare_digest(expected.encode(), signature.encode()) or validator.validate(url, form, signature, algorithm):
            return True
    except (TypeError, ValueError):
        # The validator stumbles over some malformed requests; none of them is Twilio's.
        return False
    # Text that is no valid UTF-8 has become U+FFFD in the form; what was signed are the bytes.
    return _is_signed_as_bytes(url, request.body, signature, token)


def _is_signed_as_bytes(url: str, body: bytes, signature: str, token: str) -> bool:
    pairs = sorted(set(parse_qsl(body, keep_blank_values=True)))
    signed = url.encode() + b"".join(name + value for name, value in pairs)
    expected = b64encode(hmac.digest(token.encode(), signed, "sha1"))
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


def _address_signed_for(request: HttpRequest, form: QueryDict, signature: str, algorithm: str, token: str) -> str:
    """The address that the request was honestly signed for, without its parameters, if it was for another one than ours."""
    for address in other_addresses(request):
        if _is_signed(address, form, signature, algorithm, token, request):
            return address.partition("?")[0][:LONGEST]
    return ""


def _media_of(form: QueryDict) -> tuple[dict[str, Any], ...]:
    """Media are noted, never fetched: their addresses came from outside."""
    found = []
    for i in range(MEDIA_LIMIT):
        url = form.get(f"MediaUrl{i}")
        if url:
            content_type = form.get(f"MediaContentType{i}") or ""
            found.append({"url": storable(url)[:2000], "content_type": storable(content_type)[:100]})
    return tuple(found)


def _reason_of(status: Status, code: str) -> str:
    if status not in {Status.UNDELIVERED, Status.FAILED}:
        return ""
    if code and code not in REASONS:
        logger.warning("twilio error code %.16r has no reason of ours", code)
    return REASONS.get(code, Reason.OTHER)


# --- The API ----------------------------------------------------------------------------------


class _HttpClient(TwilioHttpClient):
    """The SDK's client with both timeouts, that remembers how long we were asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        # The SDK's constructor compares it with a number.
        self.timeout = TIMEOUT
        self.retry_after: float | None = None

    def request(self, *args: Any, **kwargs: Any) -> Response:
        self.retry_after = None
        response = super().request(*args, **kwargs)
        self.retry_after = _seconds(response.headers)
        return response


# A session is not safe across threads; within one it keeps its connections.
_of_thread = threading.local()


def _client_of(line: Line) -> Client:
    http_client: _HttpClient | None = getattr(_of_thread, "http_client", None)
    if http_client is None:
        http_client = _of_thread.http_client = _HttpClient()
    client = Client(line.account_sid, line.auth_token, http_client=http_client)
    client.api.base_url = settings.TWILIO_API_BASE_URL
    return client


def _send_error(refusal: TwilioRestException | TwilioServiceException, http_client: Any) -> SendError:
    status, code = refusal.status, str(refusal.code)
    if status == 429 or code in TOO_MANY_REQUESTS:
        return NotTaken("too many requests", retry_after=http_client.retry_after)
    if code in ACCOUNT_REFUSED:
        return AccountRefused(f"{status} {code}")
    if 400 <= status < 500 and code in REASONS:
        return Refused(REASONS[code], code)
    if status in {401, 403, 404}:
        return AccountRefused(f"{status} {code}")
    if 400 <= status < 500 and status != 408:
        logger.warning("twilio error code %.16r has no reason of ours", code)
        return Refused(Reason.OTHER, code[:16])
    return OutcomeUnknown(f"{status} {code}")


def _send_error_of_connection(problem: requests.RequestException) -> SendError:
    name = type(problem).__name__
    if isinstance(problem, requests.ConnectTimeout) or _never_connected(problem):
        return NotTaken(name)
    if isinstance(problem, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return NotTaken(name)
    # A reset before and one after the message was taken look the same.
    return OutcomeUnknown(name)


def _never_connected(problem: requests.RequestException) -> bool:
    """Refused connections, names that do not resolve, certificates that do not hold: no byte of the request left."""
    cause = getattr(problem.args[0], "reason", None) if problem.args else None
    if isinstance(cause, ProxyError):
        cause = cause.original_error
    if isinstance(cause, NewConnectionError):
        return True
    return bool(cause is not None and cause.args and isinstance(cause.args[0], ssl.SSLCertVerificationError))


def _forget(ask: Callable[[], object]) -> None:
    try:
        ask()
    except (NotForgotten, AccountRefused):
        raise
    except Exception as problem:
        status, code = _answer_in(problem)
        if status == 404:
            # Gone already, or never there.
            return
        if status == 401 or (status == 403 and code in ACCOUNT_REFUSED):
            raise AccountRefused(f"{status} {code}") from problem
        # 20009: it has not come to its end yet; 429: not so fast.
        raise NotForgotten(f"{status} {code}" if status else type(problem).__name__) from problem


def _answer_in(problem: Exception) -> tuple[int, str]:
    """Twilio's status and code; 0 where it has not answered. Of a list the SDK hands on the answer as it came."""
    answer = problem.args[1] if len(problem.args) > 1 else None
    return getattr(problem, "status", 0) or getattr(answer, "status_code", 0), str(getattr(problem, "code", "") or "")


def _listed(ask: Callable[[], list[MessageInstance]]) -> list[MessageInstance]:
    try:
        return ask()
    except Exception as problem:
        raise LookFailed(type(problem).__name__) from problem


def _asked[T](line: Line, ask: Callable[[Client], T]) -> T:
    """The API's answer about the account itself; raises AccountRefused and LookFailed."""
    if not (line.account_sid and line.auth_token):
        raise AccountRefused("no credentials")
    client = _client_of(line)
    try:
        return ask(client)
    except (TwilioRestException, TwilioServiceException) as refusal:
        error = _send_error(refusal, client.http_client)
        if isinstance(error, AccountRefused):
            raise error from refusal
        raise LookFailed(f"{refusal.status} {refusal.code}") from refusal
    except Exception as problem:
        raise LookFailed(type(problem).__name__) from problem


def _number_of(line: Line) -> IncomingPhoneNumberInstance:
    found = _asked(line, lambda client: client.incoming_phone_numbers.list(phone_number=line.number, limit=20))
    for number in found:
        # The API finds parts of numbers, too.
        if number.phone_number == line.number:
            return number
    raise NumberUnknown(line.number)


def _can_ring_us(number: IncomingPhoneNumberInstance) -> bool:
    """Not a number that carries no voice, nor one whose calls go to a company's own exchange by a SIP trunk."""
    return bool((number.capabilities or {}).get("voice")) and not number.trunk_sid


def _outbound(found: MessageInstance) -> ListedSms:
    word, code = str(found.status), str(found.error_code or "")
    status = STATUSES.get(word, Status.SENT)
    return ListedSms(
        provider_message_id=str(found.sid),
        recipient=str(found.to),
        body=found.body or "",
        created_at=found.date_created or datetime.now(UTC),
        status=status,
        provider_status=word[:24],
        provider_code=code[:16],
        reason=_reason_of(status, code),
    )


def _inbound(found: MessageInstance) -> InboundSms:
    address = settings.TWILIO_API_BASE_URL + str((found.subresource_uris or {}).get("media", ""))
    count = int(found.num_media or 0)
    return InboundSms(
        provider_message_id=str(found.sid),
        sender=str(found.from_ or ""),
        recipient=str(found.to),
        body=found.body or "",
        media=tuple({"url": address, "content_type": ""} for _ in range(min(count, MEDIA_LIMIT))),
        sent_at=found.date_sent,
        raw={"MessageSid": str(found.sid), "listed": True},
    )


def _segments_of(sent: MessageInstance) -> int | None:
    """Twilio says it as text, and "0" while it does not know."""
    return int(sent.num_segments) or None if str(sent.num_segments or "").isdigit() else None


def _seconds(headers: Any) -> float | None:
    value = str((headers or {}).get("Retry-After", ""))
    return min(float(value), timedelta(hours=1).total_seconds()) if value.isdigit() else None
