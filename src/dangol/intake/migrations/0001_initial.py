

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='FateCount',
            fields=[
                ('pk', models.CompositePrimaryKey('hour', 'source_id', 'fate', 'reason', 'name', 'partition', blank=True, editable=False, primary_key=True, serialize=False)),
                ('hour', models.DateTimeField()),
                ('source_id', models.SmallIntegerField()),
                ('fate', models.TextField()),
                ('reason', models.TextField(default='')),
                ('name', models.TextField(default='')),
                ('partition', models.SmallIntegerField()),
                ('n', models.BigIntegerField()),
            ],
            options={
                'db_table': 'fate_count',
            },
        ),
        migrations.CreateModel(
            name='Progress',
            fields=[
                ('pk', models.CompositePrimaryKey('lane', 'partition', blank=True, editable=False, primary_key=True, serialize=False)),
                ('lane', models.TextField()),
                ('partition', models.SmallIntegerField()),
                ('position', models.BigIntegerField()),
            ],
            options={
                'db_table': 'progress',
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, unique=True)),
                ('kind', models.CharField(choices=[('web', 'web'), ('app', 'app'), ('server', 'server'), ('pos', 'pos'), ('kiosk', 'kiosk'), ('callcenter', 'callcenter'), ('chat', 'chat'), ('email', 'email'), ('social', 'social'), ('sensor', 'sensor'), ('crm', 'crm'), ('erp', 'erp'), ('other', 'other')], max_length=20)),
                ('write_key', models.CharField(max_length=80, unique=True)),
                ('disabled_at', models.DateTimeField(blank=True, null=True)),
                ('mapping', models.JSONField(blank=True, default=dict)),
                ('synthetic', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'source',
            },
        ),
        migrations.CreateModel(
            name='QuarantinedEvent',
            fields=[
                ('key', models.UUIDField(primary_key=True, serialize=False)),
                ('source_id', models.SmallIntegerField()),
                ('message_id', models.TextField()),
                ('event_name', models.TextField(default='')),
                ('reason', models.TextField()),
                ('detail', models.TextField()),
                ('raw', models.BinaryField()),
                ('circumstances', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField()),
                ('state', models.TextField(default='open')),
                ('corrected', models.BinaryField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('settled_by', models.TextField(default='')),
                ('note', models.TextField(default='')),
            ],
            options={
                'db_table': 'quarantined_event',
                'indexes': [models.Index(fields=['state', 'received_at', 'key'], name='quarantine_queue'), models.Index(fields=['reason'], name='quarantine_reason')],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('key', models.UUIDField(primary_key=True, serialize=False)),
                ('content', models.BigIntegerField()),
                ('source_id', models.SmallIntegerField()),
                ('message_id', models.TextField()),
                ('fate', models.SmallIntegerField()),
                ('reason', models.TextField(null=True)),
                ('duplicates', models.IntegerField(default=0)),
                ('node_id', models.UUIDField(null=True)),
                ('device_id', models.UUIDField(null=True)),
                ('type', models.TextField()),
                ('name', models.TextField()),
                ('original_at', models.DateTimeField()),
                ('occurred_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('received_at', models.DateTimeField()),
                ('processed_at', models.DateTimeField()),
                ('seq', models.BigIntegerField()),
                ('digest', models.JSONField(null=True)),
            ],
            options={
                'db_table': 'receipt',
                'indexes': [models.Index(fields=['node_id', 'occurred_at'], name='receipt_timeline')],
            },
        ),
    ]
