"""A lake whose people change step by step, beside what State says of them."""

from __future__ import annotations

from uuid import UUID

from dangol.engines import state
from dangol.engines.lake import ParquetLake, files
from dangol.engines.lake.maps import export_manifest, export_maps
from dangol.engines.lake.query import query

from .contract import DAY_US, NOON, seal, write

#: Few identifiers and days, so that every history meets the same ones again.
NODES = [UUID(int=number) for number in range(1, 9)]
NOBODY = UUID(int=0)


class Shop:
    """A lake and the identifiers of State, changed step by step."""

    def __init__(self, workspace) -> None:
        self.workspace = workspace
        self.lake = ParquetLake(workspace)
        self.connection = state.connect(workspace)
        self.person: dict[UUID, UUID] = {}
        #: Who was who when the map was written, and which facts were in files then.
        self.mapped: dict[UUID, UUID] = {}
        self.covered: set[int] = set()
        #: By position: whom processing took the fact's person to be.
        self.said: dict[int, UUID | None] = {}

    def process(self, node: UUID, day: int) -> None:
        """A fact of *node* (NOBODY: of no identifier), received on *day*; it waits in the tail."""
        person = None if node == NOBODY else self.person.get(node, node)
        ids = {"node": b"", "person": b""} if person is None else {"node": node.bytes, "person": person.bytes}
        [fact] = write(self.lake, self.connection, 1, **ids, received_at=NOON + day * DAY_US)
        self.said[fact.seq] = person

    def seal(self) -> None:
        """What waits goes to files."""
        seal(self.lake, self.connection)

    def facts(self, node: UUID, day: int) -> None:
        """A sealed fact."""
        self.process(node, day)
        self.seal()

    def belongs(self, node: UUID, person: UUID | None) -> None:
        """*node* is *person*'s from now on; None: it is no identifier any more."""
        if person is None:
            self.connection.execute("delete from identifier where node_id = %s", [node])
            self.person.pop(node, None)
        else:
            self.connection.execute(
                "insert into identifier (node_id, type, value, raw_value, person_id, first_at, first_message, first_source)"
                " values (%s, 'email', %s, '', %s, now(), '', 1) on conflict (node_id) do update set person_id = excluded.person_id",
                [node, str(node), person],
            )
            self.person[node] = person
        self.connection.commit()

    def export(self) -> None:
        """The maps and the manifest, as learn writes them."""
        assert export_maps(self.workspace, self.connection)
        export_manifest(self.workspace, self.connection)
        self.connection.commit()
        self.mapped = dict(self.person)
        self.covered = {seq for seq, _, _ in self.told()}

    def compact(self) -> None:
        """Everything that is worth it."""
        while self.lake.compact(self.connection):
            self.connection.commit()
        export_manifest(self.workspace, self.connection)
        self.connection.commit()

    def told(self) -> list[tuple[int, UUID, UUID]]:
        """(position, identifier, person now) of every sealed fact, as the lake's view says."""
        rows = query(self.workspace, "select seq, node_id, person_now from person_facts order by seq")
        assert len(rows) == sum(file.facts for file in self.files())
        return [(row["seq"], row["node_id"], row["person_now"]) for row in rows]

    def wrong(self) -> list[tuple[int, UUID, UUID]]:
        """Facts whose person is not the one that a plain join with the map gives.

        Whose facts were written to a file after the map: the map does not know of them; they may be whose processing found them to be.
        """
        found = []
        for seq, node, person in self.told():
            joined = self.mapped.get(node, node) if node else None
            if person != joined and (seq in self.covered or person != self.said[seq]):
                found.append((seq, node, person))
        return found

    def files(self) -> list[files.LakeFile]:
        """Live files."""
        rows = self.connection.execute("select path, day, facts, bytes, first_seq, last_seq, level, created_at from lake_file where replaced_at is null")
        found = [
            files.LakeFile(path=path, day=day, facts=facts, bytes=size, first_seq=first, last_seq=last, level=level, created_at=at)
            for path, day, facts, size, first, last, level, at in rows.fetchall()
        ]
        self.connection.commit()
        return found
