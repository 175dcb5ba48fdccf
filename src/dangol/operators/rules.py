"""What each role may do, what a password must be, and how long somebody who guesses must wait. Pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from dangol.errors import DangolError


class RoleUnknown(DangolError):
    """No such role exists."""

    code = "role_unknown"


class Role(StrEnum):
    """What somebody is here for. One role each; it decides what they see and may do."""

    OWNER = "owner"  #: Answers for everything: may do all, gives and takes roles.
    MARKETER = "marketer"  #: Plans and sends; works with people as a crowd, personal data stays masked.
    ANALYST = "analyst"  #: Reads everything measured; personal data stays masked.
    AGENT = "agent"  #: Talks with customers; sees whom they talk with.
    STORE = "store"  #: Serves customers in a store; looks one up for a stated reason.
    DEVELOPER = "developer"  #: Connects systems: sources, tracking plan, quarantine, subscriptions; personal data stays masked.
    PRIVACY_OFFICER = "privacy_officer"  #: Answers for personal data: sees it, sees who looked at it, reads the audit.


class Permission(StrEnum):
    """One thing somebody may do."""

    PEOPLE_SEE = "people.see"  #: Find people and read their views and timelines, personal data masked.
    PEOPLE_UNMASK = "people.unmask"  #: See personal data after saying why; each look is audited.
    PEOPLE_PERSONAL = "people.personal"  #: See personal data through a token without asking each time; each look is audited.
    PEOPLE_EXPORT = "people.export"  #: Take people out as a file.
    LIVE_SEE = "live.see"  #: Watch events as they arrive.
    FEED_READ = "feed.read"  #: Read the change feed.
    RECEIPTS_SEE = "receipts.see"  #: Ask what became of an event.
    STATUS_SEE = "status.see"  #: See counts, lag and the health of the processes.
    QUARANTINE_SEE = "quarantine.see"  #: Read quarantined events, personal data masked.
    QUARANTINE_SETTLE = "quarantine.settle"  #: Correct, replay and dismiss quarantined events.
    SOURCES_SEE = "sources.see"  #: See sources and their volumes, not their write keys.
    SOURCES_CHANGE = "sources.change"  #: Add, disable and re-key sources, and see write keys.
    PLAN_SEE = "plan.see"  #: Read the tracking plan and the catalogue.
    PLAN_CHANGE = "plan.change"  #: Add and retire versions of the tracking plan.
    SUBSCRIPTIONS_SEE = "subscriptions.see"  #: See who is told of facts, and how far.
    SUBSCRIPTIONS_CHANGE = "subscriptions.change"  #: Add, pause and remove signed webhooks.
    OPERATORS_SEE = "operators.see"  #: See who has access.
    OPERATORS_CHANGE = "operators.change"  #: Add people and tokens, change and take away their roles.
    IDENTITY_SEE = "identity.see"  #: Read how people are recognised: shared identifiers, decisions, the rule set.
    IDENTITY_DECIDE = "identity.decide"  #: Say that two identifiers are one person or two, and take it back.
    IDENTITY_RULES = "identity.rules"  #: Try rule sets over history and put them in force.
    TRAITS_SEE = "traits.see"  #: Read the trait rules: which value counts, computed traits, lifecycle stages.
    TRAITS_CHANGE = "traits.change"  #: Put trait rules in force.
    AUDIT_SEE = "audit.see"  #: Read the audit and check its chain.


_EVERYBODY = {
    Permission.PEOPLE_SEE,
    Permission.STATUS_SEE,
}
_BUILDERS = {
    Permission.LIVE_SEE,
    Permission.FEED_READ,
    Permission.RECEIPTS_SEE,
    Permission.QUARANTINE_SEE,
    Permission.SOURCES_SEE,
    Permission.PLAN_SEE,
    Permission.IDENTITY_SEE,
    Permission.TRAITS_SEE,
}

#: Who may do what. The console's page of operators shows this table.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MARKETER: frozenset(
        _EVERYBODY
        | {
            Permission.LIVE_SEE,
            Permission.RECEIPTS_SEE,
            Permission.SOURCES_SEE,
            Permission.PLAN_SEE,
            Permission.IDENTITY_SEE,
            Permission.TRAITS_SEE,
            Permission.TRAITS_CHANGE,
        }
    ),
    Role.ANALYST: frozenset(_EVERYBODY | _BUILDERS),
    # Who hears "that order is not mine" decides about it; a store clerk has a queue behind the customer and asks an agent.
    Role.AGENT: frozenset(
        _EVERYBODY
        | {
            Permission.PEOPLE_UNMASK,
            Permission.PEOPLE_PERSONAL,
            Permission.RECEIPTS_SEE,
            Permission.IDENTITY_SEE,
            Permission.IDENTITY_DECIDE,
        }
    ),
    Role.STORE: frozenset(_EVERYBODY | {Permission.PEOPLE_UNMASK}),
    Role.DEVELOPER: frozenset(
        _EVERYBODY
        | _BUILDERS
        | {
            Permission.QUARANTINE_SETTLE,
            Permission.SOURCES_CHANGE,
            Permission.PLAN_CHANGE,
            Permission.IDENTITY_RULES,
            Permission.TRAITS_CHANGE,
            Permission.SUBSCRIPTIONS_SEE,
            Permission.SUBSCRIPTIONS_CHANGE,
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        _EVERYBODY
        | _BUILDERS
        | {
            Permission.PEOPLE_UNMASK,
            Permission.PEOPLE_PERSONAL,
            Permission.PEOPLE_EXPORT,
            Permission.IDENTITY_DECIDE,
            Permission.QUARANTINE_SETTLE,
            Permission.SUBSCRIPTIONS_SEE,
            Permission.OPERATORS_SEE,
            Permission.AUDIT_SEE,
        }
    ),
}


def may(role: Role | str, permission: Permission) -> bool:
    """Whether *role* has *permission*. An unknown role may do nothing."""
    try:
        return permission in PERMISSIONS[Role(role)]
    except ValueError:
        return False


def who_may(permission: Permission) -> list[Role]:
    """The roles that have *permission*, in the order in which they are declared."""
    return [role for role in Role if permission in PERMISSIONS[role]]


def role_of(text: str) -> Role:
    """The role that *text* names. Raises: RoleUnknown, naming the nearest one."""
    try:
        return Role(text.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        names = [role.value for role in Role]
        near = difflib.get_close_matches(text, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RoleUnknown(f"role {text!r} does not exist.{hint} Roles: {', '.join(names)}.") from None


#: Shortest password. Source: NIST SP 800-63B-4 §3.1.1.2 asks 15 where a password is the only factor, 8 beside a second;
#: Korean personal-data safety standards ask at least 8 from three kinds of characters. Length is what helps; no rules of composition.
PASSWORD_SHORTEST = 10
#: Longest password; argon2 itself has no limit, the request does.
PASSWORD_LONGEST = 256
#: Words that the most guessed passwords are made of. Source: the top of the public leak lists, Korean keyboard walks included.
_GUESSED = (
    "password", "passw0rd", "qwerty", "qwer1234", "asdf", "zxcv", "1q2w3e4r", "q1w2e3r4", "1234567", "iloveyou", "letmein", "welcome",
    "administrator", "admin", "dangol", "dkssud", "tkfkd", "rkskek", "abc123", "1qaz2wsx", "000000", "111111", "monkey", "dragon",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passable:
    """The password may be used."""


@dataclass(frozen=True, slots=True)
class TooWeak:
    """The password may not be used, and why in a sentence."""

    #: Stable: too_short, too_long, repeats, guessed, own_name.
    reason: str
    detail: str


def judge_password(password: str, email: str = "") -> Passable | TooWeak:
    """Whether *password* is fit for the operator with *email*."""
    if len(password) < PASSWORD_SHORTEST:
        return TooWeak("too_short", f"{len(password)} characters, must be {PASSWORD_SHORTEST}. Four unrelated words make a good one.")
    if len(password) > PASSWORD_LONGEST:
        return TooWeak("too_long", f"{len(password)} characters, must be at most {PASSWORD_LONGEST}.")
    folded = password.casefold()
    if len(set(folded)) < 5:
        return TooWeak("repeats", "fewer than five different characters. Four unrelated words make a good one.")
    own = email.partition("@")[0].casefold()
    if len(own) >= 4 and own in folded:
        return TooWeak("own_name", "it contains your own e-mail name, which is guessed first.")
    rest = folded
    for word in _GUESSED:
        rest = rest.replace(word, "")
    if len(rest.strip("0123456789!@#$%^&*?._-")) < 4:
        return TooWeak("guessed", "it is made of the most guessed passwords. Four unrelated words make a good one.")
    return Passable()


@dataclass(frozen=True, slots=True)
class Throttle:
    """How patient sign-in is with failures that share something."""

    #: Failures within the window that cost nothing.
    free: int
    #: Seconds to wait after the first failure beyond that; doubles with each further one.
    first_wait: int
    #: The longest wait, seconds: long enough to stop guessing, short enough that nobody can lock a colleague out for a day.
    longest_wait: int


#: Seconds that a failure counts.
WINDOW_SECONDS = 3600
#: One address guessing one account.
SAME_PAIR = Throttle(free=4, first_wait=2, longest_wait=900)
#: Many addresses guessing one account.
SAME_EMAIL = Throttle(free=20, first_wait=2, longest_wait=60)
#: One address guessing many accounts; an office shares one address, so it is patient.
SAME_IP = Throttle(free=30, first_wait=2, longest_wait=900)


def wait_seconds(throttle: Throttle, failures: int, since_last: float) -> int:
    """Whole seconds still to wait, 0: try now.

    Args: failures: within WINDOW_SECONDS.   since_last: seconds since the last of them.
    """
    beyond = failures - throttle.free
    if beyond < 0:
        return 0
    wait = min(throttle.longest_wait, throttle.first_wait * 2 ** min(beyond, 30))
    return max(0, -int(-(wait - since_last) // 1)) if since_last < wait else 0
