"""Starts the process that carries a run of a rule set out, and does not wait for it."""

from __future__ import annotations

import subprocess
import sys
import threading

from dangol.settings import Settings


def start_run(settings: Settings, number: int) -> None:
    """Run *number* begins in a process of its own; it goes on when the console is stopped."""
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dangol", "--workspace", str(settings.workspace), "identity", "run", str(number)]
    with (settings.logs_dir / "rule-runs.log").open("ab") as words:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True)
    threading.Thread(target=process.wait, daemon=True).start()  # a finished child must be fetched
