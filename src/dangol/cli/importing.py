"""`dangol import`: history from files, resumable, safe to repeat, without anything running."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from dangol.cli.output import clock, remark, say, say_json, say_table
from dangol.cli.parser import add_json, nearest
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from collections import Counter

    from dangol.intake.files import Row, Rows
    from dangol.intake.importing import Apply, Importer, Tally
    from dangol.intake.snapshot import Snapshot, SnapshotSource
    from dangol.settings import Settings

#: Bytes read at once while a file's fingerprint is taken.
FINGERPRINT_BYTES = 1 << 20


class ImportRefused(DangolError):
    """The import cannot begin."""

    code = "import_refused"


class Progress(Struct, kw_only=True):
    """How far an import has come; in run/imports/ until it is done."""

    rows: int
    #: Lane and position of the last commit: believed only while the log still holds it.
    lane: str
    position: int


def import_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol import`."""
    parser.add_argument("file", metavar="FILE", help="CSV, JSON lines or Parquet, also .gz or .zst; - reads standard input")
    parser.add_argument("--source", metavar="NAME", required=True, help="the source it comes from (dangol source list)")
    parser.add_argument("--mapping", metavar="MAP.yaml", type=Path, help="how rows become events (docs/howto/mappings.md)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; tell what would be written and what would not fit")
    parser.add_argument("--format", choices=("csv", "jsonl", "parquet"), default="", help="instead of finding out")
    parser.add_argument("--encoding", default="", help="of a CSV file, instead of finding out: utf-8, cp949")
    parser.add_argument("--delimiter", default="", help="of a CSV file, instead of finding out; \\t is a tab")
    add_json(parser)
    parser.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> None:
    from dangol.intake.files import open_rows  # noqa: PLC0415 - --help need not load it
    from dangol.intake.importing import Importer  # noqa: PLC0415 - the same
    from dangol.intake.plan_check import compile_plan  # noqa: PLC0415 - the same

    settings = settings_of(args)
    path = None if args.file == "-" else Path(args.file)
    if path is not None and not path.exists():
        raise ImportRefused(f"there is no file {path} (looked in {Path.cwd()}). Name one, or - for standard input.")
    snapshot = _snapshot(settings)
    source = _source(snapshot, args.source)
    rows = open_rows(path, format_=args.format, encoding=args.encoding, delimiter=args.delimiter.replace("\\t", "\t"))
    importer = Importer(
        source.id,
        plan=compile_plan(snapshot.plan),
        max_event_bytes=settings.collect.max_event_bytes,
        mapping=_mapping(args.mapping, source, rows),
    )
    remark(_seen(rows, args.file))
    if absent := _absent(args.mapping, source, rows):
        remark(f"The mapping asks for columns that {args.file} does not have, and what they would tell is left out: {', '.join(absent)}.")
    if args.dry_run:
        for _ in importer.batches(_shown(rows, importer)):
            pass
        _tell_dry(importer, as_json=args.json)
        return
    _write(settings, path, rows, importer, key=f"{source.id}\0{args.mapping and args.mapping.read_bytes()}")
    _tell(importer, as_json=args.json)


def _snapshot(settings: Settings) -> Snapshot:
    """Sources and plan as collect knows them; from State itself where nobody has written them down yet."""
    from dangol.cli.open_state import opened_state  # noqa: PLC0415 - as above
    from dangol.intake.snapshot import decode, export_snapshot, path_of  # noqa: PLC0415 - as above

    try:
        return decode(path_of(settings).read_bytes())
    except FileNotFoundError:
        with opened_state(settings) as connection:
            return export_snapshot(settings, connection)


def _source(snapshot: Snapshot, name: str) -> SnapshotSource:
    for source in snapshot.sources:
        if source.name == name and source.disabled:
            raise ImportRefused(f"source {name} is disabled; what it sends would be kept out. First: dangol source enable {name}")
        if source.name == name:
            return source
    if not snapshot.sources:
        raise ImportRefused(f"there is no source {name!r}; there is none at all yet. Add it: dangol source add {name} --kind crm")
    raise ImportRefused(f"there is no source {name!r}. {nearest(name, [source.name for source in snapshot.sources])}")


def _mapping(path: Path | None, source: SnapshotSource, rows: Rows) -> Apply | None:
    """What makes events of the rows: the given mapping, the source's own, or the columns' names."""
    from dangol.intake.importing import NeedsMapping, flat_event, looks_segment_shaped  # noqa: PLC0415 - as above

    if path is not None or source.mapping:
        from dangol.cli.mapping_file import mapper, read_mapping  # noqa: PLC0415 - as above

        return mapper(read_mapping(path) if path is not None else source.mapping)
    if rows.format == "jsonl":
        return None
    if looks_segment_shaped(rows.columns):
        return flat_event
    raise NeedsMapping(
        f"these rows do not say what happened: expected columns type and userId or anonymousId (and event, timestamp, properties.…), saw"
        f" {', '.join(rows.columns[:30]) or 'none'}. Say how they become events: --mapping MAP.yaml (docs/howto/mappings.md)."
    )


def _absent(path: Path | None, source: SnapshotSource, rows: Rows) -> list[str]:
    from dangol.cli.mapping_file import absent_columns, read_mapping  # noqa: PLC0415 - as above

    return absent_columns(read_mapping(path) if path is not None else source.mapping, rows.columns)


def _seen(rows: Rows, name: str) -> str:
    words = [f"{name}: {rows.format}"]
    if rows.format == "csv":
        delimiter = {"\t": "tab"}.get(rows.delimiter, rows.delimiter)
        words.append(f"{rows.encoding}, columns apart by {delimiter!r}: {', '.join(rows.columns)}")
    return ", ".join(words)


def _write(settings: Settings, path: Path | None, rows: Rows, importer: Importer, *, key: str) -> None:
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above

    log = open_log(settings)
    with _remembered(settings, path, key) as memory:
        done = memory.resume(log) if memory else 0
        if memory and (before := memory.imported()):
            when = clock(before, settings.brand.timezone)
            remark(f"This very file was imported before, on {when}. Events that are known already end as duplicates and change nothing.")
        if done:
            remark(f"{done:,} rows were written before it was interrupted; it goes on there.")
        writer = log.writer("import")
        try:
            for batch in importer.batches(_shown(rows, importer), skip=done):
                position = writer.append(batch.frames)
                importer.tally.commits += 1
                if memory:
                    memory.keep(Progress(rows=batch.rows_done, lane=writer.lane, position=position))
        except KeyboardInterrupt:
            remark(f"Interrupted after {importer.tally.rows:,} rows. The same command goes on where it stopped.")
            raise
        finally:
            writer.close()
        if memory:
            memory.finish()


class _Memory:
    """The file that remembers how far an import has come."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def resume(self, log: Any) -> int:
        """Rows that are in the log already."""
        import msgspec  # noqa: PLC0415 - as above

        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except (FileNotFoundError, msgspec.DecodeError):
            return 0
        # A log that was replaced (restore, another disk) does not hold these rows; then all are written again.
        holds = kept.lane in log.lanes() and log.head(kept.lane)[0] >= kept.position
        return kept.rows if holds else 0

    def keep(self, progress: Progress) -> None:
        """Remember *progress*. Losing the last of it only means that some rows are written again and found to be duplicates."""
        import msgspec  # noqa: PLC0415 - as above

        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(progress))
        new.replace(self._path)

    def finish(self) -> None:
        """It is done; importing the file again reads it from the start, and finds duplicates."""
        self._path.with_suffix(".done").write_text(datetime.now(UTC).isoformat(timespec="seconds"), encoding="utf-8")
        self._path.unlink(missing_ok=True)
        self._path.with_suffix(".lock").unlink(missing_ok=True)

    def imported(self) -> datetime | None:
        """When the very same was imported to its end; None when it never was."""
        try:
            return datetime.fromisoformat(self._path.with_suffix(".done").read_text(encoding="utf-8")).astimezone()
        except (FileNotFoundError, ValueError):
            return None


@contextlib.contextmanager
def _remembered(settings: Settings, path: Path | None, key: str) -> Iterator[_Memory | None]:
    """The memory of importing this very content; None for standard input or a pipe, which cannot be read twice.

    Raises: ImportRefused when the same import runs already.
    """
    if path is None or not path.is_file():
        yield None
        return
    folder = settings.run_dir / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    name = _fingerprint(path, key)
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ImportRefused(f"{path} is being imported by another command now. Wait for it, or stop it; it can be resumed.") from None
        yield _Memory(folder / f"{name}.json")
    finally:
        os.close(lock)


def _fingerprint(path: Path, key: str) -> str:
    """What the file holds and how it is read, as a name: another content or mapping is another import."""
    digest = blake2b(key.encode(), digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(FINGERPRINT_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _shown(rows: Rows, importer: Importer) -> Iterator[Row]:
    """The rows, with a progress bar where somebody looks."""
    if not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=rows.size or None)
        for row in rows:
            if row.number % 1000 == 0:
                tally = importer.tally
                bar.update(task, completed=rows.position(), description=f"{row.number:,} rows, {tally.events:,} events")
            yield row


def _tell(importer: Importer, *, as_json: bool) -> None:
    tally = importer.tally
    if as_json:
        say_json(_counts(tally))
        return
    for problem in tally.problems.values():
        remark(str(problem))
    if tally.undated:
        remark(_undated(tally))
    remark("They take effect as soon as Dangol processes them; one that came before from this source, with the same messageId, ends as a duplicate.")
    say(f"{tally.rows:,} rows read, {tally.events:,} events written{_remainder(tally)}.")


def _counts(tally: Tally) -> dict[str, Any]:
    return {
        "rows": tally.rows, "events": tally.events, "quarantined": tally.quarantined, "suppressed": tally.suppressed, "tagged": tally.tagged,
        "undated": tally.undated,
    }  # fmt: skip


def _remainder(tally: Tally) -> str:
    """What of the events did not plainly take effect, in words."""
    text = f", {sum(tally.quarantined.values()):,} of them quarantined{_reasons(tally.quarantined)}"
    text += f", {sum(tally.suppressed.values()):,} suppressed{_reasons(tally.suppressed)}" if tally.suppressed else ""
    return text + (f", {tally.tagged:,} tagged because they do not fit the tracking plan" if tally.tagged else "")


def _undated(tally: Tally) -> str:
    return (
        f"{tally.undated:,} of the events (first: row {tally.undated_first:,}) do not say when they happened, or not so that it can be read:"
        " they count as happening now. Give them a timestamp (docs/howto/mappings.md)."
    )


def _reasons(counts: Counter[str]) -> str:
    return f" ({', '.join(f'{reason} {n:,}' for reason, n in counts.most_common())})" if counts else ""


def _tell_dry(importer: Importer, *, as_json: bool) -> None:
    import msgspec  # noqa: PLC0415 - as above

    tally = importer.tally
    if as_json:
        say_json({**_counts(tally), "names": tally.names, "problems": [str(problem) for problem in tally.problems.values()], "first_events": tally.samples})
        return
    say_table(["event", "number#"], tally.names.most_common(), empty="No row became an event.")
    if tally.samples:
        say("", "The first events:")
        for event in tally.samples:
            say(msgspec.json.format(msgspec.json.encode(event), indent=2).decode())
    if tally.problems:
        say("", "The first problems:")
        for problem in tally.problems.values():
            say(f"  {problem}")
    if tally.undated:
        say("", _undated(tally))
    say("", f"{tally.rows:,} rows read, {tally.events:,} events would be written{_remainder(tally)}. Nothing was written.")
