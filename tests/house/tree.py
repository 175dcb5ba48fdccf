"""The tree as the house tests read it: its tracked files, its modules, their names."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "dangol"

#: Rooms of the domain: they know nothing of engines, processes and pages.
ROOMS = ("events", "intake", "identity", "profiles", "operators", "privacy", "feeds")

#: Not ours to judge: other people's work, kept as it came.
FOREIGN = ("src/dangol/console/static/console/vendor/", "src/dangol/console/static/console/icons/", "src/dangol/console/static/console/fonts/", "tools/bootstrap/pip")

#: Folders that a checkout has and the product has not.
_NOT_OURS = {".git", ".venv", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache", "__pycache__", "node_modules", "build", "dist", "var"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that belongs to the product, as paths below ROOT; from git where there is one, else by looking."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = [Path(name) for name in listed.split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() and not _NOT_OURS & set(path.relative_to(ROOT).parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """(path, text) of every tracked file that is text and ours."""
    found = []
    for path in tracked():
        if path.as_posix().startswith(FOREIGN):
            continue
        try:
            found.append((path.as_posix(), (ROOT / path).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """(path below src/dangol, text, syntax tree) of every module of the product; migrations are Django's."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" not in path.parts:
            text = path.read_text(encoding="utf-8")
            found.append((path.relative_to(SOURCE).as_posix(), text, ast.parse(text)))
    return tuple(found)


def module_name(path: str) -> str:
    """dangol.intake.frame for intake/frame.py."""
    return ".".join(("dangol", *Path(path).with_suffix("").parts)).removesuffix(".__init__")


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(dotted name, node) of every function of a module, methods and inner ones too."""

    def below(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield inside + child.name, child
            name = f"{inside}{child.name}." if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else inside
            yield from below(child, name)

    return below(tree, "")
