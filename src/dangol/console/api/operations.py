"""Operations: each thing the API does is declared once; routes, checks, OpenAPI and the docs page all come from that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from inspect import isgeneratorfunction
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from psycopg import Connection

from dangol.console.api.principals import Principal
from dangol.console.api.problems import Kind, Problem
from dangol.engines.lake import open_lake
from dangol.engines.log import open_log
from dangol.events.ports import Lake
from dangol.identity import RuleSet, rules_in_force
from dangol.intake.ports import Log, LogWriter
from dangol.operators import Permission
from dangol.settings import Settings

PREFIX = "/api/v1"
#: Seconds that the rules of identity are used without looking whether there are new ones.
RULES_SECONDS = 1.0


class KeptRules:
    """The rules of identity, looked up once a second however many ask, ahead by the keeper (keeping.py)."""

    def __init__(self) -> None:
        self._kept: tuple[float, RuleSet] | None = None
        #: The country they were asked for since the keeper looked last; empty: nobody asked.
        self._asked = ""

    def rules(self, connection: Connection[Any], country: str) -> RuleSet:
        """Those in force now, or up to a second ago."""
        kept = self._kept
        if kept is None or time.monotonic() - kept[0] >= RULES_SECONDS:
            return self._look(connection, country)
        self._asked = country
        return kept[1]

    def refresh(self, connection: Connection[Any]) -> None:
        """Look again, if anybody asked since the last time, before a request has to."""
        country, self._asked = self._asked, ""
        if country:
            self._look(connection, country)

    def _look(self, connection: Connection[Any], country: str) -> RuleSet:
        now = time.monotonic()  # before looking: what was found may be that old
        rules = rules_in_force(connection, country)
        self._kept = (now, rules)
        return rules


class NotAtHand(Exception):
    """Something must be looked up first, which takes a thread that waits."""


class _NoConnection:
    """Stands for a connection where nobody may wait for one: whoever turns to it must be asked again in a thread."""

    def __getattr__(self, name: str) -> Any:
        raise NotAtHand(name)


NO_CONNECTION = cast("Connection[Any]", _NoConnection())


@dataclass
class Call:
    """One request, understood: who asks for what, and what is needed to answer."""

    settings: Settings
    connection: Connection[Any]
    principal: Principal
    #: Parts of the address, decoded.
    path: dict[str, str]
    query: Any
    body: Any
    ip: str
    writer: Callable[[], LogWriter]
    #: Headers that the answer carries besides the usual ones.
    headers: dict[str, str] = field(default_factory=dict)
    #: In which sentences are told: ko or en, by Accept-Language.
    language: str = "en"
    kept: KeptRules = field(default_factory=KeptRules)
    #: Another status than the operation's usual one; 0: the usual one.
    status: int = 0

    @property
    def rules(self) -> RuleSet:
        """The brand's rules of identity, at most a second old."""
        return self.kept.rules(self.connection, self.settings.brand.country)

    @cached_property
    def lake(self) -> Lake:
        """The lake of the workspace."""
        return open_lake(self.settings)

    @cached_property
    def log(self) -> Log:
        """The log of the workspace, to read."""
        return open_log(self.settings)


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    media_type: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Operation:
    """One thing the API does."""

    method: str
    #: Below PREFIX, with {names} for its variable parts.
    path: str
    #: {"en": …, "ko": …}
    summary: dict[str, str]
    #: None: anybody may ask.
    permission: Permission | None
    handle: Callable[[Call], Any]
    answer: Any
    query: Any = None
    body: Any = None
    status: int = 200
    #: A status that it may answer with instead, with the same body, and when; 0: none.
    also: int = 0
    also_when: str = ""
    tag: str = ""
    problems: tuple[Kind, ...] = ()
    #: Answered as server-sent events when asked so.
    streams: bool = False

    @property
    def name(self) -> str:
        """Its operationId."""
        return self.handle.__name__

    @property
    def description(self) -> str:
        """What it does, in full."""
        return (self.handle.__doc__ or "").strip()

    @cached_property
    def segments(self) -> list[str]:
        """The parts of its path."""
        return [part for part in self.path.split("/") if part]

    @cached_property
    def asks(self) -> bool:
        """Whether its handler yields its questions to State (dangol.asking), so that no thread need wait for the answers."""
        return isgeneratorfunction(self.handle)


@dataclass(frozen=True)
class Found:
    """The operation of an address and what its variable parts are."""

    operation: Operation
    path: dict[str, str]


class Directory:
    """All operations, found by method and address."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def add(
        self, method: str, path: str, *, en: str, ko: str, permission: Permission | None, answer: Any, **given: Any
    ) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
        """Declare the decorated handler as an operation."""

        def declare(handle: Callable[[Call], Any]) -> Callable[[Call], Any]:
            self.operations.append(
                Operation(method, path, {"en": en, "ko": ko}, permission, handle, answer, **{"tag": path.split("/")[1], **given})
            )
            return handle

        return declare

    def find(self, method: str, raw_path: str) -> Found:
        """The operation for *method* at *raw_path* (still percent-encoded). Raises: Problem."""
        parts = [part for part in raw_path.removeprefix(PREFIX).split("/") if part]
        allowed = []
        for operation in self.operations:
            values = _matched(operation.segments, parts)
            if values is None:
                continue
            if operation.method == method:
                return Found(operation, values)
            allowed.append(operation.method)
        if allowed:
            raise Problem(
                Kind.METHOD_NOT_HERE,
                f"{method} is not known here; use {' or '.join(sorted(allowed))}.",
                {"Allow": ", ".join(sorted(allowed))},
            )
        raise Problem(Kind.NO_SUCH_PLACE, f"There is nothing at {raw_path[:200]}. /api/docs shows every address.")


def _matched(segments: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(segments) != len(parts):
        return None
    values = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            values[segment[1:-1]] = _decoded(part)
        elif segment != part:
            return None
    return values


def _decoded(part: str) -> str:
    try:
        value = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Problem(Kind.BAD_PARAMETER, f"{part[:100]} in the address is not UTF-8 in percent encoding.") from None
    if "\0" in value:
        raise Problem(Kind.BAD_PARAMETER, "The address holds a NUL character (%00), which nothing here has in its name.")
    return value


def read_query(kind: Any, given: dict[str, list[str]]) -> Any:
    """The query as *kind* (a Struct, or None). Raises: Problem, naming what is known."""
    fields = _lists_of(kind) if kind else {}
    values: dict[str, Any] = {}
    for name, texts in given.items():
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise Problem(Kind.BAD_PARAMETER, f"Parameter {name[:60]!r} is not known here. Known: {known}.")
        if any("\0" in text for text in texts):
            raise Problem(Kind.BAD_PARAMETER, f"{name} holds a NUL character.")
        if fields[name]:
            values[name] = [one for text in texts for one in text.split(",") if one]
        else:
            values[name] = texts[-1]
    if kind is None:
        return None
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(Kind.BAD_PARAMETER, f"{error}.") from None


@cache
def _lists_of(kind: Any) -> dict[str, bool]:
    """Which parameters *kind* has, and whether each is a list. Kept: finding out takes longer than reading a query."""
    return {one.encode_name: "list" in str(one.type) for one in msgspec.structs.fields(kind)}


def read_json(kind: Any, raw: bytes) -> Any:
    """The body as *kind* (a Struct). Raises: Problem."""
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        form = ", ".join(one.encode_name for one in msgspec.structs.fields(kind))
        raise Problem(Kind.BAD_BODY, f"{error}. Expected a JSON object with: {form}.") from None


directory = Directory()
