"""What answers rest on is looked at ahead: no request waits for it, and nothing is believed longer than before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from tests.api.live import Live
from tests.patience import until

from dangol.console.api import keeping
from dangol.console.api.keeping import Keeper
from dangol.console.api.operations import KeptRules
from dangol.console.api.principals import Believed
from dangol.engines import state
from dangol.identity import keep_rules, shipped_document
from dangol.operators import Role, add_token, revoke_token
from dangol.settings import Settings


@pytest.fixture
def connection(workspace: Settings) -> Iterator[psycopg.Connection[Any]]:
    """State of an empty workspace."""
    with state.connect(workspace, autocommit=True) as one:
        yield one


@pytest.fixture(autouse=True)
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests themselves would not look again for ten minutes."""
    monkeypatch.setattr("dangol.console.api.principals.BELIEVED_SECONDS", 600.0)
    monkeypatch.setattr("dangol.console.api.operations.RULES_SECONDS", 600.0)


def test_the_keeper_finds_a_token_revoked(live: Live) -> None:
    """A program that goes on asking is refused although no request of its own looked the token up again."""
    assert live.get("/status", "analyst").status == 200
    revoke_token(live.connection, "analyst")
    until(lambda: live.get("/status", "analyst").status == 401)


def test_the_keeper_finds_new_rules(workspace: Settings, connection: psycopg.Connection[Any]) -> None:
    """The rules of identity that somebody applied are in force for requests, which never looked."""
    kept = KeptRules()
    keeper = Keeper(workspace, kept)
    before = kept.rules(connection, "KR").version
    keeper.start()
    newest = keep_rules(connection, shipped_document(), actor="operator:mina@brand.kr", why="a test", at=datetime.now(UTC))
    assert newest > before
    until(lambda: kept.rules(connection, "KR").version == newest)
    keeper.close()


def test_nobody_asking_costs_nothing(connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper looks at what was used since it looked last, once, and at nothing else."""
    believed, kept = Believed(), KeptRules()
    secret = add_token(connection, "pos-sync", Role.ANALYST).secret
    for _ in range(3):
        assert believed.holder(connection, secret) is not None
        kept.rules(connection, "KR")
    asked: list[str] = []
    real = psycopg.Cursor.execute
    monkeypatch.setattr(psycopg.Cursor, "execute", lambda cursor, query, *args, **more: (asked.append(str(query)), real(cursor, query, *args, **more))[1])
    for _ in range(3):
        believed.refresh(connection)
        kept.refresh(connection)
    assert ["api_token" in query for query in asked] == [True, False]


def test_while_state_is_away_the_keeper_goes_on(workspace: Settings, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks is replaced; until then requests look themselves."""
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.02)
    looked: list[int] = []

    class Breaking:
        def refresh(self, _connection: Any) -> None:
            looked.append(1)
            if len(looked) == 1:
                raise psycopg.OperationalError("the connection is lost")

    keeper = Keeper(workspace, Breaking())
    keeper.start()
    until(lambda: len(looked) > 3)
    keeper.close()
