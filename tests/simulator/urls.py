"""The addresses as they are when DEMO is on."""

from django.urls import include, path

from server.urls import urlpatterns as production

urlpatterns = [path("simulator/", include("simulator.urls")), *production]
