"""OKX's words about an account → events: orders, fills, balances, from the stream and from REST. No I/O.

Pages: "Order Book Trading / Trade" and "Trading Account". Fees are negative when paid, ours are positive. Only rows of
the traded instruments are read: orders of other programs elsewhere on the account are none of our business.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, Symbols, decode
from connectors.base.outcomes import WOULD_TAKE
from connectors.okx.parse import NUMBERS_MAX, side_of
from connectors.okx.wire import Envelope, Frame, rows, stamp_us
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from engine.model.order import liquidation_id

STATES = {
    "live": OrderStatus.OPEN,
    "partially_filled": OrderStatus.OPEN,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "mmp_canceled": OrderStatus.CANCELED,
}
LIQUIDATIONS = ("full_liquidation", "partial_liquidation", "adl")  # categories of orders that OKX makes
LIQUIDATION_TRADES = ("100", "101", "102", "103", "104", "105", "106", "107", "109", "125", "126", "127", "128")
CANCEL_REASONS = {"20": "dead_man", "31": WOULD_TAKE, "32": "self_trade"}
LIQUIDITIES = {"M": Liquidity.MAKER, "T": Liquidity.TAKER, "": Liquidity.TAKER}  # a fill counts even if it does not say

AccountEvent = OrderUpdate | Fill | Balance


class OrderRow(Struct, gc=False, rename="camel"):
    """An order; on the stream also its newest fill, if `trade_id` is set."""

    inst_id: str
    ord_id: str
    side: str
    ord_type: str
    state: str
    sz: str
    acc_fill_sz: str
    u_time: str
    cl_ord_id: str = ""
    px: str = ""
    avg_px: str = ""
    tgt_ccy: str = ""
    inst_type: str = ""
    category: str = ""
    cancel_source: str = ""
    trade_id: str = ""
    fill_px: str = ""
    fill_sz: str = ""
    fill_fee: str = ""
    fill_fee_ccy: str = ""
    fill_time: str = ""
    fill_pnl: str = ""
    exec_type: str = ""

    @property
    def is_in_quote(self) -> bool:
        """Whether `sz` is an amount of quote: by request, and by default for market buys on spot."""
        if self.tgt_ccy:
            return self.tgt_ccy == "quote_ccy"
        return self.ord_type == "market" and self.side == "buy" and self.inst_type == "SPOT"


class FillRow(Struct, gc=False, rename="camel"):
    """A row of `trade/fills`. `bill_id` names it for paging, `ts` is when it was written down."""

    inst_id: str
    ord_id: str
    trade_id: str
    bill_id: str
    side: str
    fill_px: str
    fill_sz: str
    fee: str
    fee_ccy: str
    ts: str
    cl_ord_id: str = ""
    exec_type: str = ""
    fill_time: str = ""
    fill_pnl: str = ""
    sub_type: str = ""


class _Detail(Struct, gc=False, rename="camel"):
    ccy: str
    cash_bal: str
    avail_bal: str
    avail_eq: str = ""
    u_time: str = ""


class _Account(Struct, gc=False):
    details: list[_Detail]


_ORDERS, _ORDER_ANSWER = Decoder(list[OrderRow]), Decoder(Envelope[OrderRow])
_ACCOUNTS, _ACCOUNT_ANSWER = Decoder(list[_Account]), Decoder(Envelope[_Account])
_FILL_ANSWER = Decoder(Envelope[FillRow])


class AccountParser:
    """Parses for one account. `symbols` maps OKX's instrument ids to ours; what is free is told in two ways."""

    def __init__(self, venue: str, symbols: Mapping[str, str], *, is_spot: bool = True) -> None:
        self._venue = venue
        self._symbols = Symbols(symbols)
        self._is_spot = is_spot
        self._numbers = Numbers(NUMBERS_MAX)

    def push(self, frame: Frame, receive_us: int) -> list[AccountEvent]:
        """The events of one private push: of each order its fill, then its state. Raises BadMessage."""
        channel = "" if frame.arg is None else frame.arg.channel
        if channel == "account":
            return [*self._balances(decode(_ACCOUNTS, frame.data), receive_us)]
        if channel != "orders":
            raise BadMessage(f"not a push of a known channel: {channel[:40]!r}")
        events: list[AccountEvent] = []
        for row in self._own(decode(_ORDERS, frame.data)):
            if row.trade_id:
                events.append(self._streamed_fill(row, receive_us))
            events.append(self._update(row, receive_us, UpdateSource.STREAM, None))
        return events

    def order_rows(self, body: bytes) -> list[OrderRow]:
        """The answer of `trade/order` or `trade/orders-pending` as it is. Raises BadMessage."""
        found: list[OrderRow] = rows(_ORDER_ANSWER, body)
        return found

    def orders(
        self, found: list[OrderRow], source: UpdateSource, started_us: int, receive_us: int
    ) -> list[OrderUpdate]:
        """What fetched rows say of the traded instruments. Raises BadMessage."""
        return [self._update(row, receive_us, source, started_us) for row in self._own(found)]

    def fill_rows(self, body: bytes) -> list[FillRow]:
        """The answer of `trade/fills` as it is, newest first. Raises BadMessage."""
        found: list[FillRow] = rows(_FILL_ANSWER, body)
        return found

    def fill(self, row: FillRow, receive_us: int) -> Fill:
        """One fetched trade. Raises BadMessage."""
        numbers = self._numbers
        return Fill(
            row.trade_id,
            self._name(row, ours=row.sub_type not in LIQUIDATION_TRADES),
            row.ord_id,
            self._symbols[row.inst_id],
            side_of(row.side),
            numbers[row.fill_px],
            numbers[row.fill_sz],
            -numbers.signed(row.fee),
            row.fee_ccy,
            _liquidity(row.exec_type),
            stamp_us(row.fill_time or row.ts),
            receive_us,
            UpdateSource.REST,
            self._realized(row.fill_pnl),
        )

    def balances(self, body: bytes, receive_us: int) -> tuple[Balance, ...]:
        """The answer of `account/balance`. Raises BadMessage."""
        return self._balances(rows(_ACCOUNT_ANSWER, body), receive_us)

    # ---- the parts

    def _own(self, found: list[OrderRow]) -> list[OrderRow]:
        return [row for row in found if row.inst_id in self._symbols]

    def _name(self, row: OrderRow | FillRow, *, ours: bool) -> str:
        """The client order id; of an order by which OKX closes a position the one that the engine knows it under."""
        return row.cl_ord_id if ours else liquidation_id(self._venue, row.ord_id)

    def _update(self, row: OrderRow, receive_us: int, told_by: UpdateSource, started_us: int | None) -> OrderUpdate:
        numbers = self._numbers
        status = STATES.get(row.state)
        source = row.cancel_source
        reason = CANCEL_REASONS.get(source, f"canceled:{source}") if source else ""
        if status is None:
            status, reason = OrderStatus.UNKNOWN, f"ambiguous:state {row.state[:20]}"
        average = self._optional(row.avg_px)
        return OrderUpdate(
            self._symbols[row.inst_id],
            self._name(row, ours=row.category not in LIQUIDATIONS),
            row.ord_id,
            status,
            numbers[row.acc_fill_sz],
            reason,
            stamp_us(row.u_time),
            receive_us,
            told_by,
            started_us,
            side_of(row.side),
            self._optional(row.px),
            None if row.is_in_quote else numbers[row.sz],
            average or None,  # 0 before the first fill
        )

    def _streamed_fill(self, row: OrderRow, receive_us: int) -> Fill:
        numbers = self._numbers
        return Fill(
            row.trade_id,
            self._name(row, ours=row.category not in LIQUIDATIONS),
            row.ord_id,
            self._symbols[row.inst_id],
            side_of(row.side),
            numbers[row.fill_px],
            numbers[row.fill_sz],
            -numbers.signed(row.fill_fee),
            row.fill_fee_ccy,
            _liquidity(row.exec_type),
            stamp_us(row.fill_time),
            receive_us,
            realized=self._realized(row.fill_pnl),
        )

    def _balances(self, accounts: list[_Account], receive_us: int) -> tuple[Balance, ...]:
        signed = self._numbers.signed
        return tuple(
            Balance(
                self._venue,
                row.ccy,
                signed(row.cash_bal),
                signed((row.avail_bal if self._is_spot else row.avail_eq) or row.cash_bal),
                stamp_us(row.u_time),
                receive_us,
            )
            for account in accounts
            for row in account.details
        )

    def _realized(self, text: str) -> Decimal | None:
        """Spot markets realize nothing."""
        return None if self._is_spot or not text else self._numbers.signed(text)

    def _optional(self, text: str) -> Decimal | None:
        return self._numbers[text] if text else None


def _liquidity(word: str) -> Liquidity:
    found = LIQUIDITIES.get(word)
    if found is None:
        raise BadMessage(f"{word[:20]!r} is neither M nor T")
    return found
