"""What the clients know: which events they sent, how often, and which were answered 200."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable


class Ledger:
    """Kept on the clients' side, apart from everything that is tried. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: messageId -> copies that went out, answered or not.
        self.attempts: Counter[str] = Counter()
        #: messageId -> copies that were answered 200.
        self.acknowledged: Counter[str] = Counter()
        #: What was answered how often; a broken connection or a time-out is "no answer".
        self.answers: Counter[str] = Counter()
        #: Answers after which real client libraries throw data away: there must be none.
        self.dropped: list[str] = []
        #: messageIds that were sent with a second content on purpose.
        self.reused: set[str] = set()
        #: user id -> the highest step that was acknowledged.
        self.steps: dict[str, int] = {}

    def sending(self, ids: Iterable[str]) -> None:
        """A request with these events goes out."""
        with self._lock:
            self.attempts.update(ids)

    def answered(self, status: int | None, ids: list[str], steps: dict[str, int], detail: str = "") -> None:
        """An answer came; None: none did."""
        with self._lock:
            self.answers["no answer" if status is None else str(status)] += 1
            if status == 200:
                self.acknowledged.update(ids)
                for person, step in steps.items():
                    self.steps[person] = max(step, self.steps.get(person, 0))
            elif status is not None and status != 429 and status < 500:
                self.dropped.append(f"{status} {detail}")
