"""The rule set of identity: data, versioned, per brand. What is an identifier, which one leads, which values name nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import phonenumbers
from psycopg import Connection

from dangol.errors import DangolError
from dangol.events import node_bytes
from dangol.identity.facts import Claimed
from dangol.identity.ruleset_keys import fault_of
from dangol.yaml_reader import YamlRefused, read_yaml

#: A longer value is no identifier (Segment's servers drop groupId above the same length).
VALUE_LENGTH_MAX = 500
#: Longest rule set, characters: the one that ships has 4,000.
DOCUMENT_MAX = 100_000
#: Spellings of identifiers that a rule set remembers: about 30 MB of a process when they are all used.
REMEMBERED = 65_536

#: Bounds of claims_max. Below, somebody's own phone might reach it; above, judging one person's claims anew would stop the flow for seconds.
CLAIMS_MAX = (100, 50_000)


class RuleSetRefused(DangolError):
    """A rule set cannot be used as it is."""

    code = "rule_set_refused"


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """When an identifier counts as shared."""

    #: Owners at once from which on it is shared. >= 2.
    owners: int
    #: Days within which their use must fall.
    days: int
    #: Owners who each proved that it is theirs, at whatever time, from which on it is contested: it changed hands, or they
    #: share it, and nobody can tell who an event that carries it alone comes from. >= 2; None: never.
    proven: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """How many values of one type one person may get."""

    #: >= 1.
    values: int
    #: Within how many days, counted from each value's first appearance; None: ever.
    days: int | None = None


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How one type of identifier behaves."""

    rank: int
    unique: bool = False
    #: It stands for somebody known: an unverified claim never joins two such people, and it counts as an owner.
    known: bool = False
    #: text, lower, email or phone, and which version of it: "email@1". A name alone means version 1, for ever.
    normaliser: str = "text"
    #: No one person gets more values than this; the claim that would is refused. None: no limit (unique types have 1, ever).
    limit: Limit | None = None
    shared: SharedLimit | None = None
    #: Anybody may type it into a form, so it proves nothing unless the event says that it was verified.
    typed: bool = False


@dataclass(frozen=True)
class RuleSet:
    """All rules together."""

    version: int
    types: dict[str, TypeRule]
    other_rank: int
    traits: dict[str, str]
    #: Kind of source -> types that name the device there, never the customer.
    neutral: dict[str, frozenset[str]]
    blocked_any_case: frozenset[str]
    blocked_patterns: tuple[str, ...]
    #: An identifier with more claims than this joins nobody any more, whatever its type: it bounds the work that anybody can cause.
    claims_max: int = 20_000
    #: ISO region in which a phone number without a country code is read.
    region: str = "KR"

    @cached_property
    def limits(self) -> dict[str, Limit]:
        """Type -> how many values of it one person may get, for types that are limited but not unique."""
        return {kind: rule.limit for kind, rule in self.types.items() if rule.limit and not rule.unique}

    @cached_property
    def _patterns(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in self.blocked_patterns) or r"(?!)")

    def rank(self, kind: str) -> int:
        """The lower, the more it leads."""
        rule = self.types.get(kind)
        return rule.rank if rule else self.other_rank

    def unique(self, kind: str) -> bool:
        """Whether one person has at most one value of this type."""
        rule = self.types.get(kind)
        return bool(rule and rule.unique)

    def known(self, kind: str) -> bool:
        """Whether an identifier of this type stands for somebody known."""
        rule = self.types.get(kind)
        return bool(rule and (rule.known or rule.unique))

    def typed(self, kind: str) -> bool:
        """Whether a value of this type proves nothing by itself."""
        rule = self.types.get(kind)
        return bool(rule and rule.typed)

    def normalise(self, kind: str, raw: str) -> str | None:
        """The value under which an identifier is known, or None when it names nobody (blocked, unreadable)."""
        rule = self.types.get(kind)
        value = _normaliser(rule.normaliser if rule else "text")(raw, self.region)
        if value is None or not 0 < len(value) <= VALUE_LENGTH_MAX or self.is_blocked(value):
            return None
        return value

    def claimed(self, kind: str, raw: str, verified: bool) -> Claimed | None:
        """An identifier as an event claims it; None when it names nobody.

        The same spellings come again and again, with every event of a visit: the last REMEMBERED ones are not read anew.
        """
        return (self._remembered if len(raw) <= VALUE_LENGTH_MAX else self._claimed)(kind, raw, verified)

    @cached_property
    def _remembered(self) -> Callable[[str, str, bool], Claimed | None]:
        return lru_cache(maxsize=REMEMBERED)(self._claimed)

    def _claimed(self, kind: str, raw: str, verified: bool) -> Claimed | None:
        value = self.normalise(kind, raw)
        if value is None:
            return None
        return Claimed(kind, value, raw, verified or not self.typed(kind), self.rank(kind), node_bytes(kind, value))

    def is_blocked(self, value: str) -> bool:
        """Whether *value* is one that clients send when they mean nobody."""
        # As a Korean keyboard writes them, full-width letters and digits mean the same: ＮＵＬＬ, ００００.
        bare = unicodedata.normalize("NFKC", value).strip("'\"` ").lower()
        return not bare or bare in self.blocked_any_case or self._patterns.search(bare) is not None


def _text(raw: str, region: str) -> str | None:  # noqa: ARG001 - one signature for all
    return unicodedata.normalize("NFC", raw).strip()


def _text_of_one_width(raw: str, region: str) -> str | None:  # noqa: ARG001
    # What a person types at a till or a kiosk: Korean keyboards write full-width letters and digits at the press of a key.
    return unicodedata.normalize("NFKC", raw).strip()


def _lower(raw: str, region: str) -> str | None:  # noqa: ARG001
    return unicodedata.normalize("NFC", raw).strip().lower()


def _email(raw: str, region: str) -> str | None:  # noqa: ARG001
    # NFKC folds full-width letters, which Korean and Japanese input methods produce by accident.
    value = unicodedata.normalize("NFKC", raw).strip().lower()
    local, at, domain = value.rpartition("@")
    return value if at and local and "." in domain and " " not in value else None


#: A number in which a spreadsheet left out digits.
_ROUNDED = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")


#: A Korean mobile number as nearly everybody writes it. Reading it needs no library, which takes twenty times as long; a test compares the two.
_KOREAN_MOBILE = re.compile(r"0(1[016789])-?([0-9]{3,4})-?([0-9]{4})")


@lru_cache(maxsize=100_000)
def _phone(raw: str, region: str) -> str | None:
    if region == "KR" and (mobile := _KOREAN_MOBILE.fullmatch(raw)):
        return f"+82{mobile[1]}{mobile[2]}{mobile[3]}"
    return _phone_by_library(raw, region)


def _phone_by_library(raw: str, region: str) -> str | None:
    # E.164, so that 010-1234-5678, +82 10 1234 5678 and full-width digits are one number. Spreadsheets write a cell that they take for an
    # amount as 1023456789.0, which has a digit too many, or as 1.02E+09, which is many people's.
    said = unicodedata.normalize("NFKC", raw).strip().removesuffix(".0")
    if _ROUNDED.fullmatch(said):
        return None
    try:
        number = phonenumbers.parse(said, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email_inbox(raw: str, region: str) -> str | None:
    # "mina+shop@brand.kr" reaches the inbox of "mina@brand.kr" (RFC 5233, subaddressing), with most providers, not all: so this is a
    # second version that a brand chooses, and no silent change of the first.
    value = _email(raw, region)
    if value is None:
        return None
    local, _, domain = value.rpartition("@")
    bare = local.partition("+")[0]
    return f"{bare}@{domain}" if bare else value


#: name -> version -> normaliser. A version never changes once it is released: what it gives is in people's ids. Better ones are added.
_NORMALISERS: dict[str, dict[int, Callable[[str, str], str | None]]] = {
    "text": {1: _text, 2: _text_of_one_width},
    "lower": {1: _lower},
    "email": {1: _email, 2: _email_inbox},
    "phone": {1: _phone},
}


@lru_cache(maxsize=64)
def _normaliser(spelt: str) -> Callable[[str, str], str | None]:
    """The normaliser that "name" or "name@version" means. Raises: KeyError."""
    name, _, version = spelt.partition("@")
    if version and not version.isdigit():
        raise KeyError(spelt)
    return _NORMALISERS[name][int(version or 1)]


def parse_rules(document: dict[str, Any], *, region: str = "KR") -> RuleSet:
    """A rule set from its YAML document. Raises: RuleSetRefused, naming the key that does not fit."""
    fault = fault_of(document)
    if fault is not None:
        raise RuleSetRefused(fault)
    types = {name: _type_rule(rule) for name, rule in document["types"].items()}
    patterns = tuple(document["blocked"]["patterns"])
    for pattern in patterns:
        _compiled(pattern)
    for name, rule in types.items():
        _check(name, rule)
    for trait, kind in document["traits"].items():
        if not isinstance(kind, str):
            raise RuleSetRefused(f"traits.{trait} is {kind!r}, must be the name of an identifier type, like email.")
    return RuleSet(
        version=int(document["version"]),
        types=types,
        other_rank=int(document["other_rank"]),
        traits=dict(document["traits"]),
        neutral={kind: frozenset(names) for kind, names in document["neutral"].items()},
        blocked_any_case=frozenset(str(value).lower() for value in document["blocked"]["any_case"]),
        blocked_patterns=patterns,
        claims_max=_claims_max(document.get("claims_max", RuleSet.claims_max)),
        region=region,
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:  # a count of 20 digits, brackets a thousand deep
        raise RuleSetRefused(f"blocked.patterns has {pattern[:80]!r}, which is no regular expression: {error}.") from error


def _claims_max(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not CLAIMS_MAX[0] <= value <= CLAIMS_MAX[1]:
        raise RuleSetRefused(f"claims_max is {value!r}, must be a whole number from {CLAIMS_MAX[0]:,} to {CLAIMS_MAX[1]:,}.")
    return value


def _type_rule(rule: dict[str, Any]) -> TypeRule:
    limit, shared = rule.get("limit"), rule.get("shared")
    return TypeRule(**{**rule, "limit": Limit(**limit) if limit else None, "shared": SharedLimit(**shared) if shared else None})


def _check(name: str, rule: TypeRule) -> None:
    try:
        _normaliser(rule.normaliser)
    except KeyError:
        known = ", ".join(f"{normaliser}@{version}" for normaliser, versions in _NORMALISERS.items() for version in versions)
        raise RuleSetRefused(f"types.{name}.normaliser is {rule.normaliser!r}, must be one of {known}.") from None
    for key, flag in (("unique", rule.unique), ("known", rule.known), ("typed", rule.typed)):
        if not isinstance(flag, bool):
            raise RuleSetRefused(f"types.{name}.{key} is {flag!r}, must be true or false.")
    counts = {
        "rank": ("nothing" if rule.rank is None else rule.rank, 0),
        "limit.values": (rule.limit.values if rule.limit else None, 1),
        "limit.days": (rule.limit.days if rule.limit else None, 1),
        "shared.owners": (rule.shared.owners if rule.shared else None, 2),
        "shared.days": (rule.shared.days if rule.shared else None, 0),
        "shared.proven": (rule.shared.proven if rule.shared else None, 2),
    }
    for key, (value, least) in counts.items():
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise RuleSetRefused(f"types.{name}.{key} is {value!r}, must be a whole number of {least} or more.")
    if rule.unique and rule.limit:
        raise RuleSetRefused(f"types.{name} is unique, which is a limit of 1 for ever; leave out its limit, or unique.")


def shipped_document() -> str:
    """The rule set that ships with Dangol, as YAML: what a brand starts its own from."""
    return files("dangol.identity").joinpath("rules.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def default_rules(region: str = "KR") -> RuleSet:
    """The rule set that ships with Dangol."""
    return read_rules(shipped_document(), region=region)


@lru_cache(maxsize=32)
def read_rules(text: str, *, region: str = "KR") -> RuleSet:
    """A rule set from YAML text, at most DOCUMENT_MAX characters. Raises: RuleSetRefused, naming the line or the key."""
    try:
        document = read_yaml(text, "The rule set", most=DOCUMENT_MAX)
    except YamlRefused as error:
        raise RuleSetRefused(str(error)) from error
    return parse_rules(document, region=region)


def rules_in_force(connection: Connection[Any], region: str = "KR") -> RuleSet:
    """The brand's newest rule set, or the one that ships."""
    row = connection.execute("select version, document from identity_rule_set order by version desc limit 1").fetchone()
    return replace(read_rules(row[1], region=region), version=row[0]) if row else default_rules(region)


def document_in_force(connection: Connection[Any]) -> tuple[int, str]:
    """(version, YAML text) of the rule set in force."""
    row = connection.execute("select version, document from identity_rule_set order by version desc limit 1").fetchone()
    return (row[0], row[1]) if row else (default_rules().version, shipped_document())


def keep_rules(connection: Connection[Any], document: str, *, actor: str, why: str, at: datetime) -> int:
    """Make *document* the newest version and return its number. What follows from it is a rebuild's affair. Raises: RuleSetRefused."""
    read_rules(document)
    row = connection.execute(
        """
        insert into identity_rule_set (version, document, actor, why, applied_at)
        select coalesce(max(version), %s) + 1, %s, %s, %s, %s
          from identity_rule_set
        returning version
        """,
        [default_rules().version, document, actor, why, at],
    ).fetchone()
    assert row is not None
    return int(row[0])
