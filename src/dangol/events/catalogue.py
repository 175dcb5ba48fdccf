"""The standard data model: what services tell each other about, and the events that tell it, in both languages.

The catalogue describes. It is enforced only where a brand turns an entry into a version of its tracking plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Field:
    """A property with one meaning wherever it stands."""

    name: str
    #: JSON Schema of its value.
    schema: Mapping[str, Any]
    #: {"ko": …, "en": …}
    description: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that services talk about."""

    name: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    fields: tuple[Field, ...]
    #: Names of the fields that identify one.
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueEvent:
    """An event with a meaning that is the same in every service."""

    name: str
    entity: str
    description: Mapping[str, str]
    fields: tuple[Field, ...]
    required: tuple[str, ...]
    #: Properties that one line of a timeline says in words.
    digest: tuple[str, ...]
    #: segment (the commerce events of the Segment spec) or omnichannel.
    origin: str

    @property
    def schema(self) -> dict[str, Any]:
        """As a plan version: further properties are allowed, those named must fit."""
        properties: dict[str, Any] = {"type": "object", "properties": {one.name: dict(one.schema) for one in self.fields}}
        if self.required:
            properties["required"] = list(self.required)
        return {"properties": properties}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything in the standard data model, with its version."""

    version: str
    entities: Mapping[str, Entity]
    events: Mapping[str, CatalogueEvent]


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with this version of Dangol."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times faster where libyaml is
    content = yaml.load(files(__package__).joinpath("catalogue.yaml").read_bytes(), Loader=loader)  # noqa: S506
    fields = {name: _field(name, given) for name, given in content["fields"].items()}
    entities = {
        name: Entity(name, given["title"], _both(given), tuple(fields[one] for one in given["fields"]), tuple(given["keys"]))
        for name, given in content["entities"].items()
    }
    events = {name: _event(name, given, fields) for name, given in content["events"].items()}
    return Catalogue(str(content["version"]), entities, events)


def catalogue_event(name: str) -> CatalogueEvent | None:
    """What the catalogue says of the event *name*, None when it does not know it."""
    return catalogue().events.get(name)


@cache
def digest_keys(event_name: str) -> tuple[str, ...]:
    """The properties that a timeline sentence about *event_name* needs; the usual ones for an event nobody described."""
    entry = catalogue_event(event_name)
    return entry.digest if entry else USUAL_DIGEST


#: For events that are not in the catalogue.
USUAL_DIGEST = ("name", "product_id", "sku", "order_id", "value", "total", "currency", "store_id", "title", "path", "query", "status")


def _field(name: str, given: list[Any]) -> Field:
    kind, korean, english = given
    return Field(name, _schema(kind), {"ko": korean, "en": english})


def _event(name: str, given: Mapping[str, Any], fields: Mapping[str, Field]) -> CatalogueEvent:
    names = [one.removesuffix("!") for one in given["fields"]]
    return CatalogueEvent(
        name=name,
        entity=given["entity"],
        description=_both(given),
        fields=tuple(fields[one] for one in names),
        required=tuple(one.removesuffix("!") for one in given["fields"] if one.endswith("!")),
        digest=tuple(given["digest"]),
        origin=given.get("origin", "omnichannel"),
    )


def _both(given: Mapping[str, Any]) -> dict[str, str]:
    return {"ko": given["ko"], "en": given["en"]}


#: Short names of the types in catalogue.yaml.
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "id": {"type": ["string", "integer"]},
    "number": {"type": "number"},
    "money": {"type": "number"},
    "count": {"type": "integer", "minimum": 0},
    "flag": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "object": {"type": "object"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "products": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}, "quantity": {"type": "number"}}}},
}


def _schema(kind: Any) -> dict[str, Any]:
    if isinstance(kind, list):
        return {"enum": kind}
    return _TYPES[kind]
