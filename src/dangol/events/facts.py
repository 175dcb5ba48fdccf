"""Facts: everything that happened and is kept, whether a touchpoint told it or Dangol decided it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class FactKind(StrEnum):
    """Names of the facts this version writes. `noun.verbed`; the event's own name stands in Fact.name."""

    EVENT_APPLIED = "event.applied"  #: An event took effect. Its body is the whole event.
    EVENT_DUPLICATED = "event.duplicated"  #: The same event came again; nothing changed.
    EVENT_QUARANTINED = "event.quarantined"  #: An event waits for a person; its body is what came.
    EVENT_SUPPRESSED = "event.suppressed"  #: An event was kept out on purpose; the reason says whose.
    EVENT_TAGGED = "event.tagged"  #: An event took effect although it does not fit the tracking plan.
    PERSON_CREATED = "person.created"  #: A first identifier of somebody new.
    PERSON_MERGED = "person.merged"  #: Whole people became part of another one. Body: {"into", "from": [...], "edges": [[a, b]]}.
    PERSON_SPLIT = "person.split"  #: One person turned out to be several, perhaps with parts of people known before. Body: {"from", "into": {person: [nodes]}}.
    PEOPLE_DECIDED = "people.decided"  #: Staff joined two identifiers or kept them apart. Body: {"decision", "kind", "a", "b", "actor", "why"}.
    PEOPLE_UNDECIDED = "people.undecided"  #: Such a decision was taken back. Body: {"decision", "actor"}.
    PEOPLE_SUGGESTED = "people.suggested"  #: Two people are probably one. Body: {"suggestion", "a", "b", "probability", "bits", "run"}; asked by hand: {"by"}.
    SUGGESTION_DECIDED = "suggestion.decided"  #: What became of a suggestion. Body: {"suggestion", "verdict", "a", "b", "actor", "why", "decision"}.
    EDGE_REFUSED = "edge.refused"  #: Two identifiers were not joined. Body: {"a", "b", "reason"}.
    IDENTIFIER_SHARED = "identifier.shared"  #: Many people use it; it joins nobody any more. Body: {"identifier", "type", "because", "owners", "days"}.
    IDENTIFIER_RELEASED = "identifier.released"  #: It joins again: its owners were decided to be one person. Body: {"identifier", "type"}.
    TRAIT_CHANGED = "trait.changed"  #: A trait has a new newest value. Body: {"trait", "value", "previous"}.


class Fact(Struct, array_like=True, gc=False):
    """One fact, as the lake keeps it. Times in µs since the epoch, 0: not known. Ids as 16 bytes, b"": none."""

    #: Position in the change feed: batch << 20 | index.
    seq: int
    fact: str
    source: int
    message_id: str
    #: track, identify, … for events; "" for Dangol's own facts.
    type: str
    #: The event's name ("Order Completed"), page name, or "".
    name: str
    #: event_key of the event it is about.
    key: bytes
    #: Leading identifier it is attributed to.
    node: bytes
    device: bytes
    #: Person as known at that moment. The person map says who it is now.
    person: bytes
    original_at: int
    occurred_at: int
    sent_at: int
    received_at: int
    processed_at: int
    reason: str
    ip: str
    user_agent: str
    #: JSON: for events the whole event with its batch context merged in; raw bytes for an unreadable body.
    body: bytes
