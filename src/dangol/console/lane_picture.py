"""The picture above a timeline: one lane for each channel, bars where something happened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from dangol.console.sentence_table import CHANNELS
from dangol.console.sentences import channel_name
from dangol.console.shown import day
from dangol.profiles.lanes import STRETCHES, Lane, Lanes

#: Size of a lane in the units of its drawing: a bar and the gap behind it, the tallest bar, what is kept free for the mark of a purchase.
BAR, GAP, TALLEST, MARK = 8, 2, 20, 4
#: The smallest bar that can be seen.
LEAST = 4


@dataclass(frozen=True, slots=True)
class LanePicture:
    """What components/lanes.html draws."""

    #: {name, icon, href, n, bars: [{x, y, height, says}], marks: [{x, says}]}, the busiest channel first.
    lanes: list[dict[str, Any]]
    first: Any
    last: Any
    width: int
    height: int
    bar: int
    mark: int
    bought: bool
    #: Older events are not drawn.
    more: bool


def lane_picture(found: Lanes, *, language: str, zone: ZoneInfo, addresses: Mapping[str, str]) -> LanePicture:
    """The drawing. A bar's area grows with the number of its events, on one scale for all channels.

    Args: addresses: channel -> where its lane leads.
    """
    most = max(max(lane.events) for lane in found.lanes)
    return LanePicture(
        lanes=[
            {
                "name": channel_name(lane.channel, language),
                "icon": CHANNELS[lane.channel].icon if lane.channel in CHANNELS else "box",
                "href": addresses.get(lane.channel, ""),
                "n": sum(lane.events),
                **_drawn(lane, found, most, language, zone),
            }
            for lane in found.lanes
        ],
        first=found.first,
        last=found.last,
        width=STRETCHES * (BAR + GAP) - GAP,
        height=TALLEST + MARK,
        bar=BAR,
        mark=MARK - 1,
        bought=any(any(lane.purchases) for lane in found.lanes),
        more=found.more,
    )


def _drawn(lane: Lane, found: Lanes, most: int, language: str, zone: ZoneInfo) -> dict[str, Any]:
    bars, marks = [], []
    for stretch, (events, bought) in enumerate(zip(lane.events, lane.purchases, strict=True)):
        if not events:
            continue
        since = day(found.start_of(stretch), language, zone)
        height = max(LEAST, round(TALLEST * sqrt(events / most)))
        bars.append({"x": stretch * (BAR + GAP), "y": MARK + TALLEST - height, "height": height, "says": _says(since, events, bought, language)})
        if bought:
            marks.append({"x": stretch * (BAR + GAP)})
    return {"bars": bars, "marks": marks}


def _says(since: str, events: int, bought: int, language: str) -> str:
    if language == "ko":
        return f"{since}부터: {events}건{f', 구매 {bought}번' if bought else ''}"
    said = f"from {since}: {events} event{'s' if events != 1 else ''}"
    return f"{said}, {bought} purchase{'s' if bought != 1 else ''}" if bought else said
