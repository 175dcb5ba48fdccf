"""Masking: what is left of a personal value for somebody who may not see it. Pure.

A masked value keeps just enough to tell two people apart on a screen and never enough to reach one. The forms follow what
Korean brands print (김*연, 010-****-5678), because operators read them all day.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

#: What stands where a value was hidden. Its length says nothing about the value's.
HIDDEN = "***"


class MaskKind(StrEnum):
    """Kinds of personal values, each masked in its own way."""

    EMAIL = "email"  #: mi***@brand.kr
    PHONE = "phone"  #: 010-****-5678
    NAME = "name"  #: 김*연, M*** K***
    ADDRESS = "address"  #: 서울특별시 강남구 ***
    CARD = "card"  #: ****1234
    IP = "ip"  #: 203.0.*.*
    BIRTHDAY = "birthday"  #: 1990-**-**
    RESIDENT_NUMBER = "resident_number"  #: Nothing of it is ever shown.
    GENERIC = "generic"  #: ab***


#: Keys of traits and properties, folded (lower case, letters and digits only), whose values are personal.
KEYS: dict[str, MaskKind] = {
    **dict.fromkeys(("email", "mail", "emailaddress", "useremail", "이메일", "메일"), MaskKind.EMAIL),
    **dict.fromkeys(
        ("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "cellphone", "cell", "tel", "telephone", "contactnumber",
         "callernumber", "recipientphone", "receiverphone", "전화", "전화번호", "휴대폰", "휴대폰번호", "휴대전화", "연락처"),
        MaskKind.PHONE,
    ),
    **dict.fromkeys(
        ("firstname", "lastname", "middlename", "fullname", "realname", "familyname", "givenname", "membername", "customername",
         "recipientname", "receivername", "buyername", "holdername", "username", "displayname", "nickname",
         "이름", "성명", "고객명", "수령인"),
        MaskKind.NAME,
    ),
    **dict.fromkeys(
        ("address", "street", "street1", "street2", "addressline1", "addressline2", "address1", "address2", "shippingaddress",
         "billingaddress", "postalcode", "postcode", "zipcode", "zip", "주소", "우편번호"),
        MaskKind.ADDRESS,
    ),
    **dict.fromkeys(
        ("card", "cardtoken", "cardnumber", "pan", "accountnumber", "iban", "bankaccount", "카드번호", "계좌번호"), MaskKind.CARD
    ),
    **dict.fromkeys(("ip", "ipaddress", "clientip", "remoteaddr"), MaskKind.IP),
    **dict.fromkeys(("birthday", "birthdate", "birth", "dateofbirth", "dob", "생일", "생년월일"), MaskKind.BIRTHDAY),
    **dict.fromkeys(
        ("residentnumber", "residentregistrationnumber", "rrn", "ssn", "passport", "passportnumber", "driverslicense", "주민등록번호",
         "주민번호", "여권번호", "password", "passwd", "secret", "accesstoken", "refreshtoken"),
        MaskKind.RESIDENT_NUMBER,
    ),
    **dict.fromkeys(
        ("kakaoid", "naverid", "appleid", "googleid", "facebookid", "lineid", "kakaouserkey", "loyaltynumber", "membershipnumber",
         "latitude", "longitude", "lat", "lng", "lon"),
        MaskKind.GENERIC,
    ),
}

#: "name" is a person's name only under one of these; elsewhere it names a product, a page, a library.
PERSON_PARENTS = {
    "traits", "customer", "person", "recipient", "receiver", "buyer", "owner", "user", "guest", "member", "shipping", "billing",
    "address", "shippingaddress", "billingaddress", "holder", "companion",
}

_EMAIL = re.compile(r"[^\s@<>\"'(),;:|/=&?]{1,64}(?:@|%40)[^\s@<>\"'(),;:|/=&?]+\.[^\s@<>\"'(),;:|/=&?]{2,}")
#: A Korean particle may follow a number ("010-1234-5678로"), a Latin letter or another digit makes it something else.
_PHONE = re.compile(
    r"(?<![A-Za-z0-9_.-])(?:(?:\+|%2[Bb])\d{1,3}[\s.-]?\(?0?\d{1,3}\)?|\(?0\d{1,2}\)?)[\s.-]?\d{3,4}[\s.-]?\d{4}(?![A-Za-z0-9_-])"
)
_RESIDENT = re.compile(r"(?<!\d)\d{6}[\s-]?[1-8]\d{6}(?!\d)")
_CARD = re.compile(r"(?<![A-Za-z0-9_.-])(?:\d{4}[\s-]){3}\d{1,7}(?![A-Za-z0-9_-])")
_YEAR = re.compile(r"^\s*((?:19|20)\d{2})(?:\D|\d{4}$)")
_HANGUL_OR_HAN = re.compile(r"^[\u3400-\u9fff\uac00-\ud7a3]+$")
_REGION = re.compile(
    r"^[가-힣]{1,8}(?:특별자치시|특별자치도|특별시|광역시|시|도|군|구)$"
    r"|^(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주)$"
)
_FOLD = re.compile(r"[\W_]+")


def mask(kind: MaskKind | str, value: object) -> str:
    """*value* as somebody may see it who may not see personal data.

    Args: kind: a MaskKind or its text; an unknown kind is masked as generic.   value: anything; read as text.
    Returns: text that never contains the whole value (an empty value stays empty).
    """
    text = "" if value is None else str(value).strip()
    if not text:
        return ""
    try:
        rule = _RULES[MaskKind(kind)]
    except ValueError:
        rule = _generic
    masked = rule(text)
    return HIDDEN if masked == text and set(text) - set("*.-@ ") else masked


def kind_of(key: str, value: object = None, parent: str = "") -> MaskKind | None:
    """What kind of personal data stands under *key* (inside *parent*), None when it is not personal.

    The key decides; where it says nothing, the look of the value does: a member id that is an e-mail address is one.
    """
    folded = _folded(key)
    if folded == "name":
        return MaskKind.NAME if _folded(parent) in PERSON_PARENTS else None
    if kind := KEYS.get(folded):
        return kind
    if isinstance(value, str) and len(value) <= 100:
        return _look(value.strip())
    return None


def mask_identifier(kind: str, value: str) -> str:
    """An identifier's value, masked by its type. Ids that only the brand can read (user_id, cookie) stay, unless they look personal."""
    found = kind_of(kind, value, "traits")
    return mask(found, value) if found else value


def mask_trait(name: str, value: Any) -> Any:
    """A trait's value, masked when the trait is personal; objects and lists are masked inside."""
    return _masked(name, value, "traits")


def mask_label(label: str) -> str:
    """The name a person is shown by: a name, or an identifier where none is known."""
    look = _look(label)
    if look:
        return mask(look, label)
    return mask(MaskKind.NAME, label) if not any(character.isdecimal() for character in label) else label


def mask_text(text: str) -> str:
    """Free text (a review, a call note) with e-mail addresses, phone, card and resident numbers hidden in it."""
    for kind, pattern in _IN_TEXT:
        text = pattern.sub(lambda found, kind=kind: mask(kind, found.group()), text)  # type: ignore[misc]
    return text


def mask_json(body: Any, parent: str = "") -> Any:
    """A JSON value with everything personal in it masked, by key names and by the look of texts.

    Args: body: decoded JSON.   parent: the key it stands under, "traits" for a person's traits.
    Returns: a new value of the same shape; numbers under personal keys become masked text.
    """
    if isinstance(body, dict):
        return {key: _masked(key, value, parent) for key, value in body.items()}
    if isinstance(body, list):
        return [mask_json(item, parent) for item in body]
    return mask_text(body) if isinstance(body, str) else body


_View = TypeVar("_View")
#: Kinds of group whose name is no person's.
COMPANIES = frozenset({"company", "business", "organization", "organisation", "account", "corporation", "store"})


def mask_person(view: _View) -> _View:
    """A PersonView (profiles) without its personal values: identifiers, traits and the addresses of first and last touch."""
    person: Any = view
    return replace(  # type: ignore[no-any-return]
        person,
        identifiers=[_masked_identifier(item) for item in person.identifiers],
        traits={name: _masked_trait(name, trait) for name, trait in person.traits.items()},
        memberships=[replace(item, name=mask_group_name(item.name, item.kind)) for item in person.memberships],
        computed={name: replace(one, value=_masked_computed(one)) for name, one in person.computed.items()},
        first_touch=_masked_touch(person.first_touch),
        last_touch=_masked_touch(person.last_touch),
    )


def mask_computed(view: _View) -> _View:
    """A ComputedExplanation (profiles.computed) without personal values."""
    told: Any = view
    key = told.view.over[-1] if told.view.over else ""
    return replace(  # type: ignore[no-any-return]
        told,
        view=replace(told.view, value=_masked_computed(told.view)),
        events=[replace(one, values=[mask_trait(key, value) for value in one.values]) for one in told.events],
    )


def mask_explanation(view: _View) -> _View:
    """A TraitExplanation (profiles) without personal values."""
    told: Any = view
    return replace(  # type: ignore[no-any-return]
        told,
        value=mask_trait(told.trait, told.value),
        winners=[replace(one, value=mask_trait(told.trait, one.value)) for one in told.winners],
        others=[replace(one, value=mask_trait(told.trait, one.value)) for one in told.others],
    )


def mask_group_name(name: str, kind: str) -> str:
    """A group's name; a household's is its members', a company's is nobody's. Args: kind: the group's trait `kind`."""
    return name if kind.casefold() in COMPANIES else str(mask_trait("name", name))


def mask_group(view: _View) -> _View:
    """A GroupView (profiles) without personal values: a household's name and traits are its members'."""
    group: Any = view
    members = [replace(one, label=mask_hit(one.hit).label, hit=mask_hit(one.hit)) for one in group.members.members]
    return replace(  # type: ignore[no-any-return]
        group,
        name=mask_group_name(group.name, group.kind),
        traits={
            name: trait if name == "name" and mask_group_name(group.name, group.kind) == group.name else _masked_trait(name, trait)
            for name, trait in group.traits.items()
        },
        members=replace(group.members, members=members),
    )


def mask_hit(hit: _View) -> _View:
    """A PersonHit (profiles) without its personal values."""
    found: Any = hit
    kinds = {item.value: item.type for item in found.identifiers}
    # The label is a name, or where none is known an identifier, which is masked as one.
    label = mask_identifier(kinds[found.label], found.label) if found.label in kinds else mask(MaskKind.NAME, found.label)
    return replace(found, label=label, identifiers=[_masked_identifier(item) for item in found.identifiers])  # type: ignore[no-any-return]


def mask_timeline(entry: _View) -> _View:
    """A TimelineEntry (profiles) without personal values in its name (a page's title), digest and identifier."""
    line: Any = entry
    known = line.recognised
    if known is not None:
        known = replace(known, identifier=_masked_address(known.identifier))
    return replace(line, name=mask_text(line.name), identifier=_masked_address(line.identifier), digest=mask_json(line.digest), recognised=known)  # type: ignore[no-any-return]


def _masked_address(address: str) -> str:
    kind, colon, value = address.partition(":")
    return f"{kind}{colon}{mask_identifier(kind, value)}"


def _masked_trait(name: str, trait: Any) -> Any:
    others = [replace(one, value=mask_trait(name, one.value)) for one in trait.others]
    return replace(trait, value=mask_trait(name, trait.value), others=others)


def _masked_computed(view: Any) -> Any:
    """A computed value is as personal as the property that it comes from."""
    key = view.over[-1] if view.over else ""
    return [mask_trait(key, one) for one in view.value] if isinstance(view.value, list) else mask_trait(key, view.value)


def _masked_identifier(item: Any) -> Any:
    return replace(item, value=mask_identifier(item.type, item.value))


def _masked_touch(touch: Any) -> Any:
    return None if touch is None else replace(touch, campaign=mask_json(touch.campaign))


def _masked(key: str, value: Any, parent: str) -> Any:
    if isinstance(value, dict | list):
        kind = kind_of(key, None, parent)
        if kind is MaskKind.RESIDENT_NUMBER:
            return HIDDEN
        if isinstance(value, list) and kind:
            return [mask_json(item, key) if isinstance(item, dict | list) else mask(kind, item) for item in value]
        return mask_json(value, key)
    if value is None or isinstance(value, bool):
        return value
    kind = kind_of(key, value, parent)
    if kind:
        return mask(kind, value)
    return mask_text(value) if isinstance(value, str) else value


def _folded(key: str) -> str:
    return _FOLD.sub("", key).lower()


def _look(text: str) -> MaskKind | None:
    for kind, pattern in _IN_TEXT:
        if pattern.fullmatch(text):
            return kind
    return None


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        return _generic(text)
    shown = local[: 2 if len(local) >= 4 else 1 if len(local) >= 2 else 0]
    return f"{shown}{HIDDEN}@{domain}"


def _phone(text: str) -> str:
    places = [index for index, character in enumerate(text) if character.isalnum()]
    digits = "".join(text[index] for index in places)
    count = len(digits)
    tail = 4 if count >= 8 else 2 if count >= 6 else 0
    if text.startswith("+82") and count >= 11:
        head = 4
    elif text.startswith("+") or digits.startswith("02"):
        head = 2
    else:
        head = 3 if digits.startswith("0") else 0
    head = min(head, max(0, count - tail - 3))  # at least three digits are hidden
    hidden = set(places[head : count - tail])
    return "".join("*" if index in hidden else character for index, character in enumerate(text))


def _name(text: str) -> str:
    if _HANGUL_OR_HAN.match(text):
        return "*" if len(text) == 1 else text[0] + "*" if len(text) == 2 else text[0] + "*" * (len(text) - 2) + text[-1]
    return " ".join((word[0] if len(word) > 1 else "") + HIDDEN for word in text.split())


def _address(text: str) -> str:
    kept = []
    for word in text.split()[:2]:
        if not _REGION.match(word):
            break
        kept.append(word)
    return " ".join([*kept, HIDDEN])


def _card(text: str) -> str:
    digits = "".join(character for character in text if character.isalnum())
    return "****" + (digits[-4:] if len(digits) >= 12 else "")


def _ip(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return HIDDEN
    if isinstance(address, ipaddress.IPv4Address):
        first, second, *_ = text.split(".")
        return f"{first}.{second}.*.*"
    first, second, *_ = address.exploded.split(":")
    return f"{first}:{second}:*"


def _birthday(text: str) -> str:
    found = _YEAR.match(text)
    return f"{found.group(1)}-**-**" if found else "****-**-**"


def _generic(text: str) -> str:
    return HIDDEN if len(text) <= 4 else text[:2] + HIDDEN


def _nothing(_text: str) -> str:
    return HIDDEN


_RULES: dict[MaskKind, Callable[[str], str]] = {
    MaskKind.EMAIL: _email,
    MaskKind.PHONE: _phone,
    MaskKind.NAME: _name,
    MaskKind.ADDRESS: _address,
    MaskKind.CARD: _card,
    MaskKind.IP: _ip,
    MaskKind.BIRTHDAY: _birthday,
    MaskKind.RESIDENT_NUMBER: _nothing,
    MaskKind.GENERIC: _generic,
}

#: Looked for in this order: a resident number also looks like other numbers.
_IN_TEXT = (
    (MaskKind.RESIDENT_NUMBER, _RESIDENT),
    (MaskKind.CARD, _CARD),
    (MaskKind.EMAIL, _EMAIL),
    (MaskKind.PHONE, _PHONE),
)
