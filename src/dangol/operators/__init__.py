"""Operators: the people and programs that may look and act, what each may do, and how they prove who they are.

In: operator commands, sign-ins, bearer tokens.   Out: OperatorView, TokenHolder, SignInRefused.
Ask: may(role, permission), sign_in(connection, …), add_operator(connection, …), add_token(connection, …), token_holder(connection, secret).
"""

from dangol.operators.accounts import (
    OperatorRefused,
    OperatorView,
    add_operator,
    change_operator,
    change_password,
    find_operator,
    operators,
)
from dangol.operators.rules import (
    PERMISSIONS,
    Passable,
    Permission,
    Role,
    Throttle,
    TooWeak,
    judge_password,
    may,
    role_of,
    wait_seconds,
    who_may,
)
from dangol.operators.signin import SignInReason, SignInRefused, sign_in
from dangol.operators.tokens import NewToken, TokenHolder, TokenRefused, TokenView, add_token, revoke_token, token_holder, tokens

__all__ = [
    "PERMISSIONS",
    "NewToken",
    "OperatorRefused",
    "OperatorView",
    "Passable",
    "Permission",
    "Role",
    "SignInReason",
    "SignInRefused",
    "Throttle",
    "TokenHolder",
    "TokenRefused",
    "TokenView",
    "TooWeak",
    "add_operator",
    "add_token",
    "change_operator",
    "change_password",
    "find_operator",
    "judge_password",
    "may",
    "operators",
    "revoke_token",
    "role_of",
    "sign_in",
    "token_holder",
    "tokens",
    "wait_seconds",
    "who_may",
]
