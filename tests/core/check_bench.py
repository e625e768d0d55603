"""The pre-trade checks with everything that they look at, for tests."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.core.check_rules import Context
from engine.core.checks import PreTradeChecks
from engine.core.circuit import SlotCircuits
from engine.core.halt import Halt
from engine.core.limits import RiskLimits
from engine.core.portfolio import Portfolio
from engine.model.enums import InstrumentKind, OrderType, Phase, Side
from engine.model.instrument import Instrument
from engine.model.order import Order
from engine.model.quote import Refused
from engine.model.request import AmendOrder, CancelOrder, SubmitOrder

D = Decimal
SPOT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", D("0.1"), D("0.01"), D("0.01"), notional_min=D(5))
PERP = Instrument(
    "sim:BTC-USDT-PERP",
    "sim",
    "BTC-USDT-PERP",
    "BTC",
    "USDT",
    D("0.1"),
    D(1),
    D(1),
    kind=InstrumentKind.PERPETUAL,
    settle="USDT",
    contract_size=D("0.1"),
    leverage=D(5),
)
INVERSE = Instrument(
    "sim:BTC-USD-PERP",
    "sim",
    "BTC-USD-PERP",
    "BTC",
    "USD",
    D("0.5"),
    D(1),
    D(1),
    kind=InstrumentKind.PERPETUAL,
    settle="BTC",
    contract_size=D(100),
    leverage=D(5),
)
FAR = replace(SPOT, instrument_id="far:BTC-USDT", venue="far")
MID = D(100)
INSTRUMENTS = {each.instrument_id: each for each in (SPOT, PERP, INVERSE, FAR)}


class Bench:
    """The checks with everything that they look at: mid 100, 10 BTC, 10,000 USDT."""

    def __init__(self, limits: RiskLimits | None = None, mid: Decimal | None = MID) -> None:
        self.mid = mid
        self.orders: dict[str, Order] = {}
        self.portfolio = Portfolio(INSTRUMENTS, self.price)
        self.portfolio.open("sim", {"BTC": D(10), "USDT": D(10_000)})
        self.halt = Halt(RiskLimits(), "bot", "USDT")
        self.circuits = SlotCircuits()
        context = Context(self.portfolio, self.halt, self.circuits, self.slot, self.strategy_of, "USDT")
        self.checks = PreTradeChecks(context, self.orders.get, self.price, limits or RiskLimits())

    def price(self, instrument_id: str) -> Decimal | None:
        return self.mid

    def slot(self, owner: str, instrument_id: str, tag: str) -> Order | None:
        wanted = (owner, instrument_id, tag)
        return next((o for o in self.orders.values() if (o.owner, o.instrument_id, o.tag) == wanted), None)

    def strategy_of(self, owner: str) -> str:
        return owner.partition("/")[0]

    def rests(self, side: Side = Side.BUY, price: str = "90", quantity: str = "1", **more: Any) -> Order:
        """An order of ours that is in the book."""
        fields: dict[str, Any] = {
            "client_order_id": f"o{len(self.orders)}",
            "instrument_id": SPOT.instrument_id,
            "side": side,
            "order_type": OrderType.LIMIT,
            "quantity": D(quantity),
            "price": D(price),
            "owner": "mm/q",
            "tag": f"rest_{len(self.orders)}",
            "phase": Phase.LIVE,
        }
        placed = Order(**(fields | more))
        self.orders[placed.client_order_id] = placed
        self.portfolio.follow(placed)
        return placed

    def check(self, request: SubmitOrder | CancelOrder | AmendOrder, now_us: int = 1_000_000_000) -> Refused | None:
        return self.checks.check(request, now_us)


def submit(
    side: Side = Side.BUY, price: str | None = "100", quantity: str = "1", instrument: Instrument = SPOT, **more: Any
) -> SubmitOrder:
    fields: dict[str, Any] = {
        "client_order_id": "new",
        "instrument_id": instrument.instrument_id,
        "side": side,
        "order_type": OrderType.LIMIT if price else OrderType.MARKET,
        "quantity": D(quantity),
        "price": D(price) if price else None,
        "owner": "mm/q",
        "tag": "bid_1",
    }
    return SubmitOrder(**(fields | more))
