"""`line__among=queryset`: one of the few rows that a queryset finds, without joining it.

PostgreSQL makes a join of `IN (SELECT …)` and looks for the best order of all joins of a statement: for a page of
fifty rows that takes it several times as long as the rows do. As an array the few are asked for once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import ForeignKey
from django.db.models.fields.related_lookups import RelatedIn

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@ForeignKey.register_lookup
class Among(RelatedIn):
    lookup_name = "among"

    def get_rhs_op(self, connection: BaseDatabaseWrapper, rhs: str) -> str:
        return f"= ANY (ARRAY{rhs})" if connection.vendor == "postgresql" else f"IN {rhs}"
