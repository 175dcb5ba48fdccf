

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor', models.TextField()),
                ('role', models.TextField(default='')),
                ('act', models.TextField()),
                ('subject', models.TextField(default='')),
                ('why', models.TextField(default='')),
                ('details', models.JSONField(default=dict)),
                ('ip', models.TextField(default='')),
                ('previous', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'db_table': 'audit_entry',
                'indexes': [models.Index(fields=['subject', 'id'], name='audit_subject'), models.Index(fields=['actor', 'id'], name='audit_actor')],
            },
        ),
    ]
