"""Facts of some identifiers, newest first: the same as looking at every fact, whatever files there are, and few of them opened."""

from __future__ import annotations

from random import Random
from uuid import UUID

import pytest

from dangol.engines.lake import ParquetLake, files
from dangol.engines.lake.lookup import DAYS_AT_FIRST
from dangol.events.ports import LakeUnreadable

from .contract import DAY_US, NOON, about, paged, scanned, write
from .shop import NODES, Shop


def live(shop: Shop) -> list[files.LakeFile]:
    """The files, the oldest day first."""
    return sorted(shop.files(), key=lambda file: file.day)


@pytest.mark.parametrize("seed", range(2))
def test_the_same_as_looking_at_every_fact(shop: Shop, seed: int):
    """People merge, split and vanish, facts come late, files are sealed, compacted and named: every page is what a plain loop finds."""
    chance = Random(seed)
    for step in range(45):
        node = chance.choice(NODES)
        day = chance.randrange(0, 30)
        match chance.randrange(10):
            case 0:
                shop.belongs(node, chance.choice(NODES))
            case 1:
                shop.belongs(node, None)
            case 2:
                shop.export()
            case 3:
                shop.seal()
            case 4:
                shop.compact()
            case _:
                late = chance.choice([0, 0, chance.randrange(60)])
                write(shop.lake, shop.connection, chance.randrange(1, 4), node=node.bytes, person=shop.person.get(node, node).bytes,
                      received_at=NOON + day * DAY_US, original_at=NOON + (day - late) * DAY_US - step)  # fmt: skip
    for size in (1, 3):
        chosen = about(*(node.bytes for node in chance.sample(NODES, size)))
        expected = [fact for fact in scanned(shop.lake, shop.connection) if fact.node in chosen.nodes]
        expected.sort(key=lambda fact: (min(fact.original_at, fact.received_at), fact.seq), reverse=True)
        for limit in (2, 1000):
            assert paged(shop.lake, shop.connection, chosen, limit) == [fact.seq for fact in expected]


def test_days_before_the_page_are_not_opened(shop: Shop):
    """A full page of newer facts needs no file of an older day; one that does needs it and says so when it is gone."""
    for day in range(DAYS_AT_FIRST + 2):
        shop.facts(NODES[0], day)
    oldest = live(shop)[0]
    (shop.workspace.lake_dir / oldest.path).unlink()
    wanted = about(NODES[0].bytes)
    page = shop.lake.newest(shop.connection, wanted, limit=DAYS_AT_FIRST)
    assert len(page) == DAYS_AT_FIRST
    with pytest.raises(LakeUnreadable, match=r"lake cannot be read: .*parquet"):
        shop.lake.newest(shop.connection, wanted, before=wanted.place(page[-1]), limit=DAYS_AT_FIRST)
    assert shop.lake.newest(shop.connection, about(NODES[0].bytes, since=NOON + 3 * DAY_US), limit=100)  # older days cannot matter


def test_a_damaged_file_is_told_in_words(shop: Shop):
    """Bytes that are no Parquet are not taken for an empty day."""
    shop.facts(NODES[0], 0)
    (shop.workspace.lake_dir / live(shop)[0].path).write_bytes(b"not parquet")
    with pytest.raises(LakeUnreadable, match="lake cannot be read"):
        shop.lake.newest(shop.connection, about(NODES[0].bytes), limit=1)


def test_finished_days_that_name_others_alone_are_not_opened(shop: Shop):
    """Of a compacted day only the people are read whom it names for these identifiers; a day that names none of them is left closed."""
    for node in NODES[:2]:
        shop.belongs(node, node)
    shop.facts(NODES[0], 0)
    shop.facts(NODES[1], 1)
    shop.export()
    shop.compact()
    shop.export()
    assert {file.level for file in live(shop)} == {files.NAMED}
    for file in live(shop):
        (shop.workspace.lake_dir / file.path).unlink()
    assert shop.lake.newest(shop.connection, about(UUID(int=99).bytes), limit=1) == []
    with pytest.raises(LakeUnreadable):
        shop.lake.newest(shop.connection, about(NODES[0].bytes), limit=1)


def test_of_a_finished_day_only_the_row_groups_of_the_person_are_read(shop: Shop, monkeypatch):
    """A compacted day is sorted by person: what others did in it is not looked at."""
    monkeypatch.setattr(files, "ROW_GROUP", 8)
    for number, node in enumerate(NODES):
        shop.belongs(node, node)
        write(shop.lake, shop.connection, 8, node=node.bytes, person=node.bytes, received_at=NOON + number)
    shop.seal()
    shop.export()
    shop.compact()
    shop.export()
    [file] = live(shop)
    path = shop.workspace.lake_dir / file.path
    content = bytearray(path.read_bytes())
    # The pages of the first person's row group are overwritten: whoever reads them fails.
    content[4:200] = b"\xff" * 196
    path.write_bytes(content)
    assert len(shop.lake.newest(shop.connection, about(NODES[5].bytes), limit=100)) == 8
    with pytest.raises(LakeUnreadable):
        shop.lake.newest(shop.connection, about(NODES[0].bytes), limit=100)


def test_sealing_meanwhile_hides_nothing(shop: Shop, monkeypatch):
    """Facts that are sealed between listing and reading are read from the tail, where they still are."""
    shop.process(NODES[0], 0)
    listed = ParquetLake(shop.workspace)
    from dangol.engines.lake import lookup

    whole = lookup._from_tail

    def meanwhile(*given):
        shop.seal()
        return whole(*given)

    monkeypatch.setattr(lookup, "_from_tail", meanwhile)
    assert len(listed.newest(shop.connection, about(NODES[0].bytes), limit=10)) == 1


def test_whoever_moved_between_two_compactions_is_found_in_both(shop: Shop):
    """Days that name different people for one identifier are both read."""
    for day, person in enumerate((NODES[0], NODES[2], NODES[4])):
        shop.belongs(NODES[1], person)
        shop.facts(NODES[1], day)
        shop.facts(NODES[3], day)
        shop.export()
        shop.compact()
        shop.export()
    assert {file.level for file in live(shop)} == {files.NAMED}
    assert len(paged(shop.lake, shop.connection, about(NODES[1].bytes), 2)) == 3
    assert len(paged(shop.lake, shop.connection, about(NODES[1].bytes, NODES[3].bytes), 100)) == 6
