"""A letter to one person; from a task, in the language of whoever receives it."""

from __future__ import annotations

import logging
import smtplib
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parseaddr
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, send_mail
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.utils.safestring import SafeString

logger = logging.getLogger(__name__)

# What a mail server says when no later attempt would do any better.
REFUSED_FOR_GOOD = 500
# Nobody's holiday notice is to answer.
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_BREAK = mark_safe("<br>\n")


@dataclass(slots=True)
class Round:
    """The letters of one task: those that need not be sent when it is tried again, and whether an address must wait."""

    done: list[str] = field(default_factory=list)
    put_off: smtplib.SMTPRecipientsRefused | None = None


_round: ContextVar[Round | None] = ContextVar("round of letters", default=None)


@contextmanager
def in_round(given: Round) -> Iterator[None]:
    token = _round.set(given)
    try:
        yield
    finally:
        _round.reset(token)


@contextmanager
def others_meanwhile() -> Iterator[None]:
    """The mail server wants to be asked again for this address later: the others of the round have their letters now."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as refusal:
        if (ours := _round.get()) is None:
            raise
        ours.put_off = refusal


def send_letter(*, to: str, subject: str, message: str) -> None:
    """Raises what the mail server does, unless it refuses the address for good: then others are told all the same."""
    done, mark = (ours.done if (ours := _round.get()) else []), sha256(f"{to}\0{subject}\0{message}".encode()).hexdigest()[:16]
    if mark in done:
        return
    try:
        send_mail(subject=_one_line(subject), message=message, from_email=None, recipient_list=[to])
    except smtplib.SMTPRecipientsRefused as refusal:
        if not is_for_good(refusal):
            raise
        logger.warning("a letter was not sent: the mail server refuses the address")
    done.append(mark)


def is_for_good(problem: Exception) -> bool:
    """Whether no later attempt would do any better."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= REFUSED_FOR_GOOD for code, _words in problem.recipients.values())
    return False


def send_automatic_letter(
    *, to: str, subject: str, text: str, links: Sequence[tuple[str, str]], message_id: str, language: str
) -> None:
    """A letter that nobody wrote, plain and as HTML from one text, with links (words, address) at its end.

    The same `message_id` again is the same letter, so a mailbox may know it.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    letter = EmailMultiAlternatives(
        subject=_one_line(subject),
        body="\n".join([text, "", "-- ", *(f"{words}: {address}" for words, address in links), ""]),
        to=[to],
        headers=_AUTOMATIC | {"Message-ID": f"<{message_id}@{domain}>"},
    )
    letter.attach_alternative(_as_html(_one_line(subject), text, links, language), "text/html")
    letter.send()


def _one_line(subject: str) -> str:
    # A line break in somebody's name must not become one in the letter's head.
    return " ".join(subject.split())


def _as_html(subject: str, text: str, links: Sequence[tuple[str, str]], language: str) -> SafeString:
    """Without colours of its own: each mail program shows it by day and by night as it shows everything."""
    lines = format_html_join(_BREAK, "{}", ((line,) for line in text.splitlines()))
    ends = format_html_join("\n", '<p><a href="{1}">{0}</a></p>', links)
    return format_html(
        '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>{}</title></head>\n'
        '<body style="font-family:sans-serif;line-height:1.5"><h1 style="font-size:1.25em">{}</h1>\n<p>{}</p>\n{}\n'
        "</body></html>\n",
        language,
        subject,
        subject,
        lines,
        ends,
    )
