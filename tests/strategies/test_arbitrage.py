"""Arbitrage on the real engine: how far two books are taken, and what becomes of a leg that fails."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.enums import OrderStatus
from engine.model.money import ONE, ZERO
from engine.model.request import SubmitOrder
from strategies.arbitrage import Arbitrage, walk
from tests.desk import Desk, d, instrument

A, B = "a:BTC-USDT", "b:BTC-USDT"
KEYS = {
    "markets": [{"exchange": "a", "trading_pair": "BTC-USDT"}, {"exchange": "b", "trading_pair": "BTC-USDT"}],
    "order_amount": "1",
    "min_profitability": "0.1%",
    "slippage_buffer": "0%",
}


def desk(**keys: object) -> Desk:
    rules = {"taker_rate": "0.001", "notional_min": "5"}
    strategy = Arbitrage("arb", Arbitrage.Config(**{**KEYS, **keys}))
    made = Desk(strategy, instruments=[instrument(A, **rules), instrument(B, **rules)], balances={})
    made.answering = False
    for venue in ("a", "b"):
        made.balances(venue, BTC=10, USDT=10_000)
    books(made)
    made.tick()
    return made


def books(made: Desk, a: tuple[object, object] = (100, 100.5), b: tuple[object, object] = (100, 100.5)) -> None:
    made.book(*a, instrument_id=A)
    made.book(*b, instrument_id=B)


def sent(made: Desk) -> list[str]:
    found = [each for each in made.sent if isinstance(each, SubmitOrder) and each.price is not None]
    return [f"{each.side} {each.quantity.normalize():f}@{each.price} {each.instrument_id[0]}" for each in found]


def finish(made: Desk, market: str, quantity: object) -> None:
    [order] = made.state.orders.active(instrument_id=market)
    if d(quantity):
        made.fill(order, quantity)
    made.update(order, OrderStatus.FILLED if not order.remaining else OrderStatus.CANCELED)


def test_takes_a_difference_that_pays_and_rests_afterwards() -> None:
    made = desk()
    made.tick()
    assert sent(made) == []
    assert made.engine.controllers[0].explain() == "no difference that pays"  # type: ignore[attr-defined]
    books(made, b=(101, 101.5))
    made.tick()
    assert sent(made) == ["BUY 1@100.5 a", "SELL 1@101.0 b"]
    finish(made, A, 1)
    finish(made, B, 1)
    made.tick(4)
    assert sent(made) == []
    books(made, a=(102, 103), b=(100, 100.5))
    made.tick()
    assert sent(made) == ["BUY 1@100.5 b", "SELL 1@102.0 a"]


def test_arbitrage_leg_failure_is_balanced() -> None:
    """The sale is rejected: what was bought is sold where it brings most, at the next tick, until nothing is left."""
    made = desk()
    books(made, b=(101, 101.5))
    made.tick()
    [sale] = made.state.orders.active(instrument_id=B)
    finish(made, A, 1)
    made.reject(sale, "halted")
    books(made, a=(100, 100.5), b=(99, 99.5))
    made.tick()
    assert sent(made) == ["SELL 1@100.0 a"]
    finish(made, A, "0.7")
    made.tick()
    assert sent(made) == ["SELL 0.3@100.0 a"]
    finish(made, A, "0.3")
    made.tick()
    position = made.state.portfolio.position
    assert position(A, "arb/pair") + position(B, "arb/pair") == 0


def test_nothing_new_while_a_pair_is_open() -> None:
    made = desk(cooldown="0s")
    books(made, b=(101, 101.5))
    made.tick()
    assert len(sent(made)) == 2
    finish(made, A, 1)
    for _ in range(3):
        made.tick()
        assert sent(made) == []
    finish(made, B, 1)
    made.tick()
    assert sent(made) == ["BUY 1@100.5 a", "SELL 1@101.0 b"]


def test_books_that_lie_apart_in_time_are_not_compared() -> None:
    made = desk(skew_max="500ms")
    made.book(101, 101.5, instrument_id=B)
    made.tick()
    assert sent(made) == []
    made.book(100, 100.5, instrument_id=A)
    made.book(101, 101.5, instrument_id=B)
    made.tick()
    assert len(sent(made)) == 2


@pytest.mark.parametrize(
    ("keys", "balances", "quantity"),
    [
        ({"order_amount": "200 USDT"}, {}, "1.99"),
        ({"order_amount": "9"}, {"USDT": 250}, "2.485"),
        ({"order_amount": "9"}, {"BTC": "0.25"}, "0.25"),
        ({"order_amount": "9"}, {"BTC": "0.04"}, ""),
    ],
    ids=["in quote", "funds of the buyer", "funds of the seller", "too small"],
)
def test_sizes(keys: dict[str, object], balances: dict[str, object], quantity: str) -> None:
    made = desk(**keys)
    for venue, asset in (("a", "USDT"), ("b", "BTC")):
        if asset in balances:
            made.state.portfolio.account(venue, asset).total = d(balances[asset])
    books(made, b=(101, 101.5))
    made.tick()
    assert sent(made) == ([f"BUY {quantity}@100.5 a", f"SELL {quantity}@101.0 b"] if quantity else [])


def test_one_sided_and_stale_books() -> None:
    made = desk()
    made.book(None, 100, instrument_id=A)
    made.book(102, None, instrument_id=B)
    made.tick()
    assert sent(made) == ["BUY 1@100.0 a", "SELL 1@102.0 b"]
    made = desk()
    made.book(100, None, instrument_id=A)
    made.book(102, 103, instrument_id=B)
    made.tick()
    assert sent(made) == []


LEVELS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=6)


@given(LEVELS, LEVELS, st.integers(0, 5), st.integers(1, 60))
def test_walk_takes_exactly_the_units_that_pay(
    offers: list[tuple[int, int]], wishes: list[tuple[int, int]], least: int, most: int
) -> None:
    """Beside the naive way: all units of both sides one by one."""
    asks = sorted((Decimal(price + 80), Decimal(size)) for price, size in dict(offers).items())
    bids = sorted(((Decimal(price + 80), Decimal(size)) for price, size in dict(wishes).items()), reverse=True)
    costs, worth, margin = Decimal("1.002"), Decimal("0.999"), Decimal(least) / 100
    pairs = zip(
        [price for price, size in asks for _ in range(int(size))],
        [price for price, size in bids for _ in range(int(size))],
        strict=False,
    )
    paying = [(ask, bid) for ask, bid in pairs if bid * worth / (ask * costs) - ONE >= margin][:most]
    walked = walk(asks, bids, costs, worth, margin, Decimal(most))
    assert walked.quantity == len(paying)
    assert walked.profit == sum((bid * worth - ask * costs for ask, bid in paying), ZERO)
    if paying:
        assert (walked.ask, walked.bid) == paying[-1]


def test_at_least_two_markets() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Arbitrage.Config(**{**KEYS, "markets": KEYS["markets"][:1]})  # type: ignore[index]
