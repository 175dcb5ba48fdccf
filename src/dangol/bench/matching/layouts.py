"""How Dangol compares the records of a labelled set: a layout made of what its columns hold, the same for every set.

Nothing here was fitted to labels: kinds come with their levels and shipped odds, blocks are written as a data steward would.
"""

from __future__ import annotations

from datetime import date
from math import floor, log
from typing import Any

from dangol.bench.matching.datasets import Labelled
from dangol.identity.matching import normal
from dangol.identity.matching.layout import (
    Across,
    Alike,
    All,
    Begins,
    Block,
    Comparison,
    Crossed,
    Key,
    Kind,
    Lacks,
    Layout,
    Level,
    Near,
    Same,
    Shared,
    Some,
    Within,
)
from dangol.identity.matching.names import sound_of_latin


def _name(column: str, other: str, *, leads: bool) -> Comparison:
    crossed = Crossed(column, other, 0.9)
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.7, 5e-3, frequency=column),
            *((Level("swapped", crossed, 0.02, 1e-4),) if leads else ()),
            *((Level("only_name", All((Lacks(other), Across(column, other))), 0.02, 1e-3, frequency="only_name"),) if leads else ()),
            Level("slip", Near(column, 1), 0.08, 3e-3),
            Level("alike", Alike(column, 0.92), 0.06, 4e-3),
            Level("somewhat_alike", Some((Alike(column, 0.85), Near(column, 2, shortest=6), Same(f"{column}_sound"))), 0.04, 1e-2),
        ),
        m=0.1,
        u=0.97,
        silent=None if leads else crossed,
    )


def _date(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.8, 1e-4, frequency=column),
            Level("day_month_swapped", Crossed(column, f"{column}_swapped"), 0.01, 1e-4),
            Level("slip", Near(column, 1, shortest=8), 0.08, 3e-3),
            Level("two_slips", Near(column, 2, shortest=8), 0.04, 2e-2),
            Level("same_year", Same(f"{column}_year"), 0.02, 1e-2),
        ),
        m=0.05,
        u=0.96,
    )


def _code(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.8, 3e-3, frequency=column),
            Level("slip", Near(column, 1, shortest=3), 0.1, 1e-2),
            Level("two_slips", Near(column, 2, shortest=5), 0.03, 2e-2),
        ),
        m=0.07,
        u=0.96,
    )


def _postcode(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.6, 1e-3, frequency=column),
            Level("slip", Near(column, 1, shortest=5), 0.05, 2e-3),
            Level("same_area", Same(f"{column}_area"), 0.1, 5e-3, frequency=f"{column}_area"),
            Level("same_region", Begins(column, 2), 0.05, 2e-2),
        ),
        m=0.2,
        u=0.97,
    )


def _text(column: str, other: str = "", *, leads: bool = True) -> Comparison:
    crossed = Crossed(column, other, 0.9)
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.7, 2e-3, frequency=column),
            *((Level("swapped", crossed, 0.02, 1e-5),) if other and leads else ()),
            Level("slip", Some((Near(column, 2, shortest=6), Alike(column, 0.95))), 0.1, 3e-3),
            Level("some_words", Some((Shared(f"{column}_words", 0.5), Alike(column, 0.88))), 0.08, 1e-2),
        ),
        m=0.12,
        u=0.98,
        silent=None if leads else crossed,
    )


def _category(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (Level("same", Same(column), 0.85, 0.2, frequency=column, frequency_weight=0.5), Level("slip", Near(column, 2), 0.05, 0.02)),
        m=0.1,
        u=0.78,
    )


def _email(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.65, 1e-4, frequency=column),
            Level("same_mailbox", Same(f"{column}_mailbox"), 0.12, 2e-4, frequency=f"{column}_mailbox"),
            Level("slip", Some((Near(column, 2, shortest=8), Near(f"{column}_mailbox", 1))), 0.1, 2e-4),
            Level("alike", Some((Alike(column, 0.9), Alike(f"{column}_mailbox", 0.9))), 0.04, 1e-3),
        ),
        m=0.09,
        u=0.998,
    )


def _memo(column: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        (
            Level("same", Same(column), 0.15, 2e-4, frequency=column),
            Level("begins", Some((Begins(column, 9), Begins(f"{column}_name", 9))), 0.45, 5e-4, frequency=f"{column}_name"),
            Level("same_name", Same(f"{column}_name"), 0.2, 1e-3, frequency=f"{column}_name"),
            Level("alike", Alike(column, 0.85), 0.1, 1e-2),
            Level("some_words", Shared(f"{column}_words", 0.3), 0.04, 0.05),
        ),
        m=0.06,
        u=0.93,
    )


def _day(column: str) -> Comparison:
    steps = ((0, 0.1, 6e-3), (1, 0.3, 1.2e-2), (2, 0.2, 1.2e-2), (4, 0.25, 2.4e-2), (8, 0.1, 5e-2), (15, 0.03, 8e-2))
    levels = tuple(Level(f"within_{most}_days", Within(f"{column}_number", most), m, u) for most, m, u in steps)
    return Comparison(column, (f"{column}_number",), levels, m=0.02, u=0.8, shown=column)


def _amount(column: str) -> Comparison:
    steps = ((0.0001, 0.6, 1e-4), (0.01, 0.1, 3e-3), (0.03, 0.15, 6e-3), (0.1, 0.1, 2e-2), (0.3, 0.03, 5e-2))
    levels = tuple(Level(f"within_{100 * most:g}_percent", Within(f"{column}_number", most, relative=True), m, u) for most, m, u in steps)
    return Comparison(column, (f"{column}_number",), levels, m=0.02, u=0.9, shown=column)


#: What a column may hold -> further columns made of it.
KINDS: dict[str, dict[str, Kind]] = {
    "given": {"_sound": Kind.TEXT},
    "surname": {"_sound": Kind.TEXT},
    "full_name": {"_words": Kind.TEXTS},
    "date": {"_swapped": Kind.TEXT, "_year": Kind.TEXT, "_day": Kind.TEXT, "_digits": Kind.TEXT},
    "code": {},
    "postcode": {"_area": Kind.TEXT},
    "text": {"_words": Kind.TEXTS},
    "line": {"_words": Kind.TEXTS},
    "category": {},
    "email": {"_mailbox": Kind.TEXT},
    "memo": {"_words": Kind.TEXTS, "_name": Kind.TEXT},
    "day": {"_number": Kind.NUMBER, "_fortnight": Kind.TEXT, "_fortnight_later": Kind.TEXT},
    "amount": {"_number": Kind.NUMBER, "_about": Kind.TEXT, "_about_next": Kind.TEXT},
}


def layout_of(labelled: Labelled) -> Layout:
    """The layout of a labelled set."""
    fields = labelled.fields
    by_kind: dict[str, list[str]] = {}
    for column, kind in fields.items():
        by_kind.setdefault(kind, []).append(column)
    given, surname = by_kind.get("given", [""])[0], by_kind.get("surname", [""])[0]
    makers = {
        "date": _date,
        "code": _code,
        "postcode": _postcode,
        "text": _text,
        "category": _category,
        "email": _email,
        "memo": _memo,
        "day": _day,
        "amount": _amount,
    }
    comparisons = []
    for column, kind in fields.items():
        if kind in ("given", "surname"):
            comparisons.append(_name(column, surname if kind == "given" else given, leads=kind == "given"))
        elif kind == "line":
            first, second = by_kind["line"]
            comparisons.append(_text(column, second if column == first else first, leads=column == first))
        elif kind in makers:
            comparisons.append(makers[kind](column))
    columns = {"side": Kind.TEXT, "only_name": Kind.TEXT, "any_name": Kind.TEXTS, "any_line": Kind.TEXTS}
    for column, kind in fields.items():
        columns |= {column: Kind.TEXT} | {column + suffix: what for suffix, what in KINDS[kind].items()}
    return Layout(
        labelled.name,
        columns,
        tuple(comparisons),
        BLOCKS[labelled.name.rstrip("1234") if labelled.name.startswith("febrl") else labelled.name],
        prior=1e-4,
        prior_records=10_000,
    )


def row_of(labelled: Labelled, side: str, told: dict[str, Any]) -> dict[str, Any]:
    """Features of one record."""
    row: dict[str, Any] = {"side": side}
    for column, kind in labelled.fields.items():
        value = told[column]
        row |= _features(column, kind, normal.plain(value) if value else None)
    sounds = [row.get(f"{column}_sound") for column, kind in labelled.fields.items() if kind in ("given", "surname")]
    names = [row.get(column) for column, kind in labelled.fields.items() if kind in ("surname", "given")]
    row["only_name"] = next((name for name in reversed(names) if name), None)
    lines = [row.get(column) for column, kind in labelled.fields.items() if kind == "line"]
    return row | {"any_name": sorted({sound for sound in sounds if sound}), "any_line": sorted({line for line in lines if line})}


def _features(column: str, kind: str, value: str | None) -> dict[str, Any]:
    if value is None:
        return {}
    match kind:
        case "given" | "surname":
            return {column: value, f"{column}_sound": sound_of_latin(value) or None}
        case "full_name":
            return {column: value, f"{column}_words": sorted(set(value.split()))}
        case "date":
            day = normal.day_of_birth(value) or "".join(char for char in value if char.isdigit())
            return {
                column: day,
                f"{column}_swapped": normal.day_and_month_swapped(day),
                f"{column}_year": day[:4],
                f"{column}_day": day[4:],
                f"{column}_digits": "".join(sorted(day)),
            }
        case "postcode":
            return {column: value.replace(" ", ""), f"{column}_area": value.split()[0]}
        case "text" | "line":
            return {column: value, f"{column}_words": sorted(set(value.replace("-", " ").replace("/", " ").split()))}
        case "email":
            return {column: value, f"{column}_mailbox": normal.mailbox(value) or None}
        case "memo":
            words = value.split()
            return {column: value, f"{column}_words": sorted(set(words)), f"{column}_name": " ".join(words[:2])}
        case "day":
            number = date.fromisoformat(value[:10]).toordinal()
            return {
                column: value,
                f"{column}_number": float(number),
                f"{column}_fortnight": str(number // 14),
                f"{column}_fortnight_later": str((number + 7) // 14),
            }
        case "amount":
            steps = log(max(float(value), 0.01)) / log(1.05)
            return {
                column: value,
                f"{column}_number": float(value),
                f"{column}_about": str(floor(steps)),
                f"{column}_about_next": str(floor(steps + 0.5)),
            }
        case _:
            return {column: value}


def _keys(*names: str) -> tuple[Key, ...]:
    """Keys by name; "column:3" is the first three letters, "column[]" each value of a list."""
    return tuple(
        Key(name.removesuffix("[]").partition(":")[0], letters=int(name.partition(":")[2] or 0), each=name.endswith("[]")) for name in names
    )


def _block(*names: str, tighten: tuple[str, ...] = ()) -> Block:
    return Block(" and ".join(names), _keys(*names), _keys(*tighten))


BLOCKS: dict[str, tuple[Block, ...]] = {
    "febrl": (
        _block("soc_sec_id"),
        _block("date_of_birth"),
        _block("given_name", "surname"),
        _block("given_name_sound", "postcode"),
        _block("surname_sound", "postcode"),
        _block("address_1", "suburb"),
        _block("address_1", "street_number"),
        _block("surname", "suburb"),
        _block("given_name", "suburb"),
        _block("surname", "date_of_birth_day"),
        _block("given_name", "date_of_birth_year"),
        _block("postcode", "street_number"),
        _block("address_2", "postcode"),
        _block("given_name", "date_of_birth_day"),
        _block("any_name[]", "postcode"),
        _block("any_name[]", "suburb"),
        _block("any_name[]", "date_of_birth_year", tighten=("state",)),
        _block("any_line[]", "postcode"),
        _block("any_line[]", "suburb"),
        _block("suburb", "postcode"),
        _block("surname", "street_number"),
        _block("given_name", "street_number"),
    ),
    "fake_1000": (
        _block("email"),
        _block("email_mailbox"),
        _block("dob"),
        _block("first_name", "surname"),
        _block("first_name_sound", "dob_year"),
        _block("surname_sound", "dob_year"),
        _block("surname", "city"),
        _block("first_name", "city"),
        _block("surname"),
        _block("first_name"),
        _block("email:6"),
        _block("dob_day", "city"),
    ),
    "historical_50k": (
        _block("first_name", "surname", tighten=("dob_year",)),
        _block("surname", "dob"),
        _block("first_name", "dob"),
        _block("postcode_fake", tighten=("surname:3",)),
        _block("postcode_fake_area", "surname_sound"),
        _block("postcode_fake_area", "first_name", tighten=("dob:3",)),
        _block("dob", "birth_place"),
        _block("dob", tighten=("first_name:2",)),
        _block("surname_sound", "dob_year"),
        _block("first_name:3", "surname:3", "dob_year"),
        _block("surname", "birth_place", tighten=("first_name:1",)),
        _block("surname", "occupation", tighten=("first_name:1",)),
        _block("first_name_sound", "dob_year", "birth_place"),
        _block("surname_sound", tighten=("first_name_sound",)),
        _block("full_name"),
        _block("full_name_words[]", "dob_year", tighten=("birth_place",)),
        _block("full_name_words[]", "postcode_fake_area"),
        _block("full_name_words[]", "birth_place", tighten=("dob_year",)),
    ),
    "foreigners": (
        _block("date", "fname:1"),
        _block("date", "surname:1"),
        _block("date", "surname_sound"),
        _block("fname", "surname"),
        _block("fname_sound", "surname_sound"),
        _block("fname", "date_year", "surname:1"),
        _block("surname", "date_year", "fname:1"),
        _block("fname", "date_day", "surname:1"),
        _block("surname", "date_day", "fname:1"),
        _block("fname:3", "surname:3", "date_year"),
        _block("fname:3", "surname:3", "date_day"),
        _block("surname:4", "date"),
        _block("fname:2", "surname:5"),
        _block("date_digits", "fname:1", tighten=("surname:1",)),
        _block("date_digits", "surname:1", tighten=("fname:1",)),
        _block("any_name[]", "date_digits"),
    ),
    "transactions": (
        _block("amount", tighten=("transaction_date_fortnight",)),
        _block("memo_name", "amount_about", tighten=("transaction_date_fortnight",)),
        _block("memo_name", "amount_about_next", tighten=("transaction_date_fortnight_later",)),
        _block("memo:3", "amount_about", "transaction_date_fortnight"),
        _block("memo:3", "amount_about_next", "transaction_date_fortnight_later"),
        _block("memo", "transaction_date_fortnight"),
        _block("memo", "transaction_date_fortnight_later"),
        _block("memo_name", "transaction_date_fortnight"),
        _block("memo_name", "transaction_date_fortnight_later"),
    ),
}
