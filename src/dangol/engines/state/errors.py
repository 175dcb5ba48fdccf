"""What can go wrong with State."""

from __future__ import annotations

from dangol.errors import DangolError


class StateUnavailable(DangolError):
    """State (PostgreSQL) cannot be reached now. Intake goes on; everything else waits for it."""

    code = "state_unavailable"
