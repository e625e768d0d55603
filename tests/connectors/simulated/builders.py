"""A small venue for tests: prices in 1, quantities in 1, so that every figure can be checked by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.simulated.market import NEVER_US
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import OrderType, Side
from engine.model.instrument import Instrument
from engine.model.request import SubmitOrder

BTC = "sim:BTC-USDT"
ETH = "sim:ETH-USDT"


def instrument(instrument_id: str = BTC, **fields: Any) -> Instrument:
    venue, _, symbol = instrument_id.partition(":")
    base, quote = symbol.split("-")
    steps = {"price_step": Decimal(1), "quantity_step": Decimal(1)}
    return Instrument(instrument_id, venue, symbol, base, quote, **(steps | fields))


def order(
    client_order_id: str, side: Side, quantity: int | str, price: int | str | None = None, **fields: Any
) -> SubmitOrder:
    """A LIMIT order, MARKET without a price."""
    kind = fields.pop("order_type", OrderType.MARKET if price is None else OrderType.LIMIT)
    limit = None if price is None else Decimal(price)
    return SubmitOrder(
        client_order_id, fields.pop("instrument_id", BTC), side, kind, Decimal(quantity), limit, **fields
    )


def money(**amounts: int | str) -> dict[str, Decimal]:
    return {asset: Decimal(amount) for asset, amount in amounts.items()}


class ScriptedMarket:
    """Plays (time, action) pairs in order."""

    def __init__(self, *steps: tuple[int, Callable[[SimulatedExchange], object]]) -> None:
        self._steps = list(steps)

    @property
    def next_us(self) -> int:
        return self._steps[0][0] if self._steps else NEVER_US

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        due_us, action = self._steps.pop(0)
        assert due_us == now_us
        action(exchange)


def quotes(bid: int, ask: int, lots: int = 100, instrument_id: str = BTC) -> Callable[[SimulatedExchange], object]:
    """An opening book of one level a side."""

    def lay_out(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(instrument_id).engine
        engine.add(Side.BUY, bid, lots)
        engine.add(Side.SELL, ask, lots)

    return lay_out
