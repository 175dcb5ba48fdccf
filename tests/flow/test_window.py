"""Receipts end. What comes again before that is known; what comes again afterwards counts anew, live and in a rebuild alike."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, Machine
from tests.flow.test_trimming import DAY, put
from tests.patience import until

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.engines.lake.lake import ParquetLake
from dangol.engines.log import open_log
from dangol.events import now_us, to_datetime
from dangol.events.facts import Fact
from dangol.intake.frame import Verdict
from dangol.intake.keeping import trim_receipts
from dangol.intake.quarantine import QuarantineFilter, correct, quarantined
from dangol.intake.receipts import receipt
from dangol.intake.settle import REUSED_LOCK, put_in_quarantine
from dangol.intake.settle import _reused_keys as reused_keys
from dangol.processes.rebuild import ANY, rebuild
from dangol.settings import Settings

#: Days that receipts are kept here: the least that the settings allow.
WINDOW = 30
#: Events happened in these minutes, long before the stories begin.
HAPPENED = now_us() - 1000 * DAY
NO_IDENTIFIER = Verdict(0, "no_identifier", "The event has neither userId nor anonymousId; send one of them.")
COMPUTED = """
computed:
  seen: {function: count, events: track}
  hourly: {function: sum, property: n, events: track, window: 3000 days}
  first: {function: first, property: n, events: track}
  last: {function: last, property: n, events: track}
  often: {function: most_frequent, property: n, events: track}
"""


class Years:
    """A machine whose clock is told. Receipts are trimmed when it is told so."""

    def __init__(self, made: Settings, days_ago: int = 400) -> None:
        self.settings = dataclasses.replace(made, state=dataclasses.replace(made.state, receipt_days=WINDOW))
        self.machine = Machine(self.settings)
        self.console = open_log(self.settings).writer("console")
        self.now = now_us() - days_ago * DAY
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("dangol.processes.process.now_us", lambda: self.now)

    def send(self, *events: dict[str, Any], source: str = "web") -> None:
        """These events come in one request. Who has no userId has no identifier."""
        verdicts = [Verdict(index, NO_IDENTIFIER.reason, NO_IDENTIFIER.detail) for index, one in enumerate(events) if "userId" not in one]
        self.machine.feed(*events, source=source, received_at=self.now, verdicts=verdicts)

    def wait(self, days: int) -> None:
        """What was sent is processed, and so many days go by."""
        self.machine.settle()
        self.now += days * DAY

    def trim(self, most: int = ANY) -> int:
        """What learn does from time to time; returns how many receipts ended."""
        self.machine.settle()
        return trim_receipts(self.machine.connection, to_datetime(self.now - WINDOW * DAY), up_to=ANY, limit=most)

    def replay(self, place: int = 0) -> None:
        """A person sends on its way what waits at this place, with an identifier where it has none."""
        waiting = quarantined(self.machine.connection, QuarantineFilter(oldest_first=True)).entries
        if waiting:
            line = waiting[place % len(waiting)]
            raw = self.machine.rows("select raw from quarantined_event where key = %s", line.key)[0][0]
            correct(self.machine.connection, self.console, line.key, {"userId": "m9", **msgspec.json.decode(raw)}, by="steward")

    def facts(self, *kinds: str) -> list[Fact]:
        """Facts of the lake in their order."""
        connection = self.machine.connection
        with connection.transaction():
            return sorted((one for chunk in open_lake(self.settings).scan(connection, kinds) for one in chunk), key=lambda one: one.seq)

    def rebuild(self, days: int = WINDOW, *, backwards: bool = True, at_once: int = 1) -> list[str]:
        """Which tables a rebuild changes that reads one fact at a time, the newest first: in which order they lie in the lake is not promised."""
        scan = ParquetLake.scan
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dangol.processes.rebuild.CHUNK", at_once)
            if backwards:
                patch.setattr(ParquetLake, "scan", lambda *asked: (chunk[::-1] for chunk in [*scan(*asked)][::-1]))
            return rebuild(dataclasses.replace(self.settings, state=dataclasses.replace(self.settings.state, receipt_days=days))).changed

    def fates(self) -> dict[str, int]:
        """Totals by fate, once everything is processed."""
        self.machine.settle()
        return self.machine.fates()

    def close(self) -> None:
        """Let everything go."""
        self._patch.undo()
        self.console.close()
        self.machine.close()


@pytest.fixture
def years(workspace: Settings) -> Iterator[Years]:
    one = Years(workspace)
    yield one
    one.close()


def order(number: int, **more: Any) -> dict[str, Any]:
    """An order under the one messageId; *number* is what tells one content from another."""
    return {"type": "track", "event": "Order Completed", "messageId": "e", "userId": "m1", "timestamp": to_datetime(HAPPENED).isoformat(), "properties": {"n": number}} | more


def effects(years: Years, number: int) -> int:
    """How often the order of this content took effect."""
    return sum(msgspec.json.decode(fact.body)["properties"]["n"] == number for fact in years.facts("event.applied"))


def test_what_comes_again_after_its_receipt_ended_counts_anew_in_a_rebuild_too(years: Years):
    """Within the window it is a duplicate; afterwards a new event, whose receipt answers from then on. A rebuild says the same."""
    put(years.machine, COMPUTED)
    years.send(order(1), order(1))
    years.wait(29)
    years.send(order(1))
    assert years.trim() == 0
    years.wait(2)
    assert years.trim() == 1
    years.send(order(1))
    years.wait(1)
    years.send(order(1))
    assert years.fates() == {"applied": 2, "duplicate": 3}
    assert effects(years, 1) == 2
    before = years.machine.people()
    assert [view.duplicates for view in receipt(years.machine.connection, "e")] == [1]
    assert years.rebuild(500) == years.rebuild(500, backwards=False) == []
    assert years.machine.people() == before


def test_an_id_that_waits_in_quarantine_does_not_end(years: Years):
    """One id with two contents: as long as the second waits, neither is taken for new, however long ago they came; replayed, it takes effect once."""
    years.send(order(1))
    years.wait(1)
    years.send(order(2))
    years.wait(100)
    assert years.trim() == 0
    years.send(order(2), order(1))
    assert years.fates() == {"applied": 1, "quarantined": 1, "duplicate": 2}
    years.replay()
    years.wait(100)
    assert years.trim() == 1  # of the event under the id that the correction gave it
    years.send(order(2), order(1))
    assert years.fates() == {"applied": 2, "duplicate": 4}
    assert (effects(years, 1), effects(years, 2)) == (1, 1)
    assert years.rebuild() == []


def test_a_receipt_is_not_trimmed_while_its_id_reaches_quarantine(years: Years, monkeypatch: pytest.MonkeyPatch):
    """Trimming that begins when another content of the id is about to be queued waits for that, and then leaves the receipt alone."""
    years.send(order(1))
    years.wait(100)
    ended = to_datetime(years.now - WINDOW * DAY)
    gone: list[int] = []

    def trim() -> None:
        with state.connect(years.settings, autocommit=True) as connection:
            gone.append(trim_receipts(connection, ended, up_to=ANY, limit=ANY))

    def queue(*given: Any) -> None:
        trimming.start()
        until(lambda: gone or years.machine.rows("select 1 from pg_locks where locktype = 'advisory' and objid = %s and not granted", REUSED_LOCK))
        put_in_quarantine(*given)

    trimming = threading.Thread(target=trim)
    monkeypatch.setattr("dangol.flow.put_in_quarantine", queue)
    years.send(order(2))
    years.machine.settle()
    monkeypatch.undo()
    trimming.join(60)
    assert gone == [0]
    years.send(order(1), order(2))
    assert years.fates() == {"applied": 1, "quarantined": 1, "duplicate": 2}
    years.replay()
    years.send(order(1), order(2))
    years.machine.settle()
    assert (effects(years, 1), effects(years, 2)) == (1, 1)
    assert years.rebuild() == []


def test_a_receipt_that_was_trimmed_while_its_id_was_looked_at_is_known_no_more(years: Years, monkeypatch: pytest.MonkeyPatch):
    """The receipt ends between the first look and the decision: then the other content is a new event, as it would be a moment later."""
    years.send(order(1))
    years.wait(100)
    gone: list[int] = []

    def look(*given: Any) -> Any:
        found = reused_keys(*given)
        gone.append(trim_receipts(years.machine.connection, to_datetime(years.now), up_to=ANY, limit=ANY))
        return found

    monkeypatch.setattr("dangol.intake.settle._reused_keys", look)
    years.send(order(2))
    years.machine.settle()
    monkeypatch.undo()
    assert gone == [1]
    assert years.fates() == {"applied": 2}
    assert (effects(years, 1), effects(years, 2)) == (1, 1)
    assert years.rebuild() == []


def test_a_replay_that_is_still_on_its_way_counts_once(years: Years):
    """Between the person's replay, sent twice, and its processing the same event comes again, and its receipt was due: it takes effect once."""
    years.send(order(1))
    years.wait(0)
    years.send(order(2))
    years.wait(100)
    years.replay()
    years.machine.connection.execute("update quarantined_event set state = 'open'")  # killed between log and State
    years.replay()  # under the same id of its own
    assert trim_receipts(years.machine.connection, to_datetime(years.now), up_to=ANY, limit=ANY) == 0
    years.send(order(2))
    assert years.fates() == {"applied": 2, "duplicate": 1}
    assert effects(years, 2) == 1
    assert years.rebuild(500) == []


def test_trimming_takes_a_bounded_number_and_only_what_has_ended(years: Years):
    """Of five receipts three have ended; two go at a time. What is beyond the position is left."""
    years.send(*(order(1, messageId=f"a{index}") for index in range(3)))
    years.wait(31)
    years.send(*(order(1, messageId=f"b{index}") for index in range(2)))
    assert (years.trim(2), years.trim(2), years.trim(2)) == (2, 1, 0)
    assert [name for (name,) in years.machine.rows("select message_id from receipt order by 1")] == ["b0", "b1"]
    years.wait(31)
    last = years.machine.rows("select max(seq) from receipt")[0][0]
    assert trim_receipts(years.machine.connection, to_datetime(years.now), up_to=last - 1, limit=ANY) == 1
    assert years.rebuild() == []  # which trims first: both sides as of one moment
    assert years.machine.rows("select message_id from receipt") == []


def test_one_id_of_one_moment_that_told_two_things_tells_the_same_in_whatever_order(years: Years):
    """After its receipt ended an id came again with other content of the same moment: which counts as the newer depends on what is told alone."""
    put(years.machine, COMPUTED)
    web = years.machine.source("web")
    at = to_datetime(HAPPENED).isoformat()
    for number, (city, email, group, phone) in enumerate([("서울", "a@B.kr", "큰집", "010-2938-4756"), ("부산", "A@b.kr", "우리집", "+82 10 2938 4756")]):
        years.send(
            order(5 - number),
            {"type": "identify", "messageId": "i", "userId": "m1", "timestamp": at, "traits": {"city": city, "email": email}},
            {"type": "group", "messageId": "g", "userId": "m1", "groupId": "g", "timestamp": at, "traits": {"name": group}},
            source="web" if number else "pos",
        )
        years.send(
            {"type": "identify", "messageId": "j", "userId": "m1", "timestamp": at, "traits": {"city": city, "email": email.upper(), "phone": phone}},
            {"type": "group", "messageId": "h", "userId": "m1", "groupId": "g", "timestamp": at, "traits": {"town": city}},
            order(number, messageId="k"),
        )
        years.wait(31)
        years.trim()
    assert years.rebuild() == []
    assert years.machine.rows("select distinct first_source from edge") == years.machine.rows("select distinct first_source from identifier") == [(web,)]


ORDERS = st.builds(
    lambda number, minute, one, member, city, group: order(number, messageId=one, timestamp=to_datetime(HAPPENED + minute * MINUTE).isoformat())
    | ({"userId": member} if member else {})
    | ({"type": "identify", "traits": {"city": city, "email": "A@b.kr" if number else "a@B.kr"}} if city else {})
    | ({"type": "group", "groupId": "g", "traits": {"name": group}} if group else {}),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(["e", "f"]),
    st.sampled_from(["m1", "m2", " M1", ""]),
    st.sampled_from(["", "", "서울", "부산"]),
    st.sampled_from(["", "", "우리집", "큰집"]),
)
HAPPENING = st.one_of(
    st.tuples(st.just("send"), st.tuples(st.lists(ORDERS, min_size=1, max_size=3), st.sampled_from(["web", "pos"]))),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 29, 31])),
    st.tuples(st.just("trim"), st.sampled_from([1, ANY])),
    st.tuples(st.just("replay"), st.integers(0, 2)),
)


@given(story=st.lists(HAPPENING, min_size=3, max_size=14))
@settings(max_examples=examples(8))
def test_live_and_rebuilt_are_alike_whatever_comes_again(story: list[tuple[str, Any]], new_workspace: Callable[[], Settings]):
    """Ids that come again with the same content and with other, before and after their receipts ended, unfit ones mended, waiting ones replayed."""
    years = Years(new_workspace())
    try:
        put(years.machine, COMPUTED)
        for what, how in story:
            if what == "send":
                years.send(*how[0], source=how[1])
            else:
                getattr(years, what)(how)
        years.wait(0)
        before = years.machine.people()
        trim_receipts(years.machine.connection, to_datetime(now_us() - WINDOW * DAY), up_to=ANY, limit=ANY)
        assert years.rebuild(at_once=4) == []
        assert years.machine.people() | {"timeline": []} == before | {"timeline": []}
        assert sum(years.machine.fates().values()) == years.machine.accepted()
        nothing_twice(years)
    finally:
        years.close()


def nothing_twice(years: Years) -> None:
    """From the moment on when it waits, a content takes effect once at most."""
    waited: dict[tuple[int, str, bytes], int] = {}
    applied: Counter[tuple[int, str, bytes]] = Counter()
    for fact in years.facts("event.quarantined", "event.applied"):
        told = msgspec.json.decode(fact.body)
        who = told.get("userId", "m9")  # as the person who mends it says
        what = (fact.source, fact.message_id.split("-")[0], msgspec.json.encode([who, told["type"], told["timestamp"], told["properties"], told.get("traits")]))
        if fact.fact == "event.quarantined":
            waited.setdefault(what, fact.seq)
        elif what in waited:
            applied[what] += 1
    assert {what: n for what, n in applied.items() if n > 1} == {}
