"""What Gate says about an account of USDT perpetuals: orders, own trades, positions, money. No I/O.

Channels write numbers where answers write texts, and times in other units; both are read exactly. Sizes are contracts,
negative for sellers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import decode
from connectors.gate.futures_market import SETTLE, exact, stamp_us
from connectors.gate.parse import channel_of
from connectors.gate.parse_account import ROLES, TEXT_PREFIX
from engine.model.account import Balance, Position
from engine.model.enums import OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, OrderUpdate, TransferSeen
from engine.model.fill import Fill
from engine.model.money import ONE, ZERO
from engine.model.order import liquidation_id

ENDS = {
    **dict.fromkeys(("filled", "cancelled", "liquidated", "auto_deleveraged"), OrderStatus.CANCELED),
    **dict.fromkeys(("reduce_only", "reduce_out", "position_closed"), OrderStatus.CANCELED),
    **dict.fromkeys(("ioc", "stp"), OrderStatus.EXPIRED),
}
"""Of orders of which something is left."""
REASONS = {"filled": "", "cancelled": "", "ioc": "expired:ioc", "stp": "expired:self_trade"}
LIQUIDATIONS = ("liquidation", "auto_deleveraging", "insurance")  # texts of orders by which Gate closes positions
BOOKED = {"fund": "funding", "dnw": "transfer"}  # kinds of bookings that are no trades

AccountEvent = OrderUpdate | Fill | AccountSnapshot
_Message = TypeVar("_Message")


class _Order(Struct, gc=False):
    order_id: int | str = field(name="id")
    contract: str
    size: Decimal
    left: Decimal
    price: Decimal
    status: str
    text: str = ""
    finish_as: str = ""
    fill_price: Decimal = ZERO
    is_liq: bool = False
    create_time: Decimal = ZERO
    create_time_ms: Decimal = ZERO
    update_time: Decimal = ZERO
    finish_time: Decimal = ZERO
    finish_time_ms: Decimal = ZERO

    @property
    def at_us(self) -> int:
        """When it changed last."""
        ends = (self.finish_time, self.finish_time_ms)
        return max(map(stamp_us, (self.create_time, self.create_time_ms, self.update_time, *ends)))


class _Trade(Struct, gc=False):
    contract: str
    order_id: int | str
    size: Decimal
    price: Decimal
    role: str
    create_time: Decimal
    trade_id: int | str = ""
    id: int | str = ""
    create_time_ms: Decimal = ZERO
    text: str = ""
    fee: Decimal = ZERO
    point_fee: Decimal = ZERO


class _Position(Struct, gc=False):
    """`leverage` 0: cross margin, up to `cross_leverage_limit`."""

    contract: str
    size: Decimal
    entry_price: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    margin: Decimal = ZERO
    initial_margin: Decimal = ZERO
    liq_price: Decimal = ZERO
    leverage: Decimal = ZERO
    cross_leverage_limit: Decimal = ZERO


class Account(Struct, gc=False):
    """The answer of `accounts`."""

    user: int
    total: Decimal
    available: Decimal
    in_dual_mode: bool = False


class _Booking(Struct, gc=False):
    time: Decimal
    change: Decimal
    balance: Decimal
    type: str
    id: int | str = ""
    contract: str = ""


class _Fees(Struct, gc=False):
    maker_fee: Decimal
    taker_fee: Decimal


class _Frame(Struct, Generic[_Message], gc=False):
    result: list[_Message]


_ORDER, _ORDERS, _ORDER_FRAME = Decoder(_Order), Decoder(list[_Order]), Decoder(_Frame[_Order])
_TRADES, _TRADE_FRAME = Decoder(list[_Trade]), Decoder(_Frame[_Trade])
_POSITION, _POSITIONS, _POSITION_FRAME = Decoder(_Position), Decoder(list[_Position]), Decoder(_Frame[_Position])
_ACCOUNT, _BOOKINGS, _FEES = Decoder(Account), Decoder(list[_Booking]), Decoder(dict[str, _Fees])


def parse_account(body: bytes) -> Account:
    """Raises BadMessage."""
    return decode(_ACCOUNT, body)


def parse_leverage(body: bytes) -> Decimal:
    """What the answer of `positions/…` says of one contract. Raises BadMessage."""
    raw = decode(_POSITION, body)
    return exact(raw.leverage) or exact(raw.cross_leverage_limit) or ONE


def parse_fees(body: bytes, symbol: str) -> tuple[Decimal, Decimal]:
    """(maker, taker) rates of a contract, of the answer of `fee`. Raises BadMessage."""
    raw = decode(_FEES, body).get(symbol)
    if raw is None:
        raise BadMessage(f"no fees of {symbol}")
    return exact(raw.maker_fee), exact(raw.taker_fee)


class FuturesAccountParser:
    """`symbols` maps Gate's symbols to instrument ids; what concerns other markets is left out."""

    def __init__(self, venue: str, symbols: Mapping[str, str]) -> None:
        self.venue = venue
        self.symbols = dict(symbols)

    def parse(self, frame: bytes, receive_us: int) -> list[AccountEvent]:
        """The events of one update frame of a private channel. Raises BadMessage."""
        match channel_of(frame):
            case "futures.orders":
                return [*self._updates(decode(_ORDER_FRAME, frame).result, UpdateSource.STREAM, None, receive_us)]
            case "futures.usertrades":
                return [*self._fills(decode(_TRADE_FRAME, frame).result, UpdateSource.STREAM, receive_us)]
            case "futures.positions":
                held = self._held(decode(_POSITION_FRAME, frame).result)
                return [AccountSnapshot(self.venue, receive_us, receive_us, complete=False, positions=held)]
            case other:
                raise BadMessage(f"{other or frame[:80]!r} is not a private channel")

    # --- answers

    def parse_order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate:
        """One order, of a market that is traded. Raises BadMessage."""
        raw = decode(_ORDER, body)
        if raw.contract not in self.symbols:
            raise BadMessage(f"unknown symbol {raw.contract[:40]!r}")
        return self._update(raw, source, started_us, receive_us)

    def parse_orders(
        self, body: bytes, source: UpdateSource, started_us: int, receive_us: int
    ) -> tuple[list[OrderUpdate], int]:
        """A page of `orders`, and how many rows Gate sent, other markets' included. Raises BadMessage."""
        rows = decode(_ORDERS, body)
        return self._updates(rows, source, started_us, receive_us), len(rows)

    def parse_trades(self, body: bytes, instrument_id: str, receive_us: int) -> list[Fill]:
        """A page of own trades. Raises BadMessage."""
        return self._fills(decode(_TRADES, body), UpdateSource.REST, receive_us)

    def parse_positions(self, body: bytes) -> tuple[Position, ...]:
        """`positions`: of every traded instrument, flat ones too. Raises BadMessage."""
        flat = {name: Position(name, ZERO) for name in self.symbols.values()}
        held = {each.instrument_id: each for each in self._held(decode(_POSITIONS, body))}
        return tuple((flat | held).values())

    def parse_balances(self, body: bytes, receive_us: int) -> tuple[Balance, ...]:
        """`accounts`. Raises BadMessage."""
        raw = parse_account(body)
        return (Balance(self.venue, SETTLE, exact(raw.total), exact(raw.available), 0, receive_us),)

    def parse_bookings(self, body: bytes, receive_us: int) -> list[TransferSeen]:
        """A page of `account_book`, of kinds that were asked for. Raises BadMessage."""
        return [self._posting(raw, receive_us) for raw in decode(_BOOKINGS, body)]

    # --- rows

    def _updates(
        self, rows: list[_Order], source: UpdateSource, started_us: int | None, receive_us: int
    ) -> list[OrderUpdate]:
        return [self._update(raw, source, started_us, receive_us) for raw in rows if raw.contract in self.symbols]

    def _update(self, raw: _Order, source: UpdateSource, started_us: int | None, receive_us: int) -> OrderUpdate:
        size, left, price = exact(raw.size), exact(raw.left), exact(raw.price)
        status, reason = _status(raw)
        return OrderUpdate(
            self.symbols[raw.contract],
            self._name(raw.text, raw.order_id, closes=raw.is_liq),
            str(raw.order_id),
            status,
            abs(size) - abs(left),
            reason,
            raw.at_us,
            receive_us,
            source,
            started_us,
            Side.BUY if size > 0 else Side.SELL,
            price or None,
            abs(size),
            exact(raw.fill_price) or None,
        )

    def _fills(self, rows: list[_Trade], source: UpdateSource, receive_us: int) -> list[Fill]:
        return [self._fill(raw, source, receive_us) for raw in rows if raw.contract in self.symbols]

    def _fill(self, raw: _Trade, source: UpdateSource, receive_us: int) -> Fill:
        role, size = ROLES.get(raw.role), exact(raw.size)
        if role is None:
            raise BadMessage(f"{raw.role[:20]!r} is not a role in a trade")
        points = exact(raw.point_fee)
        return Fill(
            str(raw.trade_id or raw.id),
            self._name(raw.text, raw.order_id),
            str(raw.order_id),
            self.symbols[raw.contract],
            Side.BUY if size > 0 else Side.SELL,
            exact(raw.price),
            abs(size),
            points or exact(raw.fee),
            "POINT" if points else SETTLE,
            role,
            max(stamp_us(raw.create_time), stamp_us(raw.create_time_ms)),
            receive_us,
            source,
        )

    def _name(self, text: str, order_id: int | str, *, closes: bool = False) -> str:
        """The client order id; of an order by which Gate closes a position the one that the engine knows it under."""
        if closes or text in LIQUIDATIONS:
            return liquidation_id(self.venue, str(order_id))
        return text.removeprefix(TEXT_PREFIX)

    def _held(self, rows: list[_Position]) -> tuple[Position, ...]:
        return tuple(self._position(raw) for raw in rows if raw.contract in self.symbols)

    def _position(self, raw: _Position) -> Position:
        return Position(
            self.symbols[raw.contract],
            exact(raw.size),
            exact(raw.entry_price),
            exact(raw.realised_pnl),
            exact(raw.initial_margin) or exact(raw.margin),
            exact(raw.liq_price) or None,
        )

    def _posting(self, raw: _Booking, receive_us: int) -> TransferSeen:
        kind = BOOKED.get(raw.type)
        if kind is None:
            raise BadMessage(f"a booking of type {raw.type[:20]!r}")
        name = str(raw.id) or f"{raw.time}:{raw.balance}"
        market = self.symbols.get(raw.contract, "")
        return TransferSeen(self.venue, SETTLE, exact(raw.change), kind, name, stamp_us(raw.time), receive_us, market)


def _status(raw: _Order) -> tuple[OrderStatus, str]:
    """What the words mean. An order is FILLED only when nothing is left of it, whatever the reason of its end."""
    how = raw.finish_as
    if raw.status == "open":
        return OrderStatus.OPEN, ""
    if raw.status != "finished" or how not in ENDS:
        return OrderStatus.UNKNOWN, f"ambiguous:unknown_state:{raw.status}/{how}"[:100]
    return (ENDS[how], REASONS.get(how, how)) if raw.left else (OrderStatus.FILLED, "")
