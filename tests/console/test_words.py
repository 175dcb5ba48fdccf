"""The words on screen: sentences, particles, numbers, times, both languages whole."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from dangol.console import shown
from dangol.console.actor_words import actor_words, subject_words
from dangol.console.sentence_table import TABLE
from dangol.console.sentences import say
from dangol.events.catalogue import catalogue

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)
HANGUL = range(0xAC00, 0xD7A4)


@pytest.mark.parametrize(
    ("word", "kind", "expected"),
    [("원피스", "을", "를"), ("셔츠", "을", "를"), ("양말", "을", "을"), ("서울", "으로", "로"), ("강남", "으로", "으로"), ("A-1", "이", "이"), ("A-2", "이", "가"), ("VIP", "을", "를"), ("", "을", "를")],
)
def test_particles_follow_the_word(word, kind, expected):
    """A Korean particle fits how the word ends, digits and Latin letters as they are spoken."""
    assert shown.particle(word, kind) == expected


def test_times_are_the_brands():
    """A time is told in the brand's zone, with the year only when it is another."""
    assert shown.moment(NOW, "ko", SEOUL, NOW) == "11월 21일 (토) 14:05"
    assert shown.moment(NOW, "en", SEOUL, NOW) == "Sat 21 Nov 14:05"
    assert shown.moment(NOW.replace(year=2025), "ko", SEOUL, NOW) == "2025년 11월 21일 (금) 14:05"


@pytest.mark.parametrize(
    ("seconds", "korean", "english"),
    [(0, "방금", "just now"), (42, "42초 전", "42 s ago"), (180, "3분 전", "3 min ago"), (7200, "2시간 전", "2 h ago"), (3 * 86400, "3일 전", "3 d ago"), (-120, "2분 뒤", "in 2 min")],
)
def test_how_long_ago(seconds, korean, english):
    """Relative times in both languages, times ahead named as such."""
    at = NOW - timedelta(seconds=seconds)
    assert (shown.ago(at, NOW, "ko"), shown.ago(at, NOW, "en")) == (korean, english)


@pytest.mark.parametrize(("seconds", "korean", "english"), [(-60, "지금", "now"), (0, "지금", "now"), (120, "2분 뒤", "in 2 min")])
def test_when_it_is_due(seconds, korean, english):
    """What is overdue is due now, never just now."""
    at = NOW + timedelta(seconds=seconds)
    assert (shown.due(at, NOW, "ko"), shown.due(at, NOW, "en")) == (korean, english)


def test_money_and_numbers():
    """Won have no decimals, other money has, unknown is a dash and never zero."""
    assert shown.money(39000) == "₩39,000"
    assert shown.money("12.5", "USD") == "$12.50"
    assert shown.money("39,000원") == "39,000원"
    assert shown.number(None) == "–"
    assert shown.number(1234567) == "1,234,567"


def test_the_sentence_of_the_brief():
    """What a person did is told as one would say it."""
    digest = {"name": "여름 원피스", "price": 39000, "currency": "KRW"}
    assert say("track", "Product Added", "app", digest, "ko").text == "앱에서 '여름 원피스'를 장바구니에 담았어요 (₩39,000)"
    assert say("track", "Product Added", "app", digest, "en").text == "Added “여름 원피스” to the cart in the app (₩39,000)"


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("digest", [{}, {"name": "원피스", "total": 1000, "order_id": "A-1", "query": "q", "step": 2, "rating": 5, "points": 30, "coupon": "C", "topic": "배송", "text": "말", "reason": "단순 변심", "products": 3, "score": 9, "campaign": "가을", "purpose": "광고", "store_name": "강남점"}], ids=["bare", "full"])
def test_every_event_has_a_sentence(language, digest):
    """Every event of the catalogue is told in words, with all its properties or none, leaving no pattern behind."""
    for name in {*catalogue().events, *TABLE}:
        for channel in ("app", "pos", "server", "callcenter"):
            text = say("track", name, channel, digest, language).text
            assert text.strip()
            assert not set(text) & set("[]{}|"), text
            assert "  " not in text
            if language == "ko":
                assert any(ord(letter) in HANGUL for letter in text)


def test_an_unknown_event_is_named():
    """An event nobody described is told by its name."""
    assert say("track", "Lamp Lit", "web", {}, "ko").text == "웹에서 'Lamp Lit' 이벤트를 보냈어요"
    assert say("page", "", "web", {"path": "/summer"}, "en").text == "Viewed the page “/summer” on the web"


def test_hostile_values_stay_text():
    """Values from outside cannot break a sentence, however they look."""
    text = say("track", "Product Viewed", "web", {"name": "{x}[a|b]" * 30, "price": "1e999"}, "ko").text
    assert len(text) < 120


def test_every_text_has_korean():
    """Each text of templates and code has a Korean one, none is left over, and the compiled file is its own."""
    tool = Path(__file__).parents[2] / "tools" / "translations.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("language", "actor", "said"),
    [
        ("ko", "operator:mina@brand.kr", "mina@brand.kr"), ("en", "operator:mina@brand.kr", "mina@brand.kr"),
        ("ko", "command:demo", "명령 demo"), ("en", "token:pos-sync", "token pos-sync"), ("ko", "robot:x", "robot:x"),
    ],
)  # fmt: skip
def test_who_acted_is_told_in_words(language, actor, said):
    """An operator by their address, a command or a token by what it is; an actor that is not known as it stands."""
    with translation.override(language):
        assert actor_words(actor) == said


def test_what_was_acted_on_is_told_in_words():
    """A thing by its kind and name, a machine-made id shortened, a list by its name."""
    with translation.override("ko"):
        assert subject_words("source:web") == "소스 web"
        assert subject_words("person:5e1fb491-7bc7-fe59-ecb4-67f763f25956") == "고객 5e1fb491…"
        assert subject_words("suggestions") == "합칠 후보들"
        assert subject_words("robots") == "robots"
