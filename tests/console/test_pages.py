"""Every page, full and empty, wide and narrow, light and dark, in both languages."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

pytestmark = pytest.mark.browser

PAGES = ["/", "/people", "/live", "/quarantine", "/sources", "/sources/new", "/plan", "/plan/new", "/operators", "/operators?tab=roles", "/operators?tab=tokens", "/audit", "/account"]
#: (language, width, dark)
LOOKS = [("ko", 1280, False), ("en", 360, True)]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def faults(page, path: str, *, width: int) -> list[str]:
    """What keeps somebody who cannot see it, or has a small screen, from using the page."""
    told = [] if page.locator("h1").count() == 1 else ["not one h1"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    told += [f"{wide} px wide"] if wide > width else []
    page.evaluate(AXE)
    for one in page.evaluate("axe.run({resultTypes: ['violations']}).then((found) => found.violations)"):
        told.append(f"{one['id']}: {[node['html'][:140] for node in one['nodes'][:3]]}")
    return [f"{path}: {fault}" for fault in told]


def look_at(open_page, served, paths, look, *, empty: bool = False) -> list[str]:
    """The faults of these pages."""
    language, width, dark = look
    page = open_page(served, paths[0], language=language, width=width, dark=dark)
    told = []
    for path in paths:
        if path != paths[0]:
            page.goto(served.url + path)
        told += faults(page, path, width=width)
        if page.locator("html").get_attribute("lang") != language:
            told.append(f"{path}: not in {language}")
        if empty and not page.locator(".empty, .welcome").count():
            told.append(f"{path}: does not say what to do next")
    return told


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_pages_with_data_are_whole(full, open_page, look):
    """Pages with data have no error, nothing from outside, no accessibility fault, and fit the screen."""
    assert look_at(open_page, full, PAGES, look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_empty_pages_say_what_to_do_next(empty, open_page, look):
    """Pages without data offer the next step, in the operator's language."""
    assert look_at(open_page, empty, ["/", "/people", "/live", "/quarantine", "/sources", "/plan", "/audit"], look, empty=True) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_pages_of_one_thing_are_whole(full, open_page, look):
    """A person, a quarantined event, a source and a planned event are whole too."""
    with full.connect() as connection:
        person = connection.execute("select person_id from identifier where value = 'm-1024'").fetchone()[0]
        event = connection.execute("select key from quarantined_event where message_id = 'bad0'").fetchone()[0]
        source = connection.execute("select id from source where name = 'web'").fetchone()[0]
    paths = [f"/people/{person}", f"/quarantine/{event}", f"/sources/{source}", "/plan/event?name=Order+Completed", "/plan/event/edit?name=Order+Completed&mode=json"]
    assert look_at(open_page, full, paths, look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_door_is_whole(full, open_page, look):
    """The page for signing in, which everybody sees first."""
    language, width, dark = look
    page = open_page(full, "/sign-in", role=None, language=language, width=width, dark=dark)
    assert faults(page, "/sign-in", width=width) == []


def test_what_is_not_there_says_so(full, open_page):
    """An address that leads nowhere is a page with a way on, not an error."""
    page = open_page(full, "/people/00000000-0000-0000-0000-000000000001")
    assert "여기에는 아무것도 없어요" in page.inner_text("h1")
    page.complaints.clear()  # the browser notes the 404 itself
