"""Orders whose partner was filled."""

from typing import Any

from strategies.pure_market_making import PureMarketMaking
from tests.desk import d, terms
from tests.strategies.pmm import Maker, config

SETTINGS: dict[str, Any] = {"hanging_orders": {}, "filled_order_delay": "10s", "max_order_age": "100s"}


def hung(**settings: Any) -> Maker:
    """The bid at 99 was filled, its partner at 101 hangs, and the level has new orders around 95."""
    maker = Maker(**{**SETTINGS, **settings})
    maker.tick()
    maker.fill_tag("bid_1")
    maker.book(94.5, 95.5)
    maker.tick()
    maker.tick(10)
    assert maker.submitted() == ["bid_1 1@94", "ask_1.2 1@96"]
    return maker


def test_the_partner_hangs_at_its_refresh() -> None:
    maker = Maker(**SETTINGS)
    maker.tick()
    maker.fill_tag("bid_1")
    maker.book(94.5, 95.5)
    maker.tick()
    maker.tick(9)
    assert not maker.pmm.memory.hanging, "not before the pause ends"
    maker.tick(1)
    assert maker.cancelled() == []
    assert maker.shown() == ["ask_1 1@101", "ask_1.2 1@96", "bid_1 1@94"]


def test_when_both_are_filled_before_nothing_hangs() -> None:
    maker = Maker(**SETTINGS)
    maker.tick()
    maker.fill_tag("bid_1")
    maker.tick()
    maker.fill_tag("ask_1")
    maker.tick()
    maker.tick(10)
    assert not maker.pmm.memory.hanging
    assert maker.submitted() == ["bid_1 1@99", "ask_1 1@101"]


def test_when_both_are_filled_at_once_nothing_hangs() -> None:
    maker = Maker(**SETTINGS)
    maker.tick()
    maker.fill_tag("bid_1")
    maker.fill_tag("ask_1")
    maker.tick(20)
    assert not maker.pmm.memory.waiting
    assert not maker.pmm.memory.hanging


def test_orders_of_different_ticks_are_no_pair() -> None:
    maker = Maker(**SETTINGS, price_ceiling="100")
    maker.tick()
    maker.change(**SETTINGS)
    maker.tick()
    assert maker.shown() == ["ask_1 1@101", "bid_1 1@99"]
    maker.fill_tag("bid_1")
    maker.book(94.5, 95.5)
    maker.tick(40)
    assert maker.cancelled() == ["ask_1"]


def test_a_sold_level_leaves_its_bid_hanging() -> None:
    maker = Maker(**SETTINGS, order_levels="2")
    maker.tick()
    maker.fill_tag("ask_2")
    maker.tick()
    maker.tick(10)
    assert list(maker.pmm.memory.hanging) == ["bid_2"]
    assert sorted(maker.orders()) == ["ask_1", "ask_2", "bid_1", "bid_2", "bid_2.2"]


def test_a_level_may_hang_more_than_once_and_its_order_keeps_its_slot() -> None:
    maker = hung()
    maker.fill_tag("bid_1")
    maker.book(91.5, 92.5)
    maker.tick()
    maker.tick(10)
    assert maker.submitted() == ["bid_1 1@91", "ask_1.3 1@93"]
    maker.fill_tag("ask_1")
    maker.tick(29)
    assert sorted(maker.orders()) == ["ask_1.2", "ask_1.3", "bid_1"]
    assert maker.sent == [], "the level does not move back to a slot that got free"


def test_it_goes_when_the_price_is_too_far() -> None:
    maker = hung(hanging_orders={"cancel_distance": "20%"})
    maker.book(84.1, 84.3)  # 101 / 84.2 = 1.1995
    maker.tick()
    assert maker.cancelled() == []
    maker.book(84, 84.2)
    maker.tick()
    assert maker.cancelled() == ["ask_1"]
    maker.tick()
    assert not [each for each in maker.submitted() if "@101" in each]


def test_its_fill_pauses_nothing_and_does_not_count() -> None:
    maker = hung(order_refresh_time="1h")
    maker.change(**SETTINGS, ping_pong=True)
    maker.fill_tag("ask_1")
    maker.tick()
    assert maker.pmm.memory.net_fills == 1
    assert maker.cancelled() == ["bid_1"], "one more was bought than sold"
    maker.change(**SETTINGS)
    maker.tick()
    assert maker.submitted() == ["bid_1 1@94"], "no pause"
    maker.fill_tag("ask_1.2")
    maker.tick()
    assert maker.pmm.memory.net_fills == 0
    assert not maker.pmm.memory.hanging


def test_renewal_places_what_is_left() -> None:
    maker = hung()
    maker.fill_tag("ask_1", "0.4")
    maker.tick(88)
    assert "ask_1" not in maker.cancelled()
    maker.tick(1)
    assert "ask_1" in maker.cancelled()
    maker.tick()
    assert "ask_1 0.6@101" in maker.submitted()
    maker.fill_tag("ask_1", "0.1")
    maker.tick(100)
    maker.tick()
    assert "ask_1 0.5@101" in maker.submitted()
    maker.fill_tag("ask_1")
    maker.tick()
    assert not maker.pmm.memory.hanging


def test_a_renewal_that_fills_between_two_ticks_is_over() -> None:
    maker = hung()
    maker.tick(89)
    maker.answering = False
    maker.tick()
    assert "ask_1 1@101" in maker.submitted()
    maker.fill_tag("ask_1")
    maker.tick()
    assert not maker.pmm.memory.hanging
    assert not [each for each in maker.submitted() if each.startswith("ask_1 ")]


def test_what_is_left_but_too_small_is_forgotten() -> None:
    maker = hung(rules={"quantity_min": "0.5"})
    maker.fill_tag("ask_1", "0.6")
    maker.tick(89)
    assert "ask_1" in maker.cancelled()
    maker.tick()
    assert not maker.pmm.memory.hanging


def test_its_funds_stay_reserved_also_while_it_is_renewed() -> None:
    maker = hung(balances={"BTC": "1", "USDT": 1000})  # 2 with what was bought
    maker.fill_tag("ask_1.2", "0.5")
    maker.tick(89)
    assert "ask_1" in maker.cancelled()
    maker.tick()
    assert "ask_1 1@101" in maker.submitted()
    asks = [each.quantity for tag, each in maker.executor()._quotes.items() if tag.startswith("ask")]
    assert sum(asks) == maker.state.portfolio.total("sim", "BTC") == d("1.5")


def test_a_bid_that_hangs_keeps_its_money_while_it_is_renewed() -> None:
    maker = Maker(**SETTINGS, balances={"BTC": 5, "USDT": 150})
    maker.tick()
    maker.fill_tag("ask_1")
    maker.tick()
    maker.tick(10)
    assert [terms(each) for tag, each in maker.orders().items() if tag == "bid_1"] == ["1@99"]
    maker.tick(89)
    maker.tick()
    assert "bid_1 1@99" in maker.submitted()
    held = sum(each.price * each.quantity for each in maker.executor()._quotes.values() if each.tag.startswith("bid"))
    assert held <= maker.state.portfolio.total("sim", "USDT")


def test_it_survives_a_restart_with_its_memory() -> None:
    maker = hung()
    again = PureMarketMaking("mm", config(**SETTINGS))
    again.memory = maker.pmm.memory
    maker.engine.controllers = (again,)
    del maker.state.executors["mm/quotes"]
    assert maker.tick() == []
    assert maker.shown() == ["ask_1 1@101", "ask_1.2 1@96", "bid_1 1@94"]
