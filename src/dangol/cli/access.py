"""`dangol operator` and `dangol token`: who may sign in, and which programs may use the API."""

from __future__ import annotations

import argparse
import secrets
import string
import sys

from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of

ROLES = "owner, marketer, analyst, agent, store, developer, privacy_officer"
#: A one-time password: four groups of five letters that cannot be mistaken for each other, 95 bits.
_CLEAR = "".join(letter for letter in string.ascii_lowercase + string.digits if letter not in "il1o0")


def operator_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol operator`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    add = below.add_parser("add", help="somebody new; a one-time password is printed alone on the last line")
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--role", required=True, help=ROLES)
    add.add_argument("--name", default="", help="how pages call them")
    add.add_argument("--language", choices=("ko", "en"), help="language of their pages (brand.language)")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input instead of making one up")
    add.set_defaults(run=_add_operator)
    listed = below.add_parser("list", help="everybody who has an account")
    add_json(listed)
    listed.set_defaults(run=_list_operators)
    for name, help_, run in (
        ("disable", "take the access away; the last owner keeps it", _disable_operator),
        ("enable", "give the access back", _enable_operator),
    ):
        one = below.add_parser(name, help=help_)
        one.add_argument("email", metavar="EMAIL")
        one.set_defaults(run=run)
    role = below.add_parser("role", help="give another role")
    role.add_argument("email", metavar="EMAIL")
    role.add_argument("--role", required=True, help=ROLES)
    role.set_defaults(run=_change_role)
    password = below.add_parser("password", help="a new one-time password, printed alone on the last line")
    password.add_argument("email", metavar="EMAIL")
    password.add_argument("--password-stdin", action="store_true", help="read it from standard input instead")
    password.set_defaults(run=_new_password)


def _one_time_password() -> str:
    return "-".join("".join(secrets.choice(_CLEAR) for _ in range(5)) for _ in range(4))


def _given_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _add_operator(args: argparse.Namespace) -> None:
    from dangol.operators import add_operator, role_of  # noqa: PLC0415 - --help need not load it
    from dangol.privacy import record  # noqa: PLC0415 - the same

    settings = settings_of(args)
    role = role_of(args.role)
    given = _given_password() if args.password_stdin else None
    password = given if given is not None else _one_time_password()
    with opened_state(settings) as connection:
        view = add_operator(
            connection, args.email, role, password,
            name=args.name, language=args.language or settings.brand.language, must_change=given is None,
        )  # fmt: skip
        record(connection, actor(), "operator.added", subject=view.actor, details={"role": view.role})
    if given is not None:
        say(f"{view.email} may sign in now as {view.role}.")
        return
    remark(f"{view.email} may sign in now as {view.role}. The first sign-in asks for a password of their own; this one works once:")
    say(password)


def _list_operators(args: argparse.Namespace) -> None:
    from dangol.operators import operators  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        views = operators(connection)
    if args.json:
        say_json(views)
        return
    rows = [
        (view.email, view.name, view.role, "disabled" if view.disabled_at else "may sign in", view.last_login or "never") for view in views
    ]
    say_table(
        ["e-mail", "name", "role", "state", "last sign-in"], rows,
        empty="Nobody has an account yet. Begin with yourself: dangol operator add you@brand.kr --role owner", zone=settings.brand.timezone,
    )  # fmt: skip


def _disable_operator(args: argparse.Namespace) -> None:
    _change_operator(args, "operator.disabled", "may not sign in any more.", disabled=True)


def _enable_operator(args: argparse.Namespace) -> None:
    _change_operator(args, "operator.enabled", "may sign in again.", disabled=False)


def _change_role(args: argparse.Namespace) -> None:
    from dangol.operators import role_of  # noqa: PLC0415 - as above

    role = role_of(args.role)
    _change_operator(args, "operator.role_changed", f"is {role.value} now.", role=role.value)


def _change_operator(args: argparse.Namespace, act: str, said: str, *, role: str | None = None, disabled: bool | None = None) -> None:
    from dangol.operators import change_operator  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        view = change_operator(connection, args.email, role=role, disabled=disabled)
        record(connection, actor(), act, subject=view.actor, details={"role": view.role})
    say(f"{view.email} {said}")


def _new_password(args: argparse.Namespace) -> None:
    from dangol.operators import change_password  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    given = _given_password() if args.password_stdin else None
    password = given if given is not None else _one_time_password()
    with opened_state(settings_of(args)) as connection:
        view = change_password(connection, args.email, password, must_change=given is None)
        record(connection, actor(), "operator.password_reset", subject=view.actor)
    if given is not None:
        say(f"{view.email} has a new password.")
        return
    remark(f"{view.email} has a new password. It works once; then they choose their own:")
    say(password)


def token_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol token`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    add = below.add_parser("add", help="a new API token, printed alone on the last line, this once")
    add.add_argument("name", metavar="NAME", help="what it is for: pos-sync")
    add.add_argument("--role", required=True, help=ROLES)
    add.set_defaults(run=_add_token)
    listed = below.add_parser("list", help="all tokens, without their secrets")
    add_json(listed)
    listed.set_defaults(run=_list_tokens)
    revoke = below.add_parser("revoke", help="refuse it from now on")
    revoke.add_argument("name", metavar="NAME")
    revoke.set_defaults(run=_revoke_token)


def _add_token(args: argparse.Namespace) -> None:
    from dangol.operators import add_token, role_of  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    role = role_of(args.role)
    with opened_state(settings) as connection:
        new = add_token(connection, args.name, role, created_by=actor())
        record(connection, actor(), "token.added", subject=f"token:{new.view.name}", details={"role": new.view.role})
    remark(f"Token {new.view.name} may use the API as {new.view.role}. It is shown this once; only its SHA-256 is kept:")
    say(new.secret)


def _list_tokens(args: argparse.Namespace) -> None:
    from dangol.operators import tokens  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        views = tokens(connection)
    if args.json:
        say_json(views)
        return
    rows = [
        (view.name, view.role, view.created_by, view.created_at, view.last_used_at or "never", "revoked" if view.revoked_at else "in use")
        for view in views
    ]
    empty = "No token yet. Add one: dangol token add NAME --role analyst"
    say_table(["token", "role", "made by", "since", "last used", "state"], rows, empty=empty, zone=settings.brand.timezone)


def _revoke_token(args: argparse.Namespace) -> None:
    from dangol.operators import revoke_token  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        view = revoke_token(connection, args.name)
        record(connection, actor(), "token.revoked", subject=f"token:{view.name}")
    say(f"Token {view.name} is refused from now on.")
