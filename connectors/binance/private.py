"""An account at Binance Spot: events of the user stream and answers about orders, trades and money → events. No I/O.

Pages: "User Data Streams", "Account endpoints", "Trading endpoints". Whatever is not as documented raises `BadMessage`;
a status word that is not documented makes the order UNKNOWN, so that it is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.binance.listing import RateLimit
from connectors.binance.parse import Id, Stamp, microseconds
from connectors.binance.sheet import STATUSES
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event, OrderUpdate, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument

NUMBERS_MAX = 8_192
SIDES = {side.value: side for side in Side}


class _Report(Struct, gc=False, tag_field="e", tag="executionReport"):
    symbol: str = field(name="s")
    client_id: str = field(name="c")
    original_id: str = field(name="C")
    side: str = field(name="S")
    quantity: str = field(name="q")
    price: str = field(name="p")
    execution: str = field(name="x")
    status: str = field(name="X")
    refusal: str = field(name="r")
    order_id: Id = field(name="i")
    last_quantity: str = field(name="l")
    last_price: str = field(name="L")
    filled: str = field(name="z")
    cost: str = field(name="Z")
    fee: str = field(name="n")
    fee_asset: str | None = field(name="N")
    at: Stamp = field(name="T")
    trade_id: int = field(name="t")
    maker: bool = field(name="m")
    expiry: str | int = field(name="eR", default="")


class _AssetBalance(Struct, gc=False):
    asset: str = field(name="a")
    free: str = field(name="f")
    locked: str = field(name="l")


class _Balances(Struct, gc=False, tag_field="e", tag="outboundAccountPosition"):
    at: Stamp = field(name="u")
    balances: list[_AssetBalance] = field(name="B")


class _BalanceChange(Struct, gc=False, tag_field="e", tag="balanceUpdate"):
    asset: str = field(name="a")
    change: str = field(name="d")
    at: Stamp = field(name="T")


class Terminated(Struct, gc=False, tag_field="e", tag="eventStreamTerminated"):
    """The subscription has ended."""


class Shutdown(Struct, gc=False, tag_field="e", tag="serverShutdown"):
    """The connection will be closed."""


class _ListStatus(Struct, gc=False, tag_field="e", tag="listStatus"):
    """Each order of a list reports by itself."""


class _ExternalLock(Struct, gc=False, tag_field="e", tag="externalLockUpdate"):
    """Balances tell it too."""


class _Pause(Struct, gc=False):
    until: Stamp = field(name="retryAfter", default=0)


class Problem(Struct, gc=False):
    """An error as both APIs write it; the WebSocket API says in `data` for how long it wants to be left alone."""

    code: int
    msg: str = ""
    data: _Pause | None = None


UserEvent = _Report | _Balances | _BalanceChange | Terminated | Shutdown | _ListStatus | _ExternalLock


class Frame(Struct, gc=False):
    """A frame of the WebSocket API: an event, or the answer to request `id`: its result, or a problem."""

    event: UserEvent | None = None
    id: str | int | None = None
    status: int = 0
    result: Raw = Raw()
    error: Raw = Raw()
    limits: list[RateLimit] = field(name="rateLimits", default_factory=list)


class _FillRow(Struct, gc=False):
    price: str
    quantity: str = field(name="qty")
    fee: str = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    trade_id: int = field(name="tradeId")  # −1: not a trade on this book


class OrderRow(Struct, gc=False, rename="camel"):
    """An order as every REST answer shows it."""

    symbol: str
    order_id: Id
    client_order_id: str
    status: str
    side: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    orig_client_order_id: str = ""  # of a cancelled order, whose `clientOrderId` is the cancel's
    transact_time: Stamp = 0
    update_time: Stamp = 0
    expiry_reason: str | int = ""
    fills: list[_FillRow] = []


class _Amended(Struct, gc=False, rename="camel"):
    symbol: str
    order_id: Id
    client_order_id: str
    status: str
    side: str
    price: str
    qty: str
    executed_qty: str


class _Amendment(Struct, gc=False, rename="camel"):
    transact_time: Stamp
    amended_order: _Amended


class TradeRow(Struct, gc=False, rename="camel"):
    """A row of `myTrades`."""

    symbol: str
    id: Id
    order_id: Id
    price: str
    qty: str
    commission: str
    commission_asset: str
    time: Stamp
    is_buyer: bool
    is_maker: bool


class _RestBalance(Struct, gc=False):
    asset: str
    free: str
    locked: str


class _Account(Struct, gc=False):
    balances: list[_RestBalance]
    updated: Stamp = field(name="updateTime", default=0)


_FRAME = Decoder(Frame)
_ORDER = Decoder(OrderRow)
_ORDERS = Decoder(list[OrderRow])
_AMENDMENT = Decoder(_Amendment)
_TRADES = Decoder(list[TradeRow])
_ACCOUNT = Decoder(_Account)
_PROBLEM = Decoder(Problem)


def read_frame(frame: bytes) -> Frame:
    """A frame of the WebSocket API. Raises BadMessage."""
    return decode(_FRAME, frame)


def read_problem(body: bytes) -> Problem | None:
    """The error in an answer; None where there is none, as in a page of HTML."""
    try:
        return decode(_PROBLEM, body)
    except BadMessage:
        return None


class AccountParser:
    """Parses for one account. Orders on markets that are not `instruments` keep Binance's symbol in their id."""

    def __init__(self, venue: str, instruments: Mapping[str, Instrument]) -> None:
        self._venue = venue
        self._names = {symbol: each.instrument_id for symbol, each in instruments.items()}
        self._numbers = Numbers(NUMBERS_MAX)

    # ---- the user stream

    def events(self, event: UserEvent, receive_us: int) -> list[Event]:
        """What one event of the user stream says."""
        match event:
            case _Report():
                return self._report(event, receive_us)
            case _Balances():
                at_us = microseconds(event.at)
                return [self._balance(row, at_us, receive_us) for row in event.balances]
            case _BalanceChange():
                at_us = microseconds(event.at)
                amount = self._numbers.signed(event.change)
                kind = "deposit" if amount > 0 else "withdrawal"
                transfer_id = f"{event.asset} {event.change}"
                return [TransferSeen(self._venue, event.asset, amount, kind, transfer_id, at_us, receive_us)]
        return []

    def _report(self, raw: _Report, receive_us: int) -> list[Event]:
        """The fill, if it was one, then the order. For a cancel the order's own id is in `C`."""
        instrument_id, order_id = self._instrument(raw.symbol), str(raw.order_id)
        client_id, side, at_us = raw.original_id or raw.client_id, side_of(raw.side), microseconds(raw.at)
        numbers = self._numbers
        filled = numbers[raw.filled]
        status, reason = status_of(raw.status, raw.expiry)
        if status is OrderStatus.REJECTED:
            reason = f"rejected:{raw.refusal}"
        update = OrderUpdate(
            instrument_id,
            client_id,
            order_id,
            status,
            filled,
            reason,
            at_us,
            receive_us,
            UpdateSource.STREAM,
            None,
            side,
            numbers[raw.price],
            numbers[raw.quantity],
            numbers[raw.cost] / filled if filled else None,
        )
        if raw.execution != "TRADE":
            return [update]
        fill = Fill(
            str(raw.trade_id),
            client_id,
            order_id,
            instrument_id,
            side,
            numbers[raw.last_price],
            numbers[raw.last_quantity],
            numbers[raw.fee],
            raw.fee_asset or "",
            Liquidity.MAKER if raw.maker else Liquidity.TAKER,
            at_us,
            receive_us,
        )
        return [fill, update]

    def _balance(self, row: _AssetBalance | _RestBalance, at_us: int, receive_us: int) -> Balance:
        free = self._numbers[row.free]
        return Balance(self._venue, row.asset, free + self._numbers[row.locked], free, at_us, receive_us)

    # ---- answers of REST

    def order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> list[Event]:
        """One order: the answer to a submit, a cancel or a lookup. Trades that a submit made at once come with it."""
        row = decode(_ORDER, body)
        update = self._update(row, source, started_us, receive_us)
        return [update, *(self._placed_fill(each, update, receive_us) for each in row.fills if each.trade_id >= 0)]

    def orders(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> list[OrderUpdate]:
        """A list of orders."""
        return [self._update(row, source, started_us, receive_us) for row in decode(_ORDERS, body)]

    def amendment(self, body: bytes, started_us: int, receive_us: int) -> OrderUpdate:
        """The answer to an amend."""
        raw = decode(_AMENDMENT, body)
        row, numbers = raw.amended_order, self._numbers
        return OrderUpdate(
            self._instrument(row.symbol),
            row.client_order_id,
            str(row.order_id),
            status_of(row.status, "")[0],
            numbers[row.executed_qty],
            "",
            microseconds(raw.transact_time),
            receive_us,
            UpdateSource.ACK,
            started_us,
            side_of(row.side),
            numbers[row.price],
            numbers[row.qty],
        )

    def trades(self, body: bytes, receive_us: int) -> list[Fill]:
        """A page of own trades, oldest first. They name their order by the venue's id only."""
        numbers = self._numbers
        return [
            Fill(
                str(row.id),
                "",
                str(row.order_id),
                self._instrument(row.symbol),
                Side.BUY if row.is_buyer else Side.SELL,
                numbers[row.price],
                numbers[row.qty],
                numbers[row.commission],
                row.commission_asset,
                Liquidity.MAKER if row.is_maker else Liquidity.TAKER,
                microseconds(row.time),
                receive_us,
                UpdateSource.REST,
            )
            for row in decode(_TRADES, body)
        ]

    def account(self, body: bytes, started_us: int, receive_us: int) -> AccountSnapshot:
        """All balances that are not zero."""
        raw = decode(_ACCOUNT, body)
        at_us = microseconds(raw.updated)
        balances = tuple(self._balance(row, at_us, receive_us) for row in raw.balances)
        return AccountSnapshot(self._venue, started_us, receive_us, balances=balances)

    def _update(self, row: OrderRow, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate:
        numbers = self._numbers
        filled = numbers[row.executed_qty]
        status, reason = status_of(row.status, row.expiry_reason)
        return OrderUpdate(
            self._instrument(row.symbol),
            row.orig_client_order_id or row.client_order_id,
            str(row.order_id),
            status,
            filled,
            reason,
            microseconds(row.transact_time or row.update_time),
            receive_us,
            source,
            started_us,
            side_of(row.side),
            numbers[row.price],
            numbers[row.orig_qty],
            self._average(row.cummulative_quote_qty, filled),
        )

    def _average(self, cost: str, filled: Decimal) -> Decimal | None:
        """None where the venue does not know: some old orders cost less than nothing."""
        return self._numbers[cost] / filled if filled and not cost.startswith("-") else None

    def _placed_fill(self, row: _FillRow, update: OrderUpdate, receive_us: int) -> Fill:
        """What a new order traded at once, it took."""
        assert update.side is not None
        return Fill(
            str(row.trade_id),
            update.client_order_id,
            update.venue_order_id,
            update.instrument_id,
            update.side,
            self._numbers[row.price],
            self._numbers[row.quantity],
            self._numbers[row.fee],
            row.fee_asset,
            Liquidity.TAKER,
            update.event_us,
            receive_us,
            UpdateSource.REST,
        )

    def _instrument(self, symbol: str) -> str:
        return self._names.get(symbol) or f"{self._venue}:{symbol[:40]}"


def status_of(word: str, expiry: str | int) -> tuple[OrderStatus, str]:
    """Our status and the reason. `expiry` is the venue's own, of an order that expired."""
    status = STATUSES.get(word)
    if status is None:
        return OrderStatus.UNKNOWN, f"ambiguous:unknown_state {word[:40]}"
    if status is OrderStatus.EXPIRED:
        return status, "expired:self_trade" if word == "EXPIRED_IN_MATCH" else f"expired:{expiry}"
    return status, ""


def side_of(word: str) -> Side:
    """Raises BadMessage."""
    if word not in SIDES:
        raise BadMessage(f"{word[:20]!r} is not a side")
    return SIDES[word]
