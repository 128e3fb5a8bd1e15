from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from server.accounts.models import Activation, AuditEntry, Subscriber, record_audit
from server.lines.models import Line, LineAccess
from tests.conftest import NOW


def labels(lines) -> list[str]:
    return sorted(line.label for line in lines)


def test_colleagues_see_the_lines_they_were_given_supervisors_and_administrators_all(
    line, sales_line, rival_line, dana, sam, ada, eve
):
    assert labels(Line.objects.visible_to(dana)) == ["Support"]
    assert labels(Line.objects.visible_to(sam)) == labels(Line.objects.visible_to(ada)) == ["Sales", "Support"]
    assert labels(Line.objects.visible_to(eve)) == ["Rival"]


def test_nobody_unknown_gone_or_of_the_operator_sees_a_line(line, dana, sam, oper):
    dana.is_active = sam.is_active = False
    for person in (AnonymousUser(), oper, dana, sam):
        assert not Line.objects.visible_to(person).exists()
        assert not Line.objects.sendable_by(person).exists()


def test_a_colleagues_right_to_send_is_nobody_elses(line, dana, bela):
    LineAccess.objects.filter(user=dana).update(can_send=False)
    assert labels(Line.objects.visible_to(dana)) == ["Support"]
    assert labels(Line.objects.sendable_by(dana)) == []
    assert labels(Line.objects.sendable_by(bela)) == ["Support"]


def test_a_line_with_many_readers_is_one_line(line, dana, bela):
    assert labels(Line.objects.visible_to(dana)) == labels(Line.objects.sendable_by(bela)) == ["Support"]


def test_nobody_sends_from_a_line_that_is_off(line, dana, sam):
    Line.objects.update(is_active=False)
    assert not Line.objects.sendable_by(dana).exists()
    assert not Line.objects.sendable_by(sam).exists()
    assert labels(Line.objects.visible_to(dana)) == ["Support"]


def test_a_subscriber_has_the_services_that_were_switched_on(db):
    subscriber = Subscriber.objects.create(slug="new", name="New Kft.")
    assert (subscriber.has_sms, subscriber.has_chat) == (False, False)
    Activation.objects.create(subscriber=subscriber, sms_since=NOW)
    subscriber = Subscriber.objects.get()
    assert (subscriber.has_sms, subscriber.has_chat) == (True, False)


def test_what_was_done_is_written_down(kontakt, ada):
    record_audit(action="line.held", at=NOW, actor=ada, subscriber=kontakt, target="line", reason="401")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.detail) == ("line.held", ada, {"reason": "401"})
    assert str(entry) == "2026-11-23 10:00 Ada line.held line"
