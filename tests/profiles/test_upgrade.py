"""Workspaces from before every value was kept: what they hold becomes the new form, and reads as it did."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as django_connection

from dangol.engines import state
from dangol.profiles.rules import StoredFragment, decode_body, encode_body, fold
from dangol.settings import Settings

OLD = {"groups": {"H-1": [None, 7, "g1", 2]}, "traits": {"city": ["서울", 5, "m1", 1], "gone": [None, 6, "m2", 1], "list": [["a", "b"], 5, "m1", 3]}}


@pytest.mark.parametrize("portion", [1, 2, 5000])
def test_what_was_kept_is_kept(workspace: Settings, monkeypatch: pytest.MonkeyPatch, portion: int):
    """Each fragment's newest values, its groups and its bytes' order survive; fragments without a body stay as they are."""
    migration: Any = importlib.import_module("dangol.profiles.migrations.0005_values_told")
    monkeypatch.setattr(migration, "PORTION", portion)
    body = json.dumps(OLD, ensure_ascii=False, separators=(",", ":")).encode()
    with state.connect(workspace, autocommit=True) as connection:
        for number in range(5):
            connection.execute(
                "insert into fragment (node_id, device_id, first_at, last_at, events, least_us, body) values (%s, %s, now(), now(), 1, null, %s)",
                [UUID(int=number // 2), UUID(int=number), body if number != 3 else None],
            )
        migration.widen(None, SimpleNamespace(connection=django_connection))
        rows = connection.execute("select body from fragment order by device_id").fetchall()
    bodies = [None if row[0] is None else bytes(row[0]) for row in rows]
    assert bodies[3] is None
    assert len({one for one in bodies if one}) == 1
    told = decode_body(bodies[0])
    assert encode_body(told) == bodies[0], "as a rebuild would write it"
    profile = fold([StoredFragment(b"n" * 16, b"\0" * 16, 0, 0, 1, None, bodies[0])])
    assert {name: [one.value for one in history.told] for name, history in profile.traits.items()} == {"city": ["서울"], "gone": [None], "list": [["a", "b"]]}
    assert (profile.groups["H-1"].since.at, profile.groups["H-1"].holds) == (7, True)
