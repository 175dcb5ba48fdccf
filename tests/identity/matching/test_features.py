"""One writing for what is told in many."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.identity.matching import Record, normal
from dangol.identity.matching.features import features
from dangol.identity.matching.layout import Kind
from dangol.identity.matching.people import PEOPLE

_DAYS = st.dates().filter(lambda day: day.year >= 1000)


@given(_DAYS, st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y.%m.%d", "%d/%m/%Y", "%Y년 %m월 %d일"]))
def test_a_day_is_one_day_in_every_writing(day, style):
    """ISO, dotted, without separators, day first, in Korean words: the same day."""
    written = style.replace("%Y", f"{day.year:04d}").replace("%m", f"{day.month:02d}").replace("%d", f"{day.day:02d}")
    assert normal.day_of_birth(written) == f"{day.year:04d}{day.month:02d}{day.day:02d}"


@given(_DAYS)
def test_swapping_twice_gives_the_day_back(day):
    """Day and month swapped, where that is a day, and swapped again is the day."""
    told = f"{day.year:04d}{day.month:02d}{day.day:02d}"
    assert normal.day_and_month_swapped(normal.day_and_month_swapped(told)) == told


@given(st.integers(0, 99_999_999).map(lambda number: f"010{number:08d}").filter(lambda digits: len(set(digits)) > 2))
def test_a_number_is_one_number_in_every_writing(digits):
    """+82 10…, 010-…, full-width digits: one number."""
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in digits)
    writings = (digits, f"+82 {digits[1:]}", f"+82 {digits}", f"{digits[:3]}-{digits[3:7]}-{digits[7:]}", wide)
    assert {normal.phone(written) for written in writings} == {digits}


@pytest.mark.parametrize("nothing", ["", "0000", "000-0000-0000", "call me", "1"])
def test_what_is_no_number_is_nothing(nothing):
    """Blanks and zeros are not compared."""
    assert normal.phone(nothing) == ""


def test_mailboxes_survive_another_provider():
    """Dots, a +tag and the domain do not make another mailbox."""
    assert {normal.mailbox(one) for one in ("kim.minji@a.example", "kimminji@b.example", "kim.minji+shop@a.example")} == {"kimminji"}


@given(
    names=st.lists(st.text(max_size=20), max_size=3), birth=st.text(max_size=12), emails=st.lists(st.text(max_size=20), max_size=2),
    phones=st.lists(st.text(max_size=16), max_size=2), addresses=st.lists(st.text(max_size=40), max_size=2), gender=st.text(max_size=8),
)  # fmt: skip
def test_any_record_gives_a_row_of_the_layout(names, birth, emails, phones, addresses, gender):
    """Whatever is told, the row has the layout's columns only; texts are never empty, lists neither."""
    record = Record(person_id=UUID(int=1), names=tuple(names), birth_date=birth, gender=gender, emails=tuple(emails), phones=tuple(phones), addresses=tuple(addresses))
    row = features(record)
    assert row.keys() == PEOPLE.columns.keys()
    assert all(value is None or (isinstance(value, list) if PEOPLE.columns[name] is Kind.TEXTS else isinstance(value, str)) for name, value in row.items())
    assert all(value is None or len(value) for value in row.values())


def test_an_address_tells_home_building_and_district():
    """Road, number and flat name a home, whatever the province is called."""
    rows = [features(Record(person_id=UUID(int=1), addresses=(text,))) for text in ("경기도 화성시 은하로 5 햇살마을 104동 1904호", "경기 화성시 은하로 5, 104동 1904호")]
    assert rows[0]["home"] == rows[1]["home"] == "은하로 5 104-1904"
    assert rows[0]["district"] == rows[1]["district"] == "경기 화성시"
