"""Every command in one table: its name, its sentence, the module that does it. Help and the docs test read from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `module` is below dangol.cli and defines `<name>_command(parser)`."""

    name: str
    summary: str
    module: str


#: Groups in the order in which a newcomer meets them.
GROUPS: dict[str, tuple[Command, ...]] = {
    "Begin": (
        Command("init", "make a workspace: a folder with its configuration", "workspace"),
        Command("demo", "a made-up Korean brand, live, with a guided tour", "trying"),
        Command("doctor", "look over this machine and workspace, and say what to do", "doctor"),
    ),
    "Run": (
        Command("up", "start everything, restart what dies", "running"),
        Command("down", "stop everything, cleanly", "running"),
        Command("status", "what runs, and what became of every event", "status"),
        Command("wait", "return when everything accepted so far has been processed", "status"),
        Command("collect", "run intake alone, in the foreground", "single"),
        Command("process", "run one process worker alone, in the foreground", "single"),
        Command("deliver", "run delivery alone, in the foreground", "single"),
        Command("console", "run pages and API alone, in the foreground", "single"),
        Command("learn", "run the scheduled work alone, in the foreground", "single"),
    ),
    "Connect": (
        Command("source", "touchpoint systems and their write keys", "sources"),
        Command("import", "history from CSV, JSON lines or Parquet files", "importing"),
        Command("plan", "the tracking plan: which events are expected to look how", "plan"),
        Command("subscription", "addresses that are told of facts by signed webhooks", "subscriptions"),
    ),
    "Ask": (
        Command("receipt", "where is my event? its fate, by messageId", "asking"),
        Command("person", "everything known of one person, by any identifier", "asking"),
        Command("people", "all people and their identifiers, as a file", "asking"),
        Command("explain", "why a trait has its value: the rule, the other values, the events", "traits"),
        Command("why-merged", "why two identifiers are one person, or what keeps them apart", "identity"),
        Command("quarantine", "events that wait for a person: look, correct, replay", "quarantine"),
    ),
    "Recognise": (
        Command("split", "keep two identifiers apart, whatever events claim", "identity"),
        Command("merge", "put two identifiers together, with evidence", "identity"),
        Command("identity", "rule sets, shared identifiers, decisions about people", "identity"),
        Command("traits", "trait rules: which value counts, and which traits are counted", "traits"),
    ),
    "Admit": (
        Command("operator", "people of the brand who may sign in", "access"),
        Command("token", "programs that may use the API", "access"),
    ),
    "Keep": (
        Command("backup", "everything of this workspace in one file", "keeping"),
        Command("restore", "a workspace from a backup", "keeping"),
        Command("rebuild", "people and profiles anew from the lake", "keeping"),
    ),
    "Try": (
        Command("world", "write a made-up brand's streams of events to files", "trying"),
        Command("bench", "measure this machine, with the floor beside each number", "trying"),
    ),
}

COMMANDS: dict[str, Command] = {command.name: command for group in GROUPS.values() for command in group}
