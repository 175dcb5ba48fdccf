"""Rows out of files: CSV, JSON lines and Parquet, plain or compressed, one at a time whatever their size.

Nothing is guessed twice: what was seen (format, encoding, delimiter, columns) is told, so that a person can object.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from msgspec import Struct

from dangol.errors import DangolError

#: Bytes looked at to find format, encoding and delimiter.
SAMPLE_BYTES = 256_000
#: A longer line or cell is more likely an unclosed quote than data.
LINE_BYTES_MAX = 32_000_000
#: A JSON array must be read whole; a larger one is asked for as JSON lines.
ARRAY_BYTES_MAX = 256_000_000
#: Rows of a Parquet file decoded at once.
PARQUET_ROWS = 2_000
DELIMITERS = (",", "\t", ";", "|")
FORMATS = ("csv", "jsonl", "parquet")
#: Cells of a table as JSON; what JSON does not know (an interval, say) as text.
_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<meta", b"<head", b"<?xml", b"<style")
_AS_CSV = "Open it in Excel, save it as “CSV UTF-8” (File, Save As) and import that file. Nothing was written."


class FileRefused(DangolError):
    """The file cannot be read as rows."""

    code = "file_refused"


class Row(Struct, gc=False):
    """One row as it stands in the file."""

    #: 1, 2, 3, … without the header.
    number: int
    #: JSON of the row; of a row that cannot be read its bytes.
    line: bytes
    #: Why it cannot be read, in words; "" when it can.
    problem: str = ""

    def fields(self) -> Any:
        """The row as a value."""
        return msgspec.json.decode(self.line)


@dataclass(slots=True)
class Rows:
    """The rows of one file, with what was found out about it. Iterate once."""

    #: csv, jsonl or parquet.
    format: str
    rows: Iterator[Row]
    #: Bytes of the file as it lies on disk; 0: not known (standard input).
    size: int = 0
    encoding: str = ""
    delimiter: str = ""
    columns: list[str] = field(default_factory=list)
    _raw: IO[bytes] | None = None

    def position(self) -> int:
        """Bytes of the file that were read so far."""
        try:
            return self._raw.tell() if self._raw is not None and self.size else 0
        except (OSError, ValueError):
            return self.size

    def __iter__(self) -> Iterator[Row]:
        return self.rows


def open_rows(path: Path | None, *, format_: str = "", encoding: str = "", delimiter: str = "") -> Rows:
    """Open *path* (None: standard input) and find out what it is; what is given is not guessed.

    Raises: FileRefused; later, while reading, too.
    """
    raw: IO[bytes]
    if path is None:
        raw, size, name = sys.stdin.buffer, 0, "standard input"
    else:
        if path.is_dir():
            raise FileRefused(f"{path} is a folder, must be a file. Import its files one by one.")
        raw, size, name = path.open("rb"), path.stat().st_size, str(path)
    stream = _Peeking(_decompressed(_Peeking(raw), name))
    sample = stream.peek(SAMPLE_BYTES)
    if not sample.strip():
        raise FileRefused(f"{name} is empty.")
    kind = format_ or _format(path, sample)
    if kind == "csv" and not format_:
        _must_be_text(sample, name)
    if kind == "parquet":
        return _parquet(path, raw, size)
    if kind == "jsonl":
        return Rows("jsonl", _guarded(_json_rows(stream, name), name), size, "utf-8", _raw=raw)
    return _csv(stream, sample, name, Rows("csv", iter(()), size, encoding, delimiter, _raw=raw))


class _Peeking(io.RawIOBase):
    """A stream whose beginning can be looked at before it is read; works on pipes."""

    def __init__(self, below: Any) -> None:
        self._below = below
        self._head = b""

    def peek(self, size: int) -> bytes:
        while len(self._head) < size and (more := self._below.read(size - len(self._head))):
            self._head += more
        return self._head

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if self._head:
            piece, self._head = self._head[: len(target)], self._head[len(target) :]
        else:
            piece = self._below.read(len(target)) or b""
        target[: len(piece)] = piece
        return len(piece)


def _decompressed(stream: _Peeking, name: str) -> Any:
    """*stream* without its compression, told by its first bytes and not by its name."""
    magic = stream.peek(4)
    if magic[:2] == _GZIP:
        return _Told(gzip.GzipFile(fileobj=io.BufferedReader(stream), mode="rb"), name)
    if magic == _ZSTD:
        return _Told(zstandard.ZstdDecompressor().stream_reader(io.BufferedReader(stream), read_across_frames=True), name)
    return io.BufferedReader(stream, 1 << 20)


class _Told:
    """A decompressor whose errors are told in words."""

    def __init__(self, below: Any, name: str) -> None:
        self._below = below
        self._name = name

    def read(self, size: int) -> bytes:
        try:
            piece: bytes = self._below.read(size)
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            raise FileRefused(
                f"{self._name} is damaged or was cut off while it was copied: {error}. What was read before that place is kept;"
                " mend the file and import it again, nothing is doubled."
            ) from None
        return piece


def _format(path: Path | None, sample: bytes) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes] if path is not None else []
    if sample[:4] == _PARQUET:
        return "parquet"
    head = sample.lstrip(b"\xef\xbb\xbf \t\r\n")
    looks_json = head[:1] in (b"{", b"[")
    for suffix in reversed(suffixes):
        if suffix in _SUFFIXES:
            named = _SUFFIXES[suffix]
            return "jsonl" if named == "csv" and suffix == ".txt" and looks_json else named
    return "jsonl" if looks_json else "csv"


def _must_be_text(sample: bytes, name: str) -> None:
    """Refuses what people take for a table and is none, with the way to one. Many shops' “.xls” downloads are web pages."""
    if sample[:4] == _OLE or (sample[:4] == _ZIP and (b"[Content_Types]" in sample or b"xl/" in sample)):
        raise FileRefused(f"{name} is a workbook of Excel (.xlsx, .xls), must be CSV, JSON lines or Parquet. {_AS_CSV}")
    if sample[:4] == _ZIP:
        raise FileRefused(f"{name} is a ZIP archive. Unpack it (unzip {name}) and import its files one by one. Nothing was written.")
    if sample[:4] == _PDF:
        raise FileRefused(f"{name} is a PDF, must be CSV, JSON lines or Parquet: ask the system it comes from for one. Nothing was written.")
    if sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:10].lower().startswith(_MARKUP):
        raise FileRefused(f"{name} is a web page (HTML) or XML, whatever its name says, must be CSV, JSON lines or Parquet. {_AS_CSV}")


def _guarded(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """Refuses a file of which nothing at the beginning can be read: it is another format than it seems."""
    waiting: list[Row] = []
    for row in rows:
        if not row.problem:
            yield from waiting
            yield row
            break
        waiting.append(row)
        if len(waiting) >= 20:
            raise FileRefused(
                f"none of the first {len(waiting)} lines of {name} is JSON ({waiting[0].problem}). Expected one event per line;"
                " a pretty-printed file becomes that with: jq -c . FILE. Nothing was written."
            )
    else:
        yield from waiting
    yield from rows


def _json_rows(stream: _Peeking, name: str) -> Iterator[Row]:
    lines: IO[bytes] = io.BufferedReader(stream, 1 << 20)  # type: ignore[assignment]
    number = 0
    first = True
    while line := lines.readline(LINE_BYTES_MAX):
        if first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            if line.lstrip()[:1] == b"[":
                yield from _array_rows(line, lines, name)
                return
        first = False
        text = line.strip()
        if not text:
            continue
        number += 1
        problem = _json_problem(text)
        if len(line) >= LINE_BYTES_MAX:
            problem = f"the line is longer than {LINE_BYTES_MAX} bytes"
        yield Row(number, text, problem)


_any_json = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _json_problem(text: bytes) -> str:
    try:
        _any_json.decode(text)
    except msgspec.ValidationError:
        return f"it is not a JSON object, it begins with {text[:20].decode('utf-8', 'replace')!r}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"it is not JSON: {error}"
    # What stands inside the object was not looked at yet.
    return "" if text.isascii() or _is_utf8(text) else "it is not utf-8 text"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _array_rows(line: bytes, lines: IO[bytes], name: str) -> Iterator[Row]:
    whole = line + lines.read(ARRAY_BYTES_MAX)
    if lines.read(1):
        raise FileRefused(f"{name} is one JSON array of more than {ARRAY_BYTES_MAX} bytes. Make lines of it: jq -c '.[]' FILE > FILE.jsonl")
    try:
        items = msgspec.json.decode(whole, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise FileRefused(f"{name} begins like a JSON array but is none: {error}. Nothing was written.") from None
    for number, item in enumerate(items, 1):
        text = bytes(item)
        yield Row(number, text, _json_problem(text))


def _parquet(path: Path | None, raw: IO[bytes], size: int) -> Rows:
    if path is None:
        raise FileRefused("Parquet cannot be read from standard input: its index stands at the end. Name the file.")
    import pyarrow as pa  # noqa: PLC0415 - 400 ms that only Parquet needs
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    try:
        file = pq.ParquetFile(raw)
        columns = file.schema_arrow.names
    except pa.ArrowInvalid as error:
        raise FileRefused(f"{path} is not a readable Parquet file: {error}. (A compressed Parquet file must be unpacked first.)") from None

    def rows() -> Iterator[Row]:
        number = 0
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            for value in batch.to_pylist():
                number += 1
                yield Row(number, _encode(value))

    return Rows("parquet", rows(), size, columns=list(columns), _raw=raw)


def _csv(stream: _Peeking, sample: bytes, name: str, found: Rows) -> Rows:
    ascii_so_far = not found.encoding and sample.isascii()
    found.encoding = found.encoding or _encoding(sample, name)
    try:
        head = sample.decode(found.encoding, errors="ignore")
    except LookupError:
        raise FileRefused(f"--encoding {found.encoding!r} is not known. Common ones: utf-8, cp949, utf-16.") from None
    csv.field_size_limit(LINE_BYTES_MAX)
    found.delimiter = found.delimiter or _delimiter(head, name)
    text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), encoding=found.encoding, errors="surrogateescape", newline="")
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=found.delimiter)
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise FileRefused(f"the first line of {name} must name the columns and cannot be read: {error}. Nothing was written.") from None
    doubled = {cell for cell in header if header.count(cell) > 1 and cell}
    if doubled:
        raise FileRefused(f"{name} has two columns named {', '.join(sorted(doubled))}. Give each its own name in the first line.")
    found.columns = header
    found.rows = _csv_rows(reader, lines, header, found.encoding, ascii_so_far=ascii_so_far)
    return found


class _Lines:
    """The lines of a table; the last one tells whether the file ends in the middle of a row."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self.last = ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.last = next(self._text)
        return self.last


def _encoding(sample: bytes, name: str) -> str:
    if sample[:3] == b"\xef\xbb\xbf":
        return "utf-8-sig"
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    # The sample may end in the middle of a letter: the last line of a cut sample is left out.
    whole_lines = sample.rpartition(b"\n")[0] if len(sample) >= SAMPLE_BYTES else sample
    for encoding in ("utf-8", "cp949"):
        try:
            whole_lines.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FileRefused(f"{name} is neither UTF-8 nor CP949 (EUC-KR) text. Name its encoding: --encoding NAME. Nothing was written.")


def _delimiter(head: str, name: str) -> str:
    """The delimiter that cuts the first lines into the same number of columns, more than one."""
    lines = head.splitlines()[:21]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        if counts and counts[0] > 1:
            score = (counts.count(counts[0]) / len(counts), counts[0])
            best, best_score = (delimiter, score) if score > best_score else (best, best_score)
    if not lines:
        raise FileRefused(f"{name} has no header line. The first line must name the columns.")
    return best


def _csv_rows(reader: Any, lines: _Lines, header: Sequence[str], encoding: str, *, ascii_so_far: bool) -> Iterator[Row]:
    number = 0
    while True:
        before = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, str(error).encode(), f"line {reader.line_num} cannot be read: {error}; is a quote not closed before it?")
            continue
        if not cells:
            continue
        number += 1
        problem = ""
        try:
            line = msgspec.json.encode(dict(zip(header, cells, strict=False)))
        except UnicodeEncodeError:
            cells, problem = _decoded_anew(cells, encoding, ascii_so_far=ascii_so_far)
            line = msgspec.json.encode(dict(zip(header, cells, strict=False)))
        if len(cells) != len(header) and (found := _misshapen(cells, header, lines, before + 1, reader.line_num)):
            problem = found
            line = msgspec.json.encode(cells)
        yield Row(number, line, problem)


def _misshapen(cells: list[str], header: Sequence[str], lines: _Lines, first: int, last: int) -> str:
    """Why a row with another number of columns than the header cannot be believed; "" for one that only leaves its last cells out."""
    counted = f"it has {len(cells)} columns, the first line names {len(header)}"
    if last > first:
        return f"{counted}, and it runs from line {first} to line {last}: is a quote not closed in line {first}?"
    if len(cells) > len(header):
        return counted
    return "" if lines.last.endswith(("\n", "\r")) else f"{counted}, and there the file ends: was it cut off while it was copied?"


def _decoded_anew(cells: list[str], encoding: str, *, ascii_so_far: bool) -> tuple[list[str], str]:
    """A row with bytes that are no letters in *encoding*: CP949 in a file that began in plain ASCII, else a damaged row."""
    raw = [cell.encode(encoding, "surrogateescape") for cell in cells]
    if ascii_so_far:
        try:
            return [cell.decode("cp949") for cell in raw], ""
        except UnicodeDecodeError:
            pass
    return [cell.decode(encoding, "replace") for cell in raw], f"it is not {encoding} text"
