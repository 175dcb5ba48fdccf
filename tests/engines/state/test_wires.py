"""An event loop asks State by itself: the same answers and the same errors as a connection gives, and nobody waits for a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from dangol.asking import Asked, Asking, Question, answered
from dangol.engines import state
from dangol.engines.state import wires as module
from dangol.settings import Settings

NAMED = Question("select %(word)s::text || coalesce(%(id)s::uuid::text, '') || %(word)s::text, (%(number)s::int + 1)::text, null::text")
SLOW = Question("select pg_sleep(%(seconds)s::float8)::text")
PID = Question("select pg_backend_pid()::text")
PATIENCE_SECONDS = 60.0


def saying(question: Question, **parameters: Any) -> Asking[Any]:
    """One question; what it answers."""
    return (yield Asked(question, parameters))


def twice() -> Asking[tuple[Any, Any]]:
    """A question that depends on the one before."""
    first = yield Asked(NAMED, {"word": "가", "id": UUID(int=1), "number": 1})
    second = yield Asked(NAMED, {"word": first[0][0], "id": UUID(int=2), "number": first[0][1]})
    return first, second


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads to connect in."""
    with ThreadPoolExecutor(2, thread_name_prefix="wires") as pool:
        yield pool


@pytest.fixture
def ask(workspace: Settings, threads: ThreadPoolExecutor) -> Callable[..., Any]:
    """Run a coroutine function with at most two wires (`most`) in an event loop of its own."""

    def run(work: Callable[[state.Wires], Awaitable[Any]], most: int = 2) -> Any:
        async def main() -> Any:
            wires = state.Wires(lambda: state.connect(workspace, autocommit=True, application_name="wires"), most, threads)
            try:
                return await asyncio.wait_for(work(wires), PATIENCE_SECONDS)
            finally:
                wires.close()

        return asyncio.run(main())

    return run


def as_it_is(result: Any) -> Any:
    """Nothing more is made of it."""
    return result


def test_both_ways_answer_alike(workspace: Settings, ask: Callable[..., Any]) -> None:
    """An Asking comes to the same on a connection and in an event loop, whatever it asks after what it was told."""
    with state.connect(workspace, autocommit=True) as connection:
        expected = answered(connection, twice())
    assert expected[1][0] == (f"{expected[0][0][0]}{UUID(int=2)}{expected[0][0][0]}", "3", None)
    assert ask(lambda wires: wires.answered(twice(), as_it_is)) == expected


def test_wires_are_few_and_used_again(ask: Callable[..., Any]) -> None:
    """However many ask at the same time, there are no more connections than allowed, and each asker has its own answer."""

    async def work(wires: state.Wires) -> tuple[set[str], list[str]]:
        pids = await asyncio.gather(*(wires.answered(saying(PID), as_it_is) for _ in range(40)))
        told = await asyncio.gather(*(wires.answered(saying(NAMED, word="", id=None, number=n), as_it_is) for n in range(40)))
        return {rows[0][0] for rows in pids}, [rows[0][1] for rows in told]

    pids, told = ask(work)
    assert len(pids) <= 2
    assert told == [str(n + 1) for n in range(40)]


def test_an_error_is_told_and_the_wire_lives_on(ask: Callable[..., Any]) -> None:
    """What PostgreSQL refuses comes as psycopg's error, to whoever asked; the next question is answered by the same connection."""

    async def work(wires: state.Wires) -> tuple[Any, Any]:
        before = await wires.answered(saying(PID), as_it_is)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            await wires.answered(saying(NAMED, word="", id="no id", number=1), as_it_is)
        with pytest.raises(psycopg.errors.UndefinedTable):
            await wires.answered(saying(Question("select told from no_such_table")), as_it_is)
        return before, await wires.answered(saying(PID), as_it_is)

    before, after = ask(work, most=1)
    assert before == after


def test_a_wire_that_the_server_cut_is_replaced(workspace: Settings, ask: Callable[..., Any]) -> None:
    """One that was idle when State ended it is never asked; one that was waiting says that the connection is gone."""

    async def work(wires: state.Wires) -> None:
        with state.connect(workspace, autocommit=True) as other:

            def cut(pid: str) -> None:
                other.execute("select pg_terminate_backend(%s, 30000)", [int(pid)])

            def until_asleep(pid: str) -> None:
                while not other.execute("select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'", [int(pid)]).fetchone():
                    time.sleep(0.01)

            seen = [(await wires.answered(saying(PID), as_it_is))[0][0]]
            await asyncio.to_thread(cut, seen[-1])  # the loop has most likely noticed
            seen.append((await wires.answered(saying(PID), as_it_is))[0][0])
            cut(seen[-1])  # the loop has had no turn to notice
            seen.append((await wires.answered(saying(PID), as_it_is))[0][0])
            assert len(set(seen)) == 3
            waiting = asyncio.ensure_future(wires.answered(saying(SLOW, seconds=PATIENCE_SECONDS), as_it_is))
            await asyncio.to_thread(until_asleep, seen[-1])
            await asyncio.to_thread(cut, seen[-1])
            with pytest.raises(psycopg.OperationalError):
                await waiting
            assert (await wires.answered(saying(PID), as_it_is))[0][0] not in seen

    ask(work, most=1)


def test_who_stops_waiting_leaves_no_answer_behind(ask: Callable[..., Any]) -> None:
    """A question given up is nobody else's answer: its connection is let go, and its turn given to the next."""

    async def work(wires: state.Wires) -> Any:
        waiting = asyncio.ensure_future(wires.answered(saying(SLOW, seconds=PATIENCE_SECONDS), as_it_is))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await wires.answered(saying(NAMED, word="next", id=None, number=1), as_it_is)

    assert ask(work, most=1)[0][0] == "nextnext"


@pytest.mark.parametrize(("letters", "aside"), [(10, False), (2 * module.LOOP_CHARACTERS, True)])
def test_large_answers_are_made_in_a_thread(ask: Callable[..., Any], letters: int, aside: bool) -> None:
    """What takes long to read does not keep the loop from its other requests; what is small stays in it."""

    def folded() -> Asking[tuple[bool, int]]:
        rows = yield Asked(Question("select repeat('x', %(letters)s::int)"), {"letters": letters})
        return threading.current_thread().name.startswith("wires"), len(rows[0][0])

    def finish(told: tuple[bool, int]) -> tuple[bool, bool, int]:
        return told[0], threading.current_thread().name.startswith("wires"), told[1]

    assert ask(lambda wires: wires.answered(folded(), finish)) == (aside, aside, letters)


def test_a_large_question_is_sent_whole(ask: Callable[..., Any]) -> None:
    """More than a socket takes at once is sent in portions."""
    text = "단골" * 4_000_000
    assert len(ask(lambda wires: wires.answered(saying(NAMED, word=text, id=None, number=1), as_it_is))[0][0]) == 2 * len(text)


def test_what_goes_wrong_outside_state_is_told(ask: Callable[..., Any]) -> None:
    """An error of the asker, or of what is made of its answer, reaches who waits, and wires stay usable."""

    def failing() -> Asking[None]:
        yield Asked(PID, {})
        raise LookupError("after the answer")

    def refuse(_result: Any) -> Any:
        raise ValueError("while finishing")

    async def work(wires: state.Wires) -> Any:
        with pytest.raises(LookupError):
            await wires.answered(failing(), as_it_is)
        with pytest.raises(ValueError, match="while finishing"):
            await wires.answered(saying(PID), refuse)
        return await wires.answered(saying(NAMED, word="a", id=None, number=1), as_it_is)

    assert ask(work, most=1)[0][0] == "aa"
