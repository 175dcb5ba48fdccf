"""Who may look and act, and how they prove who they are."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.engines import state
from dangol.operators import (
    OperatorRefused,
    OperatorView,
    Passable,
    Permission,
    Role,
    SignInReason,
    SignInRefused,
    Throttle,
    TokenRefused,
    TooWeak,
    add_operator,
    add_token,
    change_operator,
    change_password,
    find_operator,
    judge_password,
    may,
    operators,
    revoke_token,
    role_of,
    sign_in,
    token_holder,
    tokens,
    wait_seconds,
)
from dangol.operators.rules import SAME_PAIR, RoleUnknown
from dangol.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture
def connection(workspace: Settings):
    with state.connect(workspace, autocommit=True) as opened:
        yield opened


def test_who_sees_personal_data() -> None:
    """Those who talk with customers and those who answer for personal data; nobody else."""
    assert {role for role in Role if may(role, Permission.PEOPLE_UNMASK)} == {Role.OWNER, Role.AGENT, Role.STORE, Role.PRIVACY_OFFICER}
    assert {role for role in Role if may(role, Permission.PEOPLE_PERSONAL)} == {Role.OWNER, Role.AGENT, Role.PRIVACY_OFFICER}
    assert {role for role in Role if may(role, Permission.OPERATORS_CHANGE)} == {Role.OWNER}
    assert {role for role in Role if may(role, Permission.AUDIT_SEE)} == {Role.OWNER, Role.PRIVACY_OFFICER}
    assert not may("no such role", Permission.PEOPLE_SEE)


def test_a_wrong_role_is_refused_with_the_nearest_right_one() -> None:
    """Privacy-Officer is understood, owmer is not and says what is near."""
    assert role_of("Privacy-Officer") is Role.PRIVACY_OFFICER
    with pytest.raises(RoleUnknown, match="Did you mean owner"):
        role_of("owmer")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "too_short"),
        ("x" * 257, "too_long"),
        ("aaaaaaaaaaaa", "repeats"),
        ("password1234", "repeats" if len(set("password1234")) < 5 else "guessed"),
        ("Qwerty123qwerty", "guessed"),
        ("minakim-2026!", "own_name"),
    ],
)
def test_weak_passwords(password: str, reason: str) -> None:
    """What is guessed first may not be used, and the refusal says why."""
    verdict = judge_password(password, "minakim@brand.kr")
    assert isinstance(verdict, TooWeak)
    assert verdict.reason == reason


def test_a_good_password_needs_no_signs() -> None:
    """Length is what helps: four words in any language do."""
    assert judge_password(PASSWORD) == Passable()
    assert judge_password("단골 손님 어서 오세요") == Passable()


@given(failures=st.integers(0, 200), since=st.floats(0, 4000))
def test_the_wait_grows_and_ends(failures: int, since: float) -> None:
    """More failures never wait shorter, nobody waits longer than the longest, and waiting always ends."""
    throttle = Throttle(free=4, first_wait=2, longest_wait=900)
    now = wait_seconds(throttle, failures, since)
    assert 0 <= now <= 900
    assert now <= wait_seconds(throttle, failures + 1, since)
    assert wait_seconds(throttle, failures, since + 900) == 0


def test_the_wait_in_numbers() -> None:
    """Four failures are free, the fourth starts 2 s, each further one doubles."""
    assert [wait_seconds(SAME_PAIR, n, 0) for n in range(3, 9)] == [0, 2, 4, 8, 16, 32]


def test_an_operator_signs_in(connection: psycopg.Connection) -> None:
    """Whoever knows the password comes in, whatever the case of the address; the last sign-in is noted."""
    add_operator(connection, "Mina@Brand.kr", "marketer", PASSWORD, name="미나")
    seen = sign_in(connection, " MINA@brand.kr", PASSWORD, "203.0.113.9")
    assert isinstance(seen, OperatorView)
    assert (seen.email, seen.role, seen.actor) == ("mina@brand.kr", "marketer", "operator:mina@brand.kr")
    assert seen.last_login is not None


def test_django_reads_the_same_hash(connection: psycopg.Connection) -> None:
    """The password is kept as Django's own argon2 hasher keeps it."""
    from dangol.operators.models import Operator

    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)
    kept = Operator.objects.get(email="mina@brand.kr")
    assert kept.password.startswith("argon2$argon2id$")
    assert kept.check_password(PASSWORD)
    assert not kept.check_password(PASSWORD + "x")


def test_a_disabled_operator_is_a_stranger(connection: psycopg.Connection) -> None:
    """The right password of a closed account is answered like a wrong one."""
    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)
    change_operator(connection, "mina@brand.kr", disabled=True)
    assert sign_in(connection, "mina@brand.kr", PASSWORD, "ip") == SignInRefused(SignInReason.NOT_RIGHT)


def test_guessing_waits_and_says_nothing(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """After four failures the wait begins, for an address that exists as for one that does not, and the right password waits too."""
    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)
    # However long looking at a password takes on a busy machine: nobody waits for less than ten minutes.
    monkeypatch.setattr("dangol.operators.signin.SAME_PAIR", replace(SAME_PAIR, first_wait=600))
    answers = {}
    for email in ("mina@brand.kr", "nobody@brand.kr"):
        answers[email] = [sign_in(connection, email, "wrong", f"ip-{email}") for _ in range(5)]
    known, unknown = answers["mina@brand.kr"], answers["nobody@brand.kr"]
    assert [answer.reason for answer in known] == [answer.reason for answer in unknown]
    assert known[:3] == unknown[:3] == [SignInRefused(SignInReason.NOT_RIGHT)] * 3
    assert known[3].reason is unknown[3].reason is SignInReason.NOT_RIGHT
    assert min(known[3].wait_seconds, unknown[3].wait_seconds) > 500
    assert known[4].reason is SignInReason.WAIT
    held = sign_in(connection, "mina@brand.kr", PASSWORD, "ip-mina@brand.kr")
    assert isinstance(held, SignInRefused)
    assert held.reason is SignInReason.WAIT
    assert isinstance(sign_in(connection, "mina@brand.kr", PASSWORD, "another address"), OperatorView)


def test_signing_in_forgets_own_failures(connection: psycopg.Connection) -> None:
    """Whoever mistypes twice and then gets it right starts anew."""
    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)
    for _ in range(3):
        for _ in range(2):
            sign_in(connection, "mina@brand.kr", "wrong", "ip")
        assert isinstance(sign_in(connection, "mina@brand.kr", PASSWORD, "ip"), OperatorView)


def test_a_clock_set_back_locks_nobody_out(connection: psycopg.Connection) -> None:
    """Failures dated in the future, from before the clock was set back, make nobody wait until then, and are forgotten."""
    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)
    connection.execute(
        "insert into sign_in_attempt (email, ip, at) select 'mina@brand.kr', 'ip', now() + interval '6 hours' from generate_series(1, 40)"
    )
    assert isinstance(sign_in(connection, "mina@brand.kr", PASSWORD, "ip"), OperatorView)
    assert connection.execute("select count(*) from sign_in_attempt").fetchone() == (0,)


def test_one_address_guessing_many_accounts_waits(connection: psycopg.Connection) -> None:
    """Thirty failures from one address over thirty accounts hold that address up, and no other."""
    connection.execute("insert into sign_in_attempt (email, ip, at) select 'p' || n || '@x.kr', 'bad', now() from generate_series(1, 31) n")
    answer = sign_in(connection, "new@x.kr", "wrong", "bad")
    assert isinstance(answer, SignInRefused)
    assert answer.reason is SignInReason.WAIT
    assert sign_in(connection, "new@x.kr", "wrong", "good") == SignInRefused(SignInReason.NOT_RIGHT)


def test_an_unknown_address_takes_as_long(connection: psycopg.Connection) -> None:
    """The time of the answer does not tell whether the address has an account. It is counted as the processor spends it, whoever else is at work."""
    add_operator(connection, "mina@brand.kr", "marketer", PASSWORD)

    def median(email: str) -> float:
        times = []
        for number in range(4):
            began = time.process_time()
            sign_in(connection, email, "wrong", f"{email}{number}")
            times.append(time.process_time() - began)
        return statistics.median(times)

    known, unknown = median("mina@brand.kr"), median("nobody@brand.kr")
    assert 1 / 3 < known / unknown < 3  # without the pretended check it would be above 20


def test_accounts_that_cannot_be_made(connection: psycopg.Connection) -> None:
    """No e-mail address, a weak password, an address that is taken: each refusal says what to do."""
    add_operator(connection, "mina@brand.kr", "owner", PASSWORD)
    for email, password, word in (("mina", PASSWORD, "not an e-mail"), ("x@brand.kr", "short", "will not do"), ("MINA@brand.kr", PASSWORD, "already")):
        with pytest.raises(OperatorRefused, match=word):
            add_operator(connection, email, "owner", password)
    assert [one.email for one in operators(connection)] == ["mina@brand.kr"]


def test_the_last_owner_stays(connection: psycopg.Connection) -> None:
    """Nobody can lock everybody out: the last owner keeps the role and the access until there is another."""
    add_operator(connection, "mina@brand.kr", "owner", PASSWORD)
    for change in ({"role": "analyst"}, {"disabled": True}):
        with pytest.raises(OperatorRefused, match="last owner"):
            change_operator(connection, "mina@brand.kr", **change)
    add_operator(connection, "joon@brand.kr", "owner", PASSWORD)
    assert change_operator(connection, "mina@brand.kr", role="analyst").role == "analyst"
    assert change_operator(connection, "mina@brand.kr", disabled=True).disabled_at is not None
    assert change_operator(connection, "mina@brand.kr", disabled=False).disabled_at is None


def test_passwords_change(connection: psycopg.Connection) -> None:
    """The present one must be right, the new one fit; afterwards only the new one opens."""
    add_operator(connection, "mina@brand.kr", "owner", PASSWORD, must_change=True)
    with pytest.raises(OperatorRefused, match="present password"):
        change_password(connection, "mina@brand.kr", "another good phrase", old="wrong")
    with pytest.raises(OperatorRefused, match="will not do"):
        change_password(connection, "mina@brand.kr", "short", old=PASSWORD)
    assert not change_password(connection, "mina@brand.kr", "another good phrase", old=PASSWORD).must_change_password
    assert isinstance(sign_in(connection, "mina@brand.kr", PASSWORD, "ip"), SignInRefused)
    assert isinstance(sign_in(connection, "mina@brand.kr", "another good phrase", "ip"), OperatorView)


def test_a_token_is_shown_once_and_can_be_taken_back(connection: psycopg.Connection) -> None:
    """Only its hash is kept; once revoked it opens nothing; its use is noted."""
    new = add_token(connection, "pos-sync", "developer", created_by="command")
    assert new.secret not in str(connection.execute("select * from api_token").fetchall())
    holder = token_holder(connection, new.secret)
    assert holder is not None
    assert (holder.name, holder.role, holder.actor) == ("pos-sync", "developer", "token:pos-sync")
    assert tokens(connection)[0].last_used_at is not None
    assert token_holder(connection, new.secret[:-1] + ("a" if new.secret[-1] != "a" else "b")) is None
    assert token_holder(connection, "") is None
    revoked = revoke_token(connection, "pos-sync")
    assert token_holder(connection, new.secret) is None
    assert revoke_token(connection, "pos-sync").revoked_at == revoked.revoked_at


def test_tokens_that_cannot_be_made(connection: psycopg.Connection) -> None:
    """A name says what the token is for and is used once, also after revoking."""
    add_token(connection, "pos-sync", "developer")
    for name, word in (("", "1 to 80"), ("a\nb", "1 to 80"), ("pos-sync", "already")):
        with pytest.raises(TokenRefused, match=word):
            add_token(connection, name, "developer")
    with pytest.raises(TokenRefused, match="no token"):
        revoke_token(connection, "other")
    assert find_operator(connection, "nobody@brand.kr") is None
