"""People for tests of suggested matches: who they are, and matches between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from tests.flow.machine import Machine
from tests.flow.test_people import identify

from dangol import matches
from dangol.events import node_id
from dangol.identity.matching import Match, Reason
from dangol.identity.suggestions import Approver, Kept, keep, pair
from dangol.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MINA, JOON = Approver("operator:mina@brand.kr", "owner"), Approver("operator:joon@brand.kr", "agent")


def match(one: UUID, other: UUID, probability: float = 0.99, **values: str) -> Match:
    """A match of two people; each keyword is a field that is the same in both."""
    a, b = pair(one, other)
    reasons = [Reason("prior", "prior", -14.0, "", ""), *(Reason(field, "same", 10.3, value, value) for field, value in (values or {"name": "김민아", "birth_date": "1990-01-31"}).items())]
    return Match(a, b, probability, sum(one.bits for one in reasons), tuple(reasons))


def mail(name: str) -> UUID:
    """The node of a customer who is known by an e-mail address."""
    return node_id("email", f"{name}@b.kr")


def member(name: str) -> UUID:
    """The node of a member."""
    return node_id("user_id", name)


def arrive(machine: Machine, *names: str, members: bool = False) -> None:
    """These people are known from now on, by an e-mail address or a member id."""
    machine.feed(*(identify(f"arrived-{name}", 0, **({"userId": name} if members else {"traits": {"email": f"{name}@b.kr"}, "anonymousId": f"browser-{name}"})) for name in names))
    machine.settle()


def suggest(machine: Machine, *found: Match, run: int = 1) -> Kept:
    """Keep these matches as a run does."""
    with machine.connection.transaction():
        return keep(machine.connection, found, run=run, model_version=1, at=NOW)


@contextmanager
def desk(settings: Settings) -> Iterator[matches.Desk]:
    """Where verdicts are carried out."""
    with matches.desk(settings) as one:
        yield one


def person(machine: Machine, node: UUID) -> UUID:
    """Whose identifier it is now."""
    return machine.rows("select person_id from identifier where node_id = %s", node)[0][0]
