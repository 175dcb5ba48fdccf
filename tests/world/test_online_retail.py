"""The real data set: what Dangol says of it is what arithmetic on the file says."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dangol.engines.log import open_log
from dangol.intake.files import open_rows
from dangol.intake.importing import Importer
from dangol.intake.mapping import compile_mapping
from dangol.intake.plan_check import compile_plan
from tests.flow.machine import Machine

EXAMPLE = Path(__file__).parents[2] / "examples/online-retail"


@pytest.fixture(scope="module")
def invoices() -> list[dict[str, Any]]:
    """The file, read without Dangol."""
    with gzip.open(EXAMPLE / "invoices.jsonl.gz") as file:
        return [msgspec.json.decode(line) for line in file]


@pytest.fixture
def machine(workspace):
    one = Machine(workspace)
    yield one
    one.close()


def bring_in(machine: Machine) -> Counter[str]:
    mapping = compile_mapping(yaml.safe_load((EXAMPLE / "mapping.yaml").read_text(encoding="utf-8")))
    importer = Importer(machine.source("shop", "erp"), plan=compile_plan([]), max_event_bytes=512_000, mapping=mapping.events)
    writer = open_log(machine.settings).writer("import")
    for batch in importer.batches(open_rows(EXAMPLE / "invoices.jsonl.gz")):
        writer.append(batch.frames)
    writer.close()
    machine.settle()
    return importer.tally.names


def test_every_invoice_becomes_what_it_is(machine, invoices):
    """Orders, refunds and corrections are as many as the file has; known customers are people with their country; twice changes nothing."""
    kinds = Counter(invoice["Kind"] for invoice in invoices)
    names = bring_in(machine)
    assert names["Order Completed"] == kinds["order"]
    assert names["Order Refunded"] == kinds["cancellation"]
    assert machine.fates() == {"applied": kinds["order"] + kinds["cancellation"], "quarantined": kinds["correction"]}

    customers = {str(invoice["CustomerID"]) for invoice in invoices if invoice["CustomerID"] is not None}
    unknown = [invoice for invoice in invoices if invoice["CustomerID"] is None and invoice["Kind"] != "correction"]
    identifiers = dict(machine.rows("select type, count(distinct person_id) from identifier group by type"))
    assert identifiers == {"user_id": len(customers), "anonymous_id": len(unknown)}
    assert {row[0] for row in machine.rows("select raw_value from identifier where type = 'user_id'")} == customers

    before = machine.people()
    bring_in(machine)
    assert machine.people() == before
    again = machine.fates()
    assert again["applied"] == kinds["order"] + kinds["cancellation"]
    assert again["duplicate"] >= again["applied"]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_page_beside_it_counts_right(invoices, name):
    """The table in README.md, and in its Korean twin, is arithmetic on the file."""
    page = (EXAMPLE / name).read_text(encoding="utf-8")
    kinds = Counter(invoice["Kind"] for invoice in invoices)
    unknown = sum(invoice["CustomerID"] is None and invoice["Kind"] != "correction" for invoice in invoices)
    for number in (
        f"{sum(len(invoice['Lines']) for invoice in invoices):,}", len(invoices), *kinds.values(), unknown,
        len({invoice["CustomerID"] for invoice in invoices} - {None}),
    ):  # fmt: skip
        assert f"| {number} |" in page


def test_amounts_are_those_of_the_lines(invoices):
    """Total is the sum of quantity times price, in pence, whichever way it flows."""
    for invoice in invoices:
        pence = sum(round(line["price"] * 1000) * line["quantity"] for line in invoice["Lines"])
        assert abs(abs(pence) / 1000 - invoice["Total"]) < 0.005


def test_it_is_small_and_says_whose_it_is():
    """The sample is under 500 KB, and its licence names the author."""
    assert (EXAMPLE / "invoices.jsonl.gz").stat().st_size < 500_000
    licence = (EXAMPLE / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Chen, D. (2015)" in licence
    assert "Creative Commons Attribution 4.0" in licence
