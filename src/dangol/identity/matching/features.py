"""A record as matching compares it: each value in one writing, and what blocks and tests need beside it.

Pure and the same for the same record: features say nothing of other records.
"""

from __future__ import annotations

from collections.abc import Callable

from dangol.identity.matching import names, normal
from dangol.identity.matching.record import Record

Row = dict[str, str | list[str] | None]


def features(record: Record) -> Row:
    """One row of the layout `people`: column -> value; null where nothing is known."""
    emails = _each(normal.email, record.emails)
    lent = _each(normal.email, record.lent) if record.lent else []
    own = [address for address in emails if address not in lent] if lent else emails
    mailboxes = _unique([normal.mailbox(address) for address in own])
    phones = _each(normal.phone, record.phones)
    born = normal.day_of_birth(record.birth_date)
    swapped = normal.day_and_month_swapped(born) if born else ""
    return {
        **_named(record.names),
        "birth": born or None,
        "birth_swapped": swapped or None,
        "birth_either": min(born, swapped) or None,
        "birth_day": born[4:] or None,
        "birth_year": born[:4] or None,
        "gender": normal.gender(record.gender) or None,
        "email": own[0] if own else emails[0] if emails else None,
        "emails": emails or None,
        "own_emails": own or None,
        "mailbox": mailboxes[0] if mailboxes else None,
        "mailbox_digits": ("".join(filter(str.isdigit, mailboxes[0])) or "-") if mailboxes else None,
        "mailboxes": mailboxes or None,
        "phone": phones[0] if phones else None,
        "phones": phones or None,
        "tails": _unique([number[-8:] for number in phones]) or None,
        **_placed(record),
    }


def _named(told: tuple[str, ...]) -> Row:
    written = [normal.plain(name) for name in told if name.strip()]
    hangul = next((name.replace(" ", "") for name in written if names.is_hangul(name)), None)
    latin = next((name for name in written if not names.is_hangul(name)), None)
    read = [reading for name in told for reading in names.readings(name)]
    first = read[0] if read else ("", "")
    return {
        "name": hangul or latin,
        "names": _unique(written) or None,
        "hangul": hangul,
        "jamo": names.jamo(hangul) if hangul else None,
        "latin": " ".join(sorted(latin.replace("-", "").replace(",", " ").split())) if latin else None,
        "sound": " ".join(first).strip() or None,
        "sounds": _unique([" ".join(reading).strip() for reading in read]) or None,
        "surname": first[0] or None,
        "given": first[1] or None,
    }


def _placed(record: Record) -> Row:
    address = next((text for text in record.addresses if text.strip()), "")
    building, flat = normal.place(address), normal.unit(address)
    words = list(normal.words_of(address))
    return {
        "address": normal.plain(address) or None,
        "building": building or None,
        "home": f"{building} {flat}" if building and flat else None,
        "places": words or None,
        "district": normal.district(address) or None,
        "postcode": normal.plain(record.postcode) or None,
    }


def _each(normalise: Callable[[str], str], told: tuple[str, ...]) -> list[str]:
    return _unique([normalise(one) for one in told])


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
