"""The customer's phone, and logging in by one click; the composition root names these only when DEMO is on."""

from django.urls import path

from simulator import views

app_name = "simulator"
urlpatterns = [
    path("", views.handset, name="handset"),
    path("live/", views.live, name="live"),
    path("text/", views.text, name="text"),
    path("repeat/", views.repeat, name="repeat"),
    path("call/", views.call, name="call"),
    path("phone/", views.phone, name="phone"),
    path("log-in-as/<str:username>/", views.log_in_as, name="log_in_as"),
]
