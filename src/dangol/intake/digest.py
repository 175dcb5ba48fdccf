"""The digest of an event: the few properties that one line of a timeline says in words."""

from __future__ import annotations

from typing import Any

import msgspec

from dangol.events import Context

#: Properties worth a word, whatever the event.
DIGEST_KEYS = frozenset((
    "name", "product_name", "product_id", "sku", "price", "value", "revenue", "total", "currency", "quantity", "order_id", "store", "store_name",
    "store_id", "location_id", "location", "query", "url", "path", "title", "rating", "coupon", "step", "case_id", "reason", "status", "points",
    "channel", "method", "purpose", "category", "message", "campaign", "score", "text", "topic", "temperature", "position",
))  # fmt: skip
#: Longer text is cut: the whole event is one click away.
DIGEST_TEXT_MAX = 160
_UTM = ("source", "medium", "name", "term", "content")

_encode = msgspec.json.Encoder(order="deterministic").encode


def digest_of(properties: dict[str, Any], context: Context) -> bytes | None:
    """JSON text of what a sentence about the event needs, or None when there is nothing to say."""
    found: dict[str, Any] = {}
    for key, value in properties.items():
        if key in DIGEST_KEYS:
            if type(value) is str:
                found[key] = value[:DIGEST_TEXT_MAX]
            elif value is not None and type(value) is not dict and type(value) is not list:
                found[key] = value
    products = properties.get("products")
    if isinstance(products, list) and products:
        found["products"] = len(products)
        first = products[0]
        if isinstance(first, dict) and "name" in first and "name" not in found:
            found["name"] = str(first["name"])[:DIGEST_TEXT_MAX]
    if isinstance(context.campaign, dict):
        campaign = {key: str(context.campaign[key])[:DIGEST_TEXT_MAX] for key in _UTM if context.campaign.get(key)}
        if campaign:
            found["utm"] = campaign
    page = context.page
    if isinstance(page, dict):
        if "path" not in found and isinstance(page.get("path"), str):
            found["path"] = page["path"][:DIGEST_TEXT_MAX]
        if "title" not in found and isinstance(page.get("title"), str):
            found["title"] = page["title"][:DIGEST_TEXT_MAX]
        if isinstance(page.get("referrer"), str) and page["referrer"]:
            found["referrer"] = page["referrer"][:DIGEST_TEXT_MAX]
    return _encode(found) if found else None
