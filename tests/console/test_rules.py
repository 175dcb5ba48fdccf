"""What must hold for every page without looking at it: doors, headers, templates, contexts, masking."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client

from dangol.console import redaction
from dangol.console.assets import asset_url, assets
from dangol.console.django import secret_key, web_settings
from dangol.console.masking import UNMASKED_SECONDS, is_unmasked, unmask
from dangol.console.pages.patterns import samples_of
from dangol.console.urls import urlpatterns
from dangol.privacy import mask_json
from dangol.settings import Console, Settings

CONSOLE = Path(__file__).parents[2] / "src" / "dangol" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
OPEN = {"health", "sign-in", "sign-out", "first-run", "preferences", "asset"}


def addresses() -> list[tuple[str, str]]:
    """(name, an address that fits) of every page."""
    numbers = dict.fromkeys(("seq", "number", "source_id", "operator_id"), "1")
    fill = {**numbers, "person_id": str(uuid4()), "node": str(uuid4()), "key": str(uuid4()), "stamp": "x", "name": "x.css", "group_id": "acme"}
    return [(pattern.name, "/" + re.sub(r"<\w+:(\w+)>", lambda found: fill[found[1]], str(pattern.pattern))) for pattern in urlpatterns]


@pytest.mark.parametrize(("name", "path"), addresses(), ids=lambda value: value if "/" not in str(value) else "")
def test_no_page_without_signing_in(workspace, name, path):
    """Nothing but the door, health and files without data answers somebody who has not signed in."""
    answer = Client().get(path, HTTP_HOST="localhost")
    if name in OPEN:
        assert answer.status_code != 500
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in")


def test_headers_protect(workspace):
    """Every answer forbids foreign and inline scripts and styles, frames and sniffing, and is not kept by caches."""
    answer = Client().get("/first-run", HTTP_HOST="localhost")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]


def test_cookies_are_secure_behind_https(tmp_path):
    """With an https address every cookie is Secure and HttpOnly; without one a browser on the machine still signs in."""
    https = web_settings(Settings(workspace=tmp_path, console=Console(public_url="https://dangol.brand.kr")))
    plain = web_settings(Settings(workspace=tmp_path))
    assert https["SESSION_COOKIE_SECURE"]
    assert https["CSRF_COOKIE_SECURE"]
    assert not plain["SESSION_COOKIE_SECURE"]
    assert https["SESSION_COOKIE_HTTPONLY"]
    assert https["CSRF_TRUSTED_ORIGINS"] == ["https://dangol.brand.kr"]


def test_the_secret_key_stays(tmp_path):
    """A workspace has one key, readable by its owner alone."""
    settings = Settings(workspace=tmp_path)
    first = secret_key(settings)
    assert first == secret_key(settings)
    assert len(first) >= 60
    assert (settings.secrets_dir / "console.key").stat().st_mode & 0o077 == 0


def test_a_form_needs_its_token(workspace):
    """A form without its token changes nothing and says so."""
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/sign-in", {"email": "a@b.kr", "password": "x"}, HTTP_HOST="localhost")
    assert answer.status_code == 403


def test_leading_elsewhere_is_refused(workspace):
    """`next` leads only to pages of this console."""
    answer = Client().post("/preferences", {"next": "https://evil.example/", "theme": "dark"}, HTTP_HOST="localhost")
    assert answer["Location"] == "/"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_only_shows(path):
    """A template says what it takes, asks no data and carries no inline script or style."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("{#"), "its first line says what it takes"
    assert ".objects" not in text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|hx-on|hx-vals=.js:", text)
    assert len(text.splitlines()) <= 120


def test_every_component_is_shown():
    """Each component has samples on the page of patterns."""
    for path in (CONSOLE / "templates" / "components").glob("*.html"):
        assert samples_of(path.stem), path.name


@pytest.mark.parametrize("path", sorted((CONSOLE / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_has_no_sql(path):
    """Pages read through rooms: no SQL and no table of their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert not calls & {"execute", "executemany", "filter", "raw_sql"}, calls


def test_contexts_are_what_templates_say():
    """A template that names its Context uses no other name of the page, and the Context exists."""
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        named = re.match(r"\{#.*?Context: (pages\.\w+)\.(\w+)", text)
        if not named:
            continue
        context = getattr(import_module(f"dangol.console.{named[1]}"), named[2])
        assert is_dataclass(context)
        known = {one.name for one in fields(context)}
        used = set(re.findall(r"\{\{\s*([a-z_]+)[.|\s}]", text) + re.findall(r"\{% (?:if|for \w+ in) (?:not )?([a-z_]+)[.\s%]", text))
        own = set(re.findall(r"\bas (\w+)\s*%}", text)) | set(re.findall(r"asvar (\w+)", text)) | set(re.findall(r"with (\w+)=", text)) | set(re.findall(r"(\w+)=\w+", " ".join(re.findall(r"{% (?:blocktranslate|with)[^%]*%}", text))))
        loops = {name for group in re.findall(r"{% for ([\w, ]+) in", text) for name in re.split(r"[ ,]+", group)}
        assert used <= known | own | loops | {"shell", "request", "csrf_token", "forloop", "n", "shown"}, (path.name, used - known - own - loops)


def test_assets_change_their_address_with_their_content():
    """A file's address carries the version of all files; one that does not exist is a mistake found at once."""
    assert asset_url("console/css/tokens.css").startswith("/static/")
    assert len(assets()) > 15
    with pytest.raises(KeyError):
        asset_url("console/css/none.css")


def test_the_vendored_files_have_their_licences():
    """What others made carries its licence beside it."""
    static = CONSOLE / "static" / "console"
    for name in ("vendor/htmx.LICENSE", "vendor/echarts.LICENSE", "vendor/echarts.NOTICE", "icons/lucide.LICENSE", "fonts/pretendard.LICENSE"):
        assert (static / name).stat().st_size > 100


def test_icons_that_are_used_exist():
    """Every icon named in a template is in the sprite."""
    sprite = (CONSOLE / "static" / "console" / "icons" / "lucide.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    for path in TEMPLATES:
        for name in re.findall(r'{% icon "([\w-]+)"', path.read_text(encoding="utf-8")):
            assert name in known, (path.name, name)
    for path in [*CONSOLE.glob("*.py"), *(CONSOLE / "pages").glob("*.py")]:
        for name in re.findall(r'"icon": "([\w-]+)"', path.read_text(encoding="utf-8")):
            assert name in known, (path.name, name)


def test_what_stays_masked_goes_back_as_it_was():
    """Correcting an event without seeing its personal data loses none of it."""
    original = {"userId": "m-1", "properties": {"email": "hana@brand.kr", "total": "1,000", "items": [{"phone": "010-1234-5678"}]}}
    masked = mask_json(original)
    assert masked != original
    edited = {**masked, "properties": {**masked["properties"], "total": 1000}}
    assert redaction.restored(edited, masked, original) == {**original, "properties": {**original["properties"], "total": 1000}}
    assert redaction.restored({"properties": {"email": "new@brand.kr"}}, masked, original) == {"properties": {"email": "new@brand.kr"}}


def test_unmasking_ends(monkeypatch):
    """A person is shown to the session that asked, for a while, and only while the role may."""
    request = SimpleNamespace(session={}, user=SimpleNamespace(role="agent"))
    person = uuid4()
    unmask(request, person)
    assert is_unmasked(request, person)
    assert not is_unmasked(request, uuid4())
    request.user.role = "analyst"
    assert not is_unmasked(request, person)
    request.user.role = "agent"
    import time

    later = time.time() + UNMASKED_SECONDS + 1
    monkeypatch.setattr("dangol.console.masking.time.time", lambda: later)
    assert not is_unmasked(request, person)
    unmask(request, person)
    assert is_unmasked(request, person)
    monkeypatch.setattr("dangol.console.masking.time.time", lambda: later - 6 * 3600)  # the clock was set back
    assert not is_unmasked(request, person)
