"""Why an event waits, in words a person can act on: what is wrong, and what helps."""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from dangol.console.refusal_words import refusal_words
from dangol.console.shown import particle


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """A reason in words."""

    title: str
    #: What is wrong.
    what: str
    #: What helps.
    helps: str


def reason_words(reason: str) -> ReasonWords:
    """The words for a reason; an unknown one is shown as it is."""
    words = {
        "unreadable_body": (_("Not readable"), _("What came is not JSON, or not an event."), _("Write the event as it should have been and send it, or ask whoever runs the source.")),
        "body_too_large": (_("Request too large"), _("The request was larger than this workspace takes; only its beginning is kept."), _("Send smaller batches from the source. What was cut off has to come from there again.")),
        "unknown_type": (_("Unknown type"), _("“type” is missing or none of identify, track, page, screen, group, alias."), _("Correct “type” and send it again.")),
        "no_identifier": (_("Nobody it belongs to"), _("There is neither a userId nor an anonymousId, so it cannot be told whose event it is."), _("Add the identifier if you know it. Otherwise have the source send one.")),
        "no_event_name": (_("No event name"), _("A track event has no “event”."), _("Add the name and send it again.")),
        "malformed_field": (_("A field of the wrong kind"), _("A field has another type than it should have."), _("Correct the field named below and send it again.")),
        "event_too_large": (_("Event too large"), _("The event is larger than this workspace takes."), _("Take out what is not needed and send it again.")),
        "message_id_too_long": (_("messageId too long"), _("The messageId has more than 100 characters."), _("Shorten it, or leave it: a short one is made from it.")),
        "message_id_reused": (_("messageId used twice"), _("The same messageId came before with other content."), _("If both really happened, send this one again; it gets a messageId of its own.")),
        "plan_violation": (_("Does not fit the plan"), _("The event does not fit its schema in the tracking plan."), _("Correct the event, or change the plan and send all of them again.")),
        "unmappable": (_("Cannot be mapped"), _("The source's mapping does not lead from this to an event."), _("Mend the mapping of the source and send it again.")),
        "log_damaged": (_("Damaged on disk"), _("The disk changed the log after it was written; what this event said cannot be read any more."), _("Check the disk. Sending the events again, or importing the client's own records, brings them back.")),
        "processing_error": (_("Our fault"), _("Dangol failed to apply this event. It is kept whole."), _("Send it again after an update. Nothing is lost meanwhile.")),
    }  # fmt: skip
    return ReasonWords(*words.get(reason, (reason, "", "")))


#: Reasons whose words above say all; the others' detail names the place.
_TOLD = {"no_identifier", "no_event_name", "message_id_reused", "message_id_too_long", "event_too_large", "body_too_large"}
_SCHEMA = re.compile(r"^(?P<event>.+), version (?P<version>\d+) of its schema: (?P<rest>.+)$", re.DOTALL)
_MISSING = re.compile(r'^(?P<path>\S+): "(?P<name>[^"]+)" is a required property$')
_TYPE = re.compile(r"^(?P<path>\S+): (?P<seen>.+) is not of types? (?P<types>.+)$", re.DOTALL)
_CHOICE = re.compile(r"^(?P<path>\S+): (?P<seen>.+) is not one of (?P<choices>.+)$", re.DOTALL)


def detail_words(reason: str, detail: str) -> str:
    """The detail of a reason, said plainly as far as it has a known form; "" where the reason says it all."""
    if reason in _TOLD:
        return ""
    found = _SCHEMA.match(detail)
    if not found:
        return refusal_words(detail, translation.get_language() or "ko")
    return " ".join(_violation(one) for one in found["rest"].split("; "))


def _violation(text: str) -> str:
    if found := _MISSING.match(text):
        return _("“%(name)s” is missing in %(path)s.") % found.groupdict()
    if found := _TYPE.match(text):
        kinds = {"number": _("number"), "integer": _("whole number"), "string": _("text"), "boolean": _("yes or no"), "array": _("list"), "object": _("object")}
        wanted = ", ".join(kinds.get(one, one) for one in re.findall(r"[a-z]+", found["types"]))
        return _("%(path)s is %(seen)s; expected: %(wanted)s.") % {"path": found["path"], "seen": _led(found["seen"]), "wanted": _led(wanted)}
    if found := _CHOICE.match(text):
        choices = found["choices"].replace(" or ", ", ")
        return _("%(path)s is %(seen)s; allowed: %(choices)s.") % {"path": found["path"], "seen": _led(found["seen"]), "choices": choices}
    said = refusal_words(text, translation.get_language() or "ko")
    return said if said.endswith(".") else f"{said}."


def _led(word: str) -> str:
    """*word* as the subject of a Korean sentence; in English as it is."""
    return f"{word}{particle(word, '이')}" if translation.get_language() == "ko" else word


def cause_words(cause: str) -> str:
    """A fault that a trial counts, as "properties.total (minimum)", in words."""
    path, _space, keyword = cause.rpartition(" (")
    kinds = {
        "required": _("is missing"),
        "type": _("is of another kind"),
        "enum": _("is none of the allowed values"),
        "const": _("is none of the allowed values"),
        "pattern": _("is written differently"),
        "format": _("is written differently"),
        **dict.fromkeys(("additionalProperties", "unevaluatedProperties"), _("holds what is not described")),
        **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _("is too small or too short")),
        **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _("is too large or too long")),
    }
    return f"{path} · {kinds.get(keyword.rstrip(')'), keyword.rstrip(')'))}"
