"""What the guides say is so: requests that they show are taken by the API, reasons are all told, roles may what their table says."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec.inspect
import polib
import pytest
import yaml

from dangol.console.api.asgi import directory
from dangol.console.api.operations import PREFIX, Found, read_json, read_query
from dangol.console.identity_words import SHARED
from dangol.events.plan import PlanAction, read_plan_text
from dangol.events.schemas import compile_schema
from dangol.identity.facts import Refused
from dangol.intake.facts import Reason
from dangol.operators import Permission, Role, may
from dangol.profiles.ruleset import read_trait_rules, shipped_trait_document
from tests.house.tree import ROOT, tracked

PAGES = ["README.md", "README.ko.md", *(path.as_posix() for path in tracked() if path.suffix == ".md" and path.parts[:2] == ("docs", "howto"))]
CONSOLE = re.compile(r"^```(?:console|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: `GET /people/{…}/timeline?before_known=true`, with or without /api/v1 before it.
NAMED = re.compile(r"`(GET|POST|PATCH|DELETE) (/[^`]*)`")
#: Addresses of intake, which is another program.
INTAKE = re.compile(r"/(v1|pixel|beacon|projects|dangol\.js|sourceConfig)\b")
#: What a guide leaves out of an answer.
LEFT_OUT = re.compile(r",?…")


def _read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _found(method: str, address: str) -> Found:
    """The operation at *address*, whose query it takes. Raises: Problem."""
    parts = urlsplit(address.replace("{…}", "user_id:42").replace("{type}:{value}", "user_id:42"))
    found = directory.find(method, PREFIX + parts.path.removeprefix(PREFIX))
    wanted = parse_qs(parts.query, keep_blank_values=True)
    unknown = set(wanted) - {one.encode_name for one in msgspec.structs.fields(found.operation.query)} if wanted else set()
    assert not unknown, f"{method} {address}: there is no parameter {unknown}"
    if "…" not in parts.query:
        read_query(found.operation.query, {name: values for name, values in wanted.items() if values != [""]})
    return found


def _requests(page: str) -> list[tuple[str, str, str]]:
    """The curl commands to the API: (address, body, the answer that is shown)."""
    told: list[tuple[str, str, str]] = []
    for block in CONSOLE.findall(_read(page)):
        for part in block.replace("\\\n", " ").split("$ ")[1:]:
            typed, _, answer = part.partition("\n")
            words = shlex.split(typed, comments=True)
            if words[:1] == ["curl"] and any(PREFIX in word for word in words):
                body = words[words.index("-d") + 1] if "-d" in words else ""
                told.append((next(word for word in words if PREFIX in word), body, answer))
    return told


@pytest.mark.parametrize("page", PAGES)
def test_addresses_that_a_guide_names_are_there(page: str):
    """Each `GET /…` of a guide is an operation of the API, with the parameters that it is given."""
    for method, address in NAMED.findall(_read(page)):
        if not INTAKE.match(address):
            _found(method, address)


@pytest.mark.parametrize("page", PAGES)
def test_requests_that_a_guide_shows_are_taken(page: str):
    """Each curl command asks for an operation, with a body that it reads; the answer below it has no key that the operation does not answer with."""
    for address, body, answer in _requests(page):
        parts = urlsplit(address)
        found = _found("POST" if body else "GET", f"{parts.path}?{parts.query}")
        if body:
            read_json(found.operation.body, body.replace('"KEY"', '"00000000-0000-0000-0000-000000000001"').encode())
        if answer.startswith("{"):
            told: Any = msgspec.inspect.type_info(found.operation.answer)  # a Struct or a dataclass
            shown: dict[str, Any] = json.loads(LEFT_OUT.sub("", answer.replace('"…"', '"-"')))
            assert set(shown) <= {one.encode_name for one in told.fields}, address


def test_requests_are_read():
    """The commands and addresses of the guide of the API are found, so that the tests above test something."""
    assert len(_requests("docs/howto/api.md")) >= 5
    assert sum(answer.startswith("{") for *_, answer in _requests("docs/howto/api.md")) >= 2
    assert len(NAMED.findall(_read("docs/howto/api.md"))) > 25


def _cells(page: str) -> set[str]:
    """Words in `code` that stand in the first cell of a table's row."""
    return {word for line in _read(page).splitlines() if line.startswith("| `") for word in re.findall(r"`([^`]*)`", line.split(" | ")[0])}


@pytest.mark.parametrize("twin", [".md", ".ko.md"])
def test_every_reason_stands_in_its_guide(twin: str):
    """Each reason for which an event waits, is kept out or two identifiers are not joined is told, with what to do; and no other."""
    at_once, later = set(re.findall(r"`(\w+)`", _read(f"docs/howto/intake{twin}"))), _cells(f"docs/howto/quarantine{twin}")
    assert {reason.value for reason in Reason} - at_once - later == set()
    assert {word for word in later if re.fullmatch(r"[a-z_]+", word)} <= {reason.value for reason in Reason}
    assert _cells(f"docs/howto/identity{twin}") == {reason.value for reason in Refused}


ROLES = [[Role.OWNER], [Role.AGENT], [Role.PRIVACY_OFFICER], [Role.DEVELOPER], [Role.MARKETER, Role.ANALYST], [Role.STORE]]
IDENTITY = [Permission.PEOPLE_SEE, Permission.IDENTITY_SEE, Permission.IDENTITY_DECIDE, Permission.IDENTITY_RULES]


@pytest.mark.parametrize("twin", [".md", ".ko.md"])
def test_who_may_is_who_may(twin: str):
    """The table of the guide of identity says of each role what its permissions say."""
    rows = [line for line in _read(f"docs/howto/identity{twin}").splitlines() if line.startswith("|") and line.count("|") == 8][2:]
    told = [[cell.strip() == "✓" for cell in row.split("|")[2:-1]] for row in rows]
    assert told == [[all(may(role, permission) for role in roles) for roles in ROLES] for permission in IDENTITY]


@pytest.mark.parametrize("page", [f"docs/howto/{name}{twin}" for name in ("identity", "suggested-matches") for twin in (".md", ".ko.md")])
def test_what_a_guide_tells_to_press_is_on_the_pages(page: str):
    """Each word in **bold** or *italics* stands on the console's pages in that language, or is a heading of a guide."""
    words = re.findall(r"\*\*([^*\n]+)\*\*|(?<!\*)\*([^*\n]+)\*(?!\*)", re.sub(r"`[^`\n]*`", "", CONSOLE.sub("", _read(page))))
    entries = polib.pofile(str(ROOT / "src/dangol/console/locale/ko/LC_MESSAGES/django.po"))
    korean = page.endswith(".ko.md")
    screens = [text for one in entries for text in ([one.msgstr, *one.msgstr_plural.values()] if korean else [one.msgid, one.msgid_plural])]
    screens += [short.ko if korean else short.en for short, _ in SHARED.values()]
    headings = re.findall(r"^#+ (.*)$", "\n".join(map(_read, PAGES)), re.MULTILINE)
    said = [bold or slanted for bold, slanted in words]
    assert said
    assert [word for word in said if not any(word.lower() in text.lower() for text in [*screens, *headings])] == []


YAML = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/howto/traits.md", "docs/howto/computed-traits.md"])
def test_trait_rules_that_a_guide_shows_can_be_applied(page: str):
    """Each document, laid over the shipped one where it is a part, is read without a complaint."""
    documents = YAML.findall(_read(page))
    assert documents
    for text in documents:
        whole, part = yaml.safe_load(shipped_trait_document()), yaml.safe_load(text)
        for key, value in part.items():
            whole[key] = {**whole[key], **value} if key in {"computed", "survivorship"} else value
        read_trait_rules(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False))


def test_the_plan_that_a_guide_shows_can_be_used():
    """The file of docs/howto/tracking-plan.md is a plan, with the action that it names; an order fits, one with a negative total does not."""
    (text,) = YAML.findall(_read("docs/howto/tracking-plan.md"))
    (entry,) = read_plan_text(text)
    assert (entry.event, entry.action) == ("Order Completed", PlanAction.QUARANTINE)
    check = compile_schema(entry.schema)
    order = {"properties": {"order_id": "A-1", "total": 39000, "currency": "KRW"}}
    assert check.violations(order) == []
    assert [one.path for one in check.violations({"properties": {**order["properties"], "total": -1}})] == ["properties.total"]


def test_state_answers_as_its_guide_asks(workspace, monkeypatch, capsys):
    """The example of docs/howto/state.md runs as written, in the workspace's folder."""
    monkeypatch.chdir(workspace.workspace)
    (example,) = re.findall(r"^```python\n(.*?)^```$", _read("docs/howto/state.md"), re.DOTALL | re.MULTILINE)
    exec(example, {})
    assert capsys.readouterr().out == "[]\n", "an empty workspace knows no identifier"
