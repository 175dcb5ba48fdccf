"""What collect must know of State, as a file: it starts and accepts with State down.

Whoever changes a source or the tracking plan exports the snapshot afterwards; every collect process notices by itself.
Without one, collect does not know which keys are right and answers 503, never 401.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dangol.durable import put
from dangol.errors import DangolError
from dangol.events import now_us
from dangol.intake.plan_check import PlanEntry
from dangol.settings import Settings

if TYPE_CHECKING:  # collect reads snapshots and must start without State's driver
    from psycopg import Connection

logger = logging.getLogger(__name__)

FILE_NAME = "collect-snapshot.json"
#: Raised when the content changes its meaning; an older collect refuses what it cannot understand.
FORMAT = 1


class SnapshotUnreadable(DangolError):
    """The collect snapshot is not one that this version wrote."""

    code = "snapshot_unreadable"


class SnapshotSource(Struct, frozen=True):
    """A source, as far as collect needs it."""

    id: int
    name: str
    kind: str
    write_key: str
    disabled: bool = False
    #: How webhooks become events (docs/howto/mappings.md); empty: Segment-shaped.
    mapping: dict[str, Any] = {}
    synthetic: bool = False


class Snapshot(Struct, frozen=True):
    """Sources and the tracking plan in force, as of one moment."""

    sources: list[SnapshotSource]
    plan: list[PlanEntry] = []
    #: When it was made, µs.
    made_at: int = 0
    format: int = FORMAT


def path_of(settings: Settings) -> Path:
    """Where the snapshot of a workspace lies."""
    return settings.run_dir / FILE_NAME


def encode(snapshot: Snapshot) -> bytes:
    """The snapshot as JSON."""
    return msgspec.json.encode(snapshot)


def decode(data: bytes) -> Snapshot:
    """The inverse of encode. Raises SnapshotUnreadable."""
    try:
        snapshot = msgspec.json.decode(data, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotUnreadable(
            f"The collect snapshot cannot be read: {error}. Any change of a source, or `dangol up`, writes it anew."
        ) from error
    if snapshot.format != FORMAT:
        raise SnapshotUnreadable(
            f"The collect snapshot has format {snapshot.format}, this collect reads {FORMAT}. Run the same version of Dangol everywhere."
        )
    return snapshot


def write(path: Path, snapshot: Snapshot) -> None:
    """Put the snapshot in place, whole or not at all, readable by its owner alone: it holds write keys."""
    put(path, encode(snapshot))


class SnapshotFile:
    """The snapshot as a collect process watches it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> Snapshot | None:
        """The snapshot if it is another one than at the last call; None when there is nothing new.

        A file that is gone or cannot be read changes nothing: what was known stays right until something newer is known.
        """
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen:
                return None
            self._seen = seen
            return decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, SnapshotUnreadable) as error:
            logger.error("%s", error)  # noqa: TRY400 (the error is a sentence)
            return None


def export_snapshot(settings: Settings, connection: Connection[Any]) -> Snapshot:
    """Write what State knows now to the workspace's snapshot file. Call it after the change has been committed.

    Two exports at the same time take their turns, so that the later state is the one that stays.
    """
    with connection.transaction():
        snapshot = _known(connection)
        write(path_of(settings), snapshot)
    return snapshot


def mend_snapshot(settings: Settings, connection: Connection[Any]) -> bool:
    """Write the snapshot file if it does not tell what State knows; returns whether it did not.

    A change is committed before it is exported: a full disk or a kill in between would leave collect refusing a new source's key for ever.
    """
    with connection.transaction():
        snapshot = _known(connection)
        try:
            told = decode(path_of(settings).read_bytes())
        except (FileNotFoundError, SnapshotUnreadable):
            told = None
        if told is not None and (told.sources, told.plan) == (snapshot.sources, snapshot.plan):
            return False
        write(path_of(settings), snapshot)
    return True


def _known(connection: Connection[Any]) -> Snapshot:
    """What State knows now; until the transaction ends nobody else writes the file."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('dangol collect snapshot'))")
        sources = cursor.execute(
            "select id, name, kind, write_key, disabled_at is not null, mapping::text, synthetic from source order by id"
        ).fetchall()
        plan = cursor.execute(
            "select distinct on (event_name) event_name, version, schema::text, action"
            "  from plan_version where retired_at is null order by event_name, version desc"
        ).fetchall()
    return Snapshot(
        sources=[
            SnapshotSource(number, name, kind, write_key, disabled, msgspec.json.decode(mapping) or {}, synthetic)
            for number, name, kind, write_key, disabled, mapping, synthetic in sources
        ],
        plan=[PlanEntry(name, version, msgspec.json.decode(schema), action) for name, version, schema, action in plan],
        made_at=now_us(),
    )
