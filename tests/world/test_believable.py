"""The shape of the world. Tolerances are wide enough for another seed of this size, and narrow enough that a flat world fails."""

from __future__ import annotations

SESSIONS = "select count(distinct context->>'sessionId' || anonymousId) from told where source in ('web', 'app-ios', 'app-android')"


def share(world, where, of="source in ('web', 'app-ios', 'app-android') and wire <> 'skewed'"):
    return world.one(f"select avg(({where})::int) from told where {of}")


def test_evenings_are_the_peak_online(world):
    """Eight to midnight in Seoul holds over a quarter of online events (four of 24 hours would be 17 %), two to six at night under 4 %."""
    hour = "hour(occurred_at + interval 9 hour)"
    assert 0.25 < share(world, f"{hour} between 20 and 23") < 0.45
    assert share(world, f"{hour} between 2 and 5") < 0.04


def test_stores_are_full_at_the_weekend(world):
    """A Saturday sells more than 1.6 times as much at the till as a Tuesday, counted per day."""
    per_day = dict(
        world.ask(
            """
            select dayofweek(day), avg(n) from (
              select (occurred_at + interval 9 hour)::date as day, count(*) as n from told
               where source = 'store-pos' and event = 'Order Completed' and (occurred_at + interval 9 hour)::date not between '2026-02-05' and '2026-02-19'
               group by day)
             group by 1
            """
        )
    )
    saturday, tuesday = per_day[6], per_day[2]
    assert saturday > 1.6 * tuesday


def test_stores_are_shut_and_the_web_is_quiet_on_seollal(world):
    """No till and no call on Seollal (17 February 2026); online less than two thirds of the week after."""
    on_day = "(occurred_at + interval 9 hour)::date = '2026-02-17'"
    assert world.one(f"select count(*) from told where source in ('store-pos', 'callcenter') and event <> 'conversation.ended' and {on_day}") == 0
    web = "select count(distinct context->>'sessionId') from told where source = 'web' and trap <> 'hostile_cookie' and "
    quiet = world.one(web + on_day)
    usual = world.one(web + "(occurred_at + interval 9 hour)::date between '2026-02-22' and '2026-02-24'") / 3
    assert 0 < quiet < 0.67 * usual


def test_pay_days_lift_sales(world):
    """On the 25th to 27th of January there are more visits than on the same weekdays a fortnight earlier (neither is a feast)."""
    web = "select count(distinct context->>'sessionId') from told where source in ('web', 'app-ios', 'app-android') and (occurred_at + interval 9 hour)::date between "
    assert world.one(web + "'2026-01-25' and '2026-01-27'") > 1.15 * world.one(web + "'2026-01-18' and '2026-01-20'")


def test_conversion_is_that_of_a_shop(world):
    """Two to eight of a hundred online visits end with an order; more carts than check-outs, more check-outs than orders."""
    orders = world.one("select count(*) from told where event = 'Order Completed' and source in ('web', 'app-ios', 'app-android')")
    assert 0.02 < orders / world.one(SESSIONS) < 0.08
    steps = dict(world.ask("select event, count(*) from told where source <> 'store-pos' group by event"))
    assert steps["Product Viewed"] > steps["Product Added"] > steps["Checkout Started"] > steps["Order Completed"]


def test_names_are_as_frequent_as_in_korea(world):
    """Kim is about 21.5 % and Lee about 14.7 % of people (census of 2015), within three points."""
    shares = dict(world.ask("select surname, count(*) / sum(count(*)) over () from people group by surname"))
    assert abs(float(shares["김"]) - 0.215) < 0.03
    assert abs(float(shares["이"]) - 0.147) < 0.03


def test_everything_says_that_it_is_made_up(world):
    """Every event is labelled synthetic, and no address could belong to anybody."""
    assert world.one("select count(*) from events where coalesce(context->>'synthetic', '') <> 'true'") == 0
    assert world.one("select count(*) from people where email not like '%.example' and email_trap <> 'default_value'") == 0
    nobody = "(192\\.0\\.2|198\\.51\\.100|203\\.0\\.113)\\.\\d+"
    assert world.one(f"select count(*) from events where context->>'ip' is not null and not regexp_full_match(context->>'ip', '{nobody}')") == 0


def test_orders_are_whole_stories(world):
    """Nothing is shipped that was not ordered, delivered that was not shipped, or returned that was not bought."""
    def ids(*names):
        listed = ", ".join(f"'{name}'" for name in names)
        return {row[0] for row in world.ask(f"select properties->>'order_id' from told where event in ({listed}) and properties->>'order_id' is not null")}

    ordered = ids("Order Completed") | {row[0] for row in world.ask("select anonymousId[5:] from told where wire = 'missing_field'")}
    assert ids("order.shipped") <= ordered
    assert ids("order.delivered") <= ids("order.shipped")
    assert ids("return.requested") <= ordered
    assert ids("pickup.collected", "pickup.no_show") <= ids("pickup.ready") <= ids("pickup.requested") <= ordered


def test_events_are_known_to_the_standard_data_model(world):
    """Every event of the world has an entry in the catalogue."""
    from dangol.events.catalogue import catalogue

    names = {row[0] for row in world.ask("select distinct event from told where event is not null")}
    assert names - set(catalogue().events) == set()


def test_each_source_is_received_in_order(world):
    """The lines of a file stand in the order of receipt, so that they can be replayed."""
    for path in world.folder.glob("*.jsonl"):
        times = [row[0] for row in world.ask(f"select receivedAt from read_json('{path}', columns = {{receivedAt: 'varchar'}}, format = 'newline_delimited')")]
        assert times == sorted(times), path.name
