"""Errors that teach: what happened, what was seen, what was expected, what to do next."""

from __future__ import annotations


class DangolError(Exception):
    """Something Dangol refuses, in words for the person who can mend it.

    The class docstring is the default message. `code` is stable; programs may rely on it.
    """

    code = "dangol_error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])
