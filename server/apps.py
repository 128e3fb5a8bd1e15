from django.apps import AppConfig


class CompositionConfig(AppConfig):
    """The composition root as an app, so that its commands (serve, provision) and its admin are found."""

    name = "server"
    verbose_name = "Fonal"
