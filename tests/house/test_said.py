"""What stands in the code is said: modules, public names, members of closed sets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import ROOMS, SOURCE, modules, texts

#: Names that another library asks for and explains: a Django table's options.
OTHERS_PROMISES = {"Meta"}

#: What makes a class a closed set.
ENUMS = {"StrEnum", "IntEnum", "Enum", "IntFlag", "Flag", "TextChoices"}


def _public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """(name, node) of every public function and class at the top of a module, and of their public methods."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for child in node.body:
                    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not child.name.startswith("_"):
                        yield f"{node.name}.{child.name}", child


def test_every_public_name_says_what_one_gets():
    """Every public function, class and method has a docstring."""
    silent = [
        f"{path}: {name}"
        for path, _, tree in modules()
        for name, node in _public(tree)
        if name.split(".")[-1] not in OTHERS_PROMISES and not _again(node) and not ast.get_docstring(node)  # type: ignore[arg-type]
    ]
    assert silent == []


def _again(node: ast.AST) -> bool:
    """Whether a decorator says that this keeps a promise made elsewhere."""
    return any(getattr(one, "id", getattr(one, "attr", "")) in {"override", "overload", "setter"} for one in getattr(node, "decorator_list", []))


def test_every_module_says_what_it_is():
    """Every module opens with a docstring."""
    silent = [path for path, text, tree in modules() if text.strip() and not ast.get_docstring(tree)]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_opens_with_its_sentence(room: str):
    """A room's first lines say what it is, what goes in, what comes out, and what one may ask it."""
    told = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert told.split(":")[0].lower() == room, f"{room}/__init__.py must open with its name and a sentence"
    for word in ("In:", "Out:", "Ask:"):
        assert word in told, f"{room}/__init__.py does not say {word}"


def test_every_member_of_a_closed_set_has_its_sentence():
    """Each member of an enum is explained by a `#:` sentence, on its line or just above."""
    silent = []
    for path, text, tree in modules():
        lines = text.splitlines()
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or not {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases} & ENUMS:
                continue
            for child in node.body:
                if isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name) and not child.targets[0].id.startswith("_"):
                    here = "#:" in lines[(child.end_lineno or child.lineno) - 1]
                    above = lines[child.lineno - 2].strip().startswith("#:")
                    if not here and not above:
                        silent.append(f"{path}:{child.lineno} {node.name}.{child.targets[0].id}")
    assert silent == []


def test_nothing_is_left_for_later():
    """No line waits for somebody to do it: what is missing is an issue, not a remark."""
    marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    waiting = [
        f"{path}:{number}"
        for path, text in texts()
        if not path.endswith((".lock", ".css", ".svg", ".jsonl"))
        for number, line in enumerate(text.splitlines(), 1)
        if any(f" {mark} " in f" {line.replace(':', ' ').replace('(', ' ')} " for mark in marks)
    ]
    assert waiting == []


def test_nothing_is_a_stub():
    """No function of the product merely raises NotImplementedError or holds its place with an ellipsis, protocols apart."""
    stubs = []
    for path, _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node):
                stubs.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.ClassDef) and not any("Protocol" in ast.dump(base) for base in node.bases):
                stubs += [f"{path}:{child.lineno} {child.name}" for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and _empty(child)]
        stubs += [f"{path}:{node.lineno} {node.name}" for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _empty(node)]
    assert stubs == []


def _empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if any(getattr(one, "id", getattr(one, "attr", "")) == "overload" for one in node.decorator_list):
        return False
    said = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str))]
    return bool(said) and all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and one.value.value is Ellipsis for one in said)
