"""The trait rules: data, versioned, per brand. Which value of a trait counts, and which traits are counted out of events.

Which policy holds is asked when a profile is read, so a change of survivorship needs no rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from psycopg import Connection

from dangol.asking import Asked, Asking, Question
from dangol.profiles.computed.definitions import Computed, read_computed
from dangol.profiles.computed.lifecycle import Stage, read_lifecycle
from dangol.profiles.refused import TraitRulesRefused, mapping_at, only_keys, refusal
from dangol.profiles.survivorship import Policy, SurvivorRule
from dangol.yaml_reader import YamlRefused, read_yaml

#: Sections of the document; `version` is the writer's own count, Dangol numbers what is applied itself.
SECTIONS = ("version", "default", "survivorship", "computed", "lifecycle")
#: Traits with a policy of their own at most: the document is read with each profile that has not seen it yet.
TRAITS_MAX = 1000
#: Longest document, characters: the one that ships has 3,000.
DOCUMENT_MAX = 200_000
#: Documents kept read in memory.
DOCUMENTS_KNOWN_MAX = 32


@dataclass(frozen=True)
class TraitRules:
    """All rules about traits together."""

    version: int
    #: For traits without a rule of their own.
    default: SurvivorRule = field(default_factory=SurvivorRule)
    survivorship: Mapping[str, SurvivorRule] = field(default_factory=dict)
    #: Traits that Dangol works out of events, by name.
    computed: Mapping[str, Computed] = field(default_factory=dict)
    #: Stages in a customer's life, in the order in which they are asked.
    lifecycle: tuple[Stage, ...] = ()
    #: SHA-256 of the document in hex: names what was read.
    digest: str = ""

    def rule(self, trait: str) -> SurvivorRule:
        """What decides about *trait*."""
        return self.survivorship.get(trait, self.default)


def shipped_trait_document() -> str:
    """The trait rules that ship with Dangol, as YAML: what a brand starts its own from."""
    return files("dangol.profiles").joinpath("traits.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def shipped_trait_rules() -> TraitRules:
    """The trait rules that ship with Dangol."""
    return read_trait_rules(shipped_trait_document())


@lru_cache(maxsize=32)
def read_trait_rules(text: str) -> TraitRules:
    """Trait rules from YAML text, at most DOCUMENT_MAX characters. Raises: TraitRulesRefused, naming line or key, what was seen and what is allowed."""
    try:
        document = read_yaml(text, "The trait rules", most=DOCUMENT_MAX)
    except YamlRefused as error:
        raise TraitRulesRefused(str(error)) from error
    only_keys("the document", document, SECTIONS)
    version = document.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise refusal("version", version, "a whole number from 1 on")
    told = mapping_at("survivorship", document.get("survivorship"))
    if len(told) > TRAITS_MAX:
        raise refusal("survivorship", f"{len(told)} traits", f"at most {TRAITS_MAX}")
    computed = read_computed(document.get("computed"))
    return TraitRules(
        version=version,
        default=_survivor_rule("default", document.get("default", Policy.NEWEST.value)),
        survivorship={trait: _survivor_rule(f"survivorship.{trait}", rule) for trait, rule in told.items()},
        computed=computed,
        lifecycle=read_lifecycle(document.get("lifecycle"), computed),
        digest=digest_of(text),
    )


def digest_of(text: str) -> str:
    """SHA-256 of a document, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _survivor_rule(key: str, rule: Any) -> SurvivorRule:
    if isinstance(rule, str):
        rule = {"policy": rule}
    if not isinstance(rule, dict):
        raise refusal(key, rule, "a policy or {policy: sources, order: […]}; policies are", names=[policy.value for policy in Policy])
    rule = mapping_at(key, rule)
    only_keys(key, rule, ("policy", "order"))
    policies = [policy.value for policy in Policy]
    if rule.get("policy") not in policies:
        raise refusal(f"{key}.policy" if "policy" in rule else key, rule.get("policy", rule), "one of", names=policies)
    policy = Policy(rule["policy"])
    order = rule.get("order")
    if policy is not Policy.SOURCES:
        if order is not None:
            raise refusal(f"{key}.order", order, f"left out: {policy} asks for no order of sources, only {Policy.SOURCES} does")
        return SurvivorRule(policy)
    if not isinstance(order, list) or not order or not all(isinstance(name, str) and name.strip() for name in order):
        raise refusal(f"{key}.order", order, "a list of names or kinds of sources, the most trusted first, such as [crm, pos, web]")
    names = tuple(name.strip() for name in order)
    for name in names:
        if names.count(name) > 1:
            raise refusal(f"{key}.order", name, "named once")
    return SurvivorRule(policy, names)


def trait_rules_in_force(connection: Connection[Any]) -> TraitRules:
    """The brand's newest trait rules, or the ones that ship."""
    row = connection.execute("select version, document from trait_rule_set order by version desc limit 1").fetchone()
    return replace(read_trait_rules(row[1]), version=row[0]) if row else shipped_trait_rules()


_known: dict[str, TraitRules] = {}
_DOCUMENT = Question("select document from trait_rule_set where digest = %(digest)s order by version desc limit 1")


def known_trait_rules(newest: tuple[int, str] | None) -> Asking[TraitRules]:
    """The rules in force, where a query has told their (version, digest) already; asks State only for a document not seen before."""
    if newest is None:
        return shipped_trait_rules()
    version, digest = newest
    known = _known.get(digest)
    if known is None:
        rows = yield Asked(_DOCUMENT, {"digest": digest})
        if len(_known) >= DOCUMENTS_KNOWN_MAX:
            _known.clear()
        known = _known[digest] = read_trait_rules(rows[0][0])
    return known if known.version == version else replace(known, version=version)


def trait_document_in_force(connection: Connection[Any]) -> tuple[int, str]:
    """(version, YAML text) of the trait rules in force."""
    row = connection.execute("select version, document from trait_rule_set order by version desc limit 1").fetchone()
    return (row[0], row[1]) if row else (shipped_trait_rules().version, shipped_trait_document())


def keep_trait_rules(connection: Connection[Any], document: str, *, actor: str, why: str, at: datetime) -> int:
    """Make *document* the newest version and return its number. Survivorship follows at once. Raises: TraitRulesRefused."""
    rules = read_trait_rules(document)
    row = connection.execute(
        """
        insert into trait_rule_set (version, document, digest, actor, why, applied_at)
        select coalesce(max(version), %s) + 1, %s, %s, %s, %s, %s
          from trait_rule_set
        returning version
        """,
        [shipped_trait_rules().version, document, rules.digest, actor, why, at],
    ).fetchone()
    assert row is not None
    return int(row[0])
