"""Bring the console's Korean up to date: `python tools/translations.py` after changing a text, `--check` in tests.

Finds every text in templates and Python, keeps the translations there are, drops those nobody uses, lists what has none
yet, and compiles the .mo file that Django reads. Needs no gettext programs, only polib.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import polib
from django.conf import settings

CONSOLE = Path(__file__).parents[1] / "src" / "dangol" / "console"
PO = CONSOLE / "locale" / "ko" / "LC_MESSAGES" / "django.po"
ONE = {"_", "gettext", "gettext_lazy"}
MANY = {"ngettext", "ngettext_lazy"}
_CALL = re.compile(r"\b(ngettext|gettext|_)\(")


def texts() -> dict[tuple[str, str], list[str]]:
    """(singular, plural or "") of every text, with the files it stands in."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
    from django.utils.translation.template import templatize  # noqa: PLC0415 - reads settings on import

    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(CONSOLE.rglob("*.py")):
        for key in from_python(path.read_text(encoding="utf-8")):
            found.setdefault(key, []).append(path.relative_to(CONSOLE).as_posix())
    for path in sorted((CONSOLE / "templates").rglob("*.html")):
        code = templatize(path.read_text(encoding="utf-8"))
        for start in _CALL.finditer(code):
            key = _call_at(code, start.start())
            if key:
                found.setdefault(key, []).append(path.relative_to(CONSOLE).as_posix())
    return found


def from_python(source: str) -> list[tuple[str, str]]:
    """Texts of gettext calls in Python source."""
    return [key for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and (key := _key(node))]


def _key(node: ast.Call) -> tuple[str, str] | None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    given = [argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    if name in ONE and given:
        return given[0], ""
    if name in MANY and len(given) >= 2:
        return given[0], given[1]
    return None


def _call_at(code: str, start: int) -> tuple[str, str] | None:
    for end in (place.end() for place in re.finditer(r"\)", code[start : start + 4000])):
        try:
            tree = ast.parse(code[start : start + end].strip(), mode="eval")
        except SyntaxError:
            continue
        return _key(tree.body) if isinstance(tree.body, ast.Call) else None
    return None


def problems(catalogue: polib.POFile) -> list[str]:
    """What keeps the catalogue from being whole: texts without Korean, texts nobody uses, a .mo that is not its own."""
    known = {(entry.msgid, entry.msgid_plural): entry for entry in catalogue}
    used = texts()
    wrong = [f"no Korean: {key[0]!r} in {', '.join(sorted(set(places)))}" for key, places in used.items() if key not in known or not _said(known[key])]
    wrong += [f"nobody uses: {key[0]!r}" for key in known if key not in used]
    for entry in catalogue:
        wrong += [f"another placeholder: {entry.msgid!r}" for text in _said_texts(entry) if text and _holes(text) - _holes(entry.msgid + entry.msgid_plural)]
    mo = PO.with_suffix(".mo")
    if not mo.exists() or mo.read_bytes() != catalogue.to_binary():
        wrong.append("django.mo is stale: run python tools/translations.py")
    return wrong


def _holes(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text))


def _said_texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _said(entry: polib.POEntry) -> bool:
    return all(_said_texts(entry)) and bool(_said_texts(entry))


def renew() -> polib.POFile:
    """The catalogue with exactly the texts in use, old translations kept, written and compiled."""
    old = {(entry.msgid, entry.msgid_plural): entry for entry in polib.pofile(str(PO))} if PO.exists() else {}
    fresh = polib.POFile(wrapwidth=130)
    fresh.metadata = {
        "Project-Id-Version": "dangol", "Language": "ko", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit", "Plural-Forms": "nplurals=1; plural=0;",
    }  # fmt: skip
    for key, places in sorted(texts().items()):
        entry = old.get(key) or polib.POEntry(msgid=key[0], msgid_plural=key[1], msgstr_plural={0: ""} if key[1] else {})
        entry.occurrences = [(place, "") for place in sorted(set(places))]
        entry.flags = ["python-format"] if "%(" in key[0] + key[1] else []
        fresh.append(entry)
    PO.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(PO))
    PO.with_suffix(".mo").write_bytes(fresh.to_binary())
    return fresh


if __name__ == "__main__":
    catalogue = polib.pofile(str(PO)) if "--check" in sys.argv else renew()
    left = problems(catalogue)
    print("\n".join(left) or f"{len(catalogue)} texts, all in Korean.")
    sys.exit(bool(left))
