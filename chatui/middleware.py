"""The language is the person's own, not the browser's."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation


class LanguageOfUserMiddleware:
    """Speak the logged-in person's language; before log-in, what the cookie or the browser asks for, else Hungarian."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        language = _language_for(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _language_for(request) -> str:
    if request.user.is_authenticated:
        return request.user.language
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen in dict(settings.LANGUAGES):
        return chosen
    return translation.get_language_from_request(request)
