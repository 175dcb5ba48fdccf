"""Where the brand's customers live, where its stores stand, and the companies whose reception phone many people give.

Regions follow the provinces; shares are their population in 2024, rounded (per cent). Streets and stores are made up.
"""

from __future__ import annotations

from dataclasses import dataclass

from dangol.world.dice import Dice, Weighted


@dataclass(frozen=True, slots=True)
class Region:
    """A province or large city with some of its districts."""

    name: str
    english: str
    districts: tuple[str, ...]
    #: Days from shipping to the door when all goes well.
    transit_days: float = 1.2


@dataclass(frozen=True, slots=True)
class Store:
    """A shop of the brand."""

    id: str
    name: str
    english: str
    region: str
    registers: int
    #: Some stores have a self-service kiosk; every store has a tablet for its staff.
    kiosk: bool


REGIONS: Weighted[Region] = Weighted([
    (Region("서울특별시", "Seoul", ("강남구", "마포구", "송파구", "성동구", "영등포구", "노원구", "관악구", "은평구")), 18.2),
    (Region("경기도", "Gyeonggi", ("수원시 영통구", "성남시 분당구", "고양시 일산동구", "용인시 수지구", "화성시", "부천시", "김포시")), 26.7),
    (Region("인천광역시", "Incheon", ("연수구", "남동구", "서구", "부평구")), 5.9),
    (Region("부산광역시", "Busan", ("해운대구", "부산진구", "수영구", "사하구", "금정구"), 1.6), 6.4),
    (Region("경상남도", "South Gyeongsang", ("창원시 성산구", "김해시", "진주시", "양산시", "거제시"), 1.8), 6.3),
    (Region("대구광역시", "Daegu", ("수성구", "달서구", "중구", "북구"), 1.5), 4.6),
    (Region("경상북도", "North Gyeongsang", ("포항시 북구", "구미시", "경산시", "안동시"), 1.8), 5.0),
    (Region("울산광역시", "Ulsan", ("남구", "중구", "북구"), 1.7), 2.1),
    (Region("대전광역시", "Daejeon", ("유성구", "서구", "중구"), 1.3), 2.8),
    (Region("세종특별자치시", "Sejong", ("나성동", "도담동", "새롬동"), 1.4), 0.8),
    (Region("충청남도", "South Chungcheong", ("천안시 서북구", "아산시", "당진시"), 1.5), 4.2),
    (Region("충청북도", "North Chungcheong", ("청주시 흥덕구", "충주시", "제천시"), 1.5), 3.1),
    (Region("광주광역시", "Gwangju", ("서구", "북구", "광산구"), 1.6), 2.8),
    (Region("전라남도", "South Jeolla", ("여수시", "순천시", "목포시"), 1.9), 3.5),
    (Region("전북특별자치도", "North Jeolla", ("전주시 완산구", "익산시", "군산시"), 1.7), 3.4),
    (Region("강원특별자치도", "Gangwon", ("춘천시", "원주시", "강릉시"), 1.8), 3.0),
    (Region("제주특별자치도", "Jeju", ("제주시", "서귀포시"), 2.6), 1.3),
])  # fmt: skip

#: The region whose parcels come late (a planted problem; docs/world.md).
LATE_REGIONS = frozenset({"부산광역시", "경상남도"})

STORES: tuple[Store, ...] = (
    Store("ST01", "성수점", "Seongsu", "서울특별시", 4, kiosk=True),
    Store("ST02", "강남역점", "Gangnam Station", "서울특별시", 4, kiosk=True),
    Store("ST03", "홍대입구점", "Hongdae", "서울특별시", 3, kiosk=True),
    Store("ST04", "잠실점", "Jamsil", "서울특별시", 3, kiosk=False),
    Store("ST05", "판교점", "Pangyo", "경기도", 3, kiosk=True),
    Store("ST06", "수원광교점", "Gwanggyo", "경기도", 3, kiosk=True),
    Store("ST07", "일산점", "Ilsan", "경기도", 2, kiosk=False),
    Store("ST08", "송도점", "Songdo", "인천광역시", 2, kiosk=True),
    Store("ST09", "해운대점", "Haeundae", "부산광역시", 3, kiosk=True),
    Store("ST10", "서면점", "Seomyeon", "부산광역시", 2, kiosk=False),
    Store("ST11", "창원점", "Changwon", "경상남도", 2, kiosk=False),
    Store("ST12", "동성로점", "Dongseongno", "대구광역시", 3, kiosk=True),
    Store("ST13", "둔산점", "Dunsan", "대전광역시", 2, kiosk=False),
    Store("ST14", "상무점", "Sangmu", "광주광역시", 2, kiosk=True),
    Store("ST15", "전주점", "Jeonju", "전북특별자치도", 2, kiosk=False),
    Store("ST16", "제주점", "Jeju", "제주특별자치도", 2, kiosk=True),
)
_NEAR: dict[str, tuple[Store, ...]] = {
    region.name: tuple(store for store in STORES if store.region == region.name) for region in REGIONS.values
}
KIOSK_STORES = tuple(store for store in STORES if store.kiosk)

_ROADS = ("가람로", "느티나무길", "달빛로", "바람개비길", "솔숲로", "해오름길", "은하로", "나래길", "한울로", "봄내길", "늘푸른로", "새싹길")
_HOMES = ("온누리아파트", "푸른숲아파트", "햇살마을", "가온빌라", "해담오피스텔", "다솜아파트", "물빛타운", "나들목빌라")


@dataclass(frozen=True, slots=True)
class Address:
    """A made-up postal address."""

    region: str
    district: str
    street: str
    detail: str
    postcode: str
    transit_days: float

    def as_trait(self) -> dict[str, str]:
        """The Segment spec's address trait."""
        return {
            "country": "KR",
            "state": self.region,
            "city": self.district,
            "street": f"{self.street} {self.detail}",
            "postalCode": self.postcode,
        }


def address(dice: Dice) -> Address:
    """Somewhere to live, by the regions' share of people."""
    region = dice.draw(REGIONS)
    return Address(
        region.name,
        dice.pick(region.districts),
        f"{dice.pick(_ROADS)} {dice.between(1, 280)}",
        f"{dice.pick(_HOMES)} {dice.between(101, 118)}동 {dice.between(1, 24)}{dice.between(1, 4):02d}호",
        f"{dice.between(10, 639):03d}{dice.between(0, 99):02d}",
        region.transit_days,
    )


def store_near(dice: Dice, region: str) -> Store:
    """The store somebody from *region* goes to: one of their own region's mostly, any other on a trip."""
    near = _NEAR.get(region, ())
    return dice.pick(near) if near and dice.chance(0.9) else dice.pick(STORES)


def reception_phone(office: int) -> str:
    """The main number of a company, which its people give as their own."""
    return f"02-555-{office % 10_000:04d}"
