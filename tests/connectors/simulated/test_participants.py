"""Makers and takers: the book they keep, the trades they make, and what they do to a stale quote."""

from collections.abc import Iterator
from decimal import Decimal
from math import sqrt
from random import Random
from statistics import fmean

import pytest

from connectors.simulated.listing import Print
from connectors.simulated.participants import PARETO_SPAN, bounded_pareto
from engine.model.enums import OrderStatus, OrderType, Side
from engine.model.request import SubmitOrder
from tests.connectors.simulated.venues import INSTRUMENT, Stage

SIGMAS = 4.5


def trades(stage: Stage, steps: int) -> Iterator[Print]:
    market, listing = stage.market, stage.listing
    for _ in range(steps):
        market.step(market.next_us, stage.exchange)
        stage.exchange.settle(listing)
        yield from listing.prints
        listing.prints.clear()


def test_the_opening_book_has_the_shape_of_the_scenario():
    stage = Stage(book={"spread": "4bps", "levels": "30", "depth": "12 BTC"}, price_deviation="0.2%")
    stage.step()
    bids, asks = stage.listing.levels(Side.BUY), stage.listing.levels(Side.SELL)
    assert (len(bids), len(asks)) == (30, 30)
    assert (bids[0][0], asks[0][0]) == (Decimal(59988), Decimal(60012))
    assert float(bids[-1][0]) == pytest.approx(60000 * 0.998, rel=2e-4)
    assert float(asks[-1][0]) == pytest.approx(60000 * 1.002, rel=2e-4)
    for side in (bids, asks):
        assert float(sum(quantity for _, quantity in side)) == pytest.approx(12, abs=12 * SIGMAS * 0.42 / sqrt(30))
    assert stage.listing.prints == []


def test_a_price_below_one_tick_still_has_a_bid_under_an_ask():
    stage = Stage(start_price="0.03", participants={"trade_rate": "0/s"})
    stage.step(5)
    assert (stage.listing.engine.best(Side.BUY), stage.listing.engine.best(Side.SELL)) == (1, 2)
    assert stage.listing.prints == []


@pytest.mark.parametrize("interval", ["1s", "100ms"])
def test_the_book_lives_around_the_fair_price(interval: str):
    stage = Stage(volatility="0.8", market_update_interval=interval, participants={"trade_rate": "0/s"})
    for _ in range(500):
        stage.step()
        book, fair = stage.listing.engine, stage.market.fair_price
        assert -1 <= book.best(Side.BUY) - fair * (1 - 0.00015) * 10 <= 1e-6  # rounded away from the fair price
        assert -1e-6 <= book.best(Side.SELL) - fair * (1 + 0.00015) * 10 <= 1
        assert len(book.live) == 40


def test_orders_that_traders_ate_come_back():
    stage = Stage(volatility="0", participants={"trade_rate": "20/s"})
    stage.step(300)
    quantities = [quantity for side in Side for _, quantity in stage.listing.levels(side)]
    assert len(stage.listing.engine.live) <= 40
    assert sum(quantities) > Decimal(8)
    stage.market.step(stage.market.next_us, stage.exchange)
    assert stage.listing.engine.best(Side.BUY) < stage.listing.engine.best(Side.SELL)


def test_few_orders_change_at_a_small_move():
    """The grid stands still: a step costs a few orders and not the whole book."""
    stage = Stage(volatility="0.6", participants={"trade_rate": "0/s"})
    stage.step(1)
    first = stage.listing.engine.add(Side.BUY, 1, 1).key
    stage.step(600)
    added = stage.listing.engine.add(Side.BUY, 1, 1).key - first
    assert added / 600 < 12


@pytest.mark.parametrize(("profile", "factor"), [("LOW", 0.3), ("NORMAL", 1.0), ("HIGH", 3.0)])
def test_takers_come_as_often_as_the_volume_profile_says(profile: str, factor: float):
    book = {"spread": "3bps", "depth": "100000"}  # deep: a trade is one print
    stage = Stage(volume_profile=profile, volatility="0", book=book)
    made = list(trades(stage, 3000))
    expected = 3000 * factor
    assert len(made) == pytest.approx(expected, abs=SIGMAS * sqrt(expected) + 1)
    buys = sum(trade.aggressor is Side.BUY for trade in made)
    assert buys == pytest.approx(len(made) / 2, abs=SIGMAS * sqrt(len(made) / 4))


def test_trade_sizes_have_the_mean_and_the_tail_that_were_asked_for():
    book = {"spread": "3bps", "depth": "100000"}
    stage = Stage(volatility="0", book=book, participants={"trade_rate": "5/s", "trade_size": "0.5", "tail": "1.5"})
    lots = [trade.lots for trade in trades(stage, 2000)]
    sizes = [number * 1e-5 for number in lots]
    mean, square = fmean(sizes), fmean(size * size for size in sizes)
    assert mean == pytest.approx(0.5, abs=SIGMAS * sqrt(square / len(sizes)))
    assert max(sizes) / min(sizes) <= PARETO_SPAN * 1.001
    smallest = min(sizes)
    share = sum(size > 4 * smallest for size in sizes) / len(sizes)
    expected = (4**-1.5 - PARETO_SPAN**-1.5) / (1 - PARETO_SPAN**-1.5)
    assert share == pytest.approx(expected, abs=SIGMAS * sqrt(expected / len(sizes)))


@pytest.mark.parametrize("tail", [0.8, 1.0, 1.5, 2.5])
def test_the_bounded_pareto_law_has_its_mean(tail: float):
    chance = Random(tail)
    sizes = [bounded_pareto(chance, 2.0, tail) for _ in range(40_000)]
    deviation = sqrt(fmean((size - 2.0) ** 2 for size in sizes) / len(sizes))
    assert fmean(sizes) == pytest.approx(2.0, abs=SIGMAS * deviation)
    assert max(sizes) / min(sizes) <= PARETO_SPAN


def test_takers_do_not_reach_for_far_quotes():
    stage = Stage(model="brownian", volatility="0", participants={"trade_rate": "50/s"})
    stage.step(2)
    far = stage.listing.engine.add(Side.SELL, 700_000, 1)
    for trade in trades(stage, 100):
        assert 599_400 - 1 <= trade.ticks <= 600_600 + 1
    assert far.is_live


def test_a_stale_quote_is_taken_and_the_ledger_balances():
    stage = Stage(volatility="0.1", model="brownian", events=[{"at": "5s", "inject": "jump", "size": "1%"}])
    account = stage.exchange.open_account("us", {"BTC": Decimal(1), "USDT": Decimal(1000)})
    stage.step()
    request = SubmitOrder("q1", INSTRUMENT.instrument_id, Side.SELL, OrderType.LIMIT, Decimal("0.5"), Decimal(60030))
    order = stage.exchange.submit(account, request)
    assert order.state.status is OrderStatus.OPEN
    stage.step(6)
    assert order.state.status is OrderStatus.FILLED
    fills = stage.exchange.trades(account, INSTRUMENT.instrument_id)
    assert {fill.price for fill in fills} == {Decimal(60030)}
    assert sum(fill.quantity for fill in fills) == Decimal("0.5")
    assert stage.exchange.ledger.sum("BTC") == 1
    assert stage.exchange.ledger.sum("USDT") == 1000


def test_a_fraction_of_a_tick_still_makes_a_book():
    """A price of few ticks: levels collapse onto each other but never cross."""
    stage = Stage(start_price="0.5", volatility="3", book={"spread": "1bps"}, participants={"trade_rate": "5/s"})
    for _ in range(200):
        stage.step()
        book = stage.listing.engine
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert not (bid and ask) or 1 <= bid < ask
