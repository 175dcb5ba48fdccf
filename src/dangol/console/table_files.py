"""Tables as files: what a page lists, whole and as masked as on the page, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

from dangol.console.shell import address_of
from dangol.console.store import raw, settings
from dangol.privacy import record

#: Rows of one file. What is beyond is reached with a filter; the file's name then says that there is more.
ROWS_MAX = 20_000
#: Beginnings that a spreadsheet would run as a formula. Source: OWASP, CSV injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wants_file(request: HttpRequest) -> bool:
    """Whether the table is asked for as a file."""
    return request.GET.get("csv") == "1"


def table_file(request: HttpRequest, name: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """*rows* as CSV that spreadsheets open with Korean intact (UTF-8 with byte order mark, RFC 4180).

    Args: name: of the file, without ending.   columns: heading per key, in order; the address's `columns` chooses among them.
    rows: values by key; times are written in the brand's zone.
    """
    chosen = [key for key in request.GET.get("columns", "").split(",") if key in columns] or list(columns)
    zone = ZoneInfo(settings().brand.timezone)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([columns[key] for key in chosen])
    rows = iter(rows)
    for row in islice(rows, ROWS_MAX):
        writer.writerow([_cell(row.get(key), zone) for key in chosen])
    more = next(rows, None) is not None
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}{f"-first-{ROWS_MAX}" if more else ""}.csv"'
    return response


def counted(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that a file can hold, and one more that shows there are others."""
    return list(islice(rows, ROWS_MAX + 1))


def note_file(request: Any, act: str, subject: str, n: int) -> None:
    """Write into the audit that somebody took a table out.

    Args: act: as act_words() knows it.   n: rows in the file.
    """
    wanted = {key: value for key, value in request.GET.items() if value and key != "csv"}
    details = {"rows": min(n, ROWS_MAX), "filters": wanted}
    record(raw(), f"operator:{request.user.email}", act, subject, details=details, ip=address_of(request), role=request.user.role)


def _cell(value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _number(text) else text


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
