"""The books are closed: what the clients know is laid beside what Dangol knows, event by event."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.engines.lake.query import query
from dangol.engines.log import open_log
from dangol.events.ids import node_bytes
from dangol.profiles import person_of, person_view
from tests.chaos.ledger import Ledger
from tests.chaos.running import Running

REUSED = "message_id_reused"
#: A device's clock is known as well as requests are prompt; processes that were killed hold them up.
TOLERANCE_SECONDS = 10.0


def close(running: Running, ledger: Ledger, *, seconds: float = 120) -> None:
    """Everything that was accepted is processed and accounted for, exactly, and a rebuild finds nothing to change."""
    assert not ledger.dropped, f"answers after which clients throw data away: {ledger.dropped[:5]}"
    running.until(lambda: running.pid("postgresql") is not None, 60, "State to run")
    running.command("wait", "--timeout", str(int(seconds)), seconds=seconds + 30)
    fates = _fates(running)
    received = _received(running)
    assert received == sum(fates.values()), f"received {received} != {fates}"
    _receipts(running, ledger, fates)
    _lake(running, ledger, fates)
    _people(running, ledger)
    told = json.loads(running.command("rebuild", "--json", seconds=seconds + 60))
    assert told["changed"] == [], f"a rebuild changed {told['changed']}"


def clocks_are_right(running: Running, devices: dict[str, float]) -> None:
    """What Dangol thinks of the clocks of *devices* (anonymousId -> seconds that it is really ahead) is true within its tolerance."""
    known = {bytes(device.bytes): least / 1e6 for device, least in rows(running, "select device_id, min(least_us) from fragment where least_us is not null group by device_id")}
    wrong = {}
    for device, ahead in devices.items():
        least = known.get(node_bytes("device", device))
        if least is not None and abs(least + ahead) > TOLERANCE_SECONDS:
            wrong[device] = least
    assert not wrong, f"{len(wrong)} of {len(devices)} devices are thought to be off, in seconds: {dict(list(wrong.items())[:5])}"


def applied_ids(running: Running) -> set[str]:
    """messageIds of the events that took effect."""
    return {message_id for (message_id,) in rows(running, "select message_id from receipt where fate = 1")}


def _received(running: Running) -> int:
    log = open_log(running.settings)
    return sum(log.head(lane)[1] for lane in log.lanes())


def _fates(running: Running) -> dict[str, int]:
    return {fate: int(n) for fate, n in rows(running, "select fate, sum(n) from fate_count group by fate")}


def _receipts(running: Running, ledger: Ledger, fates: dict[str, int]) -> None:
    """Each acknowledged messageId has exactly one receipt, and its duplicates explain every further copy."""
    receipts: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    reused: Counter[str] = Counter()
    for message_id, reason, duplicates in rows(running, "select message_id, reason, duplicates from receipt"):
        (reused if reason == REUSED else receipts)[message_id] += 1
        copies[message_id] += 1 + duplicates
    lost = ledger.acknowledged.keys() - receipts.keys()
    assert not lost, f"{len(lost)} acknowledged events have no receipt: {sorted(lost)[:5]}"
    invented = receipts.keys() - ledger.attempts.keys()
    assert not invented, f"{len(invented)} receipts of events that nobody sent: {sorted(invented)[:5]}"
    twice = [message_id for message_id, n in receipts.items() if n != 1]
    assert not twice, f"{len(twice)} events have more than one receipt: {twice[:5]}"
    assert set(reused) <= ledger.reused, "an event was taken for another one with the same id"
    for message_id, n in copies.items():
        least, most = ledger.acknowledged[message_id], ledger.attempts[message_id]
        assert least <= n <= most, f"{message_id}: {n} copies on its receipts, acknowledged {least}, sent {most}"
    assert sum(copies.values()) == sum(fates.values()), "receipts with their duplicates are all that was received"
    assert sum(copies.values()) - sum(receipts.values()) - sum(reused.values()) == fates.get("duplicate", 0), "the duplicates add up"


def _lake(running: Running, ledger: Ledger, fates: dict[str, int]) -> None:
    """The lake holds each fact exactly once: asked fact by fact, in order, and by SQL over the Parquet files."""
    lake = open_lake(running.settings)
    counted: Counter[str] = Counter()
    applied: Counter[str] = Counter()
    with state.connect(running.settings) as connection:
        for facts in lake.scan(connection):
            for fact in facts:
                counted[fact.fact] += 1
                if fact.fact in ("event.applied", "event.tagged"):
                    applied[fact.message_id] += 1
    again = [message_id for message_id, n in applied.items() if n != 1]
    assert not again, f"{len(again)} applied events are more than once in the lake: {again[:5]}"
    for fate, name in (("applied", "event.applied"), ("duplicate", "event.duplicated"), ("quarantined", "event.quarantined"), ("suppressed", "event.suppressed")):
        assert counted[name] == fates.get(fate, 0), f"the lake holds {counted[name]} of {name}, State counted {fates.get(fate, 0)}"
    _feed(running, counted)
    waited = time.monotonic()
    while True:
        told = {row["fact"]: row["n"] for row in query(running.settings, "select fact, count(*) as n, count(distinct seq) as d from facts group by fact having n = d")}
        if told == dict(counted):
            return
        assert time.monotonic() - waited < 120, f"Parquet holds {told}, the lake {dict(counted)}"
        time.sleep(0.5)


def _feed(running: Running, counted: Counter[str]) -> None:
    """The change feed, read from its beginning, tells every fact once and in order."""
    lake = open_lake(running.settings)
    told: Counter[str] = Counter()
    position = 0
    with state.connect(running.settings) as connection:
        while facts := lake.feed(connection, position, 2000):
            for fact in facts:
                assert fact.seq > position, "the feed goes backwards"
                position = fact.seq
                told[fact.fact] += 1
            connection.rollback()
    assert told == counted, f"the feed told {dict(told)}, the lake holds {dict(counted)}"


def _people(running: Running, ledger: Ledger) -> None:
    """Every shopper is one person, whose trait is the newest that was acknowledged."""
    people = set()
    with state.connect(running.settings) as connection:
        for user, step in ledger.steps.items():
            person = person_of(connection, "user_id", user)
            assert person is not None, user
            people.add(person)
            view = person_view(connection, person)
            assert view is not None
            assert view.traits["step"].value == step, f"{user} is at step {view.traits['step'].value}, {step} was acknowledged"
            kinds = Counter(identifier.type for identifier in view.identifiers)
            assert kinds == {"user_id": 1, "anonymous_id": 1, "email": 1}, f"{user}: {kinds}"
    assert len(people) == len(ledger.steps), f"{len(people)} people for {len(ledger.steps)} shoppers"
    everybody = rows(running, "select count(distinct person_id) from identifier")[0][0]
    assert everybody == len(people), f"{everybody} people in State, {len(people)} shoppers"


def rows(running: Running, sql: str) -> list[Any]:
    with state.connect(running.settings) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[no-any-return, call-overload]
