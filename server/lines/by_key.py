"""Finding a line by the key in its webhook address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from server.accounts.models import Subscriber
from server.lines.models import Line

if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

# By hand: the ORM needs 0.5 ms to write this down anew, and each webhook begins with it.
_LINE = """
    SELECT line.id, line.subscriber_id, line.number, line.account_sid, line.auth_token, subscriber.country,
        subscriber.stop_words
    FROM lines_line line JOIN accounts_subscriber subscriber ON subscriber.id = line.subscriber_id
    WHERE line.key = %s AND line.provider = %s
"""
_EXCHANGE = """
    SELECT line.id, line.subscriber_id, line.number, line.provider, line.pbx_secret, subscriber.country
    FROM lines_line line JOIN accounts_subscriber subscriber ON subscriber.id = line.subscriber_id
    WHERE line.key = %s
"""


def line_with_key(*, provider: str, key: UUID) -> Line | None:
    """The line of a webhook address with what a webhook needs of it and its subscriber; the rest loads when asked for."""
    with connection.cursor() as cursor:
        cursor.execute(_LINE, [Line._meta.get_field("key").get_db_prep_value(key, connection), provider])
        row = cursor.fetchone()
    if row is None:
        return None
    pk, subscriber_id, number, account_sid, auth_token, country, stop_words = row
    auth_token = Line._meta.get_field("auth_token").from_db_value(auth_token)
    # The expression matters only to what is looked up inside of JSON.
    stop_words = Subscriber._meta.get_field("stop_words").from_db_value(stop_words, None, connection)  # type: ignore[arg-type]
    return _line(
        {
            "id": pk,
            "subscriber_id": subscriber_id,
            "key": key,
            "number": number,
            "provider": provider,
            "account_sid": account_sid,
            "auth_token": auth_token,
        },
        {"id": subscriber_id, "country": country, "stop_words": stop_words},
    )


def line_of_exchange(key: UUID) -> Line | None:
    """The line of an exchange's address, whoever its provider is, with its secret and its subscriber's country."""
    with connection.cursor() as cursor:
        cursor.execute(_EXCHANGE, [Line._meta.get_field("key").get_db_prep_value(key, connection)])
        row = cursor.fetchone()
    if row is None:
        return None
    pk, subscriber_id, number, provider, pbx_secret, country = row
    pbx_secret = Line._meta.get_field("pbx_secret").from_db_value(pbx_secret)
    return _line(
        {"id": pk, "subscriber_id": subscriber_id, "key": key, "number": number, "provider": provider, "pbx_secret": pbx_secret},
        {"id": subscriber_id, "country": country},
    )


def _line(fields: dict[str, Any], of_subscriber: dict[str, Any]) -> Line:
    line = Line.from_db(connection.alias, list(fields), list(fields.values()))
    line.subscriber = Subscriber.from_db(connection.alias, list(of_subscriber), list(of_subscriber.values()))
    return line
