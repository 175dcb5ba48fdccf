"""Connections to State that an event loop asks by itself: no thread waits, so no answer waits for a change of threads.

Handing a request to a thread and its answer back costs 150 to 200 µs of CPU on two busy processors, about as much as a whole read.
Source: PostgreSQL documentation, libpq, section "Asynchronous Command Processing".
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from dangol.asking import Asked, Asking, Question, advance

T = TypeVar("T")

#: Characters of an answer up to which the loop itself makes something of it; more is left to a thread, so that nobody else waits for it.
LOOP_CHARACTERS = 50_000


class Wires:
    """Up to *most* connections of one event loop, opened when they are needed, each answering one question at a time."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], most: int, threads: Executor) -> None:
        """Args: connect: opens a connection in autocommit; called in one of *threads*, which also take over what is large."""
        self._connect = connect
        self._threads = threads
        self._turns = asyncio.Semaphore(most)
        self._idle: list[_Wire] = []
        self._closed = False

    async def answered(self, asking: Asking[T], finish: Callable[[T], Any]) -> Any:
        """What *finish* makes of what comes of *asking*. Raises: psycopg.Error and StateUnavailable as a connection would, and what both raise."""
        step, rows = advance(asking), []
        while step.asked is not None:
            rows = await self._ask(step.asked)
            step = await self._aside(rows, partial(advance, asking, rows))
        return await self._aside(rows, partial(finish, step.result))

    def close(self) -> None:
        """Let the idle ones go, and each other one when it has answered. To be called in the loop, or after it has ended."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _aside(self, rows: list[Any], work: Callable[[], Any]) -> Any:
        if sum(len(text or "") for row in rows for text in row) <= LOOP_CHARACTERS:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _ask(self, asked: Asked) -> list[Any]:
        async with self._turns:
            wire = await self._taken()
            try:
                return await wire.ask(asked.question, asked.parameters)
            finally:
                if wire.usable and not self._closed:
                    self._idle.append(wire)
                else:
                    wire.close()

    async def _taken(self) -> _Wire:
        while self._idle:
            wire = self._idle.pop()
            if wire.silent:
                return wire
            wire.close()
        return _Wire(await asyncio.get_running_loop().run_in_executor(self._threads, self._connect))


class _Wire:
    """One connection, watched by the running loop: one that the server ends is noticed at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pg: PGconn = connection.pgconn
        self._pg.nonblocking = 1
        self._prepared: dict[Question, bytes] = {}
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._read)
        self._unasked = select.poll()
        self._unasked.register(self._socket, select.POLLIN)

    @property
    def usable(self) -> bool:
        """Whether it waits for a question."""
        return self._answer is None and self._pg.status == ConnStatus.OK and self._pg.transaction_status == TransactionStatus.IDLE

    @property
    def silent(self) -> bool:
        """Whether it is usable and the server has said nothing since its last answer, as far as the kernel knows now.

        What the server says unasked is that it ends the connection, or what a reload of its settings changed; the loop may not have read it yet.
        """
        return self.usable and not self._unasked.poll(0)

    async def ask(self, question: Question, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows of texts that *question* answers. Raises: psycopg.Error."""
        name = self._prepared.get(question)
        if name is None:
            name = b"question_%d" % len(self._prepared)
            self._pg.send_prepare(name, question.numbered.encode())
            await self._answered()
            self._prepared[question] = name
        given = [parameters[one] for one in question.names]
        self._pg.send_query_prepared(name, [None if value is None else str(value).encode() for value in given])
        result = await self._answered()
        return [
            tuple(None if (value := result.get_value(row, column)) is None else value.decode() for column in range(result.nfields))
            for row in range(result.ntuples)
        ]

    def close(self) -> None:
        """Let the connection go; who still waits for an answer is told."""
        if self._socket >= 0:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.remove_reader(self._socket)
                self._loop.remove_writer(self._socket)
            self._socket = -1
            self._connection.close()
        self._tell(psycopg.OperationalError("the connection to State was closed"))

    async def _answered(self) -> PGresult:
        if self._pg.flush():
            self._loop.add_writer(self._socket, self._write)
        self._answer = self._loop.create_future()
        try:
            result = await self._answer
        except asyncio.CancelledError:
            self._answer = None
            self.close()  # its answer is still to come, and nobody's any more
            raise
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        raise psycopg.errors.error_from_result(result, encoding="utf-8")

    def _write(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self._tell(error)
            self.close()

    def _read(self) -> None:
        if self._answer is None:
            self.close()  # the server ends it, or changed its settings: in either case the next question has a new one
            return
        try:
            self._pg.consume_input()
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    break
                self._result = result
            else:
                return
        except psycopg.OperationalError as error:
            self._tell(error)
            self.close()
            return
        if self._answer is not None and self._result is not None:
            answer, result, self._answer, self._result = self._answer, self._result, None, None
            if not answer.done():
                answer.set_result(result)

    def _tell(self, error: psycopg.Error) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
