"""Busted and corrected trades: the money goes back, and a second time nothing happens."""

from decimal import Decimal

import pytest

from connectors.simulated.book_order import SelfTrade
from connectors.simulated.corrections import correct
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import OrderType, Side
from engine.model.request import SubmitOrder
from tests.connectors.simulated.builders import BTC, instrument, money

D = Decimal


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("left", "share"), [("0", "0"), ("0.5", "0.25")])
def test_what_is_taken_back_is_as_if_it_had_not_been(side: Side, left: str, share: str) -> None:
    exchange = SimulatedExchange("sim", [instrument(taker_rate=D("0.001"), maker_rate=D("0.001"))])
    account = exchange.open_account("bot", money(BTC=10, USDT=10_000))
    listing = exchange.listing(BTC)
    listing.engine.set_level(side.opposite, listing.ticks(D(100)), listing.lots(D(5)))
    exchange.submit(account, SubmitOrder("c1", BTC, side, OrderType.LIMIT, D(2), D(100)))
    (fill,) = exchange.trades(account, BTC)
    made = correct(exchange.ledger, listing, account.number, fill, D(left))
    assert made is not None
    assert (made.quantity, made.told, made.fee) == (D(left), 2, fill.fee if D(left) else 0)
    base, sign = D(2) * D(share), 1 if side is Side.BUY else -1
    assert exchange.balance(account, "BTC").total == 10 + sign * base
    assert exchange.balance(account, "USDT").total == 10_000 - sign * base * 100 - made.fee
    assert exchange.ledger.sum("BTC") == 10
    assert correct(exchange.ledger, listing, account.number, fill, D(0)) is None


def test_a_trade_with_ourselves_is_left_alone() -> None:
    exchange = SimulatedExchange("sim", [instrument()])
    account = exchange.open_account("bot", money(BTC=10, USDT=10_000), self_trade=SelfTrade.NONE)
    for side in Side:
        exchange.submit(account, SubmitOrder(f"c{side}", BTC, side, OrderType.LIMIT, D(1), D(100)))
    fills = exchange.trades(account, BTC)
    assert len(fills) == 2
    assert correct(exchange.ledger, exchange.listing(BTC), account.number, fills[0], D(0)) is None
