"""The operator's subscribers: all of them at a glance, found by what a caller says, made and changed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.models import WebhookReceipt
from server.accounts.models import AuditEntry, Role, Subscriber, User
from server.events.models import Event
from server.lines.models import Line
from server.messaging.inbound import receive_sms
from server.messaging.models import Message
from server.messaging.outbound import queue_sms
from tests.doors import HTMX

pytestmark = pytest.mark.django_db

FORM = {"name": "Új Kft.", "slug": "", "country": "HU", "timezone": "Europe/Budapest", "language": "hu"}


def names(page) -> list[str]:
    return re.findall(r"<strong>([^<]+)</strong><small>", page.text)


def row_of(page, name: str) -> str:
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL) if name in row]
    return row


# --- The list


def test_the_staff_see_every_company_by_name(desk, rival, kontakt):
    Subscriber.objects.create(slug="arviz", name="Árvíz Bt.")
    page = desk.get("/operator/")
    assert names(page) == ["Árvíz Bt.", "Kontakt Kft.", "Rival Zrt."]


def test_before_the_first_company_the_page_says_what_to_do(desk):
    assert "No subscribers yet" in desk.get("/operator/").text


def test_a_row_tells_how_a_company_stands(desk, kontakt, line, dana, boti_texts):
    boti_texts("Szia!", at=timezone.now())
    message = boti_texts("Halló!", at=timezone.now())
    queue_sms(
        uuid="2a0cbd2c-5b1e-4f0b-8a3a-0d4a4b8f5a11",
        conversation=message.conversation,
        body="Jövünk!",
        author=dana,
        now=timezone.now(),
    )
    row = row_of(desk.get("/operator/"), "Kontakt Kft.")
    assert re.search(r"Incoming</span>2<", row)
    assert re.search(r"Outgoing</span>1<", row)
    assert "All well" in row
    assert "Jövünk" not in row


def test_messages_of_last_month_do_not_count(desk, kontakt, line, boti_texts):
    boti_texts("Régi", at=timezone.now() - timedelta(days=45))
    row = row_of(desk.get("/operator/"), "Kontakt Kft.")
    assert "Incoming" not in row
    assert "Quiet" in row


@pytest.mark.parametrize(
    ("happening", "word"),
    [
        ("held", "Line held"),
        ("refused", "Webhooks refused"),
        ("no line", "No line yet"),
        ("waiting", "1 waiting"),
        ("off", "Switched off"),
        ("nothing", "No message yet"),
    ],
)
def test_health_is_one_word(happening, word, desk, kontakt, line, dana, boti_texts, now):
    late = timezone.now() - timedelta(minutes=30)
    if happening == "held":
        Line.objects.update(held_since=late, held_reason="account")
    elif happening == "refused":
        WebhookReceipt.objects.create(
            provider="twilio", kind="message", line_id=line.pk, signature_ok=False, outcome="refused", received_at=late
        )
    elif happening == "no line":
        Line.objects.update(is_active=False)
    elif happening == "waiting":
        conversation = boti_texts("Szia!", at=late).conversation
        queue_sms(uuid="2a0cbd2c-5b1e-4f0b-8a3a-0d4a4b8f5a11", conversation=conversation, body="Jövünk!", author=dana, now=late)
    elif happening == "off":
        kontakt.activation.delete()
    assert word in row_of(desk.get("/operator/"), "Kontakt Kft.")


@pytest.mark.parametrize(
    "said",
    ["kontakt", "KONT", "kft kont", "+36 30 111 0001", "06 (30) 111-0001", "1110001", "support", "ada@kontakt.example", "bela"],
)
def test_a_company_is_found_by_what_a_caller_says(said, desk, kontakt, rival, line, rival_line, ada, bela):
    User.objects.filter(pk=ada.pk).update(email="ada@kontakt.example")
    assert names(desk.get("/operator/", {"q": said})) == ["Kontakt Kft."]


def test_accents_make_no_difference(desk, kontakt):
    Subscriber.objects.create(slug="x1", name="Árvíztűrő Zrt.")
    assert names(desk.get("/operator/", {"q": "arvizturo"})) == ["Árvíztűrő Zrt."]


def test_what_is_not_there_is_said_and_what_was_sought_is_text(desk, kontakt):
    page = desk.get("/operator/", {"q": "<b>\x00"})
    assert "Nobody found" in page.text
    assert "<b>" not in page.text


def test_our_scripts_get_the_list_alone(desk, kontakt):
    part = desk.get("/operator/", {"q": "kont"}, headers=HTMX)
    assert part.text.lstrip().startswith("<div")
    assert "HX-Request" in part.headers["Vary"]
    assert part.headers["HX-Replace-Url"] == "/operator/?q=kont"


def test_the_list_takes_as_many_queries_for_many_companies(desk, line, boti_texts, django_assert_num_queries):
    boti_texts("Szia!", at=timezone.now())
    with CaptureQueriesContext(connection) as of_one:
        desk.get("/operator/")
    for number in range(40):
        subscriber = Subscriber.objects.create(slug=f"ceg-{number}", name=f"Cég {number:03}")
        Line.objects.create(subscriber=subscriber, number=f"+3630222{number:04}", label="Vonal", provider="simulator")
    with django_assert_num_queries(len(of_one)):
        desk.get("/operator/")
    assert len(of_one) < 12


def test_pages_of_fifty(desk):
    Subscriber.objects.bulk_create(Subscriber(slug=f"ceg-{number}", name=f"Cég {number:03}") for number in range(120))
    first, last = desk.get("/operator/", {"q": "cég"}), desk.get("/operator/", {"q": "cég", "page": "3"})
    assert len(names(first)) == 50
    assert names(last)[-1] == "Cég 119"
    assert 'href="?q=c%C3%A9g&amp;page=2"' in first.text
    assert names(desk.get("/operator/", {"page": "x"}))[0] == "Cég 000"


# --- Making and changing one


def test_a_company_is_made_with_a_short_name_of_its_name(desk, oper):
    answer = desk.post("/operator/new/", FORM | {"name": "Árvíztűrő  Kft."})
    made = Subscriber.objects.get()
    assert answer.url == f"/operator/subscribers/{made.pk}/"
    assert (made.name, made.slug, made.has_sms) == ("Árvíztűrő Kft.", "arvizturo-kft", False)
    assert "Switch on its services here" in desk.get(answer.url).text


def test_its_first_administrator_is_invited(desk):
    desk.post("/operator/new/", FORM | {"administrator_name": "Ilona", "administrator_email": "ilona@uj.example"})
    ilona = User.objects.get(email="ilona@uj.example")
    assert (ilona.role, ilona.subscriber.name) == (Role.ADMINISTRATOR, "Új Kft.")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 500}, "at most 120 characters"),
        ({"name": "\u200b \u2028"}, "What is the company called?"),
        ({"slug": "kontakt"}, "Another subscriber has this short name"),
        ({"slug": "Új cég"}, "Only letters from a to z"),
        ({"slug": "ş" * 20}, "Only letters from a to z"),
        ({"country": "ZZ"}, "Select a valid choice"),
        ({"timezone": "Europe/Budapset"}, "This is not a time zone"),
        ({"timezone": "../../etc/passwd"}, "This is not a time zone"),
        ({"language": "tlh"}, "Select a valid choice"),
        ({"administrator_email": "nem cím"}, "Enter a valid email address"),
        ({"administrator_name": "Ilona"}, "Where should the invitation go?"),
        ({"administrator_email": "dana"}, "Enter a valid email address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(wrong, said, desk, oper, kontakt):
    page = desk.post("/operator/new/", FORM | {"timezone": "Europe/London"} | wrong)
    assert page.status_code == 422
    assert said in page.text
    assert Subscriber.objects.count() == 1
    kept = {"timezone": "Europe/London"} | wrong
    assert f'value="{kept["timezone"]}"' in page.text


def test_an_address_that_somebody_has_is_refused_and_no_company_is_made(desk, oper, dana):
    User.objects.filter(pk=dana.pk).update(username="dana@kontakt.example")
    page = desk.post("/operator/new/", FORM | {"administrator_email": "Dana@kontakt.example"})
    assert (page.status_code, Subscriber.objects.count()) == (422, 1)
    assert "Somebody has this e-mail address already" in page.text


def test_a_name_with_html_is_text_everywhere(desk):
    answer = desk.post("/operator/new/", FORM | {"name": "<img src=x onerror=alert(1)>"})
    for address in ("/operator/", answer.url, f"{answer.url}edit/"):
        assert "<img" not in desk.get(address).text


def test_a_company_is_changed_and_its_open_screens_hear_of_it(desk, oper, kontakt):
    answer = desk.post(f"/operator/subscribers/{kontakt.pk}/edit/", FORM | {"name": "Kontakt Zrt.", "timezone": "Europe/London"})
    kontakt.refresh_from_db()
    assert answer.url == f"/operator/subscribers/{kontakt.pk}/"
    assert (kontakt.name, kontakt.timezone, kontakt.slug) == ("Kontakt Zrt.", "Europe/London", "kontakt")
    assert Event.objects.filter(subscriber=kontakt, kind="access_changed").count() == 1
    assert AuditEntry.objects.get(action="subscriber.recorded").actor == oper


def test_a_text_that_comes_while_a_company_is_renamed_does_not_stop_the_next_ones(desk, kontakt, line, monkeypatch):
    from operations.views import subscribers

    def text(number):
        receive_sms(
            line=line, provider_account="simulator:", provider_message_id=f"SIM{number}", sender="+36309990001", body="Szia!",
            now=timezone.now(),
        )  # fmt: skip

    read = subscribers.subscriber_or_404
    monkeypatch.setattr(subscribers, "subscriber_or_404", lambda pk: (read(pk), text(1))[0])
    assert desk.post(f"/operator/subscribers/{kontakt.pk}/edit/", FORM | {"name": "Kontakt Zrt."}).status_code == 302
    text(2)
    assert Message.objects.count() == 2
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


def test_what_does_not_exist_is_not_found(desk):
    assert desk.get("/operator/subscribers/999/").status_code == 404
    assert desk.get("/operator/subscribers/999/edit/").status_code == 404
