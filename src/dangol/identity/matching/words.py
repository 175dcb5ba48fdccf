"""What fields and levels are called where people read: key -> (English, Korean). A test holds them against the layout `people`."""

from __future__ import annotations

#: Fields of the waterfall.
FIELDS: dict[str, tuple[str, str]] = {
    "prior": ("Starting point", "출발점"),
    "name": ("Name", "이름"),
    "birth": ("Date of birth", "생년월일"),
    "email": ("E-mail", "이메일"),
    "phone": ("Phone", "전화번호"),
    "address": ("Address", "주소"),
    "gender": ("Gender", "성별"),
    "household": ("Same household", "같은 집"),
}

#: What each level says, for every field that has it; `field.level` where one field says it in its own way.
LEVELS: dict[str, tuple[str, str]] = {
    "prior": ("how rarely two people taken at random are one", "아무나 둘을 골랐을 때 같은 사람인 경우가 얼마나 드문지"),
    "unknown": ("not known for one of the two, so it says nothing", "한쪽에 값이 없어서 판단하지 않아요"),
    "different": ("different", "달라요"),
    "same": ("the same", "같아요"),
    "slip": ("one slip apart", "한 글자만 달라요"),
    "alike": ("alike", "비슷해요"),
    "name.same_writing": ("written the same", "표기가 같아요"),
    "name.same_sound": ("sounds the same in another spelling or script", "표기나 문자는 달라도 소리가 같아요"),
    "name.same_given": ("same given name, another surname", "이름은 같고 성이 달라요"),
    "name.same_surname": ("same surname, another given name", "성은 같고 이름이 달라요"),
    "birth.day_month_swapped": ("day and month swapped", "월과 일이 바뀌었어요"),
    "birth.same_day_other_year": ("same day and month, another year", "월일은 같고 연도가 달라요"),
    "birth.same_year": ("only the year is the same", "연도만 같아요"),
    "email.same_mailbox": ("same mailbox name at another provider", "아이디는 같고 메일 서비스가 달라요"),
    "phone.same_tail": ("the last eight digits are the same", "끝 여덟 자리가 같아요"),
    "address.same_home": ("same building and flat", "같은 건물, 같은 호수예요"),
    "address.same_building": ("same building", "같은 건물이에요"),
    "address.most_words": ("most words are the same", "대부분 같아요"),
    "address.same_postcode": ("same postal code", "우편번호가 같아요"),
    "address.same_district": ("same district", "같은 시·군·구예요"),
    "household.one_home": (
        "phone and address only say that both live in one home, so they count only so far",
        "전화번호와 주소는 한집에 산다는 뜻일 뿐이라 여기까지만 쳐요",
    ),
}


def level_words(field: str, level: str, language: str) -> str:
    """What *level* of *field* is called; *language* is "ko" or anything else for English. Raises KeyError for words that do not exist."""
    english, korean = LEVELS.get(f"{field}.{level}") or LEVELS[level]
    return korean if language == "ko" else english


def field_words(field: str, language: str) -> str:
    """What *field* is called. Raises KeyError for one that does not exist."""
    english, korean = FIELDS[field]
    return korean if language == "ko" else english
