"""Problems: what an API answer says when it cannot do what was asked. Source: RFC 9457 (problem details for HTTP APIs)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec

#: Where each kind of problem is explained.
DOCS = "/api/docs"
MEDIA_TYPE = "application/problem+json"


class Kind(StrEnum):
    """Kinds of problems; programs may rely on them."""

    NOT_SIGNED_IN = "not_signed_in"  #: No valid token or session came with the request.
    NOT_ALLOWED = "not_allowed"  #: The role of the token or operator does not allow this.
    FORM_EXPIRED = "form_expired"  #: A change from a browser without the console's CSRF token.
    PASSWORD_CHANGE = "password_change"  #: The operator must choose a password of their own first.  # noqa: S105
    NO_SUCH_PLACE = "no_such_place"  #: The API has nothing at this address.
    METHOD_NOT_HERE = "method_not_here"  #: The address exists, but not for this method.
    BAD_PARAMETER = "bad_parameter"  #: A part of the address or the query cannot be understood.
    BAD_BODY = "bad_body"  #: The body is not the JSON that this operation reads.
    BODY_TOO_LARGE = "body_too_large"  #: The body is larger than the API reads.
    NOT_FOUND = "not_found"  #: The person, event, source or version that was named is not known.
    REFUSED = "refused"  #: It was understood, but Dangol refuses it; the detail says what to do.
    TOO_MANY_REQUESTS = "too_many_requests"  #: The token has used up its requests for this minute.
    NOT_NOW = "not_now"  #: A store that the answer needs is down or busy. Ask again.
    BROKEN = "broken"  #: Dangol itself failed. The fault is noted in its log.


_STATUS: dict[Kind, HTTPStatus] = {
    Kind.NOT_SIGNED_IN: HTTPStatus.UNAUTHORIZED,
    Kind.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Kind.FORM_EXPIRED: HTTPStatus.FORBIDDEN,
    Kind.PASSWORD_CHANGE: HTTPStatus.FORBIDDEN,
    Kind.NO_SUCH_PLACE: HTTPStatus.NOT_FOUND,
    Kind.METHOD_NOT_HERE: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.BAD_PARAMETER: HTTPStatus.BAD_REQUEST,
    Kind.BAD_BODY: HTTPStatus.BAD_REQUEST,
    Kind.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.NOT_NOW: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.BROKEN: HTTPStatus.INTERNAL_SERVER_ERROR,
}

#: In words, for people: English and Korean.
TITLES: dict[Kind, dict[str, str]] = {
    Kind.NOT_SIGNED_IN: {"en": "No valid token", "ko": "올바른 토큰이 없어요"},
    Kind.NOT_ALLOWED: {"en": "Your role does not allow this", "ko": "이 역할로는 할 수 없어요"},
    Kind.FORM_EXPIRED: {"en": "The page is too old for this change", "ko": "화면이 오래되어 바꿀 수 없어요"},
    Kind.PASSWORD_CHANGE: {"en": "Choose your own password first", "ko": "먼저 비밀번호를 바꿔 주세요"},
    Kind.NO_SUCH_PLACE: {"en": "Nothing at this address", "ko": "이 주소에는 아무것도 없어요"},
    Kind.METHOD_NOT_HERE: {"en": "Not with this method", "ko": "이 방식으로는 부를 수 없어요"},
    Kind.BAD_PARAMETER: {"en": "A parameter cannot be understood", "ko": "매개변수를 이해할 수 없어요"},
    Kind.BAD_BODY: {"en": "The body cannot be understood", "ko": "본문을 이해할 수 없어요"},
    Kind.BODY_TOO_LARGE: {"en": "The body is too large", "ko": "본문이 너무 커요"},
    Kind.NOT_FOUND: {"en": "Not known", "ko": "찾을 수 없어요"},
    Kind.REFUSED: {"en": "Refused", "ko": "받아들일 수 없어요"},
    Kind.TOO_MANY_REQUESTS: {"en": "Too many requests", "ko": "요청이 너무 많아요"},
    Kind.NOT_NOW: {"en": "Not available right now", "ko": "지금은 답할 수 없어요"},
    Kind.BROKEN: {"en": "Dangol failed", "ko": "Dangol에 문제가 생겼어요"},
}


@dataclass
class Problem(Exception):
    """An answer that says why not."""

    kind: Kind
    #: What was seen, what was expected, what to do next.
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    #: Further members, for programs.
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP status."""
        return int(_STATUS[self.kind])

    def body(self, instance: str = "") -> bytes:
        """As problem+json."""
        return msgspec.json.encode(
            {
                "type": f"{DOCS}#problem-{self.kind}",
                "title": TITLES[self.kind]["en"],
                "status": self.status,
                "detail": self.detail,
                "code": self.kind.value,
                **({"instance": instance} if instance else {}),
                **self.more,
            }
        )


def status_of(kind: Kind) -> int:
    """The HTTP status that a kind of problem is answered with."""
    return int(_STATUS[kind])
