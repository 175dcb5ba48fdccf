

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='TailBatch',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('xid', models.BigIntegerField()),
                ('facts', models.IntegerField()),
                ('block', models.BinaryField()),
                ('written_at', models.DateTimeField()),
                ('sealed_in', models.TextField(null=True)),
            ],
            options={
                'db_table': 'lake_tail',
            },
        ),
        migrations.CreateModel(
            name='LakeFile',
            fields=[
                ('path', models.TextField(primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('facts', models.BigIntegerField()),
                ('bytes', models.BigIntegerField()),
                ('first_seq', models.BigIntegerField()),
                ('last_seq', models.BigIntegerField()),
                ('level', models.SmallIntegerField()),
                ('created_at', models.DateTimeField()),
                ('replaced_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'lake_file',
                'indexes': [models.Index(fields=['day'], name='lake_file_day')],
            },
        ),
    ]
