"""Where in a trait rules document something stands, so that an error can point at its line. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from dangol.profiles.computed.reading import DefinitionRefused
from dangol.profiles.refused import TraitRulesRefused
from dangol.profiles.ruleset import read_trait_rules


def refused_at(document: str) -> tuple[str, int] | None:
    """What is wrong with a document, and in which line (from 1); None: it can be used."""
    try:
        read_trait_rules(document)
    except TraitRulesRefused as error:
        return str(error), _line(document, error)
    return None


def _line(document: str, error: TraitRulesRefused) -> int:
    mark = getattr(error.__cause__, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    if isinstance(error, DefinitionRefused):
        return line_of(document, error.path)
    # The other refusals begin with the key, or name it after "a key in".
    found = re.match(r"(?:a (?:key|name) in )?([\w.]+)", str(error))
    return line_of(document, found.group(1).split(".") if found else [])


def line_of(document: str, path: Sequence[str]) -> int:
    """The line (from 1) of the key that *path* leads to, or of the last one on the way that is there."""
    try:
        node = yaml.compose(document, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return 1
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if str(key.value) == step), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
