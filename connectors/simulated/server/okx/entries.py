"""The venue's memory of orders placed through this protocol, and how orders and fills are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec import Struct

from connectors.simulated.margin import Payment
from connectors.simulated.server.okx.board import SIDES
from connectors.simulated.server.okx.contracts import SPOT, SWAP, inst_type
from connectors.simulated.server.okx.values import money, stamp
from connectors.simulated.venue_order import OrderState, VenueOrder
from engine.model.enums import Liquidity, OrderStatus, Side
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.order import is_liquidation

KEPT = 100_000
SOURCES = {  # why an order was cancelled; by its owner unless the exchange has a reason
    "": "1",
    "fok": "13",
    "ioc": "14",
    "no_liquidity": "14",
    "dead_man": "20",
    "would_take": "31",
    "self_trade": "32",
}
NO_FILL = dict.fromkeys(("fillPx", "fillTime", "tradeId", "execType", "fillFeeCcy"), "") | dict.fromkeys(
    ("fillSz", "fillFee", "fillPnl"), "0"
)
SUB_TYPES = {(False, Side.BUY): "1", (False, Side.SELL): "2", (True, Side.BUY): "106", (True, Side.SELL): "107"}
Row = dict[str, Any]


@dataclass(eq=False, slots=True)
class Entry:
    """One order. `name` is the client's, `kind` its type in OKX's words, `size` as it was sent, in `target`."""

    order: VenueOrder
    symbol: str
    name: str
    kind: str
    target: str
    size: Decimal
    tag: str
    fee_asset: str
    lever: str = ""
    fee: Decimal = ZERO
    profit: Decimal = ZERO
    last: Fill | None = None
    request_id: str = ""  # of the last amend


class FillEntry(Struct, frozen=True, gc=False):
    """One own trade with its bill, and the balance of the fee's asset after it."""

    bill: int
    fill: Fill
    entry: Entry
    balance: Decimal


class FundingEntry(Struct, frozen=True, gc=False):
    """One payment of funding with its bill, and the balance after it."""

    bill: int
    payment: Payment
    symbol: str
    balance: Decimal


@dataclass(slots=True)
class Sums:
    """What an account's trades in one instrument have cost, and what holding it has brought."""

    fees: Decimal = ZERO
    funding: Decimal = ZERO
    last_trade: str = ""


@dataclass(slots=True)
class Entries:
    """Beyond `kept` orders the older half of those that have ended is forgotten."""

    kept: int = KEPT
    fills: list[FillEntry] = field(default_factory=list)
    fundings: list[FundingEntry] = field(default_factory=list)
    _sums: dict[tuple[int, str], Sums] = field(default_factory=dict)
    _by_id: dict[str, Entry] = field(default_factory=dict)
    _by_name: dict[tuple[int, str, str], list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        self._by_id[entry.order.venue_order_id] = entry
        if entry.name:
            self._by_name.setdefault(_name_key(entry), []).append(entry)
        if len(self._by_id) > self.kept:
            self._forget()

    def book(self, fill: Fill, balance: Decimal) -> Entry | None:
        """Note an own trade; None for one of an order that was not placed through this protocol."""
        entry = self._by_id.get(fill.venue_order_id)
        if entry is not None:
            entry.fee += fill.fee
            entry.profit += fill.realized or ZERO
            entry.last = fill
            self.fills.append(FillEntry(self._next_bill, fill, entry, balance))
            sums = self.sums(entry.order.account.number, entry.symbol)
            sums.fees += fill.fee
            sums.last_trade = fill.trade_id
        return entry

    def book_funding(self, payment: Payment, symbol: str, balance: Decimal) -> None:
        self.fundings.append(FundingEntry(self._next_bill, payment, symbol, balance))
        self.sums(payment.account, symbol).funding += payment.transfer.amount

    def of(self, order_id: str) -> Entry | None:
        return self._by_id.get(order_id)

    def find(self, account: int, symbol: str, order_id: str, name: str) -> Entry | None:
        """By OKX's id if given, else by the client's: the newest of that name."""
        if order_id:
            entry = self._by_id.get(order_id)
            return entry if entry is not None and entry.order.account.number == account else None
        named = self._by_name.get((account, symbol, name))
        return named[-1] if named else None

    def of_account(self, number: int) -> Iterator[Entry]:
        """An account's orders, newest first."""
        return (each for each in reversed(self._by_id.values()) if each.order.account.number == number)

    def fills_of(self, number: int) -> Iterator[FillEntry]:
        """An account's trades, newest first."""
        return (each for each in reversed(self.fills) if each.entry.order.account.number == number)

    def bills_of(self, number: int) -> list[FillEntry | FundingEntry]:
        """What was booked for an account's perpetuals, newest first."""
        trades = [each for each in self.fills_of(number) if inst_type(each.entry.symbol) == SWAP]
        fundings = [each for each in self.fundings if each.payment.account == number]
        return sorted([*trades, *fundings], key=lambda each: -each.bill)

    def sums(self, number: int, symbol: str) -> Sums:
        """Of an account and an instrument."""
        return self._sums.setdefault((number, symbol), Sums())

    @property
    def _next_bill(self) -> int:
        return len(self.fills) + len(self.fundings) + 1

    def _forget(self) -> None:
        for order_id, old in list(self._by_id.items())[: self.kept // 2]:
            if not old.order.is_open:
                del self._by_id[order_id]
                if old.name:
                    self._by_name[_name_key(old)].remove(old)


def _name_key(entry: Entry) -> tuple[int, str, str]:
    return entry.order.account.number, entry.symbol, entry.name


def order_row(entry: Entry, state: OrderState | None = None) -> Row:
    """An order as it is, or as it was."""
    order = entry.order
    state = state or order.state
    in_base, request = entry.target != "quote_ccy", order.request
    canceled = state.status not in (OrderStatus.OPEN, OrderStatus.FILLED)
    return {
        "instType": inst_type(entry.symbol),
        "instId": entry.symbol,
        "ordId": order.venue_order_id,
        "clOrdId": entry.name,
        "tag": entry.tag,
        "px": money(state.price) if state.price is not None else "",
        "sz": money(state.quantity if in_base else entry.size),
        "ordType": entry.kind,
        "side": SIDES[request.side],
        "posSide": "net",
        "tdMode": "cash" if inst_type(entry.symbol) == SPOT else "cross",
        "tgtCcy": entry.target,
        "accFillSz": money(state.filled),
        "avgPx": money(round(state.cost / state.filled, 16)) if state.filled else "",
        **_last(entry.last),
        "state": _state(state),
        "fee": money(-entry.fee),
        "feeCcy": entry.fee_asset,
        "rebate": "0",
        "rebateCcy": "",
        "pnl": money(entry.profit),
        "lever": entry.lever,
        "category": "full_liquidation" if is_liquidation(request.client_order_id) else "normal",
        "reduceOnly": str(request.reduce_only).lower(),
        "cancelSource": SOURCES.get(state.reason, "0") if canceled else "",
        "cTime": stamp(order.history[0].at_us),
        "uTime": stamp(state.at_us),
    }


def order_event(entry: Entry, state: OrderState, fill: Fill | None) -> Row:
    """News of an order: the row, with the fill that it tells of."""
    row = order_row(entry, state) | NO_FILL | {"reqId": entry.request_id, "amendResult": "", "code": "0", "msg": ""}
    if fill is None:
        return row
    told = {"execType": _liquidity(fill), "fillFee": money(-fill.fee), "fillFeeCcy": fill.fee_asset}
    told["fillPnl"] = money(fill.realized or ZERO)
    return row | _last(fill) | told


def fill_row(each: FillEntry) -> Row:
    """An own trade."""
    fill, entry = each.fill, each.entry
    return {
        "instType": inst_type(entry.symbol),
        "instId": entry.symbol,
        "tradeId": fill.trade_id,
        "ordId": fill.venue_order_id,
        "clOrdId": entry.name,
        "billId": str(each.bill),
        "tag": entry.tag,
        "fillPx": money(fill.price),
        "fillSz": money(fill.quantity),
        "side": SIDES[fill.side],
        "posSide": "net",
        "execType": _liquidity(fill),
        "subType": SUB_TYPES[is_liquidation(entry.order.request.client_order_id), fill.side],
        "feeCcy": fill.fee_asset,
        "fee": money(-fill.fee),
        "fillPnl": money(fill.realized or ZERO),
        "fillTime": stamp(fill.event_us),
        "ts": stamp(fill.event_us),
    }


def _state(state: OrderState) -> str:
    if state.status is OrderStatus.OPEN:
        return "partially_filled" if state.filled else "live"
    return "filled" if state.status is OrderStatus.FILLED else "canceled"


def _last(fill: Fill | None) -> Row:
    if fill is None:
        return {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": ""}
    return {
        "fillPx": money(fill.price),
        "fillSz": money(fill.quantity),
        "fillTime": stamp(fill.event_us),
        "tradeId": fill.trade_id,
    }


def _liquidity(fill: Fill) -> str:
    return "M" if fill.liquidity is Liquidity.MAKER else "T"
