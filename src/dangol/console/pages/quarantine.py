"""Quarantine: which events wait for somebody, why, and how do they get on their way again?"""

from __future__ import annotations

import difflib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol.console.access import allowed, needs
from dangol.console.reasons import ReasonWords, detail_words, reason_words
from dangol.console.redaction import restored
from dangol.console.refusal_words import told
from dangol.console.shell import address_of, flash, is_partial, show
from dangol.console.store import raw, settings
from dangol.console.table_files import counted, note_file, table_file, wants_file
from dangol.engines.log import open_log
from dangol.intake import quarantine as room
from dangol.intake.quarantine import QuarantineEntry, QuarantineFilter, QuarantineRefused, QuarantineState, ReplayOutcome
from dangol.intake.sources import sources
from dangol.operators import Permission
from dangol.privacy import mask_json, mask_text, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dangol.intake.ports import LogWriter

#: Events on one page.
PAGE = 50
#: Events that "all of this reason" takes in one go.
ALL_MAX = 5000


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Context of pages/quarantine.html and its list."""

    tabs: list[dict[str, Any]]
    state: str
    reason: str
    words: ReasonWords | None
    reasons: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    next: str | None
    filters: list[dict[str, Any]]
    #: How it is sorted by time: ascending or descending; and the `order` that turns it round.
    order: str
    other_order: str
    #: How many events fit the filters, over all pages.
    total: int
    may_settle: bool
    #: Whether anything ever was quarantined, for the empty page.
    nothing: bool


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Context of pages/quarantined.html."""

    line: Any
    words: ReasonWords
    detail: str
    #: The original as text, personal data masked.
    original: str
    #: What the editor holds.
    edited: str
    readable: bool
    may_settle: bool
    errors: dict[str, str] = field(default_factory=dict)
    verdict: dict[str, Any] | None = None
    diff: list[dict[str, str]] = field(default_factory=list)


@require_GET
@needs(Permission.QUARANTINE_SEE)
def queue(request: HttpRequest) -> HttpResponse:
    """The queue, grouped by reason."""
    given = request.GET
    state = given.get("state", "") if given.get("state") in ("replayed", "dismissed") else QuarantineState.OPEN.value
    oldest_first = given.get("order") == "oldest"
    wanted = QuarantineFilter(given.get("reason", ""), given.get("source", ""), given.get("name", "").strip(), state, oldest_first)
    if wants_file(request):
        return _file(request, wanted)
    try:
        page = room.quarantined(raw(), wanted, cursor=given.get("after"), limit=PAGE)
    except QuarantineRefused:
        raise Http404 from None
    counts = room.quarantine_reasons(raw(), state)
    answer = Queue(
        tabs=_tabs(state),
        state=state,
        reason=wanted.reason,
        words=reason_words(wanted.reason) if wanted.reason else None,
        reasons=[{"reason": one.reason, "title": reason_words(one.reason).title, "n": one.n, "newest": one.newest} for one in counts],
        lines=[
            {"line": _shown(line), "title": reason_words(line.reason).title, "detail": detail_words(line.reason, mask_text(line.detail))}
            for line in page.entries
        ],
        next=page.next,
        filters=_filters(wanted),
        order="ascending" if oldest_first else "descending",
        other_order="" if oldest_first else "oldest",
        total=room.quarantined_count(raw(), wanted),
        may_settle=allowed(request, Permission.QUARANTINE_SETTLE),
        nothing=not counts and state == QuarantineState.OPEN and not wanted.source and not wanted.event_name,
    )
    if not is_partial(request):
        return show(request, "pages/quarantine.html", answer)
    return show(request, "pages/quarantine_rows.html" if given.get("after") else "pages/quarantine_list.html", answer)


def _filters(wanted: QuarantineFilter) -> list[dict[str, Any]]:
    names = room.quarantine_names(raw(), wanted.state)
    if wanted.event_name and wanted.event_name not in names:
        names.append(wanted.event_name)
    return [
        {
            "name": "source",
            "label": _("Source"),
            "value": wanted.source,
            "options": [("", _("All sources")), *((one.name, one.name) for one in sources(raw()))],
        },
        {"name": "name", "label": _("Event name"), "value": wanted.event_name, "options": [("", _("All events")), *((one, mask_text(one)) for one in names)]},
        {"name": "state", "value": wanted.state if wanted.state != QuarantineState.OPEN else "", "kept": True},
        {"name": "reason", "value": wanted.reason, "kept": True},
        {"name": "order", "value": "oldest" if wanted.oldest_first else "", "kept": True},
    ]


def _file(request: HttpRequest, wanted: QuarantineFilter) -> HttpResponse:
    """The events that are listed, personal data masked as on the page."""
    rows = counted(_rows(wanted))
    note_file(request, "quarantine.exported", "quarantine", len(rows))
    columns = {
        "event": _("Event"), "what": _("What is wrong"), "source": _("Source"), "came": _("Came"), "message": "messageId", "reason": _("Reason"),
        "settled": _("Settled"), "by": _("Settled by"),
    }  # fmt: skip
    return table_file(request, "quarantine", columns, rows)


def _rows(wanted: QuarantineFilter) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = room.quarantined(raw(), wanted, cursor=cursor, limit=500)
        for line in page.entries:
            title, detail = reason_words(line.reason).title, detail_words(line.reason, mask_text(line.detail))
            yield {
                "event": _shown(line).event_name or title, "what": f"{title} — {detail}" if detail else title, "source": line.source,
                "came": line.received_at, "message": line.message_id, "reason": line.reason, "settled": line.settled_at, "by": line.settled_by,
            }  # fmt: skip
        cursor = page.next
        if cursor is None:
            return


@require_http_methods(["GET", "POST"])
@needs(Permission.QUARANTINE_SEE)
def one(request: HttpRequest, key: UUID) -> HttpResponse:
    """One event: what came, what is wrong, an editor; sent on its way by POST."""
    entry = _entry(key)
    if request.method == "GET":
        return show(request, "pages/quarantined.html", _page(request, entry))
    if not allowed(request, Permission.QUARANTINE_SETTLE):
        return HttpResponse(status=403)
    edited = request.POST.get("event", "")
    try:
        event = _event(entry, edited)
        with _writer() as writer:
            outcome = room.correct(raw(), writer, key, event, by=_actor(request), note=request.POST.get("note", ""))
    except QuarantineRefused as refusal:
        return show(request, "pages/quarantined.html", _page(request, entry, edited=edited, errors={"event": told(refusal)}), status=422)
    if outcome.outcome is not ReplayOutcome.SENT:
        page = _page(request, entry, edited=edited, errors={"event": outcome_words(outcome.outcome, mask_text(outcome.detail))})
        return show(request, "pages/quarantined.html", page, status=422)
    _audit(request, "quarantine.corrected", [key])
    flash(request, _("Sent on its way. It takes effect within a moment."))
    return HttpResponseRedirect("/quarantine")


@require_POST
@needs(Permission.QUARANTINE_SETTLE)
def check(request: HttpRequest, key: UUID) -> HttpResponse:
    """What sending the edited event would bring, and what was changed; nothing is sent."""
    entry = _entry(key)
    edited = request.POST.get("event", "")
    errors: dict[str, str] = {}
    verdict = None
    try:
        outcome = room.recheck(raw(), key, _event(entry, edited))
        good = outcome.outcome is ReplayOutcome.SENT
        verdict = {
            "good": good,
            "text": _("It fits now. You can send it.") if good else outcome_words(outcome.outcome, mask_text(outcome.detail)),
        }
    except QuarantineRefused as refusal:
        errors = {"event": told(refusal)}
    return show(request, "pages/quarantine_check.html", _page(request, entry, edited=edited, errors=errors, verdict=verdict))


@require_POST
@needs(Permission.QUARANTINE_SETTLE)
def acts(request: HttpRequest) -> HttpResponse:
    """Replay, dismiss or reopen the chosen events, or all of a reason."""
    act, back = request.POST.get("act", ""), request.POST.get("back", "/quarantine")
    keys = _chosen(request)
    by, note = _actor(request), request.POST.get("why", "")[:200]
    if not keys:
        flash(request, _("Choose at least one event. Nothing was changed."), tone="bad")
    elif act == "replay":
        with _writer() as writer:
            outcomes = room.replay(raw(), writer, keys, by=by, note=note)
        sent = sum(one.outcome is ReplayOutcome.SENT for one in outcomes)
        _audit(request, "quarantine.replayed", keys, {"sent": sent})
        left = len(outcomes) - sent
        text = ngettext("%(n)d event is on its way.", "%(n)d events are on their way.", sent) % {"n": sent}
        if left:
            text += " " + ngettext("%(n)d still does not fit and stays here.", "%(n)d still do not fit and stay here.", left) % {"n": left}
        flash(request, text, tone="good" if sent else "bad")
    elif act == "dismiss":
        done = room.dismiss(raw(), keys, by=by, note=note)
        _audit(request, "quarantine.dismissed", keys, {"dismissed": done})
        flash(request, ngettext("%(n)d event was dismissed.", "%(n)d events were dismissed.", done) % {"n": done})
    elif act == "reopen":
        done = room.undo_dismiss(raw(), keys, by=by, note=note)
        _audit(request, "quarantine.reopened", keys, {"reopened": done})
        flash(request, ngettext("%(n)d event waits again.", "%(n)d events wait again.", done) % {"n": done})
    return HttpResponseRedirect(back if back.startswith("/quarantine") else "/quarantine")


def outcome_words(outcome: ReplayOutcome, detail: str) -> str:
    """What came of a replay, in a sentence."""
    words = {
        ReplayOutcome.SENT: _("It is on its way."),
        ReplayOutcome.STILL_UNFIT: _("It still does not fit: %(detail)s"),
        ReplayOutcome.ALREADY: _("It was sent before. Nothing was done."),
        ReplayOutcome.DISMISSED: _("It was dismissed. Take that back first."),
        ReplayOutcome.UNKNOWN: _("It is not in quarantine any more."),
    }[outcome]
    reason, _colon, said = detail.partition(": ")
    return words % {"detail": detail_words(reason, said) or reason_words(reason).what} if "%(detail)s" in words else words


def _entry(key: UUID) -> QuarantineEntry:
    entry = room.quarantine_entry(raw(), key)
    if entry is None:
        raise Http404
    return entry


def _chosen(request: HttpRequest) -> list[UUID]:
    if request.POST.get("all"):
        wanted = QuarantineFilter(
            request.POST.get("reason", ""),
            request.POST.get("source", ""),
            request.POST.get("name", ""),
            request.POST.get("state") or "open",
        )
        keys: list[UUID] = []
        cursor = None
        while len(keys) < ALL_MAX:
            page = room.quarantined(raw(), wanted, cursor=cursor, limit=500)
            keys += [line.key for line in page.entries]
            cursor = page.next
            if cursor is None:
                break
        return keys[:ALL_MAX]
    found = []
    for text in request.POST.getlist("key"):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _page(
    request: HttpRequest,
    entry: QuarantineEntry,
    *,
    edited: str | None = None,
    errors: dict[str, str] | None = None,
    verdict: dict[str, Any] | None = None,
) -> Waiting:
    original, readable = _original(entry)
    mine = original if edited is None else edited
    return Waiting(
        line=_shown(entry.line),
        words=reason_words(entry.line.reason),
        detail=detail_words(entry.line.reason, mask_text(entry.line.detail)),
        original=original,
        edited=mine if readable or edited is not None else _blank(entry),
        readable=readable,
        may_settle=allowed(request, Permission.QUARANTINE_SETTLE) and entry.line.state == QuarantineState.OPEN,
        errors=errors or {},
        verdict=verdict,
        diff=diff_lines(original, mine) if edited is not None else [],
    )


def _shown(line: room.QuarantineLine) -> room.QuarantineLine:
    # A page's title may greet its visitor by address.
    return replace(line, event_name=mask_text(line.event_name))


def _original(entry: QuarantineEntry) -> tuple[str, bool]:
    try:
        return _text(mask_json(json.loads(entry.raw))), True
    except (ValueError, UnicodeDecodeError, RecursionError):
        return mask_text(entry.raw.decode("utf-8", "replace")), False


def _blank(entry: QuarantineEntry) -> str:
    return _text({"type": "track", "event": entry.line.event_name, "userId": "", "properties": {}})


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _event(entry: QuarantineEntry, edited: str) -> Any:
    """The event as it is to be sent: masked values that were left alone become the original's again."""
    try:
        event = json.loads(edited)
    except ValueError as error:
        raise QuarantineRefused(_("This is not JSON: %(error)s. Correct that place; nothing was sent.") % {"error": told(error)}) from None
    try:
        original = json.loads(entry.raw)
    except (ValueError, UnicodeDecodeError):
        return event
    return restored(event, mask_json(original), original)


def diff_lines(before: str, after: str) -> list[dict[str, str]]:
    """Lines of *before* and *after* with their sign; unchanged ones far from a change are left out."""
    lines = []
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2):
        if line.startswith(("---", "+++")):
            continue
        lines.append({"sign": "⋯", "text": ""} if line.startswith("@@") else {"sign": line[:1], "text": line[1:]})
    return lines


def _tabs(state: str) -> list[dict[str, Any]]:
    names = ((QuarantineState.OPEN.value, _("Waiting")), ("replayed", _("Sent again")), ("dismissed", _("Dismissed")))
    return [
        {"title": title, "href": f"/quarantine?state={name}" if name != "open" else "/quarantine", "current": name == state}
        for name, title in names
    ]


@contextmanager
def _writer() -> Iterator[LogWriter]:
    writer = open_log(settings()).writer("console")
    try:
        yield writer
    finally:
        writer.close()


def _actor(request: Any) -> str:
    return f"operator:{request.user.email}"


def _audit(request: Any, act: str, keys: list[UUID], details: dict[str, Any] | None = None) -> None:
    subject = f"quarantine:{keys[0]}" if len(keys) == 1 else f"quarantine:{len(keys)}"
    record(raw(), _actor(request), act, subject, details=details or {}, ip=address_of(request), role=request.user.role)
