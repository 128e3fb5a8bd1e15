"""The demo's people, for the log-in page."""

from __future__ import annotations

from django import template

from simulator.demo import people

register = template.Library()


@register.simple_tag
def demo_people():
    return people()
