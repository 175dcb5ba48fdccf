"""Many known people at once: rows as a worker would have written them, by COPY, so that a benchmark need not wait for the worker."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from dangol.events import key_bytes, node_bytes
from dangol.hotstate import RawConnection, connect_raw, copy_fields, copy_rows, copy_text, copy_time
from dangol.settings import Settings

#: People per COPY: bounds the memory of the benchmark.
CHUNK = 50_000
#: 2026-01-01 00:00 UTC, µs.
THEN_US = 1_767_225_600_000_000

_uuid = copy_fields("u")
_time = copy_fields("q")
_small = copy_fields("h")
_big = copy_fields("q")
_false = struct.pack("!i?", 1, False)
_null = struct.pack("!i", -1)
_at = _time(copy_time(THEN_US))


def fill_people(settings: Settings, first: int, end: int) -> None:
    """People number *first* … *end*-1: a device and a member number each, joined by one edge, with fragments and a receipt."""
    from dangol.engines import state  # noqa: PLC0415 - beside its use

    with connect_raw(state.locate(settings), autocommit=True) as connection:
        for start in range(first, end, CHUNK):
            _fill(connection, range(start, min(end, start + CHUNK)))
        connection.execute("vacuum analyze identifier, edge, fragment, receipt")


def _fill(connection: RawConnection, people: range) -> None:
    nodes = [
        (number, node_bytes("user_id", f"member-{number:09d}"), node_bytes("anonymous_id", f"device-{number:09d}-7f31"))
        for number in people
    ]
    tables: dict[str, tuple[tuple[str, ...], Callable[[int, bytes, bytes], Iterator[bytes]]]] = {
        "identifier": (("node_id", "type", "value", "raw_value", "person_id", "first_at", "first_message", "first_source"), _identifiers),
        "edge": (
            ("a", "b", "first_at", "first_message", "first_source", "first_seq", "last_at", "events", "rule", "verified", "refused"), _edges
        ),
        "fragment": (("node_id", "device_id", "first_at", "last_at", "events", "least_us", "body"), _fragments),
        "receipt": (
            (
                "key", "content", "source_id", "message_id", "fate", "duplicates", "node_id", "device_id", "type", "name", "original_at",
                "occurred_at", "received_at", "processed_at", "seq",
            ),
            _receipts,
        ),
    }  # fmt: skip
    with connection.transaction():
        for table, (columns, rows) in tables.items():
            copy_rows(connection, table, columns, [row for number, member, device in nodes for row in rows(number, member, device)])


def _identifiers(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    message = copy_text(f"filled-{number}") + _small(1)
    for node, kind, value in ((member, "user_id", f"member-{number:09d}"), (device, "anonymous_id", f"device-{number:09d}-7f31")):
        text = copy_text(value)
        yield _uuid(node) + copy_text(kind) + text + text + _uuid(member) + _at + message


def _edges(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    yield (
        _uuid(member) + _uuid(device) + _at + copy_text(f"filled-{number}") + _small(1) + _big(number) + _at + _big(1)
        + copy_text("identify") + _false + copy_text("")
    )  # fmt: skip


def _fragments(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    clock = node_bytes("device", f"device-{number:09d}-7f31")
    yield _uuid(member) + _uuid(clock) + _at + _at + _big(3) + _big(120_000) + _null
    yield _uuid(device) + _uuid(clock) + _at + _at + _big(7) + _big(120_000) + _null


def _receipts(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    clock = node_bytes("device", f"device-{number:09d}-7f31")
    for name, node in (("Product Viewed", device), ("Order Completed", member)):
        message = f"filled-{number}-{name[0]}"
        yield (
            _uuid(key_bytes(1, message)) + _big(number) + _small(1) + copy_text(message) + _small(1) + _four(0) + _uuid(node) + _uuid(clock)
            + copy_text("track") + copy_text(name) + _at + _at + _at + _at + _big(number)
        )  # fmt: skip


_four = copy_fields("i")
