"""김민지, Kim Minji, Gim Min-ji and MINJI KIM meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.identity.matching.names import SURNAMES, jamo, readings, sound_of_hangul, sound_of_latin, splits
from dangol.world.names import GIVEN, SURNAMES_ROMANISED, romanised

_GIVEN = sorted({name for _, women, men in GIVEN for name in (*women, *men)})
_SYLLABLES = st.integers(0xAC00, 0xD7A3).map(chr)


@pytest.mark.parametrize(
    "written",
    ["김민지", "김 민지", "Kim Minji", "Gim Min-ji", "MINJI KIM", "kim min ji", "Min-Ji Kim", "Kim, Minji", "Keem Minjee", "Ｋｉｍ Minji"],
)
def test_one_name_in_ten_writings(written):
    """However a name is written, its readings hold the one of 김민지."""
    assert ("KIM", "MINCI") in readings(written)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [("이준", "Lee Joon"), ("이준", "Yi Jun"), ("이준", "Rhee Jun"), ("박현우", "Bak Hyeonu"), ("박현우", "Hyunwoo Park"), ("최은경", "Choe Eungyeong"),
     ("최은경", "Choi Eun-kyung"), ("정승희", "Chung Seunghee"), ("유연주", "Ryu Yeonju"), ("백서현", "Paik Suhyun"), ("남궁민", "Namgung Min"), ("오하은", "Oh Haeun")],
)  # fmt: skip
def test_surnames_and_syllables_as_people_spell_them(hangul, latin):
    """Spellings from passports and name cards meet the 한글 they stand for."""
    assert set(readings(hangul)) & set(readings(latin))


@given(st.sampled_from(sorted(SURNAMES_ROMANISED)), st.sampled_from(_GIVEN), st.integers(0, 3))
def test_every_style_of_romanisation_comes_back(surname, name, style):
    """A common name romanised in any of four styles has the reading of its 한글 among its readings."""
    assert set(readings(surname + name)) & set(readings(romanised(surname, name, style)))


@given(st.text(max_size=30))
def test_any_text_is_read_without_harm(text):
    """Readings, sounds and jamo exist for any text whatever, and are the same when asked again."""
    assert readings(text) == readings(text)
    assert isinstance(sound_of_latin(text), str)
    assert len(jamo(text)) >= len(text)


@given(st.lists(_SYLLABLES, min_size=1, max_size=4).map("".join))
def test_a_sound_is_made_of_its_classes(text):
    """한글 sounds hold the letters of the classes and no other."""
    assert set(sound_of_hangul(text)) <= set("KNTLMPSCHAEOUIYWG")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12))
def test_case_and_hyphens_count_for_nothing(word):
    """Upper case is the same sound."""
    assert sound_of_latin(word.upper()) == sound_of_latin(word)


def test_one_wrong_key_is_one_letter_of_jamo():
    """A slip of one key in 한글 changes one letter of its jamo."""
    one, other = jamo("김민지"), jamo("김민자")
    assert len(one) == len(other)
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


def test_compound_surnames_are_known():
    """남궁 is a surname; 황보람 may be read in two ways, and both are kept."""
    assert splits("남궁민수") == (("남궁", "민수"),)
    assert splits("황보람") == (("황", "보람"), ("황보", "람"))
    assert "남궁" in SURNAMES


def test_other_names_stay_apart():
    """Names that sound different have no reading in common."""
    assert not set(readings("김민지")) & set(readings("김민수"))
    assert not set(readings("Emin Imanov")) & set(readings("Emil Imanov"))
