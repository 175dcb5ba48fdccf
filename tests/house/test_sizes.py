"""Nothing grows so large that nobody reads it."""

from __future__ import annotations

from tests.house.tree import ROOT, SOURCE, functions, modules, texts

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
TEMPLATE_LINES_MAX = 120

#: path -> why it may be longer.
LONG_MODULES: dict[str, str] = {}
#: path::function -> why it may be longer.
LONG_FUNCTIONS: dict[str, str] = {}
#: path -> why it may be longer.
LONG_TEMPLATES: dict[str, str] = {}


def test_modules_fit_a_head():
    """No module is longer than 500 lines."""
    long = [f"{path}: {lines}" for path, text, _ in modules() if (lines := text.count("\n")) > MODULE_LINES_MAX and path not in LONG_MODULES]
    assert long == [], "split them by what they answer"


def test_functions_fit_a_screen():
    """No function is longer than 60 lines, from def to its last line."""
    long = [
        f"{path}::{name}: {lines}"
        for path, _, tree in modules()
        for name, node in functions(tree)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX and f"{path}::{name}" not in LONG_FUNCTIONS
    ]
    assert long == [], "give their steps names"


def test_templates_fit_a_screen():
    """No template is longer than 120 lines."""
    long = [
        f"{path}: {lines}"
        for path, text in texts()
        if path.endswith((".html", ".txt")) and path.startswith("src/dangol/console/templates/") and (lines := text.count("\n")) > TEMPLATE_LINES_MAX and path not in LONG_TEMPLATES
    ]
    assert long == [], "move their parts to components"


def test_exceptions_are_still_needed():
    """An exception that nothing needs any more is taken off the list."""
    missing = [path for path in LONG_MODULES if not (SOURCE / path).exists() or (SOURCE / path).read_text(encoding="utf-8").count("\n") <= MODULE_LINES_MAX]
    lengths = {f"{path}::{name}": (node.end_lineno or 0) - node.lineno + 1 for path, _, tree in modules() for name, node in functions(tree)}
    missing += [name for name in LONG_FUNCTIONS if lengths.get(name, 0) <= FUNCTION_LINES_MAX]
    missing += [path for path in LONG_TEMPLATES if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8").count("\n") <= TEMPLATE_LINES_MAX]
    assert missing == []
