from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.flow.machine import Machine
from tests.identity.suggestions.people import JOON, MINA

from dangol.operators import add_operator
from dangol.settings import Settings


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    """A worker on an empty workspace with two operators."""
    one = Machine(workspace)
    for who in (MINA, JOON):
        add_operator(one.connection, who.actor.removeprefix("operator:"), who.role, "four unrelated words here")
    yield one
    one.close()
