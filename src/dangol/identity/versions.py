"""Versions of the rule set: which there were, who put each in force and why, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.asking import ask
from dangol.errors import DangolError
from dangol.identity.ruleset import default_rules, shipped_document


class RulesOvertaken(DangolError):
    """Other rules are in force by now than those that a trial compared with."""

    code = "rules_overtaken"


@dataclass(frozen=True, slots=True)
class RuleSetVersionView:
    """One version of the rule set."""

    version: int
    document: str
    #: Who put it in force; "dangol" for the one that ships.
    actor: str
    why: str
    #: None: it ships with Dangol, and was in force from the beginning.
    applied_at: datetime | None


def rule_set_versions(connection: Connection[Any]) -> list[RuleSetVersionView]:
    """Every version, newest first; the last is the one that ships with this Dangol."""
    rows = ask(connection, "select version, document, actor, why, applied_at from identity_rule_set order by version desc")
    return [*(RuleSetVersionView(*row) for row in rows), RuleSetVersionView(default_rules().version, shipped_document(), "dangol", "", None)]


def must_still_hold(connection: Connection[Any], version: int | None) -> None:
    """Refuse what was compared with rules that others have replaced since. Args: version: compared with; None: with none. Raises: RulesOvertaken."""
    newest = rule_set_versions(connection)[0]
    if version is not None and newest.version != version:
        raise RulesOvertaken(
            f"{newest.actor.partition(':')[2] or newest.actor} put version {newest.version} in force since; this was compared with version {version}."
            " Nothing was changed. Try the rules again, to see what they change now."
        )
