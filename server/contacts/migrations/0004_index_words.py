from django.db import migrations

from server.contacts import numbering
from server.wording import words_of
from server.word_index import IndexWords

BATCH = 2000


def fill(apps, editor):
    contacts = apps.get_model("contacts", "Contact").objects
    last = 0
    while batch := list(contacts.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for contact in batch:
            contact.words = words_of(" ".join([contact.name, contact.company, *numbering.ends_of(contact.number)]))
        contacts.bulk_update(batch, ["words"], batch_size=200)
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_words")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop), IndexWords("contacts_contact")]
