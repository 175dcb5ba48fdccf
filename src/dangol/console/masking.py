"""Who sees personal data now: nobody, until they say why; then one person's, for a while, in this session alone."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from dangol.operators import Permission, may

#: Seconds that a person stays unmasked for the operator who asked.
UNMASKED_SECONDS = 15 * 60
#: People unmasked at once in one session; the oldest is masked again beyond that.
UNMASKED_MAX = 20


def unmask(request: Any, person_id: UUID) -> None:
    """Show this person's data to this session for UNMASKED_SECONDS. The caller has written the audit."""
    now = time.time()
    kept = {key: until for key, until in request.session.get("unmasked", {}).items() if _holds(until, now)}
    kept[str(person_id)] = now + UNMASKED_SECONDS
    request.session["unmasked"] = dict(sorted(kept.items(), key=lambda one: -one[1])[:UNMASKED_MAX])


def is_unmasked(request: Any, person_id: UUID) -> bool:
    """Whether this session may see this person's data now. A role taken away meanwhile masks at once."""
    if not may(request.user.role, Permission.PEOPLE_UNMASK):
        return False
    return _holds(request.session.get("unmasked", {}).get(str(person_id), 0), time.time())


def _holds(until: float, now: float) -> bool:
    """Whether *until* is ahead, but no further than it was ever set: a clock that was set back must not keep people unmasked for hours."""
    return now < until <= now + UNMASKED_SECONDS
