"""The lake of one machine keeps the contract."""

from __future__ import annotations

import pytest

from dangol.engines import state
from dangol.engines.lake import ParquetLake

from .contract import LakeContract


@pytest.fixture
def lake(workspace):
    return ParquetLake(workspace)


@pytest.fixture
def connect(workspace):
    return lambda: state.connect(workspace)


class TestParquetLake(LakeContract):
    """Every promise of the contract."""
