"""Imports go one way, and a machine keeps it."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOMS, ROOT, module_name, modules

#: What of a room its neighbours may name, besides the room itself: the facts it tells and the doors it declares.
FACES = {"facts", "ports"}

#: room's module -> why neighbours may reach it past the room's face.
EXCEPTIONS = {
    "dangol.events.schemas": "brings a JSON Schema compiler that only the tracking plan's check needs; the room itself stays light",
}


def test_the_contracts_of_import_linter_hold():
    """What .importlinter says about who may import whom is true."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(command), "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_has_its_layer():
    """A new package or process cannot stand outside the order."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    layers = config["importlinter:layers"]["layers"].replace("|", " ").replace(":", " ").split()
    bare = {"dangol", "dangol.processes"}  # empty, or nothing but a docstring and the version
    outside = [name for name in (module_name(path) for path, _, _ in modules()) if name not in bare and not any(name == layer or name.startswith(f"{layer}.") for layer in layers)]
    assert outside == [], "name them in .importlinter"


def test_rooms_speak_through_their_faces():
    """A room imports of another room its public names, its facts or its ports; never what stands behind."""
    known = {module_name(path) for path, _, _ in modules()}
    reached = []
    for path, _, tree in modules():
        room = path.split("/")[0]
        if room not in ROOMS:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("dangol."):
                continue
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in known else str(node.module)
                _, other, *behind = target.split(".")
                if other in ROOMS and other != room and behind and behind[0] not in FACES and target not in EXCEPTIONS:
                    reached.append(f"{path}:{node.lineno} reaches {target}")
    assert reached == []


def test_rooms_know_no_engine_process_or_page():
    """Rooms are asked by engines, processes and pages; they ask none of them."""
    above = {"engines", "processes", "console", "cli", "app", "flow", "bench", "world"}
    asked = []
    for path, _, tree in modules():
        if path.split("/")[0] not in ROOMS:
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            asked += [f"{path}:{node.lineno} asks {name}" for name in names if name.startswith("dangol.") and name.split(".")[1] in above]
    assert asked == []
