"""YAML that people write: rule sets, trait rules, mappings, plans.

In: text.   Out: what JSON can hold, or a refusal with the line, what was seen, what was expected and what to do.
Ask: read_yaml(text), line_of(text, path), decoded(data).

Keys are text as it is written. Numbers, true, false and null are written as in JSON; everything else is text as it is written, so that
2026-01-01, 01012345678, +82 and yes are no surprise. Aliases may stand for some thousand values; tags and merged keys (<<) are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dangol.errors import DangolError

#: Longest document, characters, where a room wants none shorter.
LETTERS_MAX = 1_000_000
#: Lists and mappings in one another at most.
DEEP_MAX = 50
#: Values that aliases stand for at most: a few letters could stand for millions.
ALIASED_MAX = 10_000
#: Whole numbers fit into 64 bits, as in State and in Parquet.
WHOLE_MAX = 2**63 - 1

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times faster where libyaml is
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None} | {
    spelt: value for word, value in (("null", None), ("true", True), ("false", False)) for spelt in (word, word.title(), word.upper())
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNKEPT = re.compile("[\0\ud800-\udfff]")
#: What the parser says, what that means to the writer, and whether it went wrong where something began rather than where it was seen.
_PROBLEMS: tuple[tuple[str, str, bool], ...] = (
    ("mapping values are not allowed", "': ' stands where no key can be. Put a text that holds it in quotes, or indent as the line above.", False),
    ("could not find expected ':'", "a key has no ': ' behind it. Write key: value.", True),
    ("did not find expected key", "the line fits none above it. Indent it as those it belongs to; does a quote end too early?", False),
    ("did not find expected '-'", "a list goes on without '-'. Indent the line as what it belongs to.", False),
    ("did not find expected ',' or", "what a bracket begins lacks a comma or its closing bracket. Add it.", True),
    ("did not find expected node content", "a value is missing before this. Write it, or close the bracket.", False),
    ("found unexpected end of stream", "a quote is never closed. Add the closing one.", True),
    ("found unknown escape character", "a backslash in double quotes begins nothing that is known. Use single quotes.", False),
    ("found invalid Unicode character escape", "an escape stands for half a character. Write the character itself.", False),
    ("block sequence entries are not allowed", "'-' stands behind a key. Begin the list in the next line.", False),
)  # fmt: skip


class YamlRefused(DangolError):
    """What somebody wrote as YAML cannot be used as it is."""

    code = "yaml_refused"

    def __init__(self, said: str, line: int, what: str = "") -> None:
        """Args: said: seen, expected, what to do.  line: from 1.  what: names the document."""
        super().__init__(f"{what}, line {line}: {said}" if what else f"line {line}: {said}")
        self.said = said
        self.line = line


@dataclass(slots=True)
class _Node:
    """A value in its line, from 1: what JSON holds, a list of nodes, or {key: (line of the key, node)}."""

    line: int
    value: Any

    def extent(self) -> tuple[int, int]:
        """How many values it is, itself included, and how many lists and mappings deep."""
        if not isinstance(self.value, list | dict):
            return 1, 0
        inner = self.value if isinstance(self.value, list) else [node for _line, node in self.value.values()]
        extents = [node.extent() for node in inner]
        return 1 + sum(size for size, _deep in extents), 1 + max((deep for _size, deep in extents), default=0)


def read_yaml(text: str | bytes, what: str = "", *, most: int = LETTERS_MAX, lists: bool = False) -> Any:
    """What *text* says: a mapping with text keys, or a list where *lists* allows one; whatever is in it, JSON can hold.

    Args: what: names the document in a refusal, such as "The rule set".  most: characters that it may have.
    Raises: YamlRefused.
    """
    try:
        root = _root(text if isinstance(text, str) else decoded(text), most)
        if not isinstance(root.value, (dict, list) if lists else dict):
            seen = "a list" if isinstance(root.value, list) else f"{str(root.value)[:40]!r} alone"
            raise YamlRefused(f"{seen} is no mapping. Write keys with values, like name: value.", root.line)  # noqa: TRY301 - told below
    except YamlRefused as error:
        raise YamlRefused(error.said, error.line, what) from None
    return _plain(root)


def line_of(text: str, path: Sequence[str]) -> int:
    """The line (from 1) of the key that *path* leads to, or of the last one on the way that is there; 1 when nothing can be read."""
    try:
        node = _root(text, LETTERS_MAX)
    except YamlRefused:
        return 1
    line = 1
    for step in path:
        if isinstance(node.value, dict) and step in node.value:
            line, node = node.value[step]
        elif isinstance(node.value, list) and step.isdecimal() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.line
        else:
            return line
    return line


def decoded(data: bytes, what: str = "") -> str:
    """Bytes of UTF-8, with or without its mark, as text. Raises: YamlRefused."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        seen = f"byte 0x{data[error.start]:02x} is not UTF-8. Save it as UTF-8, not as CP949 (EUC-KR) or UTF-16."
        raise YamlRefused(seen, data.count(b"\n", 0, error.start) + 1, what) from None


def _root(text: str, most: int) -> _Node:
    if len(text) > most:
        raise YamlRefused(f"it goes on behind {most:,} characters, {len(text):,} in all. Write it shorter.", text.count("\n", 0, most) + 1)
    if odd := _UNPRINTABLE.search(text):
        raise YamlRefused(f"the character U+{ord(odd[0]):04X} is no text. Leave it out.", text.count("\n", 0, odd.start()) + 1)
    tree = _Tree()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            tree.take(event)
    except yaml.YAMLError as error:
        raise _refusal(error, text) from None
    if tree.root is None or tree.root.value is None:
        raise YamlRefused("there is nothing in it. Write keys with values, like name: value.", 1)
    return tree.root


class _Tree:
    """The nodes of a document, as the parser's events tell them, without recursion."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._open: list[_Node] = []
        #: The key (with its line) that waits for its value, per open node.
        self._keys: list[tuple[str, int] | None] = []
        self._named: dict[str, _Node] = {}
        self._aliased = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if getattr(event, "tag", None):
            raise YamlRefused(f"the tag {event.tag.replace('tag:yaml.org,2002:', '!!')[:40]} is not allowed. Write the value alone.", line)
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise YamlRefused("a second document begins. Keep one of them, without ---.", line)
        if isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), line)
        elif isinstance(event, yaml.ScalarEvent):
            if self._is_key():
                self._key(event, line)
            else:
                self._put(_Node(line, _scalar(event, line)), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            node = _Node(line, [] if isinstance(event, yaml.SequenceStartEvent) else {})
            self._put(node, event.anchor, deep=1)
            self._open.append(node)
            self._keys.append(None)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._keys[-1] is None

    def _key(self, event: yaml.ScalarEvent, line: int) -> None:
        key = _kept(event.value, line)
        if key == "<<" and event.implicit[0]:
            raise YamlRefused("keys cannot be merged with <<. Write them out.", line)
        if (there := self._open[-1].value.get(key)) is not None:
            raise YamlRefused(f"the key {key[:40]!r} stands in line {there[0]} already. Keep one of the two.", line)
        self._keys[-1] = (key, line)

    def _alias(self, name: str, line: int) -> None:
        node = self._named.get(name)
        if node is None or any(node is one for one in self._open):
            raise YamlRefused(f"the alias *{name[:40]} stands for nothing before it. Write the value out, or put it in quotes.", line)
        size, deep = node.extent()
        self._aliased += size
        if self._aliased > ALIASED_MAX:
            raise YamlRefused(f"its aliases stand for more than {ALIASED_MAX:,} values. Write out what is needed.", line)
        self._put(_Node(line, node.value), None, deep)

    def _put(self, node: _Node, anchor: str | None, deep: int = 0) -> None:
        if len(self._open) + deep > DEEP_MAX:
            raise YamlRefused(f"it lies more than {DEEP_MAX} lists and mappings deep. Is a bracket too many?", node.line)
        if anchor is not None:
            self._named[anchor] = node
        if not self._open:
            self.root = node
        elif self._is_key():
            raise YamlRefused("a list or mapping stands where a key must. Write a text, then ': '.", node.line)
        elif isinstance(self._open[-1].value, list):
            self._open[-1].value.append(node)
        elif (key := self._keys[-1]) is not None:
            self._open[-1].value[key[0]] = (key[1], node)
            self._keys[-1] = None


def _scalar(event: yaml.ScalarEvent, line: int) -> Any:
    if not event.implicit[0]:
        return _kept(event.value, line)  # in quotes, or a block of text
    if event.value in _WORDS:
        return _WORDS[event.value]
    number = _NUMBER.fullmatch(event.value)
    if number is None:
        return event.value
    # Python makes no number of thousands of digits.
    made = int(event.value) if len(event.value) < 25 and not any(number.groups()) else float(event.value)
    if math.isinf(made) or (not any(number.groups()) and abs(made) > WHOLE_MAX):
        raise YamlRefused(f"the number {event.value[:40]} is too large. Put it in quotes if it is a name.", line)
    return made


def _kept(text: str, line: int) -> str:
    if odd := _UNKEPT.search(text):
        raise YamlRefused(f"the character U+{ord(odd[0]):04X} is no text. Leave it out.", line)
    return text


def _plain(node: _Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(inner) for key, (_line, inner) in node.value.items()}
    return [_plain(inner) for inner in node.value] if isinstance(node.value, list) else node.value


def _refusal(error: yaml.YAMLError, text: str) -> YamlRefused:
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    if problem == "found character that cannot start any token" and mark:
        seen = text.removeprefix("\ufeff").splitlines()[mark.line][mark.column]
        if seen == "\t":
            return YamlRefused("a tab stands where spaces must. Put two spaces for each tab.", line)
        return YamlRefused(f"no value can begin with {seen}. Put it in quotes.", line)
    for begins, said, began in _PROBLEMS:
        if problem.startswith(begins):
            return YamlRefused(said, context.line + 1 if began and context else line)
    return YamlRefused(f"it is not YAML: {problem}. Compare it with one that is.", line)
