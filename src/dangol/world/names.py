"""Korean names by realistic frequency, and the several ways one person's name gets romanised.

Source of the surname shares: Statistics Korea, population census 2015 (per cent, rounded). Given names: names that were common
for people born in those decades. Everybody here is made up.
"""

from __future__ import annotations

from dangol.world.dice import Dice, Weighted

SURNAMES: Weighted[str] = Weighted([
    ("김", 21.5), ("이", 14.7), ("박", 8.4), ("최", 4.7), ("정", 4.3), ("강", 2.4), ("조", 2.1), ("윤", 2.1), ("장", 2.0),
    ("임", 1.7), ("한", 1.5), ("오", 1.5), ("서", 1.5), ("신", 1.5), ("권", 1.4), ("황", 1.4), ("안", 1.4), ("송", 1.4),
    ("전", 1.1), ("홍", 1.1), ("유", 1.0), ("고", 0.9), ("문", 0.9), ("양", 0.9), ("손", 0.9), ("배", 0.8), ("백", 0.8),
    ("허", 0.7), ("남", 0.6), ("심", 0.5), ("노", 0.5), ("하", 0.5), ("곽", 0.4), ("성", 0.4), ("차", 0.4), ("주", 0.4),
    ("우", 0.4), ("구", 0.4), ("민", 0.3), ("나", 0.3), ("진", 0.3), ("지", 0.3), ("엄", 0.3), ("채", 0.3), ("원", 0.3),
    ("천", 0.2), ("방", 0.2), ("공", 0.2), ("현", 0.2), ("함", 0.2), ("남궁", 0.04), ("황보", 0.02), ("선우", 0.02),
])  # fmt: skip

#: (first birth year, women's names, men's names)
_DECADES: list[tuple[int, str, str]] = [
    (1950, "영숙 정숙 순자 영희 정희 명숙 경숙 미숙 옥순 춘자 정순 은숙", "영수 영호 영철 정호 광수 상철 종수 영식 병철 성호 정식 기철"),
    (1965, "미경 미숙 은주 경희 은경 영미 현숙 정아 미정 선영 수경 은희", "성호 영진 정훈 동수 상훈 재호 종현 성진 병수 진호 상현 경수"),
    (1975, "지영 은정 미영 은영 현정 수진 혜진 은주 지현 선영 유진 정은", "정훈 성훈 상훈 동현 지훈 성민 준호 현우 재훈 진우 태훈 승현"),
    (1985, "지혜 지은 수진 혜진 은지 지현 아름 유진 민정 보람 은혜 다은", "지훈 성민 현우 준호 동현 재현 민수 승민 준영 상민 진우 태현"),
    (1993, "유진 수빈 지원 예지 민지 수연 지수 소연 다은 혜원 은비 하늘", "동현 민수 지훈 준영 성현 승현 민재 준혁 현수 재원 태영 건우"),
    (2000, "서연 민서 서현 수빈 지민 예은 하은 지우 채원 다인 유나 가은", "민준 현우 준서 우진 지호 도현 예준 건우 민재 서준 지훈 시우"),
]
GIVEN = [(year, women.split(), men.split()) for year, women, men in _DECADES]

SURNAMES_ROMANISED: dict[str, list[str]] = {
    "김": ["Kim", "Gim"], "이": ["Lee", "Yi", "Rhee"], "박": ["Park", "Pak", "Bak"], "최": ["Choi", "Choe"],
    "정": ["Jung", "Jeong", "Chung"], "강": ["Kang", "Gang"], "조": ["Cho", "Jo"], "윤": ["Yoon", "Yun"],
    "장": ["Jang", "Chang"], "임": ["Lim", "Im"], "오": ["Oh", "O"], "서": ["Seo", "Suh"], "신": ["Shin", "Sin"],
    "권": ["Kwon", "Gwon"], "안": ["Ahn", "An"], "전": ["Jeon", "Chun"], "유": ["Yoo", "Yu", "You"], "고": ["Ko", "Go"],
    "문": ["Moon", "Mun"], "손": ["Son", "Sohn"], "배": ["Bae", "Pae"], "백": ["Baek", "Paik"], "허": ["Heo", "Hur"],
    "노": ["Noh", "Roh"], "우": ["Woo", "U"], "구": ["Koo", "Gu"],
}  # fmt: skip

#: Popular spellings that differ from the Revised Romanization (2000).
_SYLLABLES = {
    "영": "young", "현": "hyun", "준": "joon", "수": "soo", "훈": "hoon", "우": "woo", "주": "joo", "희": "hee", "선": "sun",
    "정": "jung", "경": "kyung", "성": "sung", "철": "chul", "숙": "sook", "은": "eun", "혜": "hye", "연": "yeon", "진": "jin",
    "승": "seung", "유": "yoo", "원": "won", "미": "mi", "재": "jae", "지": "jee", "건": "kun", "도": "do", "서": "suh",
}  # fmt: skip
_INITIAL = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"]
_VOWEL = ["a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i"]
_FINAL = ["", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "p", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t"]
_HANGUL_FIRST, _VOWELS, _FINALS = 0xAC00, 21, 28


def surname_and_given(dice: Dice, *, woman: bool, born: int) -> tuple[str, str]:
    """A surname and a given name that fit a person born in the year *born*."""
    women, men = next((women, men) for year, women, men in reversed(GIVEN) if born >= year or year == GIVEN[0][0])
    return dice.draw(SURNAMES), dice.pick(women if woman else men)


def romanised(surname: str, given: str, style: int) -> str:
    """One of the spellings a name goes by abroad, on cards and in e-mail addresses.

    Args: style: 0 Revised Romanization ("Kim Jiyeong"), 1 popular with surname last ("Ji-young Kim"), 2 popular, upper case
    ("KIM JIYOUNG"), 3 a rarer surname spelling, written together ("Gim Jiyoung").

    >>> romanised("김", "지영", 0), romanised("이", "수진", 1), romanised("박", "현우", 2)
    ('Kim Jiyeong', 'Soo-jin Lee', 'PARK HYUNWOO')
    """
    spellings = SURNAMES_ROMANISED.get(surname) or [spelled(surname).capitalize()]
    if style == 0:
        return f"{spellings[0]} {spelled(given).capitalize()}"
    popular = [_SYLLABLES.get(syllable) or spelled(syllable) for syllable in given]
    if style == 1:
        return f"{'-'.join(popular).capitalize()} {spellings[0]}"
    if style == 2:
        return f"{spellings[0]} {''.join(popular)}".upper()
    return f"{spellings[-1]} {''.join(popular).capitalize()}"


def spelled(hangul: str) -> str:
    """Hangul in Latin letters, syllable by syllable (Revised Romanization without its sound changes)."""
    out = []
    for letter in hangul:
        place = ord(letter) - _HANGUL_FIRST
        initial, rest = divmod(place, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        out.append(_INITIAL[initial] + _VOWEL[vowel] + _FINAL[final].strip())
    return "".join(out)
