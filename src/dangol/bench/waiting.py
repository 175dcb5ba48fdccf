"""How long others wait to settle people, from a process of its own: asks for their turn again and again, and notes each wait.

`python -m dangol.bench.waiting WORKSPACE` ends when its standard input does, and prints one line of JSON: [[since, seconds], …] on the machine's
monotonic clock, waits of a millisecond and more.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import msgspec

from dangol.engines import state
from dangol.hotstate import connect_raw
from dangol.identity.joining import one_at_a_time
from dangol.settings import load

#: Seconds between two asks, and the least that counts as a wait.
PAUSE, LEAST = 0.001, 0.001


def main() -> None:
    """Ask until nobody listens."""
    listener = threading.Thread(target=sys.stdin.read, daemon=True)
    listener.start()
    waits: list[tuple[float, float]] = []
    with connect_raw(state.locate(load(Path(sys.argv[1]))), autocommit=True) as connection:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while listener.is_alive():
            with connection.transaction():
                connection.execute("select 1")  # begun, so that only the turn is waited for
                since = time.monotonic()
                one_at_a_time(connection)
                waited = time.monotonic() - since
            if waited >= LEAST:
                waits.append((since, waited))
            time.sleep(PAUSE)
    sys.stdout.write(msgspec.json.encode(waits).decode() + "\n")


if __name__ == "__main__":
    main()
