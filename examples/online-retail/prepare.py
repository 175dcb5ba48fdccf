# ruff: noqa: INP001 - a script beside its data, no package
"""Turns rows of the Online Retail data set (one per invoice line) into invoices, and keeps a small, whole sample of customers.

usage: python prepare.py ROWS.parquet invoices.jsonl.gz

ROWS has the columns of the original table: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country.
The sample: every invoice of the customers whose number is a multiple of 40, and every invoice without a customer whose number is.
The same rows give the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

ONE_IN = 40


def main() -> None:
    """Read, draw, group, write."""
    rows_path, out = map(Path, sys.argv[1:])
    invoices: dict[str, dict[str, object]] = {}
    for row in pq.read_table(rows_path).to_pylist():
        number, customer = row["InvoiceNo"], row["CustomerID"]
        drawn = customer if customer is not None else int("".join(digit for digit in number if digit.isdigit()))
        if drawn % ONE_IN:
            continue
        invoice = invoices.setdefault(number, {
            "InvoiceNo": number,
            "InvoiceDate": f"{row['InvoiceDate']:%Y-%m-%d %H:%M:%S}",
            "CustomerID": customer,
            "Country": row["Country"],
            "Lines": [],
        })  # fmt: skip
        line = {"product_id": row["StockCode"], "name": (row["Description"] or "").strip(), "quantity": row["Quantity"], "price": row["UnitPrice"]}
        invoice["Lines"].append(line)  # type: ignore[attr-defined]
    with out.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for invoice in sorted(invoices.values(), key=lambda one: (one["InvoiceDate"], one["InvoiceNo"])):
            lines = invoice["Lines"]
            total = sum(Decimal(str(line["price"])) * line["quantity"] for line in lines)  # type: ignore[attr-defined]
            told = {**invoice, "Kind": kind_of(invoice, total), "Total": float(abs(total))}
            packed.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def kind_of(invoice: dict[str, object], total: Decimal) -> str:
    """A cancellation has a number with C before it; an invoice over nothing, to nobody, is how this shop corrected its stock."""
    if str(invoice["InvoiceNo"]).startswith("C"):
        return "cancellation"
    return "order" if total or invoice["CustomerID"] is not None else "correction"


if __name__ == "__main__":
    main()
