"""FLOW is true: it names every fact, and what it says happens is what apply_batch does, in that order."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from dangol import flow
from dangol.events.facts import FactKind
from dangol.flow import FLOW, Reaction
from tests.house.tree import ROOMS

#: Facts that a batch of arrivals brings; the others follow from them or from people's decisions.
ARRIVING = {"frame.accepted", *(kind for kind in FactKind if kind.startswith("event."))}

NAMED = re.compile(r"\((\w+)\)$")


def _by(reaction: Reaction) -> str:
    found = NAMED.search(reaction.does)
    return found[1] if found else ""


def test_every_fact_stands_in_the_flow():
    """No kind of fact is written about which the table is silent, and none stands in it that is not written."""
    assert {reaction.fact for reaction in FLOW} - {"frame.accepted"} == set(FactKind)


@pytest.mark.parametrize("reaction", FLOW, ids=lambda one: f"{one.fact}-{one.room}")
def test_a_reaction_names_what_exists(reaction: Reaction):
    """The room is a room, and the name behind the sentence is one of that room that the flow uses, or one of the flow itself."""
    assert reaction.room in ROOMS
    by = _by(reaction)
    if by:
        thing = getattr(flow, by)
        home = getattr(thing, "__module__", None)
        if home is None:  # a table of columns: find the room that defines it
            tree = ast.parse(inspect.getsource(flow))
            home = next(node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and by in {alias.name for alias in node.names})
        assert str(home).split(".")[1] in {reaction.room, "flow"}


def test_the_order_is_the_order_of_apply_batch():
    """For each fact, those who react are called in the order in which the table names them."""
    tree = ast.parse(inspect.getsource(flow.apply_batch)).body[0]
    used: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.setdefault(node.id, node.lineno)
            used[node.id] = min(used[node.id], node.lineno)
    assert {_by(reaction) for reaction in FLOW if reaction.fact in ARRIVING} - used.keys() - {""} == set(), "told, but not done"
    for fact in {reaction.fact for reaction in FLOW}:
        lines = [used[_by(reaction)] for reaction in FLOW if reaction.fact == fact and _by(reaction) in used]
        assert lines == sorted(lines), f"{fact} is carried out in another order than told"


def test_nothing_in_apply_batch_is_left_untold():
    """Every function of a room that apply_batch calls to change State stands in the table."""
    tree = ast.parse(inspect.getsource(flow))
    of_rooms = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[1:2] and str(node.module).split(".")[1] in ROOMS for alias in node.names}
    body = ast.parse(inspect.getsource(flow.apply_batch))
    called = {node.func.id for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args and isinstance(node.args[0], ast.Name) and node.args[0].id == "connection"}
    told = {_by(reaction) for reaction in FLOW}
    #: Steps of the same transaction that follow from those in the table.
    followers = {"shift_timeline", "lines_to_move", "release", "count", "keep"}
    assert called & of_rooms - told - followers == set()
