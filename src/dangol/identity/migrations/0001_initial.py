

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Edge',
            fields=[
                ('pk', models.CompositePrimaryKey('a', 'b', blank=True, editable=False, primary_key=True, serialize=False)),
                ('a', models.UUIDField()),
                ('b', models.UUIDField(db_index=True)),
                ('first_at', models.DateTimeField()),
                ('first_message', models.TextField()),
                ('first_source', models.SmallIntegerField()),
                ('first_seq', models.BigIntegerField()),
                ('last_at', models.DateTimeField()),
                ('events', models.BigIntegerField()),
                ('rule', models.TextField()),
                ('verified', models.BooleanField(default=False)),
                ('refused', models.TextField(default='')),
            ],
            options={
                'db_table': 'edge',
            },
        ),
        migrations.CreateModel(
            name='Identifier',
            fields=[
                ('node_id', models.UUIDField(primary_key=True, serialize=False)),
                ('type', models.TextField()),
                ('value', models.TextField()),
                ('raw_value', models.TextField()),
                ('person_id', models.UUIDField(db_index=True)),
                ('first_source', models.SmallIntegerField()),
            ],
            options={
                'db_table': 'identifier',
                'indexes': [models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Lower('value'), name='text_pattern_ops'), name='identifier_search')],
            },
        ),
    ]
