"""A recorded market through the whole simulated connector: latencies, a trader, its books and its money."""

from collections import Counter
from decimal import Decimal

from connectors.binance.parse import MarketDataParser
from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.market import NEVER_US
from connectors.simulated.replay import ReplayMarket
from connectors.simulated.venue import SimulatedExchange
from engine.core.books import BookTracker
from engine.model.enums import Liquidity, OrderType, Side
from engine.model.event import BadMessageSeen, Fill, OrderUpdate
from engine.model.instrument import Instrument
from engine.model.market import BookDelta, BookSnapshot
from engine.model.money import ZERO
from engine.model.request import CancelAll, SubmitOrder
from tests.support import shared

MARKET = "binance:BTC-USDT"
SECOND_US = 1_000_000
MAKER_RATE = Decimal("0.0002")


def test_quoting_through_a_recording() -> None:
    """Quotes at the touch, replaced every second: the book stays good to the end, and every fill is in the balances."""
    path = shared("data/l2/binance_usdm_btcusdt_20240718.raw.gz")
    market = ReplayMarket(MARKET, [path], MarketDataParser({"BTCUSDT": MARKET}))
    instrument = Instrument(
        MARKET, "binance", "BTC-USDT", "BTC", "USDT", market.price_step, market.quantity_step, maker_rate=MAKER_RATE
    )
    exchange = SimulatedExchange("binance", [instrument])
    start = {"BTC": Decimal(10), "USDT": Decimal(1_000_000)}
    account = exchange.open_account("we", start)
    now_us = market.next_us
    connector = SimulatedConnector(
        exchange, account, [market], start_us=now_us, feed_us=20_000, entry_us=20_000, response_us=20_000
    )
    books = BookTracker([MARKET])
    book = books.book(MARKET)
    kinds: Counter[str] = Counter()
    fills: list[Fill] = []
    while not connector.finished:
        now_us += SECOND_US
        for event in connector.advance(now_us):
            kinds[type(event).__name__] += 1
            if isinstance(event, BookDelta | BookSnapshot):
                books.apply(event)
            elif isinstance(event, Fill):
                fills.append(event)
        assert books.tick(now_us) == []
        assert book.stale == ""
        assert book.best_bid is not None
        assert book.best_ask is not None
        if market.next_us == NEVER_US:
            continue
        connector.send(CancelAll("binance", MARKET))
        for side, price in ((Side.BUY, book.best_bid), (Side.SELL, book.best_ask)):
            order_id = f"{side}{now_us}"
            connector.send(SubmitOrder(order_id, MARKET, side, OrderType.LIMIT, Decimal("0.1"), price, post_only=True))
    assert kinds["BookDelta"] > 3_000
    assert kinds["PublicTrade"] > 900
    assert kinds[OrderUpdate.__name__] > 300
    assert kinds[BadMessageSeen.__name__] == market.bad == market.gaps == 0
    assert len(fills) > 10
    assert {fill.liquidity for fill in fills} == {Liquidity.MAKER}
    bought = sum((fill.quantity if fill.side is Side.BUY else -fill.quantity for fill in fills), ZERO)
    spent = sum((fill.price * (fill.quantity if fill.side is Side.BUY else -fill.quantity) for fill in fills), ZERO)
    fees = sum((fill.price * fill.quantity * MAKER_RATE for fill in fills), ZERO)
    assert sum((fill.fee for fill in fills), ZERO) == fees
    ledger, number = exchange.ledger, account.number
    assert ledger.total(number, "BTC") == start["BTC"] + bought
    assert ledger.total(number, "USDT") == start["USDT"] - spent - fees
