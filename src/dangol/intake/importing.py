"""History from files into the log: the same checks, the same fates and receipts as if it had come over the wire.

In: rows (files.py), a source, a mapping.   Out: frames in a lane of their own.   Ask: Importer(...).write(rows).
Nothing listens and nothing else need run. An event without a messageId gets one from what its row says, so importing a file
again, or a longer version of it, changes nothing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dangol.errors import DangolError
from dangol.events import UNDECODABLE, Envelope, Malformed, now_us, parse_time_us, read_body
from dangol.intake.check import check_body
from dangol.intake.facts import TAGGED, Fate, Reason
from dangol.intake.files import Row
from dangol.intake.frame import HISTORY, Frame, FrameKind, Verdict
from dangol.intake.plan_check import Plan

#: Events of one frame, and bytes after which a frame is closed sooner.
FRAME_EVENTS = 500
FRAME_BYTES = 1_000_000
#: Frames of one commit.
COMMIT_FRAMES = 10
#: Two equal rows nearer than this to each other are two events; the same row further on is taken for the first one again.
EQUAL_ROWS_REMEMBERED = 65_536
#: Different problems told in words, rows named for each, and events shown by a dry run.
PROBLEMS_SHOWN = 10
ROWS_NAMED = 3
EVENTS_SHOWN = 3

Apply = Callable[[Mapping[str, Any]], list[dict[str, Any]]]


class NeedsMapping(DangolError):
    """The rows of this file are not Segment-shaped events."""

    code = "needs_mapping"


class RowUnmappable(DangolError):
    """The mapping does not lead from this row to an event."""

    code = "row_unmappable"


class _Look(Struct, gc=False):
    messageId: Any = None
    type: Any = None
    event: Any = None
    batch: Raw | UnsetType = UNSET


_look = msgspec.json.Decoder(_Look).decode


@dataclass(slots=True)
class Problem:
    """What does not fit, once, however many rows have it."""

    words: str
    #: The first rows that have it, and how many have it in all.
    rows: list[int]
    times: int

    def __str__(self) -> str:
        named = ", ".join(f"{number:,}" for number in self.rows)
        more = f" and {self.times - len(self.rows):,} more" if self.times > len(self.rows) else ""
        return f"{'rows' if self.times > 1 else 'row'} {named}{more}: {self.words}"


@dataclass(slots=True)
class Tally:
    """What an import has done so far."""

    rows: int = 0
    #: Events written, the quarantined ones among them.
    events: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    #: Applied although they do not fit the tracking plan.
    tagged: int = 0
    #: Events without a time that can be read, and the first row of one: they count as having happened when they were imported.
    undated: int = 0
    undated_first: int = 0
    names: Counter[str] = field(default_factory=Counter)
    #: The first different problems, by their words.
    problems: dict[str, Problem] = field(default_factory=dict)
    #: First events as they are written.
    samples: list[dict[str, Any]] = field(default_factory=list)
    commits: int = 0


@dataclass(slots=True)
class Batch:
    """Frames that go into one commit, and the row that they lead up to."""

    frames: list[Frame]
    rows_done: int


class Importer:
    """Turns rows into frames of one source. Lives as long as one import."""

    def __init__(self, source: int, *, plan: Plan, max_event_bytes: int, mapping: Apply | None = None, look: bool = False) -> None:
        self.tally = Tally()
        self._source = source
        self._plan = plan
        self._max_event_bytes = max_event_bytes
        self._mapping = mapping
        self._look = look
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def batches(self, rows: Iterable[Row], *, skip: int = 0) -> Iterator[Batch]:
        """Frames in commits, for all rows after the first *skip* (which were written before; they are only counted)."""
        frames: list[Frame] = []
        events: list[tuple[int, bytes]] = []
        size = 0
        failure: DangolError | None = None
        reading = iter(rows)
        while True:
            try:
                row = next(reading)
            except StopIteration:
                break
            except DangolError as error:  # a file cut off in the middle: what was read is written all the same
                failure = error
                break
            self.tally.rows = row.number
            stamp = self._stamp(row)
            if row.number <= skip:
                continue
            given = self._events(row, stamp)
            if isinstance(given, Frame):
                frames.append(given)
            else:
                events += ((row.number, event) for event in given)
                size += sum(map(len, given))
            if len(events) >= FRAME_EVENTS or size >= FRAME_BYTES:
                frames.append(self._frame(events))
                events, size = [], 0
            if len(frames) >= COMMIT_FRAMES:
                frames += [self._frame(events)] if events else []
                yield Batch(frames, row.number)
                frames, events, size = [], [], 0
        frames += [self._frame(events)] if events else []
        if frames:
            yield Batch(frames, self.tally.rows)
        if failure is not None:
            raise failure

    def _stamp(self, row: Row) -> str:
        """What names this row for ever: its content, and which of several equal rows it is."""
        digest = blake2b(row.line, digest_size=16).digest()
        before = self._seen.pop(digest, 0)
        self._seen[digest] = before + 1
        if len(self._seen) > EQUAL_ROWS_REMEMBERED:
            self._seen.popitem(last=False)
        return f"import-{digest.hex()}-{before}" if before else f"import-{digest.hex()}"

    def _events(self, row: Row, stamp: str) -> list[bytes] | Frame:
        """The events of one row as JSON, or the frame that keeps it for a person."""
        if row.problem:
            return self._rejected(row, stamp, Reason.UNREADABLE_BODY, f"row {row.number}: {row.problem}")
        if self._mapping is None:
            try:
                return self._segment_shaped(row, stamp)
            except UNDECODABLE as error:
                return self._rejected(row, stamp, Reason.UNREADABLE_BODY, f"row {row.number}: {error}")
        try:
            mapped = self._mapping(row.fields())
        except UNDECODABLE as error:
            return self._rejected(row, stamp, Reason.UNREADABLE_BODY, f"row {row.number}: {error}")
        except DangolError as error:
            return self._rejected(row, stamp, Reason.UNMAPPABLE, f"row {row.number}: {error}")
        return [self._named(event, stamp, index, len(mapped)) for index, event in enumerate(mapped)]

    def _segment_shaped(self, row: Row, stamp: str) -> list[bytes]:
        found = _look(row.line)
        if found.batch is not UNSET:
            return _unpacked(row.line, stamp)
        if found.messageId is not None:
            return [row.line]
        # The last of two equal keys counts, so this also replaces an explicit null.
        rest = row.line.rstrip()[:-1].rstrip()
        comma = b"" if rest.endswith(b"{") else b","
        return [rest + comma + b'"messageId":"' + stamp.encode() + b'"}']

    def _named(self, event: dict[str, Any], stamp: str, index: int, of: int) -> bytes:
        if event.get("messageId") in (None, ""):
            event["messageId"] = f"{stamp}-{index}" if of > 1 else stamp
        return msgspec.json.encode(event)

    def _frame(self, events: list[tuple[int, bytes]]) -> Frame:
        raw = b'{"batch":[' + b",".join(event for _, event in events) + b"]}"
        body = read_body(raw, "batch")
        verdicts = check_body(body, raw, plan=self._plan, max_event_bytes=self._max_event_bytes)
        tally = self.tally
        tally.events += len(body.items)
        tally.names.update(map(_called, body.items))
        for (number, _), item in zip(events, body.items, strict=True):
            if item.__class__ is not Malformed and not _dated(item):  # type: ignore[arg-type]
                tally.undated += 1
                tally.undated_first = tally.undated_first or number
        for verdict in verdicts:
            self._note(events[verdict.index][0], verdict)
        if len(tally.samples) < EVENTS_SHOWN:
            tally.samples += [msgspec.json.decode(event) for _, event in events[: EVENTS_SHOWN - len(tally.samples)]]
        request = blake2b(raw, digest_size=16).digest()
        return Frame(FrameKind.EVENTS, self._source, now_us(), request, HISTORY, len(body.items), raw, verdicts=verdicts)

    def _rejected(self, row: Row, stamp: str, reason: Reason, detail: str) -> Frame:
        verdict = Verdict(0, reason.value, detail)
        self.tally.events += 1
        self._note(row.number, verdict)
        request = blake2b(stamp.encode(), digest_size=16).digest()
        return Frame(FrameKind.REJECTED, self._source, now_us(), request, "batch", 1, row.line, verdicts=[verdict])

    def _note(self, number: int, verdict: Verdict) -> None:
        if verdict.fate == Fate.SUPPRESSED.value:
            self.tally.suppressed[verdict.reason] += 1
        elif verdict.fate == TAGGED:
            self.tally.tagged += 1
        else:
            self.tally.quarantined[verdict.reason] += 1
        words, problems = verdict.detail.removeprefix(f"row {number}: "), self.tally.problems
        if (problem := problems.get(words)) is not None:
            problem.times += 1
            if len(problem.rows) < ROWS_NAMED:
                problem.rows.append(number)
        elif len(problems) < PROBLEMS_SHOWN:
            problems[words] = Problem(words, [number], 1)


def _dated(item: Envelope) -> bool:
    """Whether the event says when it happened, so that it can be read."""
    return parse_time_us(item.originalTimestamp if item.originalTimestamp is not None else item.timestamp) is not None


def _called(item: Envelope | Malformed) -> str:
    """What a person calls this event."""
    if isinstance(item, Malformed):
        return "(unreadable)"
    if item.type in ("track", "page", "screen"):
        return item.event or item.name or item.type
    return item.type or "(no type)"


def _unpacked(line: bytes, stamp: str) -> list[bytes]:
    """The events of a line that holds a whole batch, each with the batch's context and sentAt."""
    whole = msgspec.json.decode(line)
    events = []
    for index, item in enumerate(whole["batch"] if isinstance(whole["batch"], list) else [whole["batch"]]):
        if not isinstance(item, dict):
            events.append(msgspec.json.encode(item))
            continue
        event = dict(item)
        if isinstance(whole.get("context"), dict):
            event["context"] = {**whole["context"], **(event.get("context") or {})}
        for key in ("sentAt", "integrations"):
            if key in whole:
                event.setdefault(key, whole[key])
        if event.get("messageId") is None:
            event["messageId"] = f"{stamp}-{index}"
        events.append(msgspec.json.encode(event))
    return events


#: Columns that hold JSON objects.
_OBJECTS = ("properties", "traits", "context", "integrations")


def flat_event(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The event that a Segment-shaped table row tells: columns type, userId, event, …, and dotted ones as properties.price.

    An empty cell says nothing. A column named properties, traits, context or integrations holds JSON.

    >>> flat_event({"type": "track", "event": "Paid", "userId": "u1", "properties.price": "12", "traits.name": ""})
    [{'type': 'track', 'event': 'Paid', 'userId': 'u1', 'properties': {'price': '12'}}]
    """
    event: dict[str, Any] = {}
    for column, given in row.items():
        cell = _said(given)
        if cell is None or cell == "" or not column:
            continue
        part, dot, rest = column.partition(".")
        if column in _OBJECTS and isinstance(cell, str):
            try:
                cell = msgspec.json.decode(cell)
            except UNDECODABLE as error:
                raise RowUnmappable(f"column {column} must hold a JSON object: {error}.") from None
        if not dot:
            event[column] = cell
            continue
        target = event.setdefault(part, {})
        for step in rest.split(".")[:-1]:
            target = target.setdefault(step, {}) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise RowUnmappable(f"column {column} speaks of a part inside {part}, which another column fills with a plain value.")
        target[rest.split(".")[-1]] = cell
    return [event]


def _said(value: Any) -> Any:
    """*value* without the nulls that a table puts where nothing was said; in an event, a null trait would remove the trait."""
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := _said(item)) is not None} or None
    return value


def looks_segment_shaped(columns: Iterable[str]) -> bool:
    """Whether a table with these columns holds events already: it names the type, and who."""
    names = set(columns)
    return "type" in names and bool(names & {"userId", "anonymousId", "groupId", "previousId"})
