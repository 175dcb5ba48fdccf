"""Schemathesis asks the live API what its description allows, and what it does not: no 500, and every answer as described."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from tests.api.live import Live, identify, order

from dangol.console.api.asgi import directory
from dangol.console.api.openapi import document
from dangol.intake.frame import Verdict

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Requests per operation and mode.
EXAMPLES = 8


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_api(live: Live, mode: GenerationMode) -> None:
    """Every operation answers generated requests, fitting and unfitting ones, as its description says, and never fails."""
    live.send(identify(), order(1))
    live.send({"type": "track", "event": "x", "messageId": "q-1"}, verdicts=[Verdict(0, "no_identifier", "neither")])
    headers = {"Authorization": f"Bearer {live.token('owner')}"}
    base = f"http://127.0.0.1:{live.port}"
    asked: dict[str, int] = {}

    def probe(operation: Any) -> None:
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            asked[operation.label] = asked.get(operation.label, 0) + 1
            case.call_and_validate(base_url=base, headers=headers, checks=CHECKS, timeout=60)

        ask()

    described = schemathesis.openapi.from_dict(document(directory.operations))
    operations = [result.ok() for result in described.get_all_operations()]
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.body and not list(operation.iter_parameters()):
            continue  # nothing in it can be wrong
        probe(operation)
    assert len(operations) == len(directory.operations)
    assert sum(asked.values()) >= 100
