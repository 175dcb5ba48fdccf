"""The truth, and that every trap and planted problem is really there, measured by what it means and not by its label."""

from __future__ import annotations

import pytest

from dangol.world.labels import Problem, Trap, Wire


def test_truth_has_every_message_once(world):
    """The truth and the streams hold the same message ids, and the truth each of them once."""
    assert world.one("select count(*) - count(distinct message_id) from truth") == 0
    assert world.one("select count(*) from (select distinct messageId from events except select message_id from truth)") == 0
    assert world.one("select count(*) from (select message_id from truth except select messageId from events)") == 0
    assert world.one("select count(*) from events") == world.summary.lines
    assert world.one("select count(*) from truth") == world.summary.messages


def test_truth_names_people_of_the_world(world):
    """Every message belongs to a person of people.parquet, or, if it is an attack, to nobody."""
    assert world.one("select count(*) from truth where person_id <> '' and person_id not in (select person_id from people)") == 0
    assert world.ask("select distinct trap from truth where person_id = ''") == [("hostile_cookie",)]
    assert world.one("select count(*) from people") == world.summary.people


@pytest.mark.parametrize("label", [*Trap, *Problem, *Wire])
def test_every_label_occurs(world, label):
    """Nothing that the documentation promises is missing."""
    column = type(label).__name__.lower()
    assert world.one(f"select count(*) from truth where {column} = '{label.value}'") > 0


GIVEN = """
    with given as (
      select person_id, trap, occurred_at, anonymousId, userId,
             coalesce(traits->>'phone', context->'traits'->>'phone') as phone,
             coalesce(traits->>'email', context->'traits'->>'email') as email,
             traits->>'name' as name
        from told)
"""


def test_families_share_a_phone(world):
    """A shared number is given by several people of one household, and by nobody else."""
    rows = world.ask(
        GIVEN + "select given.phone, count(distinct person_id), count(distinct household) from given join people using (person_id) "
        "where trap = 'shared_phone' group by given.phone"
    )
    assert max(people for _, people, _ in rows) >= 2
    assert {households for _, _, households in rows} == {1}


@pytest.mark.parametrize(("trap", "people"), [("store_tablet", 20), ("kiosk", 20), ("agent_cookie", 2), ("shared_device", 2), ("device_relogin", 2)])
def test_one_device_meets_several_people(world, trap, people):
    """Behind one cookie stand several true people."""
    most = world.one(
        f"select max(n) from (select count(distinct person_id) as n from told where anonymousId in "
        f"(select anonymousId from told where trap = '{trap}') group by anonymousId)"
    )
    assert most >= people


@pytest.mark.parametrize(("trap", "people"), [("callcentre_number", 10), ("reception_phone", 2)])
def test_one_number_stands_for_strangers(world, trap, people):
    """People of different households are known by one phone number."""
    most = world.one(
        GIVEN + f"select max(n) from (select count(distinct household) as n from given join people using (person_id) where trap = '{trap}' group by given.phone)"
    )
    assert most >= people


def test_numbers_change_and_are_recycled(world):
    """A changed number is a second one of the same person; a recycled one was somebody else's before, and never at the same time."""
    assert world.one(
        GIVEN + "select min(n) from (select count(distinct phone) as n from given where person_id in "
        "(select person_id from given where trap = 'phone_changed' and phone is not null) group by person_id)"
    ) >= 1
    handed_on = world.ask(
        GIVEN + "select taken.phone, min(taken.occurred_at) > max(owned.occurred_at) from given as taken join given as owned using (phone) "
        "where taken.trap = 'phone_recycled' and taken.phone is not null and owned.trap = '' and owned.person_id <> taken.person_id group by taken.phone"
    )
    assert len(handed_on) >= 5
    assert all(later for _, later in handed_on)


def test_mistyped_addresses_are_near_the_true_one(world):
    """A typo lies within three keystrokes of the person's own address, and is not it."""
    rows = world.ask(GIVEN + "select given.email, people.email from given join people using (person_id) where trap = 'email_typo'")
    assert len(rows) >= 10
    assert world.one(GIVEN + "select max(levenshtein(given.email, people.email)) from given join people using (person_id) where trap = 'email_typo' and people.email_trap = ''") <= 3
    assert all(typed != own for typed, own in rows)


def test_default_values_belong_to_many(world):
    """A value typed to get past a form is shared by strangers."""
    most = world.one(GIVEN + "select max(n) from (select count(distinct person_id) as n from given where trap = 'default_value' group by coalesce(phone, email))")
    assert most >= 2


def test_one_human_has_two_accounts(world):
    """The messages of a second account carry another member id than the first, of the same true person."""
    assert world.one(
        "select count(*) from (select person_id from told where person_id in (select person_id from told where trap = 'second_account') "
        "and source in ('web', 'app-ios', 'app-android') group by person_id having count(distinct userId) >= 2)"
    ) >= 5


def test_romanised_names_are_latin(world):
    """A romanised name has no Hangul in it, and is the person's."""
    rows = world.ask(GIVEN + "select distinct given.name, people.romanised from given join people using (person_id) where trap = 'romanised_name' and name is not null")
    assert len(rows) >= 10
    assert all(name.isascii() and name == romanised for name, romanised in rows)


def test_one_cookie_claims_a_great_many_members(world):
    """The hostile cookie names one member in twenty of all people, each in an identify call."""
    rows = world.ask("select anonymousId, count(*), count(distinct userId) from told where trap = 'hostile_cookie' group by anonymousId")
    assert len(rows) == 1
    assert rows[0][1] == world.summary.people // 20
    assert rows[0][2] > 0.9 * rows[0][1]


def test_easy_pay_fails_on_one_version(world):
    """Of easy payments on Android 5.3.1 a third to a half of first tries fail; on all other versions under a tenth."""
    rate = """
        select count(*) filter (event = 'Payment Failed' and (properties->>'attempt') = '1') / count(*) filter (event = 'Payment Info Entered')
          from told where source = 'app-android' and properties->>'payment_method' = 'easy_pay' and (context->'app'->>'version') """
    assert 0.30 < world.one(rate + "= '5.3.1'") < 0.55
    assert world.one(rate + "<> '5.3.1'") < 0.10


def test_one_region_waits_longer(world):
    """From the 40th per cent of the time on, parcels to Busan and South Gyeongsang come over a day later than to all others."""
    late = """
        select avg((properties->>'days_late')::double) from told
         where event = 'order.delivered' and occurred_at > '2026-01-31' and (properties->>'address_region') """
    regions = "in ('부산광역시', '경상남도')"
    assert world.one(late + regions) > world.one(late + "not " + regions) + 1.0


def test_six_things_cost_more_in_the_store(world):
    """Exactly six things have another price at the till than in app and web, and all of them a higher one."""
    rows = world.ask(
        """
        with line as (
          select unnest(from_json(properties->'products', '[{"sku": "VARCHAR", "price": "INTEGER"}]'), recursive := true), source = 'store-pos' as store
            from told where event = 'Order Completed' and wire = '')
        select sku from line group by sku having max(price) filter (store) > max(price) filter (not store) order by sku
        """
    )
    assert [sku for (sku,) in rows] == ["OG-1004", "OG-1010", "OG-1020", "OG-1032", "OG-1043", "OG-1056"]


def test_one_script_annoys(world):
    """Calls by script SC-07 take four minutes longer on average than by SC-03, and satisfy at least one point less."""
    longer = dict(world.ask("select properties->>'script', avg((properties->>'duration_seconds')::int) from told where source = 'callcenter' and event = 'conversation.ended' group by 1"))
    assert longer["SC-07"] > longer["SC-03"] + 240
    score = dict(world.ask("select properties->>'script', avg((properties->>'score')::int) from told where event = 'feedback.given' group by 1"))
    assert score["SC-07"] < score["SC-03"] - 1


def test_offline_batches_arrive_late(world):
    """An offline event is received at least ten minutes after it happened; half of those batches were stamped when they were closed."""
    assert world.one("select min(epoch(receivedAt) - epoch(occurred_at)) from told where wire = 'offline'") >= 600
    assert 0.2 < world.one("select avg((receivedAt - sentAt > interval 5 minute)::int) from told where wire = 'offline'") < 0.8


def test_wrong_clocks_are_wrong_and_the_others_right(world):
    """A skewed device is more than a minute off, in timestamp and sentAt alike; an unlabelled one within three seconds."""
    off = "abs(epoch(timestamp) - epoch(occurred_at))"
    assert world.one(f"select min({off}) from told where wire = 'skewed'") > 60
    assert world.one(f"select max({off}) from told where wire = '' and trap <> 'device_relogin'") < 3
    assert world.one("select min(epoch(sentAt) - epoch(timestamp)) from told where wire = 'skewed'") >= 0


def test_broken_events_are_broken_as_labelled(world):
    """No identifier, a number as text, an order without its number: each exactly where the truth says it."""
    assert world.one("select count(*) from told where (userId is null and anonymousId is null) <> (wire = 'no_identity')") == 0
    assert world.one("select count(*) from told where wire = 'wrong_type' and coalesce(properties->>'total', properties->>'price') not like '%원'") == 0
    assert world.one("select count(*) from told where event = 'Order Completed' and ((properties->>'order_id') is null) <> (wire = 'missing_field')") == 0


def test_some_messages_come_twice(world):
    """Between 0.3 and 1.2 % of lines are repeats; they say the same, only sent and received later."""
    repeats = world.summary.lines - world.summary.messages
    assert 0.003 < repeats / world.summary.lines < 0.012
    assert world.one(
        "select count(*) from (select messageId from events group by messageId having count(distinct (type, event, userId, anonymousId, timestamp, "
        "properties::varchar, traits::varchar)) > 1 or (count(*) > 1 and count(distinct receivedAt) < 2))"
    ) == 0
