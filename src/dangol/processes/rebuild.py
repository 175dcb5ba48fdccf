"""rebuild: people, profiles and receipts made anew from the facts of the lake, by the same rules that made them live.

The new tables grow in a schema of their own; readers see the old ones until the exchange, workers wait, intake goes on. Under
other rules the same thing is a rehearsal (nothing is exchanged), or the way a new rule set takes effect on all of history.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg.errors import DeadlockDetected

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.errors import DangolError
from dangol.events import now_us
from dangol.events.facts import Fact, FactKind
from dangol.flow import Rules, apply_batch, identifiers_of, leading
from dangol.hotstate import PROCESSING_LOCK, RawConnection, connect_raw, numbers, uuids
from dangol.identity import (
    DecisionsKnown,
    RuleSet,
    decisions_known,
    keep_rules,
    must_still_hold,
    read_rules,
    rule_set_versions,
    rules_in_force,
    settle_decided_since,
)
from dangol.identity.joining import one_at_a_time
from dangol.intake.arrivals import read_fact
from dangol.intake.keeping import count_again, trim_receipts
from dangol.processes.moved import tell_moved
from dangol.profiles.computed import all_ready, program_in_force, rebuilt, trim_all_hours
from dangol.settings import Settings

#: Tables that follow from the lake (and from decisions of people) alone.
DERIVED = ("identifier", "edge", "shared_identifier", "fragment", "clock_off", "search_term", "computed_partial", "refiled", "receipt")
#: Those of them that decisions change.
DECIDED = ("identifier", "edge", "shared_identifier")
#: Advisory lock of whoever builds tables anew: one at a time.
REBUILD_LOCK = 0x646E6772
#: Facts per transaction, and rows of computed traits looked at in one.
CHUNK, HOURS_AT_ONCE = 4_000, 10_000
#: Without a bound: every position, any number.
ANY = (1 << 63) - 1
#: Seconds to wait until all workers have come equally far, before rules change.
EVEN_SECONDS = 60.0
#: How often the exchange is tried before a rebuild gives up.
EXCHANGE_TRIES = 5
#: Least numbers of identifiers of the groups in which a rehearsal counts people.
SIZES = (1, 2, 3, 4, 5, 7, 10, 20, 50, 100)
#: Examples of merges and of splits that a rehearsal shows.
EXAMPLES = 20

_TOOK_EFFECT = (FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED)
_SETTLED = (*_TOOK_EFFECT, FactKind.EVENT_SUPPRESSED, FactKind.EVENT_QUARANTINED)


class RebuildBusy(DangolError):
    """Another rebuild or rehearsal is under way. Wait for it, or end it."""

    code = "rebuild_busy"


class StillBehind(DangolError):
    """Processing has not caught up, so the rules cannot change yet."""

    code = "still_behind"


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to."""

    events: int
    people: int
    #: Tables whose content differs from before; empty: the same byte for byte.
    changed: list[str]


@dataclass(frozen=True)
class Rehearsal:
    """What another rule set would make of history."""

    events: int
    people_before: int
    people_after: int
    #: People who would become part of a larger one; people who would fall apart.
    merged: int
    split: int
    #: Identifiers of the largest person, before and after.
    largest_before: int
    largest_after: int
    #: People by the number of their identifiers: SIZES -> how many, before and after.
    sizes_before: list[int]
    sizes_after: list[int]
    #: For each example, the identifiers (type:value) of the people concerned, person by person, before -> after.
    merges: list[tuple[list[list[str]], list[list[str]]]]
    splits: list[tuple[list[list[str]], list[list[str]]]]
    #: The version in force that it was compared with.
    version: int


def rebuild(settings: Settings, *, progress: Callable[[int], None] | None = None) -> Rebuilt:
    """Make the derived tables anew and exchange them for the old ones in one transaction.

    Args: progress: told how many facts have been read so far.
    Raises: StateUnavailable, RebuildBusy. A rebuild that is interrupted leaves the old tables as they were.
    """
    with _alone(settings) as connection:
        connection.execute("select pg_advisory_lock(%s)", [PROCESSING_LOCK])
        return _rebuild(settings, connection, rules_in_force(connection, settings.brand.country), progress)


def apply_rules(
    settings: Settings, document: str, *, actor: str, why: str, progress: Callable[[int], None] | None = None, replaces: int | None = None
) -> tuple[int, Rebuilt]:
    """Put a rule set in force, for history and for what comes: the same as if it had been in force from the first event on.

    Args: replaces: the version that a trial compared with (Rehearsal.version); None: whatever is in force.
    Returns: the number of the version, and what changed.  Raises: RuleSetRefused, RulesOvertaken, StillBehind, RebuildBusy, StateUnavailable.
    """
    rules = read_rules(document, region=settings.brand.country)
    with _alone(settings) as connection:
        must_still_hold(connection, replaces)  # from here on nobody else puts rules in force
        _wait_until_even(connection)
        versions: list[int] = []

        def in_force() -> None:
            # In the transaction of the exchange: people, their rules, and the facts that say who moved.
            tell_moved(connection, open_lake(settings), now_us())
            versions.append(keep_rules(connection, document, actor=actor, why=why, at=datetime.now(UTC)))

        result = _rebuild(settings, connection, rules, progress, in_force)
        return versions[-1], result


def rehearse_rules(settings: Settings, document: str, *, progress: Callable[[int], None] | None = None) -> Rehearsal:
    """What *document* would change, over all of history; nothing is changed, and processing goes on meanwhile."""
    rules = read_rules(document, region=settings.brand.country)
    with _alone(settings) as connection:
        events = _fill(settings, connection, rules, progress, datetime.now(UTC), computed=False)
        result = _compare(connection, events, rule_set_versions(connection)[0].version)
        connection.execute("drop schema rebuild cascade")
        return result


def _alone(settings: Settings) -> RawConnection:
    connection = connect_raw(state.locate(settings), autocommit=True, application_name="dangol rebuild")
    row = connection.execute("select pg_try_advisory_lock(%s)", [REBUILD_LOCK]).fetchone()
    if row is None or not row[0]:
        connection.close()
        raise RebuildBusy
    return connection


def _wait_until_even(connection: RawConnection) -> None:
    """Take the processing lock at a moment when all partitions have come equally far in every lane."""
    deadline = time.monotonic() + EVEN_SECONDS
    while True:
        connection.execute("select pg_advisory_lock(%s)", [PROCESSING_LOCK])
        uneven = connection.execute("select lane from progress group by lane having min(position) <> max(position)").fetchall()
        if not uneven:
            return
        connection.execute("select pg_advisory_unlock(%s)", [PROCESSING_LOCK])
        if time.monotonic() > deadline:
            raise StillBehind(
                f"Lane {uneven[0][0]} is not evenly processed after {EVEN_SECONDS:.0f} s. Are all workers running? See `dangol status`."
            )
        time.sleep(0.05)


def _rebuild(
    settings: Settings,
    connection: RawConnection,
    rules: RuleSet,
    progress: Callable[[int], None] | None,
    before_exchange: Callable[[], None] | None = None,
) -> Rebuilt:
    # Hours that no window reaches any more, and receipts that have ended, are trimmed on both sides as of one moment, or the two could
    # not be compared.
    at = datetime.now(UTC)
    trim_all_hours(connection, at, HOURS_AT_ONCE)
    trim_receipts(connection, _receipts_since(settings, at), up_to=ANY, limit=ANY)
    known = decisions_known(connection)
    before, comparable = _digests(connection, "public"), all_ready(connection)
    told = _fill(settings, connection, rules, progress, at, computed=True)
    after = _digests(connection, "rebuild")

    def in_the_exchange() -> None:
        if _catch_up(connection, known, rules):
            before.update(_digests(connection, "public", DECIDED))
            after.update(_digests(connection, "rebuild", DECIDED))
        if before_exchange:
            before_exchange()

    _exchange(connection, in_the_exchange)
    people = connection.execute("select count(distinct person_id) from identifier").fetchone()
    assert people is not None
    # What was still being filled, or removed, is expected to differ.
    changed = [table for table in DERIVED if before[table] != after[table] and (comparable or table != "computed_partial")]
    return Rebuilt(told, people[0], changed)


def _catch_up(connection: RawConnection, known: DecisionsKnown, rules: RuleSet) -> bool:
    """Carry out on the new tables what operators decided while those were made; returns whether they did. From here on they wait."""
    one_at_a_time(connection)
    connection.execute("set local search_path = rebuild, public")
    decided = settle_decided_since(connection, known, rules)
    connection.execute("set local search_path = public")
    return decided


def _fill(
    settings: Settings, connection: RawConnection, identity: RuleSet, progress: Callable[[int], None] | None, at: datetime, *, computed: bool
) -> int:
    """Make the derived tables in the schema rebuild; returns how many facts there were.

    Args: at: the moment as of which receipts end.  computed: with computed traits, as far as their windows reach at that moment.
    """
    lake = open_lake(settings)
    _prepare(connection)
    sources = dict(connection.execute("select id, kind from source").fetchall())
    rules = Rules(identity, sources, program_in_force(connection) if computed else None)
    told, receipts_since = 0, _receipts_since(settings, at)
    with state.connect(settings) as reading:
        for facts in _chunks(itertools.chain.from_iterable(lake.scan(reading, _SETTLED))):
            _apply(connection, facts, rules, receipts_since)
            told += len(facts)
            if progress:
                progress(told)
        for facts in lake.scan(reading, (FactKind.EVENT_DUPLICATED,)):
            count_again(connection, ((fact.key, fact.seq) for fact in facts))
    if computed:
        connection.execute("analyze computed_partial, fragment")
        trim_all_hours(connection, at, HOURS_AT_ONCE)
    connection.execute("set search_path = public")
    return told


def _receipts_since(settings: Settings, at: datetime) -> datetime:
    return at - timedelta(days=settings.state.receipt_days)


def _prepare(connection: RawConnection) -> None:
    connection.execute("drop schema if exists rebuild cascade")
    connection.execute("create schema rebuild")
    for table in DERIVED:
        connection.execute(f"create table rebuild.{table} (like public.{table} including all)")
        options = connection.execute("select unnest(reloptions) from pg_class where oid = %s::regclass", [f"public.{table}"]).fetchall()
        if options:
            connection.execute(f"alter table rebuild.{table} set ({', '.join(option for (option,) in options)})")
    connection.execute("set search_path = rebuild, public")


def _apply(connection: RawConnection, facts: list[Fact], rules: Rules, receipts_since: datetime) -> None:
    arrivals = []
    for fact in facts:
        kind = rules.source_kinds.get(fact.source, "other")
        arrival = read_fact(fact, kind, rules.identity.traits)
        arrival.identifiers = identifiers_of(arrival, kind, rules.identity)
        arrivals.append(arrival)
    led = zip(facts, map(leading, arrivals), strict=True)
    refiled = [(fact.seq, lead) for fact, lead in led if lead != fact.node and fact.fact in _TOOK_EFFECT]
    with connection.transaction():
        if refiled:
            connection.execute(
                "insert into refiled (seq, node_id) select seq, nullif(node_id, '') :: uuid from unnest(%s::bigint[], %s::text[]) as given (seq, node_id)",
                [[seq for seq, _ in refiled], [lead.hex() for _, lead in refiled]],
            )
        apply_batch(connection, arrivals, rules=rules, lake=None, now_us=0, partition=0, receipts_since=receipts_since)


def _exchange(connection: RawConnection, before: Callable[[], None]) -> None:
    for tries_left in reversed(range(EXCHANGE_TRIES)):
        try:
            with connection.transaction():
                before()
                _put_in_place(connection)
        except DeadlockDetected:  # with a page that reads two of the tables the other way round; nothing has happened yet
            if not tries_left:
                raise
        else:
            break
    for table in DERIVED:
        connection.execute(f"analyze {table}")


def _put_in_place(connection: RawConnection) -> None:
    connection.execute("create schema rebuild_old")
    for table in DERIVED:
        connection.execute(f"alter table public.{table} set schema rebuild_old")
        connection.execute(f"alter table rebuild.{table} set schema public")
    rebuilt(connection)
    connection.execute("drop schema rebuild_old cascade")
    connection.execute("drop schema rebuild cascade")


def _digests(connection: RawConnection, schema: str, tables: Iterable[str] = DERIVED) -> dict[str, str]:
    """A fingerprint of each of these tables' whole content in the given schema, whatever the order of its rows."""
    found = {}
    for table in tables:
        row = connection.execute(
            f"select count(*) || ':' || coalesce(sum(hashtextextended(line::text, 0)::numeric), 0) from {schema}.{table} as line"  # noqa: S608 - names from code
        ).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def _compare(connection: RawConnection, events: int, version: int) -> Rehearsal:
    row = connection.execute(
        """
        with sizes as (select 'before' as version, person_id, count(*) as n from public.identifier group by person_id
                        union all
                       select 'after', person_id, count(*) from rebuild.identifier group by person_id)
        select count(*) filter (where version = 'before'), count(*) filter (where version = 'after'),
               coalesce(max(n) filter (where version = 'before'), 0), coalesce(max(n) filter (where version = 'after'), 0)
          from sizes
        """
    ).fetchone()
    assert row is not None
    merged = _moves(connection, "public", "rebuild")
    split = _moves(connection, "rebuild", "public")
    return Rehearsal(
        events, row[0], row[1], sum(len(parts) for _, parts in merged), len(split), row[2], row[3],
        _sizes(connection, "public"), _sizes(connection, "rebuild"),
        [_example(connection, "public", parts, "rebuild", [whole]) for whole, parts in merged[:EXAMPLES]],
        [_example(connection, "public", [whole], "rebuild", parts) for whole, parts in split[:EXAMPLES]],
        version,
    )  # fmt: skip


def _sizes(connection: RawConnection, schema: str) -> list[int]:
    """How many people of *schema* have as many identifiers as each group of SIZES."""
    rows = connection.execute(
        f"""
        select width_bucket(n, %s::bigint[]), count(*)
          from (select count(*) as n from {schema}.identifier group by person_id) as person
         group by 1
        """,  # noqa: S608 - names from code
        [numbers(SIZES)],
    ).fetchall()
    counted = dict(rows)
    return [counted.get(group, 0) for group in range(1, len(SIZES) + 1)]


def _moves(connection: RawConnection, many: str, one: str) -> list[tuple[bytes, list[bytes]]]:
    """People of schema *one* whose identifiers are spread over several people of schema *many*."""
    return connection.execute(
        f"""
        select whole.person_id, array_agg(distinct part.person_id)
          from {one}.identifier as whole
          join {many}.identifier as part using (node_id)
         group by whole.person_id
        having count(distinct part.person_id) > 1
         order by whole.person_id
        """  # noqa: S608 - names from code
    ).fetchall()


def _example(
    connection: RawConnection, first: str, before: list[bytes], second: str, after: list[bytes]
) -> tuple[list[list[str]], list[list[str]]]:
    def told(schema: str, people: list[bytes]) -> list[list[str]]:
        rows = connection.execute(
            f"select array_agg(type || ':' || value order by type, value) from {schema}.identifier where person_id = any(%s::uuid[]) group by person_id",  # noqa: S608
            [uuids(people)],
        ).fetchall()
        return [row[0] for row in rows]

    return told(first, before), told(second, after)


def _chunks(facts: Iterable[Fact]) -> Iterator[list[Fact]]:
    iterator = iter(facts)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        yield chunk
