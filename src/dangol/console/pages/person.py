"""One person: everything known at a glance, and everything they did in plain sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dangol.console.access import allowed, needs, signed_in
from dangol.console.computed_words import computed_line, stage_line
from dangol.console.identity_words import kind_words
from dangol.console.masking import is_unmasked, unmask
from dangol.console.pages.person_changes import changes_of
from dangol.console.pages.person_timeline import Timeline, timeline_of
from dangol.console.people_words import TELLING, person_label
from dangol.console.sentences import channel_name
from dangol.console.shell import address_of, flash, is_partial, show
from dangol.console.shown import number
from dangol.console.store import raw, settings
from dangol.console.story_words import Summary, summary_words
from dangol.console.trait_words import campaign_words, is_counted, trait_name, trait_value
from dangol.engines.lake import open_lake
from dangol.operators import Permission
from dangol.privacy import mask_json, mask_label, mask_person, record
from dangol.profiles import person_of, person_view, sessions
from dangol.profiles.views import PersonView, SessionView

#: Sessions listed.
SESSIONS_SHOWN = 5
#: Icons of types of identifiers; another type gets "hash".
IDENTIFIER_ICONS = {
    "email": "mail",
    "phone": "phone",
    "user_id": "badge-check",
    "anonymous_id": "cookie",
    "device_id": "smartphone",
    "card_token": "credit-card",
    "loyalty_number": "star",
    "kakao_id": "message-circle",
    "naver_id": "message-circle",
    "apple_id": "user-round",
    "google_id": "user-round",
    "crm_id": "contact",
    "idfa": "smartphone",
    "gaid": "smartphone",
    "push_token": "smartphone",
    "qr": "qr-code",
}
#: Parts of an address, as they are read in Korea; other parts follow.
ADDRESS_ORDER = ("state", "city", "street", "postalCode", "country")
#: Shortest reason for unmasking that says something.
WHY_SHORTEST = 4


@dataclass(frozen=True, kw_only=True)
class PersonPage:
    """Context of pages/person.html."""

    person: PersonView
    label: str
    #: Who this is, since when and where they were last.
    summary: Summary
    #: Masked now; may_unmask: whether this role can ask to see it.
    masked: bool
    may_unmask: bool
    #: Reasons to choose from.
    reasons: list[str]
    traits: list[dict[str, Any]]
    identifiers: list[dict[str, Any]]
    #: Where they stand (computed_words.stage_line), and what was worked out of their events (computed_words.computed_line).
    stage: dict[str, str] | None
    computed: list[dict[str, Any]]
    #: Another phone number or e-mail, and decisions of staff about who this is, newest first (pages.person_changes.changes_of).
    changes: list[dict[str, Any]]
    #: {name, href, since, left, source}: households and accounts, those that were left too.
    groups: list[dict[str, Any]]
    touches: list[dict[str, Any]]
    sessions: list[SessionView]
    timeline: Timeline


@require_GET
@needs(Permission.PEOPLE_SEE)
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """The page. An id the person once had leads to the one they have now."""
    connection = raw()
    now_id = person_of(connection, "person", str(person_id))
    if now_id is None:
        raise Http404
    if now_id != person_id:
        return HttpResponseRedirect(f"/people/{now_id}")
    if is_partial(request):
        return show(request, "pages/timeline.html", timeline_of(request, person_id))
    view = person_view(connection, person_id)
    if view is None:
        raise Http404
    clear, language = is_unmasked(request, person_id), translation.get_language() or "ko"
    label = label_of(view)
    shown = view if clear else mask_person(view)
    timeline = timeline_of(request, person_id)
    page = PersonPage(
        person=shown,
        summary=summary_words(view, timeline.newest, language, ZoneInfo(settings().brand.timezone), datetime.now(UTC)),
        label=person_label(label if clear else mask_label(label)),
        masked=not clear,
        may_unmask=allowed(request, Permission.PEOPLE_UNMASK),
        reasons=[_("The customer asks for it"), _("To check who is calling"), _("To correct a mistake"), _("A rights request")],
        traits=[
            {
                "name": name, "label": trait_name(name, language), "value": plain_value(trait.value, name), "raw": raw_value(trait.value, name),
                "source": trait.source,
                "at": trait.observed_at, "others": len(trait.others), "why_url": f"/people/{person_id}/trait?{urlencode({'name': name})}",
            }
            for name, trait in sorted(shown.traits.items())
        ],
        identifiers=[
            {
                "type": one.type,
                "kind": kind_words(one.type, language),
                "value": one.value,
                "verified": one.verified,
                "source": one.source,
                "first": one.first_seen,
                "last": one.last_seen,
                "icon": identifier_icon(one.type),
            }
            for one in sorted(shown.identifiers, key=lambda one: TELLING.index(one.type) if one.type in TELLING else 5)
        ],
        stage=stage_line(shown.lifecycle, language),
        computed=[computed_line(one, language) for _name, one in sorted(shown.computed.items())],
        changes=changes_of(view, clear=clear),
        groups=[
            {"name": one.name or one.group_id, "href": f"/groups/{quote(one.group_id, safe='')}", "since": one.since, "left": one.left, "source": one.source,
             "rejoined_after": one.rejoined_after}
            for one in shown.memberships
        ],
        touches=_touches(shown),
        sessions=sessions(connection, person_id, limit=SESSIONS_SHOWN),
        timeline=timeline,
    )
    return show(request, "pages/person.html", page)


@require_GET
@needs(Permission.PEOPLE_SEE)
def event(request: HttpRequest, person_id: UUID, seq: int) -> HttpResponse:
    """One event whole, as the lake keeps it; masked unless this person is unmasked."""
    fact = open_lake(settings()).get(raw(), [seq]).get(seq)
    if fact is None or person_of(raw(), "person", str(UUID(bytes=fact.node))) != person_id:
        raise Http404
    clear = is_unmasked(request, person_id)
    return show(request, "pages/raw_event.html", raw_event(fact, clear=clear))


@require_POST
@needs(Permission.PEOPLE_UNMASK)
def unmasking(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """See this person's data for a while, for a reason that the audit keeps."""
    why = (request.POST.get("why_other") or request.POST.get("why") or "").strip()[:200]
    if len(why) < WHY_SHORTEST:
        flash(request, _("Say in a few words why you need to see it. Nothing was shown."), tone="bad")
        return HttpResponseRedirect(f"/people/{person_id}")
    record(
        raw(),
        f"operator:{signed_in(request).email}",
        "person.unmasked",
        f"person:{person_id}",
        why,
        ip=address_of(request),
        role=signed_in(request).role,
    )
    unmask(request, person_id)
    flash(request, _("Shown for 15 minutes. Your look and its reason are in the audit."))
    return HttpResponseRedirect(f"/people/{person_id}")


@dataclass(frozen=True, kw_only=True)
class RawEvent:
    """Context of pages/raw_event.html."""

    title: str
    at: datetime | None
    body: Any
    #: Bytes that are not JSON, as text.
    text: str
    masked: bool
    times: list[dict[str, Any]]
    message_id: str
    reason: str
    person_id: UUID | None


def raw_event(fact: Any, *, clear: bool, person_id: UUID | None = None) -> RawEvent:
    """A fact as the drawer shows it."""
    from dangol.events import to_datetime  # noqa: PLC0415 - kept beside its one use

    body, text = None, ""
    try:
        body = json.loads(fact.body) if fact.body else {}
    except (ValueError, UnicodeDecodeError):
        text = fact.body.decode("utf-8", "replace")
    moments = (
        (_("On the device"), fact.original_at),
        (_("Happened"), fact.occurred_at),
        (_("Sent"), fact.sent_at),
        (_("Received"), fact.received_at),
        (_("Processed"), fact.processed_at),
    )
    return RawEvent(
        title=fact.name or fact.type or fact.fact,
        at=to_datetime(fact.occurred_at) if fact.occurred_at else None,
        body=body if clear or body is None else mask_json(body),
        text="" if text and not clear else text,
        masked=not clear,
        times=[{"name": name, "at": to_datetime(at)} for name, at in moments if at],
        message_id=fact.message_id,
        reason=fact.reason,
        person_id=person_id,
    )


def label_of(view: PersonView) -> str:
    """The name a person is shown by."""
    name = view.traits.get("name")
    if name is not None and str(name.value).strip():
        return str(name.value).strip()
    parts = [str(view.traits[key].value) for key in ("firstName", "lastName", "first_name", "last_name") if key in view.traits]
    if parts:
        return " ".join(parts)
    return next((one.value for one in view.identifiers if one.node_id == view.person_id), str(view.person_id)[:8])


def identifier_icon(kind: str) -> str:
    """The icon of a type of identifier."""
    return IDENTIFIER_ICONS.get(kind, "hash")


def plain_value(value: Any, name: str = "") -> str:
    """A trait's value in one line; codes of a trait that is known by *name* in the reader's language."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda one: ADDRESS_ORDER.index(one[0]) if one[0] in ADDRESS_ORDER else len(ADDRESS_ORDER))
        return ", ".join(plain_value(one, key) for key, one in ordered if one not in ("", None))
    if isinstance(value, list):
        return ", ".join(plain_value(one, name) for one in value)
    if isinstance(value, str):
        return trait_value(name, value, translation.get_language() or "ko")
    return number(value) if is_counted(name) and isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


def raw_value(value: Any, name: str) -> str:
    """A value as it was told, for hovering; "" where it reads the same."""
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "" if told == plain_value(value, name) or isinstance(value, bool) else told


def _touches(view: PersonView) -> list[dict[str, Any]]:
    language = translation.get_language() or "ko"
    known = ((_("First contact"), view.first_touch), (_("Last contact"), view.last_touch))
    return [
        {
            "title": title,
            "at": touch.at,
            "channel": channel_name(touch.channel, language),
            "source": touch.source,
            "campaign": campaign_words(touch.campaign, language),
        }
        for title, touch in known
        if touch is not None
    ]
