"""Files that somebody names to a command."""

from __future__ import annotations

from pathlib import Path

from dangol.errors import DangolError


class FileRefused(DangolError):
    """A file that was named cannot be used."""

    code = "file_refused"


def text_of(path: Path, hint: str = "") -> str:
    """The text of a file in UTF-8, with or without its mark. Raises: FileRefused; *hint* says what to do instead."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}. {hint}".rstrip()) from None
    except UnicodeDecodeError as error:
        seen = error.object[error.start]
        raise FileRefused(f"{path} is not text in UTF-8: byte {error.start} is 0x{seen:02x}. Save it as UTF-8. {hint}".rstrip()) from None
