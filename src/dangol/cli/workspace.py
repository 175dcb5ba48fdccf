"""`dangol init`, and finding the workspace that a command is about."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

from dangol import settings as settings_module
from dangol.cli.output import say
from dangol.errors import DangolError
from dangol.settings import FILE_NAME, RANGES, SECTIONS, Settings

#: Folders of a workspace; those with personal data or keys are their owner's alone.
FOLDERS = {"log": 0o700, "lake": 0o700, "run": 0o700, "secrets": 0o700, "logs": 0o755, "plan": 0o755}
PLAN_NOTE = """\
# Tracking plan

One file per event, in JSON or YAML: `Order Completed.yaml`. What a file holds: docs/howto/tracking-plan.md.
`dangol plan check FILE` looks one over, `dangol plan add FILE` puts it in force.
"""


class NoWorkspace(DangolError):
    """The folder is not a workspace."""

    code = "no_workspace"


class WorkspaceExists(DangolError):
    """There is a workspace already."""

    code = "workspace_exists"


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of the workspace that the command is about.

    Raises: NoWorkspace, saying how to make one; SettingRefused.
    """
    folder: Path = args.workspace
    if not (folder / FILE_NAME).is_file():
        raise NoWorkspace(
            f"{folder.absolute()} is not a workspace: there is no {FILE_NAME} in it."
            f" Make one with `dangol init DIR`, or name yours with --workspace DIR or $DANGOL_WORKSPACE."
        )
    return settings_module.load(folder)


def init_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol init`."""
    parser.add_argument("dir", metavar="DIR", type=Path, help="folder to make; it may exist, but hold no workspace")
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> None:
    folder: Path = args.dir
    file = folder / FILE_NAME
    if file.exists():
        raise WorkspaceExists(f"{file.absolute()} exists; nothing was changed. To start anew, choose another folder or move that one away.")
    if folder.exists() and not folder.is_dir():
        raise WorkspaceExists(f"{folder.absolute()} is a file, not a folder. Choose another name; nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, mode in FOLDERS.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(mode)
    (folder / ".gitignore").write_text("/log/\n/lake/\n/state/\n/run/\n/logs/\n/secrets/\n", encoding="utf-8")
    (folder / "plan" / "README.md").write_text(PLAN_NOTE, encoding="utf-8")
    with file.open("x", encoding="utf-8") as new:
        new.write(configuration_text())
    file.chmod(0o600)  # state.url may hold a password
    where = _quoted(folder)
    say(
        f"{folder.absolute()} is a workspace now. Its settings, each explained: {file}",
        "",
        "Next:",
        f"  dangol operator add you@brand.kr --role owner --workspace {where}",
        f"  dangol source add web --kind web --workspace {where}",
        f"  dangol up --workspace {where}",
    )


def _quoted(path: Path) -> str:
    text = str(path)
    return text if re.fullmatch(r"[\w./~-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def configuration_text() -> str:
    """A dangol.toml with every key, its default and what it does; everything commented out, so defaults hold."""
    lines = [
        "# Dangol's configuration of this workspace. Every key stands here with its default; take the # away to change it.",
        "# Each is also an environment variable, which wins: [collect] port is DANGOL_COLLECT_PORT.",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", f"# {(kind.__doc__ or '').strip()}", f"[{section}]"]
        told = setting_sentences(kind)
        for item in fields(kind):
            low_high = RANGES.get(f"{section}.{item.name}")
            sentence = told.get(item.name, "")
            if low_high and f"{low_high[0]}..{low_high[1]}" not in sentence:
                sentence = f"{sentence} {low_high[0]}..{low_high[1]}.".strip()
            lines += [f"# {sentence}"] if sentence else []
            lines.append(f"#{item.name} = {_toml(item.default)}")
    return "\n".join(lines) + "\n"


def setting_sentences(kind: type) -> dict[str, str]:
    """The `#:` sentences that stand before the keys of a section, read from its source: said once, shown here too."""
    import inspect  # noqa: PLC0415 - only init reads source

    told: dict[str, str] = {}
    waiting: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        stripped = line.strip()
        if stripped.startswith("#:"):
            waiting.append(stripped.removeprefix("#:").strip())
        elif found := re.match(r"(\w+): [\w\[\]]+ = ", stripped):
            told[found[1]] = " ".join(waiting)
            waiting = []
    return told


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
