"""The customer's phone: through the real webhook and the real dispatcher."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gateway.models import WebhookReceipt
from gateway.providers import simulator
from gateway.sending import send_due
from server.accounts.models import AuditEntry
from server.messaging.models import Conversation, Message, Status
from server.messaging.outbound import queue_sms
from tests.codes import app_code, has_app
from tests.simulator.conftest import ILONA

pytestmark = pytest.mark.usefixtures("a_few_conversations")
NEWCOMER = "+36309876543"


@pytest.fixture
def text(client, support_line):
    def send(body: str, *, number: str = NEWCOMER, times: int = 1):
        return client.post(reverse("simulator:text"), {"number": number, "line": support_line.pk, "body": body, "times": times})

    return send


def answer(number: str, body: str) -> Message:
    """The company answers, and the network reports all it has to report."""
    conversation = Conversation.objects.get(contact__number=number, line__label="Ügyfélszolgálat")
    message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=None, now=timezone.now())
    send_due()
    simulator.post_due_reports(timezone.now() + timedelta(minutes=1))
    message.refresh_from_db()
    return message


@pytest.mark.parametrize("path", ["", "live/", "text/", "repeat/", "call/", "phone/", "log-in-as/anna/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_demo_there_is_nothing(client, db, path, method):
    assert getattr(client, method)(f"/simulator/{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "live/", "text/", "repeat/", "call/", "phone/", "log-in-as/anna/"])
def test_even_when_the_addresses_are_there(client, rokolya, settings, path):
    settings.DEMO = False

    assert client.get(f"/simulator/{path}").status_code == 404
    assert client.post(f"/simulator/{path}").status_code == 404


def test_before_the_demo_is_loaded_the_page_says_how(client, db, demo_is_on):
    assert "manage.py demo" in client.get(reverse("simulator:handset")).content.decode()
    assert client.get(reverse("simulator:live")).status_code == 404


def test_the_page_opens_on_the_customer_who_wrote_last(client, rokolya):
    page = client.get(reverse("simulator:handset")).content.decode()

    assert "Kiss Ilona" in page
    assert "Kell hoznom valamit?" in page
    # It never reached her phone.
    assert "a kapucsengő: 23</p>" not in page


def test_a_text_becomes_a_message_by_the_webhook(text, support_line):
    text("Sziasztok!")

    message = Message.objects.get(conversation__contact__number=NEWCOMER)
    assert (message.body, message.conversation.line) == ("Sziasztok!", support_line)
    assert WebhookReceipt.objects.get().outcome == "stored"


@pytest.mark.parametrize("number", ["INFO", "1789", "06 30 987 6543", "+49 151 23456789", "<b>x</b>"])
def test_any_sender_may_text(text, number):
    text("Hello", number=number)

    assert Message.objects.filter(body="Hello").count() == 1


def test_told_twice_is_one_message(text, client):
    text("Csak egyszer", times=2)

    assert Message.objects.filter(body="Csak egyszer").count() == 1
    assert [receipt.outcome for receipt in WebhookReceipt.objects.order_by("id")] == ["stored", "known already"]


def test_told_again_later_is_one_message(text, client, support_line):
    text("Csak egyszer")
    client.post(reverse("simulator:repeat"), {"number": NEWCOMER, "line": support_line.pk})

    assert Message.objects.filter(body="Csak egyszer").count() == 1
    assert WebhookReceipt.objects.count() == 2


def test_told_never_is_left_to_the_provider_s_list(text):
    text("Elveszett", times=0)

    assert not Message.objects.filter(body="Elveszett").exists()


def test_an_answer_arrives_on_the_phone(text, client, support_line):
    text("Nyitva vannak?")
    where = {"number": NEWCOMER, "line": support_line.pk}
    seen = _version(client.get(reverse("simulator:handset"), where))

    assert client.get(reverse("simulator:live"), {**where, "seen": seen}).status_code == 204
    assert answer(NEWCOMER, "Igen, hatig.").status == Status.DELIVERED
    assert "Igen, hatig." in client.get(reverse("simulator:live"), {**where, "seen": seen}).content.decode()


def test_a_phone_that_is_off_is_reported_unreachable(text, client, support_line):
    text("Hívjanak!")
    where = {"number": NEWCOMER, "line": support_line.pk}
    client.post(reverse("simulator:phone"), {**where, "power": "off"})

    message = answer(NEWCOMER, "Hívtuk.")

    assert (message.status, message.reason) == (Status.UNDELIVERED, "unreachable")
    assert "Hívtuk.</p>" not in client.get(reverse("simulator:handset"), where).content.decode()
    text("Ki vagyok kapcsolva")
    assert not Message.objects.filter(body="Ki vagyok kapcsolva").exists()

    client.post(reverse("simulator:phone"), {**where, "power": "on"})
    assert answer(NEWCOMER, "És most?").status == Status.DELIVERED


@pytest.mark.parametrize(
    ("order", "status"), [("reversed", Status.DELIVERED), ("duplicate", Status.DELIVERED), ("never", Status.SENT)]
)
def test_reports_come_as_one_chose(text, client, support_line, order, status):
    text("Szia")
    client.post(reverse("simulator:phone"), {"number": NEWCOMER, "line": support_line.pk, "reports": order})

    assert answer(NEWCOMER, "Szia!").status == status


def test_the_log_tells_what_the_provider_told(text, client):
    text("Kétszer jön", times=2)

    page = client.get(reverse("simulator:handset"), {"number": NEWCOMER}, headers={"Accept-Language": "en"}).content.decode()
    assert "repeated: ignored" in page


@pytest.mark.parametrize(("order", "outcome"), [("reversed", "late: changes nothing"), ("duplicate", "repeated: ignored")])
def test_the_log_says_when_a_report_changed_nothing(text, client, support_line, order, outcome):
    text("Szia")
    where = {"number": NEWCOMER, "line": support_line.pk}
    client.post(reverse("simulator:phone"), {**where, "reports": order})
    answer(NEWCOMER, "Szia!")

    assert outcome in client.get(reverse("simulator:handset"), where, headers={"Accept-Language": "en"}).content.decode()


def test_a_script_is_only_a_text(text, client):
    text("<script>alert(1)</script>")

    page = client.get(reverse("simulator:handset"), {"number": NEWCOMER}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_only_the_demo_s_lines_can_be_texted(text, client, rokolya, line):
    client.post(reverse("simulator:text"), {"number": NEWCOMER, "line": line.pk, "body": "Kontakt?"})

    assert not Message.objects.filter(conversation__line=line).exists()


def test_one_click_logs_in(client, rokolya):
    answer = client.post(reverse("simulator:log_in_as", args=["anna"]))

    assert answer.url == "/"
    assert client.session["_auth_user_id"] == str(rokolya.users.get(username="anna").pk)
    assert AuditEntry.objects.get(actor__username="anna").action == "user.logged_in"


def test_the_operator_goes_to_their_pages_and_others_where_they_wanted(client, rokolya):
    assert client.post(reverse("simulator:log_in_as", args=["operator"])).url == "/operator/"
    assert client.post(reverse("simulator:log_in_as", args=["bela"]), {"next": "/messages/"}).url == "/messages/"
    assert client.post(reverse("simulator:log_in_as", args=["bela"]), {"next": "https://evil.example/"}).url == "/"


@pytest.mark.parametrize("username", ["dana", "ada", "oper", "nobody"])
def test_nobody_else_is_logged_in_by_one_click(client, rokolya, dana, ada, oper, username):
    assert client.post(reverse("simulator:log_in_as", args=[username])).status_code == 404
    assert "_auth_user_id" not in client.session


def test_one_click_is_no_way_around_the_second_step(client, rokolya):
    anna = rokolya.users.get(username="anna")
    has_app(anna)

    assert client.post(reverse("simulator:log_in_as", args=["anna"])).url == "/login/code/"
    assert "_auth_user_id" not in client.session
    assert client.post("/login/code/", {"code": app_code(anna)}).url == "/"
    assert client.session["_auth_user_id"] == str(anna.pk)


def test_logging_in_needs_a_post_with_the_token(rokolya):
    careful = Client(enforce_csrf_checks=True)

    assert careful.get(reverse("simulator:log_in_as", args=["anna"])).status_code == 405
    assert careful.post(reverse("simulator:log_in_as", args=["anna"])).status_code == 403
    assert careful.post(reverse("simulator:text"), {"number": ILONA, "body": "x"}).status_code == 403


def test_the_log_in_page_offers_the_people(client, rokolya):
    page = client.get("/login/").content.decode()

    assert reverse("simulator:log_in_as", args=["anna"]) in page


def _version(response) -> str:
    return response.context["phone"].version
