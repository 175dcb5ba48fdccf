"""The API's page: every operation in words, made from the same declarations as its routes, styled by the console's own files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, get_args

from dangol.console.api.korean import BODIES, DESCRIPTIONS, MEANINGS
from dangol.console.api.openapi import TAGS, fields, parameters, problems
from dangol.console.api.operations import PREFIX, Answer, Operation
from dangol.console.api.problems import TITLES, Kind, status_of
from dangol.console.django import CONTENT_SECURITY_POLICY
from dangol.operators import Role, who_may

#: Sentences of the page itself; those of operations stand with the operations.
WORDS = {
    "title": {"en": "API", "ko": "API"},
    "lead": {
        "en": "What programs may ask of Dangol, and how. Each answer follows the role of the token.",
        "ko": "프로그램이 Dangol에 무엇을 어떻게 물을 수 있는지 알려드려요. 답은 토큰의 역할을 따라요.",
    },
    "begin": {"en": "Begin", "ko": "시작하기"},
    "begin_text": {
        "en": "Make a token, send it as a bearer token, read a person:",
        "ko": "토큰을 만들어 Bearer 토큰으로 보내고, 한 사람을 읽어 보세요:",
    },
    "document": {"en": "The same as an OpenAPI 3.1 document", "ko": "같은 내용의 OpenAPI 3.1 문서"},
    "personal": {"en": "Personal data", "ko": "개인정보"},
    "personal_text": {
        "en": "It is masked unless the role may see it. unmask=1&why=… shows it to roles that may ask; every look is kept in the audit.",
        "ko": "역할이 허락하지 않으면 가려서 보여드려요. 볼 수 있는 역할은 unmask=1&why=… 로 이유를 남기고 볼 수 있고, 볼 때마다 감사 기록에 남아요.",
    },
    "parameter": {"en": "Parameter", "ko": "매개변수"},
    "meaning": {"en": "Meaning", "ko": "뜻"},
    "body": {"en": "Body", "ko": "본문"},
    "answer": {"en": "Answer", "ko": "답"},
    "needs": {"en": "Needs", "ko": "필요한 권한"},
    "nobody": {"en": "No token", "ko": "토큰 없이"},
    "everybody": {"en": "every role", "ko": "모든 역할"},
    "required": {"en": "required", "ko": "꼭 있어야 해요"},
    "may_answer": {"en": "May also answer", "ko": "이런 답도 할 수 있어요"},
    "problems": {"en": "Problems", "ko": "문제"},
    "problems_text": {
        "en": "What cannot be done is answered as problem+json (RFC 9457); code is stable, detail says what to do.",
        "ko": "할 수 없을 때는 problem+json(RFC 9457)으로 답해요. code는 바뀌지 않고, detail에 어떻게 하면 되는지 적혀 있어요.",
    },
    "back": {"en": "Console", "ko": "콘솔"},
    "other": {"en": "한국어", "ko": "English"},
    "operations": {"en": "Operations", "ko": "할 수 있는 일"},
}


@dataclass(frozen=True)
class Parameter:
    """A parameter, as the page shows it."""

    name: str
    where: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Shown:
    """An operation, as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    #: The roles that have it; empty: all of them.
    roles: list[str]
    parameters: list[Parameter]
    body: str
    answer: str
    problems: list[tuple[str, int]]


@dataclass(frozen=True)
class Section:
    """Operations of one subject."""

    name: str
    title: str
    operations: list[Shown]


@dataclass(frozen=True)
class Context:
    """Everything the page shows."""

    language: str
    theme: str
    words: dict[str, str]
    sections: list[Section]
    problems: list[tuple[str, int, str]]
    example: str


def docs_page(scope: Any, headers: dict[str, str], operations: Sequence[Operation], public_url: str) -> Answer:
    """The page, in the reader's language. Its example names the address that the reader came by, or *public_url*."""
    from django.template.loader import render_to_string  # noqa: PLC0415

    cookies = _cookies(headers.get("cookie", ""))
    asked = "en" if b"lang=en" in scope["query_string"] else "ko" if b"lang=ko" in scope["query_string"] else ""
    language = next((one for one in (asked, cookies.get("dangol_language"), headers.get("accept-language", "")[:2]) if one in ("ko", "en")), "ko")
    theme = cookies.get("dangol_theme", "system")
    address = public_url.rstrip("/") or f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1:8700')}"
    context = context_of(operations, language, theme if theme in ("light", "dark") else "system", address)
    html = render_to_string("api/docs.html", {"page": context})
    return Answer(200, html.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Language": language})


def context_of(operations: Sequence[Operation], language: str, theme: str, address: str) -> Context:
    """What the page shows in *language* (ko, en). *address*: of this console, such as https://dangol.brand.kr."""
    sections = [
        Section(tag, both[language], [_shown(operation, language) for operation in operations if operation.tag == tag])
        for tag, both in TAGS.items()
    ]
    return Context(
        language=language,
        theme=theme,
        words={name: both[language] for name, both in WORDS.items()},
        sections=sections,
        problems=[(kind.value, status_of(kind), TITLES[kind][language]) for kind in Kind],
        example=(
            "$ TOKEN=$(dangol token add storefront --role agent)\n"
            f'$ curl -H "Authorization: Bearer $TOKEN" {address}{PREFIX}/people/email:mina@brand.kr'
        ),
    )


def _shown(operation: Operation, language: str) -> Shown:
    return Shown(
        name=operation.name,
        method=operation.method,
        path=PREFIX + operation.path,
        summary=operation.summary[language],
        description=(DESCRIPTIONS[operation.name] if language == "ko" else " ".join(operation.description.split())).replace("`", ""),
        permission=operation.permission.value if operation.permission else "",
        roles=_roles(operation),
        parameters=[_parameter(one, operation, language) for one in [*parameters(operation), *fields(operation)]],
        body=operation.body.__name__ if operation.body is not None else "",
        answer=" | ".join(one.__name__ for one in get_args(operation.answer)) or operation.answer.__name__,
        problems=[(kind.value, status_of(kind)) for kind in problems(operation)],
    )


def _roles(operation: Operation) -> list[str]:
    may = who_may(operation.permission) if operation.permission else []
    return [] if len(may) == len(Role) else [role.value for role in may]


def _parameter(told: dict[str, Any], operation: Operation, language: str) -> Parameter:
    meaning = str(told.get("description", ""))
    if language == "ko":
        korean = BODIES[operation.body.__name__] if told["in"] == "body" and operation.body else MEANINGS
        meaning = korean.get(told["name"], meaning)
    kind = _kind(told["schema"]) + (f", {WORDS['required'][language]}" if told["in"] == "body" and told["required"] else "")
    return Parameter(told["name"], told["in"], kind, meaning.replace("`", ""))


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema or "allOf" in schema or "enum" in schema:
        return " | ".join(schema.get("enum", [])) or "string"
    kind = schema.get("format") or schema.get("type", "")
    return f"{kind} = {json.dumps(schema['default'])}" if schema.get("default") not in (None, "", []) else str(kind)


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
