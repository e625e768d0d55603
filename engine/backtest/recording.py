"""What a run leaves behind, written down as it happens: requests, orders, fills, payments, equity."""

from array import array
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.backtest.equity import MINUTE_US, EquityCurve
from engine.backtest.hashes import LineHash, fill_line, request_line
from engine.backtest.stretches import Stretches
from engine.backtest.tables import TEXT, WHOLE, Table
from engine.core.candle_series import CandleSeries
from engine.core.candles import Glide, Shown
from engine.core.engine import Engine
from engine.core.order_change import Change
from engine.core.portfolio import EXTERNAL
from engine.core.ports import Record
from engine.model.enums import Liquidity, OrderStatus
from engine.model.event import TransferSeen
from engine.model.fill import Fill
from engine.model.money import ZERO, to_text
from engine.model.order import Order
from engine.model.quote import Refused
from engine.model.request import AmendOrder, CancelOrder, SubmitOrder

DAY_US = 86_400_000_000
ORDER_COLUMNS = {
    **dict.fromkeys(("client_order_id", "instrument_id", "side", "order_type"), TEXT),
    **dict.fromkeys(("price", "quantity", "filled", "status", "reason", "tag"), TEXT),
    **dict.fromkeys(("created_us", "ended_us"), WHOLE),
}


class Marks(Struct, frozen=True):
    """The books at a tick: totals by (venue, asset), rates of assets into the quote, prices of derivatives, equity."""

    at_us: int
    totals: dict[tuple[str, str], Decimal]
    rates: dict[str, Decimal]
    prices: dict[str, Decimal]
    equity: Decimal


class Booked(Struct, frozen=True, gc=False):
    """A fill or a payment in the order in which our ledger booked them, with when we heard of it."""

    heard_us: int
    fill: Fill | None = None
    transfer: TransferSeen | None = None


class Holdings:
    """Of one market at some ticks: what was held, and the mid. Floats: nothing is booked."""

    def __init__(self) -> None:
        self.at_us = array("q")
        self.held = array("d")
        self.mid = array("d")
        self.stretches = Stretches()

    def add(self, now_us: int, held: float, mid: float) -> None:
        """At a tick."""
        self.at_us.append(now_us)
        self.held.append(held)
        self.mid.append(mid)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Times, what was held, and the mid."""
        at_us, held, mid = np.array(self.at_us), np.array(self.held), np.array(self.mid)
        if not self.stretches:
            return at_us, held, mid
        times, closes, (same,) = self.stretches.columns()
        at_us = np.append(at_us, times)
        order = at_us.argsort(kind="stable")
        return at_us[order], np.append(held, same)[order], np.append(mid, closes)[order]


class OrderCounts(Struct):
    """What became of the orders. Quantities in base units, times sums in µs."""

    submitted: int = 0
    amended: int = 0
    cancels: int = 0
    refused: dict[str, int] = {}
    rejected: dict[str, int] = {}
    ended: int = 0
    quantity_sent: Decimal = ZERO
    queue_us: int = 0
    queue_fills: int = 0
    cancel_us: int = 0
    cancelled: int = 0


class Recording:
    """Listens to one engine: `hear` is its sink, `changed` its on_change, `ticked` the driver's on_tick.

    Of equity and holdings it keeps a line every `step_us`; extremes are those of all ticks.
    """

    def __init__(self, folder: Path, quote: str, step_us: int = MINUTE_US) -> None:
        self.requests = LineHash()
        self.fills = LineHash()
        self.booked: list[Booked] = []
        self.curve = EquityCurve(step_us)
        self.orders = OrderCounts(refused={}, rejected={})
        self.marks: list[Marks] = []  # at the first tick with an equity, at the end of each day, at the end
        self._holdings: dict[str, Holdings] = {}
        self.ticks = 0
        self._quote = quote
        self._step_us = step_us
        self._orders_table = Table(folder, "orders", ORDER_COLUMNS)
        self._engine: Engine | None = None
        self._now_us = 0
        self._step = -1
        self._cancel_sent: dict[str, int] = {}
        self._hearers: dict[type, Callable[[int, Any], None]] = {
            SubmitOrder: self._submitted,
            CancelOrder: self._cancel,
            AmendOrder: self._amend,
            Refused: self._refused,
            TransferSeen: self._paid,
        }

    def follow(self, engine: Engine) -> None:
        """The engine whose books are looked at from now on."""
        self._engine = engine
        self._holdings = {instrument_id: Holdings() for instrument_id in engine.state.instruments}

    # ---- the engine's voices

    def hear(self, now_us: int, record: Record) -> None:
        hearer = self._hearers.get(type(record))
        if hearer is not None:
            hearer(now_us, record)

    def changed(self, change: Change) -> None:
        """A fill, or the end of an order."""
        order, fill = change.order, change.fill
        if fill is not None:
            self.fills.add(fill_line(fill))
            self.booked.append(Booked(self._now_us, fill))
            if fill.liquidity is Liquidity.MAKER:
                self.orders.queue_us += max(0, fill.event_us - order.created_us)
                self.orders.queue_fills += 1
        if order.settled and change.status_before not in ENDED:
            self._ended(order)

    def ticked(self, now_us: int) -> None:
        """After each tick."""
        assert self._engine is not None
        self.ticks += 1
        self._now_us = now_us
        equity = self._engine.halt.equity
        if equity is None or not (self.marks or self._opened()):
            return
        if not self.marks or now_us // DAY_US != self.marks[-1].at_us // DAY_US:
            self.mark()
        self.curve.add(now_us, float(equity))
        if now_us // self._step_us != self._step:
            self._step = now_us // self._step_us
            self._note_holdings(now_us)

    def following(self, glide: Glide) -> Glide:
        """A venue's `glide` of which no candle escapes this recording: only prices change during it."""

        def glided(until_us: int, series: CandleSeries) -> Shown | None:
            assert self._engine is not None
            mid = self._engine.state.mark(series.instrument_id)
            shown = glide(until_us, series)
            if shown is not None and len(shown.close) > 1:
                self._glided(shown, series.instrument_id, mid)
            return shown

        return glided

    def _glided(self, shown: Shown, instrument_id: str, mid: Decimal | None) -> None:
        """All candles but the last had no tick of their own: equity at their closes. `mid` is as of the last tick."""
        assert self._engine is not None
        state, equity = self._engine.state, self._engine.halt.equity
        market = state.portfolio.markets[instrument_id]
        self.ticks += len(shown.close) - 1
        if equity is None or mid is None or not self.marks:
            return
        held = market.base.total if market.spot else market.position
        exposed = held * state.instruments[instrument_id].contract_size
        self.curve.glide(shown, self._engine.grid_us, float(equity - exposed * mid), float(exposed))
        self._holdings[instrument_id].stretches.add(shown, self._engine.grid_us, float(held))

    def _opened(self) -> bool:
        """Whether every venue has told what the account holds."""
        assert self._engine is not None
        state = self._engine.state
        told = {account.venue for account in state.portfolio.accounts.values() if account.reported is not None}
        return told >= state.sheets.keys()

    def mark(self) -> None:
        """Note the books as they are."""
        assert self._engine is not None
        portfolio, quote = self._engine.state.portfolio, self._quote
        equity = portfolio.equity(quote)
        if equity is None:
            return
        totals = {key: account.total - account.moved for key, account in portfolio.accounts.items()}
        rates = {asset: rate for _, asset in totals if (rate := portfolio.rates.rate(asset, quote)) is not None}
        prices = {
            instrument_id: price
            for instrument_id, market in portfolio.markets.items()
            if not market.spot and (price := portfolio.rates.price(instrument_id)) is not None
        }
        self.marks.append(Marks(self._engine.state.now_us, totals, rates, prices, equity))

    def close(self) -> None:
        """Write what is left: call once, after the last tick."""
        assert self._engine is not None
        self.mark()
        for order in self._engine.state.orders.active():
            self._ended(order)
        self._orders_table.flush()

    # ---- what is written down

    def _submitted(self, now_us: int, request: SubmitOrder) -> None:
        self.orders.submitted += 1
        self.orders.quantity_sent += request.quantity
        self.requests.add(request_line(now_us, request))

    def _cancel(self, now_us: int, request: CancelOrder) -> None:
        self.orders.cancels += 1
        self._cancel_sent[request.client_order_id] = now_us
        self.requests.add(request_line(now_us, request))

    def _amend(self, now_us: int, request: AmendOrder) -> None:
        self.orders.amended += 1
        self.requests.add(request_line(now_us, request))

    def _refused(self, now_us: int, refused: Refused) -> None:
        self.orders.refused[refused.rule] = self.orders.refused.get(refused.rule, 0) + 1

    def _paid(self, now_us: int, transfer: TransferSeen) -> None:
        if transfer.kind not in EXTERNAL:
            self.booked.append(Booked(self._now_us, None, transfer))

    def _ended(self, order: Order) -> None:
        counts = self.orders
        counts.ended += 1
        if order.status is OrderStatus.REJECTED:
            counts.rejected[order.reason] = counts.rejected.get(order.reason, 0) + 1
        sent_us = self._cancel_sent.pop(order.client_order_id, None)
        if sent_us is not None and order.status is OrderStatus.CANCELED:
            counts.cancel_us += order.updated_us - sent_us
            counts.cancelled += 1
        self._orders_table.add(
            order.client_order_id,
            order.instrument_id,
            order.side.value,
            order.order_type.value,
            "" if order.price is None else to_text(order.price),
            "" if order.quantity is None else to_text(order.quantity),
            to_text(order.filled),
            order.status.value,
            order.reason,
            order.tag,
            order.created_us,
            order.updated_us,
        )

    def _note_holdings(self, now_us: int) -> None:
        assert self._engine is not None
        state = self._engine.state
        for instrument_id in state.instruments:
            mid = state.mark(instrument_id)
            market = state.portfolio.markets[instrument_id]
            held = market.base.total if market.spot else market.position
            price = float("nan") if mid is None else float(mid)
            self._holdings[instrument_id].add(now_us, float(held), price)

    def holdings(self, instrument_id: str) -> dict[str, Any]:
        """Times, what was held, and the mid, at the beginning of each step."""
        at_us, held, mid = self._holdings[instrument_id].columns()
        first = np.diff(at_us // self._step_us, prepend=-1) > 0
        return {"at_us": at_us[first], "held": held[first], "mid": mid[first]}


ENDED = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
