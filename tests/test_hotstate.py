"""The hot path's way of talking to PostgreSQL: what goes in as arrays and rows comes out as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.hotstate import (
    RawConnection,
    Steps,
    beside,
    blobs,
    connect_raw,
    copy_bytes,
    copy_fields,
    copy_rows,
    copy_text,
    copy_time,
    flags,
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


def _counting(done: list[int], until: int) -> Steps[str]:
    for number in range(until):
        done.append(number)
        yield
    return "counted"


def test_python_goes_on_while_postgresql_works(connection: RawConnection) -> None:
    """What is to spare is done during a query, not after it, and only while PostgreSQL works."""
    done: list[int] = []
    with beside(connection, _counting(done, 200_000)):
        connection.execute("select pg_sleep(0.2)")
        during = len(done)
        assert during > 100
        assert sum(done[:during]) == during * (during - 1) // 2


def test_what_is_left_is_done_at_the_end(connection: RawConnection) -> None:
    """Whatever did not fit into the waits is done at the end of the block, in order, once; its result is known then."""
    done: list[int] = []
    with beside(connection, _counting(done, 1000)) as counted:
        assert connection.execute("select 1").fetchone() == (1,)
    assert counted.result() == "counted"
    assert done == list(range(1000))


def test_what_was_begun_last_goes_first(connection: RawConnection) -> None:
    """Inner work is needed sooner: outer work goes on only when the inner is done."""
    told: list[str] = []

    def telling(name: str) -> Steps[None]:
        for _ in range(2000):
            told.append(name)
            yield

    with beside(connection, telling("outer")), beside(connection, telling("inner")):
        for _ in range(3):
            connection.execute("select pg_sleep(0.002)")
    assert told == ["inner"] * 2000 + ["outer"] * 2000


def test_rows_arrive_whatever_is_done_beside_them(connection: RawConnection) -> None:
    """A COPY larger than any buffer, with work beside it, stores each row once."""
    done: list[int] = []
    connection.execute("create temporary table wide (id integer, what text)")
    with beside(connection, _counting(done, 20_000)):
        copy_rows(connection, "wide", ("id", "what"), (copy_fields("i")(index) + copy_text("x" * 2000) for index in range(4000)))
        assert done
    assert connection.execute("select count(*), count(distinct id), sum(length(what)) from wide").fetchone() == (4000, 4000, 8_000_000)


def test_an_error_beside_is_told_at_the_end_and_harms_no_query(connection: RawConnection) -> None:
    """The query during which it happened gives its answer; the connection goes on."""

    def failing() -> Steps[None]:
        yield
        raise ValueError("beside")

    answers = []
    with pytest.raises(ValueError, match="beside"), beside(connection, failing()):
        answers.append(connection.execute("select 7 from pg_sleep(0.05)").fetchone())
    answers.append(connection.execute("select 8").fetchone())
    assert answers == [(7,), (8,)]


def test_an_error_of_the_body_comes_first(connection: RawConnection) -> None:
    """The body's own error is told, what is to spare is let go, and nothing of it runs later."""
    done: list[int] = []
    with pytest.raises(psycopg.errors.DivisionByZero), beside(connection, _counting(done, 200_000)):
        connection.execute("select 1 / 0")
    before = len(done)
    connection.execute("select pg_sleep(0.05)")
    assert len(done) == before


def test_any_connection_can_have_work_beside_it(state_server: str) -> None:
    """A connection that does nothing meanwhile has it done at the end."""
    done: list[int] = []
    with psycopg.connect(state_server) as plain, beside(plain, _counting(done, 10)) as counted:
        plain.execute("select 1")
    assert (counted.result(), len(done)) == ("counted", 10)
