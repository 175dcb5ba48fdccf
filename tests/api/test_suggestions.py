"""Suggested matches over HTTP: who may see and decide, what is masked, and that no token stands for a second operator."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.live import Live, identify
from tests.identity.suggestions.people import NOW, match, member

from dangol.console.api.asgi import directory
from dangol.identity.suggestions import keep, looking
from dangol.operators import add_operator, change_operator, may


def suggested(live: Live, *pairs: tuple[str, str], probability: float = 0.99) -> list[int]:
    """These members are known and suggested; returns the numbers."""
    names = sorted({name for both in pairs for name in both})
    live.send(*(identify(name, f"known-{name}", email=f"{name}@brand.kr") for name in names))
    found = [match(member(one), member(other), probability, name="김민아", email="mina.kim@brand.kr", phone="01023456789") for one, other in pairs]
    with live.connection.transaction():
        return keep(live.connection, found, run=1, model_version=1, at=NOW).fresh


def test_a_suggestion_is_told_with_its_reasons_masked(live: Live) -> None:
    """The list and the one show who it is about, masked for a role that may not see personal data, clear for one that may."""
    (number,) = suggested(live, ("m1", "m2"))
    (line,) = live.get("/identity/suggestions", role="analyst").json["suggestions"]
    assert (line["suggestion"], line["state"], line["probability"]) == (number, "open", 0.99)
    assert {line["a"]["person_id"], line["b"]["person_id"]} == {str(member("m1")), str(member("m2"))}
    whole = live.get(f"/identity/suggestions/{number}", role="analyst")
    assert whole.headers["x-dangol-personal-data"] == "masked"
    values = {one["field"]: one["a"] for one in whole.json["reasons"]}
    assert values == {"prior": "", "name": "김*아", "email": "mi***@brand.kr", "phone": "010****6789"}
    assert whole.json["risks"] == ["two_accounts", "both_known"]
    clear = live.get(f"/identity/suggestions/{number}", role="agent").json
    assert {one["field"]: one["a"] for one in clear["reasons"]}["name"] == "김민아"


def test_tokens_never_stand_for_a_second_operator(live: Live) -> None:
    """Two member accounts are not joined by any number of tokens; the answer says why and what to do."""
    (number,) = suggested(live, ("m1", "m2"))
    for role in ("owner", "agent", "privacy_officer"):
        refused = live.ask("POST", f"/identity/suggestions/{number}/accept", role, {"why": "sure"})
        assert (refused.status, refused.json["code"], refused.json["outcome"]) == (422, "refused", "not_an_operator")
        assert refused.json["risks"] == ["two_accounts", "both_known"]
    assert live.get(f"/identity/suggestions/{number}").json["suggestion"]["first"] is None
    assert live.get("/people/user_id:m1").json["person_id"] != live.get("/people/user_id:m2").json["person_id"]


def test_a_verdict_needs_the_permission(live: Live) -> None:
    """Who may only look cannot decide; who may neither is not let in."""
    (number,) = suggested(live, ("m1", "m2"))
    for act in ("accept", "reject", "never", "undo"):
        assert live.ask("POST", f"/identity/suggestions/{number}/{act}", "analyst", {}).status == 403
    assert live.ask("POST", "/identity/matching/runs", "analyst", {}).status == 403
    assert live.get("/identity/suggestions", role="store").status == 403
    for operation in directory.operations:
        if operation.path.startswith(("/identity/suggestions", "/identity/matching")):
            assert may("owner", operation.permission)


def test_reject_never_and_undo(live: Live) -> None:
    """Each verdict answers how the suggestion stands now, and can be taken back."""
    first, second = suggested(live, ("m1", "m2"), ("m3", "m4"))
    assert live.ask("POST", f"/identity/suggestions/{first}/reject", "owner", {"why": "sisters"}).json["suggestion"]["settled"]["why"] == "sisters"
    assert live.ask("POST", f"/identity/suggestions/{second}/never", "owner", {}).json["outcome"] == "never"
    assert live.get("/identity/suggestions").json["suggestions"] == []
    assert [one["suggestion"] for one in live.get("/identity/suggestions?state=all&sort=newest").json["suggestions"]] == [second, first]
    again = live.ask("POST", f"/identity/suggestions/{second}/reject", "owner", {})
    assert (again.status, again.json["outcome"]) == (422, "settled")
    assert live.ask("POST", f"/identity/suggestions/{second}/undo", "owner", {}).json["outcome"] == "open"
    assert [one["suggestion"] for one in live.get("/identity/suggestions?person=user_id:m3").json["suggestions"]] == [second]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/identity/suggestions/99", 404, "not_found"),
        ("/identity/suggestions/x", 400, "bad_parameter"),
        ("/identity/suggestions/99999999999999999999", 400, "bad_parameter"),
        ("/identity/suggestions?state=odd", 400, "bad_parameter"),
        ("/identity/suggestions?sort=odd", 400, "bad_parameter"),
        ("/identity/suggestions?above=2", 400, "bad_parameter"),
        ("/identity/suggestions?cursor=odd", 400, "bad_parameter"),
        ("/identity/suggestions?person=email:nobody@b.kr", 404, "not_found"),
    ],
)
def test_what_cannot_be_answered_is_said(live: Live, path: str, status: int, code: str) -> None:
    """Each wrong question gets a problem with a stable code."""
    answer = live.get(path)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_paging_shows_everybody_once(live: Live) -> None:
    """Page by page, the most probable first, filtered by probability."""
    numbers = suggested(live, *[(f"m{2 * n}", f"m{2 * n + 1}") for n in range(5)])
    seen: list[int] = []
    cursor = ""
    while True:
        page = live.get(f"/identity/suggestions?limit=2{cursor}").json
        seen += [one["suggestion"] for one in page["suggestions"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == sorted(numbers)
    assert live.get("/identity/suggestions?above=0.995").json["suggestions"] == []


def test_a_look_is_asked_for_and_told(live: Live) -> None:
    """Asking twice is one look; the runs say who asked; the shipped model is version 0."""
    asked = live.ask("POST", "/identity/matching/runs", "owner", {"train": True})
    assert (asked.status, asked.json["state"], asked.json["asked_by"][:6]) == (202, "asked", "token:")
    assert live.ask("POST", "/identity/matching/runs", "owner", {}).json["number"] == asked.json["number"]
    assert [one["number"] for one in live.get("/identity/matching/runs").json["runs"]] == [asked.json["number"]]
    assert live.get("/identity/matching/model").json == {"version": 0, "trained_at": None, "people": 0}
    assert looking.begin(live.connection, asked.json["number"], seq=0, at=datetime.now(UTC))


def session(live: Live, email: str) -> dict[str, str]:
    """Headers of an operator who is signed in to the console in a browser."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest
    from django.middleware.csrf import get_token

    from dangol.operators.models import Operator

    add_operator(live.connection, email, "agent", "four unrelated words here")
    request: Any = HttpRequest()
    request.session = SessionStore()
    login(request, Operator.objects.get(email=email), backend="dangol.console.signin.EmailBackend")
    request.session.save()
    token = get_token(request)
    return {"Cookie": f"dangol_session={request.session.session_key}; dangol_csrf={request.META['CSRF_COOKIE']}", "X_CSRFToken": token}


def test_two_operators_over_the_api_join_two_accounts(live: Live) -> None:
    """Signed in as one and the other: first, refused for the same one, joined by the second."""
    (number,) = suggested(live, ("m1", "m2"))
    mina, joon = session(live, "mina@brand.kr"), session(live, "joon@brand.kr")
    address = f"/identity/suggestions/{number}/accept"
    first = live.ask("POST", address, None, {}, **mina)
    assert (first.status, first.json["outcome"], first.json["suggestion"]["first"]["actor"]) == (200, "first", "operator:mina@brand.kr")
    again = live.ask("POST", address, None, {}, **mina)
    assert (again.status, again.json["outcome"]) == (422, "same_operator")
    assert live.ask("POST", address, None, {}, **joon).json["outcome"] == "joined"
    assert live.get("/people/user_id:m1").json["person_id"] == live.get("/people/user_id:m2").json["person_id"]


def test_a_merge_by_hand_waits_for_a_second_operator(live: Live) -> None:
    """The answer is 202 and says what is awaited; it stands in the queue; the second operator's merge is the agreement."""
    live.send(identify("m1", "k1", email="m1@brand.kr"), identify("m2", "k2", email="m2@brand.kr"))
    mina, joon = session(live, "mina@brand.kr"), session(live, "joon@brand.kr")
    body = {"a": "user_id:m1", "b": "user_id:m2", "why": "the same card"}
    seen = live.ask("POST", "/merges", None, {**body, "preview": True}, **mina)
    assert (seen.status, seen.json["risks"], seen.json["awaited"]) == (200, ["two_accounts", "both_known"], None)
    first = live.ask("POST", "/merges", None, body, **mina)
    number = first.json["awaited"]["suggestion"]
    assert (first.status, first.json["decision"], first.json["redirected"]) == (202, None, [])
    assert (first.json["awaited"]["operators"], first.json["awaited"]["first"]) == (1, "operator:mina@brand.kr")
    assert "Another operator must agree" in first.json["awaited"]["detail"]
    assert live.get("/people/user_id:m1").json["person_id"] != live.get("/people/user_id:m2").json["person_id"]
    (waits,) = live.get("/identity/suggestions?second=true").json["suggestions"]
    assert (waits["suggestion"], waits["probability"], waits["bits"], waits["asked"]["why"]) == (number, None, None, "the same card")
    assert live.ask("POST", "/merges", None, body, **mina).status == 202
    second = live.ask("POST", "/merges", None, body, **joon)
    assert (second.status, second.json["awaited"], len(second.json["people"])) == (200, None, 1)
    assert live.get("/people/user_id:m1").json["person_id"] == live.get("/people/user_id:m2").json["person_id"]
    assert live.ask("POST", "/merges", None, body, **mina).json["already"] is True


def test_no_number_of_tokens_merges_two_accounts(live: Live) -> None:
    """A program's merge waits for two operators, and further ones change nothing."""
    live.send(identify("m1", "k1", email="m1@brand.kr"), identify("m2", "k2", email="m2@brand.kr"))
    asked = [live.ask("POST", "/merges", role, {"a": "user_id:m1", "b": "user_id:m2", "why": "sure"}) for role in ("owner", "agent", "privacy_officer")]
    assert [(one.status, one.json["awaited"]["operators"], one.json["awaited"]["first"]) for one in asked] == [(202, 2, None)] * 3
    assert len(live.get("/identity/suggestions").json["suggestions"]) == 1
    assert live.get("/people/user_id:m1").json["person_id"] != live.get("/people/user_id:m2").json["person_id"]


def test_a_race_over_http_needs_two_operators(live: Live) -> None:
    """Merges and acceptances of one operator, all at once, join nobody; with a second one among them the two are joined by one decision."""
    live.send(identify("m1", "k1", email="m1@brand.kr"), identify("m2", "k2", email="m2@brand.kr"))
    mina, joon = session(live, "mina@brand.kr"), session(live, "joon@brand.kr")
    body = {"a": "user_id:m1", "b": "user_id:m2", "why": "the same card"}
    number = live.ask("POST", "/merges", None, body, **mina).json["awaited"]["suggestion"]
    answers: list[int] = []

    def rush(*who: dict[str, str]) -> None:
        ways = [("/merges", body), (f"/identity/suggestions/{number}/accept", {})]
        threads = [
            threading.Thread(target=lambda way=way, one=one: answers.append(live.ask("POST", way[0], None, way[1], **one).status))
            for one in who
            for way in ways * 4
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    rush(mina)
    assert sorted(answers) == [202] * 4 + [422] * 4
    assert live.get("/people/user_id:m1").json["person_id"] != live.get("/people/user_id:m2").json["person_id"]
    rush(mina, joon)
    assert live.get("/people/user_id:m1").json["person_id"] == live.get("/people/user_id:m2").json["person_id"]
    assert len(live.get("/identity/decisions").json["decisions"]) == 1
    done = live.get(f"/identity/suggestions/{number}").json["suggestion"]
    assert {done["first"]["actor"], done["settled"]["actor"]} == {"operator:mina@brand.kr", "operator:joon@brand.kr"}


def test_a_disabled_operator_was_no_first(live: Live) -> None:
    """Mina agreed and was disabled: Joon is the first, not the second, whichever way he takes."""
    live.send(identify("m1", "k1", email="m1@brand.kr"), identify("m2", "k2", email="m2@brand.kr"))
    mina, joon = session(live, "mina@brand.kr"), session(live, "joon@brand.kr")
    body = {"a": "user_id:m1", "b": "user_id:m2", "why": "the same card"}
    number = live.ask("POST", "/merges", None, body, **mina).json["awaited"]["suggestion"]
    change_operator(live.connection, "mina@brand.kr", disabled=True)
    assert live.get(f"/identity/suggestions/{number}").json["suggestion"]["first"] is None
    assert live.ask("POST", "/merges", None, body, **mina).status == 401
    assert live.ask("POST", f"/identity/suggestions/{number}/accept", None, {}, **joon).json["outcome"] == "first"
    assert live.ask("POST", "/merges", None, body, **joon).status == 202
    assert live.get("/people/user_id:m1").json["person_id"] != live.get("/people/user_id:m2").json["person_id"]
