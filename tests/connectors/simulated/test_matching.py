"""The rules of the matching engine one by one, in figures that can be read; the oracle test has the combinations."""

from connectors.simulated.book_order import BookOrder, Place, SelfTrade, What
from connectors.simulated.matching import MatchingEngine
from engine.model.enums import OrderType, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL


def told(engine: MatchingEngine) -> list[tuple[str, int, str]]:
    """(what, key, reason) without the acceptances; trades as (FILLED, maker's key, `lots@ticks`)."""
    return [
        ("FILLED", o.maker.key if o.maker else 0, f"{o.lots}@{o.ticks}")
        if o.what is What.FILLED
        else (o.what.name, o.order.key, o.reason)
        for o in engine.drain()
        if o.what is not What.ACCEPTED
    ]


def limit(side: Side, ticks: int, lots: int, account: int = 1, **fields: object) -> BookOrder:
    return BookOrder(side, ticks, lots, account, **fields)  # type: ignore[arg-type]


def test_price_first_then_time() -> None:
    engine = MatchingEngine()
    for ticks, lots in ((101, 5), (100, 3), (101, 4), (100, 2)):
        engine.submit(limit(SELL, ticks, lots))
    taker = engine.submit(limit(BUY, 101, 12, 2))
    assert told(engine) == [
        ("FILLED", 2, "3@100"),
        ("FILLED", 4, "2@100"),
        ("FILLED", 1, "5@101"),
        ("FILLED", 3, "2@101"),
    ]
    assert (taker.leaves, taker.place, engine.depth(SELL, 5)) == (0, Place.DONE, [(101, 2)])


def test_an_iceberg_shows_a_part_and_queues_again() -> None:
    engine = MatchingEngine()
    iceberg = engine.submit(limit(SELL, 100, 10, display=3))
    plain = engine.submit(limit(SELL, 100, 4))
    assert engine.lots_at(SELL, 100) == 7
    engine.submit(limit(BUY, 100, 8, 2))
    assert [row[1:] for row in told(engine)] == [(iceberg.key, "3@100"), (plain.key, "4@100"), (iceberg.key, "1@100")]
    assert (iceberg.leaves, iceberg.visible, engine.depth(SELL, 1)) == (6, 2, [(100, 2)])


def test_a_smaller_amend_keeps_the_place_and_everything_else_loses_it() -> None:
    for ticks, lots, first in ((100, 4, 1), (100, 6, 2), (101, 5, 2)):
        engine = MatchingEngine()
        engine.submit(limit(BUY, 100, 5))
        engine.submit(limit(BUY, 100, 5))
        assert engine.amend(1, ticks, lots) == ""
        if ticks == 101:
            engine.amend(1, 100, lots)
        engine.drain()
        engine.submit(limit(SELL, 100, 1, 2))
        assert told(engine) == [("FILLED", first, "1@100")], (ticks, lots)


def test_an_amend_that_crosses_takes() -> None:
    engine = MatchingEngine()
    engine.submit(limit(BUY, 100, 5))
    engine.submit(limit(SELL, 102, 2, 2))
    assert engine.amend(1, 102, 5) == ""
    assert told(engine) == [("AMENDED", 1, ""), ("FILLED", 2, "2@102")]
    assert engine.depth(BUY, 1) == [(102, 3)]
    assert engine.amend(9, 100, 1) == "unknown_order"


def test_a_stop_enters_after_the_trade_that_fired_it() -> None:
    engine = MatchingEngine()
    engine.submit(limit(BUY, 100, 1))
    engine.submit(limit(BUY, 99, 5))
    engine.submit(limit(BUY, 98, 5))
    engine.submit(limit(SELL, 0, 2, 3, order_type=OrderType.STOP_MARKET, stop_ticks=100))
    engine.submit(limit(SELL, 99, 4, 2, time_in_force=TimeInForce.IOC))
    assert told(engine) == [
        ("FILLED", 1, "1@100"),
        ("FILLED", 2, "3@99"),
        ("TRIGGERED", 4, ""),
        ("FILLED", 2, "2@99"),
    ]


def test_a_trailing_stop_follows_the_best_price() -> None:
    engine = MatchingEngine()
    stop = engine.submit(limit(SELL, 0, 1, 1, order_type=OrderType.STOP_MARKET, trailing=100_000))
    for ticks, waits in ((1000, True), (901, True), (1200, True), (1081, True), (1080, False)):
        engine.print_trade(ticks, 1, BUY)
        assert stop.is_live is waits, ticks
    assert told(engine)[-2:] == [("TRIGGERED", 1, ""), ("EXPIRED", 1, "no_liquidity")]


def test_one_cancels_the_other() -> None:
    engine = MatchingEngine()
    engine.submit(limit(SELL, 110, 5, list_id="bracket"))
    engine.submit(limit(SELL, 0, 5, order_type=OrderType.STOP_MARKET, stop_ticks=90, list_id="bracket"))
    engine.submit(limit(BUY, 110, 1, 2))
    assert told(engine) == [("FILLED", 1, "1@110"), ("CANCELED", 2, "oco")]
    assert engine.depth(SELL, 1) == [(110, 4)]
    engine.submit(limit(SELL, 120, 1, list_id="bracket"))
    assert told(engine) == [("REJECTED", 4, "list_done")]


def test_self_trade_prevention() -> None:
    cases = {
        SelfTrade.NONE: [("FILLED", 1, "3@100")],
        SelfTrade.CANCEL_NEW: [("EXPIRED", 2, "self_trade")],
        SelfTrade.CANCEL_OLD: [("EXPIRED", 1, "self_trade")],
        SelfTrade.CANCEL_BOTH: [("EXPIRED", 1, "self_trade"), ("EXPIRED", 2, "self_trade")],
    }
    for mode, expected in cases.items():
        engine = MatchingEngine()
        engine.submit(limit(SELL, 100, 3))
        engine.submit(limit(BUY, 100, 3, self_trade=mode))
        assert told(engine) == expected, mode


def test_reduce_only_never_turns_a_position() -> None:
    engine = MatchingEngine()
    engine.positions[1] = 5
    engine.submit(limit(SELL, 101, 4, reduce_only=True))
    engine.submit(limit(SELL, 102, 4, reduce_only=True))
    engine.submit(limit(BUY, 100, 4, reduce_only=True))
    engine.submit(limit(BUY, 105, 8, 2))
    assert told(engine) == [
        ("REJECTED", 3, "nothing_to_reduce"),
        ("FILLED", 1, "4@101"),
        ("FILLED", 2, "1@102"),
        ("EXPIRED", 2, "nothing_to_reduce"),
    ]
    assert engine.positions[1] == 0


def test_recorded_levels_queue_around_our_order() -> None:
    engine = MatchingEngine()
    engine.set_level(BUY, 100, 5)
    ours = engine.submit(limit(BUY, 100, 2))
    engine.set_level(BUY, 100, 9)
    assert engine.lots_at(BUY, 100) == 11
    engine.set_level(BUY, 100, 4)
    assert engine.take(SELL, 5, 100) == 5
    assert (ours.leaves, engine.lots_at(BUY, 100)) == (1, 1)


def test_a_market_order_is_priced_at_the_worst_that_can_happen() -> None:
    engine = MatchingEngine()
    engine.positions[3] = 9
    engine.add(SELL, 100, 2)
    engine.submit(limit(SELL, 101, 9, 3, reduce_only=True))
    engine.add(SELL, 103, 1)
    for lots, expected in ((2, (2, 200)), (3, (3, 303)), (5, (3, 303 + 2 * 101)), (99, (3, 303 + 9 * 101))):
        assert engine.reachable(BookOrder(BUY, 0, lots, order_type=OrderType.MARKET)) == expected
