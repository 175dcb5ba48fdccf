"""Starts, finds and stops the PostgreSQL of a workspace.

Whether it runs is told by a lock that its processes hold as long as one of them lives, never by a number in a file:
after kill -9, a reboot, a moved or a copied workspace the lock says the truth, a pid file may not.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import Connection, sql

from dangol.durable import make_folder, place, put
from dangol.engines.state.account import Account, account_for
from dangol.engines.state.errors import StateUnavailable
from dangol.engines.state.options import OPTIONS, held_bytes, memory_bytes, sized
from dangol.engines.state.traces import exclusive, free_port, held, is_free, is_postgres, open_lock, postmaster, serves, until
from dangol.engines.state.wheel import let_others_run, program, trees
from dangol.settings import Settings

DATABASE = "dangol"
ROLE = "dangol"
ADMIN = "postgres"

#: Seconds a start may take; recovery after a crash replays at most max_wal_size.
START_SECONDS = 120
STOP_SECONDS = 60
#: Seconds a server that seems to live may stay silent.
SETTLE_SECONDS = 20
#: How often a port that somebody else took meanwhile is exchanged for another.
PORT_TRIES = 6


def start(settings: Settings, *, options: Mapping[str, str] | None = None) -> str:
    """Start State unless it runs, and return its address. Safe to call from several processes at once.

    Args: options: PostgreSQL settings on top of OPTIONS (tests switch fsync off).
    Raises: StateUnavailable, with PostgreSQL's own words.
    """
    if settings.state.url:
        return settings.state.url
    account = _prepare(settings)
    with exclusive(settings.state_dir / "start.lock"):
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            if not serves(settings):
                _begin(settings, account, options or {})
            try:
                found = _wait_ready(settings)
                _ensure_database(settings)
            except (psycopg.OperationalError, StateUnavailable) as error:
                # A server that was killed a moment ago still looks alive; look again.
                if time.monotonic() > deadline:
                    raise StateUnavailable(f"State does not answer: {str(error).strip()}") from error
                time.sleep(0.05)
            else:
                return found


def locate(settings: Settings) -> str:
    """The address of State, which must run already. Contains its password: never print it.

    Raises: StateUnavailable, saying how to start it.
    """
    if settings.state.url:
        return settings.state.url
    if not serves(settings):
        raise StateUnavailable(
            f"State is not running in {settings.workspace}. Start Dangol there: dangol up --workspace {settings.quoted}"
        )
    return _wait_ready(settings)


def is_running(settings: Settings) -> bool:
    """Whether State answers."""
    try:
        with connect(settings):
            return True
    except StateUnavailable:
        return False


def connect(settings: Settings, **options: Any) -> Connection[Any]:
    """A connection to State. Options are psycopg's. Raises: StateUnavailable."""
    address = locate(settings)
    try:
        connection = psycopg.connect(address, **{"connect_timeout": 10, **options})
    except psycopg.OperationalError as error:
        raise StateUnavailable(f"State does not answer: {str(error).strip()}") from error
    step_back(settings, connection)
    return connection


def step_back(settings: Settings, connection: Connection[Any]) -> None:
    """Let PostgreSQL's part of *connection* be no more urgent than this process, where the server is the workspace's own.

    Half of what a worker does is done there; only the half here would give way to pages and intake.
    """
    if not settings.state.url and (niceness := os.getpriority(os.PRIO_PROCESS, 0)) > 0:
        with contextlib.suppress(OSError):  # not allowed, or gone
            os.setpriority(os.PRIO_PROCESS, connection.info.backend_pid, niceness)


def stop(settings: Settings) -> None:
    """Stop State cleanly; open transactions are rolled back. Nothing happens when it is not running or not ours."""
    if settings.state.url or not settings.state_dir.exists():
        return
    with exclusive(settings.state_dir / "start.lock"):
        if not held(settings):
            return
        pid = postmaster(settings).get("pid")
        if pid is not None and is_postgres(int(pid)):
            os.kill(int(pid), signal.SIGINT)  # "fast": ends sessions, writes a checkpoint
        if not until(lambda: not held(settings), STOP_SECONDS):
            raise StateUnavailable(f"State did not stop within {STOP_SECONDS} s. See {_log_folder(settings)}.")


def process_id(settings: Settings) -> int | None:
    """The pid of the workspace's own PostgreSQL, None when it does not run or is elsewhere."""
    pid = postmaster(settings).get("pid") if not settings.state.url and serves(settings) else None
    return int(pid) if pid else None


def address(settings: Settings, port: int, role: str = ROLE, database: str = DATABASE) -> str:
    """The URL of *database* on *port*. A server that asks for the password in any way but SCRAM is an impostor and gets nothing."""
    password = quote(_password(settings, role))
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}?require_auth=scram-sha-256&sslmode=disable&gssencmode=disable"


def _begin(settings: Settings, account: Account, options: Mapping[str, str]) -> None:
    """Start the server, after the last child of a killed one has ended; the first time make its data."""
    if not until(lambda: not held(settings), STOP_SECONDS):
        raise StateUnavailable(f"Processes of a killed PostgreSQL still use {settings.state_dir}. End them, or restart the machine.")
    data = settings.state_dir / "data"
    if not data.exists():
        _initialise(settings, account, data)
    elif not _password_file(settings, ADMIN).exists():
        _reset_admin(settings, account, data)
    _launch(settings, account, options)


def _prepare(settings: Settings) -> Account:
    make_folder(settings.workspace)
    account = account_for(settings.state_dir)
    settings.logs_dir.mkdir(exist_ok=True)
    for folder in (settings.state_dir, _log_folder(settings)):
        make_folder(folder, 0o700)
        account.own(folder)
    make_folder(settings.secrets_dir, 0o700)
    if account.switch:
        let_others_run()
    return account


def _log_folder(settings: Settings) -> Path:
    return settings.logs_dir / "state"


def _password_file(settings: Settings, role: str) -> Path:
    return settings.secrets_dir / f"state-{role}-password"


def _password(settings: Settings, role: str) -> str:
    """The password of *role*, made when there is none."""
    path = _password_file(settings, role)
    if not path.exists():
        put(path, secrets.token_urlsafe(32).encode())
    return path.read_text(encoding="ascii").strip()


def _run(settings: Settings, account: Account, arguments: list[str], text: str = "") -> None:
    """Run one of PostgreSQL's programs to its end as *account*."""
    reach = [*trees(), settings.state_dir]
    done = subprocess.run(
        account.command(arguments, reach), input=text, capture_output=True, text=True, cwd="/", env=_environment(), check=False
    )
    if done.returncode:
        raise StateUnavailable(f"{Path(arguments[0]).name} failed ({done.returncode}): {done.stderr.strip()[-2000:]}")


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG… variables reaches the server; what it preloads (an allocator, or another clock in tests) does."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "TMPDIR")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _initialise(settings: Settings, account: Account, data: Path) -> None:
    """A new cluster; it appears under its name only when it is whole."""
    fresh = settings.state_dir / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    account.own(fresh)
    password = settings.state_dir / "initial-password"
    password.unlink(missing_ok=True)
    with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_password(settings, ADMIN))
    account.own(password)
    try:
        _run(
            settings,
            account,
            [
                program("initdb"), "--pgdata", str(fresh), "--username", ADMIN, "--pwfile", str(password), "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            ],
        )  # fmt: skip
    finally:
        password.unlink()
    place(fresh, data)


def _reset_admin(settings: Settings, account: Account, data: Path) -> None:
    """Give the server's superuser the password of this workspace again: its secrets were lost or exchanged."""
    # In single-user mode PostgreSQL asks for no password; who may read the data may do this.
    statement = f"alter role {ADMIN} password '{_password(settings, ADMIN)}';\n"
    _run(settings, account, [program("postgres"), "--single", "-D", str(data), "-c", "logging_collector=off", "postgres"], statement)


def _launch(settings: Settings, account: Account, options: Mapping[str, str]) -> None:
    """Start the server in a session of its own, holding the lock, and wait until it answers."""
    remembered = settings.state_dir / "port"
    _clear_stale_pid(settings)
    told = remembered.read_bytes().strip() if remembered.exists() else b""
    port = int(told) if told.isdigit() else free_port()
    for _ in range(PORT_TRIES):
        if not is_free(port):
            port = free_port()
        if _launch_on(settings, account, options, port):
            put(remembered, str(port).encode())
            return
        port = free_port()
    raise StateUnavailable(f"PostgreSQL did not start in {settings.state_dir}. Its last words: {_last_words(settings)}")


def _launch_on(settings: Settings, account: Account, options: Mapping[str, str], port: int) -> bool:
    data = settings.state_dir / "data"
    all_options = {**OPTIONS, **sized(held_bytes(data), memory_bytes()), "log_directory": str(_log_folder(settings)), "port": str(port), **options}
    arguments = [program("postgres"), "-D", str(data)]
    for name, value in all_options.items():
        arguments += ["-c", f"{name}={value}"]
    reach = [*trees(), data, _log_folder(settings)]
    lock = open_lock(settings)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (settings.logs_dir / "state-start.log").open("wb") as words:
            subprocess.run(
                account.command(arguments, reach, detach=True), stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                cwd="/", env=_environment(), pass_fds=[lock], start_new_session=True, check=False,
            )  # fmt: skip
    finally:
        os.close(lock)  # the server keeps its copy: the lock is held until its last process ends
    until(lambda: not serves(settings) or postmaster(settings).get("status") == "ready", START_SECONDS)
    return held(settings)


def _clear_stale_pid(settings: Settings) -> None:
    """Nobody holds the lock, so no process of this cluster lives; a pid file left by a crash would only mislead."""
    (settings.state_dir / "data" / "postmaster.pid").unlink(missing_ok=True)


def _ensure_database(settings: Settings) -> None:
    """The role and database of Dangol. The role is no superuser: SQL cannot reach the machine's files."""
    password = _password(settings, ROLE)
    port = int(postmaster(settings)["port"])
    try:
        psycopg.connect(address(settings, port)).close()
    except psycopg.OperationalError:
        pass  # new, or interrupted when it was new, or its password was lost
    else:
        return
    with psycopg.connect(address(settings, port, ADMIN, "postgres"), autocommit=True) as admin:
        # The password is 256 random bits; many rounds of hashing would only make each connection slower.
        admin.execute("set scram_iterations = 1")
        exists = admin.execute("select 1 from pg_roles where rolname = %s", [ROLE]).fetchone()
        verb = sql.SQL("alter" if exists else "create")
        admin.execute(sql.SQL("{} role {} login createdb password {}").format(verb, sql.Identifier(ROLE), sql.Literal(password)))
        if not admin.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            admin.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


def _wait_ready(settings: Settings) -> str:
    """The address once the server accepts connections."""
    ready = until(lambda: postmaster(settings).get("status") == "ready" or not serves(settings), START_SECONDS)
    if not ready or not serves(settings):
        raise StateUnavailable(f"State is stopping or not yet ready in {settings.workspace}. Try again in a moment.")
    return address(settings, int(postmaster(settings)["port"]))


def _last_words(settings: Settings) -> str:
    """The end of what PostgreSQL said, for the person who must mend it."""
    logs = [settings.logs_dir / "state-start.log", *sorted(_log_folder(settings).glob("*.log"), key=lambda path: path.stat().st_mtime)]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace")[-1500:] for path in (logs[0], logs[-1]) if path.exists())
    return text.strip() or "none"
