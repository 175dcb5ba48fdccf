"""Privacy: what of a person may be seen, and the record of everyone who looked or changed something.

In: acts of operators, tokens and commands.   Out: audit entries, each chained to the one before.
Ask: record(connection, actor, act, …), verify(connection), mask(kind, value), mask_person(view), mask_json(body).
"""

from dangol.privacy.audit import NOTE, AuditFilter, AuditLine, AuditPage, Broken, Intact, entries, note, record, verify
from dangol.privacy.rules import (
    MaskKind,
    kind_of,
    mask,
    mask_computed,
    mask_explanation,
    mask_group,
    mask_group_name,
    mask_hit,
    mask_identifier,
    mask_json,
    mask_label,
    mask_person,
    mask_text,
    mask_timeline,
    mask_trait,
)

__all__ = [
    "NOTE",
    "AuditFilter",
    "AuditLine",
    "AuditPage",
    "Broken",
    "Intact",
    "MaskKind",
    "entries",
    "kind_of",
    "mask",
    "mask_computed",
    "mask_explanation",
    "mask_group",
    "mask_group_name",
    "mask_hit",
    "mask_identifier",
    "mask_json",
    "mask_label",
    "mask_person",
    "mask_text",
    "mask_timeline",
    "mask_trait",
    "note",
    "record",
    "verify",
]
