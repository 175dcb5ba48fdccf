"""The hot path's way of talking to PostgreSQL: what goes in as arrays and rows comes out as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.hotstate import (
    RawConnection,
    blobs,
    connect_raw,
    copy_bytes,
    copy_fields,
    copy_rows,
    copy_text,
    copy_time,
    flags,
    meanwhile,
    numbers,
    storable,
    texts,
    times,
    uuids,
)

IDS = st.binary(min_size=16, max_size=16)
LONGS = st.integers(-(2**63), 2**63 - 1)
#: µs of the years 1 to 9999.
MOMENTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


@pytest.fixture(scope="module")
def connection(state_server: str) -> Iterator[RawConnection]:
    with connect_raw(state_server, autocommit=True) as opened:
        yield opened


def _back(connection: RawConnection, kind: str, value: Any) -> list[Any]:
    (found,) = connection.execute(f"select %s::{kind}[]", [value]).fetchone() or ([],)
    return list(found)


@given(st.lists(IDS))
def test_ids_come_back_as_they_went(connection: RawConnection, ids: list[bytes]) -> None:
    """Any number of ids, none included, is the uuid[] of those ids in their order."""
    assert _back(connection, "uuid", uuids(iter(ids))) == ids


@given(st.lists(st.none() | LONGS))
def test_numbers_come_back_as_they_went(connection: RawConnection, values: list[int | None]) -> None:
    """Whole numbers of 64 bits, and null, are the bigint[] of them."""
    assert _back(connection, "bigint", numbers(values)) == values


@given(st.lists(st.none() | st.integers(-(2**15), 2**15 - 1)))
def test_numbers_may_be_cast(connection: RawConnection, values: list[int | None]) -> None:
    """A query may ask for smaller whole numbers."""
    assert _back(connection, "smallint", numbers(values)) == values


@pytest.mark.parametrize("values", [[2**63], [None, -(2**63) - 1]])
def test_a_number_too_large_is_refused(values: list[int | None]) -> None:
    """More than 64 bits is an error here, not another number there."""
    with pytest.raises(OverflowError):
        numbers(values)


@given(st.lists(MOMENTS))
def test_moments_come_back_to_the_microsecond(connection: RawConnection, moments: list[int]) -> None:
    """A moment of any year is the timestamptz of that microsecond."""
    rows = connection.execute(
        "select (extract(epoch from at) * 1000000)::bigint from unnest(%s::timestamptz[]) with ordinality as given (at, place) order by place",
        [times(moments)],
    ).fetchall()
    assert [row[0] for row in rows] == moments


@given(st.lists(st.none() | st.text()))
def test_texts_come_back_without_what_cannot_be_stored(connection: RawConnection, values: list[str | None]) -> None:
    """Text of any script is kept; NUL characters are left out, and half a character becomes a question mark."""
    stored = [None if one is None else one.replace("\0", "").encode("utf-8", "replace").decode() for one in values]
    assert _back(connection, "text", texts(values)) == stored


@given(st.lists(st.none() | st.binary()), st.lists(st.booleans()))
def test_bytes_and_truth_values_come_back(connection: RawConnection, values: list[bytes | None], truths: list[bool]) -> None:
    """Any bytes, and true and false."""
    assert _back(connection, "bytea", blobs(values)) == values
    assert _back(connection, "boolean", flags(truths)) == truths


def test_any_connection_understands_the_arrays(state_server: str) -> None:
    """A connection that knows nothing of the hot path takes its arrays too."""
    with psycopg.connect(state_server) as plain:
        assert plain.execute("select %s::bigint[], %s::text[]", [numbers([1, None]), texts(["가"])]).fetchone() == ([1, None], ["가"])


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_rows_of_a_copy_arrive_each_once_in_order(connection: RawConnection, count: int) -> None:
    """However many rows there are beside the size of a chunk, the table holds just them."""
    head = copy_fields("uhiq?")
    connection.execute("create temporary table copied (id uuid, small smallint, middle integer, at timestamptz, odd boolean, word text, raw bytea)")
    try:
        rows = [
            (index.to_bytes(16, "big"), index % 7, index, index * 1_000_003, index % 2 == 1, f"단골 {index}", b"\0" * index if index % 3 else None)
            for index in range(count)
        ]
        fields = (head(one, small, middle, copy_time(at), odd) + copy_text(word) + copy_bytes(raw) for one, small, middle, at, odd, word, raw in rows)
        copy_rows(connection, "copied", ("id", "small", "middle", "at", "odd", "word", "raw"), fields)
        stored = connection.execute(
            "select id, small, middle, (extract(epoch from at) * 1000000)::bigint, odd, word, raw from copied"
        ).fetchall()
        assert stored == rows
    finally:
        connection.execute("drop table copied")


@given(st.text())
def test_what_is_storable_is_what_is_stored(connection: RawConnection, text: str) -> None:
    """A text made storable comes back as it is, by an array and as it was before."""
    assert _back(connection, "text", texts([storable(text)])) == _back(connection, "text", texts([text])) == [storable(text)]


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "ab"), ("단골\0", "단골"), ("\ud800", "?"), ("단골", "단골")])
def test_storable_leaves_out_what_postgresql_cannot_hold(text: str, kept: str) -> None:
    """NUL goes, half of a surrogate pair becomes a question mark, everything else stays."""
    assert storable(text) == kept


def test_a_copy_that_fails_midway_leaves_nothing(connection: RawConnection) -> None:
    """When making a row raises, no row of that copy is kept and the connection goes on."""
    connection.execute("create temporary table halved (id integer)")

    def rows() -> Iterator[bytes]:
        for index in range(600):
            if index == 500:
                raise ValueError("row 500")
            yield copy_fields("i")(index)

    with pytest.raises(ValueError, match="row 500"):
        copy_rows(connection, "halved", ("id",), rows())
    assert connection.execute("select count(*) from halved").fetchone() == (0,)


def test_meanwhile_ends_when_both_have() -> None:
    """The body and the work run at the same time, and after the block both are done."""
    met = threading.Barrier(2, timeout=60)
    with meanwhile(lambda: met.wait() >= 0) as future:
        met.wait()
    assert future.result() is True


def test_meanwhile_waits_for_the_work_even_when_the_body_fails() -> None:
    """Nobody goes on with a connection that the work still uses; the body's own error is the one that is told."""
    may_end = threading.Event()
    ended = []

    def work() -> None:
        may_end.wait(5)
        ended.append(True)
        raise ValueError("work")

    def body() -> None:
        with meanwhile(work):
            threading.Timer(0.05, may_end.set).start()
            raise KeyError("body")

    with pytest.raises(KeyError):
        body()
    assert ended


def test_meanwhile_tells_what_went_wrong_in_the_work() -> None:
    """An error of the work is raised at the end of the block."""

    def work() -> None:
        raise ValueError("work")

    with pytest.raises(ValueError, match="work"), meanwhile(work):
        pass
