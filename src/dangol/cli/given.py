"""What somebody gives to a command: files, and numbers from 1."""

from __future__ import annotations

import argparse
from pathlib import Path

from dangol.errors import DangolError


class FileRefused(DangolError):
    """A file that was named cannot be used."""

    code = "file_refused"


def text_of(path: Path, hint: str = "") -> str:
    """The text of a file in UTF-8, with or without its mark. Raises: FileRefused; *hint* says what to do instead."""
    from dangol.yaml_reader import YamlRefused, decoded  # noqa: PLC0415 - --help need not load it

    try:
        return decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}. {hint}".rstrip()) from None
    except YamlRefused as error:
        raise FileRefused(f"{error} {hint}".rstrip()) from None


def from_one(text: str) -> int:
    """A number of an option or argument. Raises: argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return int(text)
