"""Computed traits over the API: the value with what it is worth, the events behind it, the rules and their filling."""

from __future__ import annotations

from tests.api.live import Live, at, identify, order

from dangol.privacy import AuditFilter, entries
from dangol.processes.filling import fill_until_ready

SPENT = """
computed:
  spent: {label: {en: Spent, ko: 쓴 금액}, function: sum, property: total, events: Order Completed, window: 3000 days}
  mails: {function: last, property: email, events: identify}
lifecycle:
  buyer: {label: {ko: 구매 고객}, when: {computed: spent, ">": 0}}
"""
IDENTIFY = identify(message_id="i-2", email="mina.kim@brand.kr")


def test_rules_are_put_in_force_and_history_is_filled(live: Live) -> None:
    """A new trait is filling, then ready with the value of all history; the act is audited with its reason."""
    live.send(identify(), *[order(number, timestamp=f"2026-11-20T06:0{number}:00Z") for number in range(1, 5)])
    told = live.ask("POST", "/traits", body={"document": SPENT, "why": "we sell by worth"})
    assert told.status == 200
    assert {(one["name"], one["state"], one["progress"], one["window"]) for one in told.json["computed"]} == {("spent", "filling", 0.0, "3000 days"), ("mails", "filling", 0.0, "all time")}
    person = live.get("/people/user_id:u-1").json
    assert (person["computed"]["spent"]["value"], person["computed"]["spent"]["state"], person["lifecycle"]["state"]) == (None, "filling", "filling")
    fill_until_ready(live.settings)
    rules = live.get("/traits", "analyst").json
    assert {one["state"] for one in rules["computed"]} == {"ready"}
    assert (rules["lifecycle"][0]["means"]["ko"], rules["versions"][0]["why"]) == ("쓴 금액: 0 초과", "we sell by worth")
    person = live.get("/people/user_id:u-1").json
    assert (person["computed"]["spent"]["value"], person["computed"]["spent"]["window"]) == (10_000, "3000 days")
    assert (person["lifecycle"]["stage"], person["lifecycle"]["why"]["en"]) == ("buyer", "Spent: 10,000 (asked: more than 0).")
    line = entries(live.connection, AuditFilter(act="trait_rules.applied")).entries[0]
    assert (line.why, sorted(line.details["filling"])) == ("we sell by worth", ["mails", "spent"])


def test_a_value_leads_to_its_events(live: Live) -> None:
    """Page by page, newest first; as of a moment of the past; masked unless the role may see it."""
    live.ask("POST", "/traits", body={"document": SPENT, "why": "we sell by worth"})
    live.send(identify(), *[order(number, timestamp=f"2026-11-20T06:0{number}:00Z") for number in range(1, 5)])
    first = live.get("/people/user_id:u-1/computed/spent?limit=3").json
    assert ([one["message_id"] for one in first["events"]], first["events"][0]["values"]) == (["o-4", "o-3", "o-2"], [4000])
    second = live.get(f"/people/user_id:u-1/computed/spent?limit=3&cursor={first['next']}").json
    assert ([one["message_id"] for one in second["events"]], second["next"]) == (["o-1"], None)
    then = live.get(f"/people/user_id:u-1/computed/spent?as_of={at('2026-11-20T06:02:30Z')}").json
    assert (then["computed"]["value"], then["computed"]["as_of"], len(then["events"])) == (3000, "2026-11-20T06:02:30Z", 2)
    assert live.get("/people/user_id:u-1/computed/mails").json["computed"]["value"] == "mina.kim@brand.kr"
    masked = live.get("/people/user_id:u-1/computed/mails", "analyst").json
    assert "mina.kim" not in str(masked["computed"]["value"]) + str(masked["events"])
    assert "mina.kim" not in str(live.get("/people/user_id:u-1", "analyst").json["computed"]["mails"])


def test_what_does_not_fit_is_told_in_words(live: Live) -> None:
    """A slip in the rules, a trait that is not there, an odd cursor, a role that may not."""
    live.send(identify())
    slip = live.ask("POST", "/traits", body={"document": SPENT.replace("function: sum", "function: smu"), "why": "a slip"})
    assert (slip.status, slip.json["code"]) == (422, "refused")
    assert "computed.spent.function: is 'smu'" in slip.json["detail"]
    assert "did you mean sum?" in slip.json["detail"]
    assert live.get("/traits").json["version"] == 1
    missing = live.get("/people/user_id:u-1/computed/order").json
    assert (missing["status"], "Did you mean 'orders'?" in missing["detail"]) == (404, True)
    assert live.get("/people/user_id:u-1/computed/orders?cursor=x").json["code"] == "bad_parameter"
    assert live.ask("POST", "/traits", "analyst", body={"document": SPENT, "why": "may not"}).status == 403
    assert live.get("/traits", "store").status == 403
