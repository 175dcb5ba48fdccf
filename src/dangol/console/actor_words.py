"""Who acted, and on what, in words: the actor and the subject of an audit entry, of a version, of a token."""

from __future__ import annotations

from django.utils.translation import gettext as _

from dangol.console.people_words import short


def actor_words(actor: str) -> str:
    """operator:mina@brand.kr as mina@brand.kr, command:demo as "command demo"."""
    return actor.removeprefix("operator:") if actor.startswith("operator:") else subject_words(actor)


def subject_words(text: str) -> str:
    """source:web as "source web", suggestions as "suggested matches"; what is not known stays as it is."""
    kind, colon, value = text.partition(":")
    if not colon:
        return _wholes().get(text, text)
    word = {
        "source": _("source"), "operator": _("operator"), "token": _("token"), "command": _("command"), "person": _("person"), "group": _("group"),
        "event": _("event"), "fact": _("event"), "quarantine": _("event"), "plan": _("plan"), "run": _("run"), "decision": _("decision"),
        "suggestion": _("suggested match"), "subscription": _("webhook"), "trait_rules": _("trait rules"), "identity_rules": _("identity rules"),
    }.get(kind)  # fmt: skip
    return f"{word} {short(value)}" if word else text


def _wholes() -> dict[str, str]:
    """Lists that were read or taken out whole."""
    return {
        "people": _("people"), "suggestions": _("suggested matches"), "decisions": _("decisions about people"), "audit": _("the audit"),
        "shared identifiers": _("shared identifiers"), "quarantine": _("events in quarantine"), "operators": _("operators"), "tokens": _("tokens"),
        "state": _("the database"),
    }  # fmt: skip
