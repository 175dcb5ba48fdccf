"""State away, broken, or of another version when Dangol comes up: intake works at once, everything else as soon as it can."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import psycopg
import pytest

from dangol.engines import state
from dangol.settings import Settings, load
from tests.cli.conftest import Ran, Shop, make_shop
from tests.cli.test_supervisor import add_up, event, key_of
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

WAITING = ("process", "deliver", "learn", "console")


@pytest.fixture
def closed_shop(tmp_path: Path):
    """A workspace that ran once, knows a source, and is down."""
    shop = make_shop(tmp_path)
    key = key_of(shop)  # starts State for the moment, and writes intake's snapshot
    yield shop, key
    shop.run("down")
    state.stop(load(shop.folder, environ={}))


def up_without_state(shop: Shop) -> Ran:
    """`up --detach` comes back with 1, says what is missing, and everything that needs State waits."""
    ran = shop.run("up", "--detach")
    assert ran.code == 1, ran.out
    assert "Not everything came up" in ran.err
    until(lambda: shop.processes()["collect"]["state"] == "running")
    processes = shop.processes()
    assert {(processes[name]["state"], processes[name]["last_end"]) for name in WAITING} == {("waiting", "waits for State")}
    return ran


def all_comes_up(shop: Shop) -> None:
    """Everything runs without anybody's doing, and nothing is said to be missing."""
    until(lambda: shop.news()["ready"], 2 * PATIENCE_SECONDS, "it did not come up by itself")
    assert shop.status()["notes"] == []
    assert {shop.processes()[name]["state"] for name in WAITING} == {"running"}


@pytest.mark.chaos
def test_a_server_that_is_away_keeps_nobody_from_coming_up(tmp_path: Path):
    """state.url unreachable: before the first time intake answers 503, later it accepts; all follows when the server is there."""
    shop = make_shop(tmp_path)
    server = load(shop.folder, environ={})  # the workspace's own PostgreSQL plays the brand's server
    url = state.start(server)
    state.stop(server)
    file = shop.folder / "dangol.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('#url = ""', f'url = "{url}"'), encoding="utf-8")
    try:
        ran = up_without_state(shop)
        assert "connection refused" in ran.err.lower()
        assert "answers 503" in ran.err
        assert url not in ran.err
        status, wait = answer_of(shop, "whatever")
        assert (status, wait.isdigit()) == (503, True)
        note = shop.status()["notes"][0]
        assert "State is missing" in note
        state.start(server)
        all_comes_up(shop)
        key = key_of(shop)
        shop.send(key, event(1, "first"))
        shop.ok("wait", "--timeout", "120")
        shop.ok("down")
        state.stop(server)
        up_without_state(shop)
        shop.send(key, *(event(n, "away") for n in range(20)))
        assert shop.status()["received"] == 21
        state.start(server)
        all_comes_up(shop)
        shop.ok("wait", "--timeout", "120")
        assert shop.status()["applied"] == 21
        assert add_up(shop.status())
    finally:
        shop.run("down")
        state.stop(server)


def test_a_postgresql_that_does_not_start_is_told_in_its_own_words(closed_shop: tuple[Shop, str]):
    """Its own PostgreSQL broken and its port taken: intake accepts; mended, all starts by itself, on another port."""
    shop, key = closed_shop
    broken = shop.folder / "state" / "data" / "postgresql.auto.conf"
    sound = broken.read_text(encoding="utf-8")
    broken.write_text(sound + "no_such_setting = on\n", encoding="utf-8")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int((shop.folder / "state" / "port").read_text(encoding="ascii"))))
        taken.listen()
        ran = up_without_state(shop)
        assert 'unrecognized configuration parameter "no_such_setting"' in ran.err
        doctor = shop.run("doctor")
        assert doctor.code == 1
        assert "does not run: waits for State" in doctor.out
        shop.send(key, *(event(n, "broken") for n in range(20)))
        broken.write_text(sound, encoding="utf-8")
        all_comes_up(shop)
    shop.ok("wait", "--timeout", "120")
    assert shop.status()["applied"] == 20


def test_tables_fit_before_anything_uses_them(closed_shop: tuple[Shop, str]):
    """An upgrade that fails is tried again with one copy kept, a State of a newer version is left alone; intake accepts meanwhile."""
    shop, key = closed_shop
    settings = load(shop.folder, environ={})
    state.start(settings)
    change(settings, "drop table subscription; create table subscription (id int); delete from django_migrations where app = 'feeds'")
    ran = up_without_state(shop)
    assert 'relation "subscription" already exists' in ran.err
    shop.send(key, *(event(n, "old") for n in range(20)))
    assert len(list((shop.folder / "backups").glob("*.dump"))) == 1
    change(settings, "drop table subscription; insert into django_migrations (app, name, applied) values ('lake', '9999_future', now())")
    until(lambda: any("newer Dangol" in note for note in shop.status()["notes"]))
    assert shop.processes()["process"]["pid"] is None
    change(settings, "delete from django_migrations where name = '9999_future'")
    all_comes_up(shop)
    shop.ok("wait", "--timeout", "120")
    assert shop.status()["applied"] == 20


def change(settings: Settings, statements: str) -> None:
    """Change State behind everybody's back."""
    with psycopg.connect(state.locate(settings)) as connection:
        connection.execute(statements)  # type: ignore[call-overload]


def answer_of(shop: Shop, key: str) -> tuple[int, str]:
    """What intake answers to one event: status and Retry-After."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{shop.collect_port}/v1/batch",
        json.dumps({"batch": [event(0, "early")]}).encode(),
        {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode(), "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Retry-After", "")
