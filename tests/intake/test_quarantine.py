"""Quarantine: a person corrects, replays or dismisses; nothing is lost, nothing takes effect twice."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.engines import state
from dangol.engines.log import open_log
from dangol.events import event_key, now_us
from dangol.events.plan import add_version, retire
from dangol.intake.frame import Frame, FrameKind, Verdict
from dangol.intake.quarantine import (
    QuarantineFilter,
    QuarantineRefused,
    QuarantineState,
    ReplayOutcome,
    _object,
    correct,
    dismiss,
    quarantine_entry,
    quarantine_reasons,
    quarantined,
    recheck,
    replay,
    undo_dismiss,
)
from dangol.intake.receipts import receipt, totals
from dangol.intake.sources import add_source
from dangol.processes.process import Worker
from dangol.settings import Settings

#: What a client sent without saying whose event it is.
NOBODYS = {"type": "track", "event": "Order Completed", "messageId": "m-1", "properties": {"order_id": "O-1"}}


@dataclass
class Shop:
    """A workspace with one source, one worker and the console's lane of the log."""

    settings: Settings
    connection: psycopg.Connection[Any]
    source: int
    worker: Worker
    collect: Any
    console: Any
    key: UUID = field(default_factory=lambda: UUID(int=0))

    def send(self, event: dict[str, Any], *verdicts: Verdict, times: int = 1) -> None:
        """The event reaches the log, and is processed."""
        body = json.dumps(event).encode()
        for _ in range(times):
            self.collect.append([Frame(FrameKind.EVENTS, self.source, now_us(), secrets.token_bytes(16), "track", 1, body, verdicts=list(verdicts))])
        self.process()
        self.key = event_key(self.source, event.get("messageId", ""))

    def process(self) -> None:
        """Everything in the log is processed."""
        while self.worker.step():
            pass

    def fates(self) -> dict[str, int]:
        """The totals by fate."""
        counts = totals(self.connection)
        return {"applied": counts.applied, "duplicate": counts.duplicate, "quarantined": counts.quarantined, "suppressed": counts.suppressed}

    def accepted(self) -> int:
        """Events that the log says were ever accepted."""
        log = open_log(self.settings)
        return sum(log.head(lane)[1] for lane in log.lanes())


@pytest.fixture
def shop(workspace: Settings) -> Iterator[Shop]:
    log = open_log(workspace)
    with state.connect(workspace, autocommit=True) as connection:
        source = add_source(connection, "web", "web").id
        worker, collect, console = Worker(workspace, 0), log.writer("collect"), log.writer("console")
        yield Shop(workspace, connection, source, worker, collect, console)
        collect.close()
        console.close()
        worker.disconnect()


def no_identifier() -> Verdict:
    return Verdict(0, "no_identifier", "The event has neither userId nor anonymousId; send one of them.")


def test_a_corrected_event_takes_effect_once(shop: Shop) -> None:
    """Corrected, it is applied under its own messageId, its fate moves from quarantined to applied, and the total still adds up."""
    shop.send(NOBODYS, no_identifier())
    assert shop.fates() == {"applied": 0, "duplicate": 0, "quarantined": 1, "suppressed": 0}
    before = receipt(shop.connection, "m-1")[0]
    assert (before.fate, before.reason, before.person_id) == ("quarantined", "no_identifier", None)
    answer = correct(shop.connection, shop.console, shop.key, {**NOBODYS, "userId": "u-1"}, by="operator:mina@brand.kr", note="회원 번호 확인")
    assert answer.outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates() == {"applied": 1, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    assert shop.accepted() == totals(shop.connection).received == 1
    (after,) = receipt(shop.connection, "m-1")
    assert (after.fate, after.source) == ("applied", "web")
    assert after.person_id is not None
    assert after.times.received == before.times.received
    entry = quarantine_entry(shop.connection, shop.key)
    assert entry is not None
    assert (entry.line.state, entry.line.settled_by, entry.line.note) == (QuarantineState.REPLAYED, "operator:mina@brand.kr", "회원 번호 확인")
    assert json.loads(entry.corrected or b"")["userId"] == "u-1"
    assert json.loads(entry.raw) == NOBODYS


def test_replaying_twice_applies_once(shop: Shop) -> None:
    """The second replay is told that it was done; even two frames in the log take effect once and are counted once."""
    shop.send(NOBODYS, no_identifier())
    event = {**NOBODYS, "userId": "u-1"}
    assert correct(shop.connection, shop.console, shop.key, event, by="a").outcome is ReplayOutcome.SENT
    assert correct(shop.connection, shop.console, shop.key, event, by="b").outcome is ReplayOutcome.ALREADY
    shop.connection.execute("update quarantined_event set state = 'open'")  # killed between log and State
    assert correct(shop.connection, shop.console, shop.key, event, by="c").outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates() == {"applied": 1, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    assert len(receipt(shop.connection, "m-1")) == 1
    assert shop.connection.execute("select events from fragment").fetchall() == [(1,)]


def test_a_correction_that_does_not_help_is_refused(shop: Shop) -> None:
    """It is checked as collect checks, and stays in quarantine with the reason told."""
    shop.send(NOBODYS, no_identifier())
    answer = correct(shop.connection, shop.console, shop.key, {**NOBODYS, "type": "buy"}, by="a")
    assert answer.outcome is ReplayOutcome.STILL_UNFIT
    assert "unknown_type" in answer.detail
    assert recheck(shop.connection, shop.key, {**NOBODYS, "userId": "u-1"}).outcome is ReplayOutcome.SENT
    assert replay(shop.connection, shop.console, [shop.key], by="a")[0].outcome is ReplayOutcome.STILL_UNFIT
    assert quarantined(shop.connection).entries[0].state == QuarantineState.OPEN
    for text in ("{", "[1]", "1", b"\xff", '"\\ud800"'):
        with pytest.raises(QuarantineRefused):
            correct(shop.connection, shop.console, shop.key, text, by="a")


def test_replaying_after_the_plan_was_mended(shop: Shop) -> None:
    """An event that the plan held back is applied as it came once the plan allows it."""
    add_version(shop.connection, "Order Completed", {"type": "object", "required": ["total"]}, "quarantine")
    shop.send({**NOBODYS, "userId": "u-1"}, Verdict(0, "plan_violation", "total is required"))
    answer = replay(shop.connection, shop.console, [shop.key, UUID(int=9)], by="a")
    assert [one.outcome for one in answer] == [ReplayOutcome.STILL_UNFIT, ReplayOutcome.UNKNOWN]
    retire(shop.connection, "Order Completed")
    assert replay(shop.connection, shop.console, [shop.key], by="a")[0].outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates()["applied"] == 1


def test_replaying_after_the_mapping_was_mended(shop: Shop) -> None:
    """A webhook that no rule was for becomes its events, each once, what was posted beside them; without a mapping it waits on."""
    posted = b'{"orders": [{"no": "A-1"}, {"no": "A-2"}], "member": "m-7"}'
    verdict = Verdict(0, "unmappable", "No rule of the mapping is for this row.")
    request_id = secrets.token_bytes(16)
    shop.collect.append([Frame(FrameKind.REJECTED, shop.source, now_us(), request_id, "webhook", 1, posted, verdicts=[verdict])])
    shop.process()
    key = event_key(shop.source, f"dangol-{request_id.hex()}-0")
    (answer,) = replay(shop.connection, shop.console, [key], by="operator:mina")
    assert (answer.outcome, "no mapping" in answer.detail) == (ReplayOutcome.STILL_UNFIT, True)
    mapping = {"each": "$.orders", "type": "track", "event": "Order Completed", "userId": "$.member", "properties": {"order_id": "$item.no"}}
    shop.connection.execute("update source set mapping = %s::jsonb where id = %s", (json.dumps(mapping), shop.source))
    for expected in (ReplayOutcome.SENT, ReplayOutcome.ALREADY):
        assert replay(shop.connection, shop.console, [key], by="operator:mina")[0].outcome is expected
        shop.process()
    assert shop.fates() == {"applied": 2, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    assert shop.accepted() == totals(shop.connection).received == 2


def test_dismissing_and_undoing(shop: Shop) -> None:
    """A dismissed event stays whole and quarantined, is not replayed, and can be opened again."""
    shop.send(NOBODYS, no_identifier())
    assert dismiss(shop.connection, [shop.key], by="a", note="시험 데이터") == 1
    assert dismiss(shop.connection, [shop.key], by="a") == 0
    assert quarantined(shop.connection).entries == []
    assert quarantined(shop.connection, QuarantineFilter(state="dismissed")).entries[0].note == "시험 데이터"
    assert replay(shop.connection, shop.console, [shop.key], by="a")[0].outcome is ReplayOutcome.DISMISSED
    assert shop.fates()["quarantined"] == 1
    assert undo_dismiss(shop.connection, [shop.key], by="a") == 1
    assert quarantined(shop.connection).entries[0].state == QuarantineState.OPEN


def test_unreadable_bytes_become_an_event(shop: Shop) -> None:
    """Bytes that were no JSON are shown as they came; a person writes the event that was meant."""
    body = b'{"type":"track", \xff'
    shop.collect.append([Frame(FrameKind.REJECTED, shop.source, now_us(), secrets.token_bytes(16), "track", 1, body)])
    shop.process()
    line = quarantined(shop.connection).entries[0]
    entry = quarantine_entry(shop.connection, line.message_id)
    assert entry is not None
    assert entry.raw == body
    assert replay(shop.connection, shop.console, [line.key], by="a")[0].outcome is ReplayOutcome.STILL_UNFIT
    assert correct(shop.connection, shop.console, line.key, {**NOBODYS, "userId": "u-1"}, by="a").outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates() == {"applied": 1, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    assert receipt(shop.connection, line.message_id)[0].fate == "applied"


def test_pages_and_counts(shop: Shop) -> None:
    """Pages continue where the one before ended; reasons are counted with the age of the oldest."""
    for number in range(5):
        shop.send({**NOBODYS, "messageId": f"m-{number}"}, no_identifier())
    first = quarantined(shop.connection, limit=3)
    second = quarantined(shop.connection, cursor=first.next, limit=3)
    assert [line.message_id for line in first.entries + second.entries] == ["m-4", "m-3", "m-2", "m-1", "m-0"]
    assert second.next is None
    (count,) = quarantine_reasons(shop.connection)
    assert (count.reason, count.n) == ("no_identifier", 5)
    assert count.oldest < count.newest
    for wanted, n in ((QuarantineFilter(source="web"), 5), (QuarantineFilter(source="pos"), 0), (QuarantineFilter(reason="x"), 0), (QuarantineFilter(event_name="Order Completed"), 5)):
        assert len(quarantined(shop.connection, wanted).entries) == n
    with pytest.raises(QuarantineRefused, match="cursor"):
        quarantined(shop.connection, cursor="x")


def test_where_is_my_event(shop: Shop) -> None:
    """Before it is processed it waits, afterwards it has a fate; one that never came has no receipt."""
    log = open_log(shop.settings)
    event = {**NOBODYS, "userId": "u-1"}
    shop.collect.append([Frame(FrameKind.EVENTS, shop.source, now_us(), secrets.token_bytes(16), "track", 1, json.dumps(event).encode())])
    assert receipt(shop.connection, "m-1") == []
    (waits,) = receipt(shop.connection, "m-1", log)
    assert (waits.fate, waits.source, waits.seq) == ("waiting", "web", None)
    shop.process()
    shop.send(event)
    (view,) = receipt(shop.connection, "m-1", log)
    assert (view.fate, view.duplicates, view.name, view.type) == ("applied", 1, "Order Completed", "track")
    assert view.times.processed is not None
    assert view.times.received <= view.times.processed
    assert receipt(shop.connection, "never", log) == []
    assert receipt(shop.connection, "a\0b", log) == []


def test_an_id_used_twice_keeps_both(shop: Shop) -> None:
    """One messageId with two contents: the first is applied, the second waits, and one receipt answers for each."""
    shop.send({**NOBODYS, "userId": "u-1"})
    shop.send({**NOBODYS, "userId": "u-1", "properties": {"order_id": "O-2"}})
    views = receipt(shop.connection, "m-1")
    assert [(view.fate, view.reason) for view in views] == [("applied", None), ("quarantined", "message_id_reused")]
    line = quarantined(shop.connection).entries[0]
    assert replay(shop.connection, shop.console, [line.key], by="a")[0].outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates() == {"applied": 2, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    assert [(view.fate, view.reason) for view in receipt(shop.connection, "m-1")] == [("applied", None), ("applied", "message_id_reused")]
    entry = quarantine_entry(shop.connection, line.key)
    assert entry is not None
    assert entry.line.state == QuarantineState.REPLAYED


def test_a_correction_that_is_tagged_takes_effect(shop: Shop) -> None:
    """A corrected event that the plan only tags is applied, with the reason noted, not left behind as a duplicate."""
    shop.send(NOBODYS, no_identifier())
    add_version(shop.connection, "Order Completed", {"type": "object", "required": ["total"]}, "tag")
    assert correct(shop.connection, shop.console, shop.key, {**NOBODYS, "userId": "u-1"}, by="a").outcome is ReplayOutcome.SENT
    shop.process()
    assert shop.fates() == {"applied": 1, "duplicate": 0, "quarantined": 0, "suppressed": 0}
    (view,) = receipt(shop.connection, "m-1")
    assert (view.fate, view.reason) == ("applied", "plan_violation")


@settings(max_examples=60, deadline=None)
@given(text=st.binary(max_size=60) | st.text(max_size=60))
def test_no_text_breaks_the_editor(text: Any) -> None:
    """Whatever a person types into the editor is an event or a refusal in words."""
    try:
        read: dict[str, Any] | str = _object(text)
    except QuarantineRefused as refusal:
        read = str(refusal)
    assert isinstance(read, dict) or "nothing was sent" in read
