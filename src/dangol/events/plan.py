"""The tracking plan: which events a brand expects, in which form, and what happens to those that do not fit.

Versions are only added and retired, never edited: which rule an event met can always be told.
After a change the collect snapshot must be written anew (intake.snapshot), or collect goes on with the plan it knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from dangol.errors import DangolError
from dangol.events.catalogue import catalogue_event
from dangol.events.schemas import SchemaRefused, settled_schema
from dangol.yaml_reader import YamlRefused, read_yaml

_COLUMNS = "id, event_name, version, schema::text as schema_text, action, description, origin, created_by, created_at, retired_at"
#: Held while versions are added, so that two of them never get one number.
_LOCK = 7_364_205_120
#: Longest name of an event.
NAME_MAX = 200
_FILE_KEYS = {"event", "action", "description", "properties", "traits", "context"}


class PlanRefused(DangolError):
    """The tracking plan cannot be changed so."""

    code = "plan_refused"


class PlanAction(StrEnum):
    """What happens to an event that does not fit its schema."""

    QUARANTINE = "quarantine"  #: It waits for a person, whole, and takes no effect until then.
    TAG = "tag"  #: It takes effect, and carries the reason.
    SUPPRESS = "suppress"  #: It is kept but takes no effect; nobody is asked.


@dataclass(frozen=True, slots=True)
class PlanVersionView:
    """One version of one event's schema."""

    id: int
    event_name: str
    version: int
    schema: dict[str, Any]
    action: PlanAction
    description: str
    #: file, console, api, catalogue
    origin: str
    created_by: str
    created_at: datetime
    #: When it stopped being in force; None: in force.
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanFileRefused:
    """A plan file, or one event in it, that cannot be used."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class PlanSync:
    """What reading the plan files changed."""

    added: list[PlanVersionView]
    retired: list[str]
    unchanged: int
    refused: list[PlanFileRefused]

    @property
    def changed(self) -> bool:
        """Whether the collect snapshot must be written anew."""
        return bool(self.added or self.retired)


def plan_in_force(connection: Connection[Any]) -> list[PlanVersionView]:
    """The version in force of every event that has one, by name."""
    return _read(
        connection,
        f"select distinct on (event_name) {_COLUMNS} from plan_version where retired_at is null order by event_name, version desc",  # noqa: S608
        (),
    )


def plan_versions(connection: Connection[Any], event_name: str) -> list[PlanVersionView]:
    """All versions of one event, newest first."""
    return _read(connection, f"select {_COLUMNS} from plan_version where event_name = %s order by version desc", (event_name,))  # noqa: S608


def add_version(
    connection: Connection[Any],
    event_name: str,
    schema: Mapping[str, Any],
    action: PlanAction | str = PlanAction.QUARANTINE,
    *,
    description: str = "",
    origin: str = "console",
    by: str = "",
) -> PlanVersionView:
    """A new version of an event's schema; it is in force from now on and the one before is retired.

    Args: event_name: a track event's name, or identify, page, screen, group, alias for those calls.
    Raises: PlanRefused, SchemaRefused.
    """
    event_name = _name(event_name)
    kept = settled_schema(schema)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("update plan_version set retired_at = now() where event_name = %s and retired_at is null", (event_name,))
        rows = _read(
            connection,
            "insert into plan_version (event_name, version, schema, action, description, origin, created_by, created_at)"  # noqa: S608
            " select %(name)s, coalesce(max(version), 0) + 1, %(schema)s::jsonb, %(action)s, %(description)s, %(origin)s, %(by)s, now()"
            f"  from plan_version where event_name = %(name)s returning {_COLUMNS}",
            {
                "name": event_name,
                "schema": json.dumps(kept),
                "action": _action(action).value,
                "description": description,
                "origin": origin,
                "by": by,
            },
        )
    return rows[0]


def use_catalogue(connection: Connection[Any], event_name: str, action: PlanAction | str, *, by: str = "") -> PlanVersionView:
    """Make the catalogue's description of an event a rule. Raises: PlanRefused when the catalogue does not know it."""
    entry = catalogue_event(event_name)
    if entry is None:
        raise PlanRefused(f"The catalogue does not know {event_name!r}. Write a schema of your own for it.")
    return add_version(connection, event_name, entry.schema, action, description=entry.description["en"], origin="catalogue", by=by)


def retire(connection: Connection[Any], event_name: str) -> list[PlanVersionView]:
    """Nothing is asked of this event any more. Returns what was in force; empty when nothing was."""
    return _read(
        connection,
        f"update plan_version set retired_at = now() where event_name = %s and retired_at is null returning {_COLUMNS}",  # noqa: S608
        (event_name,),
    )


def sync_files(connection: Connection[Any], folder: Path, *, by: str = "command") -> PlanSync:
    """Make the plan files of *folder* (*.yaml, *.yml, *.json) the plan: new and changed events get a version, removed ones are retired.

    Events whose plan comes from the console, the API or the catalogue are left alone unless a file names them too.
    A file that cannot be read changes nothing and is told; the events it named before stay in force, as they do when
    the whole folder is missing.
    """
    wanted, refused = read_plan_files(folder)
    in_force = {version.event_name: version for version in plan_in_force(connection)}
    added: list[PlanVersionView] = []
    unchanged = 0
    for entry in wanted:
        now = in_force.get(entry.event)
        if now and now.schema == entry.schema and now.action == entry.action and now.description == entry.description:
            unchanged += 1
            continue
        added.append(
            add_version(connection, entry.event, entry.schema, entry.action, description=entry.description, origin="file", by=by)
        )
    gone: list[str] = []
    if not refused and folder.is_dir():
        named = {entry.event for entry in wanted}
        gone = [name for name, version in in_force.items() if version.origin == "file" and name not in named]
        for name in gone:
            retire(connection, name)
    return PlanSync(added, gone, unchanged, refused)


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """One event's plan, as a file says it."""

    event: str
    schema: dict[str, Any]
    action: PlanAction
    description: str


def read_plan_files(folder: Path) -> tuple[list[PlanEntry], list[PlanFileRefused]]:
    """The entries of all plan files, and what cannot be used of them. An event named twice counts once, the second is refused."""
    entries: dict[str, PlanEntry] = {}
    refused: list[PlanFileRefused] = []
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml", ".json")) if folder.is_dir() else []
    for path in paths:
        try:
            for entry in read_plan_text(path.read_bytes()):
                if entry.event in entries:
                    raise PlanRefused(f"{entry.event!r} is named twice. Keep one of them.")
                entries[entry.event] = entry
        except (DangolError, OSError) as error:
            refused.append(PlanFileRefused(path.name, str(error)))
    return list(entries.values()), refused


def read_plan_text(text: str | bytes) -> list[PlanEntry]:
    """The entries of one plan file (YAML, which JSON is a part of): one event, or several below "events".

    Raises: PlanRefused, SchemaRefused.
    """
    try:
        content = read_yaml(text, lists=True)
    except YamlRefused as error:
        raise PlanRefused(str(error)) from error
    events = content.get("events", [content]) if isinstance(content, dict) else content
    if not isinstance(events, list):
        raise PlanRefused('expected one event (with "event: NAME") or several below "events:", each with a "-" before it.')
    return [_entry(item, place) for place, item in enumerate(events, 1)]


def _entry(item: Any, place: int) -> PlanEntry:
    if not isinstance(item, dict) or not isinstance(item.get("event"), str) or not item["event"].strip():
        raise PlanRefused(f'entry {place} has no "event: NAME", the name as the touchpoint sends it.')
    if unknown := set(item) - _FILE_KEYS:
        names = ", ".join(sorted(unknown))
        raise PlanRefused(f"{item['event']}: {names} is not known here; use {', '.join(sorted(_FILE_KEYS))}.")
    try:
        schema = settled_schema({part: item[part] for part in ("properties", "traits", "context") if part in item})
    except SchemaRefused as error:
        raise SchemaRefused(f"{item['event']}: {error}") from None
    return PlanEntry(_name(item["event"]), schema, _action(item.get("action", "quarantine")), str(item.get("description") or ""))


def _name(event_name: str) -> str:
    event_name = event_name.strip()
    if not event_name or len(event_name) > NAME_MAX or not event_name.isprintable():
        raise PlanRefused(f"event name {event_name[:NAME_MAX]!r} must be 1 to {NAME_MAX} readable characters, as the touchpoint sends it.")
    return event_name


def _action(action: PlanAction | str) -> PlanAction:
    try:
        return PlanAction(action)
    except ValueError:
        raise PlanRefused(f"action {action!r} must be one of {', '.join(PlanAction)}.") from None


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    event_name: str
    version: int
    schema_text: str
    action: str
    description: str
    origin: str
    created_by: str
    created_at: datetime
    retired_at: datetime | None


def _read(connection: Connection[Any], query: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[PlanVersionView]:
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(query, parameters).fetchall()
    return [
        PlanVersionView(
            row.id, row.event_name, row.version, json.loads(row.schema_text), PlanAction(row.action), row.description,
            row.origin, row.created_by, row.created_at, row.retired_at,
        )
        for row in rows
    ]  # fmt: skip
