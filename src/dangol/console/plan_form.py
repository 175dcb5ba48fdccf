"""A schema as rows of a form, and back. Pure. What a form cannot say (patterns, nesting) is kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

#: Kinds of values that the form offers.
TYPES = ("string", "number", "integer", "boolean", "array", "object")


@dataclass(frozen=True, slots=True)
class Row:
    """One property."""

    name: str
    #: A kind, or "string|integer" for several.
    type: str
    required: bool
    #: Values that are allowed, with commas; "" for any.
    choices: str = ""
    #: What else the schema says of it, in short.
    more: str = ""

    @property
    def kind(self) -> str:
        """The kind in words."""
        return dict(type_options()).get(self.type, self.type)


def type_options() -> list[tuple[str, str]]:
    """Kinds with their names."""
    names = {
        "string": _("text"),
        "number": _("number"),
        "integer": _("whole number"),
        "boolean": _("yes or no"),
        "array": _("list"),
        "object": _("object"),
    }
    return [*((kind, names[kind]) for kind in TYPES), ("string|integer", _("text or whole number")), ("", _("anything"))]


def _bounds() -> dict[str, str]:
    """What a schema may ask of a value beside its kind, in words."""
    return {
        "pattern": _("written as %(value)s"),
        "format": _("written as %(value)s"),
        "minimum": _("at least %(value)s"),
        "maximum": _("at most %(value)s"),
        "minLength": _("%(value)s letters or more"),
        "maxLength": _("%(value)s letters at most"),
    }


def rows_of(schema: Mapping[str, Any]) -> list[Row]:
    """The properties of *schema*, required ones first."""
    part = schema.get("properties") or {}
    required = set(part.get("required") or ())
    rows = []
    for name, given in (part.get("properties") or {}).items():
        rule = given if isinstance(given, dict) else {}
        kind = rule.get("type", "")
        rows.append(
            Row(
                name,
                "|".join(kind) if isinstance(kind, list) else kind,
                name in required,
                ", ".join(map(str, rule.get("enum", []))),
                ", ".join(words % {"value": rule[key]} for key, words in _bounds().items() if key in rule),
            )
        )
    rows += [Row(name, "", required=True) for name in sorted(required - set(part.get("properties") or {}))]
    return sorted(rows, key=lambda row: not row.required)


def schema_of(post: Any) -> dict[str, Any]:
    """The schema that a form says. Fields come as row-N-name, row-N-type, row-N-required, row-N-choices, row-N-more."""
    import json  # noqa: PLC0415 - beside its one use

    kept: dict[str, Any] = {}
    try:
        before = json.loads(post.get("schema") or "{}")
        kept = (before.get("properties") or {}).get("properties") or {}
    except (ValueError, AttributeError):
        before = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    place = 0
    while f"row-{place}-name" in post:
        name = post.get(f"row-{place}-name", "").strip()
        if name:
            properties[name] = _rule(post.get(f"row-{place}-type", ""), post.get(f"row-{place}-choices", ""), kept.get(name))
            if post.get(f"row-{place}-required"):
                required.append(name)
        place += 1
    part: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        part["required"] = required
    others = {key: value for key, value in before.items() if key in ("traits", "context")} if isinstance(before, dict) else {}
    return {"properties": part, **others}


def _rule(kind: str, choices: str, before: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {key: value for key, value in before.items() if key not in ("type", "enum")} if isinstance(before, dict) else {}
    if kind:
        rule["type"] = kind.split("|") if "|" in kind else kind
    values = [choice.strip() for choice in choices.split(",") if choice.strip()]
    if values:
        rule["enum"] = values
    return rule
