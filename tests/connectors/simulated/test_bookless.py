"""Fills by chance around a fair price."""

from decimal import Decimal
from random import Random

from connectors.simulated.bookless import BooklessMarket
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.enums import OrderType, Side
from tests.connectors.simulated.builders import BTC, instrument, money, order


def market(
    probability: float, fair: dict[int, int], impact: str = "0.05"
) -> tuple[BooklessMarket, SimulatedExchange, Account]:
    exchange = SimulatedExchange("sim", [instrument()])
    account = exchange.open_account("us", money(USDT=100_000, BTC=100))
    made = BooklessMarket(
        BTC,
        lambda now_us: Decimal(fair[now_us]),
        interval_us=10,
        depth=Decimal(50),
        execution_probability=probability,
        price_impact=Decimal(impact),
        chance=Random(1),
    )
    return made, exchange, account


def step(made: BooklessMarket, exchange: SimulatedExchange) -> None:
    exchange.advance(made.next_us)
    made.step(made.next_us, exchange)
    exchange.settle_all()


def test_market_orders_fill_at_the_impact() -> None:
    made, exchange, account = market(1.0, {0: 100, 10: 101})
    step(made, exchange)
    bought = exchange.submit(account, order("a", Side.BUY, 20))
    sold = exchange.submit(account, order("b", Side.SELL, 50))
    assert (bought.state.cost, sold.state.cost) == (20 * 105, 50 * 95)
    assert exchange.listing(BTC).engine.best(Side.BUY) == 0
    step(made, exchange)
    engine = exchange.listing(BTC).engine
    assert (engine.depth(Side.BUY, 9), engine.depth(Side.SELL, 9)) == ([(95, 50)], [(107, 50)])


def test_a_resting_order_fills_when_the_fair_price_reaches_it() -> None:
    made, exchange, account = market(1.0, {0: 100, 10: 98, 20: 97, 30: 103})
    step(made, exchange)
    bid = exchange.submit(account, order("a", Side.BUY, 3, 97))
    ask = exchange.submit(account, order("b", Side.SELL, 3, 103))
    stop = exchange.submit(account, order("s", Side.SELL, 1, order_type=OrderType.STOP_MARKET, stop_price=Decimal(90)))
    step(made, exchange)
    assert bid.is_open
    step(made, exchange)
    assert (bid.state.filled, bid.state.cost, ask.is_open) == (3, 3 * 97, True)
    step(made, exchange)
    assert (ask.state.filled, stop.is_open) == (3, True)


def test_the_probability_is_that_of_a_step_and_the_book_never_crosses_a_passed_over_order() -> None:
    fair = dict.fromkeys(range(0, 20_010, 10), 99) | {0: 110}
    made, exchange, account = market(0.25, fair, impact="0")
    step(made, exchange)
    filled = 0
    for number in range(2000):
        bid = exchange.lookup(account, BTC, f"c{number - 1}")
        if bid is None or not bid.is_open:
            exchange.submit(account, order(f"c{number}", Side.BUY, 1, 99))
            filled += 1
        else:
            exchange.cancel(account, BTC, f"c{number - 1}")
            exchange.submit(account, order(f"c{number}", Side.BUY, 1, 99))
        step(made, exchange)
        engine = exchange.listing(BTC).engine
        assert 0 < engine.best(Side.BUY) < engine.best(Side.SELL)
    assert 430 < filled < 570
