"""Lifecycle: where in their life as a customer somebody stands, by ordered stages; read strictly, judged when a profile is read. Pure.

The first stage whose condition holds is the one. Every answer says why: which comparisons decided, and what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dangol.profiles.computed.conditions import CONDITIONS_MAX, DEPTH_MAX, Operator, compared, read_value
from dangol.profiles.computed.definitions import NAME, Computed, Function
from dangol.profiles.computed.reading import DefinitionRefused, labels, mapping, nearest, several, shown, text, whole
from dangol.profiles.computed.rules import ValueState

#: Stages of one brand at most.
STAGES_MAX = 30
#: A hundred years: more days than any condition means.
DAYS_MAX = 36_600
#: Moments that every person has, beside computed traits that are moments.
MOMENTS = ("first_seen", "last_seen")
DAY = timedelta(days=1)


class Subject(StrEnum):
    """What a comparison looks at."""

    COMPUTED = "computed"  #: The value of a computed trait.
    DAYS_SINCE = "days_since"  #: Full days since a moment: a computed trait that is one, first_seen or last_seen.
    DAYS_BETWEEN = "days_between"  #: Full days between the two newest moments of a list.
    HAS = "has"  #: Whether the person has an identifier of one of these types.
    HAS_NOT = "has_not"  #: Whether the person has none of these.


_COMPARED = (Subject.COMPUTED, Subject.DAYS_SINCE, Subject.DAYS_BETWEEN)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison."""

    subject: Subject
    #: Name of a computed trait or moment; "" for has and has_not.
    name: str = ""
    operator: Operator = Operator.EXISTS
    #: What it is compared with; types of identifiers for has and has_not.
    value: Any = True


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of them hold."""

    parts: tuple[When, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds."""

    parts: tuple[When, ...]


When = Check | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the brand's lifecycle."""

    name: str
    #: None: it holds for everybody that no stage before it took.
    when: When | None
    label: dict[str, str] = field(default_factory=dict)

    def called(self, language: str) -> str:
        """What it is called on screen."""
        return self.label.get(language) or self.label.get("en") or self.name


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person's stage is judged by."""

    #: Name -> (value, state) of every computed trait; moments are aware datetimes.
    values: Mapping[str, tuple[Any, ValueState]]
    #: Types of the person's identifiers.
    identifiers: frozenset[str]
    first_seen: datetime | None
    last_seen: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Because:
    """A comparison that decided, and what was seen."""

    check: Check
    #: Days, a value, or the types of identifiers found; None: there is none.
    seen: Any


class StageState(StrEnum):
    """What a stage is worth."""

    READY = "ready"  #: It follows from all events.
    FILLING = "filling"  #: A computed trait that it needs is still being filled from history; there is no stage yet.
    NONE = "none"  #: No stage of the brand's rules fits, or there are none.


@dataclass(frozen=True, slots=True)
class Judged:
    """A person's stage and why."""

    stage: Stage | None
    state: StageState
    because: tuple[Because, ...] = ()


def read_lifecycle(section: Any, computed: Mapping[str, Computed], path: Sequence[str] = ("lifecycle",)) -> tuple[Stage, ...]:
    """The section `lifecycle`: {stage: {label, when}} in order; None: there are no stages. Raises: DefinitionRefused."""
    if section is None:
        return ()
    if not isinstance(section, dict) or len(section) > STAGES_MAX:
        raise DefinitionRefused(path, f"is {shown(section)}, must be a mapping from at most {STAGES_MAX} stages to what each means, in order.")
    stages: list[Stage] = []
    for name, part in section.items():
        here = [*path, str(name)]
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise DefinitionRefused(here, "is no name for a stage: small letters, digits and _, beginning with a letter, at most 50.")
        found = mapping(part, here, ("label", "when"))
        if stages and stages[-1].when is None:
            raise DefinitionRefused(here, f"is never reached: {stages[-1].name} before it has no `when` and takes everybody.")
        when = _read_when(found["when"], [*here, "when"], computed) if found.get("when") is not None else None
        stages.append(Stage(name, when, labels(found.get("label"), [*here, "label"])))
    return tuple(stages)


def _read_when(value: Any, path: Sequence[str], computed: Mapping[str, Computed], depth: int = 1) -> When:
    if depth > DEPTH_MAX:
        raise DefinitionRefused(path, f"lies {depth} deep, must be at most {DEPTH_MAX} deep.")
    if isinstance(value, list):
        return AllOf(_parts(value, path, computed, depth))
    if isinstance(value, dict) and set(value) in ({"and"}, {"or"}):
        key = next(iter(value))
        parts = _parts(value[key], [*path, key], computed, depth)
        return AllOf(parts) if key == "and" else AnyOf(parts)
    found = mapping(value, path, [*Subject, *Operator, "and", "or"])
    subjects = [key for key in found if key in list(Subject)]
    if len(subjects) != 1:
        raise DefinitionRefused(path, f"must have exactly one of {', '.join(Subject)}; or be {{and: […]}} or {{or: […]}} alone.")
    subject = Subject(subjects[0])
    operators = [key for key in found if key != subject]
    if subject not in _COMPARED:
        if operators:
            raise DefinitionRefused([*path, operators[0]], f"has no place here: {subject} stands alone with types of identifiers.")
        types = several(found[subject], [*path, subject])
        return Check(subject, value=tuple(text(one, [*path, subject], longest=80) for one in types))
    if len(operators) != 1 or operators[0] in ("and", "or"):
        raise DefinitionRefused(path, f"must have {subject} and one of {', '.join(Operator)}.")
    return _comparison(subject, found, Operator(operators[0]), path, computed)


def _comparison(
    subject: Subject, found: dict[str, Any], operator: Operator, path: Sequence[str], computed: Mapping[str, Computed]
) -> Check:
    name = text(found[subject], [*path, subject], longest=50)
    here = [*path, subject]
    known = [*computed, *MOMENTS] if subject is Subject.DAYS_SINCE else list(computed)
    if name not in known:
        listed = ", ".join(known) or "none: the section computed is empty"
        raise DefinitionRefused(here, f"is {name!r}, which is no computed trait of these rules{nearest(name, known)}; there are {listed}.")
    trait = computed.get(name)
    if trait is not None and subject is Subject.DAYS_SINCE and not (trait.is_time and trait.function is not Function.LIST):
        raise DefinitionRefused(here, f"is {name}, which is no moment: it must be function first or last without a property.")
    if trait is not None and subject is Subject.DAYS_BETWEEN and not (trait.is_time and trait.function is Function.LIST and trait.keep > 1):
        raise DefinitionRefused(here, f"is {name}, which is no list of moments: it must be function list without a property, keep 2 or more.")
    if subject is Subject.COMPUTED or operator is Operator.EXISTS:
        return Check(subject, name, operator, read_value(operator, found[operator], [*path, operator]))
    if operator in (Operator.CONTAINS, Operator.IN, Operator.NOT):
        raise DefinitionRefused([*path, operator], "does not fit days; use equals, >, >=, < or <=.")
    return Check(subject, name, operator, whole(found[operator], [*path, operator], least=0, most=DAYS_MAX))


def _parts(value: Any, path: Sequence[str], computed: Mapping[str, Computed], depth: int) -> tuple[When, ...]:
    found = several(value, path)
    if len(found) > CONDITIONS_MAX:
        raise DefinitionRefused(path, f"has {len(found)} conditions, must have at most {CONDITIONS_MAX}.")
    return tuple(_read_when(one, [*path, str(index)], computed, depth + 1) for index, one in enumerate(found))


class _NotYet(Exception):
    """A computed trait is still being filled."""


def judge(stages: Sequence[Stage], standing: Standing) -> Judged:
    """The first stage whose condition holds, and the comparisons that made it hold."""
    try:
        for stage in stages:
            if stage.when is None:
                return Judged(stage, StageState.READY)
            held, because = _holds(stage.when, standing)
            if held:
                return Judged(stage, StageState.READY, because)
    except _NotYet:
        return Judged(None, StageState.FILLING)
    return Judged(None, StageState.NONE)


def _holds(when: When, standing: Standing) -> tuple[bool, tuple[Because, ...]]:
    """Whether it holds, and which comparisons make it so."""
    if isinstance(when, Check):
        held, seen = _check(when, standing)
        return held, (Because(when, seen),)
    everything = isinstance(when, AllOf)
    reasons: list[Because] = []
    for part in when.parts:
        held, because = _holds(part, standing)
        if everything and not held:
            return False, ()
        if held:
            reasons += because
    return everything or bool(reasons), tuple(reasons)


def _check(check: Check, standing: Standing) -> tuple[bool, Any]:
    if check.subject in (Subject.HAS, Subject.HAS_NOT):
        found = tuple(sorted(standing.identifiers.intersection(check.value)))
        return bool(found) is (check.subject is Subject.HAS), found
    seen = _seen(check, standing)
    if check.operator is Operator.EXISTS:
        return (seen is not None and seen != []) is check.value, seen
    if check.operator is Operator.NOT:
        return not any(compared(Operator.EQUALS, seen, one) for one in check.value), seen
    if check.operator is Operator.IN:
        return any(compared(Operator.EQUALS, seen, one) for one in check.value), seen
    return compared(check.operator, seen, check.value), seen


def _seen(check: Check, standing: Standing) -> Any:
    if check.name in MOMENTS and check.subject is Subject.DAYS_SINCE:
        return _days(standing.now, standing.first_seen if check.name == "first_seen" else standing.last_seen)
    value, state = standing.values.get(check.name, (None, ValueState.FILLING))
    if state is ValueState.FILLING:
        raise _NotYet
    if check.subject is Subject.DAYS_SINCE:
        return _days(standing.now, value)
    if check.subject is Subject.DAYS_BETWEEN:
        return _days(value[0], value[1]) if isinstance(value, list) and len(value) > 1 else None
    return value


def _days(later: datetime, earlier: datetime | None) -> int | None:
    return None if earlier is None else max(0, (later - earlier) // DAY)
