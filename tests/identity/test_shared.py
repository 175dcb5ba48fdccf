"""Since when an identifier is shared, as its claims tell. Expected days are counted by hand."""

from __future__ import annotations

import pytest

from dangol.identity.shared import reached_on


@pytest.mark.parametrize(
    ("days", "window", "owners", "on"),
    [
        ([(1, 1), (2, 2), (3, 3)], 30, 3, 3),
        ([(1, 1), (2, 2), (40, 40)], 30, 3, None),
        ([(1, 40), (2, 2), (41, 41)], 30, 3, None),
        ([(1, 40), (20, 45), (41, 41)], 30, 3, 41),
        ([(3, 3), (1, 1), (2, 2), (2, 9)], 30, 3, 2),
        ([(1, 1), (2, 2)], 30, 3, None),
        ([], 30, 2, None),
    ],
)
def test_the_day_on_which_the_limit_was_reached(days, window, owners, on):
    """The first claim of the owner who was one too many; None when the limit was never reached."""
    assert reached_on(days, window, owners) == on
