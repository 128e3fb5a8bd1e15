from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CallsConfig(AppConfig):
    name = "server.calls"
    verbose_name = _("Call logic")

    def ready(self) -> None:
        from server.calls import promises
        from server.calls.limits import GATE
        from server.calls.timeline import calls_and_promises
        from server.messaging import automatic, followers, timeline

        automatic.register(GATE)
        followers.register(promises)
        timeline.register(calls_and_promises)
