

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Operator',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(blank=True, max_length=80)),
                ('role', models.CharField(choices=[('owner', 'owner'), ('marketer', 'marketer'), ('analyst', 'analyst'), ('agent', 'agent'), ('store', 'store'), ('developer', 'developer'), ('privacy_officer', 'privacy_officer')], max_length=20)),
                ('language', models.CharField(default='ko', max_length=2)),
                ('disabled_at', models.DateTimeField(blank=True, null=True)),
                ('must_change_password', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'operator',
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, unique=True)),
                ('role', models.CharField(choices=[('owner', 'owner'), ('marketer', 'marketer'), ('analyst', 'analyst'), ('agent', 'agent'), ('store', 'store'), ('developer', 'developer'), ('privacy_officer', 'privacy_officer')], max_length=20)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('created_by', models.TextField(default='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'api_token',
            },
        ),
        migrations.CreateModel(
            name='SignInAttempt',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('email', models.TextField()),
                ('ip', models.TextField()),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'sign_in_attempt',
                'indexes': [models.Index(fields=['email', 'at'], name='sign_in_email'), models.Index(fields=['ip', 'at'], name='sign_in_ip')],
            },
        ),
    ]
