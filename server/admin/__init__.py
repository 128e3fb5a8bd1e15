"""Django's admin for the operator's staff: looking up what has no page of its own.

It stands in the composition root since it names every room. Importing it registers everything.
"""

from server.admin import lookups

__all__ = ["lookups"]
