"""A letter to one person; from a task, in the language of whoever receives it."""

from __future__ import annotations

from django.core.mail import send_mail


def send_letter(*, to: str, subject: str, message: str) -> None:
    # A line break in somebody's name must not become one in the letter's head.
    send_mail(subject=" ".join(subject.split()), message=message, from_email=None, recipient_list=[to])
