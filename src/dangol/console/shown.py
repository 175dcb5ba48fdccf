"""How values are written for people, in Korean and English: numbers, money, times, Korean particles. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SIGNS = {"KRW": "₩", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
#: Currencies without a smaller unit (ISO 4217, minor unit 0).
WHOLE = {"KRW", "JPY", "VND"}

#: Particle after a vowel, after a consonant.
PARTICLES = {
    "을": ("를", "을"),
    "이": ("가", "이"),
    "은": ("는", "은"),
    "과": ("와", "과"),
    "으로": ("로", "으로"),
    "이라고": ("라고", "이라고"),
}


def particle(word: str, kind: str) -> str:
    """The Korean particle that follows *word*: 를 for "원피스" and "을".

    Digits and Latin letters are read as they are spoken in Korean as far as that is regular.
    """
    vowel, consonant = PARTICLES[kind]
    last = next((letter for letter in reversed(word) if letter.isalnum()), "")
    if "가" <= last <= "힣":
        final = (ord(last) - 0xAC00) % 28
        return vowel if final == 0 or (kind == "으로" and final == 8) else consonant
    if last.isdigit():
        return consonant if last in ("036" if kind == "으로" else "013678") else vowel
    return consonant if last and last.lower() in ("mn" if kind == "으로" else "lmn") else vowel


def number(value: float | None) -> str:
    """1234567 as 1,234,567; a fraction keeps at most two places; nothing known is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{int(value):,}"


def rate(value: float | None) -> str:
    """Events per second: 0.4, 12, 1,204."""
    if value is None:
        return "–"
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


def money(value: object, currency: str = "KRW") -> str:
    """39000 as ₩39,000; text that is no number stays as it came."""
    try:
        amount = float(str(value))
    except ValueError:
        return str(value)
    code = (currency or "KRW").upper()
    text = f"{amount:,.0f}" if code in WHOLE or amount.is_integer() else f"{amount:,.2f}"
    return f"{SIGNS[code]}{text}" if code in SIGNS else f"{text} {code}"


def moment(at: datetime | None, language: str, zone: ZoneInfo, now: datetime | None = None) -> str:
    """11월 21일 (토) 14:05, or Sat 21 Nov 14:05; with the year when it is another than *now*'s."""
    if at is None:
        return "–"
    local = at.astimezone(zone)
    clock = f"{local:%H:%M}"
    return f"{day(at, language, zone, now)} {clock}"


def day(at: datetime, language: str, zone: ZoneInfo, now: datetime | None = None) -> str:
    """11월 21일 (토), or Sat 21 Nov."""
    local = at.astimezone(zone)
    other_year = now is not None and local.year != now.astimezone(zone).year
    weekday = WEEKDAYS[language][local.weekday()]
    if language == "ko":
        return f"{f'{local.year}년 ' if other_year else ''}{local.month}월 {local.day}일 ({weekday})"
    return f"{weekday} {local.day} {MONTHS[local.month - 1]}{f' {local.year}' if other_year else ''}"


def exact(at: datetime | None, zone: ZoneInfo) -> str:
    """The whole time with seconds and zone, for hovering."""
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" {zone.key}"


#: (seconds of the unit, its Korean and English name), and the seconds below which it is used.
_SPANS = (
    ((1, "초", "s"), 60),
    ((60, "분", "min"), 3600),
    ((3600, "시간", "h"), 86400),
    ((86400, "일", "d"), 2_592_000),
    ((2_592_000, "달", "mo"), 31_536_000),
)


def ago(at: datetime | None, now: datetime, language: str) -> str:
    """How long since: 방금, 3분 전, 2일 전; a time ahead of *now* is named as such."""
    if at is None:
        return "–"
    seconds = (now - at) / timedelta(seconds=1)
    ahead, seconds = seconds < -5, abs(seconds)
    if seconds < 5:
        return "방금" if language == "ko" else "just now"
    size, korean, english = next((span for span, below in _SPANS if seconds < below), (31_536_000, "년", "y"))
    count = int(seconds // size)
    if language == "ko":
        return f"{count}{korean} {'뒤' if ahead else '전'}"
    return f"in {count} {english}" if ahead else f"{count} {english} ago"


def due(at: datetime, now: datetime, language: str) -> str:
    """When something is to happen: 2분 뒤; 지금, when its time has come."""
    if at - now < timedelta(seconds=5):
        return "지금" if language == "ko" else "now"
    return ago(at, now, language)


def duration(seconds: float | None, language: str) -> str:
    """A span in words: 0초, 0.4초, 12초, 3분, 2시간."""
    if seconds is None:
        return "–"
    korean = language == "ko"
    if seconds < 0.05:
        return f"0{'초' if korean else ' s'}"
    if seconds < 10:
        return f"{seconds:.1f}{'초' if korean else ' s'}"
    if seconds < 60:
        return f"{seconds:.0f}{'초' if korean else ' s'}"
    if seconds < 3600:
        return f"{seconds / 60:.0f}{'분' if korean else ' min'}"
    if seconds < 86400:
        return f"{seconds / 3600:.0f}{'시간' if korean else ' h'}"
    return f"{seconds / 86400:.0f}{'일' if korean else ' d'}"


def initials(label: str) -> str:
    """One or two letters for a person's circle; a hidden or empty name gives none."""
    letters = [word[0] for word in label.split() if word[0].isalpha()]
    if not letters:
        return ""
    return letters[0] if "가" <= letters[0] <= "힣" else "".join(letters[:2]).upper()


def spark(values: list[float]) -> list[tuple[float, float]]:
    """Points of a small line in a box of 96 by 26, zero at the bottom."""
    if len(values) == 1:
        values = values * 2
    top = max(values) or 1
    return [(96 * index / (len(values) - 1), 24.5 - 22 * value / top) for index, value in enumerate(values)]
