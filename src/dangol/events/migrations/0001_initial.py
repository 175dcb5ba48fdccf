

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='PlanVersion',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('event_name', models.TextField()),
                ('version', models.IntegerField()),
                ('schema', models.JSONField()),
                ('action', models.CharField(choices=[('quarantine', 'quarantine'), ('tag', 'tag'), ('suppress', 'suppress')], max_length=12)),
                ('description', models.TextField(blank=True, default='')),
                ('origin', models.CharField(default='console', max_length=12)),
                ('created_by', models.TextField(default='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'plan_version',
                'constraints': [models.UniqueConstraint(fields=('event_name', 'version'), name='plan_version_once')],
            },
        ),
    ]
