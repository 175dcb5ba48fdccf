"""A workspace that is fed frames and worked step by step, without HTTP and without processes."""

from __future__ import annotations

import json
from typing import Any

from dangol.engines import state
from dangol.engines.log import open_log
from dangol.events import now_us, to_us
from dangol.identity import Claim, Decision, DecisionKind, judge, leader, rules_in_force
from dangol.intake.frame import Frame
from dangol.processes.process import Worker
from dangol.settings import Settings

#: 2026-11-01 00:00 UTC, µs: every story starts here.
START = 1_793_491_200_000_000
MINUTE = 60_000_000
#: Requests of no stated moment come then, or now when that is later: nothing that a story tells is in their future.
YEAR_LATER = START + 365 * 24 * 60 * MINUTE


class Machine:
    """Feeds events to a worker and looks at what became of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.connection = state.connect(settings, autocommit=True)
        self.sources: dict[str, int] = {}
        self.writer = open_log(settings).writer("import")
        self.worker = Worker(settings, 0)
        self._requests = 0

    def source(self, name: str, kind: str = "web") -> int:
        """A source by name, made when it is new."""
        if name not in self.sources:
            row = self.connection.execute(
                "insert into source (name, kind, write_key, mapping, synthetic, created_at) values (%s, %s, %s, '{}', true, now()) returning id",
                [name, kind, f"key-{name}"],
            ).fetchone()
            assert row is not None
            self.sources[name] = row[0]
            self.worker._sources_at = 0.0
        return self.sources[name]

    def feed(self, *events: dict[str, Any], source: str = "web", kind: str = "web", received_at: int | None = None, sent_at: str | None = None, **frame: Any) -> None:
        """One request with these events."""
        self._requests += 1
        body: dict[str, Any] = {"batch": list(events)}
        if sent_at is not None:
            body["sentAt"] = sent_at
        self.writer.append(
            [
                Frame(
                    kind=frame.get("frame_kind", 1),
                    source=self.source(source, kind),
                    received_at=received_at if received_at is not None else max(YEAR_LATER, now_us()) + self._requests,
                    request_id=self._requests.to_bytes(16, "big"),
                    route="batch",
                    events=frame.get("events", len(events)),
                    body=json.dumps(body, ensure_ascii=False).encode(),
                    verdicts=frame.get("verdicts", []),
                    replaces=frame.get("replaces", b""),
                )
            ]
        )

    def settle(self) -> int:
        """Work until nothing waits; returns how many events were applied or otherwise settled."""
        total = 0
        if self.worker._connection is None:
            self.worker._connect()
        self.worker._refresh_sources()
        while True:
            portion = self.worker._read(self.worker._after())
            if not portion.reached:
                return total
            total += self.worker._apply(portion)

    def rows(self, query: str, *params: Any) -> list[Any]:
        """What State says."""
        return self.connection.execute(query, list(params)).fetchall()

    def fates(self) -> dict[str, int]:
        """Totals by fate."""
        return {fate: int(n) for fate, n in self.rows("select fate, sum(n) from fate_count group by fate") if n}

    def accepted(self) -> int:
        """Events the log took."""
        log = open_log(self.settings)
        return sum(log.head(lane)[1] for lane in log.lanes())

    def people(self) -> dict[str, list[Any]]:
        """All that people and profiles are, as comparable values: nothing in it depends on when it was processed."""
        return {
            "identifiers": self.rows("select node_id, type, value, raw_value, first_at, first_message, first_source, person_id from identifier order by node_id"),
            "edges": self.rows("select a, b, first_at, first_message, last_at, events, verified, refused from edge order by a, b"),
            "shared": self.rows("select * from shared_identifier order by node_id"),
            "fragments": [
                (node, device, to_us(first), to_us(last), events, least, bytes(body) if body else None)
                for node, device, first, last, events, least, body in self.rows(
                    "select node_id, device_id, first_at, last_at, events, least_us, body from fragment order by node_id, device_id"
                )
            ],
            "timeline": self.rows("select key, node_id, type, name, occurred_at, fate, reason from receipt order by key"),
            "computed": self.rows("select trait, node_id, device_id, bucket, convert_from(body, 'UTF8') from computed_partial order by 1, 2, 3, 4"),
            "terms": self.rows("select term, kind, node_id from search_term order by 1, 2, 3"),
        }

    def people_judged_anew(self) -> dict[bytes, bytes]:
        """Node -> person, from judging every kept claim at once: what working batch by batch must come to."""
        rules = rules_in_force(self.connection)
        nodes = self.rows("select uuid_send(node_id), type, (first_at at time zone 'utc')::date - date '1970-01-01' from identifier")
        kinds = {bytes(node): kind for node, kind, _ in nodes}
        claims = [
            Claim(bytes(a), bytes(b), to_us(first), message, 0, 0, 0, 1, "", verified)
            for a, b, first, message, verified in self.rows(
                "select uuid_send(a), uuid_send(b), first_at, first_message, verified from edge where refused <> 'shared_identifier'"
            )
        ]
        decisions = [
            Decision(DecisionKind(kind), bytes(a), bytes(b))
            for kind, a, b in self.rows("select kind, uuid_send(a), uuid_send(b) from identity_decision where undone_at is null order by id")
        ]
        judgement = judge(claims, kinds, rules, decisions, {bytes(node): day for node, _, day in nodes})
        together: dict[bytes, list[bytes]] = {}
        for node, root in judgement.root.items():
            together.setdefault(root, []).append(node)
        return {node: into for members in together.values() for into in [leader(members, kinds, rules)] for node in members}

    def people_now(self) -> dict[bytes, bytes]:
        """Node -> person, as State has it."""
        return {bytes(node): bytes(person) for node, person in self.rows("select uuid_send(node_id), uuid_send(person_id) from identifier")}

    def close(self) -> None:
        """Let everything go."""
        self.worker.disconnect()
        self.writer.close()
        self.connection.close()
