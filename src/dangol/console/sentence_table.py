"""The words of the timeline, Korean and English. Data only. An event without a line here is told in the catalogue's words.

`[a|b|c]` is the first of its parts whose values are all known. `{product/을}` adds the particle that fits the value.
"""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The same in both languages, with the icon and tone of its line."""

    ko: str
    en: str
    icon: str = "zap"
    #: money, good, bad or "".
    tone: str = ""

    def of(self, language: str) -> str:
        """The words in *language*."""
        return self.ko if language == "ko" else self.en


class Channel(NamedTuple):
    """A kind of source: its name, and how a sentence says that something happened there."""

    ko: str
    en: str
    ko_where: str
    en_where: str
    icon: str

    def of(self, language: str) -> str:
        """Its name in *language*."""
        return self.ko if language == "ko" else self.en


CHANNELS: dict[str, Channel] = {
    "web": Channel("웹", "Web", "웹에서", "on the web", "globe"),
    "app": Channel("앱", "App", "앱에서", "in the app", "smartphone"),
    "server": Channel("서버", "Server", "", "", "server"),
    "pos": Channel("매장 POS", "Store POS", "매장에서", "in a store", "store"),
    "kiosk": Channel("키오스크", "Kiosk", "키오스크에서", "at a kiosk", "tablet"),
    "callcenter": Channel("콜센터", "Call centre", "전화로", "by phone", "phone"),
    "chat": Channel("채팅", "Chat", "채팅으로", "in chat", "message-circle"),
    "email": Channel("이메일", "E-mail", "이메일로", "by e-mail", "mail"),
    "social": Channel("소셜", "Social", "소셜에서", "on social media", "share-2"),
    "sensor": Channel("센서", "Sensor", "매장에서", "in a store", "radio-tower"),
    "crm": Channel("CRM", "CRM", "", "", "contact"),
    "erp": Channel("ERP", "ERP", "", "", "building-2"),
    "other": Channel("기타", "Other", "", "", "box"),
}

#: Which of the kept properties fill a word, best first.
FILLERS: dict[str, tuple[str, ...]] = {
    "product": ("product_name", "name", "sku", "product_id"),
    "page": ("title", "name", "path", "url"),
    "amount": ("total", "revenue", "value", "price"),
    "order": ("order_id",),
    "place": ("store_name", "store", "location"),
    "query": ("query",),
    "coupon": ("coupon",),
    "topic": ("topic", "category"),
    "said": ("text", "message"),
    "stars": ("rating",),
    "points": ("points",),
    "step": ("step",),
    "score": ("score",),
    "case": ("case_id",),
    "campaign": ("campaign",),
    "purpose": ("purpose",),
    "reason": ("reason",),
}

#: Values that stand in quotes inside a sentence.
QUOTED = frozenset({"product", "page", "query", "event", "coupon", "said", "campaign", "topic"})

#: Calls that are not track.
CALLS: dict[str, Words] = {
    "page": Words("[{page} 페이지를|페이지를] 봤어요", "Viewed [the page {page}|a page]", "file-text"),
    "screen": Words("[{page} 화면을|화면을] 봤어요", "Viewed [the screen {page}|a screen]", "smartphone"),
    "identify": Words("누구인지 알려 줬어요", "Told who they are", "badge-check", "good"),
    "group": Words("그룹에 들어갔어요", "Joined a group", "users"),
    "alias": Words("두 식별자가 한 사람임을 알려 줬어요", "Linked two identifiers", "git-merge", "good"),
    "track": Words("[{event} 이벤트를|이벤트를] 보냈어요", "[{event} happened|Something happened]", "zap"),
}

TABLE: dict[str, Words] = {
    "products searched": Words("[{query/을}|상품을] 검색했어요", "Searched for [{query}|products]", "search"),
    "product list viewed": Words("[{topic} 상품 목록을|상품 목록을] 봤어요", "Browsed [{topic}|a list of products]", "rows-3"),
    "product list filtered": Words("[{topic} 목록을|상품 목록을] 걸러 봤어요", "Filtered [{topic}|a list of products]", "funnel"),
    "promotion viewed": Words("[{product} 프로모션을|프로모션을] 봤어요", "Saw [the promotion {product}|a promotion]", "megaphone"),
    "promotion clicked": Words("[{product} 프로모션을|프로모션을] 눌렀어요", "Opened [the promotion {product}|a promotion]", "megaphone"),
    "product clicked": Words("[{product/을}|상품을] 눌렀어요", "Opened [{product}|a product]", "mouse-pointer-click"),
    "product viewed": Words("[{product/을}|상품을] 봤어요", "Looked at [{product}|a product]", "eye"),
    "product added": Words("[{product/을}|상품을] 장바구니에 담았어요", "Added [{product}|a product] to the cart", "shopping-cart"),
    "product removed": Words("[{product/을}|상품을] 장바구니에서 뺐어요", "Took [{product}|a product] out of the cart", "shopping-cart"),
    "cart viewed": Words("장바구니를 봤어요", "Viewed the cart", "shopping-cart"),
    "checkout started": Words("결제를 시작했어요", "Started to check out", "credit-card"),
    "checkout step viewed": Words("결제 [{step}단계를|단계를] 봤어요", "Viewed [step {step} of the checkout|a step of the checkout]", "credit-card"),
    "checkout step completed": Words("결제 [{step}단계를|단계를] 마쳤어요", "Completed [step {step} of the checkout|a step of the checkout]", "credit-card"),
    "payment info entered": Words("결제 정보를 입력했어요", "Entered payment details", "credit-card"),
    "payment failed": Words("결제가 되지 않았어요[: {reason}|]", "Could not pay[: {reason}|]", "credit-card", "bad"),
    "order completed": Words("[{product} 외 {others}개를|{product/을}|상품을] 주문했어요", "Ordered [{product} and {others} more|{product}|products]", "shopping-bag", "money"),
    "order placed": Words("[{product} 외 {others}개를|{product/을}|상품을] 주문했어요", "Ordered [{product} and {others} more|{product}|products]", "shopping-bag", "money"),
    "order.placed": Words("[{product} 외 {others}개를|{product/을}|상품을] 주문했어요", "Ordered [{product} and {others} more|{product}|products]", "shopping-bag", "money"),
    "order.paid": Words("[주문 {order/을}|주문을] 결제했어요", "Paid for [order {order}|an order]", "credit-card", "money"),
    "order updated": Words("[주문 {order/이}|주문이] 바뀌었어요", "[Order {order}|An order] changed", "shopping-bag"),
    "order refunded": Words("[주문 {order/을}|주문을] 환불받았어요", "Was refunded [for order {order}|for an order]", "undo-2", "bad"),
    "order cancelled": Words("[주문 {order/을}|주문을] 취소했어요", "Cancelled [order {order}|an order]", "circle-x", "bad"),
    "order.cancelled": Words("[주문 {order/을}|주문을] 취소했어요", "Cancelled [order {order}|an order]", "circle-x", "bad"),
    "order.shipped": Words("[주문 {order/이}|주문 상품이] 출발했어요", "[Order {order}|The order] was shipped", "truck"),
    "order.delivered": Words("[주문 {order/이}|주문 상품이] 도착했어요", "[Order {order}|The order] arrived", "package", "good"),
    "order.delivery_delayed": Words("[주문 {order}의 배송이|배송이] 늦어졌어요", "[Order {order} is late|The delivery is late]", "truck", "bad"),
    "coupon entered": Words("[{coupon} 쿠폰을|쿠폰을] 입력했어요", "Entered [the coupon {coupon}|a coupon]", "ticket"),
    "coupon applied": Words("[{coupon} 쿠폰을|쿠폰을] 썼어요", "Used [the coupon {coupon}|a coupon]", "ticket"),
    "coupon denied": Words("[{coupon} 쿠폰을|쿠폰을] 쓸 수 없었어요", "Could not use [the coupon {coupon}|a coupon]", "ticket", "bad"),
    "product added to wishlist": Words("[{product/을}|상품을] 찜했어요", "Put [{product}|a product] on the wishlist", "heart"),
    "wishlist.item_added": Words("[{product/을}|상품을] 찜했어요", "Put [{product}|a product] on the wishlist", "heart"),
    "product removed from wishlist": Words("찜한 [{product/을}|상품을] 뺐어요", "Took [{product}|a product] off the wishlist", "heart"),
    "wishlist product added to cart": Words("찜한 [{product/을}|상품을] 장바구니에 담았어요", "Moved [{product}|a product] from the wishlist to the cart", "shopping-cart"),
    "product shared": Words("[{product/을}|상품을] 공유했어요", "Shared [{product}|a product]", "share-2"),
    "product reviewed": Words("[{product}에 |][별점 {stars}점 |]후기를 남겼어요", "Reviewed [{product}|a product][ with {stars} stars|]", "star"),
    "review.posted": Words("[{product}에 |][별점 {stars}점 |]후기를 올렸어요", "Reviewed [{product}|a product][ with {stars} stars|]", "star"),
    "cart.line_added": Words("[{product/을}|상품을] 장바구니에 담았어요", "Added [{product}|a product] to the cart", "shopping-cart"),
    "cart.line_removed": Words("[{product/을}|상품을] 장바구니에서 뺐어요", "Took [{product}|a product] out of the cart", "shopping-cart"),
    "cart.abandoned": Words("장바구니를 두고 나갔어요", "Left the cart behind", "shopping-cart", "bad"),
    "pickup.requested": Words("[{place} 픽업을|매장 픽업을] 신청했어요", "Asked to pick up [at {place}|in a store]", "package"),
    "pickup.ready": Words("픽업 준비가 끝났어요", "The pickup is ready", "package", "good"),
    "pickup.collected": Words("주문한 상품을 찾아갔어요", "Picked the order up", "package", "good"),
    "pickup.no_show": Words("픽업하러 오지 않았어요", "Did not come to pick up", "package", "bad"),
    "return.requested": Words("[{product} 반품을|주문 {order} 반품을|반품을] 신청했어요[: {reason}|]", "Asked to return [{product}|order {order}|an item][: {reason}|]", "undo-2", "bad"),
    "return.refunded": Words("반품 금액을 돌려받았어요", "Got the money back for a return", "undo-2"),
    "points.earned": Words("포인트 [{points}점을|] 적립했어요", "Earned [{points} |]points", "gift", "good"),
    "points.spent": Words("포인트 [{points}점을|] 썼어요", "Spent [{points} |]points", "gift"),
    "store.visited": Words("방문했어요", "Visited", "map-pin"),
    "store.consulted": Words("직원과 상담했어요", "Talked with staff", "store"),
    "case.opened": Words("[{topic} 문의를|문의를] 열었어요[: {said}|]", "Opened a case[ about {topic}|][: {said}|]", "headphones", "bad"),
    "case.resolved": Words("문의가 해결됐어요", "A case was resolved", "headphones", "good"),
    "conversation.message_received": Words("[{said/이라고} 말했어요|메시지를 남겼어요]", "Said [{said}|something]", "message-circle"),
    "feedback.given": Words("[{score}점을 줬어요|의견을 남겼어요][: {said}|]", "Gave [{score} points|feedback][: {said}|]", "text-quote"),
    "call started": Words("[{topic} 상담을|상담을] 시작했어요", "Called[ about {topic}|]", "phone"),
    "call ended": Words("[{topic} 상담을|상담을] 마쳤어요", "Ended a call[ about {topic}|]", "phone"),
    "message.sent": Words("[{campaign} 메시지를|메시지를] 보냈어요", "Was sent [{campaign}|a message]", "mail"),
    "message.opened": Words("[{campaign} 메시지를|메시지를] 열었어요", "Opened [{campaign}|a message]", "mail"),
    "message.clicked": Words("[{campaign} 메시지의|메시지의] 링크를 눌렀어요", "Followed a link in [{campaign}|a message]", "mouse-pointer-click"),
    "consent.granted": Words("[{purpose}에 |]동의했어요", "Agreed[ to {purpose}|]", "shield-check", "good"),
    "consent.withdrawn": Words("[{purpose} |]동의를 거뒀어요", "Withdrew consent[ to {purpose}|]", "ban", "bad"),
    "signed up": Words("가입했어요", "Signed up", "user-plus", "good"),
    "signed in": Words("로그인했어요", "Signed in", "log-in"),
    "signed out": Words("로그아웃했어요", "Signed out", "log-out"),
    "application opened": Words("앱을 열었어요", "Opened the app", "smartphone"),
    "member.joined": Words("회원이 됐어요", "Became a member", "user-plus", "good"),
}

#: Icon and tone of the catalogue's other events, by the first word of their name.
FAMILIES: dict[str, tuple[str, str]] = {
    "cart": ("shopping-cart", ""), "wishlist": ("heart", ""), "offer": ("tag", ""), "promotion": ("megaphone", ""), "stock": ("database", ""),
    "reservation": ("calendar", ""), "order": ("shopping-bag", ""), "pickup": ("package", ""), "return": ("undo-2", ""), "points": ("gift", ""),
    "store": ("store", ""), "handoff": ("route", ""), "info": ("triangle-alert", "bad"), "conversation": ("message-circle", ""), "call": ("phone", ""),
    "case": ("headphones", ""), "feedback": ("text-quote", ""), "review": ("star", ""), "consent": ("shield-check", ""), "message": ("mail", ""),
    "campaign": ("megaphone", ""), "experiment": ("git-compare", ""), "member": ("badge-check", ""), "application": ("smartphone", ""),
    "product": ("tag", ""), "coupon": ("ticket", ""), "checkout": ("credit-card", ""),
}  # fmt: skip
