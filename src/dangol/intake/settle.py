"""What becomes of each arrival: applied, duplicate, quarantined or suppressed, and the receipt that says so.

Every function works inside the caller's transaction. Totals always add up:
received = applied + duplicate + quarantined + suppressed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct
from psycopg import Connection

from dangol.events import key_bytes
from dangol.hotstate import LITTLE, Steps, numbers, texts, times, uuids
from dangol.intake.arrivals import Arrival
from dangol.intake.facts import TAGGED, Fate, Reason
from dangol.intake.frame import Verdict

#: What stands in a stored messageId for NUL, which PostgreSQL's text cannot hold (hotstate.copy_text).
NUL_STORED = "\ufffd"
#: Advisory lock: shared by batches in which a messageId came again with other content, until they commit; alone for who trims receipts.
REUSED_LOCK = 0x646E6771
HOUR_US = 3_600_000_000
#: Longer names are cut in the counters, so that a client that puts ids into names cannot fill the table.
COUNTED_NAME_MAX = 100


class Sorted(Struct):
    """The arrivals of a batch by their fate, before anything is written."""

    applied: list[Arrival]
    quarantined: list[Arrival]
    suppressed: list[Arrival]
    #: Came before, in this batch or an earlier one.
    duplicates: list[Arrival]
    #: Applied ones whose quarantined receipt exists already: keys.
    released: set[bytes]


def sort_out(connection: Connection[Any], arrivals: Sequence[Arrival]) -> Sorted:
    """The fate of each arrival, from the receipts of all earlier ones."""
    known = _known(connection, {arrival.key for arrival in arrivals})
    reused = _reused_keys(arrivals, known)
    if reused:
        # What is about to wait in quarantine must not lose the receipt that it is known by: who trims waits for this batch, and where
        # one was quicker, the receipts are read after it.
        connection.execute("select pg_advisory_xact_lock_shared(%s)", [REUSED_LOCK])
        known = {key: stored for key, stored in known.items() if key not in reused} | _known(connection, {*reused, *chain(*reused.values())})
    result = Sorted([], [], [], [], set())
    for given in arrivals:
        arrival = given
        before = known.get(arrival.key)
        if before is not None:
            content, fate = before
            if fate == Fate.QUARANTINED and _fate(arrival) == Fate.APPLIED and (arrival.replaces or content != arrival.content):
                # A person corrected it, or the client sent it again, mended, under the same id.
                result.released.add(arrival.key)
            elif content == arrival.content or arrival.replaces:
                result.duplicates.append(arrival)
                continue
            else:
                arrival = _conflicting(arrival)
                if arrival.key in known:
                    result.duplicates.append(arrival)
                    continue
        fate = _fate(arrival)
        if fate == Fate.APPLIED and arrival.replaces:
            result.released.add(arrival.key)  # also when the correction got an id of its own
        known[arrival.key] = (arrival.content, fate)
        (result.applied if fate == Fate.APPLIED else result.quarantined if fate == Fate.QUARANTINED else result.suppressed).append(arrival)
    return result


def as_told(arrivals: Sequence[Arrival]) -> Sorted:
    """The fate of each arrival as its fact tells it, for a rebuild: what was decided once is not decided anew (docs/decisions/0015-receipts-end.md)."""
    result = Sorted([], [], [], [], set())
    kept = {Fate.APPLIED: result.applied, Fate.QUARANTINED: result.quarantined, Fate.SUPPRESSED: result.suppressed}
    for arrival in arrivals:
        kept[_fate(arrival)].append(arrival)
    return result


def number(sorted_out: Sorted, first: int) -> None:
    """Give every arrival that gets a receipt its position, counted from *first*; a batch that is tried again gets new ones."""
    for seq, arrival in enumerate(chain(sorted_out.applied, sorted_out.quarantined, sorted_out.suppressed), first):
        arrival.seq = seq


def _reused_keys(arrivals: Sequence[Arrival], known: Mapping[bytes, tuple[int, Fate]]) -> dict[bytes, set[bytes]]:
    """Keys that stand for more than one content, in State or in this batch -> the keys that the later ones get: asked for at once, not one by one."""
    first: dict[bytes, int] = {key: content for key, (content, _) in known.items()}
    found: dict[bytes, set[bytes]] = {}
    for arrival in arrivals:
        if first.setdefault(arrival.key, arrival.content) != arrival.content:
            found.setdefault(arrival.key, set()).add(_reused_key(arrival))
    return found


def _reused_key(arrival: Arrival) -> bytes:
    return key_bytes(arrival.source, f"{arrival.message_id}\0{arrival.content:x}")


def _known(connection: Connection[Any], keys: Iterable[bytes]) -> dict[bytes, tuple[int, Fate]]:
    given = list(keys)
    if not given:
        return {}
    rows = connection.execute("select key, content, fate from receipt where key = any(%s::uuid[])", [uuids(given)]).fetchall()
    return {key: (content, Fate.of(fate)) for key, content, fate in rows}


def _conflicting(arrival: Arrival) -> Arrival:
    """The same messageId with other content: kept beside the first, under a key of its own."""
    detail = f"messageId {arrival.message_id} came before with other content. Send it again with an id of its own."
    return msgspec.structs.replace(
        arrival,
        key=_reused_key(arrival),
        verdict=Verdict(0, Reason.MESSAGE_ID_REUSED, detail),
    )


def _fate(arrival: Arrival) -> Fate:
    if arrival.verdict is None or arrival.verdict.fate in (TAGGED, Fate.APPLIED):
        return Fate.APPLIED
    return Fate.SUPPRESSED if arrival.verdict.fate == Fate.SUPPRESSED else Fate.QUARANTINED


class Line(Struct, gc=False):
    """A receipt to be written: the arrival, what it was attributed to, and where its fact lies."""

    arrival: Arrival
    fate: Fate
    node: bytes
    occurred_at: int


#: Columns of a receipt row, in the order of `receipt_fields`.
RECEIPT_COLUMNS = (
    "key", "content", "source_id", "message_id", "fate", "reason", "duplicates", "node_id", "device_id", "type", "name",
    "original_at", "occurred_at", "sent_at", "received_at", "processed_at", "seq", "digest",
)  # fmt: skip


def release(connection: Connection[Any], lines: Iterable[Line]) -> None:
    """Receipts of events that leave quarantine make room for their new ones; the queue entries are settled.

    A correction whose messageId itself was wrong has another key than the receipt of what it corrects: that one stays, so that the
    same event is known when it is sent again.
    """
    arrivals = [line.arrival for line in lines]
    if not arrivals:
        return
    connection.execute("delete from receipt where key = any(%s::uuid[])", [uuids(arrival.key for arrival in arrivals)])
    settled = {key for arrival in arrivals for key in (arrival.key, arrival.replaces) if key}
    connection.execute(
        "update quarantined_event set state = 'replayed', settled_at = coalesce(settled_at, now()) where key = any(%s::uuid[]) and state <> 'replayed'",
        [uuids(settled)],
    )


def count_duplicates(connection: Connection[Any], duplicates: Sequence[Arrival]) -> None:
    """Note on each receipt how often its event came again."""
    again = Counter(arrival.key for arrival in duplicates if not arrival.replaces)
    if not again:
        return
    keys = sorted(again)
    connection.execute(
        """
        update receipt
           set duplicates = receipt.duplicates + given.n
          from unnest(%s::uuid[], %s::int[]) as given (key, n)
         where receipt.key = given.key
        """,
        [uuids(keys), numbers(again[key] for key in keys)],
    )


def put_in_quarantine(connection: Connection[Any], arrivals: Sequence[Arrival]) -> None:
    """Queue entries a person can act on, each with its whole original."""
    if not arrivals:
        return
    rows = []
    for arrival in arrivals:
        verdict = arrival.verdict or Verdict(0, Reason.PROCESSING_ERROR, "")
        circumstances = {
            "received_at": arrival.received_at,
            "sent_at": arrival.sent_at,
            "ip": arrival.ip,
            "user_agent": arrival.user_agent,
            "type": arrival.type,
        }
        rows.append(
            (
                arrival.key.hex(),
                arrival.source,
                arrival.message_id.replace("\0", NUL_STORED),
                arrival.name.replace("\0", ""),
                verdict.reason,
                verdict.detail.replace("\0", ""),
                arrival.body,
                msgspec.json.encode(circumstances).decode().replace("\\u0000", ""),
                arrival.received_at,
            )
        )
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into quarantined_event (key, source_id, message_id, event_name, reason, detail, raw, circumstances, received_at, state, settled_by, note)
            values (%s, %s, %s, %s, %s, %s, %s, %s, 'epoch'::timestamptz + %s * interval '1 microsecond', 'open', '', '')
                on conflict (key) do nothing
            """,
            rows,
        )


class Counted(Struct, frozen=True, gc=False):
    """One cell of the counters."""

    hour: int
    source: int
    fate: str
    reason: str
    name: str


def tally(sorted_out: Sorted) -> Steps[Counter[Counted]]:
    """What the counters grow by. A released event moves from quarantined to applied without being received again."""
    counts: Counter[Counted] = Counter()
    for fate, arrivals in (
        (Fate.APPLIED, sorted_out.applied),
        (Fate.QUARANTINED, sorted_out.quarantined),
        (Fate.SUPPRESSED, sorted_out.suppressed),
        (Fate.DUPLICATE, sorted_out.duplicates),
    ):
        for done, arrival in enumerate(arrivals):
            if done % LITTLE == 0:
                yield
            if fate == Fate.DUPLICATE and arrival.replaces:
                continue  # a replay repeated: it was not received anew
            hour = arrival.received_at // HOUR_US * HOUR_US
            reason = arrival.verdict.reason if arrival.verdict and fate != Fate.DUPLICATE else ""
            counts[Counted(hour, arrival.source, fate, reason, _counted_name(arrival))] += 1
            if arrival.replaces and fate == Fate.APPLIED:
                counts[Counted(hour, arrival.source, Fate.QUARANTINED, "corrected", "")] -= 1
    return counts


def _counted_name(arrival: Arrival) -> str:
    # The tracking plan knows pages and screens by their type; their names are as many as a shop has products.
    return (arrival.name if arrival.type in ("track", "") else arrival.type)[:COUNTED_NAME_MAX].replace("\0", "")


def count(connection: Connection[Any], counts: Mapping[Counted, int], partition: int) -> None:
    """Add to the counters."""
    if not counts:
        return
    cells = sorted(counts, key=lambda cell: (cell.hour, cell.source, cell.fate, cell.reason, cell.name))
    connection.execute(
        """
        insert into fate_count as known (hour, source_id, fate, reason, name, partition, n)
        select hour, source_id, fate, reason, name, %s, n
          from unnest(%s::timestamptz[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::bigint[])
            as given (hour, source_id, fate, reason, name, n)
            on conflict (hour, source_id, fate, reason, name, partition) do update
           set n = known.n + excluded.n
        """,
        [
            partition,
            times(cell.hour for cell in cells),
            numbers(cell.source for cell in cells),
            texts(cell.fate for cell in cells),
            texts(cell.reason for cell in cells),
            texts(cell.name for cell in cells),
            numbers(counts[cell] for cell in cells),
        ],
    )


def shift_timeline(connection: Connection[Any], places: Sequence[tuple[bytes, bytes, int]]) -> None:
    """Move the timeline lines of devices whose clock turned out to be wrong, or right after all.

    Args: places: (node, device, microseconds to add to what the device said).
    """
    if not places:
        return
    connection.execute(
        """
        update receipt
           set occurred_at = least(receipt.original_at + given.shift * interval '1 microsecond', receipt.received_at)
          from unnest(%s::uuid[], %s::uuid[], %s::bigint[]) as given (node_id, device_id, shift)
         where receipt.node_id = given.node_id
           and receipt.device_id = given.device_id
           and receipt.occurred_at <> least(receipt.original_at + given.shift * interval '1 microsecond', receipt.received_at)
        """,
        [uuids(place[0] for place in places), uuids(place[1] for place in places), numbers(place[2] for place in places)],
    )
