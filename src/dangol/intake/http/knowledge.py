"""What collect knows: sources by key and name, the plan compiled, mappings ready. Made anew from each snapshot."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from msgspec import Struct

from dangol.intake.mapping import Mapper, MappingRefused, compile_mapping
from dangol.intake.plan_check import Plan, compile_plan
from dangol.intake.snapshot import Snapshot, SnapshotSource

logger = logging.getLogger(__name__)


class Knowledge(Struct, frozen=True):
    """A snapshot, ready to be asked."""

    by_key: dict[str, SnapshotSource]
    by_name: dict[str, SnapshotSource]
    plan: Plan
    #: By source id; only sources with a mapping that can be used.
    mappers: dict[int, Mapper]

    def source(self, keys: Iterable[str | None]) -> SnapshotSource | None:
        """The source of the first key that is known."""
        for key in keys:
            if key is not None and (found := self.by_key.get(key)) is not None:
                return found
        return None


def compile_snapshot(snapshot: Snapshot) -> Knowledge:
    """Make a snapshot ready. What cannot be used of it is said in the log and left out."""
    mappers = {}
    for source in snapshot.sources:
        if source.mapping:
            try:
                mappers[source.id] = compile_mapping(source.mapping)
            except MappingRefused as refusal:
                logger.error("The mapping of source %r cannot be used: %s", source.name, refusal)  # noqa: TRY400 (a sentence)
    return Knowledge(
        {source.write_key: source for source in snapshot.sources},
        {source.name: source for source in snapshot.sources},
        compile_plan(snapshot.plan),
        mappers,
    )
