"""What profiles answer about many people: who is behind an identifier, search, export. Reads only; nothing here is ever stale.

All functions take an ordinary psycopg connection (uuid as UUID).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import phonenumbers
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.asking import ask
from dangol.events import node_id, to_us
from dangol.identity import RuleSet, default_rules, rules_in_force
from dangol.profiles.asking import moment, source_names
from dangol.profiles.explain import fragments_of
from dangol.profiles.glance import identifier_views
from dangol.profiles.rules import NAME_TRAITS, Folded, StoredFragment, fold
from dangol.profiles.ruleset import TraitRules, trait_rules_in_force
from dangol.profiles.survivorship import Sources
from dangol.profiles.trait_views import value_of
from dangol.profiles.views import IdentifierView, PersonHit

#: Names for a person's own id in TYPE:VALUE addresses.
PERSON_TYPES = ("person", "id")
#: Newest batches of facts among which recently active people are looked for.
RECENT_BATCHES = 60
NOBODY = UUID(int=0)


def node_asked(kind: str, value: str, rules: RuleSet) -> UUID | None:
    """The node that TYPE:VALUE names, a person's id ("person") included; None when it can name nobody."""
    if kind not in PERSON_TYPES:
        normalised = rules.normalise(kind, value)
        return None if normalised is None else node_id(kind, normalised)
    try:
        return UUID(value)
    except ValueError:
        return None


def person_of(connection: Connection[Any], kind: str, value: str, rules: RuleSet | None = None) -> UUID | None:
    """The person behind an identifier, or behind any id a person ever had (type "person"); None: nobody known."""
    known = rules is not None or kind in PERSON_TYPES
    node = node_asked(kind, value, rules or (default_rules() if known else rules_in_force(connection)))
    if node is None:
        return None
    rows = ask(connection, "select person_id from identifier where node_id = %s", [node])
    return rows[0][0] if rows else None


def search_people(
    connection: Connection[Any], query: str, *, cursor: str | None = None, limit: int = 20, rules: RuleSet | None = None
) -> tuple[list[PersonHit], str | None]:
    """People found by the beginning of anything: name, e-mail, phone (with or without hyphens), member or order number, id.

    Returns: hits and the cursor of the next page, None at the end.
    """
    rules = rules or rules_in_force(connection)
    text = unicodedata.normalize("NFKC", query).strip().lower()
    if not text:
        return [], None
    exact = _exact(connection, query.strip(), rules)
    if exact is not None:
        return people_hits(connection, [(exact, "id")]), None
    after_term, after_node = cursor.rsplit("|", 1) if cursor and "|" in cursor else ("", str(NOBODY))
    rows = ask(
        connection,
        """
        select distinct term, kind, node_id, person_id
          from unnest(%(starts)s::text[]) as typed (start)
         cross join lateral (
               (select term, kind, node_id
                  from search_term
                 where term >= typed.start and term < (typed.start || chr(1114111)) and (term, node_id) > (%(term)s, %(node)s::uuid)
                 order by term, node_id
                 limit %(limit)s)
                union all
               (select lower(value), type, node_id
                  from identifier
                 where lower(value) ~>=~ typed.start and lower(value) ~<~ (typed.start || chr(1114111))
                   and (lower(value), node_id) > (%(term)s, %(node)s::uuid)
                 order by lower(value) using ~<~
                 limit %(limit)s)
               ) as found
          join identifier using (node_id)
         order by term, node_id
         limit %(limit)s
        """,
        {"starts": _beginnings(text, rules), "term": after_term, "node": after_node, "limit": limit * 3},
    )
    people: dict[UUID, str] = {}
    last = None
    for term, kind, node, person in rows:
        if person not in people and len(people) == limit:
            return people_hits(connection, list(people.items())), last
        people.setdefault(person, kind)
        last = f"{term}|{node}"
    return people_hits(connection, list(people.items())), last if len(rows) == limit * 3 else None


def recent_people(connection: Connection[Any], *, limit: int = 20) -> list[PersonHit]:
    """The people who were active last."""
    rows = ask(
        connection,
        """
        select person_id, max(seq) as latest
          from receipt
          join identifier using (node_id)
         where seq >= ((select last_value from lake_batch) - %s) << 20
         group by person_id
         order by latest desc
         limit %s
        """,
        [RECENT_BATCHES, limit],
    )
    return people_hits(connection, [(person, "recent") for person, _ in rows])


def count_people(connection: Connection[Any]) -> int:
    """How many people are known: leading identifiers, each of which is one person's id."""
    return int(ask(connection, "select count(*) from identifier where node_id = person_id", [])[0][0])


def export_people(connection: Connection[Any]) -> Iterator[tuple[str, str, UUID]]:
    """(identifier_type, identifier_value, person_id) of everybody, in a fixed order, streamed."""
    with connection.transaction(), connection.cursor("export_people", row_factory=tuple_row) as cursor:
        cursor.itersize = 20_000
        cursor.execute("select type, value, person_id from identifier order by node_id")
        yield from cursor


def _exact(connection: Connection[Any], query: str, rules: RuleSet) -> UUID | None:
    kind, colon, value = query.partition(":")
    if colon and kind and value:
        return person_of(connection, kind.strip(), value.strip(), rules)
    try:
        return person_of(connection, "person", str(UUID(query)))
    except ValueError:
        return None


def _beginnings(text: str, rules: RuleSet) -> list[str]:
    """What was typed, as names, addresses and numbers are stored."""
    found = {text, text.replace(" ", "")}
    digits = text.replace("-", "").replace(" ", "")
    if digits.isdigit() and len(digits) >= 4:
        found.add(digits)
        code = phonenumbers.country_code_for_region(rules.region)
        if digits.startswith("0") and code:
            found.add(f"+{code}{digits[1:]}")
    return sorted(found)


def people_hits(connection: Connection[Any], people: Sequence[tuple[UUID, str]]) -> list[PersonHit]:
    """These people as search shows them. Args: people: (person, what matched)."""
    if not people:
        return []
    wanted = [person for person, _ in people]
    nodes = ask(
        connection,
        "select node_id, type, value, first_source, person_id from identifier where person_id = any(%s) order by type, value",
        [wanted],
    )
    fragments = fragments_of(connection, [row[0] for row in nodes])
    sources, rules = source_names(connection), trait_rules_in_force(connection)
    by_person: dict[UUID, list[Any]] = defaultdict(list)
    person_of_node: dict[bytes, UUID] = {}
    for row in nodes:
        by_person[row[4]].append(row)
        person_of_node[row[0].bytes] = row[4]
    folding: dict[UUID, list[StoredFragment]] = defaultdict(list)
    for one in fragments:
        folding[person_of_node[one.node]].append(one)
    hits = []
    for person, matched in people:
        folded = fold(folding[person])
        identifiers = _identifiers(connection, [row[:4] for row in by_person[person]], folding[person], sources)
        hits.append(PersonHit(person, _label(folded, identifiers, person, rules, sources), matched, identifiers, moment(folded.last_seen)))
    return hits


def _label(folded: Folded, identifiers: Sequence[IdentifierView], person: UUID, rules: TraitRules, sources: Sources) -> str:
    def told(trait: str) -> str:
        value = value_of(folded.traits, trait, rules, sources)
        return value.strip() if isinstance(value, str) else ""

    first, last = (next((told(key) for key in keys if told(key)), "") for keys in NAME_TRAITS)
    if label := told("name") or f"{first} {last}".strip():
        return label
    for one in identifiers:
        if one.node_id == person:
            return one.value
    return str(person)


def _identifiers(
    connection: Connection[Any], nodes: Sequence[Any], fragments: Sequence[StoredFragment], sources: dict[int, tuple[str, str]]
) -> list[IdentifierView]:
    ids = [row[0] for row in nodes]
    edges = [
        (a, b, to_us(first), to_us(last), verified)
        for a, b, first, last, verified in ask(
            connection, "select a, b, first_at, last_at, verified from edge where (a = any(%s) or b = any(%s)) and refused = ''", [ids, ids]
        )
    ]
    return identifier_views(nodes, fragments, edges, sources)


