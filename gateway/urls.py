"""What providers call. In production gateway/lane.py answers these, without middleware."""

from django.urls import path

from gateway import webhooks
from gateway.pbx import generic, nodes

app_name = "gateway"
urlpatterns = [
    path("pbx/<uuid:key>/calls/", generic.calls, name="calls"),
    path("pbx/<uuid:key>/nodes/<uuid:node_key>/", nodes.node, name="node"),
    path("<slug:provider>/<uuid:key>/messages/", webhooks.messages, name="messages"),
    path("<slug:provider>/<uuid:key>/status/<uuid:uuid>/", webhooks.status, name="status"),
]
