"""Looking for probable matches: who is compared, what is kept, and that a look gets in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from dangol import matches
from dangol.engines.lake import open_lake
from dangol.engines.matching import train
from dangol.identity.suggestions import SuggestionFilter, SuggestionState, counts, keep_model, looking, runs, suggestions
from dangol.processes.people_records import People, record_of
from dangol.processes.people_touched import touched_since
from dangol.processes.suggest import AlreadyLooking, look
from dangol.settings import Settings, Suggest
from tests.flow.machine import Machine
from tests.flow.test_people import identify
from tests.identity.suggestions.people import MINA, mail, member, person

HANA = {"name": "김하나", "birthday": "1991-03-07", "phone": "010-3456-7788", "address": "서울 강남구 테헤란로 12 301호"}


@pytest.fixture
def machine(workspace: Settings):
    """A worker on an empty workspace."""
    one = Machine(workspace)
    yield one
    one.close()


def known(machine: Machine, member_id: str, message: str = "", **traits) -> None:
    """A member of whom these traits are known."""
    machine.feed(identify(message or f"known-{member_id}", 0, userId=member_id, traits=traits))
    machine.settle()


def crowd(machine: Machine, size: int = 30) -> None:
    """Members who have nothing to do with each other."""
    given = "가나다라마바사아자차"
    machine.feed(
        *(
            identify(f"crowd-{n}", 0, userId=f"x{n}", traits={"name": f"{'박이최정강'[n % 5]}{given[n % 10]}{given[n * 7 % 10]}", "birthday": f"19{60 + n}-0{1 + n % 9}-1{n % 10}", "phone": f"010-9{n:03d}-{n * 37 % 10000:04d}"})
            for n in range(size)
        )
    )
    machine.settle()


def pairs(machine: Machine, state: SuggestionState = SuggestionState.OPEN) -> list[set[UUID]]:
    return [{one.person_a, one.person_b} for one in suggestions(machine.connection, SuggestionFilter(states=(state,))).suggestions]


def test_a_planted_duplicate_is_found_once_and_only_it(machine: Machine):
    """Two accounts of one human among thirty others are suggested with reasons; looking again adds nothing."""
    crowd(machine)
    known(machine, "m1", **HANA)
    known(machine, "m2", **{**HANA, "name": "Kim Ha-na", "phone": "+82 10 3456 7788"})
    done = look(machine.settings, asked_by="command:test")
    assert (done.state, done.error, done.found, done.progress) == ("done", "", 1, 100)
    assert done.people == 32
    assert pairs(machine) == [{member("m1"), member("m2")}]
    (one,) = suggestions(machine.connection, SuggestionFilter()).suggestions
    said = {reason.field: reason.bits for reason in one.reasons}
    assert said["birth"] > 0
    assert said["phone"] > 0
    assert sum(said.values()) == pytest.approx(one.bits, abs=0.01)
    again = look(machine.settings, asked_by="command:test")
    assert (again.state, again.found, again.touched, again.everybody) == ("done", 0, 0, False)
    told = [fact.body for fact in open_lake(machine.settings).feed(machine.connection, 0, 10_000) if fact.fact == "people.suggested"]
    assert len(told) == 1
    assert not (machine.settings.run_dir / "matching").exists()


def test_only_who_changed_is_compared_again(machine: Machine):
    """A new member is compared with everybody; the others are not compared with each other again. Facts in files count too."""
    crowd(machine)
    known(machine, "m1", **HANA)
    look(machine.settings, asked_by="t")
    assert pairs(machine) == []
    known(machine, "m2", **HANA)
    with machine.connection.transaction():
        open_lake(machine.settings).seal(machine.connection, force=True)
    known(machine, "m3", message="later", name="오로라")
    done = look(machine.settings, asked_by="t")
    assert (done.found, done.touched, done.everybody) == (1, 2, False)  # m2 and m3
    assert pairs(machine) == [{member("m1"), member("m2")}]


def test_who_is_touched_is_said_by_facts(machine: Machine):
    """New people, merges, splits and changed traits; not everybody who did something."""
    known(machine, "m1", **HANA)
    (seq,) = machine.rows("select max(seq) from receipt")[0]
    machine.feed({"type": "track", "event": "Product Viewed", "messageId": "seen", "userId": "m1", "timestamp": "2026-11-01T01:00:00Z"})
    machine.settle()
    (now,) = machine.rows("select (max(id) << 20) from lake_tail")[0]
    assert touched_since(machine.settings, machine.connection, now - 1) == []
    assert set(touched_since(machine.settings, machine.connection, seq - 1)) >= {member("m1")}


def test_a_pair_that_is_told_apart_falls(machine: Machine):
    """m2's birthday and phone are corrected: what spoke for the pair is gone, and so is the suggestion."""
    crowd(machine)
    known(machine, "m1", name="김하나", birthday="1991-03-07", address=HANA["address"])
    known(machine, "m2", name="김하나", birthday="1991-03-07", address=HANA["address"])
    look(machine.settings, asked_by="t")
    assert len(pairs(machine)) == 1
    machine.feed(identify("corrected", 9, userId="m2", traits={"name": "박서준", "birthday": "1975-12-24", "address": "부산 해운대구 우동 1"}))
    machine.settle()
    done = look(machine.settings, asked_by="t")
    assert (done.state, pairs(machine)) == ("done", [])
    assert pairs(machine, SuggestionState.GONE) == [{member("m1"), member("m2")}]


def test_sure_pairs_join_by_themselves_where_the_brand_says_so(machine: Machine):
    """With a threshold set, two accounts without a member id are joined; two member accounts never are."""
    crowd(machine)
    known(machine, "m1", **HANA)
    known(machine, "m2", **HANA)
    rest = {"name": "이도윤", "birthday": "1988-08-08", "address": "대전 유성구 대학로 99"}
    machine.feed(*(identify(f"mail-{n}", 0, traits={**rest, "email": f"doyun{n}@b.kr"}) for n in range(2)))
    machine.settle()
    done = look(replace(machine.settings, suggest=Suggest(automatic_probability=0.95, second_types="user_id")), asked_by="schedule")
    assert (done.automatic, done.found) == (1, 2)
    assert person(machine, mail("doyun0")) == person(machine, mail("doyun1"))
    assert pairs(machine) == [{member("m1"), member("m2")}]
    assert counts(machine.connection, frozenset()).automatic == 1
    (number,) = [one.number for one in suggestions(machine.connection, SuggestionFilter(states=(SuggestionState.AUTOMATIC,))).suggestions]
    with matches.desk(machine.settings) as at:
        matches.take_back(at, number, MINA)
    assert person(machine, mail("doyun0")) != person(machine, mail("doyun1"))


def test_one_look_at_a_time_and_none_is_lost(machine: Machine):
    """While one looks another is refused in words; what was asked for twice is one look; an interrupted one goes on, and in the end says so."""
    first = looking.ask(machine.connection, "operator:mina@brand.kr", train=False, everybody=False, at=machine.rows("select now()")[0][0])
    assert looking.ask(machine.connection, "operator:joon@brand.kr", train=True, everybody=False, at=machine.rows("select now()")[0][0]) == first
    assert runs(machine.connection)[0].train
    assert looking.take_turn(machine.connection)
    assert looking.is_looking(machine.connection)
    with pytest.raises(AlreadyLooking, match="one look at a time"):
        look(machine.settings, asked_by="t")
    machine.rows("select pg_advisory_unlock(%s)", looking.LOOK_LOCK)
    machine.connection.execute("update match_run set state = 'running'")
    done = look(machine.settings, asked_by="t")
    assert (done.number, done.interruptions, done.state, done.people) == (first, 1, "done", 0)
    machine.connection.execute("update match_run set state = 'running', interruptions = %s", [looking.INTERRUPTIONS_MAX - 1])
    assert look(machine.settings, asked_by="t").number > first
    assert [(one.state, bool(one.error)) for one in runs(machine.connection)] == [("done", False), ("failed", True)]


def test_a_record_holds_what_can_be_compared(machine: Machine):
    """Names in every spelling, numbers and addresses of all identifiers of a person; shared numbers are left out."""
    machine.feed(identify("e1", 0, userId="m1", anonymousId="c1", traits={"firstName": "하나", "lastName": "김", "birthday": "1991-03-07", "gender": "F", "email": "hana@b.kr"}))
    machine.feed(identify("e2", 5, userId="m1", traits={"name": "Hana Kim", "phone": "010-3456-7788", "address": {"country": "KR", "state": "서울", "city": "강남구", "street": "테헤란로 12", "postalCode": "06236"}}))
    machine.feed(*(identify(f"s{n}", n, userId=f"shared{n}", traits={"phone": "02-345-6789", "name": "접수"}) for n in range(3)))
    machine.settle()
    read = []
    people = People(machine.connection, frozenset({"user_id"}))
    found = {record.person_id: record for record in people.everybody(read.append)}
    assert len(found) == 4
    assert list(people.of([member("m1"), UUID(int=9)])) == [found[member("m1")]]
    hana = found[member("m1")]
    assert set(hana.names) == {"Hana Kim", "김하나"}
    assert (hana.birth_date, hana.gender, hana.emails, hana.postcode) == ("1991-03-07", "F", ("hana@b.kr",), "06236")
    assert hana.addresses == ("서울 강남구 테헤란로 12",)
    assert "+821034567788" in hana.phones
    assert sum(read[-1:]) == machine.rows("select count(*) from identifier")[0][0]


def test_numbers_that_many_use_are_not_compared():
    """A shared phone number says nothing about who somebody is."""
    person_id = UUID(int=1)
    told = {"phone": [(1, "02-345-6789")], "name": [(1, "김하나"), (2, "하나")]}
    kept = record_of(person_id, [("phone", "+8223456789"), ("phone", "+821011112222")], told, frozenset({("phone", "+8223456789")}))
    assert kept.phones == ("+821011112222",)
    assert kept.names == ("하나", "김하나"), "the newest first"


def test_what_came_along_a_phone_number_is_lent(machine: Machine):
    """A guest who orders with the family's number leaves a name and an address with its owner: they are not the owner's own.

    The same name on both sides is the same human, and nothing is lent; without a member there is no owner.
    """
    for name, guest, guest_mail in (("m1", "박서준", "seojun@b.kr"), ("m2", "김하나", "hana@b.kr")):
        number = f"010-3456-778{name[-1]}"
        machine.feed(identify(f"own-{name}", 0, userId=name, traits={"name": "김하나", "phone": number, "email": f"{name}@b.kr", "birthday": "1991-03-07"}))
        machine.feed(identify(f"guest-{name}", 1, anonymousId=f"c-{name}", traits={"name": guest, "phone": number, "email": guest_mail}))
    machine.feed(identify("nobody", 2, anonymousId="c9", traits={"name": "이도윤", "phone": "010-9999-0000", "email": "doyun@b.kr"}))
    machine.settle()
    found = {record.person_id: record for record in People(machine.connection, frozenset({"user_id"})).everybody()}
    own, other = found[member("m1")], found[member("m2")]
    assert (own.names, own.birth_date, own.emails, own.lent) == (("김하나",), "1991-03-07", ("m1@b.kr", "seojun@b.kr"), ("seojun@b.kr",))
    assert (other.names, set(other.emails), other.lent) == (("김하나",), {"m2@b.kr", "hana@b.kr"}, ())
    assert all(not record.lent for person, record in found.items() if person != member("m1"))


def test_where_nobody_changed_nobody_is_read(machine: Machine, monkeypatch):
    """With a trained model and no news a look ends at once, and says how many people it stands for."""
    known(machine, "m1", **HANA)
    known(machine, "m2", **HANA)
    with machine.connection.transaction():
        keep_model(machine.connection, train([]), at=machine.rows("select now()")[0][0])
    look(machine.settings, asked_by="t")
    monkeypatch.setattr("dangol.processes.suggest.prepare", lambda *_args, **_options: pytest.fail("somebody was read"))
    again = look(machine.settings, asked_by="t")
    assert (again.state, again.people, again.touched, again.everybody) == ("done", 2, 0, False)


def test_a_chain_of_likenesses_is_joined_one_at_a_time(machine: Machine):
    """Three records of one human: a look joins two of them by itself; the third waits until the new person was compared as a whole."""
    crowd(machine)
    rest = {"name": "이도윤", "birthday": "1988-08-08", "address": "대전 유성구 대학로 99"}
    machine.feed(*(identify(f"mail-{n}", 0, traits={**rest, "email": f"doyun{n}@b.kr"}) for n in range(3)))
    machine.settle()
    brave = replace(machine.settings, suggest=Suggest(automatic_probability=0.95, second_types=""))
    assert look(brave, asked_by="t").automatic == 1
    assert len({person(machine, mail(f"doyun{n}")) for n in range(3)}) == 2
    assert look(brave, asked_by="t").automatic == 1
    assert len({person(machine, mail(f"doyun{n}")) for n in range(3)}) == 1
