"""A matching model: how often each level of likeness is seen between records of one person (m) and of two (u).

Weight of a level in bits = log2(m / u). Source: Fellegi and Sunter, A Theory for Record Linkage, JASA 64 (1969), 1183-1210.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from dangol.errors import DangolError


class ModelRefused(DangolError):
    """The document is not a matching model, or is one for another layout."""

    code = "matching_model_refused"


@dataclass(frozen=True, slots=True)
class Odds:
    """How often a level is seen, given that both values are known."""

    #: Among pairs of one person; 0 to 1, above 0.
    m: float
    #: Among pairs of two people; 0 to 1, above 0.
    u: float


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that scoring needs beside the records themselves. Plain data: to_json and from_json give it back unchanged."""

    #: Name of the layout that it is for; it fits no other.
    layout: str
    #: Probability that two records drawn by chance are one person; above 0, below 1.
    prior: float
    #: field -> level -> odds, for every comparison and level of the layout.
    odds: Mapping[str, Mapping[str, Odds]]
    #: How many records it was trained on; 0: the shipped model, before any training.
    records: int = 0
    #: What a reader must know of its training: fields that kept the shipped odds, and why.
    remarks: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        """Whether the brand's own data shaped it."""
        return self.records > 0

    def to_json(self) -> str:
        """The model as a JSON document."""
        return msgspec.json.format(msgspec.json.encode(self)).decode()

    @classmethod
    def from_json(cls, document: str) -> Model:
        """The model of *document*. Raises ModelRefused when it is not one."""
        try:
            return msgspec.json.decode(document.encode(), type=cls)
        except msgspec.MsgspecError as error:
            raise ModelRefused(
                f"This is not a matching model: {error}. Expected what `dangol identity suggest` keeps; train a new one."
            ) from error
