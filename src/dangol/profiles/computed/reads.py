"""A person's computed values, from what the one query of a profile brings along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct

from dangol.events import to_datetime
from dangol.profiles.computed.definitions import Computed, from_content
from dangol.profiles.computed.lifecycle import Stage, Standing, judge
from dangol.profiles.computed.partials import decode
from dangol.profiles.computed.rules import FillState, StoredPart, ValueState, total
from dangol.profiles.computed.views import ComputedView, LifecycleView
from dangol.profiles.computed.words import why
from dangol.profiles.rules import CLOCK_TOLERANCE_US

#: Selects for a query whose `mine` holds the person's node_id: the traits at work, and the parts of the ready ones. Of a window only the
#: hours that may lie in it; hours of a device whose clock is off are told by Python.
TRAITS_SELECT = """
    (select coalesce(json_agg(json_build_array(number, name, content, window_hours, state, filled_seq, floor_seq) order by name), '[]')
       from computed_trait
      where state <> 'retired')
"""
PARTS_SELECT = f"""
    (select coalesce(json_agg(json_build_array(trait, device_id, bucket, convert_from(body, 'UTF8')::json)), '[]')
       from computed_partial
      where trait = any(array(select number from computed_trait where state = 'ready'))
        and node_id = any(array(select node_id from mine))
        and (bucket = 0
             or bucket >= floor(extract(epoch from now()) / 3600) - 1 - (select max(window_hours) from computed_trait)
             or device_id = any(array(
                    select device_id
                      from fragment
                     where node_id = any(array(select node_id from mine))
                       and abs(least_us) > {CLOCK_TOLERANCE_US}))))
"""  # noqa: S608 - a number of ours


class TraitRow(Struct, array_like=True, gc=False):
    """A computed trait at work, as TRAITS_SELECT tells it."""

    number: int
    name: str
    content: str
    window_hours: int
    state: str
    filled: int
    floor: int


class PartRow(Struct, array_like=True, gc=False):
    """One stored part, as PARTS_SELECT tells it."""

    trait: int
    device: UUID
    bucket: int
    body: Raw


@lru_cache(maxsize=1000)
def _trait(name: str, content: str, window_hours: int) -> Computed:
    return from_content(name, content, window_hours)


def computed_views(
    traits: Sequence[TraitRow], parts: Iterable[PartRow], shifts: Mapping[UUID, int], declared: Mapping[str, Computed], now_us: int
) -> dict[str, ComputedView]:
    """Every computed trait at work, with the person's value.

    Args: shifts: µs to add to a device's times, of devices whose clock is off.  declared: the rules in force, for the labels.
    """
    found: dict[int, list[PartRow]] = defaultdict(list)
    for part in parts:
        found[part.trait].append(part)
    views = {}
    for row in traits:
        trait = _trait(row.name, row.content, row.window_hours)
        value, state, progress = None, ValueState.FILLING, 1.0
        if row.state == FillState.READY:
            stored = [StoredPart(one.bucket, shifts.get(one.device, 0), decode(trait.function, bytes(one.body))) for one in found[row.number]]
            value, state = total(trait, stored, now_us)
        else:
            progress = min(1.0, row.filled / row.floor) if row.floor else 1.0
        label = declared[row.name].label if row.name in declared else {}
        views[row.name] = ComputedView(row.name, trait.function, value, state, to_datetime(now_us), row.window_hours, trait.over, progress, label)
    return views


def lifecycle_view(
    stages: Sequence[Stage],
    declared: Mapping[str, Computed],
    computed: Mapping[str, ComputedView],
    identifiers: Iterable[str],
    seen: tuple[Any, Any],
    now_us: int,
) -> LifecycleView | None:
    """The person's stage; None: the brand's rules have no stages. Args: seen: when the person was first and last seen, aware or None."""
    if not stages:
        return None
    standing = Standing(
        {name: (view.value, view.state) for name, view in computed.items()}, frozenset(identifiers), seen[0], seen[1], to_datetime(now_us)
    )
    judged = judge(stages, standing)
    stage = judged.stage
    return LifecycleView(
        stage.name if stage else None, judged.state, stage.label if stage else {}, judged.because, why(judged, declared)
    )  # fmt: skip
