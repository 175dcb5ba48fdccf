"""`dangol status` and `dangol wait`."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from dangol.processes.standing import Standing
    from dangol.settings import Settings

POLL_SECONDS = 0.05


class StillBehind(DangolError):
    """Not everything was processed in time."""

    code = "still_behind"


def status_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol status`."""
    add_json(parser)
    parser.set_defaults(run=_status)


def _status(args: argparse.Namespace) -> None:
    from dangol.processes.standing import standing  # noqa: PLC0415 - --help need not load it

    answer = standing(settings_of(args))
    if args.json:
        say_json(answer)
        return
    _show(answer)


def _show(answer: Standing) -> None:
    rows = [(one.name, one.pid and str(one.pid), one.state, one.restarts, one.last_end) for one in answer.processes]
    say_table(["process", "pid#", "state", "restarts#", "last end"], rows, empty="")
    say("")
    counts = [
        ("received", answer.received),
        ("= applied", answer.applied),
        ("+ duplicate", answer.duplicate),
        ("+ quarantined", answer.quarantined),
        ("+ suppressed", answer.suppressed),
        ("+ waiting to be processed", answer.waiting),
    ]
    say_table(["events", "number#"], counts, empty="")
    if answer.lag_seconds is not None:
        say("", f"Processing is {answer.lag_seconds:.1f} s behind.")
    if answer.console_url:
        say("", f"Console and API  {answer.console_url}", f"Intake           {answer.collect_url}")
    for note in answer.notes:
        say("", note)
    for one in answer.processes:
        if one.state == "waiting" and one.restarts and one.name != "postgresql":
            say("", f"Why {one.name} ended: {answer.workspace}/logs/{one.name}.log")


def wait_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol wait`."""
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=600.0, help="give up after so many seconds (default 600)")
    parser.set_defaults(run=_wait)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, must be 0 or more")
    return seconds


def _wait(args: argparse.Namespace) -> None:
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above

    settings = settings_of(args)
    log = open_log(settings)
    heads = {lane: log.head(lane)[0] for lane in log.lanes()}
    until = time.monotonic() + args.timeout
    while behind := _behind(settings, heads):
        if time.monotonic() >= until:
            raise StillBehind(f"after {args.timeout:g} s not everything accepted was processed: {behind}.{_why(settings)}")
        time.sleep(POLL_SECONDS)
    remark("Everything accepted so far has been processed.")


def _behind(settings: Settings, heads: dict[str, int]) -> str:
    """Which lanes are behind *heads*, in words; "" when none is."""
    import psycopg  # noqa: PLC0415 - as below

    from dangol.engines.state import StateUnavailable  # noqa: PLC0415 - as above
    from dangol.processes.standing import processed  # noqa: PLC0415 - as above

    if not any(heads.values()):
        return ""
    try:
        done = processed(settings)
    except (StateUnavailable, psycopg.Error) as error:  # it may come back before the time is over
        return str(error).strip().partition("\n")[0].rstrip(".") or "State does not answer"
    late = [(lane, done.get(lane, 0), head) for lane, head in heads.items() if done.get(lane, 0) < head]
    return ", ".join(f"lane {lane} stands at {position} of {head}" for lane, position, head in late)


def _why(settings: Settings) -> str:
    """The likely reason, when there is a plain one."""
    from dangol.processes.presence import supervisor_pid  # noqa: PLC0415 - as above

    if supervisor_pid(settings) is None:
        return f" Nothing runs here that processes them: dangol up --workspace {settings.quoted}"
    return " `dangol status` shows the processes; logs/process.log what the worker says."
