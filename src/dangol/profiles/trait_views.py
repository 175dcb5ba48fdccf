"""Traits and groups as people see them, out of what was told: which value counts, who told it, what else was told, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dangol.events import to_datetime
from dangol.profiles.belonging import Belonging
from dangol.profiles.ruleset import TraitRules
from dangol.profiles.survivorship import Loser, Policy, Sources, Survivor, survive
from dangol.profiles.told import History, Telling
from dangol.profiles.views import MembershipView, ToldView, TraitExplanation, TraitView


def trait_views(traits: Mapping[str, History], rules: TraitRules, sources: Sources) -> dict[str, TraitView]:
    """The traits that have a value, by name."""
    found = {}
    for name, history in traits.items():
        told = history.told
        rule = rules.rule(name)
        if len(told) == 1 and not history.crowded and rule.policy is not Policy.UNION:
            # Whatever the policy, a single value counts. Nearly every trait is told one value.
            only = told[0]
            survivor = Survivor(only.value, None if only.value is None else only, [], [], rule.policy, fell_back=False)
        else:
            survivor = survive(history, rule, sources)
        if survivor.telling is not None:
            found[name] = _trait_view(survivor, sources, crowded=history.crowded)
    return found


def _trait_view(survivor: Survivor, sources: Sources, *, crowded: bool) -> TraitView:
    told = survivor.telling
    assert told is not None
    return TraitView(
        value=survivor.value,
        source=sources.get(told.source, ("", ""))[0],
        observed_at=to_datetime(told.at),
        event_id=told.message_id,
        policy=survivor.policy.value,
        others=[_lost(one, sources, crowded=crowded) for one in survivor.others],
    )


def value_of(traits: Mapping[str, History], name: str, rules: TraitRules, sources: Sources) -> Any:
    """The value of one trait; None when it has none."""
    history = traits.get(name)
    return survive(history, rules.rule(name), sources).value if history else None


def explain_trait(name: str, history: History, rules: TraitRules, sources: Sources) -> TraitExplanation:
    """Which rule decided about a trait, what counts, and why everything else does not."""
    rule = rules.rule(name)
    survivor = survive(history, rule, sources)
    winners = [survivor.telling, *survivor.supporting] if survivor.telling is not None else []
    return TraitExplanation(
        trait=name,
        value=survivor.value,
        policy=survivor.policy.value,
        asked_policy=rule.policy.value,
        order=list(rule.order),
        named=name in rules.survivorship,
        rules_version=rules.version,
        winners=[told_view(one, sources, crowded=history.crowded) for one in winners],
        others=[_lost(one, sources, crowded=history.crowded) for one in survivor.others],
        crowded=history.crowded,
    )


def _lost(one: Loser, sources: Sources, *, crowded: bool) -> ToldView:
    return told_view(one.telling, sources, crowded=crowded, lost=one.lost.value)


def told_view(told: Telling, sources: Sources, *, crowded: bool, lost: str | None = None) -> ToldView:
    """One value with who told it."""
    source, kind = sources.get(told.source, ("", ""))
    first_at, first_message, _ = told.first
    return ToldView(
        value=told.value,
        source=source,
        channel=kind,
        verified=bool(told.proof),
        first_at=to_datetime(first_at),
        first_event=first_message,
        last_at=to_datetime(told.at),
        last_event=told.message_id,
        events=None if crowded else told.events,
        lost=lost,
    )


def group_views(groups: Mapping[str, Belonging], sources: Sources) -> list[MembershipView]:
    """The groups that a person was put in, by id. One that they were only told to have left is none."""
    found = []
    for group, told in groups.items():
        if told.since is None or told.last is None:
            continue
        newest = told.left if told.left is not None and not told.holds else told.last
        found.append(
            MembershipView(
                group_id=group,
                name=told.text("name"),
                kind=told.text("kind"),
                since=to_datetime(told.since.at),
                source=sources.get(told.since.source, ("", ""))[0],
                left=None if told.holds else to_datetime(newest.at),
                rejoined_after=to_datetime(told.away.at) if told.away else None,
                event_id=newest.message_id,
            )
        )
    return found
