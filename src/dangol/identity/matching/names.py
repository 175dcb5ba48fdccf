"""Korean names across scripts and spellings: 김민지, Kim Minji, Gim Min-ji and MINJI KIM sound the same.

A sound is written in classes that survive every common romanisation: Revised (2000), McCune-Reischauer (1939) and the spellings
people choose themselves. It is coarser than 한글 on purpose (ㅓ, ㅜ and ㅡ are one class: "u" may be any of them), so it brings
candidates together; whether two 한글 names are the same is asked of the 한글.
Sources: National Institute of Korean Language, Revised Romanization of Korean (2000); McCune and Reischauer (1939);
spellings of surnames in passports as published by the Ministry of Foreign Affairs (2007 to 2014).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FIRST, _LAST = 0xAC00, 0xD7A3
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]

#: Class of each letter: K T P C are ㄱㄷㅂㅈ with their tense and aspirated kin, A E O U I the vowels, Y and W glides, G is final ㅇ.
_INITIAL_SOUND = ["K", "K", "N", "T", "T", "L", "M", "P", "P", "S", "S", "", "C", "C", "C", "K", "T", "P", "H"]
_VOWEL_SOUND = ["A", "E", "YA", "YE", "U", "E", "YU", "YE", "O", "WA", "WE", "WE", "YO", "U", "WU", "WE", "WI", "YU", "U", "I", "I"]
_FINAL_SOUND = [*["", "K", "K", "K", "N", "N", "N", "T", "L", "K", "M", "L", "L", "L", "P", "L"], *"MPPTTGTTKTPT"]

#: Longest first; what a romanisation writes -> class. Read from left to right.
_LATIN = [
    ("yeou", "YU"), ("aeu", "AU"), ("yeoh", "YU"), ("young", "YUG"), ("yeong", "YUG"), ("yoon", "YUN"), ("youn", "YUN"), ("yae", "YE"), ("yeo", "YU"),
    ("yoo", "YU"), ("you", "YU"), ("yea", "YE"), ("wae", "WE"), ("weo", "WU"), ("woo", "U"), ("eui", "I"), ("wha", "HWA"), ("yu", "YU"),
    ("yo", "YO"), ("ya", "YA"), ("ye", "YE"), ("wa", "WA"), ("wo", "WU"), ("we", "WE"), ("wi", "WI"), ("oe", "WE"), ("oi", "WE"),
    ("eo", "U"), ("eu", "U"), ("oo", "U"), ("ou", "U"), ("ui", "I"), ("ae", "E"), ("ai", "AI"), ("ay", "E"), ("ea", "E"), ("ee", "I"),
    ("ng", "G"), ("ch", "C"), ("sh", "S"), ("kk", "K"), ("tt", "T"), ("pp", "P"), ("jj", "C"), ("ss", "S"), ("ck", "K"), ("ph", "P"),
    ("a", "A"), ("e", "E"), ("i", "I"), ("o", "O"), ("u", "U"), ("y", "I"), ("w", "U"), ("g", "K"), ("k", "K"), ("c", "K"), ("q", "K"),
    ("d", "T"), ("t", "T"), ("b", "P"), ("p", "P"), ("f", "P"), ("v", "P"), ("j", "C"), ("z", "C"), ("s", "S"), ("x", "S"), ("n", "N"),
    ("m", "M"), ("r", "L"), ("l", "L"), ("h", "H"),
]  # fmt: skip
_LATIN_SOUND = dict(_LATIN)
_LATIN_PIECE = re.compile("|".join(piece for piece, _ in _LATIN))
#: "Park", "Suh", "Ahn", "Hur": letters that English readers write and nobody says.
_SILENT_R = re.compile(r"(?<=[aeou])r(?=[kn-]|$)")
_SILENT_H = re.compile(r"(?<=[aeou])h(?![aeiouwy])")

#: Surname in 한글 -> how it is written in Latin letters. One spelling may stand for several surnames (Chung: 정; Chun: 전, 천).
SURNAMES: dict[str, str] = {
    "김": "kim gim ghim keem", "이": "lee yi rhee i ri rhie leigh ee", "박": "park bak pak bark pahk", "최": "choi choe chey choy",
    "정": "jung jeong chung cheong joung jeung", "강": "kang gang", "조": "cho jo joe", "윤": "yoon yun youn", "장": "jang chang zang",
    "임": "lim im rim yim leem", "한": "han hahn", "오": "oh o", "서": "seo suh so", "신": "shin sin", "권": "kwon gwon kweon",
    "황": "hwang whang", "안": "ahn an", "송": "song", "전": "jeon chun jun chon jeun", "홍": "hong", "유": "yoo yu you ryu yoo ryoo",
    "고": "ko go koh goh", "문": "moon mun", "양": "yang ryang", "손": "son sohn", "배": "bae pae bai pai", "백": "baek paik baik back paek",
    "허": "heo hur huh her", "남": "nam", "심": "shim sim", "노": "noh roh no ro", "하": "ha", "곽": "kwak gwak", "성": "sung seong",
    "차": "cha", "주": "joo ju chu", "우": "woo u wu", "구": "koo gu ku goo", "민": "min", "나": "na ra nah rha", "진": "jin chin",
    "지": "ji jee chi", "엄": "eom um uhm", "채": "chae", "원": "won weon", "천": "cheon chun", "방": "bang pang", "공": "kong gong",
    "현": "hyun hyeon", "함": "ham", "류": "ryu yoo yu you ryoo", "변": "byun byeon", "염": "yeom yum", "여": "yeo yuh", "추": "chu choo",
    "도": "do", "소": "so", "석": "seok suk", "선": "sun seon", "설": "seol sul", "마": "ma mah", "길": "gil kil", "연": "yeon youn",
    "위": "wi wee", "표": "pyo", "명": "myung myeong", "기": "ki gi", "반": "ban", "왕": "wang", "금": "keum geum", "옥": "ok ock",
    "육": "yook yuk", "인": "in", "맹": "maeng", "제": "je", "모": "mo", "탁": "tak", "국": "kook guk", "어": "eo uh", "은": "eun",
    "편": "pyun pyeon", "용": "yong", "남궁": "namgung namkung namgoong", "황보": "hwangbo", "선우": "sunwoo seonu", "제갈": "jegal",
    "사공": "sagong", "서문": "seomun", "독고": "dokgo",
}  # fmt: skip

_HANGUL_NAME = re.compile(r"^[가-힣]{2,5}$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def is_hangul(name: str) -> bool:
    """Whether *name* is a Korean name in 한글, spaces aside."""
    return bool(_HANGUL_NAME.match(name.replace(" ", "")))


@lru_cache(maxsize=100_000)
def sound_of_hangul(text: str) -> str:
    """Sound classes of 한글; anything else is left out.

    >>> sound_of_hangul("김"), sound_of_hangul("민지"), sound_of_hangul("현우")
    ('KIM', 'MINCI', 'HYUNU')
    """
    out = []
    for letter in text:
        place = ord(letter) - _FIRST
        if 0 <= place <= _LAST - _FIRST:
            rest, final = divmod(place, len(_FINALS))
            initial, vowel = divmod(rest, len(_VOWELS))
            out.append(_INITIAL_SOUND[initial] + _VOWEL_SOUND[vowel] + _FINAL_SOUND[final])
    return _settled("".join(out))


@lru_cache(maxsize=100_000)
def sound_of_latin(text: str) -> str:
    """Sound classes of a name in Latin letters, however it is romanised; accents count for nothing.

    >>> sound_of_latin("Minji") == sound_of_latin("MIN-JI") == sound_of_hangul("민지")
    True
    """
    letters = "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if "a" <= char <= "z" or char == "-")
    letters = _SILENT_H.sub("", _SILENT_R.sub("", letters))
    return _settled("".join(_LATIN_SOUND[piece] for piece in _LATIN_PIECE.findall(letters)))


#: Where a syllable ends is not written in Latin letters, so what only the border tells apart is one: Dain (다인, 대인), Haeun (하은,
#: 해운), Suhyeon (서현, 서연), Mingyu and Mingu with ng or n-g, and any letter twice.
_BORDERLESS = [
    (re.compile(r"NK"), "G"),
    (re.compile(r"AI"), "E"),
    (re.compile(r"EU"), "AU"),
    (re.compile(r"UHY"), "UY"),
    (re.compile(r"(.)\1+"), r"\1"),
]


def _settled(sound: str) -> str:
    for pattern, one in _BORDERLESS:
        sound = pattern.sub(one, sound)
    return sound


_SURNAME_SOUNDS: dict[str, str] = {}
for _hangul, _spellings in SURNAMES.items():
    for _spelling in _spellings.split():
        _SURNAME_SOUNDS.setdefault(_spelling, sound_of_hangul(_hangul))


@lru_cache(maxsize=100_000)
def readings(name: str) -> tuple[tuple[str, str], ...]:
    """What *name* may be: (sound of the surname, sound of the given name), most likely first; several where the order is open.

    >>> readings("김민지") == readings("Kim Minji") == readings("MINJI KIM") == readings("Gim Min-ji")
    True
    >>> readings("Emin Imanov")
    (('IMANOP', 'EMIN'),)
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    if is_hangul(plain):
        return tuple((sound_of_hangul(surname), sound_of_hangul(given)) for surname, given in splits(plain.replace(" ", "")))
    words = _WORD.findall(plain.replace("'", "").replace("’", ""))
    if len(words) < 2:
        return ((("", sound_of_latin(words[0]) or sound_of_hangul(words[0])),)) if words else ()
    first, last = words[0].lower(), words[-1].lower()
    begins = (_SURNAME_SOUNDS.get(first, ""), sound_of_latin("".join(words[1:])))
    ends = (_SURNAME_SOUNDS.get(last, ""), sound_of_latin("".join(words[:-1])))
    if begins[0] and ends[0] and "," not in plain:
        return (begins, ends)
    if begins[0] and (not ends[0] or "," in plain):
        return (begins,)
    if ends[0]:
        return (ends,)
    return ((sound_of_latin(words[-1]), sound_of_latin("".join(words[:-1]))),)


def splits(name: str) -> tuple[tuple[str, str], ...]:
    """Surname and given name of a 한글 name without spaces; two readings where 황보람 may be 황 보람 or 황보 람.

    >>> splits("이준"), splits("남궁민수"), splits("황보람")
    ((('이', '준'),), (('남궁', '민수'),), (('황', '보람'), ('황보', '람')))
    """
    if name[:2] not in SURNAMES or len(name) == 2:
        return ((name[:1], name[1:]),)
    long = (name[:2], name[2:])
    return (long,) if len(name) > 3 else ((name[:1], name[1:]), long)


@lru_cache(maxsize=100_000)
def jamo(text: str) -> str:
    """한글 letter by letter, so that a slip of one key is a slip of one letter; ㅇ before a vowel is kept.

    >>> jamo("김민지")
    'ㄱㅣㅁㅁㅣㄴㅈㅣ'
    """
    out = []
    for letter in text:
        place = ord(letter) - _FIRST
        if 0 <= place <= _LAST - _FIRST:
            rest, final = divmod(place, len(_FINALS))
            initial, vowel = divmod(rest, len(_VOWELS))
            out.append(_INITIALS[initial] + _VOWELS[vowel] + _FINALS[final])
        else:
            out.append(letter)
    return "".join(out)
