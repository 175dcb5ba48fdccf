"""The matching benchmark counts right, and says what it needs."""

from __future__ import annotations

import unicodedata
from uuid import UUID

import duckdb
import msgspec
import pytest

from dangol.bench.matching.command import matching
from dangol.bench.matching.crowd import multiply
from dangol.bench.matching.datasets import SETS, DataMissing, set_named
from dangol.bench.matching.layouts import layout_of, row_of
from dangol.bench.matching.scale import SLIPS, fill, hard_people, main
from dangol.bench.matching.truth import inside, rightness, true_pairs
from dangol.bench.matching.world import Exact, tell
from dangol.identity.matching import Match
from dangol.identity.matching.layout import columns_of


def test_rightness_is_arithmetic():
    """Three of one and two of another are 3 + 1 pairs; two found of which one is right: precision 1/2, recall 1/4."""
    right = rightness([(0, 1), (1, 0), (2, 3)], list("aaabb"), None)
    assert (right.pairs, right.true, right.precision, right.recall) == (2, 4, 0.5, 0.25)
    assert right.f1 == pytest.approx(1 / 3)
    assert rightness([], list("aa"), None).f1 == 0


def test_of_two_lists_only_pairs_across_count():
    """One entity once in the one list and twice in the other is two pairs."""
    assert true_pairs(list("aaab"), list("0111")) == 2


def test_a_group_is_all_its_pairs():
    """Four records in one group are six pairs."""
    assert inside([[1, 2, 3, 4]]) == [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]


@pytest.mark.parametrize("labelled", SETS, ids=lambda one: one.name)
def test_every_set_has_a_layout_whose_columns_are_filled(labelled):
    """Comparisons and blocks of a set ask only for columns that its rows may have."""
    layout = layout_of(labelled)
    asked = {column for one in layout.comparisons for level in one.levels for column in (*columns_of(level.test), *filter(None, [level.frequency]))}
    asked |= {key.column for block in layout.blocks for key in (*block.keys, *block.tighten)}
    values = {"date": "19800102", "day": "2022-03-29", "amount": "36.36", "email": "a.b@c.example", "postcode": "sy5 7nt"}
    row = row_of(labelled, "0", {column: values.get(kind, "anna maria") for column, kind in labelled.fields.items()})
    assert asked <= layout.columns.keys()
    assert row.keys() <= layout.columns.keys()
    assert asked <= row.keys()


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    """Without a folder, or with a set that does not exist, the message says what is expected."""
    monkeypatch.delenv("DANGOL_BENCH_DATA", raising=False)
    with pytest.raises(DataMissing, match="--data DIR"):
        matching("", long=False)
    with pytest.raises(DataMissing, match="febrl1"):
        set_named("febrl9")
    with pytest.raises(DataMissing, match="is not there"):
        list(set_named("febrl1").rows(tmp_path))


def test_the_world_is_counted_trap_by_trap():
    """A pair of one human that is suggested is found, one of two humans is wrong, under the traps of either."""
    a, b, c = (UUID(int=number) for number in (1, 2, 3))
    matches = [Match(a, b, 0.9999, 14.0, ()), Match(b, c, 0.95, 5.0, ())]
    told = tell({a: "P1", b: "P1", c: "P2"}, {a, b, c}, matches, {"P2": {"kiosk"}}, Exact([{"P2", "P3"}], {"P1"}), [(a, b)])
    everybody = {"humans": 2, "split": 1, "true": 1, "found_review": 1, "found_automatic": 1, "found_alone": 1, "false_review": 1, "glued": 1, "strayed": 1}
    assert told["traps"]["all"] == everybody
    assert told["traps"]["none"]["found_review"] == 1
    assert told["traps"]["kiosk"]["false_review"] == 1
    assert told["traps"]["kiosk"]["glued"] == 1


def test_worlds_are_added_up(monkeypatch):
    """What several made-up brands came to is one table, and no labelled sets are asked for."""
    count = {"humans": 10, "glued": 1, "true": 3, "found_review": 2, "false_review": 1, "found_alone": 2}
    asked = []
    monkeypatch.setattr("dangol.bench.matching.command._child", lambda *words: asked.append(words) or {"traps": {"all": count}})
    missed, wrong = matching("", long=False, worlds="2500/30/1, 2500/30/2")
    assert asked == [("world", "2500", "30", "1"), ("world", "2500", "30", "2")]
    assert (missed.what, missed.value, wrong.value) == ("world, all: missed of 6 pairs", 2, 2)
    assert "of 20 humans: 2 glued" in missed.note
    assert "joined by itself at 0.999: 4 right, 0 wrong" in missed.note


def test_people_are_multiplied_with_what_makes_two_of_them_one():
    """Three times as many people: each with a number and home of nobody else, second records as unlike the first as they were."""
    with duckdb.connect() as connection:
        fill(connection, 1_000)
        multiply(connection, 3)
        told = connection.execute(
            "select t.slip, r.n >= 1_000, count(*), count(distinct r.n), count(distinct l.phone), sum((l.phone = r.phone)::int), sum((l.birth = r.birth)::int),"
            " sum((l.home = r.home)::int), sum((l.hangul = r.hangul)::int), sum((damerau_levenshtein(l.email, r.email) = 1)::int)"
            " from truth as t join truth as o on o.human = t.human and o.n < t.n join record as r on r.n = t.n join record as l on l.n = o.n group by all order by 1, 2"
        ).fetchall()
        assert connection.execute("select count(*), count(distinct n), max(n), count(distinct name || birth || phone) from record").fetchall()[0][:3] == (3_000, 3_000, 2_999)
        kept = "select count(*), sum((phone is not null or email is not null)::int) from truth join record using (n) where slip = 1"
        assert len(set(connection.execute(kept).fetchall()[0])) == 1, "who shares a number or an address has one"
        first, every = connection.execute("select count(distinct phone) filter (n < 1_000), count(distinct phone) from record").fetchall()[0]
        assert every > 2.99 * first, "nobody shares a number with whom it was taken from"
    once, again = ([row for row in told if row[1] is new] for new in (False, True))
    assert [row[0] for row in once] == [row[0] for row in again]
    for before, after in zip(once, again, strict=True):
        assert after[2:5] == (2 * before[2], 2 * before[2], 2 * before[2])
        assert after[5:] == tuple(None if count is None else 2 * count for count in before[5:])


def test_a_run_at_scale_says_of_each_slip_how_many_were_met(capsys):
    """Of 450 people nothing is cut for size: every second record is met, whatever its slip; what is said of all is the sum of what is said of each."""
    main(450, "256MB")
    told = msgspec.json.decode(capsys.readouterr().out)
    assert {"same number or e-mail", "surname slip", "first syllable slip"} < set(told["met"]) <= {"same number or e-mail", *SLIPS}
    there, every = (sum(int(said.split(" of ")[place]) for said in told["met"].values()) for place in (0, 1))
    assert there == every == told["true"] > 30
    assert sum(int(said.split(" of ")[0]) for said in told["found_by_slip"].values()) == told["right"] <= told["found"]


@pytest.mark.parametrize(("slip", "place"), [("surname slip", 0), ("first syllable slip", 1)])
def test_a_slip_of_one_letter_is_planted_where_it_says(slip, place):
    """One letter of one syllable is another, one more or one less; the rest of the name and the birthday stay, the number is new."""
    first = {human: record for human, record, kind in hard_people(3_000) if not kind}
    slipped = [(first[human], record) for human, record, kind in hard_people(3_000) if kind == slip]
    assert len(slipped) > 5
    for one, other in slipped:
        assert (one.birth_date, set(one.phones) & set(other.phones), other.emails) == (other.birth_date, set(), ())
        (a,), (b,) = one.names, other.names
        assert [at for at in range(len(a)) if a[at] != b[at]] == [place], (a, b)
        before, after = (unicodedata.normalize("NFD", name[place]).ljust(3) for name in (a, b))
        assert sum(x != y for x, y in zip(before, after, strict=True)) == 1, (a, b)
