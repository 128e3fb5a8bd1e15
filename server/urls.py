"""All addresses: the composition root names every room."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("gateway/", include("gateway.urls")),
    path("admin/", admin.site.urls),
    path("", include("chatui.urls")),
]
