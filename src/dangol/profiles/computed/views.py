"""What computed traits answer: values with what they are worth, the lifecycle stage with its reasons, the events behind a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dangol.profiles.computed.definitions import Function, window_text
from dangol.profiles.computed.lifecycle import Because, StageState
from dangol.profiles.computed.rules import ValueState


@dataclass(frozen=True, slots=True)
class ComputedView:
    """A computed trait of one person."""

    name: str
    function: Function
    #: None: no event told it, or it is still being filled. Moments are aware datetimes.
    value: Any
    state: ValueState
    #: The moment at which this was true: when it was read.
    as_of: datetime
    #: Width of the sliding window in hours; 0: all time.
    window_hours: int
    #: Path of the property that it comes from; (): the events themselves.
    over: tuple[str, ...]
    #: How much of history has been read, 0.0 to 1.0.
    progress: float
    label: dict[str, str] = field(default_factory=dict)

    def called(self, language: str) -> str:
        """What it is called on screen."""
        return self.label.get(language) or self.label.get("en") or self.name

    @property
    def window(self) -> str:
        """The window as the rules write it."""
        return window_text(self.window_hours)


@dataclass(frozen=True, slots=True)
class LifecycleView:
    """Where in their life as a customer somebody stands, and why."""

    #: None: history is still being read, or no stage fits.
    stage: str | None
    state: StageState
    label: dict[str, str]
    because: tuple[Because, ...]
    #: The reasons in words, by language.
    why: dict[str, str]

    def called(self, language: str) -> str:
        """What the stage is called on screen."""
        return self.label.get(language) or self.label.get("en") or self.stage or ""


@dataclass(frozen=True, slots=True)
class MadeBy:
    """One event behind a computed value."""

    message_id: str
    occurred_at: datetime
    source: str
    channel: str
    #: Its event name or call type.
    name: str
    #: What stands at the trait's property, in order; [] for a trait of the events themselves.
    values: list[Any]
    seq: int
    node_id: UUID
    key: UUID
    #: False: its receipt was kept its time and is gone (state.receipt_days); the event itself is in the lake.
    has_receipt: bool = True


@dataclass(frozen=True, slots=True)
class ComputedExplanation:
    """A computed value, and a page of the events that made it, newest first."""

    view: ComputedView
    #: The definition in words, by language.
    means: dict[str, str]
    events: list[MadeBy]
    #: Cursor of the page after this one; None: there are no more.
    next: str | None
    #: Why no events are listed although there may be some; "": they are.
    unread: str = ""
