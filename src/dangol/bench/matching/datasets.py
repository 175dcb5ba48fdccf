"""The labelled sets: where their files are, what their columns hold, and who is who. Nothing of them is in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dangol.errors import DangolError


class DataMissing(DangolError):
    """A labelled set is not there."""

    code = "data_missing"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One set of records whose truth is known."""

    name: str
    #: Files below the folder; two when two lists are linked.
    files: tuple[str, ...]
    #: Column -> what it holds: a key of layouts.KINDS.
    fields: dict[str, str]
    #: SQL of the true entity over the file's columns.
    entity: str
    linked: bool = False

    def rows(self, folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(entity, side, column -> text or None) of every record. Raises DataMissing."""
        import duckdb  # noqa: PLC0415 - only where sets are read

        for side, file in enumerate(self.files):
            path = folder / file
            if not path.exists():
                raise DataMissing(
                    f"{path} is not there. The labelled set {self.name} is read from it; give the folder with --data or DANGOL_BENCH_DATA."
                )
            columns = ", ".join(f"nullif(trim(cast(\"{name}\" as varchar)), '')" for name in self.fields)
            with duckdb.connect() as connection:
                found = connection.execute(f"select cast({self.entity} as varchar), {columns} from read_parquet(?)", [str(path)]).fetchall()  # noqa: S608 - columns of ours
            for entity, *values in found:
                yield entity, str(side), dict(zip(self.fields, values, strict=True))


_FEBRL = {
    "given_name": "given",
    "surname": "surname",
    "street_number": "code",
    "address_1": "line",
    "address_2": "line",
    "suburb": "text",
    "postcode": "code",
    "state": "category",
    "date_of_birth": "date",
    "soc_sec_id": "code",
}
_FEBRL_ENTITY = "regexp_extract(rec_id, 'rec-(\\d+)-', 1)"
_HISTORICAL = {
    "full_name": "full_name",
    "first_name": "given",
    "surname": "surname",
    "dob": "date",
    "birth_place": "text",
    "postcode_fake": "postcode",
    "gender": "category",
    "occupation": "category",
}

SETS: tuple[Labelled, ...] = (
    *(Labelled(f"febrl{number}", (f"febrl/febrl{number}.parquet",), _FEBRL, _FEBRL_ENTITY) for number in (1, 2, 3)),
    Labelled("febrl4", ("febrl/febrl4a.parquet", "febrl/febrl4b.parquet"), _FEBRL, _FEBRL_ENTITY, linked=True),
    Labelled(
        "fake_1000",
        ("splink_small/fake_1000.parquet",),
        {"first_name": "given", "surname": "surname", "dob": "date", "city": "text", "email": "email"},
        "cluster",
    ),
    Labelled("historical_50k", ("historical_50k/historical_half_dev.parquet",), _HISTORICAL, "cluster"),
    Labelled(
        "foreigners",
        ("foreigners/foreigners.parquet",),
        {"fname": "given", "surname": "surname", "date": "date", "region": "category", "country": "category"},
        "true_id",
    ),
    Labelled(
        "transactions",
        ("splink_small/transactions_origin.parquet", "splink_small/transactions_destination.parquet"),
        {"memo": "memo", "transaction_date": "day", "amount": "amount"},
        "ground_truth",
        linked=True,
    ),
)


def set_named(name: str) -> Labelled:
    """The set called *name*. Raises DataMissing."""
    for one in SETS:
        if one.name == name:
            return one
    raise DataMissing(f"{name!r} is no labelled set. Known: {', '.join(one.name for one in SETS)}.")


def digits(text: str) -> str:
    """Digits of *text*."""
    return re.sub(r"\D", "", text)
