"""Takes every page of the console in every look, full and empty, and lists what looks wrong: `.venv/bin/python tools/every_page.py DIR [WORD …]`.

DIR/full is a demo's, DIR/empty a workspace's that has just begun; names are page-language-theme-width.png, and faults.txt tells what a script
can see: pages wider than the screen, text that is cut off, buttons that break into lines, words of the other language. The rest is for eyes.
WORDs choose pages or looks: `home`, `ko`, `dark`, `390`. $CONSOLE_FULL = "url email password" looks at a running console instead of a demo.
Needs what tools/screenshots.py needs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from screenshots import DANGOL, FLAGS, Demo, demo, first_password, sign_in

#: {person}, {source} and {event} are the first of their lists.
PAGES = {
    "home": "/",
    "live": "/live",
    "people": "/people",
    "people-found": "/people?q=%EA%B9%80",
    "people-none": "/people?q=zzzz",
    "person": "{person}",
    "person-identity": "{person}/identity",
    "person-split": "{person}/identity/split",
    "person-merge": "{person}/identity/merge",
    "group": "{group}",
    "matches": "/matches",
    "matches-together": "/matches?tab=together",
    "match": "{match}",
    "shared-identifiers": "/shared-identifiers",
    "identity-decisions": "/identity-decisions",
    "identity-rules": "/identity-rules",
    "identity-rules-edit": "/identity-rules/edit",
    "identity-run": "{run}",
    "traits": "/traits",
    "traits-edit": "/traits/edit",
    "quarantine": "/quarantine",
    "quarantine-reason": "/quarantine?reason=plan_violation",
    "quarantined": "{event}",
    "sources": "/sources",
    "source": "{source}",
    "source-new": "/sources/new",
    "webhooks": "/webhooks",
    "webhook": "{webhook}",
    "webhook-new": "/webhooks/new",
    "plan": "/plan",
    "plan-event": "/plan/event?name=Order+Completed",
    "plan-new": "/plan/new",
    "plan-edit": "/plan/event/edit?name=Order+Completed",
    "operators": "/operators",
    "operators-roles": "/operators?tab=roles",
    "operators-tokens": "/operators?tab=tokens",
    "audit": "/audit",
    "account": "/account",
    "nothing-here": "/no-such-page",
    "api": "/api/docs",
    "sign-in": "/sign-in",
}
#: Pages whose first of a list an empty workspace does not have.
FULL_ONLY = {
    "person", "person-identity", "person-split", "person-merge", "people-found", "group", "match", "identity-run",
    "source", "webhook", "quarantined", "quarantine-reason",
}  # fmt: skip
LISTS = {
    "{person}": ("/people?q=%EA%B9%80", "main a[href^='/people/']"),
    "{match}": ("/matches", "main a.pair"),
    "{run}": ("/identity-rules", "main a[href*='/runs/']"),
    "{group}": ("/people?q=%EC%8B%A0%EC%84%A0%EC%98%81%EB%84%A4", "main a[href^='/groups/']"),
    "{source}": ("/sources", "main a[href^='/sources/']:not([href$=new])"),
    "{webhook}": ("/webhooks", "main td a[href^='/webhooks/']"),
    "{event}": ("/quarantine", "main td a[href^='/quarantine/']"),
}
LOOKS = tuple(product(("ko", "en"), ("light", "dark"), (1440, 390)))
#: Tallest picture, in pixels: further down pages repeat themselves.
TALLEST = 2600

#: What a script can find fault with, as a function of the page.
FAULTS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Place:
    """A console to look at, signed in by these cookies."""

    name: str
    url: str
    cookies: list[dict[str, object]]


def main() -> None:
    """Take every page that was asked for."""
    folder, words = Path(sys.argv[1]), set(sys.argv[2:])
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        if not words & {"empty"}:
            with _full() as running:
                faults += look_at(browser, _signed_in(browser, "full", running), folder, words)
        if not words & {"full"}:
            with _empty() as running:
                faults += look_at(browser, _signed_in(browser, "empty", running), folder, words)
        browser.close()
    (folder / "faults.txt").write_text("".join(f"{fault}\n" for fault in faults), encoding="utf-8")
    print(f"{len(faults)} things to look at in {folder / 'faults.txt'}")


def look_at(browser: Browser, place: Place, folder: Path, words: set[str]) -> list[str]:
    """Every picture of one console; returns what a script can find fault with."""
    pages = {name: path for name, path in PAGES.items() if not (words & set(PAGES)) or name in words}
    if place.name == "empty":
        pages = {name: path for name, path in pages.items() if name not in FULL_ONLY}
    (folder / place.name).mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    for language, theme, width in LOOKS:
        kinds = ({"ko", "en"}, {"light", "dark"}, {"1440", "390"})
        if any(words & kind and value not in words for kind, value in zip(kinds, (language, theme, str(width)), strict=True)):
            continue
        context = _context(browser, place, language, theme, width)
        page = context.new_page()
        addresses = {mark: _first(page, place, *where) for mark, where in LISTS.items() if any(mark in path for path in pages.values())}
        for name, path in pages.items():
            if name == "sign-in":
                context.clear_cookies(name="dangol_session")
            page.goto(place.url + _address(path, addresses))
            page.wait_for_timeout(2500 if name in ("home", "source", "live", "person-identity", "match") else 300)
            tall = min(TALLEST, max(900, page.evaluate("document.documentElement.scrollHeight")))
            page.set_viewport_size({"width": width, "height": tall})
            page.screenshot(path=str(folder / place.name / f"{name}-{language}-{theme}-{width}.png"), animations="disabled")
            faults += [f"{place.name} {name} {language} {theme} {width}: {fault}" for fault in page.evaluate(FAULTS)]
            page.set_viewport_size({"width": width, "height": 900})
        context.close()
    return faults


def _address(path: str, addresses: dict[str, str]) -> str:
    for mark, found in addresses.items():
        path = path.replace(mark, found)
    return path


def _context(browser: Browser, place: Place, language: str, theme: str, width: int) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", has_touch=width < 500, is_mobile=width < 500
    )
    looks = [{"name": f"dangol_{name}", "value": value, "url": place.url} for name, value in (("language", language), ("theme", theme))]
    context.add_cookies([*place.cookies, *looks])  # type: ignore[list-item]
    return context


def _first(page: Page, place: Place, path: str, link: str) -> str:
    page.goto(place.url + path)
    found = page.locator(link)
    return (found.first.get_attribute("href") or path) if found.count() else path


def _signed_in(browser: Browser, name: str, running: Demo) -> Place:
    password = running.password if "CONSOLE_FULL" in os.environ and name == "full" else first_password(browser, running)
    page = browser.new_page()
    sign_in(page, running, password)
    cookies = [dict(cookie) for cookie in page.context.cookies() if cookie["name"] == "dangol_session"]
    page.context.close()
    if not cookies:
        raise SystemExit(f"{running.email} was not let in at {running.url}: is the password right? Nothing was taken.")
    return Place(name, running.url, cookies)


@contextmanager
def _full() -> Iterator[Demo]:
    if "CONSOLE_FULL" in os.environ:
        url, email, password = os.environ["CONSOLE_FULL"].split()
        yield Demo(url, email, password, "")
        return
    with demo() as running:
        yield running


@contextmanager
def _empty() -> Iterator[Demo]:
    """A workspace with one owner and nothing else."""
    with tempfile.TemporaryDirectory(prefix="dangol-empty-") as place:
        workspace = Path(place) / "shop"
        subprocess.run([DANGOL, "init", str(workspace)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([DANGOL, "up", "--port", "8790", "--collect-port", "8791", "--detach", "--workspace", workspace], check=True)
        try:
            said = subprocess.run(
                [DANGOL, "operator", "add", "mina@brand.kr", "--role", "owner", "--workspace", workspace],
                check=True,
                capture_output=True,
                text=True,
            )
            yield Demo("http://127.0.0.1:8790", "mina@brand.kr", said.stdout.split()[-1], "")
        finally:
            subprocess.run([DANGOL, "down", "--workspace", workspace], check=False)


if __name__ == "__main__":
    main()
