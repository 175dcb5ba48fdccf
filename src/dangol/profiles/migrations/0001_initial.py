

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='SearchTerm',
            fields=[
                ('pk', models.CompositePrimaryKey('term', 'kind', 'node_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.TextField(db_collation='C')),
                ('kind', models.TextField()),
                ('node_id', models.UUIDField(db_index=True)),
            ],
            options={
                'db_table': 'search_term',
            },
        ),
        migrations.CreateModel(
            name='Fragment',
            fields=[
                ('pk', models.CompositePrimaryKey('node_id', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('node_id', models.UUIDField()),
                ('device_id', models.UUIDField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('events', models.BigIntegerField()),
                ('least_us', models.BigIntegerField(null=True)),
                ('body', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'fragment',
                'indexes': [models.Index(fields=['device_id'], name='fragment_device')],
            },
        ),
    ]
