"""Pure market making, step by step."""

from typing import Any

import pytest

from engine.model.enums import Health, InstrumentKind
from engine.schema.values import BadValue
from strategies.pure_market_making import PureMarketMaking
from tests.desk import BTC, d
from tests.strategies.pmm import Maker, config

PLAIN = ["bid_1 1@99", "ask_1 1@101"]
LEVELS = {"order_levels": "2"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, PLAIN),
        (LEVELS, ["bid_1 1@99", "bid_2 1@98", "ask_1 1@101", "ask_2 1@102"]),
        ({**LEVELS, "order_level_amount": "0.5"}, ["bid_1 1@99", "bid_2 1.5@98", "ask_1 1@101", "ask_2 1.5@102"]),
        ({**LEVELS, "order_level_amount": "-1"}, PLAIN),  # a level without an amount is dropped
        ({"order_levels": "100", "bid_spread": "99.5%", "order_level_spread": "1%", "ask_spread": "0.5%"}, None),
        ({"bid_spread": "0.44%", "ask_spread": "0.44%"}, ["bid_1 1@99.5", "ask_1 1@100.5"]),  # away from the market
        ({"order_amount": "250 USDT"}, ["bid_1 2.5@99", "ask_1 2.5@101"]),  # at the reference price
        ({"order_amount": "1", **LEVELS, "order_level_amount": "50 USDT"},
         ["bid_1 1@99", "bid_2 1.5@98", "ask_1 1@101", "ask_2 1.5@102"]),
        (
            {"bid_order_level_spreads": ["2%", "3%"], "bid_order_level_amounts": ["0.5", "100 USDT"]},
            ["bid_1 0.5@98", "bid_2 1@97", "ask_1 1@101"],
        ),
        ({"ask_order_level_spreads": [], "ask_order_level_amounts": []}, ["bid_1 1@99"]),
        (
            {"order_override": {"b": ["buy", "5%", "2"], "a": ["buy", "3%", "1"], "c": ["sell", "4%", "100 USDT"]}},
            ["bid_1 1@97", "bid_2 2@95", "ask_1 1@104"],
        ),
        ({"order_override": {"up": ["sell", "4%", "1"]}, "bid_spread": ..., "order_amount": ...}, ["ask_1 1@104"]),
        ({"price_ceiling": "100"}, ["ask_1 1@101"]),
        ({"price_ceiling": "100.1"}, PLAIN),
        ({"price_floor": "100"}, ["bid_1 1@99"]),
        ({"price_floor": "99.9"}, PLAIN),
        ({"add_transaction_costs": True}, ["bid_1 1@98.9", "ask_1 1@101.2"]),  # maker fee 0.1 %
        ({"bid_spread": "0%", "ask_spread": "0%"}, ["bid_1 1@100", "ask_1 1@100"]),
        ({"minimum_spread": "1%"}, PLAIN),
        ({"minimum_spread": "1.1%"}, []),
    ],
)  # fmt: skip
def test_steps_without_a_past(settings: dict[str, Any], expected: list[str] | None) -> None:
    maker = Maker(rules={"maker_rate": "0.001"}, **settings)
    maker.tick()
    if expected is None:  # a bid at or below 0 is none
        assert [each for each in maker.quotes() if each.startswith("bid")] == ["bid_1 1@0.5"]
        assert len(maker.quotes()) == 101
    else:
        assert maker.quotes() == expected
        assert f"{len(expected)} quotes around 100" in maker.pmm.explain()


@pytest.mark.parametrize(
    ("settings", "bids", "asks", "trade", "expected"),
    [
        ({}, [(99, 1)], [(103, 1)], None, 101),
        ({"price_type": "microprice"}, [(99, 3)], [(103, 1)], None, 102),
        ({"price_type": "last"}, [(99, 1)], [(103, 1)], None, 101),
        ({"price_type": "last"}, [(99, 1)], [(103, 1)], 100, 100),
        ({"price_type": "last_own_trade"}, [(99, 1)], [(103, 1)], 100, 101),
        ({"price_type": "best_bid"}, [(99, 1)], [(103, 1)], None, 99),
        ({"price_type": "best_ask"}, [(99, 1)], [(103, 1)], None, 103),
        ({"price_type": "best_ask"}, [], [(103, 1)], None, 103),
        ({"price_type": "best_bid"}, [], [(103, 1)], None, None),
        ({}, [], [(103, 1)], None, None),
        ({}, [(99, 1)], [], None, None),
        ({"price_type": "microprice"}, [], [(103, 1)], None, None),
    ],
)
def test_reference_price(
    settings: dict[str, Any], bids: list[Any], asks: list[Any], trade: object, expected: object
) -> None:
    maker = Maker(**settings, bid_spread="10%", ask_spread="10%")
    maker.levels(bids, asks)
    if trade is not None:
        maker.trade(trade)
    maker.tick()
    if expected is None:
        assert maker.quotes() == []
        assert maker.pmm.explain().startswith("W-STALE")
    else:
        assert maker.pmm.explain().startswith("2 quotes around")
        assert d(maker.pmm.explain().split("around ")[1]) == expected


def test_an_external_market_gives_the_price() -> None:
    maker = Maker(price_source="external_market", price_source_exchange="ext", price_source_market="BTC-USDT")
    maker.tick()
    assert maker.quotes() == []
    maker.book(199.5, 200.5, instrument_id="ext:BTC-USDT")
    maker.tick()
    assert maker.quotes() == ["ask_1 1@202"], "a bid at 198 would take from the ask at 100.5"
    maker.health(Health.DOWN, "ext:BTC-USDT")
    maker.tick()
    assert maker.quotes() == []
    assert maker.cancelled() == ["ask_1"]


def test_last_own_trade_moves_the_reference() -> None:
    maker = Maker(price_type="last_own_trade", filled_order_delay="0s")
    maker.tick()
    maker.fill_tag("bid_1", "0.5")
    maker.tick()
    assert "around 99.0" in maker.pmm.explain()


def test_sells_stay_above_what_the_inventory_has_cost() -> None:
    maker = Maker(price_type="inventory_cost", inventory_price="110")
    maker.tick()
    assert maker.quotes() == ["bid_1 1@99", "ask_1 1@111.1"]
    maker.fill_tag("bid_1")
    maker.book(89.5, 90.5)
    maker.tick()
    assert maker.quotes() == ["bid_1 1@89.1", "ask_1 1@100"], "bought at 99"
    maker.book(119.5, 120.5)
    maker.tick()
    assert maker.quotes() == ["bid_1 1@118.8", "ask_1 1@121.2"]


def test_the_moving_band_is_set_from_time_to_time() -> None:
    maker = Maker(moving_price_band={"floor": "-2%", "ceiling": "2%", "refresh": "1h"})
    maker.tick()
    maker.book(101.5, 102.5)  # exactly at the ceiling
    maker.tick(3599)
    assert maker.quotes() == ["ask_1 1@103.1"]
    maker.tick(1)
    assert maker.quotes() == ["bid_1 1@100.9", "ask_1 1@103.1"]
    maker.book(99, 100)  # below 99.96
    maker.tick()
    assert maker.quotes() == ["bid_1 1@98.5"]


def test_ping_pong_waits_for_the_other_side() -> None:
    maker = Maker(ping_pong=True, order_levels="2", filled_order_delay="0s")
    maker.tick()
    maker.fill_tag("bid_1", "0.5")
    maker.tick()
    assert len(maker.quotes()) == 4, "a part of a fill does not count"
    maker.fill_tag("bid_1")
    maker.tick()
    assert maker.quotes() == ["bid_2 1@98", "ask_1 1@101", "ask_2 1@102"]
    maker.fill_tag("ask_1")
    maker.fill_tag("ask_2")
    maker.tick()
    assert maker.quotes() == ["bid_1 1@99", "bid_2 1@98", "ask_2 1@102"]


@pytest.mark.parametrize(
    ("depths", "bids", "asks", "expected"),
    [
        (("0", "0"), [(90, 1), (89, 5)], [(110, 1)], ["bid_1 1@90.1", "bid_2 1@89.1", "ask_1 1@109.9", "ask_2 1@111"]),
        (("2", "0"), [(90, 1), (89, 5)], [(110, 1)], ["bid_1 1@89.1", "bid_2 1@88.2", "ask_1 1@109.9", "ask_2 1@111"]),
        (
            ("0", "2"),
            [(90, 1)],
            [(110, 1), (111, 1)],
            ["bid_1 1@90.1", "bid_2 1@89.1", "ask_1 1@110.9", "ask_2 1@112.1"],
        ),
        (("9", "9"), [(90, 1), (89, 5)], [(110, 1)], ["bid_1 1@89.1", "bid_2 1@88.2", "ask_1 1@109.9", "ask_2 1@111"]),
        (("0", "0"), [(99.5, 1)], [(100.5, 1)], ["bid_1 1@99", "bid_2 1@98", "ask_1 1@101", "ask_2 1@102.1"]),
    ],
)
def test_order_optimization(depths: tuple[str, str], bids: list[Any], asks: list[Any], expected: list[str]) -> None:
    maker = Maker(order_levels="2", order_optimization={"bid_depth": depths[0], "ask_depth": depths[1]})
    maker.levels(bids, asks)
    maker.tick()
    assert maker.quotes() == expected


def test_order_optimization_scales_split_levels_and_costs() -> None:
    maker = Maker(
        rules={"maker_rate": "0.001"},
        bid_order_level_spreads=["1%", "2%"],
        bid_order_level_amounts=["1", "1"],
        order_optimization={},
        add_transaction_costs=True,
    )
    maker.book(90, 110)
    maker.tick()  # 90.1 · 0.999 = 90.0099; 90.1 · 0.98/0.99 · 0.999 = 89.1007; 109.9 · 1.001 = 110.0099
    assert maker.quotes() == ["bid_1 1@90", "bid_2 1@89.1", "ask_1 1@110.1"]


def test_order_optimization_reads_on_behind_many_small_levels() -> None:
    maker = Maker(order_optimization={"bid_depth": "2.5"}, ask_order_level_spreads=[], ask_order_level_amounts=[])
    maker.levels([(99 - i / 10, "0.1") for i in range(40)], [(100, 1)])
    maker.tick()
    assert maker.quotes() == ["bid_1 1@96.7"], "the 25th level is 96.6"


@pytest.mark.parametrize(
    ("balances", "settings", "expected"),
    [
        ({"BTC": 0, "USDT": 1000}, {}, ["bid_1 1@99"]),
        ({"BTC": "0.5", "USDT": 0}, {}, ["ask_1 0.5@101"]),
        ({"BTC": "1.5", "USDT": 150}, LEVELS, ["bid_1 1@99", "bid_2 0.52@98", "ask_1 1@101", "ask_2 0.5@102"]),
        ({"BTC": "1.0005", "USDT": 99}, LEVELS, ["bid_1 1@99", "ask_1 1@101"]),
        ({"BTC": "1.04", "USDT": 0}, LEVELS, ["ask_1 1@101"]),  # 0.04 · 102 < 5
        ({"BTC": 0, "USDT": 0}, {}, []),
    ],
)
def test_funds(balances: dict[str, object], settings: dict[str, Any], expected: list[str]) -> None:
    maker = Maker(balances=balances, rules={"notional_min": "5"}, **settings)
    for _ in range(3):  # what its own orders tie up is not missing
        maker.tick()
        assert maker.quotes() == expected
    assert len(maker.orders()) == len(expected)


def test_bids_keep_something_for_the_fee() -> None:
    maker = Maker(balances={"BTC": 0, "USDT": 99}, rules={"taker_rate": "0.01"})
    maker.tick()
    assert maker.quotes() == ["bid_1 0.99@99"]
    assert maker.shown() == ["bid_1 0.99@99"]


def test_too_small_orders_are_dropped_with_a_reason() -> None:
    maker = Maker(rules={"quantity_min": "2"})
    maker.tick()
    assert maker.quotes() == []
    assert "ask_1: quantity 1 is below the minimum 2 BTC" in maker.pmm.explain()


@pytest.mark.parametrize(
    ("take", "bid", "ask", "expected"),
    [
        (False, 98, 99, ["ask_1 1@101"]),
        (False, 101, 102, ["bid_1 1@99"]),
        (True, 98, 99, PLAIN),
        (True, 101, 102, PLAIN),
    ],
)
def test_takers(take: bool, bid: int, ask: int, expected: list[str]) -> None:
    external = {"price_source": "external_market", "price_source_exchange": "ext", "price_source_market": "BTC-USDT"}
    maker = Maker(take_if_crossed=take, **external)
    maker.book(99.5, 100.5, instrument_id="ext:BTC-USDT")
    maker.book(bid, ask)
    maker.tick()
    assert maker.quotes() == expected
    assert all(order.post_only is not take for order in maker.orders().values())


def test_a_refused_order_is_no_fill() -> None:
    maker = Maker(ping_pong=True, rules={"quantity_max": "0.5"})
    for _ in range(3):
        maker.tick(2)
        assert maker.orders() == {}
    assert maker.pmm.memory.net_fills == 0


def test_minimum_spread_withdraws_a_resting_order_and_then_quotes_again() -> None:
    maker = Maker(minimum_spread="0.5%", order_refresh_time="1h")
    maker.tick()
    maker.book(98.9, 99.9)  # 99.4: the bid at 99 is 0.4 % away
    maker.tick()
    assert maker.cancelled() == ["bid_1"]
    assert "minimum_spread" in maker.pmm.explain()
    maker.tick()
    assert maker.submitted() == ["bid_1 1@98.4"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["bid_1 1.5@99", "ask_1 0.5@101"]),
        ({"inventory_skew_model": "linear"}, ["bid_1 1.25@99", "ask_1 0.75@101"]),
        ({"inventory_skew_applies_to": "spread"}, ["bid_1 1@99.5", "ask_1 1@101.5"]),
        ({"inventory_range_multiplier": "2"}, ["bid_1 1.25@99", "ask_1 0.75@101"]),
        ({"inventory_target_base": "49%"}, PLAIN),
        ({"inventory_target_base": "0%"}, ["ask_1 2@101"]),
        ({"order_amount": "100 USDT"}, ["bid_1 1.5@99", "ask_1 0.5@101"]),
        (
            {"inventory_skew_applies_to": "spread", "order_optimization": {}},
            ["bid_1 1@99.5", "ask_1 1@101.5"],
        ),
    ],
)
def test_inventory_skew(settings: dict[str, Any], expected: list[str]) -> None:
    maker = Maker(balances={"BTC": 49, "USDT": 5100}, inventory_skew=True, **settings)
    maker.tick()
    assert maker.quotes() == expected
    maker.tick()
    assert maker.quotes() == expected, "what orders reserve still counts as held"


def test_nothing_is_said_while_nothing_changes() -> None:
    maker = Maker(order_levels="3")
    pmm, state = maker.pmm, maker.state
    assert len(pmm.decide(state)) == 2
    maker.tick()
    before = dict(maker.executor()._quotes)
    assert pmm.decide(state) == []
    maker.book(100, "100.01")  # the rounded bids stay what they are
    maker.tick()
    after = maker.executor()._quotes
    assert [tag for tag, quote in before.items() if after[tag] is quote] == ["bid_1", "bid_2", "bid_3"]


def test_live_settings_apply_at_the_next_tick() -> None:
    maker = Maker(order_levels="3")
    maker.tick()
    maker.change(order_levels="1", bid_spread="2%", order_refresh_time="5s")
    maker.tick()
    assert sorted(maker.cancelled()) == ["ask_2", "ask_3", "bid_2", "bid_3"]
    maker.tick(28)
    assert maker.sent == [], "the orders that rest keep the time they were given"
    maker.tick(1)
    assert maker.cancelled() == ["bid_1"]
    maker.tick()
    assert maker.submitted() == ["bid_1 1@98"]
    assert maker.executor().settings.order_refresh_time_us == 5_000_000


def test_a_new_fee_tier_applies_at_the_next_tick() -> None:
    maker = Maker(add_transaction_costs=True)
    maker.tick()
    assert maker.quotes() == PLAIN
    market = maker.state.instruments[BTC]
    maker.state.instruments[BTC] = type(market)(
        *(BTC, "sim", "BTC-USDT", "BTC", "USDT", market.price_step, market.quantity_step), maker_rate=d("0.01")
    )
    maker.tick()
    assert maker.quotes() == ["bid_1 1@98", "ask_1 1@102.1"]


def test_an_executor_that_is_gone_is_started_again() -> None:
    maker = Maker()
    maker.tick()
    del maker.state.executors["mm/quotes"]
    assert maker.tick() == []
    assert maker.quotes() == PLAIN
    assert maker.pmm.explain().startswith("2 quotes")


def test_not_started() -> None:
    assert PureMarketMaking("mm", config()).explain() == "not started"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bid_spread": ...}, "bid_spread missing"),
        ({"bid_spread": ..., "order_amount": ...}, "bid_spread and order_amount missing"),
        ({"bid_order_level_spreads": ["1%"]}, "must be lists of the same length"),
        ({"ask_order_level_spreads": ["1%"], "ask_order_level_amounts": []}, "must be lists of the same length"),
        ({"price_source": "external_market"}, "needs price_source_exchange and price_source_market"),
        ({"price_type": "inventory_cost"}, "needs inventory_price"),
        ({"trading_pair": "BTC-USDT-PERP", "inventory_skew": True}, "spot"),
        ({"bid_spread": "0.5"}, "did you mean 0.5%"),
    ],
)
def test_bad_settings_are_refused_with_a_reason(settings: dict[str, Any], words: str) -> None:
    with pytest.raises((BadValue, ValueError), match=words):
        config(**settings)


PERPETUAL = {
    "kind": InstrumentKind.PERPETUAL,
    "settle": "USDT",
    "contract_size": "0.01",
    "leverage": "10",
    "taker_rate": "0.01",
    "quantity_step": "1",
    "notional_min": "5",
}


@pytest.mark.parametrize(
    ("money", "settings", "expected"),
    [
        (1000, {}, ["bid_1 100@99", "ask_1 100@101"]),  # 1 BTC is 100 contracts
        (1000, {"order_amount": "250 USDT"}, ["bid_1 250@99", "ask_1 250@101"]),
        (20, {}, ["bid_1 91@99", "ask_1 90@101"]),  # half each: 10 / (0.99 · 0.11), 10 / (1.01 · 0.11)
        (20, LEVELS, ["bid_1 91@99", "ask_1 90@101"]),
        (20, {"order_amount": "0.05"}, ["ask_1 5@101"]),  # 4.95 USDT are below the minimum
    ],
)
def test_perpetuals_pay_margin_on_both_sides(money: int, settings: dict[str, Any], expected: list[str]) -> None:
    maker = Maker({"USDT": money}, PERPETUAL, trading_pair="BTC-USDT", **settings)
    maker.tick()
    assert maker.quotes() == expected
    maker.tick()
    assert maker.quotes() == expected, "what the quotes tie up is theirs"
