"""What providers call. In production gateway/lane.py answers these, without middleware."""

from django.urls import path

from gateway import webhooks
from gateway.pbx import generic, nodes, twilio_voice

app_name = "gateway"
urlpatterns = [
    path("pbx/<uuid:key>/calls/", generic.calls, name="calls"),
    path("pbx/<uuid:key>/nodes/<uuid:node_key>/", nodes.node, name="node"),
    path("twilio/<uuid:key>/voice/", twilio_voice.voice, name="voice"),
    path("twilio/<uuid:key>/voice/key/", twilio_voice.voice_key, name="voice_key"),
    path("twilio/<uuid:key>/voice/rang/", twilio_voice.voice_rang, name="voice_rang"),
    path("twilio/<uuid:key>/voice/leg/", twilio_voice.voice_leg, name="voice_leg"),
    path("twilio/<uuid:key>/voice/status/", twilio_voice.voice_status, name="voice_status"),
    path("<slug:provider>/<uuid:key>/messages/", webhooks.messages, name="messages"),
    path("<slug:provider>/<uuid:key>/status/<uuid:uuid>/", webhooks.status, name="status"),
]
