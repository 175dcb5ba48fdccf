"""A console with data and one without, each served to one real browser. Skipped with a sentence where no Chromium is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dangol import app
from dangol.engines import state
from dangol.operators import add_operator
from dangol.settings import Settings
from tests.chromium import chromium
from tests.conftest import TEMPLATE, _database, _drop, load_at
from tests.console.brand import fill
from tests.ports import free_port

PASSWORD = "four unrelated words here"
OPERATORS = {"owner": "mina@brand.kr", "store": "joon@brand.kr", "developer": "dev@brand.kr"}
#: A toast goes after six seconds; a busy machine may look later than that.
TOASTS_STAY = "const after = window.setTimeout; window.setTimeout = (act, ms, ...given) => after(act, ms === 6000 ? 600000 : ms, ...given);"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@dataclass
class Served:
    """A console that answers at `url`."""

    settings: Settings
    url: str
    #: The console's PageStreams.
    streams: Any = None

    def connect(self) -> psycopg.Connection[Any]:
        """State, past the console."""
        return state.connect(self.settings, autocommit=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the console.

    Playwright's event loop runs in this thread until then, and Django would take its own calls for asynchronous ones.
    """
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium to run the browser tests")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=60_000)  # patience, nothing else: three test processes may share two processors
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=120_000)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def served_full(state_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A brand with sources, people, a plan and some events in quarantine."""
    with _serving(state_server, tmp_path_factory.mktemp("full"), "console_full", fill) as one:
        yield one


@pytest.fixture(scope="package")
def served_empty(state_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A brand that has just begun: operators and nothing else."""
    with _serving(state_server, tmp_path_factory.mktemp("empty"), "console_empty", lambda _settings: None) as one:
        yield one


@pytest.fixture
def full(served_full: Served) -> Served:
    """The console with data; Django talks to it."""
    app.configure(served_full.settings)
    return served_full


@pytest.fixture
def empty(served_empty: Served) -> Served:
    """The console without data; Django talks to it."""
    app.configure(served_empty.settings)
    return served_empty


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a signed-in page with a size, a language and a theme; whatever the browser complains about fails the test."""
    contexts = []
    complaints: list[str] = []

    def open_one(served: Served, path: str = "/", *, role: str | None = "owner", language: str = "ko", width: int = 1280, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", reduced_motion="reduce", is_mobile=width < 500, has_touch=width < 500
        )
        contexts.append(context)
        context.add_init_script(TOASTS_STAY)
        context.add_cookies([{"name": "dangol_language", "value": language, "url": served.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}") if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", lambda request: None if request.url.startswith((served.url, "data:", "blob:")) else complaints.append(f"outside: {request.url}"))
        page.complaints = complaints  # type: ignore[attr-defined]
        if role is not None:
            context.add_cookies([{"name": "dangol_session", "value": _session(served, OPERATORS[role]), "url": served.url}])
        page.goto(served.url + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints


def _session(served: Served, email: str) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from dangol.operators.models import Operator

    operator = Operator.objects.get(email=email)
    session = SessionStore()
    session[SESSION_KEY] = str(operator.pk)
    session[BACKEND_SESSION_KEY] = "dangol.console.signin.EmailBackend"
    session[HASH_SESSION_KEY] = operator.get_session_auth_hash()
    session.save()
    return str(session.session_key)


class _serving:  # noqa: N801 - read as a verb
    def __init__(self, server: str, folder: Path, name: str, filling: Callable[[Settings], None]) -> None:
        self.server, self.folder, self.name, self.filling = server, folder, name, filling

    def __enter__(self) -> Served:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"create database {self.name} template {TEMPLATE} strategy file_copy")
        settings = load_at(self.folder, _database(self.server, self.name))
        app.configure(settings)
        with state.connect(settings, autocommit=True) as connection:
            for role, email in OPERATORS.items():
                add_operator(connection, email, role, PASSWORD, name="김민아" if role == "owner" else "")
        self.filling(settings)
        from dangol.console.api.asgi import ApiApplication
        from dangol.console.asgi import get_asgi_application
        from dangol.console.streaming import PageStreams

        port = free_port()
        self.streams = PageStreams(get_asgi_application())
        config = uvicorn.Config(ApiApplication(settings, self.streams), host="127.0.0.1", port=port, log_level="error", lifespan="off", ws="none")
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.uvicorn.run, daemon=True)
        self.thread.start()
        while not self.uvicorn.started:
            time.sleep(0.02)
        return Served(settings, f"http://127.0.0.1:{port}", self.streams)

    def __exit__(self, *_error: object) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(60)
        with psycopg.connect(self.server, autocommit=True) as connection:
            _drop(connection, self.name)
