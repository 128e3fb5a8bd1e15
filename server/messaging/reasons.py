"""Why a message did not arrive, in plain words; providers' codes are translated to these at their door."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    INVALID_NUMBER = "invalid_number", _("there is no such phone number")
    NOT_MOBILE = "not_mobile", _("this number can't receive SMS (a landline)")
    UNREACHABLE = "unreachable", _("the phone could not be reached")
    UNKNOWN_PHONE = "unknown_phone", _("the network does not know this phone")
    BLOCKED = "blocked", _("the phone or its network blocks our messages")
    FILTERED = "filtered", _("the network filtered it as unwanted")
    REGION_OFF = "region_off", _("sending to this country is not switched on")
    OPTED_OUT = "opted_out", _("this number asked us to stop")
    BAD_SENDER = "bad_sender", _("our number can't send to this phone")
    QUEUE_FULL = "queue_full", _("the provider's queue is full")
    TOO_LONG = "too_long", _("the text is too long")
    EMPTY = "empty", _("the text is empty")
    ACCOUNT = "account", _("the provider has suspended our account")
    EXPIRED = "expired", _("it could not be delivered in time")
    ABSENT = "absent", _("the provider has no trace of it")
    AMBIGUOUS = "ambiguous", _("it can't be told whether it went out")
    NOT_ALLOWED = "not_allowed", _("this line may not text that number")
    DAILY_LIMIT = "daily_limit", _("the line's limit of the day was reached")
    ERASED = "erased", _("the contact was erased")
    # Only of what goes out by itself.
    AUTOMATIC_LIMIT = "automatic_limit", _("the limit of automatic messages was reached")
    AUTOMATIC_STOPPED = "automatic_stopped", _("automatic sending is switched off")
    OWN_LINE = "own_line", _("it is one of our own lines")
    OTHER = "other", _("the provider gave no clear reason")
