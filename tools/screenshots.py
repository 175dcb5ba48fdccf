"""Takes the pictures of docs/screenshots from a demo of its own: `.venv/bin/python tools/screenshots.py [DIR]`.

Needs the development dependencies and a Chromium ($CHROMIUM, else the one on the PATH). The people in the pictures are made up.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
DANGOL = Path(sys.executable).with_name("dangol")
#: So long the demo may take to fill, and then runs live before the first picture.
FILL_SECONDS = 400
LIVE_SECONDS = 60
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--hide-scrollbars")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: which page, in which language and look, how large."""

    name: str
    path: str
    language: str
    theme: str = "light"
    width: int = 1280
    height: int = 860


#: {person} is the guest of the demo's tour.
PICTURES = (
    Picture("home-ko", "/", "ko"),
    Picture("person-en", "{person}", "en"),
    Picture("person-phone-ko", "{person}", "ko", "dark", 390, 844),
    Picture("live-en", "/live", "en"),
    Picture("quarantine-ko", "/quarantine", "ko"),
    Picture("plan-en-dark", "/plan", "en", "dark"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, and how to get in."""

    url: str
    email: str
    password: str
    guest: str


def main() -> None:
    """Start a demo, take every picture, stop the demo."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with demo() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        password = first_password(browser, running)
        time.sleep(LIVE_SECONDS)
        for picture in PICTURES:
            take(browser, running, password, picture, folder / f"{picture.name}.png")
        browser.close()


@contextmanager
def demo() -> Iterator[Demo]:
    """A demo in a folder of its own, live."""
    with tempfile.TemporaryDirectory(prefix="dangol-pictures-") as place:
        workspace, words = Path(place) / "ongyeol", Path(place) / "words"
        with words.open("w") as out:
            running = subprocess.Popen([DANGOL, "demo", "--workspace", workspace], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield _read(running, words)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)
            subprocess.run([DANGOL, "down", "--workspace", workspace], stdout=subprocess.DEVNULL, check=False)


def _read(running: subprocess.Popen[bytes], words: Path) -> Demo:
    """What the demo says once it is filled."""
    until = time.monotonic() + FILL_SECONDS
    while time.monotonic() < until and running.poll() is None:
        said = words.read_text(encoding="utf-8")
        if password := re.search(r"^Password\s+(\S+)", said, re.MULTILINE):
            url = re.search(r"^Console\s+(\S+)", said, re.MULTILINE)
            email = re.search(r"^Sign in\s+(\S+)", said, re.MULTILINE)
            guest = re.search(r"Look for “(.+?)” or (\S+?):", said)
            if url and email and guest:
                return Demo(url[1], email[1], password[1], guest[2])
        time.sleep(0.5)
    raise SystemExit(f"The demo did not come up:\n{words.read_text(encoding='utf-8')}")


def first_password(browser: Browser, running: Demo) -> str:
    """Sign in once and set the password that the first sign-in asks for."""
    chosen = secrets.token_urlsafe(16)
    page = browser.new_page()
    sign_in(page, running, running.password)
    page.fill("[name=old]", running.password)
    page.fill("[name=new]", chosen)
    page.fill("[name=again]", chosen)
    page.locator("form:has([name=again]) button").last.click()
    page.wait_for_load_state("networkidle")
    page.context.close()
    return chosen


def sign_in(page: Page, running: Demo, password: str) -> None:
    """Through the door."""
    page.goto(f"{running.url}/sign-in")
    page.fill("[name=email]", running.email)
    page.fill("[name=password]", password)
    page.locator("form:has([name=password]) button").last.click()
    page.wait_for_load_state("load")


def take(browser: Browser, running: Demo, password: str, picture: Picture, to: Path) -> None:
    """One picture."""
    place = browser.new_context(viewport={"width": picture.width, "height": picture.height}, color_scheme=picture.theme)  # type: ignore[arg-type]
    page = place.new_page()
    sign_in(page, running, password)
    page.goto(f"{running.url}/account")
    page.locator(f"main button[name=language][value={picture.language}]").click()
    page.wait_for_load_state("load")
    page.goto(f"{running.url}{_path(page, running) if picture.path == '{person}' else picture.path}")
    page.wait_for_timeout(4000)  # rates are taken over seconds, charts draw themselves
    page.screenshot(path=str(to), animations="disabled")
    place.close()
    print(f"{to.name}: {to.stat().st_size // 1000} kB")


def _path(page: Page, running: Demo) -> str:
    """The address of the tour's guest, found as anybody would."""
    page.goto(f"{running.url}/people?q={running.guest}")
    return page.locator("main a[href^='/people/']").first.get_attribute("href") or "/people"


if __name__ == "__main__":
    main()
