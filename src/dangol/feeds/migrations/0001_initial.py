

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, unique=True)),
                ('url', models.URLField(max_length=500)),
                ('facts', models.JSONField(default=list)),
                ('secret', models.CharField(max_length=80)),
                ('position', models.BigIntegerField(default=0)),
                ('failures', models.IntegerField(default=0)),
                ('last_error', models.TextField(default='')),
                ('next_try_at', models.DateTimeField(null=True)),
                ('paused_at', models.DateTimeField(null=True)),
                ('created_by', models.TextField(default='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'subscription',
            },
        ),
    ]
