"""The published server libraries, through a crash of collect: every event that was given to them is in the log."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.intake.collecting import SERVER, RunningCollect

EVENTS = 600
#: Long enough for the libraries' own retries with their growing pauses.
PATIENCE_SECONDS = 120


def through_a_crash(collect: RunningCollect, give: Callable[[int], None], finish: Callable[[], None]) -> None:
    """Give a library events one after the other; in the middle collect is killed and comes back a while later."""

    def crash() -> None:
        time.sleep(0.3)
        collect.kill()
        time.sleep(0.7)
        collect.start()

    trouble = threading.Thread(target=crash)
    trouble.start()
    for n in range(EVENTS):
        give(n)
        time.sleep(0.002)
    finish()
    trouble.join()


def assert_all_there(collect: RunningCollect, prefix: str) -> None:
    found = [event for event in collect.events() if event["messageId"].startswith(prefix)]
    assert {event["messageId"] for event in found} == {f"{prefix}{n}" for n in range(EVENTS)}
    by_id = {event["messageId"]: event for event in found}
    assert by_id[f"{prefix}7"]["properties"] == {"n": 7, "이름": "가방"}
    assert all(not frame.verdicts for frame in collect.frames())
    assert {frame.source for frame in collect.frames()} == {SERVER.id}


@pytest.mark.slow
@pytest.mark.parametrize("gzip", [False, True])
def test_segment_analytics_python(collect, gzip):
    """segment-analytics-python, plain and compressed, loses nothing while collect is gone."""
    from segment.analytics import Client

    failures: list = []
    client = Client(
        SERVER.write_key,
        host=collect.url,
        gzip=gzip,
        on_error=lambda error, items: failures.append(error),
        upload_interval=0.05,
        upload_size=20,
    )
    through_a_crash(
        collect,
        lambda n: client.track(user_id=n + 1, event="Seen", properties={"n": n, "이름": "가방"}, message_id=f"segment-{n}"),
        lambda: (client.flush(), client.join()),
    )
    assert failures == []
    assert_all_there(collect, "segment-")


@pytest.mark.slow
def test_rudder_sdk_python(collect, caplog):
    """rudder-sdk-python (gzip by default, 200 exactly as success) loses nothing while collect is gone."""
    from rudderstack.analytics import Client

    caplog.set_level(logging.CRITICAL)
    failures: list = []
    client = Client(
        SERVER.write_key, host=collect.url, on_error=lambda error, items: failures.append(error), upload_interval=0.05, upload_size=20
    )
    through_a_crash(
        collect,
        lambda n: client.track(user_id=n + 1, event="Seen", properties={"n": n, "이름": "가방"}, message_id=f"rudder-{n}"),
        lambda: (client.flush(), client.join()),
    )
    assert failures == []
    assert_all_there(collect, "rudder-")


@pytest.mark.slow
def test_python_libraries_hear_of_a_refusal(collect, caplog):
    """A wrong key is an error with code and message in both libraries, at once and without ten retries."""
    from rudderstack.analytics import Client as Rudder
    from segment.analytics import Client as Segment

    caplog.set_level(logging.CRITICAL)
    for library in (Segment, Rudder):
        failures: list = []
        client = library(
            "wk_wrong", host=collect.url, on_error=lambda error, items, failures=failures: failures.append(error), upload_interval=0.05
        )
        began = time.monotonic()
        client.track(user_id="u", event="x")
        client.flush()
        client.join()
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert "invalid_write_key" in str(failures[0])
    assert collect.frames() == []


SEND_BY_NODE = """
const { Analytics } = require("@segment/analytics-node");
const [key, host, events] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const analytics = new Analytics({ writeKey: key, host, flushInterval: 50, flushAt: 20, maxRetries: 15 });
analytics.on("error", (error) => console.error(JSON.stringify({ code: error.code, reason: String(error.reason) })));
(async () => {
  for (let n = 0; n < events; n++) {
    analytics.track({ userId: String(n), event: "Seen", properties: { n, 이름: "가방" }, messageId: "node-" + n });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await analytics.closeAndFlush({ timeout: 100000 });
  console.log("done");
})();
"""


@pytest.mark.slow
@pytest.mark.node
def test_segment_analytics_node(collect, node_modules: Path, tmp_path: Path):
    """@segment/analytics-node loses nothing while collect is gone."""
    script = node_modules.parent / "send.js"
    script.write_text(SEND_BY_NODE, encoding="utf-8")
    command = ["node", str(script), SERVER.write_key, collect.url, str(EVENTS)]
    node = subprocess.Popen(command, cwd=node_modules.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.9)
    collect.kill()
    time.sleep(0.7)
    collect.start()
    said, errors = node.communicate(timeout=PATIENCE_SECONDS)
    assert said.strip() == "done", errors
    assert '"reason"' not in errors  # Node's own warnings aside
    assert_all_there(collect, "node-")


@pytest.mark.node
def test_segment_analytics_node_hears_of_a_refusal(collect, node_modules: Path):
    """A wrong key is an error event of the library, not silence."""
    script = node_modules.parent / "send.js"
    script.write_text(SEND_BY_NODE, encoding="utf-8")
    done = subprocess.run(
        ["node", str(script), "wk_wrong", collect.url, "1"],
        cwd=node_modules.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert "401" in json.loads(done.stderr.splitlines()[0])["reason"]
