"""One group, a household or an account: what is known of it, and who belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.pages.person import plain_value
from dangol.console.people_words import listed, person_label
from dangol.console.shell import show
from dangol.console.store import raw
from dangol.console.trait_words import trait_name
from dangol.operators import Permission
from dangol.privacy import mask_group, mask_group_name
from dangol.profiles import MemberView, PersonHit, group_view, search_groups

#: Members on one page.
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class GroupPage:
    """Context of pages/group.html, and of its next rows."""

    group_id: str
    #: Masked: a household's name is its members'.
    name: str
    since: datetime
    traits: list[dict[str, Any]]
    #: {person_id, label, since, rejoined_after, source, identifiers}.
    members: list[dict[str, Any]]
    members_in_all: int
    left_in_all: int
    partial: bool
    #: Address of the next page; "": there is none.
    more: str


@require_GET
@needs(Permission.PEOPLE_SEE)
def group(request: HttpRequest, group_id: str) -> HttpResponse:
    """The page; the next members alone while somebody reads on."""
    after = request.GET.get("after")
    try:
        found = group_view(raw(), group_id, cursor=after, limit=PAGE)
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    shown, language = mask_group(found), translation.get_language() or "ko"
    page = GroupPage(
        group_id=shown.group_id,
        name=shown.name or _("Group %(id)s") % {"id": shown.group_id},
        since=shown.since,
        traits=[
            {"name": name, "label": trait_name(name, language), "value": plain_value(trait.value, name), "source": trait.source, "at": trait.observed_at}
            for name, trait in shown.traits.items()
            if name != "name"
        ],
        members=[_member(one, plain.hit) for one, plain in zip(shown.members.members, found.members.members, strict=True)],
        members_in_all=shown.members_in_all,
        left_in_all=shown.left_in_all,
        partial=shown.partial,
        more=f"/groups/{quote(group_id, safe='')}?after={shown.members.next}" if shown.members.next else "",
    )
    return show(request, "pages/group_rows.html" if after else "pages/group.html", page)


def groups_found(asked: str) -> list[dict[str, str]]:
    """{name, id, href} of groups that are called so; a name is masked as on the group's page."""
    return [
        {"name": mask_group_name(one.name, one.kind), "id": one.group_id, "href": f"/groups/{quote(one.group_id, safe='')}"}
        for one in search_groups(raw(), asked)
    ]


def _member(one: MemberView, plain: PersonHit) -> dict[str, Any]:
    """A member, masked; listed() masks by itself, so it is given what is not masked yet."""
    return {
        "person_id": one.person_id,
        "label": person_label(one.label),
        "since": one.since,
        "rejoined_after": one.rejoined_after,
        "source": one.source,
        "identifiers": listed(plain).identifiers[:3],
    }
