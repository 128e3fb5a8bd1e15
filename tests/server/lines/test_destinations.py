"""Whom a line may text."""

from __future__ import annotations

import uuid

import pytest
from django.utils import translation

from server import phone
from server.contacts.models import Contact
from server.countries import country_name, country_names
from server.lines import limits
from server.lines.models import Line
from server.messaging.inbound import conversation_between
from server.messaging.models import Message, Status
from server.messaging.outbound import DestinationNotAllowed, queue_sms, retry_sms
from server.messaging.reasons import Reason
from tests.conftest import NOW

NEVER = {
    "+3690123456": "premium rate",
    "+3691123456": "premium rate",
    "+3612345678": "a landline in Budapest",
    "+3680123456": "a free number",
    "+3640123456": "shared cost",
    "+36381234567": "a company's number",
    "+36211234567": "a number of the internet",
    "+19005551234": "premium rate in America",
    "+447070123456": "a British personal number",
    "+881612345678": "a satellite phone",
    "+870773111632": "a ship's satellite phone",
    "+88212345678": "an international network",
    "+8835100012345": "another",
    "+979123456789": "international premium rate",
    "1749": "a short code",
    "INFO": "a name",
}
EVERYWHERE = phone.countries()


@pytest.mark.parametrize("number", ["+36201234567", "+36301234567", "+36311234567", "+36501234567", "+36701234567"])
def test_mobiles_of_ones_own_country_may_be_texted(line, number):
    assert limits.may_text(line, number)


@pytest.mark.parametrize("number", NEVER, ids=NEVER.values())
def test_some_numbers_never_are_whatever_is_allowed(line, number):
    line.countries = [*EVERYWHERE, "001"]
    assert not limits.may_text(line, number)


def test_other_countries_only_where_they_are_allowed(line):
    assert not limits.may_text(line, "+4915112345678")
    line.countries = ["DE", "AT"]
    assert limits.may_text(line, "+4915112345678")
    # Named countries are all that there are.
    assert not limits.may_text(line, "+36301234567")


def test_islands_with_a_code_in_common_are_countries_of_their_own(line):
    line.countries = ["GB"]
    assert limits.may_text(line, "+447400123456")
    assert not limits.may_text(line, "+447911123456")  # Guernsey
    assert not limits.may_text(line, "+447624123456")  # the Isle of Man


def test_where_a_plan_does_not_tell_mobiles_from_landlines_they_may_be_texted(line):
    line.countries = ["US"]
    assert limits.may_text(line, "+12025550123")
    assert not limits.may_text(line, "+14165550123")  # Canada


def test_the_subscribers_own_country_is_meant_where_none_is_named(line):
    line.subscriber.country = "DE"
    assert limits.may_text(line, "+4915112345678")
    assert not limits.may_text(line, "+36301234567")


@pytest.fixture
def german(line):
    contact = Contact.objects.create(subscriber=line.subscriber, number="+4915112345678", created_at=NOW)
    return conversation_between(line=line, contact=contact, now=NOW)


def test_nothing_is_queued_for_a_number_that_the_line_may_not_text(german, dana):
    with pytest.raises(DestinationNotAllowed) as refusal:
        queue_sms(uuid=uuid.uuid4(), conversation=german, body="Hallo!", author=dana, now=NOW)
    assert refusal.value.countries == ["HU"]
    assert not Message.objects.exists()


def test_a_country_that_is_taken_away_stops_what_was_queued(german, dana, line, claim, queue):
    Line.objects.filter(pk=line.pk).update(countries=["DE", "HU"])
    german.line.refresh_from_db()
    queued, home = queue("Hallo!", to=german), queue("Szia!")
    Line.objects.filter(pk=line.pk).update(countries=[])
    assert claim() == home
    queued.refresh_from_db()
    assert (queued.status, queued.reason) == (Status.FAILED, Reason.NOT_ALLOWED)
    german.line.refresh_from_db()
    with pytest.raises(DestinationNotAllowed):
        retry_sms(message=queued, by=dana, now=NOW)


@pytest.mark.parametrize(("language", "names"), [("hu", "Németország, Fidzsi"), ("en", "Germany, Fiji")])
def test_countries_have_names(language, names):
    with translation.override(language):
        assert country_names(["DE", "FJ"]) == names


def test_a_country_without_a_name_is_called_by_its_letters():
    assert not [letters for letters in EVERYWHERE if not country_name(letters) or "*" in country_name(letters)]
