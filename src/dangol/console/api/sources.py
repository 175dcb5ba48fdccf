"""Sources: the touchpoint systems that send events, and their write keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.intake.snapshot import export_snapshot
from dangol.intake.sources import (
    SourceKind,
    SourceRefused,
    SourceView,
    add_source,
    disable_source,
    enable_source,
    find_source,
    rotate_key,
    sources,
)
from dangol.operators import Permission
from dangol.privacy import record


class Source(Struct):
    """A source. `write_key` is null for a role that may not change sources."""

    name: str
    kind: str
    write_key: str | None
    disabled_at: datetime | None
    mapping: dict[str, Any]
    synthetic: bool
    created_at: datetime


class Sources(Struct):
    """All sources."""

    sources: list[Source]


class NewSource(Struct, forbid_unknown_fields=True):
    """What a new source is."""

    name: Annotated[str, Meta(min_length=1, max_length=80, description="Such as web or pos-gangnam.")]
    kind: Annotated[SourceKind, Meta(description="What kind of touchpoint it is.")]
    mapping: Annotated[dict[str, Any], Meta(description="How the JSON of its webhooks becomes events.")] = {}
    synthetic: Annotated[bool, Meta(description="Its events are made up; shown wherever they are.")] = False


_CHANGE: dict[str, Any] = {"permission": Permission.SOURCES_CHANGE, "answer": Source}


@directory.add("GET", "/sources", en="All sources", ko="소스를 봐요", permission=Permission.SOURCES_SEE, answer=Sources)
def list_sources(call: Call) -> Sources:
    """All sources, those that may send first. Write keys are shown to roles that may change them."""
    return Sources([_source(call, view) for view in sources(call.connection)])


@directory.add("POST", "/sources", en="Add a source", ko="소스를 더해요", body=NewSource, status=201, problems=(Kind.REFUSED,), **_CHANGE)
def add_new_source(call: Call) -> Source:
    """A new source with a new write key. Collect knows it within a second."""
    given = call.body
    with call.connection.transaction():
        view = add_source(call.connection, given.name, given.kind, mapping=given.mapping, synthetic=given.synthetic)
        _note(call, "source.added", view)
    return _changed(call, view)


@directory.add(
    "GET",
    "/sources/{name}",
    en="One source",
    ko="소스 하나를 봐요",
    permission=Permission.SOURCES_SEE,
    answer=Source,
    problems=(Kind.NOT_FOUND,),
)
def read_source(call: Call) -> Source:
    """A source by its name."""
    return _source(call, _found(call))


@directory.add("POST", "/sources/{name}/key", en="Give a source a new key", ko="쓰기 키를 새로 만들어요", problems=(Kind.NOT_FOUND,), **_CHANGE)
def rotate_source_key(call: Call) -> Source:
    """A new write key; the old one is refused within a second. Events that clients still send with it are answered 401."""
    _found(call)
    with call.connection.transaction():
        view = rotate_key(call.connection, call.path["name"])
        _note(call, "source.rekeyed", view)
    return _changed(call, view)


@directory.add("POST", "/sources/{name}/pause", en="Stop taking events from a source", ko="잠시 받지 않아요", problems=(Kind.NOT_FOUND,), **_CHANGE)
def pause_source(call: Call) -> Source:
    """Its clients are answered 404 and stop sending; nothing that was accepted is touched."""
    _found(call)
    with call.connection.transaction():
        view = disable_source(call.connection, call.path["name"])
        _note(call, "source.disabled", view)
    return _changed(call, view)


@directory.add("DELETE", "/sources/{name}/pause", en="Take events from a source again", ko="다시 받아요", problems=(Kind.NOT_FOUND,), **_CHANGE)
def unpause_source(call: Call) -> Source:
    """The pause ends."""
    _found(call)
    with call.connection.transaction():
        view = enable_source(call.connection, call.path["name"])
        _note(call, "source.enabled", view)
    return _changed(call, view)


def _found(call: Call) -> SourceView:
    try:
        return find_source(call.connection, call.path["name"])
    except SourceRefused as refusal:
        raise Problem(Kind.NOT_FOUND, str(refusal)) from None


def _changed(call: Call, view: SourceView) -> Source:
    export_snapshot(call.settings, call.connection)
    return _source(call, view)


def _source(call: Call, view: SourceView) -> Source:
    key = view.write_key if call.principal.may(Permission.SOURCES_CHANGE) else None
    return Source(view.name, view.kind, key, view.disabled_at, view.mapping, view.synthetic, view.created_at)


def _note(call: Call, act: str, view: SourceView) -> None:
    record(call.connection, call.principal.actor, act, f"source:{view.name}", "", {"kind": view.kind}, call.ip, role=call.principal.role)
