"""Passwords as argon2id hashes, in the form that Django's own hasher reads and writes."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

#: RFC 9106 §4, second recommended option (64 MiB, 3 passes, 4 lanes): argon2-cffi's default.
_hasher = PasswordHasher()
_PREFIX = "argon2"

#: A hash of nothing anybody knows: verifying against it costs what verifying a real one costs.
_NOBODY = _hasher.hash("\0nobody\0")


def hashed(password: str) -> str:
    """What to keep of *password*."""
    return _PREFIX + _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether *password* is the one that *kept* was made from. Takes as long when there is no such operator (None)."""
    try:
        _hasher.verify((kept or "").removeprefix(_PREFIX) or _NOBODY, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return bool(kept)
