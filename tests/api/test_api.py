"""The REST API, asked over HTTP: what it answers, to whom, and how it says no."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.live import Live, at, identify, order
from tests.patience import until

from dangol.console.api.asgi import THREADS, WIRES, directory
from dangol.console.api.events import merge_patch
from dangol.console.api.korean import BODIES, DESCRIPTIONS
from dangol.console.api.openapi import document
from dangol.console.api.page import WORDS, context_of
from dangol.console.api.problems import TITLES, Kind, Problem
from dangol.engines import state
from dangol.engines.state import wires
from dangol.intake.frame import Verdict
from dangol.intake.snapshot import SnapshotFile, path_of
from dangol.operators import Role, add_operator, may, revoke_token
from dangol.privacy import AuditFilter, entries

NO_IDENTIFIER = Verdict(0, "no_identifier", "The event has neither userId nor anonymousId; send one of them.")
NOBODYS = {"type": "track", "event": "Order Completed", "messageId": "q-1", "properties": {"order_id": "O-9", "email": "joon.park@brand.kr"}}


def test_a_person_at_a_glance(live: Live) -> None:
    """The answer has exactly the parts that the API promises, each trait and identifier with where it comes from."""
    live.send(identify(), order(1))
    answer = live.get("/people/email:mina.kim@brand.kr")
    assert answer.status == 200
    assert answer.headers["x-dangol-personal-data"] == "shown"
    person = answer.json
    assert set(person) == {"person_id", "redirects", "identifiers", "traits", "computed", "first_seen", "last_seen", "lifecycle", "groups"}
    assert {tuple(sorted(one)) for one in person["identifiers"]} == {("first_seen", "last_seen", "source", "type", "value", "verified")}
    assert {(one["type"], one["value"]) for one in person["identifiers"]} == {("user_id", "u-1"), ("anonymous_id", "a-u-1"), ("email", "mina.kim@brand.kr")}
    assert person["traits"]["grade"].items() >= {"value": "gold", "source": "web", "observed_at": "2026-11-20T05:00:00Z", "event_id": "i-1"}.items()
    assert person["computed"]["events"] == 2
    assert person["computed"]["orders"].items() >= {"value": 1, "window": "all time", "state": "ready"}.items()
    assert person["lifecycle"]["why"].keys() == person["lifecycle"]["label"].keys() == {"en", "ko"}
    for old in person["redirects"]:
        assert as_of_then(live.get(f"/people/person:{old}").json) == as_of_then(person)
        assert live.get(f"/people/id:{old}").json["person_id"] == person["person_id"]


def as_of_then(person: dict[str, Any]) -> dict[str, Any]:
    """A person's answer without the moment at which its computed values were read."""
    computed = {name: {key: part for key, part in one.items() if key != "as_of"} if isinstance(one, dict) else one for name, one in person["computed"].items()}
    return {**person, "computed": computed}


def test_the_timeline_pages_over_all_channels(live: Live) -> None:
    """Newest first, page by page, filtered by name; an odd cursor is refused in words."""
    live.send(identify(), *[order(number, timestamp=f"2026-11-20T06:0{number}:00Z") for number in range(5)])
    first = live.get("/people/user_id:u-1/timeline?limit=3&name=Order%20Completed").json
    second = live.get(f"/people/user_id:u-1/timeline?limit=3&name=Order%20Completed&cursor={quote(first['next'])}").json
    assert [line["message_id"] for line in first["entries"] + second["entries"]] == ["o-4", "o-3", "o-2", "o-1", "o-0"]
    assert second["next"] is None
    assert first["entries"][0]["properties"]["order_id"] == "O-4"
    refused = live.get("/people/user_id:u-1/timeline?cursor=x")
    assert (refused.status, refused.json["code"]) == (400, "bad_parameter")
    assert len(live.get("/people/user_id:u-1/sessions").json["sessions"]) >= 1
    whole = live.get(f"/facts/{first['entries'][0]['seq']}").json
    assert whole["body"]["properties"] == {"order_id": "O-4", "total": 4000, "currency": "KRW"}
    assert live.get("/facts/12345678901234567890").status == live.get("/facts/x").status == live.get("/facts/1").status == 404


def test_people_are_found(live: Live) -> None:
    """By name; without a query those seen last; masked for a marketer."""
    live.send(identify())
    found = live.get(f"/people?query={at('김미나')}").json["people"]
    assert [hit["label"] for hit in found] == ["김미나"]
    assert live.get(f"/people?query={at('김미나')}", "marketer").json["people"][0]["label"] == "김*나"
    assert live.get("/people").status == 200


@pytest.mark.parametrize(("role", "shown"), [("owner", True), ("agent", True), ("privacy_officer", True), ("marketer", False), ("analyst", False), ("developer", False), ("store", False)])
def test_personal_data_follows_the_role(live: Live, role: str, shown: bool) -> None:
    """Masked unless the role sees it, and every look at it is in the audit."""
    live.send(identify())
    answer = live.get("/people/user_id:u-1", role)
    assert answer.headers["x-dangol-personal-data"] == ("shown" if shown else "masked")
    assert ("mina.kim@brand.kr" in answer.body.decode()) is shown
    assert ("김미나" in answer.body.decode()) is shown
    looks = entries(live.connection, AuditFilter(act="person.unmasked")).entries
    assert [(line.actor, line.subject) for line in looks] == ([(f"token:{role}", f"person:{answer.json['person_id']}")] if shown else [])


def test_a_read_is_one_statement(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is known already waits for one round trip to State: profile and audit entry come and go together."""
    monkeypatch.setattr("dangol.console.api.principals.BELIEVED_SECONDS", 600.0)
    monkeypatch.setattr("dangol.console.api.operations.RULES_SECONDS", 600.0)
    live.send(identify())
    asked: list[str] = []
    real, real_wire = psycopg.Cursor.execute, wires._Wire.ask

    def counted(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if cursor.connection.info.get_parameters().get("application_name") == "dangol api":
            asked.append(str(query))
        return real(cursor, query, *args, **kwargs)

    async def counted_wire(wire: Any, question: Any, parameters: Any) -> Any:
        asked.append(question.text)
        return await real_wire(wire, question, parameters)

    assert live.get("/people/user_id:u-1").status == 200  # the token and the rules are known now
    before = len(entries(live.connection, AuditFilter(act="person.unmasked"), limit=500).entries)
    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    monkeypatch.setattr(wires._Wire, "ask", counted_wire)
    for _ in range(5):
        assert live.get("/people/user_id:u-1").headers["x-dangol-personal-data"] == "shown"
    assert ["audit_append" in query for query in asked] == [True] * 5
    assert len(entries(live.connection, AuditFilter(act="person.unmasked"), limit=500).entries) == before + 5


def test_a_read_is_the_same_in_a_thread_and_in_the_loop(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a thread answers, as for a token not seen lately, or the event loop: same answer, one audit entry, one of the minute's requests."""
    live.send(identify(), order(1))
    told = []
    for seconds in (0.0, 600.0):
        monkeypatch.setattr("dangol.console.api.principals.BELIEVED_SECONDS", seconds)
        for path in ("/people/user_id:u-1?others=1", "/people/user_id:u-1?mask=1", "/people/user_id:nobody", "/people/user_id:u-1?limit=3"):
            looks = len(entries(live.connection, AuditFilter(act="person.unmasked"), limit=500).entries)
            left = int(live.get("/status").headers["x-ratelimit-remaining"])
            answer = live.get(path)
            moments = [value["as_of"] for value in answer.json.get("computed", {}).values() if isinstance(value, dict) and "as_of" in value]
            body = answer.body.decode()
            for moment in moments:
                body = body.replace(moment, "now")
            looked = len(entries(live.connection, AuditFilter(act="person.unmasked"), limit=500).entries) - looks
            told.append((answer.status, body, answer.headers["content-type"], answer.headers.get("x-dangol-personal-data"), looked))
            assert int(answer.headers["x-ratelimit-remaining"]) in (left - 1, live.settings.console.api_rate_per_minute - 1)  # or a new minute
    assert told[:4] == told[4:]
    assert [one[0] for one in told[:4]] == [200, 200, 404, 400]
    assert [one[-1] for one in told[:4]] == [1, 0, 0, 0]


def test_unmasking_asks_why(live: Live) -> None:
    """A store may see whom it serves after saying why; a marketer may not; without a reason nobody may."""
    live.send(identify())
    assert live.get("/people/user_id:u-1?unmask=1", "store").json["code"] == "bad_parameter"
    assert live.get("/people/user_id:u-1?unmask=1&why=curious", "marketer").json["code"] == "not_allowed"
    assert "김미나" in live.get(f"/people/user_id:u-1?unmask=1&why={at('픽업 본인 확인')}", "store").body.decode()
    assert [line.why for line in entries(live.connection, AuditFilter(act="person.unmasked")).entries] == ["픽업 본인 확인"]
    assert "김미나" not in live.get("/people/user_id:u-1?mask=1", "owner").body.decode()


def test_a_page_s_title_gives_nobody_s_address_away(live: Live) -> None:
    """Titles and event names are a website's own text; an address or a number in one is masked wherever the name is told."""
    secret = "mina.kim@brand.kr"
    page = {"type": "page", "userId": "u-1", "messageId": "t-1", "name": f"Welcome {secret}"}
    waits = {**NOBODYS, "messageId": "t-2", "event": f"Call {secret}"}
    live.send(page)
    live.send(waits, verdicts=[NO_IDENTIFIER])
    assert live.get("/people/user_id:u-1/timeline", "owner").json["entries"][0]["name"] == f"Welcome {secret}"
    for path in ("/people/user_id:u-1/timeline", "/receipts/t-1", "/receipts/t-2", "/feed", "/quarantine", "/quarantine/t-2"):
        told = live.get(path, "analyst" if path != "/quarantine/t-2" else "developer").body.decode()
        assert "mi***@brand.kr" in told, path
        assert secret not in told, path


def test_nobody_is_answered_without_authentication(live: Live) -> None:
    """Every operation but health refuses, as does the description; which addresses exist is not told either."""
    for operation in directory.operations:
        path = "/api/v1" + operation.path.replace("{", "").replace("}", "")
        answer = live.ask(operation.method, path, None, body={})
        if operation.permission is None:
            assert (operation.path, answer.status) == ("/health", 200)
            assert set(answer.json) == {"status"}
        else:
            assert answer.status == 401, operation.path
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json["code"] == "not_signed_in"
    for path in ("/api/docs", "/api/openapi.json", "/api", "/api/v1/nothing", "/api/v2/x"):
        assert live.get(path, None).status == 401
    for wrong in ("Bearer dangol_wrong", "Basic abc", "Bearer", "Bearer \xff"):
        assert live.get("/status", None, Authorization=wrong).status == 401


def test_each_role_may_what_its_permissions_say(live: Live) -> None:
    """A role without the permission is refused and told which one; nothing else decides."""
    for role in ("marketer", "store", "agent", "analyst"):
        for operation in directory.operations:
            if operation.permission is None:
                continue
            path = "/api/v1" + operation.path.replace("{person}", "user_id:nobody").replace("{", "").replace("}", "")
            answer = live.ask(operation.method, path, role, body={})
            assert (answer.status == 403) is not may(role, operation.permission), (role, operation.name, answer.body)
            if answer.status == 403:
                told = answer.json["detail"].partition("These may: ")[2].partition(".")[0].split(", ")
                assert told == [one for one in Role if may(one, operation.permission)], operation.name


def test_a_revoked_token_is_refused(live: Live) -> None:
    """Within a second or so, the time that a token is believed."""
    assert live.get("/status", "analyst").status == 200
    revoke_token(live.connection, "analyst")
    until(lambda: live.get("/status", "analyst").status == 401)


def test_too_many_requests_wait(live: Live) -> None:
    """Every answer says how many are left; beyond the limit 429 says when to come back."""
    live.stop_serving()
    live.settings = replace(live.settings, console=replace(live.settings.console, api_rate_per_minute=3))
    live.serve_again()
    answers = [live.get("/plan")]
    while answers[-1].status == 200 and len(answers) < 40:  # a minute may begin in between
        answers.append(live.get("/plan"))
    told = [(answer.status, answer.headers["x-ratelimit-remaining"]) for answer in answers[-4:]]
    assert told == [(200, "2"), (200, "1"), (200, "0"), (429, "0")]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json["code"] == "too_many_requests"


def test_problems_teach(live: Live) -> None:
    """What is wrong is answered as problem+json that names what was seen and what is known."""
    for path, code, word in (
        ("/people/mina", "bad_parameter", "TYPE:VALUE"),
        ("/people/user_id:nobody", "not_found", "Nobody is known"),
        ("/people?limt=3", "bad_parameter", "Known: "),
        ("/people?limit=x", "bad_parameter", "limit"),
        ("/people?limit=0", "bad_parameter", ">= 1"),
        ("/feed?" + "facts=x&" * 300, "bad_parameter", "more than 200"),
        ("/people?query=%00", "bad_parameter", "NUL"),
        ("/people/user_id:%ff", "bad_parameter", "UTF-8"),
        ("/people/user_id:%00", "bad_parameter", "NUL"),
        ("/receipts/never", "not_found", "same messageId"),
        ("/quarantine?cursor=x", "refused", "Begin again"),
        ("/quarantine?state=odd", "bad_parameter", "state"),
        ("/nothing", "no_such_place", "/api/docs"),
        ("/feed?after=x", "bad_parameter", "after"),
        ("/plan/None", "not_found", "The plan says nothing"),
    ):
        answer = live.get(path)
        assert answer.headers["content-type"] == "application/problem+json", path
        problem = answer.json
        assert problem["status"] == answer.status
        assert (problem["code"], word in problem["detail"]) == (code, True), problem
        assert problem["type"] == f"/api/docs#problem-{code}"
    wrong = live.ask("POST", "/people")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": 1}', b"\xff", b'{"name": "x", "kind": "phone box"}', b"[" * 100_000, b'{"kind":"web","name":"\\u0000"}'])
def test_bodies_that_cannot_be_read(live: Live, body: bytes) -> None:
    """No body makes the API fail; each refusal says what was expected."""
    answer = live.ask("POST", "/sources", body=body)
    assert answer.status in {400, 422}, answer.body
    assert answer.json["detail"]


def test_a_body_too_large_is_refused(live: Live) -> None:
    """Events come in through collect; the API reads two megabytes and no more."""
    assert live.ask("POST", "/sources", body=b"x" * 2_100_000).status == 413


def test_a_source_from_birth_to_pause(live: Live) -> None:
    """Added, re-keyed, paused and taken up again; collect's snapshot follows each time, and the audit knows who."""
    snapshot = SnapshotFile(path_of(live.settings))
    added = live.ask("POST", "/sources", "developer", {"name": "pos 강남/1", "kind": "pos"})
    assert added.status == 201
    first = snapshot.changed()
    assert first is not None
    assert added.json["write_key"] in {one.write_key for one in first.sources}
    where = f"/sources/{at('pos 강남/1')}"
    rekeyed = live.ask("POST", f"{where}/key", "developer").json
    assert rekeyed["write_key"] != added.json["write_key"]
    assert live.ask("POST", f"{where}/pause", "developer").json["disabled_at"] is not None
    paused = snapshot.changed()
    assert paused is not None
    assert [one.disabled for one in paused.sources if one.name == "pos 강남/1"] == [True]
    assert live.ask("DELETE", f"{where}/pause", "developer").json["disabled_at"] is None
    assert live.get(where, "analyst").json["write_key"] is None
    assert live.ask("POST", "/sources", "developer", {"name": "pos 강남/1", "kind": "pos"}).json["code"] == "refused"
    assert live.ask("POST", "/sources/none/key", "developer").status == 404
    acts = [line.act for line in entries(live.connection, AuditFilter(actor="token:developer")).entries]
    assert acts == ["source.enabled", "source.disabled", "source.rekeyed", "source.added"]


def test_the_plan_is_tried_set_and_retired(live: Live) -> None:
    """A schema is tried on what came already, put in force, known to collect, and retired."""
    live.send(identify(), *[order(number) for number in range(3)], {**order(9), "properties": {"order_id": 9}})
    where = f"/plan/{at('Order Completed')}"
    schema = {"type": "object", "required": ["order_id"], "properties": {"order_id": {"type": "string"}}}
    trial = live.ask("POST", f"{where}/trial", "analyst", {"schema": schema}).json
    assert (trial["events"], trial["fitting"]) == (4, 3)
    assert [miss["message_id"] for miss in trial["misses"]] == ["o-9"]
    version = live.ask("POST", f"{where}/versions", "developer", {"schema": schema, "action": "tag"})
    assert (version.status, version.json["version"], version.json["schema"]) == (201, 1, {"properties": schema})
    snapshot = SnapshotFile(path_of(live.settings)).changed()
    assert snapshot is not None
    assert [(one.event_name, one.action) for one in snapshot.plan] == [("Order Completed", "tag")]
    again = live.ask("POST", f"{where}/versions", "developer", {"from_catalogue": True}).json
    assert (again["version"], again["origin"], again["action"]) == (2, "catalogue", "quarantine")
    assert [one["version"] for one in live.get("/plan").json["versions"]] == [2]
    assert [one["retired_at"] is None for one in live.get(where).json["versions"]] == [True, False]
    assert live.ask("POST", f"{where}/versions", "developer", {"schema": {"type": "objekt"}}).json["code"] == "refused"
    assert live.ask("POST", f"{where}/versions", "developer", {}).json["code"] == "bad_body"
    assert live.ask("DELETE", where, "developer").status == 200
    assert live.get("/plan").json["versions"] == []
    assert live.ask("DELETE", where, "developer").status == 404
    assert len(live.get("/catalogue").json["entities"]) == 14


def test_a_quarantined_event_is_corrected_without_seeing_who(live: Live) -> None:
    """A developer sees it masked, sends what differs, and the person's data arrives unharmed; its receipt says applied."""
    live.send(NOBODYS, verdicts=[NO_IDENTIFIER])
    line = live.get("/quarantine", "developer").json["entries"][0]
    assert (line["reason"], line["message_id"]) == ("no_identifier", "q-1")
    assert live.get("/quarantine/reasons").json["reasons"][0]["n"] == 1
    seen = live.get("/quarantine/q-1", "developer").json["event"]
    assert seen["properties"]["email"] == "jo***@brand.kr"
    unfit = live.ask("POST", f"/quarantine/{line['key']}/corrections", "developer", {"patch": {"type": "buy"}}).json
    assert unfit["outcome"] == "still_unfit"
    sent = live.ask("POST", f"/quarantine/{line['key']}/corrections", "developer", {"event": {**seen, "userId": "u-7"}, "note": "주문 시스템 확인"})
    assert sent.json["outcome"] == "sent"
    live.process()
    receipt = live.get("/receipts/q-1").json
    assert (receipt["fate"], receipt["source"]) == ("applied", "web")
    assert set(receipt["times"]) == {"original", "occurred", "sent", "received", "processed"}
    corrected = live.get("/quarantine/q-1").json["corrected"]
    assert (corrected["properties"]["email"], corrected["userId"]) == ("joon.park@brand.kr", "u-7")
    assert live.ask("POST", f"/quarantine/{line['key']}/corrections", "developer", {"patch": {}}).json["outcome"] == "already"


def test_replaying_and_dismissing_many(live: Live) -> None:
    """Chosen by key; each event's outcome is told; dismissals can be undone."""
    live.send(NOBODYS, verdicts=[NO_IDENTIFIER])
    key = live.get("/quarantine").json["entries"][0]["key"]
    assert live.ask("POST", "/quarantine/replays", "developer", {"keys": [key]}).json["replays"][0]["outcome"] == "still_unfit"
    assert live.ask("POST", "/quarantine/dismissals", "developer", {"keys": [key], "note": "시험"}).json == {"changed": 1}
    assert live.get("/quarantine").json["entries"] == []
    assert live.ask("POST", "/quarantine/reopenings", "developer", {"keys": [key]}).json == {"changed": 1}
    assert live.ask("POST", "/quarantine/replays", "developer", {"keys": []}).status == 400


def test_an_event_on_its_way_waits(live: Live) -> None:
    """Between the 200 of collect and its processing a receipt says so."""
    live.worker.disconnect()
    body = json.dumps({"batch": [order(1)]}).encode()
    from dangol.intake.frame import Frame, FrameKind

    live.collect.append([Frame(FrameKind.EVENTS, live.source, 1, b"0" * 16, "batch", 1, body)])
    assert live.get("/receipts/o-1").json["fate"] == "waiting"
    live.process()
    assert live.get("/receipts/o-1").json["fate"] == "applied"


def test_a_signed_in_operator_may_use_it_from_the_console(live: Live) -> None:
    """The console's session is enough to read, masked; a change needs the page's CSRF token as well."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest
    from django.middleware.csrf import get_token

    from dangol.operators.models import Operator

    live.send(identify())
    add_operator(live.connection, "mina@brand.kr", "owner", "correct horse battery")
    request = HttpRequest()
    request.session = SessionStore()
    login(request, Operator.objects.get(email="mina@brand.kr"), backend="dangol.console.signin.EmailBackend")
    request.session.save()
    token = get_token(request)
    session = f"dangol_session={request.session.session_key}; dangol_csrf={request.META['CSRF_COOKIE']}"
    answer = live.get("/people/user_id:u-1", None, Cookie=session)
    assert (answer.status, "김미나" in answer.body.decode()) == (200, False)
    assert "김미나" in live.get(f"/people/user_id:u-1?unmask=1&why={at('본인 확인')}", None, Cookie=session).body.decode()
    new = {"name": "shop", "kind": "web"}
    assert live.ask("POST", "/sources", None, new, Cookie=session).json["code"] == "form_expired"
    assert live.ask("POST", "/sources", None, new, Cookie=session, X_CSRFToken=token).status == 201
    assert live.get("/status", None, Cookie="dangol_session=wrong").status == 401
    assert entries(live.connection, AuditFilter(act="source.added")).entries[0].actor == "operator:mina@brand.kr"


def test_state_down_says_come_back(live: Live) -> None:
    """With State gone every answer is 503 with Retry-After, health too; when it is back, so is the API."""
    gone = replace(live.settings, state=replace(live.settings.state, url="postgresql://nobody@127.0.0.1:9/none"))
    live.stop_serving()
    kept, live.settings = live.settings, gone
    token = live.token("owner")
    live.serve_again()
    for path in ("/health", "/people/user_id:u-1"):
        answer = live.get(path)
        assert (answer.status, answer.json["code"]) == (503, "not_now")
        assert int(answer.headers["retry-after"]) >= 1
    live.stop_serving()
    live.settings = kept
    live.serve_again()
    assert live.get("/status").status == 200
    assert token


def test_a_lost_connection_heals(live: Live) -> None:
    """State restarting under the API costs one 503 per connection at most."""
    live.send(identify())
    assert live.get("/plan").status == 200
    assert live.get("/people/user_id:u-1").status == 200
    live.connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dangol api' and datname = current_database()")
    for path in ("/plan", "/people/user_id:u-1"):
        statuses = [live.get(path).status for _ in range(10)]
        assert set(statuses) <= {200, 503}
        assert statuses[-1] == 200


def test_the_description_covers_every_operation() -> None:
    """Each operation is in the document and on the page, in both languages, with its parameters, the fields of its body and problems."""
    described = document(directory.operations)
    assert described["openapi"] == "3.1.0"
    names = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert sorted(names) == sorted(operation.name for operation in directory.operations)
    assert len(set(names)) == len(names)
    for path, methods in described["paths"].items():
        for one in methods.values():
            assert one["description"].strip(), path
            assert "\n    " not in one["description"], "Markdown would show it as code"
            assert one.get("x-roles", []) == [role for role in Role if "x-permission" in one and may(role, one["x-permission"])]
            assert {part["name"] for part in one["parameters"] if part["in"] == "path"} == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert "503" in one["responses"]
    for language in ("ko", "en"):
        context = context_of(directory.operations, language, "system", "https://dangol.brand.kr")
        assert "https://dangol.brand.kr/api/v1/people/" in context.example
        assert sum(len(section.operations) for section in context.sections) == len(directory.operations)
        for one in (one for section in context.sections for one in section.operations):
            told = [one.summary, one.description, *(parameter.meaning for parameter in one.parameters)]
            assert all(told), (language, one.name)
            assert all(any("가" <= letter <= "힣" for letter in text) is (language == "ko") for text in told), (one.name, told)
        fields = {one.name: [part.name for part in one.parameters if part.where == "body"] for section in context.sections for one in section.operations}
        assert fields["split_person"] == ["from", "why", "preview"]
    assert set(DESCRIPTIONS) == set(names)
    assert set(BODIES) == {operation.body.__name__ for operation in directory.operations if operation.body}
    assert all(set(both) == {"ko", "en"} for both in WORDS.values())
    assert all(set(TITLES[kind]) == {"ko", "en"} and Problem(kind, "x").status >= 400 for kind in Kind)


def test_the_page_needs_nothing_from_elsewhere(live: Live) -> None:
    """It is whole HTML in the reader's language, allows no script, and names no other host."""
    for language, word in (("ko", "수집 계획"), ("en", "Tracking plan")):
        answer = live.get(f"/api/docs?lang={language}")
        html = answer.body.decode()
        assert answer.headers["content-type"].startswith("text/html")
        assert word in html
        assert f'lang="{language}"' in html
        assert "<script" not in html
        assert "style=" not in html
        assert "https://" not in html.replace("https://hooks.brand.kr", "").replace("https://…", "")
    browser = live.get("/api/docs", None, Accept="text/html")
    assert (browser.status, browser.headers["location"]) == (303, "/sign-in?next=/api/docs")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_merge_patch(original: object, patch: object) -> None:
    """Patching twice is patching once, and an empty patch changes no object (RFC 7396)."""
    once = merge_patch(original, patch)
    assert merge_patch(once, patch) == once
    if isinstance(original, dict):
        assert merge_patch(original, {}) == original


def test_merge_patch_by_the_book() -> None:
    """The example of RFC 7396 section 3."""
    original = {"title": "Goodbye!", "author": {"givenName": "John", "familyName": "Doe"}, "tags": ["example", "sample"], "content": "This will be unchanged"}
    patch = {"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": None}, "tags": ["example"]}
    assert merge_patch(original, patch) == {
        "title": "Hello!", "author": {"givenName": "John"}, "tags": ["example"], "content": "This will be unchanged", "phoneNumber": "+01-123-456-7890",
    }  # fmt: skip


def test_no_connection_is_left_behind(live: Live) -> None:
    """The API holds one connection per thread and a few of its loop, however many requests come."""
    live.send(identify())
    for _ in range(30):
        live.get("/plan")
        live.get("/people/user_id:u-1")
    count = live.connection.execute("select count(*) from pg_stat_activity where application_name = 'dangol api' and datname = current_database()").fetchone()
    assert count is not None
    assert count[0] <= THREADS + WIRES
    assert state.is_running(live.settings)
