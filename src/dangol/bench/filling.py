"""Many known people at once: rows as a worker would have written them, by COPY, so that a benchmark need not wait for the worker.

Indexes are made anew afterwards, as full as a worker's random keys leave them: filling them row by row takes ten times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dangol.events import key_bytes, node_bytes
from dangol.hotstate import RawConnection, connect_raw, copy_fields, copy_rows, copy_text, copy_time
from dangol.settings import Settings

#: People per COPY: bounds the memory of the benchmark.
CHUNK = 50_000
RECEIPTS_CHUNK = 1_000_000
TABLES = ("identifier", "edge", "fragment", "receipt")
#: How full a B-tree's pages are in which random keys were inserted, %: ln 2 (A. Yao, On random 2-3 trees, Acta Informatica 9, 1978).
RANDOM_FILL = 69
#: 2026-01-01 00:00 UTC, µs.
THEN_US = 1_767_225_600_000_000

_uuid = copy_fields("u")
_time = copy_fields("q")
_small = copy_fields("h")
_big = copy_fields("q")
_flag = copy_fields("?")
_null = struct.pack("!i", -1)
_at = _time(copy_time(THEN_US))


def fill_people(settings: Settings, first: int, end: int) -> None:
    """People number *first* … *end*-1: a device and a member number each, joined by one edge, with fragments and a receipt."""
    from dangol.engines import state  # noqa: PLC0415 - beside its use

    with connect_raw(state.locate(settings), autocommit=True) as connection:
        with connection.transaction(), _without_indexes(connection):
            for start in range(first, end, CHUNK):
                _fill(connection, range(start, min(end, start + CHUNK)))
        connection.execute(f"vacuum analyze {', '.join(TABLES)}")


def fill_receipts(settings: Settings, first: int, end: int) -> None:
    """Receipts number *first* … *end*-1 of events that nobody asks for any more, a second apart up to now, each with a digest of usual size."""
    from dangol.engines import state  # noqa: PLC0415 - beside its use

    with connect_raw(state.locate(settings), autocommit=True) as connection:
        with connection.transaction(), _without_indexes(connection):
            for start in range(first, end, RECEIPTS_CHUNK):
                connection.execute(
                    """
                    insert into receipt (key, content, source_id, message_id, fate, duplicates, node_id, device_id, type, name, original_at, occurred_at,
                                         received_at, processed_at, seq, digest)
                    select md5('key ' || n)::uuid, n, 1, 'filled-receipt-' || n, 1, 0, md5('node ' || n / 7)::uuid, md5('device ' || n / 7)::uuid,
                           'track', 'Product Viewed', at, at, at, at, n,
                           '{"name": "울 머플러", "path": "/goods/1234", "price": 52000, "currency": "KRW", "product_id": "P01234"}'
                      from generate_series(%s::bigint, %s::bigint) as n, lateral (select now() - (%s - n) * interval '1 second' as at)
                    """,
                    [start, min(end, start + RECEIPTS_CHUNK) - 1, end],
                )
        connection.execute("vacuum analyze receipt")


@contextmanager
def _without_indexes(connection: RawConnection) -> Iterator[None]:
    """Drop the B-trees of TABLES, and make them again at the end."""
    found = connection.execute(
        """
        select indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisprimary, pg_get_constraintdef(pg_constraint.oid)
          from pg_index
          join pg_class on pg_class.oid = indexrelid
          join pg_am on pg_am.oid = relam and amname = 'btree'
          left join pg_constraint on conindid = indexrelid
         where indrelid = any(%s::text[]::regclass[])
        """,
        [list(TABLES)],
    ).fetchall()
    for table, name, _, is_key, _ in found:
        connection.execute(f"alter table {table} drop constraint {name}" if is_key else f"drop index {name}")
    yield
    connection.execute("set local maintenance_work_mem = '512MB'")
    for table, name, definition, is_key, key in found:
        if is_key:
            connection.execute(f"alter table {table} add constraint {name} {key} with (fillfactor = {RANDOM_FILL})")
        else:
            what, where, condition = definition.partition(" WHERE ")
            connection.execute(f"{what} with (fillfactor = {RANDOM_FILL}){where}{condition}")
        connection.execute(f"alter index {name} reset (fillfactor)")


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
    for table, (columns, rows) in tables.items():
        copy_rows(connection, table, columns, (row for number, member, device in nodes for row in rows(number, member, device)))


def _identifiers(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    message = copy_text(f"filled-{number}") + _small(1)
    for node, kind, value in ((member, "user_id", f"member-{number:09d}"), (device, "anonymous_id", f"device-{number:09d}-7f31")):
        text = copy_text(value)
        yield _uuid(node) + copy_text(kind) + text + text + _uuid(member) + _at + message


def _edges(number: int, member: bytes, device: bytes) -> Iterator[bytes]:
    yield (
        _uuid(member) + _uuid(device) + _at + copy_text(f"filled-{number}") + _small(1) + _big(number) + _at + _big(1)
        + copy_text("identify") + _flag(False) + copy_text("")
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
