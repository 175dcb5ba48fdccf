"""The composition root: reads the configuration and gives Django its settings and State its tables."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import django
from django.conf import settings as django_settings

from dangol.console.django import web_settings
from dangol.engines import state
from dangol.engines.state import django as state_django
from dangol.engines.state_copy import dump_before_upgrade
from dangol.errors import DangolError
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: Rooms that have tables.
ROOMS = (
    "dangol.events",
    "dangol.intake",
    "dangol.identity",
    "dangol.profiles",
    "dangol.operators",
    "dangol.privacy",
    "dangol.feeds",
    "dangol.engines.lake",
)

#: Django settings that differ from workspace to workspace.
MOVING = ("SECRET_KEY", "LANGUAGE_CODE", "TIME_ZONE", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

#: Any number, the same in every process: held while tables are brought up to date.
MIGRATION_LOCK = 0x64616E676F6C


class NewerState(DangolError):
    """State was last used by a newer Dangol."""

    code = "newer_state"


def configure(settings: Settings, url: str | None = None) -> None:
    """Make Django ready for *settings*; State need not run yet. Called again, Django moves to the new workspace.

    Args: url: a database to use instead of the workspace's own.
    """
    if url is not None:
        settings = _with_url(settings, url)
    if django_settings.configured:
        from django.db import connections  # noqa: PLC0415  needs the settings

        connections.close_all()
    state_django.use(settings)
    if django_settings.configured:
        for name, value in web_settings(settings).items():
            if name in MOVING:
                setattr(django_settings, name, value)
        return
    django_settings.configure(**_base(settings))
    django.setup()


def migrate(settings: Settings, *, keep_copy: bool = True) -> list[str]:
    """Bring State's tables up to date; where there are tables already, a copy of State is kept first.

    Args: keep_copy: False where a copy of this very State has just been kept.
    Returns: the migrations applied, as "room.name"; empty when there was nothing to do.
    Raises: StateUnavailable; NewerState when a newer version of Dangol has used this State.
    """
    from django.core.management import call_command  # noqa: PLC0415  needs the settings
    from django.db import connection  # noqa: PLC0415  needs the settings
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415  needs the settings


    configure(settings)
    with state.connect(settings, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])  # given back when the connection closes
        executor = MigrationExecutor(connection)
        applied = executor.loader.applied_migrations
        unknown = sorted(key for key in applied if key not in executor.loader.graph.nodes and key[0] in executor.loader.migrated_apps)
        if unknown:
            names = ", ".join(".".join(key) for key in unknown)
            raise NewerState(
                f"State in {settings.workspace} was last used by a newer Dangol (it has {names}). "
                "Install that version again, or take State back: dangol restore backups/state-before-upgrade-….dump"
            )
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan and applied and keep_copy:
            kept = dump_before_upgrade(settings)
            log.info("kept a copy of State before the upgrade: %s", kept)
        if plan:
            call_command("migrate", verbosity=0, interactive=False)
        connection.close()
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _with_url(settings: Settings, url: str) -> Settings:
    return replace(settings, state=replace(settings.state, url=url))


def _base(settings: Settings) -> dict[str, Any]:
    web = web_settings(settings)
    return {
        **web,
        "INSTALLED_APPS": [*ROOMS, *(name for name in (*web["INSTALLED_APPS"], "django.contrib.postgres") if name not in ROOMS)],
        "DATABASES": {
            "default": {
                "ENGINE": "dangol.engines.state.django",
                "NAME": "dangol",  # the address of State decides
            }
        },
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "LOGGING_CONFIG": None,
    }


__all__ = ["ROOMS", "NewerState", "configure", "migrate"]
