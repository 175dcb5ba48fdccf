"""The layout `people` and the model that ships."""

from __future__ import annotations

import pytest

from dangol.identity.matching import FIELDS, LEVELS, Model, ModelRefused, field_words, level_words
from dangol.identity.matching.layout import DIFFERENT, columns_of
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.shipped import shipped


def test_every_field_and_level_has_words_in_both_languages():
    """Whatever may stand in a reason can be said in English and Korean; no word is left over."""
    said = {("prior", "prior"), ("household", "one_home")}
    for one in PEOPLE.comparisons:
        said |= {(one.field, level) for level in (*(level.name for level in one.levels), DIFFERENT, "unknown")}
    for field, level in said:
        for language in ("en", "ko"):
            assert field_words(field, language)
            assert level_words(field, level, language)
    assert {field for field, _ in said} == FIELDS.keys()
    assert LEVELS.keys() == {f"{field}.{level}" if f"{field}.{level}" in LEVELS else level for field, level in said}


def test_shipped_odds_are_odds():
    """In each field the shares of all levels add up to one, among pairs of one person as among pairs of two."""
    for field, levels in shipped(PEOPLE, 10_000).odds.items():
        assert sum(odds.m for odds in levels.values()) == pytest.approx(1, abs=0.02), field
        assert sum(odds.u for odds in levels.values()) == pytest.approx(1, abs=0.02), field


def test_the_more_alike_the_more_it_says():
    """In every field the first level speaks for one person and the last against it."""
    for levels in shipped(PEOPLE, 10_000).odds.values():
        first, *_, last = levels.values()
        assert first.m > first.u
        assert last.m < last.u


def test_tests_and_blocks_use_columns_of_the_layout():
    """No comparison or block asks for a column that features do not fill."""
    asked = {column for one in PEOPLE.comparisons for level in one.levels for column in (*columns_of(level.test), *filter(None, [level.frequency]))}
    asked |= {key.column for block in PEOPLE.blocks for key in (*block.keys, *block.tighten)}
    asked |= {column for one in PEOPLE.comparisons for column in (*one.known, one.shown)}
    assert asked <= PEOPLE.columns.keys()


def test_a_model_is_plain_data():
    """to_json and from_json give the same model; anything else is refused with words."""
    model = shipped(PEOPLE, 500)
    assert Model.from_json(model.to_json()) == model
    assert not model.trained
    with pytest.raises(ModelRefused, match="not a matching model"):
        Model.from_json('{"layout": 3}')
