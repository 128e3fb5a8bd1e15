"""Django's admin for the operator's staff, until the operator has pages of their own.

It stands in the composition root since it names every room. Importing it registers everything.
"""

from server.admin import lines, lookups, people

__all__ = ["lines", "lookups", "people"]
