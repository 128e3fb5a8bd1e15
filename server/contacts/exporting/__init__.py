"""The phone book as a file: as a workbook, a CSV file or vCards, such as server/contacts/importing reads them."""

from server.contacts.exporting.making import ContactsFormat, NotAllowedToExport, export_contacts

__all__ = ["ContactsFormat", "NotAllowedToExport", "export_contacts"]
