"""What becomes of an event, and why: the closed sets that receipts, quarantine, counters and answers speak in."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """How an accepted event ended. received = applied + duplicate + quarantined + suppressed."""

    APPLIED = "applied"  #: It took effect.
    DUPLICATE = "duplicate"  #: It had come before; nothing changed.
    QUARANTINED = "quarantined"  #: It waits, whole, for a person to correct, replay or dismiss it.
    SUPPRESSED = "suppressed"  #: It was kept out on purpose; the reason says on whose word.

    @property
    def number(self) -> int:
        """Its number in the receipt table. A duplicate has no receipt of its own: the first one counts it."""
        return _NUMBERS[self]

    @classmethod
    def of(cls, number: int) -> Fate:
        """The inverse of `number`."""
        return _FATES[number]


_NUMBERS = {Fate.APPLIED: 1, Fate.QUARANTINED: 2, Fate.SUPPRESSED: 3, Fate.DUPLICATE: 4}
_FATES = {number: fate for fate, number in _NUMBERS.items()}

#: Verdict.fate of an event that takes effect although it does not fit the tracking plan: applied, with the reason noted.
TAGGED = "tagged"


class Reason(StrEnum):
    """Why an event did not plainly take effect."""

    UNREADABLE_BODY = "unreadable_body"  #: The bytes are not JSON, or not an event or a batch of events.
    BODY_TOO_LARGE = "body_too_large"  #: The request is larger than collect.max_body_bytes; only its beginning is kept.
    UNKNOWN_TYPE = "unknown_type"  #: "type" is missing or none of identify, track, page, screen, group, alias.
    NO_IDENTIFIER = "no_identifier"  #: Neither userId nor anonymousId (nor groupId of a group, previousId of an alias).
    NO_EVENT_NAME = "no_event_name"  #: A track event without "event".
    MALFORMED_FIELD = "malformed_field"  #: A field has another type than the Segment spec gives it.
    EVENT_TOO_LARGE = "event_too_large"  #: The event is larger than collect.max_event_bytes.
    MESSAGE_ID_TOO_LONG = "message_id_too_long"  #: messageId has more than 100 characters.
    MESSAGE_ID_REUSED = "message_id_reused"  #: The messageId was used before for an event that said something else.
    PLAN_VIOLATION = "plan_violation"  #: The event does not fit its schema in the tracking plan.
    UNMAPPABLE = "unmappable"  #: The source's mapping does not lead from this row to an event.
    LOG_DAMAGED = "log_damaged"  #: The log's bytes changed on the disk after they were written; what this event said is not readable any more.
    PROCESSING_ERROR = "processing_error"  #: Applying it failed; the fault is Dangol's, and the event can be replayed once it is mended.
    CONSENT_DENIED = "consent_denied"  #: The event itself says that its person denies analytics.
    INTEGRATION_OFF = "integration_off"  #: The sender switched Dangol off for this event ("integrations": {"Dangol": false}).
    PLAN_SUPPRESSED = "plan_suppressed"  #: The tracking plan keeps such events out.
    SOURCE_DISABLED = "source_disabled"  #: The source may not send at present.
