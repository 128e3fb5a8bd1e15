"""Django's admin is where the operator's staff look things up; what they change, they change on their own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from server.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise


class OperatorSite(admin.AdminSite):
    site_header = site_title = _("Fonal – operator")
    index_title = _("Look up")
    enable_nav_sidebar = False

    @property
    def site_url(self) -> str:  # type: ignore[override]  # an address that is known only when all are
        return reverse("operator:subscribers")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only what is for looking things up: libraries would have their own rows changed here, such as a second step."""
        if admin_class is not None and issubclass(admin_class, ReadOnly):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Only the operator's staff, whatever flags somebody's row may carry, and only with the second step of their log-in."""
        user = request.user
        return isinstance(user, User) and user.is_operator and user.is_verified()  # type: ignore[attr-defined]  # by django_otp

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in for everybody: a second log-in page would be a way around the second step."""
        wanted = request.GET.get("next") or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(wanted)
        if not request.user.is_operator:
            raise PermissionDenied
        return redirect(f"{reverse('two_factor')}?{urlencode({'next': wanted})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("settings")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("settings")


def column(name: str, label: _StrPromise) -> Callable[[Any], Any]:
    """A field as a column, under a label in the viewer's language."""

    @admin.display(description=label, ordering=name)
    def value_of(row: Any) -> Any:
        in_words = getattr(row, f"get_{name}_display", None)
        return in_words() if in_words else getattr(row, name)

    # Django tells one column from another by it.
    value_of.__name__ = name
    return value_of


def by(name: str, label: _StrPromise, kind: type[admin.FieldListFilter]) -> tuple[str, Any]:
    """A filter under a label in the viewer's language."""

    class Titled(kind):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = label

    return name, Titled


class ReadOnly(admin.ModelAdmin[Any]):
    """To look things up in. Whoever the site lets in may look."""

    # Like `fields`, but columns as functions may stand in it.
    shown: ClassVar[tuple[Any, ...]] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
