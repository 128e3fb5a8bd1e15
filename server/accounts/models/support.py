"""The operator's staff in the place of a company's administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Never

from django.utils.translation import gettext as _
from django.utils.translation import override

from server.accounts.models.people import Role, User

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models.subscribers import Subscriber


class NeverWritten(RuntimeError):
    """A stand-in is no row: it must not be saved or deleted."""


class Support(User):
    """A stand-in for one of the operator's staff, in memory only, with an administrator's rights in one company.

    It has the person's own key, so whatever is done names who did it. The person's row stays as it is.
    """

    until: datetime

    class Meta:
        proxy = True
        default_permissions: ClassVar = ()

    @classmethod
    def of(cls, person: User, *, subscriber: Subscriber, until: datetime) -> Support:
        values = {field.attname: getattr(person, field.attname) for field in person._meta.concrete_fields}
        own_rights = {"role": Role.ADMINISTRATOR, "subscriber_id": subscriber.pk, "is_staff": False, "is_superuser": False}
        support = cls(**(values | own_rights))
        support._state.adding, support._state.db = False, person._state.db
        support.subscriber, support.until = subscriber, until
        return support

    @property
    def may_export(self) -> bool:
        """Helping needs no file of a company's messages."""
        return False

    @property
    def shown_name(self) -> str:
        """What colleagues read who see the person at work, in their company's language."""
        assert self.subscriber is not None, "a stand-in stands in a company"
        with override(self.subscriber.language):
            return _("%(name)s (support)") % {"name": self.name or self.username}

    def save(self, *args: object, **kwargs: object) -> Never:
        raise NeverWritten

    def delete(self, *args: object, **kwargs: object) -> Never:
        raise NeverWritten
