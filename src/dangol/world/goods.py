"""What the brand sells: home and living, some clothes. Prices in won; a few differ between app and store on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from dangol.world.dice import Weighted

CURRENCY = "KRW"

#: category: (english, [(product, price in won)])
_RANGE: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "침구": ("bedding", [("오가닉 코튼 이불커버 퀸", 89_000), ("구스다운 사계절 이불", 239_000), ("모달 베개커버 2매", 28_000),
                      ("워싱 린넨 침대 스프레드", 119_000), ("메모리폼 경추 베개", 49_000), ("알러지케어 매트리스 커버", 59_000),
                      ("극세사 담요", 32_000), ("텐셀 차렵이불", 109_000)]),
    "주방": ("kitchen", [("백자 면기 4P 세트", 42_000), ("무쇠 솥 24cm", 128_000), ("올리브나무 도마", 36_000), ("유리 밀폐용기 6P", 39_000),
                      ("스테인리스 수저 세트", 33_000), ("핸드드립 세트", 54_000), ("돌솥 냄비 20cm", 68_000), ("실리콘 조리도구 5종", 29_000),
                      ("법랑 주전자 1.7L", 57_000), ("접이식 식기 건조대", 27_000)]),
    "가구": ("furniture", [("원목 사이드 테이블", 98_000), ("패브릭 1인 소파", 289_000), ("조립식 책장 5단", 129_000), ("라탄 벤치", 149_000),
                        ("접이식 식탁 2인", 119_000), ("철제 행거", 64_000), ("낮은 좌식 의자", 45_000), ("수납 침대 프레임 퀸", 459_000)]),
    "조명": ("lighting", [("한지 스탠드 조명", 69_000), ("LED 무드등", 24_000), ("펜던트 조명", 88_000), ("클립 독서등", 19_000),
                       ("간접조명 플로어 램프", 112_000)]),
    "욕실": ("bath", [("호텔 수건 5매", 34_000), ("규조토 발매트", 22_000), ("대나무 빨래 바구니", 41_000), ("세라믹 디스펜서 3종", 26_000),
                    ("샤워 가운", 58_000), ("방수 샤워커튼", 18_000)]),
    "수납": ("storage", [("리빙박스 3단", 38_000), ("옷 압축팩 10매", 16_000), ("서랍 정리함 6칸", 14_000), ("신발 정리대", 23_000),
                      ("패브릭 수납함 2P", 19_000), ("벽걸이 선반", 31_000)]),
    "패션": ("fashion", [("린넨 파자마 세트", 62_000), ("캐시미어 머플러", 79_000), ("에코백", 17_000), ("울 카디건", 98_000),
                      ("코튼 홈웨어 팬츠", 36_000), ("극세사 수면양말 3켤레", 12_000), ("누빔 조끼", 74_000), ("캔버스 앞치마", 25_000)]),
    "향·데코": ("scent", [("소이 캔들 200g", 21_000), ("디퓨저 솔숲", 33_000), ("드라이플라워 화병", 29_000), ("포스터 액자 A3", 35_000),
                       ("인센스 홀더", 15_000), ("패브릭 러그 150", 86_000), ("벽시계", 44_000)]),
    "선물세트": ("gift", [("명절 수건 선물세트", 39_000), ("전통차 다기 세트", 72_000), ("집들이 캔들 세트", 48_000), ("한과 보자기 세트", 55_000)]),
}  # fmt: skip

#: Places in the range whose store price was never brought into line with the app (a planted problem; docs/world.md).
_PRICE_GAPS: dict[int, float] = {3: 1.12, 9: 1.10, 19: 1.15, 31: 1.08, 42: 1.14, 55: 1.09}


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on sale."""

    sku: str
    name: str
    category: str
    category_english: str
    #: Won, in web and app.
    price: int
    #: Won, at the till.
    store_price: int

    @property
    def path(self) -> str:
        """Its page in the shop."""
        return f"/products/{self.sku.lower()}"

    def line(self, *, store: bool = False, quantity: int = 1) -> dict[str, object]:
        """It as the Segment spec's product object."""
        return {
            "product_id": self.sku,
            "sku": self.sku,
            "name": self.name,
            "category": self.category,
            "price": self.store_price if store else self.price,
            "quantity": quantity,
        }


def _products() -> list[Product]:
    products: list[Product] = []
    for category, (english, things) in _RANGE.items():
        for name, price in things:
            place = len(products)
            gap = _PRICE_GAPS.get(place, 1.0)
            store_price = round(price * gap / 100) * 100
            products.append(Product(f"OG-{1001 + place}", name, category, english, price, store_price))
    return products


PRODUCTS: tuple[Product, ...] = tuple(_products())
BY_SKU = {product.sku: product for product in PRODUCTS}
GAP_SKUS = frozenset(product.sku for product in PRODUCTS if product.store_price != product.price)
CATEGORIES: tuple[tuple[str, str], ...] = tuple((name, english) for name, (english, _) in _RANGE.items())

#: A few products sell most: the k-th has weight 1 / (k + 3). The order is shuffled by a fixed stride.
POPULAR: Weighted[Product] = Weighted([
    (PRODUCTS[(place * 37) % len(PRODUCTS)], 1.0 / (place + 3)) for place in range(len(PRODUCTS))
])
IN_CATEGORY: dict[str, Weighted[Product]] = {
    name: Weighted([
        (product, weight)
        for product, weight in zip(POPULAR.values, (1.0 / (place + 3) for place in range(len(PRODUCTS))), strict=True)
        if product.category == name
    ])
    for name, _ in CATEGORIES
}

SEARCHES: tuple[tuple[str, str], ...] = (
    ("이불", "침구"), ("베개", "침구"), ("퀸 이불커버", "침구"), ("냄비", "주방"), ("그릇 세트", "주방"), ("소파", "가구"), ("책장", "가구"),
    ("무드등", "조명"), ("수건", "욕실"), ("정리함", "수납"), ("파자마", "패션"), ("디퓨저", "향·데코"), ("러그", "향·데코"),
    ("집들이 선물", "선물세트"), ("설 선물", "선물세트"), ("추석 선물세트", "선물세트"),
)  # fmt: skip


def total(lines: list[dict[str, object]]) -> int:
    """What the lines cost together, in won."""
    return sum(int(line["price"]) * int(line["quantity"]) for line in lines)  # type: ignore[call-overload]
