from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("history", "0003_export_problem")]

    operations = [
        migrations.AddField(
            model_name="export",
            name="timezone",
            field=models.CharField(blank=True, default="", help_text="The company's when its rows were written", max_length=64),
            preserve_default=False,
        ),
    ]
