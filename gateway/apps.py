from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = _("Providers")

    def ready(self) -> None:
        from gateway import forgetting
        from server.privacy.forgetting import register

        register(forgetting)
