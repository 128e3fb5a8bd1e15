"""`manage.py provision`: what a file says is so afterwards, once and for all; a file with a mistake changes nothing."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from server.accounts.models import AuditEntry, Role, Subscriber, User
from server.contacts.models import Contact
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.models import Status
from server.messaging.outbound import queue_sms
from server.messaging.sending import claim_next, hold_line, hold_messages

pytestmark = pytest.mark.django_db

FILE = """
[[operator]]
username = "olga"
password = "first of all of us"
name = "Olga"

[[subscriber]]
slug = "kert"
name = "Kert és Ház Kft."
country = "HU"
timezone = "Europe/Budapest"
language = "hu"
sms = true
chat = true

  [[subscriber.team]]
  name = "Shop"

  [[subscriber.line]]
  number = "06 30 222 0001"
  label = "Shop"
  provider = "twilio"
  key = "0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11"
  account_sid = "AC00000000000000000000000000000001"
  auth_token = "first-token"
  pbx_secret = "first-secret"

  [[subscriber.line]]
  number = "+36302220002"
  label = "Garden"
  provider = "simulator"

  [[subscriber.user]]
  username = "gabi"
  password = "virágoskert"
  name = "Gabi"
  role = "colleague"
  language = "hu"
  lines = ["+36302220001"]
  teams = ["Shop"]
  phone = "06 30 222 9999"
  email = "gabi@example.hu"

  [[subscriber.user]]
  username = "hugo"
  password = "almáskert"
  role = "supervisor"

  [[subscriber.contact]]
  number = "06 20 333 4444"
  name = "Nagy Ilona"
"""


@pytest.fixture
def provision(tmp_path):
    """`provision(text)` runs the command on a file with that text and returns what it printed."""

    def run(text: str = FILE) -> str:
        file = tmp_path / "kert.toml"
        file.write_text(text, encoding="utf-8")
        printed = StringIO()
        call_command("provision", str(file), stdout=printed)
        return printed.getvalue()

    return run


def test_everything_in_the_file_is_there(provision, client):
    provision()
    kert = Subscriber.objects.get(slug="kert")
    assert (kert.has_sms, kert.has_chat, kert.country) == (True, True, "HU")
    line = Line.objects.get(number="+36302220001")
    assert (str(line.key), line.auth_token, line.pbx_secret) == (
        "0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11",
        "first-token",
        "first-secret",
    )
    gabi = User.objects.get(username="gabi")
    assert (gabi.subscriber, gabi.role, gabi.phone, gabi.email) == (kert, Role.COLLEAGUE, "+36302229999", "gabi@example.hu")
    assert [access.line for access in LineAccess.objects.filter(user=gabi)] == [line]
    assert [team.name for team in gabi.teams.all()] == ["Shop"]
    assert Contact.objects.get(subscriber=kert).name == "Nagy Ilona"
    assert User.objects.get(username="olga").role == Role.OPERATOR
    assert User.objects.get(username="hugo").check_password("almáskert")


def test_the_webhook_addresses_of_each_line_are_printed(provision, settings):
    printed = provision()
    garden = Line.objects.get(number="+36302220002")
    assert f"{settings.PUBLIC_URL}/gateway/twilio/0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11/messages/" in printed
    assert f"{settings.PUBLIC_URL}/gateway/twilio/0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11/voice/status/" in printed
    assert f"{settings.PUBLIC_URL}/gateway/simulator/{garden.key}/messages/" in printed
    assert "/status/<message uuid>/" in printed
    assert "first-token" not in printed


def test_whoever_runs_it_without_the_server_s_settings_is_told(provision, settings, capsys):
    settings.SECRET_KEY = settings.DEMO_SECRET_KEY
    provision()
    assert "run this again with its settings" in capsys.readouterr().err
    settings.SECRET_KEY = "x" * 60
    provision(FILE.replace("first-token", "second-token"))
    assert capsys.readouterr().err == ""


def test_a_second_run_changes_nothing_and_says_so(provision):
    provision()
    before = (Event.objects.count(), AuditEntry.objects.count(), User.objects.get(username="gabi").password)
    assert "Nothing to change" in provision()
    assert before == (Event.objects.count(), AuditEntry.objects.count(), User.objects.get(username="gabi").password)


def test_a_change_is_made_told_and_audited_without_its_secrets(provision):
    provision()
    printed = provision(FILE.replace('label = "Garden"', 'label = "Plants"').replace("first-token", "second-token"))
    assert "line +36302220002: label" in printed
    assert "line +36302220001: auth_token" in printed
    assert Line.objects.get(number="+36302220001").auth_token == "second-token"
    assert "token" not in str(AuditEntry.objects.filter(detail__icontains="second").values_list("detail", flat=True))
    assert Event.objects.filter(kind=Kind.ACCESS_CHANGED).count() == 2


def test_a_password_of_ones_own_stays_until_the_file_says_another(provision):
    provision()
    gabi = User.objects.get(username="gabi")
    gabi.set_password("chosen by herself")
    gabi.save()
    provision()
    gabi.refresh_from_db()
    assert gabi.check_password("chosen by herself")
    provision(FILE.replace("virágoskert", "konyhakert"))
    gabi.refresh_from_db()
    assert gabi.check_password("konyhakert")


def test_a_changed_secret_key_makes_no_password_in_the_file_another_one(provision, settings):
    provision()
    gabi = User.objects.get(username="gabi")
    gabi.set_password("chosen by herself")
    gabi.save()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    assert "user gabi" not in provision()
    gabi.refresh_from_db()
    assert gabi.check_password("chosen by herself")


def test_lines_and_teams_of_a_person_are_exactly_those_in_the_file(provision):
    provision()
    provision(FILE.replace('lines = ["+36302220001"]', 'lines = ["06302220002"]').replace('teams = ["Shop"]', "teams = []"))
    gabi = User.objects.get(username="gabi")
    assert [access.line.number for access in LineAccess.objects.filter(user=gabi)] == ["+36302220002"]
    assert not gabi.teams.exists()


def test_what_the_file_does_not_name_is_left_alone(provision, dana, line):
    provision()
    provision('[[subscriber]]\nslug = "kert"\nname = "Kert Zrt."\n')
    kert = Subscriber.objects.get(slug="kert")
    assert (kert.name, kert.has_chat, kert.users.count(), kert.lines.count()) == ("Kert Zrt.", True, 2, 2)
    dana.refresh_from_db()
    assert dana.is_active


def test_switching_sms_off_switches_chat_off(provision):
    provision()
    provision('[[subscriber]]\nslug = "kert"\nsms = false\n')
    kert = Subscriber.objects.get(slug="kert")
    assert (kert.has_sms, kert.has_chat) == (False, False)


def test_new_credentials_release_a_held_line(provision, conversation, line, dana, now):
    message = queue_sms(uuid="00000000-0000-4000-8000-000000000001", conversation=conversation, body="Szia", author=dana, now=now)
    claimed = claim_next(by="test", now=now)
    hold_line(line=line, reason="account", now=now)
    hold_messages(message=claimed, now=now)
    wish = f'[[subscriber]]\nslug = "kontakt"\n[[subscriber.line]]\nnumber = "{line.number}"\nprovider = "simulator"\n'
    printed = provision(wish + 'auth_token = "a new one"\n')
    line.refresh_from_db()
    claimed.refresh_from_db()
    assert message
    assert (line.held_since, claimed.status) == (None, Status.QUEUED)
    assert "1 messages were waiting" in printed


def test_a_number_that_moves_to_another_provider_stays_the_same_line(provision):
    provision()
    before = Line.objects.get(number="+36302220002").pk
    moved = FILE.replace('provider = "simulator"', 'provider = "twilio"\n  account_sid = "AC2"\n  auth_token = "t"')
    provision(moved)
    assert (Line.objects.get(number="+36302220002").pk, Line.objects.count()) == (before, 2)


def test_the_limits_of_a_line_are_set_and_stay_where_the_file_does_not_say(provision):
    limited = FILE.replace(
        'label = "Garden"', 'label = "Garden"\n  per_day = 500\n  per_minute = 60\n  countries = ["hu", "AT", "HU"]'
    )
    provision(limited)
    provision(FILE)
    line = Line.objects.get(number="+36302220002")
    assert (line.per_day, line.per_minute, line.countries) == (500, 60, ["AT", "HU"])
    assert "Nothing to change" in provision(limited)
    assert "countries" in provision(limited.replace('["hu", "AT", "HU"]', "[]"))
    line.refresh_from_db()
    assert line.countries == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('label = "Garden"', "per_day = -1", "per_day: must be from 0 to"),
        ('label = "Garden"', "per_minute = 0", "per_minute: must be from 1 to"),
        ('label = "Garden"', "per_day = true", "per_day: must be a number"),
        ('label = "Garden"', 'countries = ["Austria"]', "countries: 'Austria' is not a country's two letters"),
        ('label = "Garden"', 'countries = "HU"', "countries: must be a list"),
        ('number = "06 30 222 0001"', 'number = "12"', "[[subscriber.line]] '12' (line 19), number"),
        ('provider = "simulator"', 'provider = "pigeon"', "'pigeon' is none of"),
        ("0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11", "a-key", "key: 'a-key' is not a UUID"),
        ('auth_token = "first-token"', "", "auth_token: is needed at twilio"),
        (
            'role = "colleague"',
            'role = "boss"',
            "'gabi' (line 33), role: 'boss' is none of administrator, auditor, colleague, supervisor",
        ),
        ('role = "colleague"', 'role = "operator"', "role: 'operator' is none of"),
        ('lines = ["+36302220001"]', 'lines = ["+36302220003"]', "lines: +36302220003 is no line of 'kert'"),
        ('lines = ["+36302220001"]', 'lines = "all"', "lines: must be a list of texts"),
        ('teams = ["Shop"]', 'teams = ["Shed"]', "teams: 'Shed' is no team of 'kert'"),
        ('phone = "06 30 222 9999"', 'phone = "at home"', "phone: 'at home' is not a phone number"),
        ('email = "gabi@example.hu"', 'email = "gabi"', "email: 'gabi' is not an e-mail address"),
        ("sms = true", "sms = false", "chat: needs sms = true"),
        ("sms = true", 'sms = "yes"', "sms: must be true or false"),
        ('timezone = "Europe/Budapest"', 'timezone = "Pest"', "timezone: 'Pest' is not a time zone"),
        ('country = "HU"', 'country = "Hungary"', "country: 'Hungary' is not a country's two letters"),
        ('slug = "kert"', 'slug = "kert és ház"', "slug: 'kert és ház' is not made of letters"),
        ('name = "Kert és Ház Kft."', "", "name: is missing"),
        ('password = "virágoskert"', "", "'gabi', password: is missing"),
        ('username = "hugo"', 'username = "gabi"', "The file has the username 'gabi' 2 times."),
        ('number = "+36302220002"', 'number = "+36301119999"', "number: is already a line of 'rival'"),
        ('username = "hugo"', 'username = "eve"', "username: belongs to somebody of 'rival'"),
        ('username = "olga"', 'username = "eve"', "username: belongs to somebody of Rival Zrt."),
        ('label = "Garden"', 'colour = "green"', "colour: is unknown here"),
        ("[[operator]]", "[[operators]]", "The file, operators: is unknown here"),
        ("[[operator]]", "[[operator]", "This is not TOML"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_changed(provision, eve, old, new, said):
    assert old in FILE
    with pytest.raises(CommandError) as refusal:
        provision(FILE.replace(old, new, 1))
    assert said in str(refusal.value)
    assert not Subscriber.objects.filter(slug="kert").exists()
    assert not User.objects.filter(username__in=["olga", "gabi", "hugo"]).exists()


def test_all_mistakes_are_told_at_once(provision):
    with pytest.raises(CommandError) as refusal:
        provision(FILE.replace("06 30 222 0001", "12").replace('role = "colleague"', 'role = "boss"'))
    assert "number" in str(refusal.value)
    assert "role" in str(refusal.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="can't be read"):
        call_command("provision", str(tmp_path / "none.toml"))
