"""Commands that need State work while nothing runs: they start it for the moment and leave nothing behind."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dangol.engines import state
from dangol.settings import load
from tests.cli.conftest import Shop

pytestmark = pytest.mark.slow


def test_keys_and_tokens_stand_alone_on_the_last_line(shop: Shop):
    """source add, token add and operator add print what a script needs alone; only hashes of secrets are kept; all is audited."""
    key = shop.ok("source", "add", "web", "--kind", "web")
    assert key.out.strip() == key.last_line
    assert json.loads((shop.folder / "run" / "collect-snapshot.json").read_text(encoding="utf-8"))["sources"][0]["write_key"] == key.last_line
    token = shop.ok("token", "add", "연동", "--role", "analyst").out.strip()
    password = shop.ok("operator", "add", "mina@brand.kr", "--role", "owner", "--name", "미나").out.strip()
    shop.ok("operator", "add", "jun@brand.kr", "--role", "agent", "--password-stdin", stdin="four unrelated words here\n")
    settings = load(shop.folder, environ={})
    assert state.process_id(settings) is None, "State was left running"
    state.start(settings)
    try:
        with state.connect(settings) as connection:
            digests = [row[0] for row in connection.execute("select digest from api_token")]
            kept = " ".join(row[0] for row in connection.execute("select password from operator"))
            acts = [row[0] for row in connection.execute("select act from audit_entry order by id")]
    finally:
        state.stop(settings)
    assert digests == [hashlib.sha256(token.encode()).hexdigest()]
    assert "argon2" in kept
    assert password not in kept
    assert acts == ["source.added", "token.added", "operator.added", "operator.added"]


def test_two_commands_at_once_share_state_and_stop_it_once(shop: Shop):
    """Commands that overlap neither disturb each other nor leave State running."""
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda number: shop.run("token", "add", f"t{number}", "--role", "analyst"), range(3)))
    assert [ran.code for ran in done] == [0, 0, 0], [ran.err for ran in done]
    assert state.process_id(load(shop.folder, environ={})) is None


def test_a_state_that_somebody_started_is_left_running(shop: Shop):
    """A command never stops a State that was running when it came."""
    settings = load(shop.folder, environ={})
    state.start(settings)
    try:
        shop.ok("doctor", "--json")
        assert shop.run("receipt", "nothing").code == 1
        assert state.process_id(settings) is not None
    finally:
        state.stop(settings)


def test_wait_gives_up_and_says_what_is_behind(shop: Shop):
    """With events in the log and nobody to process them, wait ends with 1 and names the lane."""
    shop.ok("source", "add", "web", "--kind", "web")
    shop.ok("import", "-", "--source", "web", stdin='{"type":"track","event":"Seen","userId":"u1"}\n')
    ran = shop.run("wait", "--timeout", "0.5")
    assert ran.code == 1
    assert "dangol up" in ran.err
    assert shop.ok("status", "--json").json["received"] == 1


def test_the_doctor_names_what_to_do(shop: Shop):
    """Every finding that is not fine says what to do; a healthy workspace is well."""
    answer = shop.ok("doctor", "--json").json
    assert answer["well"]
    assert all(finding["do"] for finding in answer["findings"] if finding["verdict"] == "mend")
    (shop.folder / "secrets").chmod(0o755)
    ran = shop.run("doctor", "--json")
    assert ran.code == 1
    assert any("chmod 700" in finding["do"] for finding in ran.json["findings"])
