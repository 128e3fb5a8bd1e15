"""What the new columns would hold had they always been there."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

from server import sms
from server.wording import words_of

BATCH = 2000


def fill(apps, editor):
    messages = apps.get_model("messaging", "Message").objects
    conversations = apps.get_model("messaging", "Conversation").objects
    messages.update(line_id=Subquery(conversations.filter(pk=OuterRef("conversation_id")).values("line_id")[:1]))
    last = 0
    while batch := list(messages.filter(pk__gt=last).order_by("pk").only("body", "direction")[:BATCH]):
        for message in batch:
            message.words = words_of(message.body)
            if message.direction == "out":
                message.plain_segments = sms.count_segments(sms.unaccent(message.body)).segments
        messages.bulk_update(batch, ["words", "plain_segments"], batch_size=200)
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_words")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
