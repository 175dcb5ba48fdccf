"""Copies of a workspace, and back: State (pg_dump), the lake's files, the lanes of the log, configuration and secrets.

In: a workspace.   Out: one .tar.zst.   Ask: backup(settings, file), restore(settings, file).

A copy is taken while everything runs. State is copied as of one moment; the log is copied after it, so the log holds at
least what State has processed, and a restored workspace goes on from there: nothing lost, nothing applied twice.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from psycopg import Connection

from dangol import __version__
from dangol.durable import place
from dangol.engines import state
from dangol.engines.lake.queries import QUERIES, READERS_LOCK
from dangol.engines.state_copy import PART, BackupFailed, RestoreRefused, dump_before_upgrade, dump_state, is_dump, load_dump, restore_state
from dangol.errors import DangolError
from dangol.settings import FILE_NAME, Settings, load

DUMP = "state.dump"
CONTENTS = "backup.json"
FORMAT = 1
ZSTD_LEVEL = 3
CHUNK = 1 << 20

#: Folders that are copied in their own way, or mean nothing elsewhere.
_NOT_COPIED = {"state", "run", "logs", "log", "lake", "backups"}


class _Entry(msgspec.Struct):
    size: int
    blake2b: str


class _Contents(msgspec.Struct):
    format: int
    dangol: str
    made_at: datetime
    workspace: str
    files: dict[str, _Entry]


def backup(settings: Settings, file: Path) -> None:
    """Write everything of the workspace to *file* (.tar.zst), which appears only when it is whole. State must run.

    Raises: BackupFailed, StateUnavailable. The file holds personal data and keys and is readable by its owner alone.
    """
    part = file.with_name(file.name + PART)
    try:
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw,
            zstandard.ZstdCompressor(level=ZSTD_LEVEL, threads=2).stream_writer(raw, closefd=False) as packed,
        ):
            _pack(settings, packed, file.parent)
        place(part, file)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"The copy to {file} failed: {error}. The workspace is unchanged.") from error
    finally:
        part.unlink(missing_ok=True)


def restore(settings: Settings, file: Path) -> None:
    """Fill the empty workspace of *settings* from *file*. State is stopped again afterwards.

    A dump that was made before an upgrade takes a workspace's State back to that moment instead.
    Raises: RestoreRefused when the workspace is not empty or the file is damaged; nothing is left behind then.
    """
    if is_dump(file):
        restore_state(settings, file)
        return
    workspace = settings.workspace
    found = sorted(path.name for path in workspace.iterdir()) if workspace.exists() else []
    if found:
        raise RestoreRefused(f"{workspace} is not empty (it has {', '.join(found[:5])}). Name an empty or new folder; nothing was changed.")
    workspace.mkdir(parents=True, exist_ok=True)
    try:
        _unpack(file, workspace)
        restored = load(workspace)
        state.start(restored)
        try:
            _fill_state(restored, workspace / DUMP)
        finally:
            state.stop(restored)
        (workspace / DUMP).unlink()
        os.sync()
    except BaseException as error:
        for path in workspace.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, DangolError | OSError):
            raise RestoreRefused(f"{file} could not be restored: {error}") from error
        if isinstance(error, zstandard.ZstdError | tarfile.TarError | msgspec.DecodeError):
            raise RestoreRefused(f"{file} is no copy made by dangol backup, or it is damaged ({error}). Use another copy.") from error
        raise


def _pack(settings: Settings, packed: IO[bytes], beside: Path) -> None:
    """Everything into one tar stream, its table of contents last."""
    files: dict[str, _Entry] = {}
    with (
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryDirectory(prefix=".dangol-backup-", dir=beside) as scratch,
    ):
        with state.connect(settings) as connection:
            for name, path in _frozen(settings, connection, Path(scratch)):
                files[name] = _add(tar, name, path)
        for path in _lanes(settings):
            copy = Path(scratch) / path.name
            _copy_lane(path, copy)
            files[f"log/{path.name}"] = _add(tar, f"log/{path.name}", copy)
            copy.unlink()
        for path in _plain_files(settings.workspace):
            name = str(path.relative_to(settings.workspace))
            files[name] = _add(tar, name, path)
        contents = _Contents(FORMAT, __version__, datetime.now(UTC), str(settings.workspace), files)
        data = msgspec.json.format(msgspec.json.encode(contents), indent=1)
        tar.addfile(_header(CONTENTS, len(data)), io.BytesIO(data))


def _frozen(settings: Settings, connection: Connection[Any], scratch: Path) -> Iterator[tuple[str, Path]]:
    """State and the lake's files as of one moment; the moment lasts while this is read."""
    connection.execute("set transaction isolation level repeatable read")
    row = connection.execute("select pg_export_snapshot()").fetchone()
    assert row is not None
    connection.execute(QUERIES["readers_in"], {"lock": READERS_LOCK})
    dump_state(settings, scratch / DUMP, snapshot=row[0], compress=False)
    yield DUMP, scratch / DUMP
    (scratch / DUMP).unlink()
    for found in connection.execute(QUERIES["live_files"]).fetchall():
        yield f"lake/{found[0]}", settings.lake_dir / found[0]


def _lanes(settings: Settings) -> list[Path]:
    return sorted(settings.log_dir.glob("*.sqlite")) if settings.log_dir.exists() else []


def _copy_lane(lane: Path, copy: Path) -> None:
    """A lane as of one moment, also while it is written."""
    with closing(sqlite3.connect(f"{lane.absolute().as_uri()}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _plain_files(workspace: Path) -> Iterator[Path]:
    """Configuration, plan and secrets: everything that is neither a store nor of the moment."""
    for top in sorted(workspace.iterdir()):
        if top.name in _NOT_COPIED or top.name.startswith("."):
            continue
        yield from ([top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file()))


def _add(tar: tarfile.TarFile, name: str, path: Path) -> _Entry:
    """One file into *tar*, told by its size and hash."""
    with path.open("rb") as source:
        watched = _Watched(source)
        header = _header(name, os.fstat(source.fileno()).st_size)
        tar.addfile(header, watched)  # type: ignore[arg-type]
        return _Entry(header.size, watched.hash.hexdigest())


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
    return header


class _Watched:
    """A file that hashes what is read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.hash = blake2b(digest_size=16)

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        return data


def _unpack(file: Path, workspace: Path) -> None:
    """Write the files of *file* into *workspace*, and compare every one with the table of contents."""
    seen: dict[str, _Entry] = {}
    contents: _Contents | None = None
    with (
        file.open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):
        for header in tar:
            source = tar.extractfile(header)
            if source is None or Path(header.name).is_absolute() or ".." in Path(header.name).parts:
                raise RestoreRefused(f"it holds {header.name!r}, which is no file of a workspace")
            if header.name == CONTENTS:
                contents = msgspec.json.decode(source.read(), type=_Contents)
            else:
                seen[header.name] = _write(workspace / header.name, source)
    if contents is None:
        raise RestoreRefused("its end is missing: the copy was cut off. Use another copy")
    if contents.format > FORMAT:
        raise RestoreRefused(f"it was made by Dangol {contents.dangol}, which is newer. Install that version")
    damaged = sorted(name for name, entry in contents.files.items() if seen.get(name) != entry)
    if damaged or seen.keys() - contents.files.keys():
        raise RestoreRefused(f"{', '.join(damaged[:5]) or 'a file'} is not what was copied. Use another copy")


def _write(path: Path, source: IO[bytes]) -> _Entry:
    path.parent.mkdir(mode=0o700 if path.parent.name == "secrets" else 0o755, parents=True, exist_ok=True)
    watched = _Watched(source)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        size = 0
        while chunk := watched.read(CHUNK):
            size += target.write(chunk)
    return _Entry(size, watched.hash.hexdigest())


def _fill_state(settings: Settings, dump: Path) -> None:
    with state.connect(settings) as connection:
        row = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        if row is None or row[0]:
            raise RestoreRefused(f"the database that state.url in {FILE_NAME} names has tables already. Empty it, or name another")
    load_dump(state.locate(settings), dump)
    with state.connect(settings, autocommit=True) as connection:
        connection.execute("analyze")


__all__ = ["BackupFailed", "RestoreRefused", "backup", "dump_before_upgrade", "dump_state", "restore"]
