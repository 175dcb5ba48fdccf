"""The benchmarks measure what they say, in small."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from dangol.bench import command, process
from dangol.bench.filling import fill_people, fill_receipts
from dangol.bench.made import STRANGERS, batches, event, visiting
from dangol.bench.measure import Result, median, percentile
from dangol.bench.scratch import answer_of, helper
from dangol.engines import state
from dangol.events import read_body
from dangol.intake.check import check_body
from dangol.profiles import person_of, person_view
from dangol.settings import Settings


def test_percentiles_are_values_that_were_measured() -> None:
    """Of 1 to 100 the median is 51, the 99th percentile 100; of nothing there is none."""
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert median([3.0, 1.0, 2.0]) == 2.0
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_a_ratio_needs_a_floor() -> None:
    """value / floor; None where nothing comparable was measured."""
    assert Result(bench="b", what="w", value=3.0, unit="ms", floor=2.0).ratio == 1.5
    assert Result(bench="b", what="w", value=3.0, unit="ms").ratio is None


def test_every_name_has_a_benchmark() -> None:
    """What --help lists is what can be run, in that order."""
    assert tuple(command._named(long=False)) == command.NAMES


def test_the_disk_is_measured_and_told_as_json() -> None:
    """`dangol bench fsync --json` gives both sizes with their unit, and the machine."""
    done = subprocess.run(
        [sys.executable, "-m", "dangol", "bench", "fsync", "--json"], capture_output=True, text=True, check=True, timeout=60
    )
    told = json.loads(done.stdout)
    assert [row["what"] for row in told["results"]] == ["append 600 B + fdatasync", "append 60 KB + fdatasync"]
    assert all(row["value"] > 0 and row["unit"] == "/s" for row in told["results"])
    assert told["machine"]["cores"] >= 1


def test_an_unknown_name_is_refused() -> None:
    """The answer names what there is."""
    with pytest.raises(command.UnknownBench, match="intake-batch"):
        command.main(["intake"])


def test_made_events_are_plain_and_three_in_ten_join() -> None:
    """Nothing is quarantined, about 30 % carry two identifiers or more, all messageIds differ, about 600 bytes each."""
    events = [json.loads(event(number, 1000, random.Random(number), "2026-11-21T00:00:00.000Z")) for number in range(4000)]
    joining = sum("userId" in one for one in events)
    assert 0.26 < joining / len(events) < 0.34
    bodies = batches(2000, 500)
    assert all(check_body(read_body(body, "batch"), body, plan={}, max_event_bytes=100_000) == [] for body in bodies)
    assert len({one["messageId"] for body in bodies for one in json.loads(body)["batch"]}) == 2000
    assert 450 < sum(map(len, bodies)) / 2000 < 750


def test_visits_are_as_long_and_as_new_as_the_made_up_brands() -> None:
    """About 6.85 events of one person in a row, 57 % of visits by somebody never seen; nobody new has the number of somebody known."""
    people = visiting(1000, random.Random(3), 5000)
    whose = [next(people) for _ in range(40_000)]
    visits = [one for index, one in enumerate(whose) if index == 0 or whose[index - 1] != one]
    assert 6.3 < len(whose) / len(visits) < 7.4
    assert 0.53 < sum(one >= 1000 for one in visits) / len(visits) < 0.61
    assert min(one for one in visits if one >= 1000) > STRANGERS


class Stalling(BaseHTTPRequestHandler):
    """Answers at once, but for one answer that takes a second."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        if len(self.asked) == 20:
            time.sleep(1.0)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_slow_answer_is_not_hidden_from_those_after_it() -> None:
    """Reads are due on schedule: when one stalls for a second, those that were due meanwhile count what they waited."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = json.dumps({"token": "secret", "paths": ["/a", "/b"]})
    told = answer_of(helper("load", str(server.server_port), "1", "2", "20", input_=asked), 60)
    server.shutdown()
    server.server_close()
    assert told["refused"] == told["lost"] == 0
    assert told["p50"] < told["p99"]
    assert told["slowest"] >= 1.0
    assert {path for path, _ in Stalling.asked} == {"/a", "/b"}
    assert {token for _, token in Stalling.asked} == {"Bearer secret"}
    assert told["p75"] > 0.2  # of 40 reads 20 were due during the stall


def test_filled_people_are_people(workspace: Settings) -> None:
    """Rows that are filled in lead from either identifier to one person with both, as those of a worker do; every index is there again."""
    indexes = "select indexdef from pg_indexes where schemaname = 'public' order by 1"
    with state.connect(workspace) as connection:
        before = connection.execute(indexes).fetchall()
    fill_people(workspace, 0, 30)
    with state.connect(workspace) as connection:
        assert connection.execute(indexes).fetchall() == before
        person = person_of(connection, "user_id", "member-000000007")
        assert person is not None
        assert person == person_of(connection, "anonymous_id", "device-000000007-7f31")
        view = person_view(connection, person)
    assert view is not None
    assert {one.type for one in view.identifiers} == {"user_id", "anonymous_id"}
    assert view.events == 10


def test_filled_receipts_are_known_by_their_keys(workspace: Settings) -> None:
    """Each is there once, and no index is missing afterwards."""
    indexes = "select count(*) from pg_indexes where tablename = 'receipt'"
    with state.connect(workspace) as connection:
        before = connection.execute(indexes).fetchone()
    fill_receipts(workspace, 1_000_000, 1_000_300)
    with state.connect(workspace) as connection:
        assert connection.execute(indexes).fetchone() == before
        assert connection.execute("select count(distinct key) from receipt where message_id like 'filled-receipt-%'").fetchone() == (300,)


@pytest.mark.slow
def test_processing_is_measured_beside_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker alone settles the whole log; the floor, which does less, is faster."""
    monkeypatch.setattr(process, "EVENTS", 2000)
    monkeypatch.setattr(process, "PEOPLE", 500)
    monkeypatch.setattr(process, "BRAND", (300, 10, 5))
    for _ in range(5):  # a busy machine may hold up the floor, but not each time
        results = process.process()
        if all(result.ratio is not None and result.ratio < 1 for result in results):
            break
    assert [result.what.rpartition(" ")[2] for result in results] == ["world", "scattered"]
    for result in results:
        assert result.unit == "events/s"
        assert result.ratio is not None
        assert 0 < result.ratio < 1
        assert result.cpu_us is not None
        assert result.cpu_us > 1
