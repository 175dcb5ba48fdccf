"""A setting that does not fit is refused at the start, with what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.settings import SettingRefused, load


@pytest.mark.parametrize("url", ["nonsense", "mysql://dangol:hush@db/dangol", "db.brand.kr:5432"])
def test_an_address_of_something_else_is_refused_and_not_shown(tmp_path: Path, url: str):
    """state.url must be PostgreSQL's; whatever was typed there stays out of logs, for it may hold a password."""
    with pytest.raises(SettingRefused, match=r"state.url in the environment .* postgresql://") as refused:
        load(tmp_path, environ={"DANGOL_STATE_URL": url})
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DANGOL_COLLECT_PRT", "1", "Did you mean DANGOL_COLLECT_PORT?"),
        ("DANGOL_COLLECT_PORT", "many", "must be a whole number"),
        ("DANGOL_COLLECT_PORT", "70000", "must be 1..65535"),
        ("DANGOL_BRAND_TIMEZONE", "Seoul", "write one like Asia/Seoul"),
        ("DANGOL_BRAND_LANGUAGE", "jp", "must be ko or en"),
    ],
)
def test_a_wrong_setting_is_answered_with_the_right_one(tmp_path: Path, variable: str, value: str, words: str):
    """A wrong name gets the nearest right one, a wrong value what it must be."""
    with pytest.raises(SettingRefused) as refused:
        load(tmp_path, environ={variable: value})
    assert words in str(refused.value)
