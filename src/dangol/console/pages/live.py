"""Live: what is arriving right now?"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.pages.home import fate_words
from dangol.console.pages.person import raw_event
from dangol.console.sentence_table import CHANNELS
from dangol.console.sentences import say
from dangol.console.shell import is_partial, show
from dangol.console.store import raw, settings
from dangol.engines.lake import open_lake
from dangol.engines.lake.tail import floor
from dangol.events import Context, to_datetime
from dangol.events.facts import Fact, FactKind
from dangol.events.ports import SEQ_BITS
from dangol.intake.digest import digest_of
from dangol.intake.sources import SourceView, sources
from dangol.intake.volumes import newest_position
from dangol.operators import Permission
from dangol.privacy import mask_json, mask_text
from dangol.profiles.reads import person_of

#: Events on the page.
SHOWN = 60
#: Facts looked at for one answer.
LOOKED_AT = 4000
#: Facts looked at by one look of a stream; when more came, it goes on at the newest and says so.
STREAMED = 2000
#: How far back the first look goes, in batches, until it has enough.
BACK = (2, 20, 200, 2000)

#: Seconds after which a stream asks again whom its person filter means: people are joined while one watches.
WANTED_SECONDS = 10.0
#: A position has fewer digits.
POSITION_DIGITS = 19

#: The facts that are about an event from outside, and the fate they tell.
FATE_OF = {
    FactKind.EVENT_APPLIED.value: "applied",
    FactKind.EVENT_TAGGED.value: "tagged",
    FactKind.EVENT_DUPLICATED.value: "duplicate",
    FactKind.EVENT_QUARANTINED.value: "quarantined",
    FactKind.EVENT_SUPPRESSED.value: "suppressed",
}


@dataclass(frozen=True, kw_only=True)
class Live:
    """Context of pages/live.html and of its rows."""

    lines: list[dict[str, Any]]
    #: Position in the change feed after the last fact looked at.
    position: int
    filters: list[dict[str, Any]]
    filtered: bool
    #: The person filter names nobody.
    nobody: bool
    #: The filters as a query, for the stream.
    query: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody watches; empty: all."""

    source: str = ""
    fate: str = ""
    name: str = ""
    person: bytes | None = None


@require_GET
@needs(Permission.LIVE_SEE)
def live(request: HttpRequest) -> HttpResponse:
    """The page; with `after`, only what came since that position: for browsers that cannot have the stream."""
    given = request.GET
    who = given.get("person", "").strip()
    wanted = _wanted(given)
    known = {source.id: source for source in sources(raw())}
    nobody = bool(who) and wanted.person is None
    after = int(given["after"]) if given.get("after", "").isdigit() else None
    facts, position = ([], after or newest_position(raw(), 0)) if nobody else _since(after, wanted, known)
    page = Live(
        lines=[_line(fact, known, translation.get_language() or "ko") for fact in reversed(facts[-SHOWN:])],
        position=position,
        filters=_filters(wanted, known, who),
        filtered=any((wanted.source, wanted.fate, wanted.name, who)),
        nobody=nobody,
        query=urlencode({name: given[name] for name in ("name", "person", "source", "fate") if given.get(name)}),
    )
    if not is_partial(request):
        return show(request, "pages/live.html", page)
    response = show(request, "pages/live_rows.html" if after is not None else "pages/live_list.html", page)
    response["X-Position"] = str(position)
    return response


@require_GET
@needs(Permission.LIVE_SEE)
def one(request: HttpRequest, seq: int) -> HttpResponse:
    """One event whole, personal data masked."""
    fact = open_lake(settings()).get(raw(), [seq]).get(seq)
    if fact is None:
        raise Http404
    person = person_of(raw(), "person", str(UUID(bytes=fact.node))) if fact.node else None
    return show(request, "pages/raw_event.html", raw_event(fact, clear=False, person_id=person))


class Watch:
    """The rows that arrive, for one browser; dangol.console.streaming calls it twice a second."""

    def __init__(self, query: dict[str, str], language: str, last_id: str, _role: str) -> None:
        self._query, self._language = query, language
        after = last_id or query.get("after", "")
        # Who comes back after a long while goes on shortly before the end.
        known = after.isdecimal() and len(after) < POSITION_DIGITS
        self._position = max(int(after), newest_position(raw(), BACK[-1])) if known else _head()
        self._wanted: Wanted | None = None
        self._asked_at = 0.0

    def look(self) -> bytes:
        """The rows that came, as {n, html, skipped}; the event's id is the position, where a browser that comes back goes on."""
        connection = raw()
        if self._position >= _head():
            return b""
        if self._wanted is None or time.monotonic() - self._asked_at > WANTED_SECONDS:
            self._wanted, self._asked_at = _wanted(self._query), time.monotonic()
        if self._query.get("person") and self._wanted.person is None:
            return b""
        facts = open_lake(settings()).feed(connection, self._position, STREAMED)
        if not facts:
            return b""
        known = {source.id: source for source in sources(connection)}
        fitting = _fitting(facts, self._wanted, known)
        self._position = facts[-1].seq
        skipped = len(facts) >= STREAMED and newest_position(connection, 1) > self._position
        if skipped:
            self._position = newest_position(connection, 1)
        if not fitting and not skipped:
            return b"id: %d\n\n" % self._position
        with translation.override(self._language):
            lines = [_line(fact, known, self._language) for fact in reversed(fitting[-SHOWN:])]
            html = render_to_string("pages/live_rows.html", {"lines": lines})
        data = json.dumps({"n": len(fitting), "html": html, "skipped": skipped}, ensure_ascii=False).encode()
        return b"id: %d\nevent: rows\ndata: %s\n\n" % (self._position, data)


def _head() -> int:
    """The position after everything that is told by now."""
    return ((floor(raw()) + 1) << SEQ_BITS) - 1


def _wanted(given: Mapping[str, str]) -> Wanted:
    person = _person(given.get("person", "").strip())
    return Wanted(given.get("source", ""), given.get("fate", ""), given.get("name", "").strip(), person.bytes if person else None)


def _person(text: str) -> UUID | None:
    kind, colon, value = text.partition(":")
    if not colon:
        kind, value = ("email" if "@" in text else "person" if len(text) > 30 else "user_id"), text
    return person_of(raw(), kind.strip(), value.strip()) if value.strip() else None


def _since(after: int | None, wanted: Wanted, known: dict[int, SourceView]) -> tuple[list[Fact], int]:
    lake, connection = open_lake(settings()), raw()
    if after is not None:
        facts = lake.feed(connection, after, LOOKED_AT)
        return _fitting(facts, wanted, known), facts[-1].seq if facts else after
    fitting: list[Fact] = []
    position = 0
    for batches in BACK:
        position = newest_position(connection, batches)
        fitting = []
        while facts := lake.feed(connection, position, LOOKED_AT):
            fitting = (fitting + _fitting(facts, wanted, known))[-SHOWN:]
            position = facts[-1].seq
        if len(fitting) >= SHOWN or newest_position(connection, batches) == 0:
            break
    return fitting, position


def _fitting(facts: list[Fact], wanted: Wanted, known: dict[int, SourceView]) -> list[Fact]:
    def fits(fact: Fact) -> bool:
        fate = FATE_OF.get(fact.fact)
        source = known.get(fact.source)
        return (
            fate is not None
            and (not wanted.fate or fate == wanted.fate)
            and (not wanted.source or (source is not None and source.name == wanted.source))
            and (not wanted.name or any(wanted.name.casefold() in text.casefold() for text in (fact.name, fact.type)))
            and (wanted.person is None or wanted.person in (fact.person, fact.node))
        )

    return [fact for fact in facts if fits(fact)]


def _line(fact: Fact, known: dict[int, SourceView], language: str) -> dict[str, Any]:
    source = known.get(fact.source)
    channel = source.kind if source else "other"
    name = mask_text(fact.name)
    sentence = say(fact.type, name, channel, mask_json(_digest(fact)), language)
    fate = FATE_OF[fact.fact]
    return {
        "seq": fact.seq, "at": to_datetime(fact.received_at), "source": source.name if source else "", "channel_icon": CHANNELS[channel].icon,
        "text": sentence.text, "icon": sentence.icon, "tone": sentence.tone, "name": name or fact.type, "fate": fate,
        "fate_word": {**fate_words(), "tagged": _("does not fit the plan")}[fate], "reason": fact.reason,
    }  # fmt: skip


def _digest(fact: Fact) -> dict[str, Any]:
    try:
        body = json.loads(fact.body)
        properties = body.get("properties") or body.get("traits") or {}
        context = msgspec.convert(body.get("context") or {}, Context, strict=False)
        made = digest_of(properties if isinstance(properties, dict) else {}, context)
        found = json.loads(made) if made else {}
    except (ValueError, AttributeError, msgspec.ValidationError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _filters(wanted: Wanted, known: dict[int, SourceView], who: str) -> list[dict[str, Any]]:
    fates = [*fate_words().items(), ("tagged", _("does not fit the plan"))]
    return [
        {"name": "name", "label": _("Event name"), "value": wanted.name, "placeholder": _("Event name")},
        {"name": "person", "label": _("Person"), "value": who, "placeholder": _("Person, e.g. user_id:m-1024")},
        {
            "name": "source",
            "label": _("Source"),
            "value": wanted.source,
            "options": [("", _("All sources")), *((one.name, one.name) for one in known.values())],
        },
        {"name": "fate", "label": _("Fate"), "value": wanted.fate, "options": [("", _("All fates")), *fates]},
    ]
