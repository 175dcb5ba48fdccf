"""The whole flow: which fact makes whom react, in order. Pages and docs are made from FLOW; a test keeps it true.

`apply_batch` is the flow carried out for one micro-batch, inside one transaction of State: receipts, people, fragments,
quarantine, counters and facts commit together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from psycopg import Connection

from dangol.events import to_datetime
from dangol.events.facts import Fact, FactKind
from dangol.events.ports import SEQ_BITS, Lake
from dangol.hotstate import COPY_NULL, LITTLE, Steps, beside, copy_fields, copy_jsonb, copy_rows, copy_text, copy_time
from dangol.identity import (
    Claim,
    Claimed,
    Decided,
    Decision,
    Foreseen,
    LinkOutcome,
    RuleSet,
    Seen,
    claimed_identifiers,
    decide,
    foresee_decision,
    foresee_undoing,
    link,
    take_back,
)
from dangol.identity.suggestions import decision_undone
from dangol.intake.arrivals import PARTITIONS, Arrival, read_frame
from dangol.intake.facts import TAGGED, Fate
from dangol.intake.frame import Frame
from dangol.intake.keeping import keep
from dangol.intake.settle import (
    RECEIPT_COLUMNS,
    Line,
    Sorted,
    as_told,
    count,
    count_duplicates,
    number,
    put_in_quarantine,
    release,
    shift_timeline,
    sort_out,
    tally,
)
from dangol.profiles import Clocks, Observed, Told, lines_to_move, observe
from dangol.profiles.computed import Happened, Program, contribute


class Reaction(Struct, frozen=True):
    """One row of the table: a fact, the room that reacts, and what it does."""

    fact: str
    room: str
    does: str


#: Every fact and who reacts to it, in the order in which it happens.
FLOW: tuple[Reaction, ...] = (
    Reaction("frame.accepted", "intake", "reads the request's events and settles each one's fate by its key (sort_out)"),
    Reaction(FactKind.EVENT_DUPLICATED, "intake", "counts it on the receipt of the first (count_duplicates)"),
    Reaction(FactKind.EVENT_QUARANTINED, "intake", "queues it for a person, whole (put_in_quarantine)"),
    Reaction(FactKind.EVENT_SUPPRESSED, "intake", "keeps its receipt with the reason and nothing else"),
    Reaction(FactKind.EVENT_APPLIED, "profiles", "folds what it tells into the fragment of its leading identifier (observe)"),
    Reaction(FactKind.EVENT_APPLIED, "profiles", "adds to the computed traits that look at it (contribute)"),
    Reaction(FactKind.EVENT_APPLIED, "intake", "writes its receipt, which is also its timeline line (RECEIPT_COLUMNS)"),
    Reaction(FactKind.EVENT_APPLIED, "identity", "makes its identifiers known and judges its claims (link)"),
    Reaction(FactKind.EVENT_TAGGED, "profiles", "as event.applied, in all rooms; the tracking plan's complaint is kept with it"),
    Reaction(FactKind.PERSON_CREATED, "feeds", "tells subscribers"),
    Reaction(FactKind.PERSON_MERGED, "feeds", "tells subscribers"),
    Reaction(FactKind.PERSON_SPLIT, "feeds", "tells subscribers"),
    Reaction(FactKind.EDGE_REFUSED, "feeds", "tells subscribers"),
    Reaction(FactKind.PEOPLE_DECIDED, "identity", "settles the people of both identifiers anew (decide_people)"),
    Reaction(FactKind.PEOPLE_UNDECIDED, "identity", "settles them anew without the decision (undecide_people)"),
    Reaction(FactKind.PEOPLE_UNDECIDED, "identity", "lets the suggestion that led to it wait again (decision_undone)"),
    Reaction(FactKind.PEOPLE_SUGGESTED, "feeds", "tells subscribers"),
    Reaction(FactKind.SUGGESTION_DECIDED, "feeds", "tells subscribers"),
    Reaction(FactKind.IDENTIFIER_SHARED, "feeds", "tells subscribers"),
    Reaction(FactKind.IDENTIFIER_RELEASED, "feeds", "tells subscribers"),
    Reaction(FactKind.TRAIT_CHANGED, "feeds", "tells subscribers"),
)

_encode = msgspec.json.Encoder(order="deterministic").encode


class Rules(Struct):
    """What a worker needs to know besides the events."""

    identity: RuleSet
    #: source id -> kind.
    source_kinds: dict[int, str]
    #: Computed traits at work; None or empty: there are none, and they cost nothing.
    computed: Program | None = None


class Applied(Struct):
    """What one batch came to."""

    applied: int
    duplicate: int
    quarantined: int
    suppressed: int
    merged: int


def read_frames(frames: Sequence[Frame], rules: Rules) -> list[Arrival]:
    """The arrivals of *frames*, with their usable identifiers settled."""
    arrivals: list[Arrival] = []
    for frame in frames:
        kind = rules.source_kinds.get(frame.source, "other")
        for arrival in read_frame(frame, kind, rules.identity.traits):
            arrival.identifiers = identifiers_of(arrival, kind, rules.identity)
            arrivals.append(arrival)
    return arrivals


def identifiers_of(arrival: Arrival, source_kind: str, rules: RuleSet) -> list[Claimed]:
    """The usable identifiers of an arrival, the leading one first; on a device that serves many, without the device's own.

    An event that has nothing else belongs to the device.
    """
    found = claimed_identifiers(arrival.given, rules) if arrival.given else []
    neutral = rules.neutral.get(source_kind)
    return [one for one in found if one.kind not in neutral] or found[:1] if neutral and len(found) > 1 else found


def partition_of(arrival: Arrival) -> int:
    """Which partition an arrival belongs to: by its leading identifier, so that one worker owns all its fragments."""
    lead = leading(arrival) or arrival.key
    return lead[0] % PARTITIONS


def leading(arrival: Arrival) -> bytes:
    """The node an arrival is attributed to; b"" when it carries no usable identifier."""
    return arrival.identifiers[0].node if arrival.identifiers else b""


def apply_batch(
    connection: Connection[Any], arrivals: Sequence[Arrival], *, rules: Rules, lake: Lake | None, now_us: int, partition: int,
    receipts_since: datetime | None = None,
) -> Applied:  # fmt: skip
    """Carry the flow out for *arrivals*.

    Args: lake: where the facts go; None while rebuilding, when they are there already.  now_us: moment of processing.
        partition: under which the counters are kept, so that workers do not wait for each other.
        receipts_since: while rebuilding, receipts of events processed before this moment are left out as trimming would (intake/keeping.py).
    """
    fates = sort_out(connection, arrivals) if lake else as_told(arrivals)
    batch = lake.reserve(connection) if lake else 0
    if lake:
        number(fates, batch << SEQ_BITS)
    # Python goes on while PostgreSQL works, wherever the one does not need what the other is at.
    with beside(connection, _claims(fates.applied)) as claimed, beside(connection, tally(fates)) as counts:
        told = observe(connection, [_observed(arrival) for arrival in fates.applied if arrival.identifiers])
    if rules.computed:
        contribute(connection, rules.computed, _looked_at(fates.applied, rules.computed))
    lines = _lines(fates, told)
    release(connection, [line for line in lines if line.arrival.key in fates.released])
    if not lake:
        lines = keep(connection, lines, receipts_since)
    with beside(connection, _event_facts(fates, lines if lake else [], batch << SEQ_BITS, now_us)) as facts:
        copy_rows(connection, "receipt", RECEIPT_COLUMNS, (receipt_fields(line, now_us) for line in lines))
    count_duplicates(connection, fates.duplicates)
    if lake:
        # Queue and counters are a record of what happened, not derived from it: a rebuild leaves them alone.
        put_in_quarantine(connection, fates.quarantined)
        count(connection, counts.result(), partition)
    # Last, because one worker at a time may be here: what people share is the one thing that workers share.
    outcome = link(connection, *claimed.result(), rules.identity)
    shift_timeline(connection, lines_to_move(connection, told.clocks))
    if lake:
        lake.append(connection, batch, _with_people(facts.result(), outcome))
        # Numbered only here, where nobody else settles people: who follows the feed meets changes of people in the order in which they happened.
        tell(connection, lake, _own_facts(outcome, told), now_us)
    return Applied(len(fates.applied), len(fates.duplicates), len(fates.quarantined), len(fates.suppressed), len(outcome.merged))


def _claims(applied: Sequence[Arrival]) -> Steps[tuple[dict[bytes, Seen], dict[tuple[bytes, bytes], Claim]]]:
    seen: dict[bytes, Seen] = {}
    first: dict[bytes, tuple[int, str, int, str]] = {}
    claims: dict[tuple[bytes, bytes], Claim] = {}
    for done, arrival in enumerate(applied):
        if done % LITTLE == 0:
            yield
        for one in arrival.identifiers:
            # Which spelling and source is kept must not depend on the order of arrival within the batch.
            order = (arrival.original_at, arrival.message_id, arrival.source, one.raw)
            if one.node not in seen or order < first[one.node]:
                seen[one.node] = Seen(one.kind, one.value, one.raw, arrival.source, arrival.original_at, arrival.message_id)
                first[one.node] = order
        if len(arrival.identifiers) < 2:
            continue
        lead = arrival.identifiers[0]
        for other in arrival.identifiers[1:]:
            claim = Claim(
                lead.node, other.node, arrival.original_at, arrival.message_id, arrival.source, arrival.seq,
                arrival.original_at, 1, arrival.rule, lead.verified and other.verified,
            )  # fmt: skip
            known = claims.get((claim.a, claim.b))
            claims[(claim.a, claim.b)] = claim if known is None else _together(known, claim)
    return seen, claims


def _together(known: Claim, other: Claim) -> Claim:
    first, second = (known, other) if known.evidence <= other.evidence else (other, known)
    first.last_at = max(first.last_at, second.last_at)
    first.events += second.events
    first.verified = first.verified or second.verified
    return first


def _observed(arrival: Arrival) -> Observed:
    order_id = ""
    if arrival.digest and b'"order_id"' in arrival.digest:
        order_id = str(msgspec.json.decode(arrival.digest).get("order_id", ""))
    return Observed(
        leading(arrival), arrival.device, arrival.original_at, arrival.sent_at, arrival.received_at, arrival.message_id,
        arrival.source, arrival.active, arrival.traits if arrival.type != "group" or arrival.group else None, arrival.group, order_id,
    )  # fmt: skip


def _looked_at(applied: Sequence[Arrival], program: Program) -> list[Happened]:
    return [happened(arrival) for arrival in applied if arrival.identifiers and program.wants(arrival.type, arrival.name)]


def happened(arrival: Arrival) -> Happened:
    """An applied arrival as computed traits see it."""
    return Happened(
        leading(arrival), arrival.device, arrival.original_at, arrival.message_id, arrival.type, arrival.name, arrival.body
    )  # fmt: skip


def _lines(fates: Sorted, told: Told) -> list[Line]:
    lines: list[Line] = []
    for fate, arrivals in ((Fate.APPLIED, fates.applied), (Fate.QUARANTINED, fates.quarantined), (Fate.SUPPRESSED, fates.suppressed)):
        for arrival in arrivals:
            # A device's clock is known from what was applied; what was not keeps the time it came with.
            shift = told.clocks.shifts.get(arrival.device, 0) if fate is Fate.APPLIED else 0
            occurred = min(arrival.original_at + shift, arrival.received_at)
            node = leading(arrival) if fate is Fate.APPLIED else b""
            lines.append(Line(arrival, fate, node, occurred))
    return lines


_head = copy_fields("uqh")
_fate = copy_fields("h")
_attribution = copy_fields("iuu")
_unattributed = copy_fields("i")
_device = copy_fields("u")
_times = copy_fields("qq")
_sent = copy_fields("q")
_tail = copy_fields("qqq")


def receipt_fields(line: Line, now_us: int) -> bytes:
    """A receipt as fields of a binary COPY, in the order of RECEIPT_COLUMNS."""
    one = line.arrival
    return b"".join(
        (
            _head(one.key, one.content, one.source),
            copy_text(one.message_id),
            _fate(line.fate.number),
            copy_text(one.verdict.reason) if one.verdict else COPY_NULL,
            _attribution(0, line.node, one.device) if line.node else _unattributed(0) + COPY_NULL + _device(one.device),
            copy_text(one.type),
            copy_text(one.name),
            _times(copy_time(one.original_at), copy_time(line.occurred_at)),
            _sent(copy_time(one.sent_at)) if one.sent_at else COPY_NULL,
            _tail(copy_time(one.received_at), copy_time(one.processed_at or now_us), one.seq),
            copy_jsonb(one.digest.replace(b"\\u0000", b"") if one.digest else None),
        )
    )


_KIND_OF = {Fate.APPLIED: FactKind.EVENT_APPLIED, Fate.QUARANTINED: FactKind.EVENT_QUARANTINED, Fate.SUPPRESSED: FactKind.EVENT_SUPPRESSED}


def _event_facts(fates: Sorted, lines: Sequence[Line], base: int, now_us: int) -> Steps[list[Fact]]:
    """What came of every arrival; whose it is, is not known yet."""
    facts: list[Fact] = []
    for line in lines:
        if len(facts) % LITTLE == 0:
            yield
        kind = _KIND_OF[line.fate]
        if line.fate is Fate.APPLIED and line.arrival.verdict is not None and line.arrival.verdict.fate == TAGGED:
            kind = FactKind.EVENT_TAGGED
        facts.append(_event_fact(kind, line.arrival.seq, line.arrival, line.node, line.occurred_at, now_us))
    for arrival in fates.duplicates:
        if arrival.replaces:
            continue  # a replay repeated: it was not received anew
        duplicate = _event_fact(FactKind.EVENT_DUPLICATED, base + len(facts), arrival, b"", arrival.original_at, now_us)
        duplicate.body = b""
        facts.append(duplicate)
    return facts


def _with_people(facts: list[Fact], outcome: LinkOutcome) -> list[Fact]:
    """*facts* with the people they belong to."""
    for one in facts:
        one.person = outcome.person_of.get(one.node, b"")
    return _not_too_many(facts)


def _not_too_many(facts: list[Fact]) -> list[Fact]:
    if len(facts) >= 1 << SEQ_BITS:
        raise OverflowError(f"{len(facts)} facts in one batch, must be fewer than {1 << SEQ_BITS}; it will be halved.")
    return facts


def _event_fact(kind: FactKind, seq: int, arrival: Arrival, node: bytes, occurred_at: int, now_us: int) -> Fact:
    # In the order of Fact's fields: told by name they would take five times as long.
    return Fact(
        seq, kind, arrival.source, arrival.message_id, arrival.type, arrival.name, arrival.key, node, arrival.device, b"",
        arrival.original_at, occurred_at, arrival.sent_at, arrival.received_at, now_us,
        arrival.verdict.reason if arrival.verdict else "", arrival.ip, arrival.user_agent, arrival.body,
    )  # fmt: skip


def _own_fact(fact: FactKind, seq: int, person: bytes, node: bytes, message: str, body: dict[str, Any], now_us: int) -> Fact:
    return Fact(
        seq, fact, 0, message, "", "", b"", node, b"", person, 0, now_us, 0, now_us, now_us, body.get("reason", ""), "", "", _encode(body)
    )


def decide_people(
    connection: Connection[Any], lake: Lake, decision: Decision, rules: RuleSet, *, actor: str, why: str, now_us: int,
    foreseen: Foreseen | None = None,
) -> Decided:  # fmt: skip
    """Put two identifiers together or keep them apart, and tell everybody what followed.

    The connection must be a hotstate.RawConnection. Args: foreseen: by identity.foresee_decision, for those who have begun a transaction
    of their own; otherwise it is done here. Raises: DecisionRefused; nothing has changed then.
    """
    foreseen = foreseen or foresee_decision(connection, decision, rules)
    with connection.transaction():
        decided = decide(connection, decision, rules, actor=actor, why=why, at=to_datetime(now_us), foreseen=foreseen)
        if decided.already:
            return decided
        body = {"decision": decided.number, "kind": decision.kind, "a": _text(decision.a), "b": _text(decision.b), "actor": actor, "why": why}
        _tell_decision(connection, lake, FactKind.PEOPLE_DECIDED, decision.a, body, decided.outcome, now_us)
        return decided


def undecide_people(
    connection: Connection[Any], lake: Lake, number: int, rules: RuleSet, *, actor: str, now_us: int, foreseen: Foreseen | None = None
) -> Decided:
    """Take a decision back, and tell everybody what followed. Args: as decide_people's. Raises: DecisionRefused; nothing has changed then."""
    foreseen = foreseen or foresee_undoing(connection, number, rules)
    with connection.transaction():
        decided = take_back(connection, number, rules, actor=actor, at=to_datetime(now_us), foreseen=foreseen)
        _tell_decision(connection, lake, FactKind.PEOPLE_UNDECIDED, b"", {"decision": number, "actor": actor}, decided.outcome, now_us)
        reopened = [{"suggestion": one, "verdict": "open", "actor": actor, "decision": number} for one in decision_undone(connection, number)]
        tell(connection, lake, [(FactKind.SUGGESTION_DECIDED, b"", b"", "", body) for body in reopened], now_us)
        return decided


def _tell_decision(
    connection: Connection[Any], lake: Lake, fact: FactKind, node: bytes, body: dict[str, Any], outcome: LinkOutcome, now_us: int
) -> None:
    tell(connection, lake, [(fact, b"", node, "", body), *_own_facts(outcome, Told([], Clocks()))], now_us)


def tell_outcome(connection: Connection[Any], lake: Lake, outcome: LinkOutcome, now_us: int) -> None:
    """Keep what changed about people as facts, in the caller's transaction."""
    tell(connection, lake, _own_facts(outcome, Told([], Clocks())), now_us)


def tell(connection: Connection[Any], lake: Lake, told: Sequence[tuple[FactKind, bytes, bytes, str, dict[str, Any]]], now_us: int) -> None:
    """Keep facts that Dangol itself decided, in the caller's transaction: (kind, person, node, messageId, body) of each."""
    if not told:
        return
    batch = lake.reserve(connection)
    facts = [
        _own_fact(kind, (batch << SEQ_BITS) + index, person, about, message, content, now_us)
        for index, (kind, person, about, message, content) in enumerate(told)
    ]
    lake.append(connection, batch, _not_too_many(facts))


def _own_facts(outcome: LinkOutcome, told: Told) -> list[tuple[FactKind, bytes, bytes, str, dict[str, Any]]]:
    """(kind, person, node, messageId, body) of what Dangol itself decided in this batch."""
    own: list[tuple[FactKind, bytes, bytes, str, dict[str, Any]]] = []
    body: dict[str, Any]
    for created in outcome.created:
        own.append((FactKind.PERSON_CREATED, created.person, created.node, "", {"person": _text(created.person)}))
    for split in outcome.split:
        parts = {_text(person): [_text(node) for node in nodes] for person, nodes in split.parts.items()}
        own.append((FactKind.PERSON_SPLIT, split.person, split.person, "", {"from": _text(split.person), "into": parts}))
    for merged in outcome.merged:
        body = {
            "into": _text(merged.into),
            "from": [_text(one) for one in merged.people],
            "edges": [[_text(a), _text(b)] for a, b in merged.claims],
        }
        own.append((FactKind.PERSON_MERGED, merged.into, merged.into, "", body))
    for refused in outcome.refused:
        body = {"a": _text(refused.a), "b": _text(refused.b), "reason": refused.reason}
        own.append((FactKind.EDGE_REFUSED, outcome.person_of.get(refused.a, b""), refused.a, refused.message, body))
    for shared in outcome.shared:
        body = {"identifier": _text(shared.node), "type": shared.kind, "because": shared.because, "owners": shared.owners, "days": shared.days}
        own.append((FactKind.IDENTIFIER_SHARED, outcome.person_of.get(shared.node, b""), shared.node, "", body))
    for released in outcome.released:
        body = {"identifier": _text(released.node), "type": released.kind}
        own.append((FactKind.IDENTIFIER_RELEASED, outcome.person_of.get(released.node, b""), released.node, "", body))
    for change in told.changed:
        body = {"trait": change.trait, "value": change.value, "previous": change.previous}
        own.append((FactKind.TRAIT_CHANGED, outcome.person_of.get(change.node, b""), change.node, change.message_id, body))
    return own


def _text(one: bytes) -> str:
    """An id as people write it: 8-4-4-4-12."""
    text = one.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
