"""Probable matches, from records to reasons, in small."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from dataclasses import replace
from uuid import UUID

import duckdb
import pytest

from dangol.bench.matching.datasets import set_named
from dangol.bench.matching.layouts import layout_of, row_of
from dangol.bench.matching.scale import hard_people, people
from dangol.engines.matching import Blocked, Bounds, score, train
from dangol.engines.matching.blocking import candidates
from dangol.engines.matching.scoring import scored
from dangol.engines.matching.sql import condition_sql as condition
from dangol.engines.matching.store import load, opened
from dangol.identity.matching import Match, Record
from dangol.identity.matching.features import features
from dangol.identity.matching.layout import Near
from dangol.identity.matching.people import HOUSEHOLD_AT_MOST, IN_HOME_AT_MOST, PEOPLE
from dangol.identity.matching.shipped import shipped

SMALL = Bounds(memory_limit="256MB", threads=1, sample_pairs=20_000)
MINA = Record(
    person_id=UUID(int=1), names=("김민지",), birth_date="1990-03-07", gender="F", emails=("kim.minji@gomail.example",), phones=("010-2345-6789",),
    addresses=("경기도 화성시 은하로 5 햇살마을 104동 1904호",),
)  # fmt: skip


def _between(one: Record, other: Record, *, among: int = 300, least: float = 1e-9) -> Match | None:
    crowd = [replace(record, person_id=UUID(int=10_000 + number)) for number, (_, record) in enumerate(people(among))]
    found = score(shipped(PEOPLE, among), [one, other, *crowd], new_ids=[one.person_id], least=least, bounds=SMALL)
    return next((match for match in found if {match.a, match.b} == {one.person_id, other.person_id}), None)


@pytest.fixture(scope="module")
def labelled() -> tuple[list[int], list[Record]]:
    """1,500 made-up records, some of one human."""
    both = list(people(1_500))
    return [human for human, _ in both], [record for _, record in both]


@pytest.fixture(scope="module")
def trained(labelled):
    return train(labelled[1], bounds=SMALL)


def test_the_brands_own_people_teach_and_are_found(labelled, trained):
    """On a small labelled set the trained model finds nearly all and invents nearly nobody."""
    humans, records = labelled
    found = list(score(trained, records, least=0.5, bounds=SMALL))
    right = sum(humans[match.a.int] == humans[match.b.int] for match in found)
    true = len(humans) - len(set(humans))
    assert trained.trained
    assert trained.records == 1_500
    assert right / len(found) >= 0.95
    assert right / true >= 0.95


def test_the_shipped_model_is_sensible(labelled):
    """Before any training most are found, with few mistakes."""
    humans, records = labelled
    found = list(score(shipped(PEOPLE, len(records)), records, least=0.9, bounds=SMALL))
    right = sum(humans[match.a.int] == humans[match.b.int] for match in found)
    assert right / len(found) >= 0.95
    assert right / (len(humans) - len(set(humans))) >= 0.75


def test_too_few_records_teach_nothing():
    """With fewer records than training needs the shipped model stays."""
    assert not train([record for _, record in people(100)], bounds=SMALL).trained


def test_reasons_add_up(labelled, trained):
    """The bits of all reasons are the bits of the match, its probability follows from them, and the smaller id is `a`."""
    for match in score(trained, labelled[1], least=0.01, bounds=SMALL):
        assert sum(reason.bits for reason in match.reasons) == pytest.approx(match.bits, abs=1e-6)
        assert match.probability == pytest.approx(1 / (1 + 2**-match.bits), abs=1e-9)
        assert str(match.a) < str(match.b)
        assert [reason.field for reason in match.reasons][:7] == ["prior", "name", "birth", "email", "phone", "address", "gender"]


def test_a_pair_weighs_the_same_from_either_side(labelled, trained):
    """Records in another order give the same pairs with the same bits and the values on the right sides."""
    records = labelled[1][:600]
    one = {(match.a, match.b): match for match in score(trained, records, bounds=SMALL)}
    other = {(match.a, match.b): match for match in score(trained, records[::-1], bounds=SMALL)}
    assert one.keys() == other.keys()
    for key, match in one.items():
        assert match.bits == pytest.approx(other[key].bits)
        assert [(reason.field, reason.level, reason.value_a, reason.value_b) for reason in match.reasons] == [
            (reason.field, reason.level, reason.value_a, reason.value_b) for reason in other[key].reasons
        ]


def test_new_people_are_compared_as_in_a_full_run(labelled, trained):
    """Only pairs that touch somebody new, and of those exactly the pairs and bits of the full run."""
    records = labelled[1]
    new = {record.person_id for record in records[100:400]}
    full = {(m.a, m.b): m.bits for m in score(trained, records, bounds=SMALL) if m.a in new or m.b in new}
    part = {(m.a, m.b): m.bits for m in score(trained, records, new_ids=new, bounds=SMALL)}
    assert full
    assert part == pytest.approx(full)


def test_a_romanised_name_with_a_typed_birthday_meets():
    """MINJI KIM with the same phone and birthday is 김민지, and the reason says that it sounds the same."""
    match = _between(MINA, Record(person_id=UUID(int=2), names=("MINJI KIM",), birth_date="19900307", phones=("+82 10 2345 6789",)))
    assert match is not None
    assert match.probability > 0.99
    assert {reason.field: reason.level for reason in match.reasons} | {"name": "same_sound", "birth": "same"} == {
        reason.field: reason.level for reason in match.reasons
    }


def test_a_family_is_not_one_person():
    """Mother and daughter with one phone and one address stay below even odds, and the waterfall says why."""
    match = _between(MINA, replace(MINA, person_id=UUID(int=2), names=("김서연",), birth_date="2001-11-20", emails=("seoyeon@gomail.example",)))
    assert match is not None
    assert match.probability < 0.1
    assert next(reason for reason in match.reasons if reason.field == "household").bits < 0
    shared = sum(reason.bits for reason in match.reasons if reason.field in ("prior", "phone", "address", "household"))
    assert shared == pytest.approx(HOUSEHOLD_AT_MOST)


def test_in_one_home_everything_says_less():
    """Two of one home with one name, an address used by both and another birthday are less sure than strangers so alike would be."""
    one = replace(MINA, birth_date="1966-07-16")
    other = replace(MINA, person_id=UUID(int=2), birth_date="1999-09-05")
    home = _between(one, other)
    assert home.probability < 0.999
    said = {reason.field: reason.bits for reason in home.reasons}
    kept = HOUSEHOLD_AT_MOST + sum(min(said[field], IN_HOME_AT_MOST) for field in ("name", "birth", "email", "gender"))
    assert home.bits == pytest.approx(kept, abs=0.01)
    assert said["name"] > IN_HOME_AT_MOST
    strangers = _between(replace(one, phones=(), addresses=()), replace(other, phones=(), addresses=()))
    assert "household" not in {reason.field for reason in strangers.reasons}
    namesakes = _between(replace(one, emails=()), replace(other, emails=()))
    assert namesakes.probability < 0.9


def test_what_was_lent_with_a_number_is_no_second_witness():
    """An e-mail address that came along a phone number says nothing where the other has the number, and counts where the other has not."""
    owner = Record(person_id=UUID(int=1), names=("김선영",), birth_date="1966-07-16", emails=("sunyoung@a.example", "jeewon@a.example"), lent=("jeewon@a.example",), phones=("010-8987-2674",))
    jeewon = Record(person_id=UUID(int=2), names=("최지원",), birth_date="1999-09-05", emails=("jeewon@a.example",), phones=("010-8987-2674",))
    said = {reason.field: (reason.level, reason.bits) for reason in _between(owner, jeewon).reasons}
    assert said["email"] == ("unknown", 0.0)
    elsewhere = _between(owner, replace(jeewon, phones=("010-1111-2222",)))
    assert {reason.field: reason.level for reason in elsewhere.reasons}["email"] == "same"
    own = _between(replace(owner, lent=()), jeewon)
    assert {reason.field: reason.level for reason in own.reasons}["email"] == "same"


def test_namesakes_are_not_one_person():
    """The same common name and nothing else in common is not enough."""
    match = _between(MINA, Record(person_id=UUID(int=2), names=("김민지",), birth_date="1981-09-30", phones=("010-9999-1234",)))
    assert match is None or match.probability < 0.05


def test_a_rare_value_says_more():
    """Sharing a name that few bear weighs more than sharing one that many bear."""
    crowd = [Record(person_id=UUID(int=100 + n), names=("김영희" if n % 2 else f"이{chr(0xAC00 + n * 7)}{chr(0xAC01 + n * 11)}",), birth_date="1950-01-01") for n in range(200)]
    pairs = [Record(person_id=UUID(int=1 + n), names=(name,), birth_date=f"19{70 + n // 2}-05-05") for n, name in enumerate(["김영희", "김영희", "독고탁", "독고탁"])]
    found = {(m.a.int, m.b.int): m for m in score(shipped(PEOPLE, 204), [*pairs, *crowd], least=1e-9, bounds=SMALL)}
    common, rare = (next(r.bits for r in found[key].reasons if r.field == "name") for key in ((1, 2), (3, 4)))
    assert rare > common + 2


@pytest.mark.parametrize("block_most", [5, 20, 60])
def test_a_popular_value_costs_no_more_than_its_bound(block_most):
    """A thousand people with one phone number: pairs stay below the bound of every rule, and what was left out is said."""
    crowd = [Record(person_id=UUID(int=n), names=("김민지",), phones=("010-2345-6789",), birth_date="1990-01-01") for n in range(1_000)]
    reports, _ = _pairs(crowd, replace(SMALL, block_most=block_most))
    assert all(report.pairs <= report.entries * (block_most - 1) / 2 * 2 for report in reports.values())
    assert reports["phone"].pairs_unbounded == 499_500
    assert reports["phone"].pairs == 0
    assert reports["phone"].left_out == reports["phone"].largest == 1_000


def _pairs(crowd: list[Record], bounds: Bounds, new: range = range(0)) -> tuple[dict[str, Blocked], set[tuple[int, int]]]:
    """What each rule gave, and all pairs; *new*: only those that touch one of these rows."""
    with opened(bounds) as connection:
        load(connection, PEOPLE, ((str(record.person_id), features(record)) for record in crowd))
        if new:
            connection.execute("create table touched as select unnest($1)::integer as n", [list(new)])
        reports = {report.rule: report for report in candidates(connection, PEOPLE, bounds)}
        found = connection.execute("select a, b from pair").fetchall()
    assert len(found) == len(set(found)), "each pair once"
    return reports, set(found)


@pytest.mark.parametrize("count", [1_000, 3_000])
def test_pairs_of_each_stay_the_same_however_many_there_are(count):
    """All rules together give no more pairs for each record than the bound says; the larger blocks are left out and counted."""
    crowd = [record for _, record in people(count)]
    bounds = replace(SMALL, pairs_each=0.2, pairs_free=0)
    reports, pairs = _pairs(crowd, bounds)
    free, every = _pairs(crowd, SMALL)
    assert 0.02 * count <= len(pairs) <= 0.2 * count < len(every)
    assert pairs < every
    assert reports["name"].left_out > free["name"].left_out
    assert all(report.pairs <= free[rule].pairs for rule, report in reports.items())


def test_who_is_new_is_compared_as_in_a_full_look_when_pairs_are_bounded():
    """The bound is that of everybody: an incremental look compares exactly those pairs of the full one that touch somebody new."""
    crowd = [record for _, record in people(1_500)]
    bounds = replace(SMALL, pairs_each=0.5, pairs_free=0)
    new = range(200, 500)
    _, every = _pairs(crowd, bounds)
    _, some = _pairs(crowd, bounds, new)
    assert some == {pair for pair in every if pair[0] in new or pair[1] in new} != set()


def test_a_crowd_is_divided_by_one_key_after_the_other():
    """Forty of one birthday and surname are too many, and so are twenty of them whose given name begins alike; the next letters part those."""
    given = [*(f"민{last}" for last in "아가나다라마바사자차" * 2), *(f"{first}우" for first in "서하도사나가다라카타" * 2)]
    crowd = [Record(person_id=UUID(int=n), names=(f"김{name}",), birth_date="1990-01-01") for n, name in enumerate(given)]
    told = {most: _pairs(crowd, replace(SMALL, block_most=most))[0]["day of birth and surname"] for most in (40, 10, 5)}
    assert told[40].pairs == 40 * 39 // 2
    assert told[40].pairs > told[10].pairs > told[5].pairs > 0
    assert told[40].left_out == 0 < told[5].left_out


@pytest.mark.parametrize("mistyped", ["딤", "감", "긴", "기"], ids=["first consonant", "vowel", "last consonant", "left out"])
def test_a_slip_in_the_surname_leaves_its_begin_or_its_end(mistyped):
    """Of thirty-two with one birthday and given name, too many to compare all, the two are compared whose surnames begin or end alike."""
    surnames = ["김", mistyped, *"박최정강조윤장한오서신권황안송전홍유고문양손배백허노하곽성차"]
    crowd = [Record(person_id=UUID(int=n), names=(f"{surname}민지",), birth_date="1990-01-01") for n, surname in enumerate(surnames)]
    reports, pairs = _pairs(crowd, replace(SMALL, block_most=12))
    assert (0, 1) in pairs
    assert reports["day of birth and given name"].left_out == 32
    assert len(pairs) < 32 * 31 / 2 / 3


def _exactly(connection: duckdb.DuckDBPyConnection, *_: object) -> None:
    connection.execute("create or replace table worth as from pair")


@pytest.mark.parametrize(("own", "least"), [(True, 0.0), (True, 5.0), (False, -6.0)])
def test_pairs_that_are_not_looked_at_could_not_have_reached_the_least(trained, own, least, monkeypatch):
    """With and without the quick looks that leave pairs out, tile by tile or at once: the same pairs, bits and reasons."""
    records = [(str(number), features(record)) for number, (_, record, _) in enumerate(hard_people(800))]
    model = trained if own else shipped(PEOPLE, 800)
    with opened(SMALL) as connection:
        load(connection, PEOPLE, records)
        candidates(connection, PEOPLE, SMALL)
        asked = connection.execute("select count(*) from pair").fetchall()[0][0]
        told: list[float] = []
        monkeypatch.setattr("dangol.engines.matching.brief.at_once", lambda _connection: 250)
        quick = {(a, b): (bits, reasons) for a, b, bits, reasons in scored(connection, PEOPLE, model, least, tell=told.append)}
        looked = connection.execute("select count(*) from worth").fetchall()[0][0]
        monkeypatch.setattr("dangol.engines.matching.scoring.worth_a_look", _exactly)
        every = {(a, b): (bits, reasons) for a, b, bits, reasons in scored(connection, PEOPLE, model, least)}
    assert quick == every
    assert len(quick) == looked < asked / 2
    assert len(told) > 1, "in several tiles"
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("name", ["febrl1", "transactions"])
def test_what_is_left_out_is_right_for_any_layout(name, monkeypatch):
    """Dates that are swapped, amounts that are near, texts that begin alike: the same pairs with and without the quick looks."""
    labelled = set_named(name)
    layout = layout_of(labelled)
    records = [(str(number), row_of(labelled, "0", _made_up(labelled.fields, random.Random(number // 3), random.Random(number)))) for number in range(150)]
    with opened(SMALL) as connection:
        load(connection, layout, records)
        connection.execute("create table pair as select l.n as a, r.n as b from record as l join record as r on l.n < r.n")
        model = shipped(layout, 150)
        quick = {(a, b): bits for a, b, bits, _ in scored(connection, layout, model, -3.0)}
        monkeypatch.setattr("dangol.engines.matching.scoring.worth_a_look", _exactly)
        every = {(a, b): bits for a, b, bits, _ in scored(connection, layout, model, -3.0)}
    assert quick == every
    assert 30 < len(quick) < 150 * 149 / 2


def _made_up(fields: dict[str, str], human: random.Random, slips: random.Random) -> dict[str, str | None]:
    """Values of one human, some of them with a letter that is another or with none at all."""
    told: dict[str, str | None] = {}
    for column, kind in fields.items():
        words = " ".join("".join(human.choices("aeiorst", k=human.randrange(4, 8))) for _ in range(human.randrange(1, 4)))
        day = f"{human.randrange(1950, 2000)}{human.randrange(1, 13):02d}{human.randrange(1, 28):02d}"
        number = f"{human.randrange(10, 400)}.{human.randrange(10, 99)}"
        value = {"date": day, "day": f"{day[:4]}-{day[4:6]}-{day[6:]}", "amount": number, "code": number.replace(".", "")}.get(kind, words)
        if slips.random() < 0.3 and kind not in ("day", "amount", "date"):
            at = slips.randrange(len(value))
            value = value[:at] + slips.choice("aeiorst") + value[at + 1 :]
        told[column] = value if slips.random() < 0.9 else None
    return told


def test_training_takes_the_same_from_any_number_of_pieces(trained, labelled, monkeypatch):
    """However little fits at once: the same model."""
    monkeypatch.setattr("dangol.engines.matching.linking.at_once", lambda _connection: 15_000)
    assert train(labelled[1], bounds=SMALL) == trained


def test_the_quick_look_before_an_edit_distance_loses_nothing():
    """Every pair of short words within one slip is found, neighbours swapped in the middle included."""
    words = ["".join(letters) for letters in itertools.product("ab", repeat=6)] + ["".join(letters) for letters in itertools.product("ab", repeat=5)]
    with duckdb.connect() as connection:
        connection.execute("create table w as select unnest($1) as x", [words])
        missed = connection.execute(
            f"select count(*) from (select a.x as x_l, b.x as x_r from w a, w b) where (damerau_levenshtein(x_l, x_r) <= 1) <> {condition(Near('x', 1))}"
        ).fetchall()
    assert missed == [(0,)]


def test_splink_is_loaded_by_matching_alone():
    """Importing the package costs no Splink: processes that never match stay small."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, dangol.engines.matching; print('splink' in sys.modules, 'pandas' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["False", "False"]
