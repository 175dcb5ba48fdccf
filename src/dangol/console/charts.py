"""The arguments of a chart frame, made from named series. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """One series. The same thing has the same colour on every page."""

    name: str
    values: list[int]
    #: 1..8, of the chart palette.
    color: int


@dataclass(frozen=True, slots=True)
class Chart:
    """What components/chart_frame.html takes."""

    id: str
    title: str
    words: str
    series: list[Series]
    #: {label, values} per period, for the table.
    rows: list[dict[str, Any]]
    #: For the script.
    data: dict[str, Any]
    script_id: str


def chart_of(
    id_: str, title: str, words: str, labels: list[str], series: list[Series], *, kind: str = "bar", unfinished: bool = False
) -> Chart:
    """A chart of *series* over *labels*.

    Args: kind: bar, stacked or line.   unfinished: the last period still runs and is drawn dashed.
    """
    rows = [{"label": label, "values": [one.values[place] for one in series]} for place, label in enumerate(labels)]
    data = {
        "kind": kind,
        "labels": labels,
        "series": [{"name": one.name, "values": one.values, "color": one.color} for one in series],
        "unfinished": unfinished,
    }
    return Chart(id_, title, words, series, rows, data, f"{id_}-data")
