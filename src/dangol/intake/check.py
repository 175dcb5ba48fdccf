"""Which events of a request do not plainly take effect, and why. Pure: the answer to the client and the log say the same."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dangol.events import EVENT_TYPES, Body, Envelope, Malformed, merged_context
from dangol.intake.facts import TAGGED, Fate, Reason
from dangol.intake.frame import Verdict
from dangol.intake.plan_check import Plan, rule_for, violation

#: Longer ids are cut by some clients on retry and would no longer be the same (Segment's bound).
MESSAGE_ID_CHARACTERS_MAX = 100
#: The name under which a sender switches us off in "integrations".
INTEGRATION = "Dangol"
#: Category of consent.categoryPreferences without which nothing is analysed.
ANALYTICS = "analytics"

_TYPES = frozenset(EVENT_TYPES)
_OBJECT = ord("{")
_NULL = b"null"
_INTEGRATION = INTEGRATION.encode()
_CONSENT = b"consent"
_PLAN_FATES = {
    "quarantine": (Reason.PLAN_VIOLATION, Fate.QUARANTINED.value),
    "tag": (Reason.PLAN_VIOLATION, TAGGED),
    "suppress": (Reason.PLAN_SUPPRESSED, Fate.SUPPRESSED.value),
}


class Shared(Struct, frozen=True):
    """What all events of one request share, for those rules that look there too."""

    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET
    #: Size of the whole request; no event in it can be larger.
    body_bytes: int = 0
    #: True when the whole request is known to be UTF-8; the decoder looks only at the fields it reads.
    is_text: bool = False


def check_body(body: Body, raw: bytes, *, plan: Plan, max_event_bytes: int) -> list[Verdict]:
    """The verdicts on a request's events, in their order; an event without one is plainly accepted."""
    shared = Shared(body.context, body.integrations, len(raw), raw.isascii() or _is_text(raw))
    quick = shared.is_text and len(raw) <= max_event_bytes and _says_nothing(shared)
    verdicts = []
    for index, item in enumerate(body.items):
        if quick and item.__class__ is not Malformed and _is_plain(item, plan):  # type: ignore[arg-type]
            continue
        verdict = check(item, index, shared=shared, plan=plan, max_event_bytes=max_event_bytes)
        if verdict is not None:
            verdicts.append(verdict)
    return verdicts


def check(item: Envelope | Malformed, index: int, *, shared: Shared, plan: Plan, max_event_bytes: int) -> Verdict | None:
    """The verdict on one event, None when it is plainly accepted.

    Args: index: its place in the request.  max_event_bytes: of its JSON, as counted by event_size.
    """
    if isinstance(item, Malformed):
        return Verdict(index, Reason.MALFORMED_FIELD.value, item.detail)
    found = _fault(item) or _fault_of_shape(item, shared.is_text)
    if found is None and shared.body_bytes > max_event_bytes and (size := event_size(item)) > max_event_bytes:
        found = (
            Reason.EVENT_TOO_LARGE,
            f"{size} bytes, must be at most {max_event_bytes} (collect.max_event_bytes). Send less in one event.",
        )
    if found is not None:
        return Verdict(index, found[0].value, found[1])
    if _switched_off(item.integrations, shared.integrations):
        return Verdict(index, Reason.INTEGRATION_OFF.value, 'The sender set "integrations": {"Dangol": false}.', Fate.SUPPRESSED.value)
    if _denied(item.context, shared.context):
        detail = "context.consent.categoryPreferences says analytics: false."
        return Verdict(index, Reason.CONSENT_DENIED.value, detail, Fate.SUPPRESSED.value)
    return _against_plan(item, index, shared, plan) if plan else None


def event_size(event: Envelope) -> int:
    """Bytes of an event's JSON values, without the few around them."""
    size = 0
    for value in (event.properties, event.traits, event.context, event.integrations):
        if value is not UNSET:
            size += len(memoryview(value))
    for text in (
        event.event,
        event.name,
        event.category,
        event.messageId,
        event.userId,
        event.anonymousId,
        event.groupId,
        event.previousId,
    ):
        if isinstance(text, str):
            size += len(text.encode("utf-8", "replace"))
    return size


def _says_nothing(shared: Shared) -> bool:
    """Whether the request as a whole leaves consent and integrations to its events."""
    return (shared.context is UNSET or _CONSENT not in bytes(shared.context)) and (
        shared.integrations is UNSET or _INTEGRATION not in bytes(shared.integrations)
    )


def _is_plain(event: Envelope, plan: Plan) -> bool:
    """The quick way past `check` for the great majority; False says nothing but "look closely". A test holds the two together."""
    kind, message_id = event.type, event.messageId
    who = event.userId or event.anonymousId
    if kind not in _TYPES or not who or (who.__class__ is str and who.isspace()):  # type: ignore[union-attr]
        return False
    name = event.event if kind == "track" else kind
    if not name or name.isspace() or name in plan or (message_id is not None and len(message_id) > MESSAGE_ID_CHARACTERS_MAX):
        return False
    properties, traits, context, integrations = event.properties, event.traits, event.context, event.integrations
    # Written out: a loop over four costs as much as all of the rest.
    return (
        (properties is UNSET or bytes(properties)[0] == _OBJECT)
        and (traits is UNSET or bytes(traits)[0] == _OBJECT)
        and (context is UNSET or ((value := bytes(context))[0] == _OBJECT and _CONSENT not in value))
        and (integrations is UNSET or ((value := bytes(integrations))[0] == _OBJECT and _INTEGRATION not in value))
    )


def _fault(event: Envelope) -> tuple[Reason, str] | None:
    kind = event.type
    if kind not in _TYPES:
        return Reason.UNKNOWN_TYPE, f'"type" == {_shown(kind)}, must be one of {", ".join(EVENT_TYPES)}.'
    if not _present(event.userId) and not _present(event.anonymousId):
        stands_in = event.groupId if kind == "group" else event.previousId if kind == "alias" else None
        if not _present(stands_in) and not (kind == "alias" and event.mergeProperties):
            return Reason.NO_IDENTIFIER, "The event has neither userId nor anonymousId; send one of them."
    if kind == "track" and not (event.event and event.event.strip()):
        return Reason.NO_EVENT_NAME, 'A track event needs "event", the name of what happened.'
    if event.messageId is not None and len(event.messageId) > MESSAGE_ID_CHARACTERS_MAX:
        return (
            Reason.MESSAGE_ID_TOO_LONG,
            f'"messageId" has {len(event.messageId)} characters, must be at most {MESSAGE_ID_CHARACTERS_MAX}.',
        )
    return None


def _fault_of_shape(event: Envelope, is_text: bool) -> tuple[Reason, str] | None:
    for raw in (event.properties, event.context, event.traits, event.integrations):
        if raw is UNSET:
            continue
        value = bytes(raw)
        if value[0] != _OBJECT and value != _NULL:
            return (
                Reason.MALFORMED_FIELD,
                f'"{_key_of(event, raw)}" must be an object, it begins with {_shown(value[:20].decode("utf-8", "replace"))}.',
            )
        if not is_text and not _is_text(value):
            return Reason.MALFORMED_FIELD, f'"{_key_of(event, raw)}" is not UTF-8 text.'
    return None


def _key_of(event: Envelope, raw: Raw) -> str:
    return next(key for key in ("properties", "context", "traits", "integrations") if getattr(event, key) is raw)


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _present(identifier: str | float | None) -> bool:
    return identifier is not None and (identifier.__class__ is not str or (not identifier.isspace() and identifier != ""))  # type: ignore[union-attr]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _switched_off(own: Raw | UnsetType, shared: Raw | UnsetType) -> bool:
    said = None if own is UNSET or _INTEGRATION not in bytes(own) else _said(own, INTEGRATION)
    return (said if said is not None or shared is UNSET else _said(shared, INTEGRATION)) is False


def _denied(own: Raw | UnsetType, shared: Raw | UnsetType) -> bool:
    # Decoded only where the word stands; no encoder escapes plain letters.
    consent = None if own is UNSET or _CONSENT not in bytes(own) else _said(own, "consent")
    if consent is None and shared is not UNSET:
        consent = _said(shared, "consent")
    if consent is None:
        return False
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(preferences, dict):
        return False
    return any(category.lower() == ANALYTICS and choice is False for category, choice in preferences.items())


def _said(raw: Raw, key: str) -> Any:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value.get(key) if isinstance(value, dict) else None


def _against_plan(event: Envelope, index: int, shared: Shared, plan: Plan) -> Verdict | None:
    rule = rule_for(event, plan)
    if rule is None:
        return None
    found = violation(event, merged_context(event.context, shared.context), rule)
    if not found:
        return None
    reason, fate = _PLAN_FATES.get(rule.action, _PLAN_FATES["quarantine"])
    return Verdict(index, reason.value, f"{rule.event_name}, version {rule.version} of its schema: {found}", fate)
