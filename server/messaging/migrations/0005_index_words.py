import django.db.models.deletion
from django.db import migrations, models

from server.word_index import IndexWords


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_fill_words")]
    operations = [
        migrations.AlterField(
            "message",
            "line",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.line"),
        ),
        IndexWords("messaging_message"),
    ]
