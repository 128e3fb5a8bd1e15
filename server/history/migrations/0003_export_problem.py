from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("history", "0002_export_attempts")]

    operations = [
        migrations.AddField(
            model_name="export",
            name="problem",
            field=models.CharField(
                blank=True,
                choices=[
                    ("not allowed", "You may no longer download all that was to be in it."),
                    ("too large", "It is too much at once: choose a shorter period."),
                    ("no room", "The server has no room for files. Tell its operator, or try it again later."),
                ],
                max_length=12,
            ),
        ),
    ]
