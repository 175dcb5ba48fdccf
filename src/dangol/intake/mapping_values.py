"""How one value of an event is made from a row: places, constants and the few operators of the mapping language. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct


class ValueRefused(ValueError):
    """A value of a mapping is not written as the language asks."""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: There is nothing at that place: the field is left out. (null is something: it removes a trait.)
MISSING: Final = _Missing()


class Scope(Struct, frozen=True):
    """Where places are looked up: $ is the row, $item the element of the list that is fanned out."""

    row: Any
    item: Any


Value = Callable[[Scope], Any]

#: $.a.b, $.list[0], $item.sku, $["Order ID"].x
_STEP = re.compile(r"""\.([^.\[\]"']+)|\[(-?\d+)\]|\[(?:"([^"]*)"|'([^']*)')\]""")
_TRUE = {"true", "1", "y", "yes", "t", "예", "o"}
_FALSE = {"false", "0", "n", "no", "f", "아니오", "x"}


def compile_place(text: Any, where: str) -> Value:
    """A place like $.customer.id, ready to look up. Raises ValueRefused, saying how places are written."""
    if not isinstance(text, str) or not text.startswith("$"):
        raise ValueRefused(f"{where}: {text!r} is not a place; write one like $.customer.id or $item.sku.")
    from_item = re.match(r"\$item(?=[.\[]|$)", text) is not None
    rest = text[5:] if from_item else text[1:]
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None:
            raise ValueRefused(
                f'{where}: {text!r} cannot be read from {rest[at:]!r} on; write $.customer.id, $.items[0].sku or $["Order ID"].'
            )
        name, index, double, single = step.groups()
        steps.append(int(index) if index is not None else next(part for part in (name, double, single) if part is not None))
        at = step.end()
    path = tuple(steps)
    return lambda scope: _look(scope.item if from_item else scope.row, path)


def _look(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return MISSING
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return MISSING
    return MISSING if isinstance(value, str) and not value else value  # an empty cell says nothing


def compile_value(spec: Any, where: str, zone: Any = None) -> Value:
    """A maker of one value. Raises ValueRefused, naming the place and what was expected there."""
    if isinstance(spec, str):
        return compile_place(spec, where) if spec.startswith("$") else lambda _: spec
    if isinstance(spec, list):
        makers = [compile_value(part, f"{where}[{index}]", zone) for index, part in enumerate(spec)]
        return lambda scope: [value for make in makers if (value := make(scope)) is not MISSING]
    if not isinstance(spec, dict):
        return lambda _: spec
    operators = [key for key in spec if isinstance(key, str) and key.startswith("$")]
    if operators:
        return _compile_operator(operators[0], spec, where, zone)
    parts = [(str(key), compile_value(part, f"{where}.{key}", zone)) for key, part in spec.items()]
    return lambda scope: {key: value for key, make in parts if (value := make(scope)) is not MISSING}


def _compile_operator(name: str, spec: dict[str, Any], where: str, zone: Any) -> Value:
    operator = OPERATORS.get(name)
    if operator is None:
        raise ValueRefused(f"{where}: {name!r} is not an operator; known: {', '.join(OPERATORS)}.")
    make, options = operator
    unknown = [key for key in spec if key != name and key not in options]
    if unknown:
        raise ValueRefused(f"{where}: beside {name} stands {unknown[0]!r}; only {', '.join(options) or 'nothing'} may.")
    return make(spec, f"{where}.{name}", zone)


def _const(spec: dict[str, Any], _where: str, _zone: Any) -> Value:
    value = spec["$const"]
    return lambda _: value


def _first(spec: dict[str, Any], where: str, zone: Any) -> Value:
    if not isinstance(spec["$first"], list):
        raise ValueRefused(f"{where} must be a list; the first value that is there counts.")
    makers = [compile_value(part, f"{where}[{index}]", zone) for index, part in enumerate(spec["$first"])]
    return lambda scope: next((value for make in makers if (value := make(scope)) is not MISSING and value is not None), MISSING)


def _join(spec: dict[str, Any], where: str, zone: Any) -> Value:
    if not isinstance(spec["$join"], list):
        raise ValueRefused(f"{where} must be a list of texts and places, put together without a gap.")
    makers = [compile_value(part, f"{where}[{index}]", zone) for index, part in enumerate(spec["$join"])]

    def join(scope: Scope) -> Any:
        parts = [make(scope) for make in makers]
        # An id made of half its parts would be somebody else's.
        return MISSING if any(part is MISSING or part is None for part in parts) else "".join(_text_of(part) for part in parts)

    return join


def _map(spec: dict[str, Any], where: str, zone: Any) -> Value:
    choices = spec.get("to")
    if not isinstance(choices, dict):
        raise ValueRefused(f'{where} needs "to", an object from what is found to what it means.')
    look = compile_value(spec["$map"], where, zone)
    otherwise = compile_value(spec["else"], f"{where}.else", zone) if "else" in spec else None

    def choose(scope: Scope) -> Any:
        found = look(scope)
        key = None if found is MISSING else _text_of(found)
        if key in choices:
            return choices[key]
        return otherwise(scope) if otherwise else MISSING

    return choose


def _text(spec: dict[str, Any], where: str, zone: Any) -> Value:
    look = compile_value(spec["$text"], where, zone)
    return lambda scope: value if (value := look(scope)) is MISSING or value is None else _text_of(value)


def _number(spec: dict[str, Any], where: str, zone: Any) -> Value:
    look = compile_value(spec["$number"], where, zone)

    def number(scope: Scope) -> Any:
        found = look(scope)
        if not isinstance(found, str):
            return found
        plain = re.sub(r"[,\s₩원]", "", found)
        try:
            exact = Decimal(plain)
        except InvalidOperation:
            return found  # kept as it came; a schema of the tracking plan may object
        if not exact.is_finite():
            return found
        return int(exact) if exact == exact.to_integral_value() and "." not in plain and abs(exact) < 2**63 else float(exact)

    return number


def _boolean(spec: dict[str, Any], where: str, zone: Any) -> Value:
    look = compile_value(spec["$boolean"], where, zone)

    def boolean(scope: Scope) -> Any:
        found = look(scope)
        if found is MISSING or found is None or isinstance(found, bool):
            return found
        said = _text_of(found).strip().lower()
        return True if said in _TRUE else False if said in _FALSE else found

    return boolean


def _time(spec: dict[str, Any], where: str, zone: Any) -> Value:
    look = compile_value(spec["$time"], where, zone)
    form, named = spec.get("format"), spec.get("zone") or zone or "UTC"
    if form is not None and not isinstance(form, str):
        raise ValueRefused(f"{where}: format == {form!r}, must be like %Y-%m-%d %H:%M:%S, or seconds, or milliseconds.")
    try:
        place = ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise ValueRefused(f"{where}: zone == {named!r} is not a time zone; write one like Asia/Seoul.") from None

    def time(scope: Scope) -> Any:
        found = look(scope)
        if found is MISSING or found is None:
            return MISSING
        try:
            moment = _moment(found, form)
        except (ValueError, OverflowError, OSError, TypeError):
            return found  # as it came; for a timestamp the row then waits for a person
        return (moment if moment.tzinfo else moment.replace(tzinfo=place)).astimezone(UTC).isoformat().replace("+00:00", "Z")

    return time


def _moment(found: Any, form: str | None) -> datetime:
    if isinstance(found, datetime):
        return found
    if form in ("seconds", "milliseconds"):
        return datetime.fromtimestamp(float(found) / (1 if form == "seconds" else 1000), UTC)
    if not form:
        return datetime.fromisoformat(_text_of(found))
    # Spreadsheets and tills in Korean write 오후 2:05; strptime's %p knows AM and PM alone.
    said = _text_of(found).strip().replace("오전", "AM").replace("오후", "PM")
    return datetime.strptime(said, form)  # noqa: DTZ007 (the zone follows)


def _each(spec: dict[str, Any], where: str, zone: Any) -> Value:
    if "as" not in spec:
        raise ValueRefused(f'{where} needs "as": what each element becomes, with $item for the element.')
    look, make = compile_value(spec["$each"], where, zone), compile_value(spec["as"], f"{where}.as", zone)

    def each(scope: Scope) -> Any:
        found = look(scope)
        if found is MISSING or found is None:
            return MISSING
        items = found if isinstance(found, list) else [found]
        return [value for item in items if (value := make(Scope(scope.row, item))) is not MISSING]

    return each


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


#: Name → (maker, what may stand beside it).
OPERATORS: dict[str, tuple[Callable[[dict[str, Any], str, Any], Value], tuple[str, ...]]] = {
    "$const": (_const, ()),
    "$first": (_first, ()),
    "$join": (_join, ()),
    "$map": (_map, ("to", "else")),
    "$text": (_text, ()),
    "$number": (_number, ()),
    "$boolean": (_boolean, ()),
    "$time": (_time, ("format", "zone")),
    "$each": (_each, ("as",)),
}
