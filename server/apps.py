from django.apps import AppConfig
from django.contrib.admin import apps as admin


class CompositionConfig(AppConfig):
    """The composition root as an app, so that its commands (serve, provision) and its admin are found."""

    default = True
    name = "server"
    verbose_name = "Fonal"

    def ready(self) -> None:
        from server import checks  # noqa: F401


class OperatorAdminConfig(admin.AdminConfig):
    default = False
    default_site = "server.operator_site.OperatorSite"
