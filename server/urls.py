"""All addresses: the composition root names every room."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from server.health import health
from server.statics import newest

urlpatterns = [
    path("gateway/", include("gateway.urls")),
    path("health/", health, name="health"),
    path("static/<slug:asked>/<path:name>", newest, name="static"),
    path("admin/", admin.site.urls),
    path("operator/", include("operations.urls")),
    *([path("simulator/", include("simulator.urls"))] if settings.DEMO else []),
    path("", include("chatui.urls")),
]
