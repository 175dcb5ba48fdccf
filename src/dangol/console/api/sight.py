"""Who sees personal data in an answer: decided once per request, told in a header, and audited whenever it is shown."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from dangol.console.api.operations import Call
from dangol.console.api.problems import Kind, Problem
from dangol.operators import Permission
from dangol.privacy import note, record

#: Shortest reason that says anything.
WHY_SHORTEST = 3
HEADER = "X-Dangol-Personal-Data"


class Sight(Struct, kw_only=True, forbid_unknown_fields=True):
    """Parameters of every answer that may hold personal data."""

    unmask: Annotated[bool, Meta(description="Show personal data; needs a reason in `why`, and the role. Each look is audited.")] = False
    why: Annotated[str, Meta(max_length=500, description="Why personal data is needed, in a few words.")] = ""
    mask: Annotated[bool, Meta(description="Hide personal data although the token's role would show it.")] = False


def sees(call: Call, subject: str, *, act: str = "person.unmasked", **details: Any) -> bool:
    """Whether this answer shows personal data; if so, the audit says who looked at what and why. Raises: Problem."""
    shown = _shown(call, call.query)
    call.headers[HEADER] = "shown" if shown else "masked"
    if shown:
        record(call.connection, call.principal.actor, act, subject, _why(call), details, call.ip, role=call.principal.role, durable=False)
    return shown


def noting(call: Call, *, act: str = "person.unmasked") -> dict[str, Any] | None:
    """As `sees`, for a read that writes the entry itself (profiles.person_view): what it is to note; None: the answer is masked."""
    shown = _shown(call, call.query)
    call.headers[HEADER] = "shown" if shown else "masked"
    return note(call.principal.actor, act, _why(call), None, call.ip, role=call.principal.role) if shown else None


def _why(call: Call) -> str:
    return call.query.why or f"{call.principal.role} token"


def _shown(call: Call, wanted: Sight) -> bool:
    principal = call.principal
    if wanted.unmask and wanted.mask:
        raise Problem(Kind.BAD_PARAMETER, "unmask and mask exclude each other. Leave one out.")
    if wanted.unmask:
        if not principal.may(Permission.PEOPLE_UNMASK):
            raise Problem(Kind.NOT_ALLOWED, f"The role {principal.role} may not see personal data. Ask without unmask, it comes masked.")
        if len(wanted.why.strip()) < WHY_SHORTEST:
            raise Problem(Kind.BAD_PARAMETER, "unmask needs why=, the reason in a few words; it is kept in the audit.")
        return True
    return principal.is_token and principal.may(Permission.PEOPLE_PERSONAL) and not wanted.mask
