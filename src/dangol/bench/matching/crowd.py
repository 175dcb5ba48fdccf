"""Many people out of few, without preparing each: new ones are put together from the parts of those who are there.

Whoever is new has the name and mailbox of one, the birthday of a second, the number of a third and the home of a fourth, who are all
known once, or twice in the same way with the same things missing. Digits of mailboxes, numbers and homes are exchanged for others, so
that nobody shares them with those they were taken from. What a second record has in common with the first, and where the two differ, stays as it was.
"""

from __future__ import annotations

import random

import duckdb

from dangol.identity.matching.layout import Kind
from dangol.identity.matching.people import PEOPLE

#: What a new one takes from others; the rest comes with the name.
_PARTS = {
    "birth": ("birth", "birth_swapped", "birth_either", "birth_day", "birth_year"),
    "number": ("phone", "phones", "tails"),
    "home": ("address", "building", "home", "places", "district", "postcode"),
}
#: Columns in which digits are exchanged.
_TURNED = frozenset(
    ("email", "emails", "own_emails", "mailbox", "mailbox_digits", "mailboxes", "address", "building", "home", "places", "phone", "phones", "tails")
)


def multiply(connection: duckdb.DuckDBPyConnection, times: int) -> None:
    """Let there be *times* as many people in `record`, and in `truth` (n, human, slip): human as a number, slip as how the second record differs."""
    people, humans = connection.execute("select count(*), max(human) + 1 from truth").fetchall()[0]
    connection.execute(
        "create temp table life as select n, kind, place, row_number() over (partition by kind, place order by human) - 1 as rank,"
        " count(*) over (partition by kind, place) as many from (select human, n, row_number() over (partition by human order by n) as place,"
        " max(case when slip > 0 then 16 * slip::integer + 8 * (phone is null)::integer + 4 * (email is null)::integer"
        " + 2 * (birth is null)::integer + (home is null)::integer else 0 end)"
        " over (partition by human) as kind from truth join record using (n))"
    )
    connection.execute(f"create temp view old as select * from record where n < {people}")  # noqa: S608 - numbers of ours
    columns = [f"{_turned(name) if name in _TURNED else f'{_part(name)}.{name}'} as {name}" for name in PEOPLE.columns]
    for time in range(1, times):
        dice = random.Random(time)  # noqa: S311 - made-up people
        told = ", ".join(columns).replace("$digits", "".join(dice.sample("0123456789", 10)))
        number = f"life.n + {people * time}"
        joins = "".join(
            f" join life as {part}_life on {part}_life.kind = life.kind and {part}_life.place = life.place"
            f" and {part}_life.rank = (life.rank + {dice.randrange(1, 1 << 30)}) % life.many join old as {part} on {part}.n = {part}_life.n"
            for part in _PARTS
        )
        connection.execute(
            f"insert into record select {number}, ({number})::varchar, {told}"  # noqa: S608 - numbers and columns of ours
            f" from life join old as name on name.n = life.n{joins} order by life.n"
        )
        connection.execute(
            f"insert into truth select n + {people * time}, human + {humans * time}, slip from truth where n < {people}"  # noqa: S608 - numbers of ours
        )
    connection.execute("drop view old")
    connection.execute("drop table life")


def _part(column: str) -> str:
    return next((part for part, columns in _PARTS.items() if column in columns), "name")


def _turned(column: str) -> str:
    value = f"{_part(column)}.{column}"
    # The 010 of a number stays, so that it is a mobile one.
    kept = 3 if column in ("phone", "phones") else 0
    if PEOPLE.columns[column] is Kind.TEXTS:
        one = f"left(one, {kept}) || translate(one[{kept + 1}:], '0123456789', '$digits')"
        return f"list_transform({value}, lambda one: {one})"
    return f"left({value}, {kept}) || translate({value}[{kept + 1}:], '0123456789', '$digits')"
