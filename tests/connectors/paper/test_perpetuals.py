"""Perpetuals on paper: margin, funding, and the end of positions that cannot be kept."""

from decimal import Decimal

from msgspec.structs import replace as changed

from connectors.paper.venue import PaperVenue
from connectors.paper.words import BID, FUNDING, MARK
from engine.model.account import Balance
from engine.model.enums import InstrumentKind, OrderStatus, Side
from engine.model.event import AccountSnapshot, OrderUpdate, TransferSeen
from engine.model.fill import Fill
from engine.model.market import FundingRate, MarkPrice
from engine.model.order import is_liquidation
from engine.model.request import FetchBalances, LookupOrder
from tests.connectors.paper.markets import Row
from tests.connectors.paper.test_venue import ask, kinds, order, spot, venue_of

PERPETUAL = spot(
    "paper:BTC-USDT-PERP", kind=InstrumentKind.PERPETUAL, settle="USDT", margin_maintenance_rate=Decimal("0.05")
)


def perpetual(*rows: Row, leverage: int = 10) -> PaperVenue:
    return venue_of(*rows, instrument=PERPETUAL, balances={"USDT": Decimal(10)}, leverage=leverage)


def test_perpetuals_tie_up_margin_and_pay_funding() -> None:
    venue = perpetual((3, MARK, 102, 0), (4, FUNDING, 0, 1_000_000), (5, BID, 98, 1))
    long = changed(order("A", Side.BUY, "0.030", "50.5"), instrument_id=PERPETUAL.instrument_id)
    ask(venue, long)
    margin = Decimal("0.030") * Decimal("50.5") / 10
    fee = Decimal("0.030") * Decimal("50.5") * PERPETUAL.taker_rate
    assert venue.ledger.available("USDT") == 10 - margin - fee
    told = [*venue.advance(5)]
    assert kinds(told) == [MarkPrice, FundingRate, TransferSeen, Balance]
    (paid,) = [each for each in told if isinstance(each, TransferSeen)]
    assert (paid.amount, paid.kind) == (Decimal("-0.030") * 51 * Decimal("0.001"), "funding")
    assert venue.ledger.totals["USDT"] == 10 - fee + paid.amount
    (snapshot,) = ask(venue, FetchBalances("paper"))
    assert isinstance(snapshot, AccountSnapshot)
    assert [position.quantity for position in snapshot.positions or ()] == [Decimal("0.030")]
    short = changed(
        long, client_order_id="B", side=Side.SELL, price=Decimal("49.5"), quantity=Decimal("0.010"), reduce_only=True
    )
    assert kinds(ask(venue, short))[:2] == [OrderStatus.OPEN, Fill]
    assert venue.ledger.markets[PERPETUAL.instrument_id].position.realized == Decimal("-0.010")


def test_liquidation() -> None:
    """Prices in 0.5: 0.070 with 0.5 behind them are kept at a mark of 47, liquidated at 45, and bankrupt at 44."""
    venue = perpetual((3, MARK, 94, 0), (5, MARK, 90, 0), (6, BID, 39, 1), leverage=10)
    much = changed(order("A", Side.BUY, "0.070", None), instrument_id=PERPETUAL.instrument_id)
    venue.ledger.totals["USDT"] = Decimal("0.500")
    ask(venue, much, changed(order("B", Side.BUY, "0.001", "20"), instrument_id=PERPETUAL.instrument_id))
    assert [position.liquidation_price is None for position in venue.ledger.positions()] == [False]
    assert not [each for each in venue.advance(4) if isinstance(each, Fill)]
    left, held = venue.ledger.totals["USDT"], venue.ledger.markets[PERPETUAL.instrument_id].position
    value = held.cost
    told = [*venue.advance(6)]
    (end,) = [each for each in told if isinstance(each, Fill)]
    assert is_liquidation(end.client_order_id)
    assert (end.side, end.price, end.quantity) == (Side.SELL, Decimal(45), Decimal("0.070"))
    assert end.fee == Decimal("0.070") * 45 * Decimal("0.005")
    assert venue.ledger.totals["USDT"] == left + Decimal("0.070") * 45 - value - end.fee > 0
    (update,) = [each for each in told if isinstance(each, OrderUpdate) and each.client_order_id == end.client_order_id]
    assert (update.status, update.quantity, update.reason) == (OrderStatus.FILLED, Decimal("0.070"), "liquidation")
    assert not venue.orders.open
    assert held.quantity == 0
    (found,) = ask(venue, LookupOrder(end.client_order_id, end.venue_order_id, PERPETUAL.instrument_id))
    assert isinstance(found, OrderUpdate)
    assert found.status is OrderStatus.FILLED


def test_nobody_loses_more_than_he_has() -> None:
    """The mark falls through the price at which nothing is left: that is the price, without a fee."""
    venue = perpetual((3, MARK, 100, 0), (5, MARK, 40, 0), (6, BID, 39, 1), leverage=10)
    venue.ledger.totals["USDT"] = Decimal("0.500")
    ask(venue, changed(order("A", Side.BUY, "0.070", None), instrument_id=PERPETUAL.instrument_id))
    (end,) = [each for each in venue.advance(6) if isinstance(each, Fill)]
    assert (end.price, end.fee) == (Decimal(44), Decimal(0))
    assert 0 <= venue.ledger.totals["USDT"] < Decimal("0.070") * Decimal("0.5")
