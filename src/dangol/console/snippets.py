"""The text to paste so that a source's first event arrives, per kind of source. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

WEB = """<script async src="{address}/dangol.js" data-key="{key}"></script>
<script>
  window.dangol = window.dangol || [];
  dangol.push(["page"]);
  dangol.push(["track", "Product Viewed", {{ name: "여름 원피스", price: 39000, currency: "KRW" }}]);
</script>"""

PYTHON = """# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = "{key}"
analytics.host = "{address}"
analytics.track(user_id="m-1024", event="Order Completed",
                properties={{"order_id": "A-1", "total": 39000, "currency": "KRW"}})
analytics.flush()"""

NODE = """// npm install @segment/analytics-node
import {{ Analytics }} from "@segment/analytics-node"

const analytics = new Analytics({{ writeKey: "{key}", host: "{address}" }})
analytics.track({{ userId: "m-1024", event: "Order Completed",
  properties: {{ order_id: "A-1", total: 39000, currency: "KRW" }} }})
await analytics.closeAndFlush()"""

KOTLIN = """// implementation("com.segment.analytics.kotlin:android:+")
val analytics = Analytics("{key}", applicationContext) {{
    apiHost = "{host}/v1"
    cdnHost = "{host}/v1"
}}
analytics.track("Product Viewed", buildJsonObject {{ put("name", "여름 원피스") }})"""

CURL = """curl -u {key}: {address}/v1/track -H 'Content-Type: application/json' -d '{{
  "userId": "m-1024", "event": "Order Completed",
  "properties": {{"order_id": "A-1", "total": 39000, "currency": "KRW"}}
}}'"""

FILE = """dangol import orders.csv --source NAME --mapping orders.yaml --dry-run"""

#: Which texts fit which kind of source, most fitting first.
_FITTING: dict[str, tuple[str, ...]] = {
    "web": ("web", "curl"),
    "app": ("kotlin", "curl"),
    "server": ("python", "node", "curl"),
    "crm": ("file", "curl"),
    "erp": ("file", "curl"),
}
_TEXTS: dict[str, tuple[Any, str]] = {
    "web": (_("Into every page, before </head>"), WEB),
    "python": (_("Python"), PYTHON),
    "node": (_("Node.js"), NODE),
    "kotlin": (_("Android (Kotlin)"), KOTLIN),
    "curl": (_("Any system that speaks HTTP"), CURL),
    "file": (_("A file, once or every night"), FILE),
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """One text to paste."""

    title: Any
    text: str


def snippets_for(kind: str, address: str, key: str) -> list[Snippet]:
    """Texts for a source of *kind* that sends to *address* with *key*."""
    host = address.split("://", 1)[-1]
    return [
        Snippet(_TEXTS[name][0], _TEXTS[name][1].format(address=address, key=key, host=host))
        for name in _FITTING.get(kind, ("curl", "python"))
    ]
