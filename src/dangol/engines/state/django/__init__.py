"""State as Django's database: each new connection asks where the workspace's State is now.

In: use(settings).   Out: a Django database engine.   Ask: current().
"""

from __future__ import annotations

from dangol.engines.state.django import waiting
from dangol.settings import Settings

_current: list[Settings] = []


def use(settings: Settings) -> None:
    """From now on Django's new connections go to the State of *settings*."""
    _current[:] = [settings]
    waiting.let_go()


def current() -> Settings:
    """The settings whose State Django talks to."""
    return _current[0]
