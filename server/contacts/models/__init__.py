"""The phone book, who has asked a line to stop or agreed to be written to, and files of contacts."""

from server.contacts.models.imports import ContactImport, ImportedContact, ImportState
from server.contacts.models.phonebook import Contact, Tag
from server.contacts.models.wishes import Consent, OptOut

__all__ = ["Consent", "Contact", "ContactImport", "ImportState", "ImportedContact", "OptOut", "Tag"]
