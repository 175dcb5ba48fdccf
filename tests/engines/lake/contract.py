"""What any lake must keep. An engine's test module inherits LakeContract and provides the fixtures lake and connect."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from psycopg import Connection

from dangol.events.facts import Fact, FactKind
from dangol.events.ports import SEQ_BITS, About, Place
from dangol.events.ports import KeptLake as Lake

DAY_US = 86_400_000_000
#: 2026-11-01T00:00:00Z
NOON = 1_793_491_200_000_000 + DAY_US // 2


def fact(
    seq: int, *, fact: str = "event.applied", received_at: int = NOON, body: bytes = b'{"a":1}',
    node: bytes = b"n" * 16, person: bytes = b"p" * 16, occurred_at: int = 0, original_at: int = 0,
    name: str = "주문 완료", device: bytes = b"d" * 16,
) -> Fact:  # fmt: skip
    """A fact with everything set, so that a lost field shows."""
    return Fact(
        seq, fact, 3, f"m-{seq}", "track", name, seq.to_bytes(16, "big"), node, device, person,
        original_at or received_at - 5_000_001, occurred_at or received_at - 4_000_000, received_at - 3, received_at, received_at + 7,
        "", "203.0.113.7", "agent \u0000 한글", body,
    )  # fmt: skip


def write(lake: Lake, connection: Connection, count: int = 3, **options) -> list[Fact]:
    """One committed batch of *count* facts."""
    batch = lake.reserve(connection)
    facts = [fact(batch << SEQ_BITS | index, **options) for index in range(count)]
    lake.append(connection, batch, facts)
    connection.commit()
    return facts


def seal(lake: Lake, connection: Connection) -> int:
    """Seal everything and commit."""
    written = lake.seal(connection, force=True)
    connection.commit()
    return written


def drain(lake: Lake, connection: Connection, after: int = 0, limit: int = 1000) -> list[Fact]:
    """The feed to its end."""
    facts: list[Fact] = []
    while more := lake.feed(connection, facts[-1].seq if facts else after, limit):
        assert len(more) <= limit
        facts += more
    connection.commit()
    return facts


def scanned(lake: Lake, connection: Connection, kinds: Iterable[str] = ()) -> list[Fact]:
    """Everything, sorted by position."""
    facts = sorted((one for chunk in lake.scan(connection, tuple(kinds)) for one in chunk), key=lambda one: one.seq)
    connection.commit()
    return facts


def about(*nodes: bytes, **options) -> About:
    """Applied events of these identifiers."""
    return About(nodes=nodes, kinds=(FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED), **options)


def paged(lake: Lake, connection: Connection, wanted: About, limit: int) -> list[int]:
    """The positions of all these facts, page by page."""
    found: list[Fact] = []
    while page := lake.newest(connection, wanted, before=wanted.place(found[-1]) if found else None, limit=limit):
        assert len(page) <= limit
        found += page
        if len(page) < limit:
            break
    connection.commit()
    return [one.seq for one in found]


class LakeContract:
    """Facts in, the same facts out, each exactly once, in order, whatever happens in between."""

    def test_facts_come_back_as_they_were(self, lake: Lake, connect: Callable[[], Connection]):
        """Every field of every fact survives the tail and the file, bytes that are not text included."""
        with connect() as connection:
            batch = lake.reserve(connection)
            facts = [fact(batch << SEQ_BITS), fact(batch << SEQ_BITS | 1, body=b"\xff\xfe not text \x00")]
            facts.append(Fact(batch << SEQ_BITS | 2, "person.created", 0, "", "", "", b"", b"", b"", b"", 0, 0, 0, 0, NOON, "", "", "", b""))
            facts.append(fact(batch << SEQ_BITS | 3, body='{"이름":"민아","nul":"\u0000"}'.encode()))
            facts.append(fact(batch << SEQ_BITS | 4, received_at=-DAY_US))
            lake.append(connection, batch, facts)
            connection.commit()
            seqs = [one.seq for one in facts]
            assert drain(lake, connection) == facts
            assert lake.get(connection, seqs) == dict(zip(seqs, facts, strict=True))
            assert seal(lake, connection) == len(facts)
            assert lake.get(connection, seqs) == dict(zip(seqs, facts, strict=True))
            assert scanned(lake, connection) == facts
            assert drain(lake, connection) == facts

    def test_a_rolled_back_batch_never_was(self, lake: Lake, connect: Callable[[], Connection]):
        """Facts exist if and only if their transaction commits."""
        with connect() as connection:
            batch = lake.reserve(connection)
            lake.append(connection, batch, [fact(batch << SEQ_BITS)])
            connection.rollback()
            kept = write(lake, connection)
            assert drain(lake, connection) == kept
            assert scanned(lake, connection) == kept

    def test_the_feed_waits_for_an_older_batch(self, lake: Lake, connect: Callable[[], Connection]):
        """A batch that commits late is not skipped: newer ones wait for it."""
        with connect() as slow, connect() as quick, connect() as reader:
            first = lake.reserve(slow)
            newer = write(lake, quick)
            assert drain(lake, reader) == []
            late = [fact(first << SEQ_BITS)]
            lake.append(slow, first, late)
            slow.commit()
            assert drain(lake, reader) == late + newer

    def test_the_order_of_transaction_ids_does_not_matter(self, lake: Lake, connect: Callable[[], Connection]):
        """A transaction that began earlier but took its number later holds nobody up wrongly and is not skipped."""
        with connect() as early, connect() as late, connect() as reader:
            early.execute("select pg_current_xact_id()")
            late.execute("select pg_current_xact_id()")
            first = lake.reserve(late)
            second = lake.reserve(early)
            of_early = [fact(second << SEQ_BITS)]
            lake.append(early, second, of_early)
            early.commit()
            assert drain(lake, reader) == []
            of_late = [fact(first << SEQ_BITS)]
            lake.append(late, first, of_late)
            late.commit()
            assert drain(lake, reader) == of_late + of_early

    def test_the_feed_goes_on_after_a_writer_gives_up(self, lake: Lake, connect: Callable[[], Connection]):
        """A number whose transaction rolled back holds nobody up."""
        with connect() as gone, connect() as quick, connect() as reader:
            lake.reserve(gone)
            newer = write(lake, quick)
            gone.rollback()
            assert drain(lake, reader) == newer

    def test_the_feed_reads_on_from_any_position(self, lake: Lake, connect: Callable[[], Connection]):
        """From each position exactly the facts after it come, in order, sealed or not, in small portions or large."""
        with connect() as connection:
            facts = write(lake, connection, 5) + write(lake, connection, 1)
            seal(lake, connection)
            facts += write(lake, connection, 4)
            for limit in (1, 3, 100):
                for index in range(len(facts) + 1):
                    after = facts[index - 1].seq if index else 0
                    assert drain(lake, connection, after, limit) == facts[index:]

    def test_scan_takes_only_the_kinds_asked_for(self, lake: Lake, connect: Callable[[], Connection]):
        """A rebuild reads the facts it needs, from files and tail alike."""
        with connect() as connection:
            one = write(lake, connection, fact="person.merged")
            write(lake, connection)
            seal(lake, connection)
            two = write(lake, connection, fact="person.merged")
            write(lake, connection)
            assert scanned(lake, connection, ["person.merged"]) == one + two

    def test_a_scan_sees_one_moment(self, lake: Lake, connect: Callable[[], Connection]):
        """Sealing in the middle of a scan neither hides a fact nor shows it twice."""
        with connect() as reader, connect() as writer:
            facts = write(lake, writer) + write(lake, writer)
            chunks = lake.scan(reader)
            seen = list(next(chunks))
            seal(lake, writer)
            seen += [one for chunk in chunks for one in chunk]
            assert sorted(one.seq for one in seen) == [one.seq for one in facts]

    def test_unknown_positions_are_absent(self, lake: Lake, connect: Callable[[], Connection]):
        """Asking for what never was gives nothing, and no error."""
        with connect() as connection:
            facts = write(lake, connection)
            assert lake.get(connection, [facts[0].seq, 1, 2**62]) == {facts[0].seq: facts[0]}
            assert lake.get(connection, []) == {}

    def test_sealing_nothing_writes_nothing(self, lake: Lake, connect: Callable[[], Connection]):
        """With nothing waiting there is nothing to do."""
        with connect() as connection:
            assert seal(lake, connection) == 0
            write(lake, connection)
            assert lake.seal(connection) == 0  # neither old nor many
            connection.commit()

    def test_the_newest_of_some_identifiers(self, lake: Lake, connect: Callable[[], Connection]):
        """Their facts alone, the newest first, each once and whole, in pages of any size, sealed, compacted or not."""
        mina, card, other = b"m" * 16, b"c" * 16, b"o" * 16
        with connect() as connection:
            old = write(lake, connection, 2, node=mina, received_at=NOON - 40 * DAY_US)
            write(lake, connection, 2, node=other, received_at=NOON - 39 * DAY_US)
            seal(lake, connection)
            while lake.compact(connection):
                connection.commit()
            late = write(lake, connection, 1, node=card, original_at=NOON - 60 * DAY_US)
            write(lake, connection, 3, node=other)
            new = write(lake, connection, 2, node=mina)
            seal(lake, connection)
            newest = write(lake, connection, 2, node=card, received_at=NOON + DAY_US) + write(lake, connection, 1, node=other)
            expected = [*reversed(newest[:2]), *reversed(new), *reversed(old), *late]
            for limit in (1, 2, 3, 7, 100):
                assert paged(lake, connection, about(mina, card), limit) == [one.seq for one in expected]
            assert lake.newest(connection, about(mina, card), limit=100) == expected
            assert lake.newest(connection, about(b"x" * 16), limit=100) == []

    def test_the_newest_of_some_kinds_and_names(self, lake: Lake, connect: Callable[[], Connection]):
        """Facts of other kinds stay out, and where names or types are given, events that have none of them."""
        mina = b"m" * 16
        with connect() as connection:
            for sealed in (True, False):
                order = write(lake, connection, 1, node=mina, name="Order Completed")
                view = write(lake, connection, 1, node=mina, name="Product Viewed", fact="event.tagged")
                write(lake, connection, 1, node=mina, name="Order Completed", fact="event.suppressed")
                if sealed:
                    seal(lake, connection)
                    first = [view[0].seq, order[0].seq]
            second = [view[0].seq, order[0].seq]
            assert paged(lake, connection, about(mina), 100) == second + first
            assert paged(lake, connection, about(mina, names=["Order Completed", "none"]), 100) == [second[1], first[1]]
            assert paged(lake, connection, about(mina, names=["none"], types=["track"]), 100) == second + first
            assert paged(lake, connection, about(mina, types=["page"]), 100) == []

    def test_the_newest_by_true_time(self, lake: Lake, connect: Callable[[], Connection]):
        """A device's times are put right before anything is compared; nothing happened after it was received."""
        slow, right = b"s" * 16, b"r" * 16
        hour = DAY_US // 24
        with connect() as connection:
            told = [
                *write(lake, connection, 1, device=slow, original_at=NOON - 5 * hour),
                *write(lake, connection, 1, device=right, original_at=NOON - 4 * hour),
                *write(lake, connection, 1, device=right, original_at=NOON + hour),
            ]
            for _ in range(2):
                wrong, just, ahead = (one.seq for one in told)
                assert paged(lake, connection, about(b"n" * 16), 2) == [ahead, just, wrong]
                assert paged(lake, connection, about(b"n" * 16, clocks={slow: 2 * hour}), 2) == [ahead, wrong, just]
                since = about(b"n" * 16, clocks={slow: 2 * hour}, since=NOON - 3 * hour)
                assert paged(lake, connection, since, 2) == [ahead, wrong]
                assert lake.newest(connection, about(b"n" * 16), before=Place(NOON, ahead), limit=1) == [told[1]]
                assert paged(lake, connection, about(b"n" * 16, since=NOON + DAY_US), 2) == []
                seal(lake, connection)
