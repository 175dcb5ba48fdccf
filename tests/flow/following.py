"""Somebody outside who knows people from the change feed alone: person.created, merged and split, one after the other."""

from __future__ import annotations

import json
from uuid import UUID

from tests.flow.machine import Machine

from dangol.engines.lake import open_lake
from dangol.processes.rebuild import rebuild


class Follower:
    """Who is who, from facts alone."""

    def __init__(self) -> None:
        #: Identifier -> person, as far as facts name it.
        self.person_of: dict[str, str] = {}
        self.people: set[str] = set()
        #: What could not be followed, in words.
        self.puzzled: list[str] = []

    def follow(self, machine: Machine) -> None:
        """Read the whole feed."""
        lake, after = open_lake(machine.settings), 0
        while facts := lake.feed(machine.connection, after, 5000):
            after = facts[-1].seq
            for fact in facts:
                if fact.fact == "person.created":
                    self._created(json.loads(fact.body)["person"])
                elif fact.fact == "person.merged":
                    body = json.loads(fact.body)
                    self._merged(body["into"], body["from"])
                elif fact.fact == "person.split":
                    body = json.loads(fact.body)
                    self._split(body["from"], body["into"])

    def _created(self, person: str) -> None:
        if person in self.people:
            self.puzzled.append(f"{person} is created, and was there")
        self.people.add(person)
        self.person_of[person] = person

    def _merged(self, into: str, people: list[str]) -> None:
        for person in people:
            if person not in self.people:
                self.puzzled.append(f"{person} becomes {into}, and was not there")
            self.people.discard(person)
        self.people.add(into)
        self.person_of |= {node: into for node, person in self.person_of.items() if person in people}

    def _split(self, person: str, parts: dict[str, list[str]]) -> None:
        # Those who fell apart may have become part of somebody else in the same moment, which was told before.
        self.people.discard(person)
        self.people |= parts.keys()
        self.person_of |= {node: part for part, nodes in parts.items() for node in nodes}


def sound(machine: Machine) -> None:
    """People are what all claims judged at once say, what a rebuild makes of the facts, and what somebody outside knows from the feed."""
    assert machine.people_now() == machine.people_judged_anew()
    follower = Follower()
    follower.follow(machine)
    now = {str(UUID(bytes=node)): str(UUID(bytes=person)) for node, person in machine.people_now().items()}
    assert follower.puzzled == []
    assert follower.people == set(now.values())
    assert {node: person for node, person in follower.person_of.items() if now.get(node, person) != person} == {}
    assert rebuild(machine.settings).changed == []
