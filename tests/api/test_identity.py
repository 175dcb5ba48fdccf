"""Identity over HTTP: why, why not, deciding and taking back, shared identifiers, rule sets; who may, and what is masked."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.live import Live, at

from dangol.console.api import identity_rules
from dangol.identity import keep_rules, shipped_document
from dangol.privacy import AuditFilter, entries
from dangol.processes.rule_runs import NoSuchRun, carry_out

EMAIL = "mina.kim@brand.kr"


def told(message_id: str, minute: int, **ids: Any) -> dict[str, Any]:
    """Somebody tells who they are."""
    return {"type": "identify", "messageId": message_id, "timestamp": f"2026-11-20T05:{minute:02}:00Z", "traits": {}, **ids}


def glued(live: Live) -> None:
    """Mina's e-mail address was typed on somebody else's phone, so a stranger's cookie became hers."""
    live.send(told("e1", 0, userId="mina", traits={"email": EMAIL, "name": "김미나"}), told("e2", 5, anonymousId="c9", traits={"email": EMAIL}))


def crowd(live: Live, cookie: str = "kiosk-1") -> None:
    """Three members use one browser within an hour."""
    live.send(*[told(f"{cookie}-{n}", n, userId=f"m{n}", anonymousId=cookie) for n in range(3)])


def split(live: Live, role: str = "owner", **body: Any) -> Any:
    return live.ask("POST", "/people/user_id:mina/splits", role, {"from": "anonymous_id:c9", "why": "called: not her phone", **body})


def test_the_graph_of_a_person(live: Live) -> None:
    """Identifiers with what proves them, claims in words with their event, refusals with the reason in the caller's language."""
    glued(live)
    live.send(told("e7", 7, userId="joon", anonymousId="c9"))
    graph = live.get(f"/people/email:{EMAIL}/identity").json
    assert {(one["type"], one["value"], one["verified"]) for one in graph["identifiers"]} == {
        ("user_id", "mina", True), ("email", EMAIL, False), ("anonymous_id", "c9", True),
    }  # fmt: skip
    assert graph["identifiers"][0]["type"] == "user_id", "the leading one stands first"
    assert [(edge["a"], edge["b"], edge["first_event"], edge["source"]) for edge in graph["edges"]] == [
        ("user_id:mina", f"email:{EMAIL}", "e1", "web"), (f"email:{EMAIL}", "anonymous_id:c9", "e2", "web"),
    ]  # fmt: skip
    assert graph["edges"][0]["says"] == f"E-mail {EMAIL} was joined to member mina by the event ‘identify’ from web on 20 November 2026 (typed, not verified)."
    (refusal,) = graph["refusals"]
    assert (refusal["reason"], refusal["a"]) == ("unique_conflict", "user_id:joon")
    assert "one person has only one" in refusal["because"]
    korean = live.get(f"/people/email:{EMAIL}/identity", Accept_Language="ko-KR,ko;q=0.9").json
    assert "합치지 않았어요" in korean["refusals"][0]["because"]
    assert (graph["identifiers_in_all"], graph["edges_in_all"], graph["refusals_in_all"], graph["next"]) == (3, 2, 1, None)


def test_a_large_person_comes_page_by_page(live: Live) -> None:
    """Every identifier is on exactly one page, the leading one on the first; a made-up cursor is refused in words."""
    live.send(*[told(f"p{n}", n, userId="mina", externalIds=[{"type": "club", "id": f"n-{n:02}"}]) for n in range(7)], *[told(f"q{n}", n, userId="mina", anonymousId=f"c{n}") for n in range(7)])
    pages, cursor = [], ""
    while cursor is not None:
        page = live.get(f"/people/user_id:mina/identity?limit=3{f'&cursor={at(cursor)}' if cursor else ''}").json
        assert len(page["identifiers"]) <= 3
        assert page["identifiers_in_all"] == 8
        pages += [f"{one['type']}:{one['value']}" for one in page["identifiers"]]
        cursor = page["next"]
    assert pages == ["user_id:mina", *(f"anonymous_id:c{n}" for n in range(7))]
    assert live.get("/people/user_id:mina/identity?cursor=x").json["code"] == "bad_parameter"


def test_why_two_are_one_and_why_not(live: Live) -> None:
    """The path is told step by step; two people are told what was refused between them, through a shared identifier too."""
    glued(live)
    answer = live.get(f"/people/user_id:mina/identity/path?to={at('anonymous_id:c9')}").json
    assert answer["same"]
    assert [step["first_event"] for step in answer["path"]] == ["e1", "e2"]
    crowd(live)
    apart = live.get("/people/user_id:m0/identity/path?to=user_id:m1").json
    assert not apart["same"]
    assert {(step["a"], step["b"], step["reason"]) for step in apart["kept_apart_by"]} == {
        ("user_id:m0", "anonymous_id:kiosk-1", "shared_identifier"), ("user_id:m1", "anonymous_id:kiosk-1", "shared_identifier"),
    }  # fmt: skip
    assert live.get("/people/user_id:mina/identity/path?to=user_id:m1").json == {"same": False, "path": [], "kept_apart_by": []}
    assert live.get("/people/user_id:mina/identity/path?to=user_id:nobody").status == 404
    assert live.get("/people/user_id:mina/identity/path").json["code"] == "bad_parameter"


def test_a_split_is_seen_beforehand_done_once_and_taken_back(live: Live) -> None:
    """The preview equals what is done and changes nothing; doing it twice is one decision; undone, all is as before."""
    glued(live)
    before = live.get("/people/user_id:mina/identity").json
    seen = split(live, preview=True, why="").json
    assert seen["decision"] is None
    assert live.get("/people/user_id:mina/identity").json == before
    done = split(live).json
    assert {**done, "decision": None} == seen
    assert not done["already"]
    assert [[one["value"] for one in person["identifiers"]] for person in done["people"]] == [["mina", EMAIL], ["c9"]]
    assert done["people"][0]["traits"]["name"]["value"] == "김미나"
    assert done["people"][0]["events"] == 2, "the address leads the event that typed it"
    again = split(live).json
    assert (again["decision"], again["already"]) == (done["decision"], True)
    assert [one["decision"] for one in live.get("/identity/decisions").json["decisions"]] == [done["decision"]]
    opposite = live.ask("POST", "/merges", body={"a": "user_id:mina", "b": "anonymous_id:c9", "why": "no"})
    assert (opposite.status, opposite.json["reason"]) == (422, "decision_refused")
    undone = live.ask("DELETE", f"/identity/decisions/{done['decision']}")
    assert undone.status == 200
    assert undone.json["redirected"], "the stranger's id leads to Mina again"
    assert live.get("/people/user_id:mina/identity").json == before
    assert live.ask("DELETE", f"/identity/decisions/{done['decision']}").status == 422
    assert live.get("/identity/decisions?in_force=true").json["decisions"] == []
    assert live.get("/identity/decisions").json["decisions"][0]["taken_back_by"] == "token:owner"
    acts = [line.act for line in entries(live.connection, AuditFilter(actor="token:owner")).entries if line.act.startswith("people.") and line.act != "people.found"]
    assert sorted(acts) == ["people.apart", "people.undecided"]


def test_two_accounts_are_merged(live: Live) -> None:
    """What will be redirected is told; decisions page; a decision without a reason, with itself or with nobody is refused."""
    live.send(told("a", 0, userId="old"), told("b", 1, anonymousId="new"))
    merge = {"a": "user_id:old", "b": "anonymous_id:new", "why": "same card, shown in the store"}
    seen = live.ask("POST", "/merges", body={**merge, "preview": True}).json
    assert len(seen["people"]) == 1
    assert len(seen["redirected"]) == 1
    assert (seen["risks"], seen["awaited"]) == ([], None)
    made = live.ask("POST", "/merges", body=merge).json
    assert live.get(f"/people/person:{made['redirected'][0]}").json["person_id"] == made["people"][0]["person_id"]
    assert live.ask("POST", "/merges", body={**merge, "why": " ", "b": "user_id:old"}).json["reason"] == "decision_refused"
    assert live.ask("POST", "/merges", body={**merge, "b": "user_id:gone"}).status == 404
    assert live.ask("POST", "/merges", body={**merge, "b": "gone"}).json["code"] == "bad_parameter"
    assert live.ask("DELETE", "/identity/decisions/x").status == 404


def test_of_a_hostile_cookie_the_least_is_told(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many of its claims are looked at; what was counted among them is told as the least it has, never as all."""
    monkeypatch.setattr("dangol.identity.shared.LOOKED_AT_MAX", 2)
    crowd(live)
    (one,) = live.get("/identity/shared").json["shared"]
    assert (one["more"], one["claims"], one["owners"]) == (True, 2, 3)
    assert one["because"].startswith("At least 3 known people used it within 30 days.")
    assert "적어도 3명이 30일 안에" in live.get("/identity/shared", Accept_Language="ko").json["shared"][0]["because"]
    monkeypatch.setattr("dangol.identity.shared.LOOKED_AT_MAX", 3)
    (whole,) = live.get("/identity/shared").json["shared"]
    assert (whole["more"], whole["because"].startswith("3 known people")) == (False, True)


def test_shared_identifiers_are_told(live: Live) -> None:
    """Who uses it, since when, why it joins nobody, in the caller's language; page by page, by type and by beginning."""
    crowd(live)
    crowd(live, "tablet-7")
    (one,) = live.get("/identity/shared?query=kiosk").json["shared"]
    assert (one["type"], one["value"], one["reason"], one["owners"], one["people"], one["claims"]) == ("anonymous_id", "kiosk-1", "many_owners", 3, 3, 3)
    assert one["because"] == "3 known people used it within 30 days. So it belongs to none of them, and joins nobody."
    assert "3명이 30일 안에" in live.get("/identity/shared", Accept_Language="ko").json["shared"][0]["because"]
    first = live.get("/identity/shared?limit=1").json
    second = live.get(f"/identity/shared?limit=1&cursor={at(first['next'])}").json
    assert [page["shared"][0]["value"] for page in (first, second)] == ["kiosk-1", "tablet-7"]
    assert second["next"] is None
    assert live.get("/identity/shared?type=email").json["shared"] == []
    assert live.get("/identity/shared?cursor=x").json["code"] == "bad_parameter"


@pytest.mark.parametrize(("role", "decides", "rules", "sees"), [("owner", 1, 1, 1), ("agent", 1, 0, 1), ("privacy_officer", 1, 0, 1), ("developer", 0, 1, 1), ("marketer", 0, 0, 1), ("analyst", 0, 0, 1), ("store", 0, 0, 0)])
def test_who_may_what(live: Live, role: str, decides: int, rules: int, sees: int) -> None:
    """A store clerk neither decides nor reads the lists; agents decide; rule sets are for owners and developers."""
    glued(live)
    assert live.get("/people/user_id:mina/identity", role).status == 200
    assert split(live, role, preview=True).status == (200 if decides else 403)
    assert live.ask("DELETE", "/identity/decisions/999", role).status == (422 if decides else 403)
    assert live.get("/identity/rules/runs", role).status == (200 if rules else 403)
    for path in ("/identity/shared", "/identity/decisions", "/identity/rules"):
        assert live.get(path, role).status == (200 if sees else 403), path


def test_personal_data_is_masked(live: Live) -> None:
    """No address, number or name in clear unless the role sees it, in sentences neither; each look is in the audit."""
    glued(live)
    split(live)
    for path in ("/people/user_id:mina/identity", f"/people/user_id:mina/identity/path?to={at('anonymous_id:c9')}", "/identity/decisions", "/identity/shared"):
        assert EMAIL not in live.get(path, "marketer").body.decode(), path
        assert live.get(path, "marketer").headers["x-dangol-personal-data"] == "masked"
    live.ask("DELETE", "/identity/decisions/1")
    masked = live.ask("POST", "/people/user_id:mina/splits?mask=1", "agent", {"from": "anonymous_id:c9", "preview": True}).body.decode()
    assert EMAIL not in masked
    assert "김미나" not in masked
    live.get("/people/user_id:mina/identity", "agent")
    assert ("token:agent", "identity") in [(line.actor, line.details.get("part")) for line in entries(live.connection, AuditFilter(act="person.unmasked")).entries]


@pytest.fixture
def here(live: Live, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs are noted instead of started, so that a test carries them out when it wants."""
    started: list[int] = []
    monkeypatch.setattr(identity_rules, "start_run", lambda _settings, number: started.append(number))
    return started


def test_a_rule_set_is_tried_and_applied(live: Live, here: list[int]) -> None:
    """Trying tells what would change and changes nothing; one at a time; applying makes a version; the shipped one stays the way back."""
    glued(live)
    without = shipped_document().replace("  email: email\n", "")
    asked = live.ask("POST", "/identity/rules/try", body={"document": without})
    assert (asked.status, asked.json["state"], asked.json["kind"]) == (202, "waiting", "try")
    number = asked.json["run"]
    assert live.ask("POST", "/identity/rules/try", body={"document": without}).json["run"] == number, "the same again is the same run"
    assert live.ask("POST", "/identity/rules/try", body={"document": without + "\n"}).json["reason"] == "run_busy"
    assert here == [number]
    carry_out(live.settings, number)
    with pytest.raises(NoSuchRun):
        carry_out(live.settings, number)
    run = live.get(f"/identity/rules/runs/{number}").json
    tried = run["tried"]
    assert (run["state"], run["progress"], tried["people_before"], tried["people_after"], tried["split"]) == ("done", 1.0, 1, 2, 1)
    assert (tried["sizes_before"][:3], tried["sizes_after"][:3]) == ([0, 0, 1], [2, 0, 0])
    assert tried["splits"][0]["before"] == [{"identifiers": ["anonymous_id:c9", f"email:{EMAIL}", "user_id:mina"], "in_all": 3}]
    assert EMAIL not in live.get(f"/identity/rules/runs/{number}", "developer").body.decode()
    assert live.get("/identity/rules").json["version"] == 1

    assert tried["version"] == 1
    applied = live.ask("POST", "/identity/rules/apply", body={"document": without, "why": "family mailboxes", "replaces": 1})
    assert applied.status == 202
    carry_out(live.settings, applied.json["run"])
    assert live.get(f"/identity/rules/runs/{applied.json['run']}").json["applied"] == {"version": 2, "people": 2, "events": 2}
    rules = live.get("/identity/rules").json
    assert (rules["version"], rules["document"]) == (2, without)
    assert [(one["version"], one["why"]) for one in rules["versions"]] == [(2, "family mailboxes"), (1, "")]
    assert live.get("/identity/rules/versions/1").json["document"] == shipped_document()
    acts = {line.act: line.why for line in entries(live.connection, AuditFilter(actor="token:owner")).entries}
    assert acts["identity_rules.applied"] == acts["identity_rules.ordered"] == "family mailboxes"
    assert "identity_rules.tried" in acts
    late = live.ask("POST", "/identity/rules/apply", body={"document": shipped_document(), "why": "compared with version 1", "replaces": 1})
    assert (late.status, late.json["reason"]) == (422, "rules_overtaken"), late.body
    assert "put version 2 in force since" in late.json["detail"]


def test_who_was_overtaken_while_waiting_changes_nothing(live: Live, here: list[int]) -> None:
    """Rules that others put in force between asking and carrying out are not replaced: the run says by whom and with what."""
    glued(live)
    without = shipped_document().replace("  email: email\n", "")
    number = live.ask("POST", "/identity/rules/apply", body={"document": without, "why": "compared with version 1", "replaces": 1}).json["run"]
    keep_rules(live.connection, shipped_document(), actor="operator:mina@brand.kr", why="quicker", at=datetime.now(UTC))
    carry_out(live.settings, number)
    run = live.get(f"/identity/rules/runs/{number}").json
    assert run["state"] == "failed"
    assert run["failed"].startswith("mina@brand.kr put version 2 in force since; this was compared with version 1.")
    assert live.get("/identity/rules").json["version"] == 2


@pytest.mark.parametrize(
    ("document", "said"),
    [("{", "The rule set, line 2: "), ("[]", "is no mapping"), ("version: [1]", ""), ("a: *a", "alias"), (shipped_document().replace("rank: 1,", "rank: x,"), ""), ("- " * 5000, "")],
)
def test_a_rule_set_that_cannot_be_used_is_refused(live: Live, here: list[int], document: str, said: str) -> None:
    """Nothing is begun, and the answer names what is wrong."""
    answer = live.ask("POST", "/identity/rules/try", body={"document": document})
    assert (answer.status, answer.json["reason"]) == (422, "rule_set_refused"), answer.body
    assert said in answer.json["detail"]
    assert here == []


def test_a_run_that_died_says_so(live: Live, here: list[int]) -> None:
    """A run without a sign of life counts as failed, and does not stand in the way of the next."""
    first = live.ask("POST", "/identity/rules/try", body={"document": shipped_document()}).json["run"]
    live.connection.execute("update identity_rule_run set asked_at = now() - interval '2 minutes'")
    told = live.get(f"/identity/rules/runs/{first}").json
    assert (told["state"], told["failed"][:11]) == ("failed", "Its process")
    assert live.ask("POST", "/identity/rules/try", body={"document": shipped_document()}).json["run"] == first + 1
    assert live.get("/identity/rules/runs/0").status == live.get("/identity/rules/runs/x").status == live.get("/identity/rules/versions/99").status == 404


@pytest.mark.slow
def test_a_run_is_carried_out_by_itself(live: Live) -> None:
    """Asked for over HTTP, a process of its own does it; its progress and result are read afterwards."""
    glued(live)
    number = live.ask("POST", "/identity/rules/try", body={"document": shipped_document()}).json["run"]
    deadline = time.monotonic() + 60
    while (run := live.get(f"/identity/rules/runs/{number}").json)["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
    assert (run["state"], run["tried"]["merged"], run["tried"]["split"], run["facts_read"]) == ("done", 0, 0, 2), run
