"""A workspace for one benchmark: made in a temporary folder, with a State as durable as in earnest, and removed afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dangol.errors import DangolError
from dangol.settings import Settings

#: Everything must answer within this.
READY_SECONDS = 90.0
#: Of the source that every benchmark sends as.
WRITE_KEY = "bench"


class BenchFailed(DangolError):
    """A benchmark could not be carried out."""

    code = "bench_failed"


@contextmanager
def scratch() -> Iterator[Settings]:
    """Settings of a new workspace on free ports, with a State that runs and one source."""
    from dangol import app  # noqa: PLC0415 - Django loads slowly; the disk benchmarks do without
    from dangol.engines import state  # noqa: PLC0415 - the same
    from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory(prefix="dangol-bench-") as folder:
        settings = Settings(workspace=Path(folder))
        console, collect = _free_ports(2)
        settings = replace(settings, console=replace(settings.console, port=console), collect=replace(settings.collect, port=collect))
        (settings.workspace / "dangol.toml").write_text(
            f"[console]\nport = {console}\napi_rate_per_minute = 10000000\n[collect]\nport = {collect}\n", encoding="utf-8"
        )
        for part in (settings.log_dir, settings.run_dir, settings.logs_dir, settings.lake_dir):
            part.mkdir(parents=True, exist_ok=True)
        try:
            state.start(settings)
            app.migrate(settings)
            with state.connect(settings) as connection:
                connection.execute(
                    "insert into source (name, kind, write_key, mapping, synthetic, created_at) values ('bench', 'web', %s, '{}', true, now())",
                    [WRITE_KEY],
                )
                connection.commit()
                export_snapshot(settings, connection)
            yield settings
        finally:
            state.stop(settings)


@contextmanager
def running(settings: Settings, *words: str) -> Iterator[int]:
    """`dangol WORDS` in a process of its own; gives its pid."""
    log = settings.logs_dir / f"{words[0]}.log"
    with log.open("ab") as told:
        process = subprocess.Popen(
            [*ending_with_me(), sys.executable, "-m", "dangol", *words, "--workspace", str(settings.workspace)],
            stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True, env=environment(),
        )  # fmt: skip
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def ending_with_me() -> list[str]:
    """First words of a command whose process is asked to stop when the one that starts it is killed (util-linux; else none)."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def wait_for(port: int, log: Path) -> None:
    """Until something answers on *port*. Raises BenchFailed with the end of *log*."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return
        time.sleep(0.05)
    words = log.read_text(encoding="utf-8", errors="replace")[-1500:] if log.exists() else "nothing"
    raise BenchFailed(f"Nothing answered on port {port} within {READY_SECONDS:.0f} s. {log} says: {words}")


def helper(module: str, *words: str, input_: str | None = "") -> subprocess.Popen[str]:
    """A process of the benchmark itself: `python -m dangol.bench.MODULE WORDS`, with *input_* to read and its standard output to be read.

    Without *input_* its standard input stays open until it is asked for its answer.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        told.write(input_ or "")
        told.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", f"dangol.bench.{module}", *words],
            stdin=subprocess.PIPE if input_ is None else told,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )


def answer_of(process: subprocess.Popen[str], seconds: float) -> Any:
    """What a helper printed, read as JSON. Raises BenchFailed when it fails or takes longer than *seconds*."""
    import msgspec  # noqa: PLC0415 - beside its use

    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        raise BenchFailed(f"{process.args!r} did not end within {seconds:.0f} s.") from None
    if process.returncode:
        raise BenchFailed(f"{process.args!r} ended with {process.returncode}.")
    return msgspec.json.decode(told.strip().rpartition("\n")[2])


def environment() -> dict[str, str]:
    """The caller's, without settings that would reach into the scratch workspace."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DANGOL_")}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
