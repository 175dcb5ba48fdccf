"""Identity in plain words, Korean and English: what joined two identifiers, what keeps them apart, who decided. Pure.

One table for pages and API, so that both tell the same.
"""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dangol.console.people_words import short
from dangol.console.sentence_table import Words
from dangol.console.shown import particle
from dangol.identity import TYPE_NAMES, ClaimView, DecisionKind, DecisionView
from dangol.privacy import mask_identifier

#: What people call a type of identifier. Before a value, as in "member M1024", a member's number is short.
TYPES: dict[str, Words] = {kind: Words(name.ko, name.en) for kind, name in TYPE_NAMES.items()} | {"user_id": Words("회원", "member")}

#: Why a claim was refused: short, and as a sentence.
REFUSED: dict[str, tuple[Words, Words]] = {
    "unique_conflict": (
        Words("두 회원이에요", "two members"),
        Words("각자 회원 번호가 있어요. 한 사람이 하나만 가질 수 있는 식별자라 합치지 않았어요.", "Each has a value of a type of which one person has only one, such as a member number."),
    ),
    "too_many_values": (
        Words("값이 너무 많아요", "too many values"),
        Words("합치면 한 사람이 이 종류의 식별자를 규칙이 정한 것보다 많이 갖게 돼요.", "Together they would have more values of one type than the rule set allows one person."),
    ),
    "unverified": (
        Words("확인되지 않았어요", "not proven"),
        Words("둘 다 이미 아는 사람인데, 입력했을 뿐 확인되지 않은 값이라 합치지 않았어요.", "Both are known already, and what would join them was only typed, never proven."),
    ),
    "kept_apart": (
        Words("사람이 나눴어요", "kept apart by hand"),
        Words("담당자가 서로 다른 사람이라고 정했어요.", "Somebody of the brand decided that these are two people."),
    ),
    "shared_identifier": (
        Words("함께 쓰는 식별자예요", "shared identifier"),
        Words("여러 사람이 함께 쓰는 식별자라 아무도 이어 주지 않아요.", "One of them is used by many people, so it joins nobody."),
    ),
}

_AT_LEAST = Words("적어도 {n}", "At least {n}")
#: Why an identifier joins nobody: short, and as a sentence.
SHARED: dict[str, tuple[Words, Words]] = {
    "many_owners": (
        Words("여러 사람이 함께 써요", "used by many"),
        Words("{owners}명이 {days}일 안에 함께 썼어요. 그래서 누구의 것도 아니고, 이것만으로는 누구도 합치지 않아요.", "{owners} known people used it within {days} days. So it belongs to none of them, and joins nobody."),
    ),
    "runaway": (
        Words("지나치게 많이 쓰여요", "claimed with too much"),
        Words(
            "한 사람이 가질 수 있는 것보다 훨씬 많은 식별자와 함께 들어왔어요. 프로그램이나 시험용 값으로 보여서 누구도 합치지 않아요.",
            "It came together with more identifiers than any one person has: a machine or a test value. So it joins nobody.",
        ),
    ),
    "contested": (
        Words("서로 자기 것이라고 해요", "claimed by several"),
        Words("{owners}명이 각자 자기 것이라고 증명했어요. 주인이 바뀌었거나 함께 쓰는 것이에요.", "{owners} known people each proved that it is theirs: it changed hands, or they share it."),
    ),
}


def kind_words(kind: str, language: str) -> str:
    """A type of identifier in words; one that a brand made up as it is."""
    return TYPES[kind].of(language) if kind in TYPES else kind


@dataclass(frozen=True)
class Teller:
    """Tells claims and decisions in one language and time zone.

    `clear` says of an identifier (type, value) whether it may be shown; others are masked.
    """

    language: str
    zone: ZoneInfo
    clear: Callable[[str, str], bool] = lambda _kind, _value: False
    #: messageId -> name of the event, where it is known.
    events: Mapping[str, str] | None = None

    def identifier(self, text: str) -> str:
        """type:value as people read it: "phone +82 10-****-1234"."""
        kind, _, value = text.partition(":")
        return f"{self.kind(kind)} {short(self.value(kind, value))}"

    def value(self, kind: str, value: str) -> str:
        """A value, masked unless it may be shown."""
        return value if self.clear(kind, value) else mask_identifier(kind, value)

    def masked(self, text: str) -> str:
        """type:value with its value masked unless it may be shown."""
        kind, colon, value = text.partition(":")
        return f"{kind}{colon}{self.value(kind, value)}"

    def kind(self, kind: str) -> str:
        """A type of identifier in words."""
        return kind_words(kind, self.language)

    def step(self, step: ClaimView | DecisionView) -> str:
        """One step of a path, or one thing that keeps two people apart."""
        if isinstance(step, DecisionView):
            return self.decision(step)
        return self.refusal(step) if step.refused else self.claim(step)

    def claim(self, claim: ClaimView) -> str:
        """What joined two identifiers."""
        a, b, event, day = self._parts(claim)
        if self.language == "ko":
            proof = "확인된 값이에요" if claim.verified else "입력한 값이에요"
            again = f", 모두 {claim.events:,}번" if claim.events > 1 else ""
            return f"{b}{particle(b, '은')} {day}에 {claim.source}의 {event} 이벤트로 {a}{particle(a, '과')} 이어졌어요 ({proof}{again})."
        proof = "verified" if claim.verified else "typed, not verified"
        again = f", {claim.events:,} times in all" if claim.events > 1 else ""
        return f"{_capital(b)} was joined to {a} by the event {event} from {claim.source} on {day} ({proof}{again})."

    def refusal(self, claim: ClaimView) -> str:
        """What would have joined two identifiers, and why it did not."""
        a, b, event, day = self._parts(claim)
        because = self.because(claim.refused)
        if self.language == "ko":
            return f"{day}에 {claim.source}의 {event} 이벤트가 {b}{particle(b, '과')} {a}{particle(a, '을')} 이으려 했지만 잇지 않았어요. {because}"
        return f"The event {event} from {claim.source} on {day} claims {b} and {a} together; this was refused. {because}"

    def decision(self, decision: DecisionView) -> str:
        """What somebody decided."""
        a, b, day = self.identifier(decision.a), self.identifier(decision.b), self.day(decision.at)
        who = decision.actor.partition(":")[2] or decision.actor
        if self.language == "ko":
            said = "같은 사람이라고" if decision.kind == DecisionKind.TOGETHER else "서로 다른 사람이라고"
            return f"{who} 님이 {day}에 {a}{particle(a, '과')} {b}{particle(b, '은')} {said} 정했어요: “{decision.why}”"
        said = "are one person" if decision.kind == DecisionKind.TOGETHER else "are two people"
        return f"On {day} {who} decided that {a} and {b} {said}: “{decision.why}”"

    def because(self, reason: str) -> str:
        """A refusal's reason as a sentence; an unknown one as it is."""
        return REFUSED[reason][1].of(self.language) if reason in REFUSED else reason

    def because_short(self, reason: str) -> str:
        """A refusal's reason in a few words."""
        return REFUSED[reason][0].of(self.language) if reason in REFUSED else reason

    def shared(self, because: str, owners: int, days: int, *, more: bool = False) -> str:
        """Why an identifier joins nobody. Args: more: it has claims beyond those in which *owners* were counted."""
        counted = (_AT_LEAST.of(self.language) if more else "{n}").format(n=f"{owners:,}")
        return SHARED[because][1].of(self.language).format(owners=counted, days=days)

    def shared_short(self, because: str) -> str:
        """The same in a few words."""
        return SHARED[because][0].of(self.language)

    def day(self, at: datetime) -> str:
        """2026년 5월 3일, 3 May 2026."""
        local = at.astimezone(self.zone)
        return f"{local.year}년 {local.month}월 {local.day}일" if self.language == "ko" else f"{local.day} {local:%B} {local.year}"

    def event(self, claim: ClaimView) -> str:
        """The name of the event that claimed first, or the kind of call it was."""
        return (self.events or {}).get(claim.first_event) or claim.rule

    def _parts(self, claim: ClaimView) -> tuple[str, str, str, str]:
        return self.identifier(claim.a), self.identifier(claim.b), f"‘{self.event(claim)}’", self.day(claim.first_at)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
