"""One writing for what is told in many: dates of birth, phone numbers, e-mail addresses, gender, postal addresses.

Everything here answers "" for what cannot be read; a value that says nothing is not compared.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

_DIGITS = re.compile(r"\d+")
_KOREA = "82"
#: Two-digit years beyond this are of the last century; a person born in 2031 buys nothing yet.
_PIVOT = 30
#: 로/길 with its number, wherever it stands: 늘푸른로 99, 테헤란로4길 12-3; and the older 동/리 with a lot: 역삼동 123-4.
_ROAD = re.compile(r"([가-힣A-Za-z0-9·.]+(?:로|길))\s*(?:지하\s*)?(\d+(?:-\d+)?)(?!\s*(?:동|호|층)(?:\s|$))")
_LOT = re.compile(r"([가-힣]+(?:동|리|가))\s*(?:산\s*)?(\d+(?:-\d+)?)(?:번지)?(?!\s*(?:동|호|층))")
_UNIT = re.compile(r"(\d+)\s*동\s*(\d+)\s*호|(\d+)\s*호")
#: Provinces and cities as they are shortened in speech; the long and the short form are one place.
_PROVINCES = {
    "서울특별시": "서울", "부산광역시": "부산", "대구광역시": "대구", "인천광역시": "인천", "광주광역시": "광주", "대전광역시": "대전", "울산광역시": "울산",
    "세종특별자치시": "세종", "경기도": "경기", "강원도": "강원", "강원특별자치도": "강원", "충청북도": "충북", "충청남도": "충남", "전라북도": "전북",
    "전북특별자치도": "전북", "전라남도": "전남", "경상북도": "경북", "경상남도": "경남", "제주도": "제주", "제주특별자치도": "제주", "서울시": "서울",
    "부산시": "부산", "대구시": "대구", "인천시": "인천", "광주시": "광주", "대전시": "대전", "울산시": "울산",
}  # fmt: skip
_WOMAN = {"f", "female", "woman", "w", "여", "여자", "여성", "2", "4"}
_MAN = {"m", "male", "man", "남", "남자", "남성", "1", "3"}


def plain(text: str) -> str:
    """Lower case, one form of each letter (NFKC), single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


@lru_cache(maxsize=100_000)
def day_of_birth(told: str) -> str:
    """The day as YYYYMMDD, whichever way it was written: ISO, 1990.1.31, 19900131, 900131, 31/1/1990.

    >>> day_of_birth("1990.1.31"), day_of_birth("900131"), day_of_birth("31/01/1990"), day_of_birth("soon")
    ('19900131', '19900131', '19900131', '')
    """
    parts = _DIGITS.findall(told[:10] if "T" in told else told)
    if len(parts) == 1 and len(parts[0]) in (6, 8):
        text = parts[0]
        parts = [text[:-4], text[-4:-2], text[-2:]]
    if len(parts) != 3:
        return ""
    year, month, day = (parts[2], parts[1], parts[0]) if len(parts[2]) == 4 else parts
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) > _PIVOT else 2000)
    try:
        return f"{date(full, int(month), int(day)):%Y%m%d}" if full >= 1000 else ""
    except ValueError:
        return ""


@lru_cache(maxsize=100_000)
def day_and_month_swapped(day: str) -> str:
    """*day* (YYYYMMDD) with day and month swapped; unchanged where no such day is.

    >>> day_and_month_swapped("19900107"), day_and_month_swapped("19900131")
    ('19900701', '19900131')
    """
    swapped = day[:4] + day[6:] + day[4:6]
    return swapped if day_of_birth(swapped) else day


def phone(told: str) -> str:
    """Digits of a number, Korean ones as they are dialled at home; fewer than eight digits are no number.

    >>> phone("+82 10-1234-5678"), phone("010.1234.5678"), phone("+1 (212) 555-0100"), phone("0000")
    ('01012345678', '01012345678', '+12125550100', '')
    """
    text = unicodedata.normalize("NFKC", told)
    digits = "".join(_DIGITS.findall(text))
    if digits.startswith(_KOREA) and (text.lstrip().startswith("+") or len(digits) > 10):
        digits = "0" + digits[2:].lstrip("0")
    elif text.lstrip().startswith("+"):
        digits = "+" + digits
    return digits if len(digits) >= 8 and len(set(digits.lstrip("+"))) > 2 else ""


def email(told: str) -> str:
    """Lower case, without blanks; without an @ between two parts it is no address."""
    text = plain(told).replace(" ", "")
    mailbox, at, domain = text.rpartition("@")
    return text if at and mailbox and "." in domain else ""


def mailbox(address: str) -> str:
    """What stands before the @, without a +tag and without dots: the part that people keep when they change the provider.

    >>> mailbox("kim.min-ji+shop@gomail.example")
    'kimmin-ji'
    """
    return address.rpartition("@")[0].partition("+")[0].replace(".", "")


@lru_cache(maxsize=100_000)
def gender(told: str) -> str:
    """`f`, `m`, or "" for anything else."""
    text = plain(told)
    return "f" if text in _WOMAN else "m" if text in _MAN else ""


def place(address: str) -> str:
    """Where the building is, without its floor or flat: road and number, or lot; "" where neither can be read.

    >>> place("경기도 화성시 은하로 5 햇살마을 104동 1904호"), place("서울 강남구 역삼동 123-4번지")
    ('은하로 5', '역삼동 123-4')
    """
    found = _ROAD.search(address) or _LOT.search(address)
    return f"{found[1]} {found[2]}" if found else ""


def unit(address: str) -> str:
    """Building and flat in a block of flats.

    >>> unit("은하로 5 햇살마을 104동 1904호"), unit("은하로 5, 302호"), unit("은하로 5")
    ('104-1904', '302', '')
    """
    found = _UNIT.search(address)
    return "" if not found else f"{found[1]}-{found[2]}" if found[1] else found[3]


def district(address: str) -> str:
    """Province or city and what lies next below it, the province in its short form; "" for less than three words.

    >>> district("경기도 화성시 은하로 5"), district("서울 강남구 역삼동 123-4")
    ('경기 화성시', '서울 강남구')
    """
    words = plain(address).split()[:3]
    return f"{_PROVINCES.get(words[0], words[0])} {words[1]}" if len(words) == 3 else ""


def words_of(address: str) -> tuple[str, ...]:
    """Words of an address, provinces in their short form, each once, sorted."""
    text = re.sub(r"[^\w\s-]", " ", plain(address))
    return tuple(sorted({_PROVINCES.get(word, word) for word in text.split()}))
