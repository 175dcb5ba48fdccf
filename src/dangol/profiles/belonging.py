"""Groups, pure: which households and accounts a person was put in, since when, and what was told of the group.

A function of the set of events, like told.py. A group call with the trait `left: true` says that the person has left;
whoever is told to belong after that belongs again.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from dangol.profiles.told import canonical

#: Groups that a fragment keeps; of more the newest.
GROUPS_MAX = 50
#: Traits of a group that a fragment keeps; of more the newest.
GROUP_TRAITS_MAX = 50
#: The trait of a group call that says that the person has left.
LEFT = "left"


class Moment(Struct, array_like=True, gc=False):
    """When and by which event something was told; device time in µs."""

    at: int
    message_id: str
    source: int

    @property
    def order(self) -> tuple[int, str, int]:
        """The newer one wins; of two at the same moment the larger message id, then the larger source."""
        return (self.at, self.message_id, self.source)


class GroupTrait(Struct, array_like=True, gc=False):
    """The newest value of a group's trait."""

    value: Any
    told: Moment

    @property
    def order(self) -> tuple[tuple[int, str, int], bytes]:
        """The newer one wins, as with moments; of two values in one message the larger as JSON."""
        return (self.told.order, canonical(self.value))


class Belonging(Struct, gc=False, omit_defaults=True):
    """What one fragment tells of one group."""

    #: First and last time that the person was told to belong.
    since: Moment | None = None
    last: Moment | None = None
    #: Last time that the person was told to have left.
    left: Moment | None = None
    traits: dict[str, GroupTrait] = {}

    @property
    def order(self) -> tuple[int, str, int]:
        """The newest that was told of the group."""
        return max(moment.order for moment in (self.last, self.left) if moment is not None)

    def text(self, trait: str) -> str:
        """A trait of the group, if it is text; else ""."""
        told = self.traits.get(trait)
        return told.value.strip() if told is not None and isinstance(told.value, str) else ""

    @property
    def holds(self) -> bool:
        """Whether the person belongs to it: told so, and not told to have left since."""
        return self.last is not None and (self.left is None or self.last.order > self.left.order)

    @property
    def away(self) -> Moment | None:
        """The last time that the person was told to have left, when they were there before and are again since; None: never away, or away now."""
        return self.left if self.holds and self.left and self.since and self.left.order > self.since.order else None


def belong(groups: dict[str, Belonging], group: str, traits: dict[str, Any], at: int, message_id: str, source: int) -> None:
    """Put one group call into *groups*."""
    known = groups.get(group)
    if known is None:
        known = groups[group] = Belonging()
    told = Moment(at, message_id, source)
    if traits.get(LEFT) is True:
        known.left = later(known.left, told)
    else:
        known.since = earlier(known.since, told)
        known.last = later(known.last, told)
    for name, value in traits.items():
        if name != LEFT:
            trait, before = GroupTrait(value, told), known.traits.get(name)
            if before is None or trait.order > before.order:
                known.traits[name] = trait
    if len(known.traits) > GROUP_TRAITS_MAX:
        kept = sorted(known.traits, key=lambda name: (known.traits[name].told.order, name))[-GROUP_TRAITS_MAX:]
        known.traits = {name: known.traits[name] for name in kept}


def keep_newest_groups(groups: dict[str, Belonging]) -> dict[str, Belonging]:
    """The newest groups of too many, with nothing that depends on what was kept before: neither since nor traits."""
    kept = sorted(groups, key=lambda group: (groups[group].order, group))[-GROUPS_MAX:]
    return {group: Belonging(None, groups[group].last, groups[group].left) for group in kept}


def gather(groups: dict[str, Belonging], told: dict[str, Belonging], shift: int, *, crowded: bool) -> None:
    """Add what one fragment told of its groups to *groups*, moved by *shift* µs."""
    for group, part in told.items():
        known = groups.setdefault(group, Belonging())
        since, last, left = (moved(moment, shift) for moment in (part.since or (part.last if crowded else None), part.last, part.left))
        known.since = earlier(known.since, since)
        known.last = later(known.last, last)
        known.left = later(known.left, left)
        for name, trait in part.traits.items():
            seen = GroupTrait(trait.value, Moment(trait.told.at + shift, trait.told.message_id, trait.told.source))
            if name not in known.traits or seen.order > known.traits[name].order:
                known.traits[name] = seen


def moved(moment: Moment | None, shift: int) -> Moment | None:
    """The moment, *shift* µs later."""
    return moment if moment is None or not shift else Moment(moment.at + shift, moment.message_id, moment.source)


def earlier(one: Moment | None, other: Moment | None) -> Moment | None:
    """The one that came first."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda moment: moment.order)


def later(one: Moment | None, other: Moment | None) -> Moment | None:
    """The one that came last."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda moment: moment.order)
