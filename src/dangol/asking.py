"""One way to ask State that does not depend on how a connection makes rows and loads ids, and one that does not depend on who waits.

A reader that is an `Asking` yields its questions and is sent the rows: `answered` drives it on a connection, `engines.state.Wires`
from an event loop, without a thread that waits.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from psycopg import Connection
from psycopg.rows import tuple_row

T = TypeVar("T")

_PARAMETER = re.compile(r"%\((\w+)\)s")


def ask(connection: Connection[Any], query: str, params: Any = None) -> list[Any]:
    """All rows that *query* answers, as tuples, with ids as UUID: on a connection of Django, of psycopg, and on the hot path's raw one too."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, params).fetchall()  # type: ignore[arg-type]


class Question:
    """A query with parameters by name, `%(name)s`, that answers texts and nulls alone, and no percent sign besides."""

    def __init__(self, text: str) -> None:
        self.text = text
        #: Its parameters in the order of their numbers.
        self.names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
        #: The same with numbers, `$1`, as PostgreSQL's protocol has them.
        self.numbered = _PARAMETER.sub(lambda found: f"${self.names.index(found[1]) + 1}", text)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its parameters: texts, whole numbers, ids, or None for null."""

    question: Question
    parameters: Mapping[str, Any]


#: Yields what it wants to know, is sent the rows, and returns what came of it.
Asking: TypeAlias = Generator[Asked, list[Any], T]


@dataclass(frozen=True, slots=True)
class Step:
    """How far an Asking came: what it asks next, or what came of it."""

    asked: Asked | None
    result: Any = None


def advance(asking: Asking[Any], rows: list[Any] | None = None) -> Step:
    """Send *rows* (None: begin), and say what follows."""
    try:
        return Step(next(asking) if rows is None else asking.send(rows))
    except StopIteration as end:
        return Step(None, end.value)


def answered(connection: Connection[Any], asking: Asking[T]) -> T:
    """What comes of *asking* when its questions are put to *connection* one after the other."""
    step = advance(asking)
    while step.asked is not None:
        step = advance(asking, ask(connection, step.asked.question.text, step.asked.parameters))
    result: T = step.result
    return result
