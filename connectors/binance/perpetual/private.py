"""An account at Binance USD-M futures: events of its stream and answers about it → events. No I/O.

Pages: "User Data Streams", "Account Endpoints", "Trade Endpoints". Whatever is not as documented raises `BadMessage`; a
status word that is not documented makes the order UNKNOWN, so that it is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.binance.parse import Id, Stamp, microseconds
from connectors.binance.private import side_of, status_of
from engine.model.account import Balance, Position
from engine.model.enums import Liquidity, UpdateSource
from engine.model.event import AccountSnapshot, Event, OrderUpdate
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.order import liquidation_id

NUMBERS_MAX = 8_192
BY_ORDERS = "ORDER"  # the reason of a change that a trade made
ONE_WAY = "BOTH"  # the side of positions of an account that nets them
EXECUTED = ("TRADE", "CALCULATED")  # the second: by a liquidation
CLOSING = ("autoclose-", "adl_autoclose", "settlement_autoclose-")  # names of orders that Binance makes itself


class _Order(Struct, gc=False):
    symbol: str = field(name="s")
    client_id: str = field(name="c")
    side: str = field(name="S")
    quantity: str = field(name="q")
    price: str = field(name="p")
    average: str = field(name="ap")
    execution: str = field(name="x")
    status: str = field(name="X")
    order_id: Id = field(name="i")
    last_quantity: str = field(name="l")
    filled: str = field(name="z")
    last_price: str = field(name="L")
    at: Stamp = field(name="T")
    trade_id: Id = field(name="t")
    maker: bool = field(name="m")
    realized: str = field(name="rp", default="0")
    fee: str = field(name="n", default="0")  # with its asset only told when there is one
    fee_asset: str | None = field(name="N", default=None)
    expiry: str | int = field(name="er", default="")


class _OrderEvent(Struct, gc=False, tag_field="e", tag="ORDER_TRADE_UPDATE"):
    order: _Order = field(name="o")


class _PositionNow(Struct, gc=False):
    symbol: str = field(name="s")
    amount: str = field(name="pa")
    entry: str = field(name="ep")
    realized: str = field(name="cr")
    side: str = field(name="ps")
    margin: str = field(name="iw", default="0")


class _Change(Struct, gc=False):
    amount: str = field(name="bc")


class _Account(Struct, gc=False):
    reason: str = field(name="m")
    changes: list[_Change] = field(name="B", default_factory=list)
    positions: list[_PositionNow] = field(name="P", default_factory=list)


class AccountChanged(Struct, gc=False, tag_field="e", tag="ACCOUNT_UPDATE"):
    """Money or positions are not what they were. It tells no free balances, and of funding no market."""

    at: Stamp = field(name="T")
    account: _Account = field(name="a")

    @property
    def posted_us(self) -> int:
        """When money came or went without a trade; 0: it did not."""
        posted = any(each.amount.strip("-0.") for each in self.account.changes)
        return microseconds(self.at) if posted and self.account.reason != BY_ORDERS else 0


class Expired(Struct, gc=False, tag_field="e", tag="listenKeyExpired"):
    """Nothing more will come here."""


class _TradeLite(Struct, gc=False, tag_field="e", tag="TRADE_LITE"):
    """A trade without its fee; the whole one comes too."""


class _MarginCall(Struct, gc=False, tag_field="e", tag="MARGIN_CALL"):
    """Risk is what the bot computes itself."""


class _Configuration(Struct, gc=False, tag_field="e", tag="ACCOUNT_CONFIG_UPDATE"):
    """Somebody changed the leverage or the mode: balances and refusals tell what comes of it."""


class _AlgoOrder(Struct, gc=False, tag_field="e", tag="ALGO_UPDATE"):
    """Conditional orders are not made here."""


class _Conditional(Struct, gc=False, tag_field="e", tag="CONDITIONAL_ORDER_TRIGGER_REJECT"):
    """The same."""


class _Strategy(Struct, gc=False, tag_field="e", tag="STRATEGY_UPDATE"):
    """A bot of the exchange's own."""


class _Grid(Struct, gc=False, tag_field="e", tag="GRID_UPDATE"):
    """The same."""


UserEvent = (
    _OrderEvent
    | AccountChanged
    | Expired
    | _TradeLite
    | _MarginCall
    | _Configuration
    | _AlgoOrder
    | _Conditional
    | _Strategy
    | _Grid
)


class _OrderRow(Struct, gc=False, rename="camel"):
    """An order as every answer shows it."""

    symbol: str
    order_id: Id
    client_order_id: str
    status: str
    side: str
    price: str
    orig_qty: str
    executed_qty: str
    update_time: Stamp
    avg_price: str = "0"  # not in answers to cancels


class _TradeRow(Struct, gc=False, rename="camel"):
    """A row of `userTrades`."""

    symbol: str
    id: Id
    order_id: Id
    side: str
    price: str
    qty: str
    realized_pnl: str
    commission: str
    commission_asset: str
    time: Stamp
    maker: bool


class _BalanceRow(Struct, gc=False, rename="camel"):
    """A row of `balance`."""

    asset: str
    balance: str
    available_balance: str
    update_time: Stamp = 0


class _PositionRow(Struct, gc=False, rename="camel"):
    """A row of `positionRisk`: of markets with a position or an order."""

    symbol: str
    position_side: str
    position_amt: str
    entry_price: str
    liquidation_price: str
    position_initial_margin: str = "0"


_EVENT = Decoder(UserEvent)
_ORDER = Decoder(_OrderRow)
_ORDERS = Decoder(list[_OrderRow])
_TRADES = Decoder(list[_TradeRow])
_BALANCES = Decoder(list[_BalanceRow])
_POSITIONS = Decoder(list[_PositionRow])


def read_event(frame: bytes) -> UserEvent:
    """A frame of the user stream. Raises BadMessage."""
    event: UserEvent = decode(_EVENT, frame)
    return event


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
            case _OrderEvent():
                return self._report(event.order, receive_us)
            case AccountChanged():
                rows = [self._now(row) for row in event.account.positions if row.side == ONE_WAY]
                if rows:
                    return [AccountSnapshot(self._venue, receive_us, receive_us, False, positions=tuple(rows))]
        return []

    def _report(self, raw: _Order, receive_us: int) -> list[Event]:
        """The fill, if it was one, then the order."""
        instrument_id, order_id = self.instrument(raw.symbol), str(raw.order_id)
        client_id, side, at_us = self._name(raw.client_id, order_id), side_of(raw.side), microseconds(raw.at)
        numbers = self._numbers
        status, reason = status_of(raw.status, raw.expiry)
        filled = numbers[raw.filled]
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
            numbers[raw.average] if filled else None,
        )
        quantity = numbers[raw.last_quantity]
        if raw.execution not in EXECUTED or not quantity:
            return [update]
        fill = Fill(
            str(raw.trade_id),
            client_id,
            order_id,
            instrument_id,
            side,
            numbers[raw.last_price],
            quantity,
            numbers.signed(raw.fee),
            raw.fee_asset or "",
            Liquidity.MAKER if raw.maker else Liquidity.TAKER,
            at_us,
            receive_us,
            UpdateSource.STREAM,
            numbers.signed(raw.realized),
        )
        return [fill, update]

    def _now(self, row: _PositionNow) -> Position:
        signed = self._numbers.signed
        return Position(
            self.instrument(row.symbol), signed(row.amount), signed(row.entry), signed(row.realized), signed(row.margin)
        )

    # ---- answers of REST

    def order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> list[Event]:
        """One order: the answer to a submit, a cancel, an amend or a lookup."""
        return [self._update(decode(_ORDER, body), source, started_us, receive_us)]

    def orders(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> list[OrderUpdate]:
        """A list of orders."""
        return [self._update(row, source, started_us, receive_us) for row in decode(_ORDERS, body)]

    def trades(self, body: bytes, receive_us: int) -> list[Fill]:
        """A page of own trades, oldest first. They name their order by the venue's id only."""
        numbers = self._numbers
        return [
            Fill(
                str(row.id),
                "",
                str(row.order_id),
                self.instrument(row.symbol),
                side_of(row.side),
                numbers[row.price],
                numbers[row.qty],
                numbers.signed(row.commission),
                row.commission_asset,
                Liquidity.MAKER if row.maker else Liquidity.TAKER,
                microseconds(row.time),
                receive_us,
                UpdateSource.REST,
                numbers.signed(row.realized_pnl),
            )
            for row in decode(_TRADES, body)
        ]

    def account(
        self, balances: bytes, positions: bytes, started_us: int, receive_us: int, complete: bool
    ) -> AccountSnapshot:
        """All money, and all positions; a market of ours that is not told has none."""
        told = {name: Position(name, ZERO) for name in self._names.values()}
        for row in decode(_POSITIONS, positions):
            if row.position_side == ONE_WAY:
                position = self._position(row)
                told[position.instrument_id] = position
        rows = tuple(self._balance(each, receive_us) for each in decode(_BALANCES, balances))
        return AccountSnapshot(self._venue, started_us, receive_us, complete, rows, tuple(told.values()))

    def _balance(self, row: _BalanceRow, receive_us: int) -> Balance:
        """What positions and orders tie up is in the total, and not free."""
        total, free = self._numbers.signed(row.balance), self._numbers.signed(row.available_balance)
        return Balance(self._venue, row.asset, total, free, microseconds(row.update_time), receive_us)

    def _position(self, row: _PositionRow) -> Position:
        signed = self._numbers.signed
        liquidation = signed(row.liquidation_price)
        return Position(
            self.instrument(row.symbol),
            signed(row.position_amt),
            signed(row.entry_price),
            margin=signed(row.position_initial_margin),
            liquidation_price=liquidation or None,
        )

    def _update(self, row: _OrderRow, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate:
        numbers = self._numbers
        filled = numbers[row.executed_qty]
        status, reason = status_of(row.status, "")
        order_id, average = str(row.order_id), numbers[row.avg_price]
        return OrderUpdate(
            self.instrument(row.symbol),
            self._name(row.client_order_id, order_id),
            order_id,
            status,
            filled,
            reason,
            microseconds(row.update_time),
            receive_us,
            source,
            started_us,
            side_of(row.side),
            numbers[row.price],
            numbers[row.orig_qty],
            average if filled and average else None,
        )

    def _name(self, client_id: str, order_id: str) -> str:
        """The client order id; of an order by which Binance closes a position the one that the engine knows it by."""
        return liquidation_id(self._venue, order_id) if client_id.startswith(CLOSING) else client_id

    def instrument(self, symbol: str) -> str:
        """Our id of Binance's symbol."""
        return self._names.get(symbol) or f"{self._venue}:{symbol[:40]}"
