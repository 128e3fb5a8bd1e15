from django.apps import AppConfig


class ChatuiConfig(AppConfig):
    name = "chatui"
