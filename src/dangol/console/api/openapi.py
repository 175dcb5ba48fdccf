"""The description of the API in OpenAPI 3.1, made from the same declarations as its routes."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from dangol import __version__
from dangol.console.api.operations import PREFIX, Operation
from dangol.console.api.problems import MEDIA_TYPE, TITLES, Kind, status_of
from dangol.operators import who_may

#: What any operation that asks who you are may answer.
USUAL = (
    Kind.BAD_PARAMETER, Kind.NOT_SIGNED_IN, Kind.NOT_ALLOWED, Kind.METHOD_NOT_HERE, Kind.BODY_TOO_LARGE, Kind.TOO_MANY_REQUESTS,
    Kind.NOT_NOW,
)  # fmt: skip
_REF = "#/components/schemas/{name}"
TAGS = {
    "people": {"en": "People", "ko": "고객"},
    "traits": {"en": "Trait rules", "ko": "특성 규칙"},
    "groups": {"en": "Groups", "ko": "그룹"},
    "identity": {"en": "Identity", "ko": "식별"},
    "receipts": {"en": "Receipts", "ko": "영수증"},
    "quarantine": {"en": "Quarantine", "ko": "격리"},
    "sources": {"en": "Sources", "ko": "소스"},
    "plan": {"en": "Tracking plan", "ko": "수집 계획"},
    "catalogue": {"en": "Standard data model", "ko": "표준 데이터 모델"},
    "facts": {"en": "Facts", "ko": "사실"},
    "feed": {"en": "Change feed", "ko": "변경 피드"},
    "subscriptions": {"en": "Webhooks", "ko": "웹훅"},
    "health": {"en": "Health", "ko": "상태"},
    "status": {"en": "Status", "ko": "현황"},
    "audit": {"en": "Audit", "ko": "감사 기록"},
}
_PROBLEM = {
    "type": "object",
    "description": "A problem as RFC 9457 describes it. `detail` says what was seen, what was expected and what to do.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": [kind.value for kind in Kind]},
        "instance": {"type": "string"},
    },
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document, as JSON value."""
    shapes = [shape for operation in operations for shape in (operation.answer, operation.body) if shape is not None]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(shapes)), ref_template=_REF)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dangol",
            "version": __version__,
            "summary": "One person's view over every channel, and everything that leads to it.",
            "description": (
                "Send a token as `Authorization: Bearer …`; `dangol token add NAME --role ROLE` makes one. Its role decides what may be asked "
                "(`x-roles`) and whether personal data is shown. What cannot be done is answered as application/problem+json. Times are UTC."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "tags": [{"name": name, "description": f"{both['en']} · {both['ko']}"} for name, both in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "dangol token add NAME --role ROLE"}},
        },
    }


def parameters(operation: Operation) -> list[dict[str, Any]]:
    """Parameters of the address and the query."""
    found: list[dict[str, Any]] = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **_example(part[1:-1])}
        for part in operation.segments
        if part.startswith("{")
    ]
    if operation.query is not None:
        (reference,), components = msgspec.json.schema_components([operation.query], ref_template=_REF)
        schema = components[reference["$ref"].rpartition("/")[2]]
        required = schema.get("required", [])
        for name, inner in schema["properties"].items():
            shape = {key: value for key, value in inner.items() if key != "description"}
            found.append({"name": name, "in": "query", "required": name in required, "schema": shape, **_described(inner)})
    return found


def fields(operation: Operation) -> list[dict[str, Any]]:
    """Fields of the body, told as parameters are."""
    if operation.body is None:
        return []
    (reference,), components = msgspec.json.schema_components([operation.body], ref_template=_REF)
    schema = components[reference["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "body", "required": name in required, "schema": inner, **_described(inner)}
        for name, inner in schema["properties"].items()
    ]


def problems(operation: Operation) -> list[Kind]:
    """Every kind of problem that the operation may answer with."""
    usual = USUAL if operation.permission is not None else (Kind.BAD_PARAMETER, Kind.METHOD_NOT_HERE, Kind.BODY_TOO_LARGE, Kind.NOT_NOW)
    body = (Kind.BAD_BODY, Kind.REFUSED) if operation.body is not None else ()
    refused = (Kind.REFUSED, Kind.NOT_FOUND) if "{" in operation.path or operation.query is not None else ()
    return list(dict.fromkeys([*usual, *body, *refused, *operation.problems]))


def _operation(operation: Operation) -> dict[str, Any]:
    (answer,), _ = msgspec.json.schema_components([operation.answer], ref_template=_REF)
    content: dict[str, Any] = {"application/json": {"schema": answer}}
    if operation.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {str(operation.status): {"description": operation.summary["en"], "content": content}}
    if operation.also:
        responses[str(operation.also)] = {"description": operation.also_when, "content": content}
    for kind in problems(operation):
        known = responses.setdefault(str(status_of(kind)), {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}}})
        known["description"] = "; ".join(filter(None, [known["description"], f"{TITLES[kind]['en']} ({kind})"]))
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary["en"],
        "description": f"{cleandoc(operation.description)}\n\n{operation.summary['ko']}",
        "parameters": parameters(operation),
        "responses": responses,
    }
    if operation.permission is None:
        described["security"] = []
    else:
        described["x-permission"] = operation.permission.value
        described["x-roles"] = [role.value for role in who_may(operation.permission)]
    if operation.body is not None:
        (body,), _ = msgspec.json.schema_components([operation.body], ref_template=_REF)
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def _described(schema: dict[str, Any]) -> dict[str, str]:
    said = [one["description"] for one in (schema, *schema.get("anyOf", ())) if "description" in one]
    return {"description": said[0]} if said else {}


#: What the variable parts of addresses are.
PARTS = {
    "person": "TYPE:VALUE, or person:ID for any id that the person ever had.",
    "message_id": "The event's messageId, as its sender gave it.",
    "key": "The key that lists show, or the event's messageId.",
    "name": "The name it was given.",
    "event": "The event's name, or identify, page, screen, group, alias.",
    "group_id": "The groupId of group calls, exactly as it was sent.",
    "decision": "The number that a split or merge was answered with.",
    "version": "The number of a version of the rule set.",
    "run": "The number that trying or applying a rule set was answered with.",
    "suggestion": "The number of a suggestion, as its list shows it.",
    "trait": "The name of a computed trait; GET /api/v1/traits lists them.",
    "position": "A position of the feed; `seq` of a timeline's event.",
}


def _example(name: str) -> dict[str, Any]:
    examples = {"person": "email:mina@brand.kr", "event": "Order Completed", "name": "web", "message_id": "ajs-next-1732162800000-7d3b1c9e"}
    return {"description": PARTS[name], **({"example": examples[name]} if name in examples else {})}
