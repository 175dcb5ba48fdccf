"""What people call a type of identifier, Korean and English. Pure; the types themselves stand in rules.yaml."""

from __future__ import annotations

from typing import NamedTuple


class TypeName(NamedTuple):
    """The name of one type in both languages."""

    ko: str
    en: str


TYPE_NAMES: dict[str, TypeName] = {
    "user_id": TypeName("회원 번호", "member number"),
    "loyalty_number": TypeName("멤버십 번호", "loyalty number"),
    "crm_id": TypeName("CRM 번호", "CRM number"),
    "kakao_id": TypeName("카카오 계정", "Kakao account"),
    "naver_id": TypeName("네이버 계정", "Naver account"),
    "apple_id": TypeName("애플 계정", "Apple account"),
    "google_id": TypeName("구글 계정", "Google account"),
    "card_token": TypeName("카드", "card"),
    "email": TypeName("이메일", "e-mail"),
    "phone": TypeName("전화번호", "phone"),
    "qr": TypeName("QR", "QR code"),
    "idfa": TypeName("광고 ID", "advertising id"),
    "gaid": TypeName("광고 ID", "advertising id"),
    "device_id": TypeName("기기", "device"),
    "push_token": TypeName("알림 주소", "push address"),
    "anonymous_id": TypeName("브라우저", "browser"),
}


def type_name(kind: str, language: str) -> str:
    """The name of a type of identifier; one that a brand made up as it is. Args: language: ko or en."""
    names = TYPE_NAMES.get(kind)
    return kind if names is None else names.ko if language == "ko" else names.en
