"""A trading desk fed by hand: the real engine with one or two markets, strategies and executors at work, no venue.

Orders are acknowledged, cancelled and amended between two ticks unless `answering` is off. Times are seconds.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.core.engine import Engine, Settings
from engine.core.limits import RiskLimits
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.account import Balance
from engine.model.enums import Action as Asked
from engine.model.enums import Channel, Health, Liquidity, OrderStatus, Outcome, Side, UpdateSource
from engine.model.event import AccountSnapshot, ConnectorStatus, OrderUpdate, RequestFailed, RequestSent
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BookSnapshot, PublicTrade
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.quote import Quote
from engine.model.request import AmendOrder, CancelOrder, OrderRequest, SubmitOrder

BTC = "sim:BTC-USDT"
START_US = 1_700_000_000 * SECOND_US


def d(value: object) -> Decimal:
    return Decimal(str(value))


def terms(order: Order | SubmitOrder | Quote) -> str:
    """`0.1@99.9`, without trailing zeros."""
    assert order.quantity is not None
    assert order.price is not None
    return f"{order.quantity.normalize():f}@{order.price.normalize():f}"


def instrument(instrument_id: str = BTC, **rules: object) -> Instrument:
    """Prices in 0.1, quantities in 0.001; fees 0."""
    venue, _, symbol = instrument_id.partition(":")
    base, quote = symbol.split("-")[:2]
    values = {"price_step": "0.1", "quantity_step": "0.001", **rules}
    exact: Any = {
        name: d(value) if isinstance(value, str) and value[0].isdigit() else value for name, value in values.items()
    }
    return Instrument(instrument_id, venue, symbol, base, quote, **exact)


class Desk:
    """One account at `sim`; `sent` are the requests of the last tick, `log` all of them."""

    def __init__(
        self,
        *controllers: Any,
        instruments: Sequence[Instrument] = (),
        balances: dict[str, object] | None = None,
        amends: bool = False,
    ) -> None:
        venues = dict.fromkeys(each.venue for each in instruments or [instrument()])
        sheets = {venue: VenueSheet(amend_in_place=amends) for venue in venues}
        self.state = State(instruments or [instrument()], OrderIds("TEST", 1), sheets)
        self.state.now_us = START_US
        settings = Settings(bot="test", quote="USDT", limits=RiskLimits(stale_data_us=1 << 60))
        self.engine = Engine(self.state, controllers, settings, {})
        self.answering = True
        self.sent: list[OrderRequest] = []
        self.log: list[OrderRequest] = []
        self._waiting: list[OrderRequest] = []
        self._count = 0
        self.balances(**(balances if balances is not None else {"BTC": 10, "USDT": 10_000}))
        self.book(99.5, 100.5)

    # ---- what the venue says

    def balances(self, venue: str = "sim", **totals: object) -> None:
        """A complete answer about all balances; the first one opens our ledger."""
        now_us = self.state.now_us
        rows = tuple(Balance(venue, asset, d(total), d(total), 0, now_us) for asset, total in totals.items())
        self.engine.apply(AccountSnapshot(venue, now_us, now_us, balances=rows))

    def book(self, bid: object = None, ask: object = None, size: object = 5, instrument_id: str = BTC) -> None:
        """One level a side; None: an empty side."""
        bids = [(bid, size)] if bid is not None else []
        asks = [(ask, size)] if ask is not None else []
        self.levels(bids, asks, instrument_id)

    def levels(
        self, bids: Sequence[tuple[object, object]], asks: Sequence[tuple[object, object]], instrument_id: str = BTC
    ) -> None:
        self._count += 1
        sides = [tuple((d(price), d(size)) for price, size in side) for side in (bids, asks)]
        self.health(Health.HEALTHY, instrument_id)
        self.engine.apply(
            BookSnapshot(instrument_id, sides[0], sides[1], self._count, self.state.now_us, self.state.now_us)
        )

    def trade(self, price: object, instrument_id: str = BTC) -> None:
        now_us = self.state.now_us
        self.engine.apply(PublicTrade(instrument_id, "1", d(price), d(1), Side.BUY, now_us, now_us))

    def health(self, health: Health, instrument_id: str = BTC) -> None:
        venue = instrument_id.partition(":")[0]
        self.engine.apply(ConnectorStatus(venue, Channel.MARKET, health, "test", self.state.now_us, instrument_id))

    def update(
        self,
        order: Order,
        status: OrderStatus,
        reason: str = "",
        source: UpdateSource = UpdateSource.STREAM,
        filled: object = None,
    ) -> None:
        now_us = self.state.now_us
        venue_order_id = order.venue_order_id or f"V{order.client_order_id}"
        self.engine.apply(
            OrderUpdate(
                *(order.instrument_id, order.client_order_id, venue_order_id, status),
                *(order.filled if filled is None else d(filled), reason, now_us, now_us, source),
            )
        )

    def fill(self, order: Order, quantity: object = None, price: object = None) -> None:
        """The whole remainder at the order's price, unless told otherwise. New balances follow."""
        self._count += 1
        now_us = self.state.now_us
        assert order.price is not None
        self.engine.apply(
            Fill(
                f"T{self._count}",
                order.client_order_id,
                order.venue_order_id or f"V{order.client_order_id}",
                order.instrument_id,
                order.side,
                order.price if price is None else d(price),
                order.remaining if quantity is None else d(quantity),
                ZERO,
                "USDT",
                Liquidity.MAKER,
                now_us,
                now_us,
            )
        )
        self._report_balances()

    def reject(self, order: Order, reason: str) -> None:
        self.update(order, OrderStatus.REJECTED, f"rejected:{reason}", UpdateSource.ACK)

    def reject_amend(self, order: Order) -> None:
        now_us = self.state.now_us
        self.engine.apply(
            RequestFailed(
                *(order.instrument_id, order.client_order_id, order.venue_order_id),
                *(Asked.AMEND, Outcome.REJECTED, "no", "no", now_us, now_us),
            )
        )

    def answer(self) -> None:
        """The venue does all that was asked of it."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        for request in waiting:
            order = self.state.orders.by_client_id(request.client_order_id)
            assert order is not None
            if isinstance(request, CancelOrder):
                if order.is_open:
                    self.update(order, OrderStatus.CANCELED)
            elif isinstance(request, AmendOrder):
                order_update = OrderUpdate(
                    *(order.instrument_id, order.client_order_id, order.venue_order_id, OrderStatus.OPEN),
                    *(order.filled, "", self.state.now_us, self.state.now_us, UpdateSource.ACK, self.state.now_us),
                    price=request.price,
                    quantity=request.quantity,
                )
                self.engine.apply(order_update)
            else:
                self.update(order, OrderStatus.OPEN, source=UpdateSource.ACK)

        self._report_balances()

    def _report_balances(self) -> None:
        now_us = self.state.now_us
        for account in list(self.state.portfolio.accounts.values()):
            if account.reported is not None:
                free = account.total - account.reserved
                self.engine.apply(Balance(account.venue, account.asset, account.total, free, now_us, now_us))

    # ---- time

    def tick(self, seconds: float = 1) -> list[OrderRequest]:
        """Let time pass, then decide. Returns what is sent."""
        now_us = self.state.now_us + round(seconds * SECOND_US)
        self.sent = [each for each in self.engine.tick(now_us) if isinstance(each, OrderRequest)]
        self.log += self.sent
        self._waiting += self.sent
        for request in self.sent:
            if isinstance(request, SubmitOrder):
                self.engine.apply(RequestSent(request.client_order_id, Asked.SUBMIT, now_us, now_us + SECOND_US))
        if self.answering:
            self.answer()
        return self.sent

    # ---- what there is

    def orders(self, instrument_id: str = BTC) -> dict[str, Order]:
        """Active orders by tag."""
        return {order.tag: order for order in self.state.orders.active(instrument_id=instrument_id)}

    def shown(self) -> list[str]:
        """Active orders as text: `bid_1 0.1@99.9`."""
        return [f"{tag} {terms(each)}" for tag, each in sorted(self.orders().items())]

    def submitted(self) -> list[str]:
        """What the last tick submitted, in this order: `bid_1 0.1@99.9`."""
        return [f"{each.tag} {terms(each)}" for each in self.sent if isinstance(each, SubmitOrder)]

    def cancelled(self) -> list[str]:
        """Tags of the orders that the last tick cancelled."""
        ids = [each.client_order_id for each in self.sent if isinstance(each, CancelOrder)]
        return [order.tag for each in ids if (order := self.state.orders.by_client_id(each)) is not None]
