"""The operator's pages."""

from django.urls import path

from operations.views import subscribers

app_name = "operator"
urlpatterns = [
    path("", subscribers.subscribers, name="subscribers"),
]
