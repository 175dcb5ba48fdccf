"""Tags and filters of the console's templates. They show values; none of them reads data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.template.base import token_kwargs
from django.template.loader import get_template
from django.utils import translation
from django.utils.html import escape, format_html, json_script
from django.utils.safestring import SafeString, mark_safe

from dangol.console import shown
from dangol.console.actor_words import actor_words
from dangol.console.assets import asset_url

register = template.Library()


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def _language() -> str:
    return "ko" if (translation.get_language() or "ko").startswith("ko") else "en"


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An icon of the vendored set, silent for screen readers. size: s, l or nothing."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>', size, asset_url("console/icons/lucide.svg"), name
    )


@register.simple_tag
def asset(name: str) -> str:
    """Address of a static file below static/console/."""
    return asset_url(f"console/{name}")


@register.filter
def number(value: float | None) -> str:
    """1,234,567."""
    return shown.number(value)


@register.filter
def rate(value: float | None) -> str:
    """Events per second."""
    return shown.rate(value)


@register.filter
def span(seconds: float | None) -> str:
    """0.4초, 12초, 3분."""
    return shown.duration(seconds, _language())


@register.filter
def money(value: Any, currency: str = "KRW") -> str:
    """₩39,000."""
    return shown.money(value, currency)


@register.simple_tag
def when(at: datetime | None, style: str = "moment") -> SafeString:
    """A time in the brand's zone with the exact one on hover. style: moment, ago, due, clock, day."""
    if at is None:
        return mark_safe('<span class="faint">–</span>')
    now, language, zone = datetime.now(UTC), _language(), _zone()
    text = {
        "moment": lambda: shown.moment(at, language, zone, now),
        "ago": lambda: shown.ago(at, now, language),
        "due": lambda: shown.due(at, now, language),
        "clock": lambda: f"{at.astimezone(zone):%H:%M}",
        "seconds": lambda: f"{at.astimezone(zone):%H:%M:%S}",
        "day": lambda: shown.day(at, language, zone, now),
    }[style]()
    live = format_html(' data-ago="{}"', int(at.timestamp() * 1000)) if style == "ago" else ""
    return format_html('<time datetime="{}" title="{}"{}>{}</time>', at.isoformat(), shown.exact(at, zone), live, text)


@register.filter
def json_text(value: Any) -> str:
    """JSON, indented, as text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


@register.filter
def json_lit(value: Any) -> SafeString:
    """JSON, indented and coloured by kind."""
    return mark_safe(_lit(value, 0))  # noqa: S308 - every text in it is escaped below


def _lit(value: Any, depth: int) -> str:
    pad, inner = "  " * depth, "  " * (depth + 1)
    if isinstance(value, dict):
        if not value:
            return "{}"
        lines = (f"{inner}{_key(name)}: {_lit(item, depth + 1)}" for name, item in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{pad}}}"
    if isinstance(value, list | tuple):
        if not value:
            return "[]"
        return "[\n" + ",\n".join(f"{inner}{_lit(item, depth + 1)}" for item in value) + f"\n{pad}]"
    if isinstance(value, bool) or value is None:
        return f'<span class="tok-lit">{json.dumps(value)}</span>'
    if isinstance(value, int | float):
        return f'<span class="tok-num">{escape(json.dumps(value))}</span>'
    return f'<span class="tok-str">{escape(json.dumps(str(value), ensure_ascii=False))}</span>'


def _key(name: object) -> str:
    return f'<span class="tok-key">{escape(json.dumps(str(name), ensure_ascii=False))}</span>'


@register.filter
def data_script(value: Any, element_id: str) -> SafeString:
    """A value for a script to read, as inert JSON."""
    return json_script(value, element_id)


@register.filter
def actor(text: str) -> str:
    """Who acted, in words."""
    return actor_words(text)


@register.filter
def initials(label: str) -> str:
    """Letters in a person's circle."""
    return shown.initials(label)


@register.filter
def tint(value: Any) -> int:
    """One of five tints, the same for the same value."""
    return sum(str(value).encode()) % 5


@register.filter
def spark_line(values: list[float]) -> str:
    """SVG path of a small line, 96 wide and 26 high."""
    points = shown.spark(values)
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)


@register.filter
def spark_area(values: list[float]) -> str:
    """The same line, closed along the bottom."""
    return f"{spark_line(values)} L96,26 L0,26 Z"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """mapping[key], or nothing."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.simple_tag
def use(component: str, **values: Any) -> SafeString:
    """Draw a component with these arguments alone. components/<name>.html says which it takes."""
    return mark_safe(get_template(f"components/{component}.html").render(values))  # noqa: S308 - rendered, so escaped


class _Wrap(template.Node):
    def __init__(self, component: str, values: dict[str, Any], body: template.NodeList) -> None:
        self.component, self.values, self.nodelist = component, values, body

    def render(self, context: Any) -> str:
        values = {key: expression.resolve(context) for key, expression in self.values.items()}
        values["body"] = self.nodelist.render(context)
        return str(get_template(f"components/{self.component}.html").render(values))


@register.tag
def wrap(parser: Any, token: Any) -> _Wrap:
    """Draw a component around a body: {% wrap "card" title=… %}…{% endwrap %}."""
    name, *rest = token.split_contents()[1:]
    body = parser.parse(("endwrap",))
    parser.delete_first_token()
    values = token_kwargs(rest, parser)
    return _Wrap(name.strip("\"'"), values, body)


@register.simple_tag(takes_context=True)
def query(context: Any, **changes: Any) -> str:
    """The present address's query with these parameters changed; an empty one is left out. Paging always starts anew."""
    params = context["request"].GET.copy()
    params.pop("after", None)
    for key, value in changes.items():
        if value in ("", None):
            params.pop(key, None)
        else:
            params[key] = str(value)
    text = params.urlencode()
    return f"?{text}" if text else "?"
