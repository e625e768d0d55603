"""What users of other bots reported about paper trading and backtests, asked of this venue. Named after the issues."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from connectors.paper.build import FillRules, build_venue
from connectors.paper.latency import Latency, constant
from connectors.paper.venue import PaperVenue
from connectors.paper.words import ASK, BID, BUY_TRADE, CLEAR, SELL_TRADE
from engine.model.enums import Liquidity, OrderStatus, OrderType, Side
from engine.model.event import Event, OrderUpdate, RequestFailed
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.request import CancelOrder, SubmitOrder
from tests.connectors.paper.markets import Row, candle_rows, rows_of

NAME = "paper:ETH-USDT"
INSTRUMENT = Instrument(
    instrument_id=NAME,
    venue="paper",
    symbol="ETH-USDT",
    base="ETH",
    quote="USDT",
    price_step=Decimal("0.5"),
    quantity_step=Decimal("0.0001"),
    maker_rate=Decimal("0.001"),
    taker_rate=Decimal("0.001"),
)
QUEUE: list[Row] = [(1, CLEAR, 0, 0), (1, BID, 199, 200_000), (1, ASK, 211, 5_000_000)]  # 20 at 99.5, 500 at 105.5
NOW = Latency(0, constant(0), constant(0))
RICH = {"USDT": Decimal(1_000_000), "ETH": Decimal(1_000)}


def venue_of(*rows: Row, balances: dict[str, Decimal] | None = None) -> PaperVenue:
    """After the first book."""
    venue = build_venue("paper", [(INSTRUMENT, rows_of([*QUEUE, *rows]))], balances or RICH, NOW, 0)
    venue.advance(1)
    return venue


def order(side: Side, quantity: str, price: str, *, post_only: bool = False) -> SubmitOrder:
    return SubmitOrder(
        "A", NAME, side, OrderType.LIMIT, Decimal(quantity), Decimal(price), post_only=post_only, owner="x", tag="y"
    )


def filled(events: Sequence[Event]) -> list[tuple[Decimal, Decimal, Liquidity]]:
    return [(each.price, each.quantity, each.liquidity) for each in events if isinstance(each, Fill)]


def statuses(events: Sequence[Event]) -> list[tuple[OrderStatus, str]]:
    return [(each.status, each.reason) for each in events if isinstance(each, OrderUpdate)]


def test_hummingbot_1762_a_tiny_trade_does_not_fill_a_large_order() -> None:
    """Paper trading filled an order of 500 by a trade of 0.0001."""
    venue = venue_of((10, SELL_TRADE, 199, 1), (20, SELL_TRADE, 198, 1))
    venue.send(order(Side.BUY, "500", "99.5"))
    assert filled(venue.advance(15)) == []
    assert filled(venue.advance(25)) == [(Decimal("99.5"), Decimal("0.0001"), Liquidity.MAKER)], "through our price"


def test_hummingbot_5440_a_trade_at_our_price_fills_once_the_queue_is_gone() -> None:
    """Paper orders were filled only by prices beyond theirs, never at them."""
    venue = venue_of((10, SELL_TRADE, 199, 150_000), (20, SELL_TRADE, 199, 50_000), (30, SELL_TRADE, 199, 70_000))
    venue.send(order(Side.BUY, "500", "99.5"))
    assert filled(venue.advance(25)) == [], "20 were ahead"
    assert filled(venue.advance(35)) == [(Decimal("99.5"), Decimal("7.0000"), Liquidity.MAKER)]


def test_hummingbot_4877_orders_fill_in_parts() -> None:
    """Backtests and paper trading filled every order completely."""
    venue = venue_of((10, SELL_TRADE, 198, 30_000), (20, SELL_TRADE, 198, 20_000), (30, SELL_TRADE, 198, 90_000))
    venue.send(order(Side.BUY, "10", "99.5"))
    assert [quantity for _, quantity, _ in filled(venue.advance(40))] == [Decimal(3), Decimal(2), Decimal(5)]


def test_hummingbot_5318_a_post_only_order_that_would_take_is_rejected_and_leaves_no_ghost() -> None:
    venue = venue_of((10, BUY_TRADE, 212, 10))
    venue.send(order(Side.BUY, "1", "106", post_only=True))
    assert statuses(venue.advance(5)) == [(OrderStatus.REJECTED, "rejected:would_take")]
    assert not venue.orders.open
    venue.send(CancelOrder("A", NAME))
    told = venue.advance(20)
    assert filled(told) == []
    assert [each.code for each in told if isinstance(each, RequestFailed)] == ["unknown_order"]


@pytest.mark.parametrize(
    ("side", "quantity", "price", "balances"),
    [(Side.BUY, "10", "105", {"USDT": Decimal(100)}), (Side.SELL, "2", "105", {"ETH": Decimal("1.9999")})],
    ids=["buy", "sell"],
)
def test_hummingbot_3024_an_order_without_the_money_for_it_is_rejected(
    side: Side, quantity: str, price: str, balances: dict[str, Decimal]
) -> None:
    venue = venue_of(balances=balances)
    venue.send(order(side, quantity, price))
    assert statuses(venue.advance(5)) == [(OrderStatus.REJECTED, "rejected:insufficient_balance")]


def test_nautilus_2564_liquidity_that_was_taken_is_gone() -> None:
    """The same displayed quantity filled order after order."""
    venue = venue_of((10, ASK, 211, 5_000_000))
    venue.send(order(Side.BUY, "400", "105.5"))
    assert [quantity for _, quantity, _ in filled(venue.advance(5))] == [Decimal(400)]
    venue.send(order(Side.BUY, "400", "105.5"))
    assert [quantity for _, quantity, _ in filled(venue.advance(6))] == [Decimal(100)], "500 were shown"


def test_hummingbot_8142_a_decision_on_a_close_is_not_filled_at_that_close() -> None:
    """Entries of a backtest had the price of the candle that they were decided on."""
    columns = [np.array(each) for each in ((200, 220), (230, 224), (190, 216), (228, 218), (10**7, 10**7))]
    rules = FillRules(half_spread=Decimal(0), slippage=Decimal(0))
    rows = candle_rows(60, np.array([0, 60]), *columns)
    venue = build_venue("paper", [(INSTRUMENT, rows)], RICH, NOW, 0, rules)
    venue.advance(60)
    venue.send(SubmitOrder("A", NAME, Side.BUY, OrderType.MARKET, Decimal(1), owner="x", tag="y"))
    assert filled(venue.advance(120)) == [(Decimal(110), Decimal(1), Liquidity.TAKER)], "the next open"
