"""A quarantined event is found by its messageId, which is all that a client knows of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0003_newest_receipts")]
    operations = [migrations.AddIndex("quarantinedevent", models.Index(fields=["message_id"], name="quarantine_message"))]
