"""What Gate says about an account: orders, own trades and balances, from REST answers and private channels. No I/O."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.gate.parse import channel_of, microseconds, side_of
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate
from engine.model.fill import Fill

NUMBERS_MAX = 65_536
TEXT_PREFIX = "t-"  # Gate wants it before every client order id; other programs' orders may have none
FINISHED = {
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELED,
    "liquidate_cancelled": OrderStatus.CANCELED,
    **dict.fromkeys(
        ("ioc", "poc", "fok", "stp", "small", "trader_not_enough", "depth_not_enough"), OrderStatus.EXPIRED
    ),
}
REASONS = {"stp": "self_trade"}
ROLES = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}

AccountEvent = OrderUpdate | Fill | Balance
_Message = TypeVar("_Message")


class _Order(Struct, gc=False):
    """`event` on the stream, `status` in answers; `finish_as` in both, but not in every list."""

    order_id: str = field(name="id")
    symbol: str = field(name="currency_pair")
    side: str
    amount: str
    left: str
    update_time: str | int
    update_time_ms: str | int | None = None
    text: str = ""
    kind: str = field(name="type", default="limit")
    price: str = "0"
    status: str = ""
    event: str = ""
    finish_as: str = ""
    filled_total: str = "0"
    filled_amount: str | None = None


class _OpenOrders(Struct, gc=False):
    total: int
    orders: list[_Order]


class _Trade(Struct, gc=False):
    """Fees are paid in the received currency, in GT, or in points."""

    trade_id: str | int = field(name="id")
    order_id: str
    side: str
    amount: str
    price: str
    role: str
    time_ms: str = field(name="create_time_ms")
    symbol: str = field(name="currency_pair", default="")  # REST answers for one pair may leave it out
    text: str = ""
    fee: str = "0"
    fee_currency: str = ""
    gt_fee: str = "0"
    point_fee: str = "0"


class _Account(Struct, gc=False):
    currency: str
    available: str
    locked: str


class _BalanceChange(Struct, gc=False):
    currency: str
    total: str
    available: str
    time_ms: str = field(name="timestamp_ms")


class _Time(Struct, gc=False):
    server_time: Annotated[int, Meta(ge=0, le=1 << 52)]


class _Fees(Struct, gc=False):
    maker_fee: str
    taker_fee: str


class _Problem(Struct, gc=False):
    label: str
    message: str = ""


class _Frame(Struct, Generic[_Message], gc=False):
    result: list[_Message]


_ORDER = Decoder(_Order)
_ORDERS = Decoder(list[_Order])
_OPEN_ORDERS = Decoder(list[_OpenOrders])
_TRADES = Decoder(list[_Trade])
_ACCOUNTS = Decoder(list[_Account])
_TIME = Decoder(_Time)
_FEES = Decoder(_Fees)
_PROBLEM = Decoder(_Problem)
_ORDER_FRAME = Decoder(_Frame[_Order])
_TRADE_FRAME = Decoder(_Frame[_Trade])
_BALANCE_FRAME = Decoder(_Frame[_BalanceChange])


def text_of(client_order_id: str) -> str:
    """A client order id as Gate wants it."""
    return TEXT_PREFIX + client_order_id


def parse_time(body: bytes) -> int:
    """The venue's clock in µs. Raises BadMessage."""
    return decode(_TIME, body).server_time * 1_000


def parse_fees(body: bytes) -> tuple[Decimal, Decimal]:
    """(maker, taker) rates of `spot/fee`. Raises BadMessage."""
    raw, numbers = decode(_FEES, body), Numbers(NUMBERS_MAX)
    return numbers.signed(raw.maker_fee), numbers.signed(raw.taker_fee)


def parse_problem(body: bytes) -> tuple[str, str]:
    """(label, message) of an error. Raises BadMessage."""
    raw = decode(_PROBLEM, body)
    return raw.label, raw.message


class AccountParser:
    """`symbols` maps Gate's symbols to instrument ids; what concerns other markets is left out."""

    def __init__(self, venue: str, symbols: Mapping[str, str]) -> None:
        self.venue = venue
        self.symbols = dict(symbols)
        self._numbers = Numbers(NUMBERS_MAX)

    # --- the private channels

    def parse(self, frame: bytes, receive_us: int) -> list[AccountEvent]:
        """The events of one update frame of a private channel. Raises BadMessage."""
        match channel_of(frame):
            case "spot.orders":
                rows = decode(_ORDER_FRAME, frame).result
                return [*self._updates(rows, UpdateSource.STREAM, None, receive_us)]
            case "spot.usertrades":
                trades = decode(_TRADE_FRAME, frame).result
                return [*self._fills(trades, "", UpdateSource.STREAM, receive_us)]
            case "spot.balances":
                return [
                    Balance(
                        self.venue,
                        raw.currency,
                        self._numbers.signed(raw.total),
                        self._numbers.signed(raw.available),
                        microseconds(raw.time_ms),
                        receive_us,
                    )
                    for raw in decode(_BALANCE_FRAME, frame).result
                ]
            case other:
                raise BadMessage(f"{other or frame[:80]!r} is not a private channel")

    # --- answers

    def parse_order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate:
        """One order, of a market that is traded. Raises BadMessage."""
        raw = decode(_ORDER, body)
        if raw.symbol not in self.symbols:
            raise BadMessage(f"unknown symbol {raw.symbol[:40]!r}")
        return self._update(raw, source, started_us, receive_us)

    def parse_orders(
        self, body: bytes, source: UpdateSource, started_us: int, receive_us: int
    ) -> tuple[list[OrderUpdate], int]:
        """A page of `spot/orders`, and how many rows Gate sent, other markets' included. Raises BadMessage."""
        rows = decode(_ORDERS, body)
        return self._updates(rows, source, started_us, receive_us), len(rows)

    def parse_open_orders(self, body: bytes, started_us: int, receive_us: int) -> tuple[list[OrderUpdate], int, int]:
        """A page of `spot/open_orders`, how many rows it has, and how many there are on all pages; other markets
        included in both numbers. Raises BadMessage.
        """
        pairs = decode(_OPEN_ORDERS, body)
        rows = [row for pair in pairs for row in pair.orders]
        updates = self._updates(rows, UpdateSource.SNAPSHOT, started_us, receive_us)
        return updates, len(rows), sum(pair.total for pair in pairs)

    def parse_trades(self, body: bytes, instrument_id: str, receive_us: int) -> list[Fill]:
        """A page of `spot/my_trades` of one market. Raises BadMessage."""
        return self._fills(decode(_TRADES, body), instrument_id, UpdateSource.REST, receive_us)

    def parse_balances(self, body: bytes, receive_us: int) -> tuple[Balance, ...]:
        """`spot/accounts`. Raises BadMessage."""
        numbers = self._numbers
        return tuple(
            Balance(
                self.venue,
                raw.currency,
                numbers.signed(raw.available) + numbers.signed(raw.locked),
                numbers.signed(raw.available),
                0,
                receive_us,
            )
            for raw in decode(_ACCOUNTS, body)
        )

    # --- rows

    def _updates(
        self, rows: list[_Order], source: UpdateSource, started_us: int | None, receive_us: int
    ) -> list[OrderUpdate]:
        return [self._update(raw, source, started_us, receive_us) for raw in rows if raw.symbol in self.symbols]

    def _update(self, raw: _Order, source: UpdateSource, started_us: int | None, receive_us: int) -> OrderUpdate:
        numbers = self._numbers
        side, amount, left, price = side_of(raw.side), numbers[raw.amount], numbers[raw.left], numbers[raw.price]
        filled: Decimal | None = amount - left
        quantity: Decimal | None = amount
        if raw.kind == "market" and side is Side.BUY:  # its amount is in quote
            filled, quantity = None, None
        if raw.filled_amount is not None:
            filled = numbers[raw.filled_amount]
        status, reason = _status(raw, is_full=not left)
        cost = numbers[raw.filled_total]
        stamp = microseconds(raw.update_time_ms) if raw.update_time_ms else microseconds(raw.update_time) * 1_000
        return OrderUpdate(
            self.symbols[raw.symbol],
            raw.text.removeprefix(TEXT_PREFIX),
            raw.order_id,
            status,
            filled,
            reason,
            stamp,
            receive_us,
            source,
            started_us,
            side,
            price or None,
            quantity,
            cost / filled if cost and filled else None,
        )

    def _fills(self, rows: list[_Trade], instrument_id: str, source: UpdateSource, receive_us: int) -> list[Fill]:
        """`instrument_id` is that of rows that name no market."""
        found = ((raw, self.symbols.get(raw.symbol, "") if raw.symbol else instrument_id) for raw in rows)
        return [self._fill(raw, name, source, receive_us) for raw, name in found if name]

    def _fill(self, raw: _Trade, instrument_id: str, source: UpdateSource, receive_us: int) -> Fill:
        numbers, side = self._numbers, side_of(raw.side)
        role = ROLES.get(raw.role)
        if role is None:
            raise BadMessage(f"{raw.role[:20]!r} is not a role in a trade")
        fee, fee_asset = self._fee(raw, instrument_id, side)
        return Fill(
            str(raw.trade_id),
            raw.text.removeprefix(TEXT_PREFIX),
            raw.order_id,
            instrument_id,
            side,
            numbers[raw.price],
            numbers[raw.amount],
            fee,
            fee_asset,
            role,
            microseconds(raw.time_ms),
            receive_us,
            source,
        )

    def _fee(self, raw: _Trade, instrument_id: str, side: Side) -> tuple[Decimal, str]:
        """What was paid and in what: by default in the received currency, which old messages do not name."""
        for text, asset in ((raw.gt_fee, "GT"), (raw.point_fee, "POINT")):
            if paid := self._numbers.signed(text or "0"):
                return paid, asset
        base, _, quote = instrument_id.partition(":")[2].partition("-")
        return self._numbers.signed(raw.fee), raw.fee_currency or (base if side is Side.BUY else quote)


def _status(raw: _Order, *, is_full: bool) -> tuple[OrderStatus, str]:
    """What the words mean. An order is FILLED only when nothing is left of it, whatever the reason of its end."""
    how = raw.finish_as
    if raw.status == "open" or raw.event in ("put", "update"):
        return OrderStatus.OPEN, ""
    ended = raw.status in ("closed", "cancelled") or raw.event == "finish"
    if not ended or (how and how not in FINISHED):
        return OrderStatus.UNKNOWN, f"ambiguous:unknown_state:{raw.status or raw.event}/{how}"[:100]
    if is_full:
        return OrderStatus.FILLED, ""
    status = FINISHED.get(how, OrderStatus.CANCELED)
    if status is OrderStatus.EXPIRED:
        return status, f"expired:{REASONS.get(how, how)}"
    return OrderStatus.CANCELED, "" if how == "cancelled" else how
