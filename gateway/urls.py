"""What providers call. In production gateway/lane.py answers these, without middleware."""

from django.urls import path

from gateway import webhooks

app_name = "gateway"
urlpatterns = [
    path("<slug:provider>/<uuid:key>/messages/", webhooks.messages, name="messages"),
    path("<slug:provider>/<uuid:key>/status/<uuid:uuid>/", webhooks.status, name="status"),
]
