"""People as matching compares them: read from State page by page, by short queries that hold back nothing.

What a record tells is its own. What came only along a phone number is told apart from it: a household shares the number, and who
ordered with it as a guest left a name and an address that are somebody else's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.identity.matching import Record
from dangol.identity.matching.names import readings
from dangol.profiles.rules import decode_body

#: Identifiers read in one query, and people asked for by name in one.
PAGE, PEOPLE_PAGE = 5_000, 1_000
#: Different values of a field that are compared, the newest.
VALUES_MAX = 5
#: Identifiers of one person that are looked at. Who has more is a crowd, which nothing could be said about.
IDENTIFIERS_MAX = 200
#: Types of identifier that a household shares.
HOUSEHOLD_TYPES = frozenset({"phone"})
#: Traits, by what matching makes of them; the first that is known comes first.
NAMES = ("name", "fullName", "full_name", "nickname", "kana")
FAMILY_NAMES, GIVEN_NAMES = ("lastName", "last_name"), ("firstName", "first_name")
BIRTHDAYS = ("birthday", "birth_date", "birthDate", "date_of_birth", "dateOfBirth", "birthdate")
GENDERS = ("gender", "sex")
ADDRESSES = ("address", "home_address", "shipping_address")
POSTCODES = ("postal_code", "postalCode", "postcode", "zip", "zipcode")
#: Parts of an address in the order in which Koreans write it.
ADDRESS_PARTS = ("country", "region", "state", "city", "district", "street", "line1", "line2", "detail")
_WANTED = frozenset((*NAMES, *FAMILY_NAMES, *GIVEN_NAMES, *BIRTHDAYS, *GENDERS, *ADDRESSES, *POSTCODES, "email", "phone"))

_NOBODY = UUID(int=0)

#: Traits of one person: name -> (time, value), every value that was told.
Told = dict[str, list[tuple[int, Any]]]


class People:
    """Reads records of a brand's people.

    Args: unique: types of identifier of which one person has at most one value, as the rules in force say.
    """

    def __init__(self, connection: Connection[Any], unique: frozenset[str]) -> None:
        self._connection = connection
        self._unique = unique

    def everybody(self, progress: Callable[[int], None] = lambda _read: None, *, after: UUID = _NOBODY) -> Iterator[Record]:
        """Everybody of whom something comparable is known, in the order of their ids.

        Args: progress: told the number of identifiers read so far.  after: only those behind this person.
        """
        read = 0
        while rows := self._page("person_id > %s order by person_id limit %s", [after, PAGE]):
            last = rows[-1][0]
            if len(rows) == PAGE and rows[0][0] != last:
                rows = [row for row in rows if row[0] != last]  # the last person may go on; the next page begins with them
            after = rows[-1][0]
            read += len(rows)
            yield from self._records(rows)
            progress(read)

    def of(self, people: Sequence[UUID]) -> Iterator[Record]:
        """The records of these people, as far as they are there and something comparable is known of them."""
        for start in range(0, len(people), PEOPLE_PAGE):
            yield from self._records(self._page("person_id = any(%s)", [list(people[start : start + PEOPLE_PAGE])]))

    def ids(self) -> list[str]:
        """Who there is now, as text: of millions nothing else is asked."""
        return [person for (person,) in ask(self._connection, "select distinct person_id::text from identifier", [])]

    def _page(self, condition: str, params: list[Any]) -> list[Any]:
        return ask(
            self._connection,
            f"""
            select person_id, node_id, type, value, shared_identifier.node_id is not null
              from identifier
              left join shared_identifier using (node_id)
             where {condition}
            """,  # noqa: S608 - the two conditions above
            params,
        )

    def _records(self, rows: list[Any]) -> Iterator[Record]:
        people: dict[UUID, list[Any]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row[0], row[1])):  # the same whatever order they were kept in
            if len(people[row[0]]) < IDENTIFIERS_MAX:
                people[row[0]].append(row)
        told: dict[UUID, Told] = {}
        nodes = [node for mine in people.values() for _, node, *_ in mine]
        query = "select node_id, body from fragment where node_id = any(%s) and body is not null order by node_id, device_id"
        for node, body in ask(self._connection, query, [nodes]):
            here = told.setdefault(node, {})
            for name, seen in decode_body(bytes(body)).traits.items():
                if name in _WANTED:
                    here.setdefault(name, []).extend((one.at, one.value) for one in seen)
        lent = self._lent({person: mine for person, mine in people.items() if self._may_be_lent(mine, told)})
        for person, mine in people.items():
            record = _record(person, mine, told, lent.get(person, frozenset()))
            if _comparable(record):
                yield record

    def _may_be_lent(self, rows: list[Any], told: dict[UUID, Told]) -> bool:
        kinds = [kind for _, _, kind, *_ in rows]
        if HOUSEHOLD_TYPES.isdisjoint(kinds) or self._unique.isdisjoint(kinds):
            return False
        return kinds.count("email") > 1 or any(kind not in self._unique and told.get(node) for _, node, kind, *_ in rows)

    def _lent(self, people: dict[UUID, list[Any]]) -> dict[UUID, frozenset[UUID]]:
        """Of each person the identifiers that hang on their own ones (of a unique type) by nothing but a phone number, and the number itself."""
        nodes = {node: kind for mine in people.values() for _, node, kind, *_ in mine}
        near: dict[UUID, list[UUID]] = defaultdict(list)
        for a, b in ask(self._connection, "select a, b from edge where a = any(%s) and refused = ''", [list(nodes)]) if nodes else ():
            if nodes.get(a) not in HOUSEHOLD_TYPES and nodes.get(b) not in HOUSEHOLD_TYPES:
                near[a].append(b)
                near[b].append(a)
        found = {}
        for person, mine in people.items():
            own = {node for _, node, kind, *_ in mine if kind in self._unique}
            waiting = list(own)
            while waiting:
                fresh = [node for node in near[waiting.pop()] if node not in own]
                own.update(fresh)
                waiting += fresh
            found[person] = frozenset(node for _, node, *_ in mine if node not in own)
        return found


def record_of(person: UUID, identifiers: Iterable[tuple[str, str]], told: Told, shared: frozenset[tuple[str, str]] = frozenset()) -> Record:
    """One person as matching compares them.

    Args: identifiers: (type, value).  told: trait -> values with their times.  shared: e-mail addresses and numbers that join nobody.
    """
    newest = {name: _newest(values) for name, values in told.items()}
    own = [(kind, value) for kind, value in identifiers if (kind, value) not in shared]
    hidden = {value for _, value in shared}
    return Record(
        person_id=person,
        names=_few([*(text for name in NAMES for text in newest.get(name, ())), *_put_together(newest)]),
        birth_date=_first(newest, BIRTHDAYS),
        gender=_first(newest, GENDERS),
        emails=_few([*(value for kind, value in own if kind == "email"), *(text for text in newest.get("email", ()) if text.strip().lower() not in hidden)]),
        phones=_few([*(value for kind, value in own if kind == "phone"), *(() if _hides_phone(shared) else newest.get("phone", ()))]),
        addresses=_few([text for name in ADDRESSES for text in newest.get(name, ())]),
        postcode=_first(newest, POSTCODES) or _postcode(told),
    )


def _record(person: UUID, rows: list[Any], told: dict[UUID, Told], lent: frozenset[UUID]) -> Record:
    whole = _of_nodes(person, rows, told)
    if not lent:
        return whole
    others = _of_nodes(person, [row for row in rows if row[1] in lent], told)
    kept = [row for row in rows if row[1] not in lent or row[2] in HOUSEHOLD_TYPES]
    own = _of_nodes(person, kept, {node: values for node, values in told.items() if node not in lent})
    if not own.names or not (others.names or others.emails) or _sounds(own) & _sounds(others):
        return whole  # nothing was lent, or by the same human, who once ordered without signing in
    return replace(own, emails=_few([*own.emails, *others.emails]), lent=tuple(one for one in others.emails if one not in own.emails))


def _of_nodes(person: UUID, rows: list[Any], told: dict[UUID, Told]) -> Record:
    together: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for _, node, *_ in rows:
        for name, values in told.get(node, {}).items():
            together[name] += values
    shared = frozenset((kind, value) for _, _, kind, value, is_shared in rows if is_shared)
    return record_of(person, [(kind, value) for _, _, kind, value, _ in rows], together, shared)


def _sounds(record: Record) -> set[tuple[str, str]]:
    return {reading for name in record.names for reading in readings(name)}


def _newest(values: list[tuple[int, Any]]) -> list[str]:
    """Values as texts, the newest first, each once."""
    return list(dict.fromkeys(text for _, value in sorted(values, key=lambda one: -one[0]) if (text := _text(value))))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        lines = [str(value[part]).strip() for part in ADDRESS_PARTS if value.get(part)]
        return " ".join(line for index, line in enumerate(lines) if index or line.upper() not in ("KR", "KOR", "대한민국"))
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _put_together(newest: dict[str, list[str]]) -> list[str]:
    family, given = _first(newest, FAMILY_NAMES), _first(newest, GIVEN_NAMES)
    return [f"{family}{given}" if "가" <= family[0] <= "힣" else f"{given} {family}"] if family and given else []


def _first(newest: dict[str, list[str]], names: Iterable[str]) -> str:
    return next((newest[name][0] for name in names if newest.get(name)), "")


def _postcode(told: Told) -> str:
    for name in ADDRESSES:
        for _, value in sorted(told.get(name, ()), key=lambda one: -one[0]):
            if isinstance(value, dict) and (found := next((str(value[part]) for part in POSTCODES if value.get(part)), "")):
                return found
    return ""


def _hides_phone(shared: frozenset[tuple[str, str]]) -> bool:
    # A trait spells the number in any way; with a shared one among the identifiers only normalised ones are believed.
    return any(kind == "phone" for kind, _ in shared)


def _few(values: list[str]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(value for value in values if value))[:VALUES_MAX])


def _comparable(record: Record) -> bool:
    return bool(record.names or record.emails or record.phones or record.birth_date or record.addresses)
