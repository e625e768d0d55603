"""ccxt's unified structures → instruments and events. Pure: no I/O, no clock.

ccxt is told to give numbers as text (`exchange.number = str`); what it still gives as floats (books, public trades,
rates of fees) is converted by its shortest text: good enough to quote on, never used for accounting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

import ccxt

from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import BookSnapshot, Level, PublicTrade
from engine.model.money import ONE, ZERO

DEPTH = 50
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ROLES = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}
STATUSES = {
    "open": OrderStatus.OPEN,
    "canceling": OrderStatus.OPEN,
    "canceled": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
    **dict.fromkeys(("ioc", "fok", "poc", "stp", "small"), OrderStatus.EXPIRED),  # Gate's own words come through
}
TEXT_PREFIXES = {"gate": "t-"}  # put before client order ids, by ccxt itself when it sends them

Unified = Mapping[str, Any]


@contextmanager
def read() -> Iterator[None]:
    """What ccxt told has another shape than it promises: BadMessage, which proves nothing, instead of an end."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadMessage(f"ccxt's answer cannot be read: {type(error).__name__}: {error}") from error


def decimal(value: Any) -> Decimal | None:
    """A number in whatever form ccxt has it; None stays None. Raises BadMessage."""
    if value is None:
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        raise BadMessage(f"{str(value)[:40]!r} is not a number") from None
    if not number.is_finite():
        raise BadMessage(f"{str(value)[:40]!r} is not a finite number")
    return number


def unified_symbol(symbol: str) -> str:
    """ccxt's name of BTC-USDT (BTC/USDT)."""
    return symbol.replace("-", "/")


def instrument(market: Unified, venue: str, precision_mode: int) -> Instrument:
    """A spot market. Raises BadMessage about rules that cannot be kept."""
    symbol = f"{market['base']}-{market['quote']}"
    limits, precision = market.get("limits") or {}, market["precision"]
    amounts, prices, costs = (limits.get(name) or {} for name in ("amount", "price", "cost"))
    step = _step(precision.get("amount"), precision_mode, symbol)
    return Instrument(
        instrument_id=instrument_id(venue, symbol),
        venue=venue,
        symbol=symbol,
        base=market["base"],
        quote=market["quote"],
        price_step=_step(precision.get("price"), precision_mode, symbol),
        quantity_step=step,
        quantity_min=max(decimal(amounts.get("min")) or ZERO, step),
        quantity_max=decimal(amounts.get("max")) or ZERO,
        notional_min=decimal(costs.get("min")) or ZERO,
        price_min=decimal(prices.get("min")) or ZERO,
        price_max=decimal(prices.get("max")) or ZERO,
        venue_symbol=market["symbol"],
        maker_rate=decimal(market.get("maker")) or ZERO,
        taker_rate=decimal(market.get("taker")) or ZERO,
        fee_asset=market["base"],
    )


def _step(value: Any, mode: int, symbol: str) -> Decimal:
    number = decimal(value)
    if number is None or mode == ccxt.SIGNIFICANT_DIGITS:
        raise BadMessage(f"{symbol}: the steps of prices and quantities are not told")
    return ONE.scaleb(-int(number)) if mode == ccxt.DECIMAL_PLACES else number


def microseconds(stamp: Any) -> int:
    """ccxt's times are in milliseconds, or missing."""
    return int(stamp) * 1_000 if stamp else 0


def book(raw: Unified, name: str, receive_us: int) -> BookSnapshot:
    """The best levels as they are now; the live structure changes later. Our time of receipt is its sequence."""
    sides = [_levels(raw[side]) for side in ("bids", "asks")]
    return BookSnapshot(name, sides[0], sides[1], receive_us, microseconds(raw.get("timestamp")), receive_us)


def _levels(rows: Iterable[Sequence[Any]]) -> tuple[Level, ...]:
    levels = []
    for row, _ in zip(rows, range(DEPTH), strict=False):
        price, quantity = decimal(row[0]), decimal(row[1])
        if price is not None and quantity:
            levels.append((price, quantity))
    return tuple(levels)


def public_trade(raw: Unified, name: str, receive_us: int) -> PublicTrade:
    price, quantity = decimal(raw["price"]), decimal(raw["amount"])
    if price is None or quantity is None or raw.get("side") not in SIDES:
        raise BadMessage(f"a trade without price, amount or side: {str(raw)[:80]}")
    stamp = microseconds(raw.get("timestamp"))
    return PublicTrade(name, str(raw.get("id") or ""), price, quantity, SIDES[raw["side"]], stamp, receive_us)


def balances(raw: Unified, venue: str, receive_us: int) -> tuple[Balance, ...]:
    """Assets without a total are left out."""
    found = []
    for asset, amount in (raw.get("total") or {}).items():
        total = decimal(amount)
        if total is not None:
            free = decimal((raw.get("free") or {}).get(asset))
            found.append(Balance(venue, asset, total, total if free is None else free, 0, receive_us))
    return tuple(found)


class OrderReader:
    """Orders and own trades of one exchange; `names` maps ccxt's symbols to instrument ids, others are left out."""

    def __init__(self, exchange_id: str, names: Mapping[str, str]) -> None:
        self._prefix = TEXT_PREFIXES.get(exchange_id, "")
        self._names = dict(names)

    def client_id(self, raw: Unified) -> str:
        return str(raw.get("clientOrderId") or "").removeprefix(self._prefix)

    def orders(
        self, rows: Iterable[Unified], source: UpdateSource, started_us: int | None, receive_us: int
    ) -> list[OrderUpdate]:
        return [self.order(raw, source, started_us, receive_us) for raw in rows if raw.get("symbol") in self._names]

    def order(self, raw: Unified, source: UpdateSource, started_us: int | None, receive_us: int) -> OrderUpdate:
        """What is not said is None; a state that is not known is UNKNOWN. Raises BadMessage."""
        name, order_id = self._names.get(raw.get("symbol") or ""), raw.get("id")
        if name is None or not order_id:
            raise BadMessage(f"an order without market or id: {str(raw)[:80]}")
        quantity, filled = decimal(raw.get("amount")), decimal(raw.get("filled"))
        status, reason = _status(raw.get("status"), quantity, filled)
        return OrderUpdate(
            name,
            self.client_id(raw),
            str(order_id),
            status,
            filled,
            reason,
            microseconds(raw.get("lastUpdateTimestamp") or raw.get("lastTradeTimestamp") or raw.get("timestamp")),
            receive_us,
            source,
            started_us,
            SIDES.get(raw.get("side") or ""),
            decimal(raw.get("price")) or None,
            quantity,
            (decimal(raw.get("average")) or None) if filled else None,
        )

    def fills(self, rows: Iterable[Unified], source: UpdateSource, receive_us: int) -> list[Fill]:
        return [self.fill(raw, source, receive_us) for raw in rows if raw.get("symbol") in self._names]

    def fill(self, raw: Unified, source: UpdateSource, receive_us: int) -> Fill:
        """Raises BadMessage about a trade that cannot be booked: its ids, its numbers or its fee are missing."""
        price, quantity, fee = decimal(raw.get("price")), decimal(raw.get("amount")), raw.get("fee") or {}
        cost, asset = decimal(fee.get("cost")), fee.get("currency")
        side, trade_id, order_id = SIDES.get(raw.get("side") or ""), raw.get("id"), raw.get("order")
        if price is None or quantity is None or side is None or not trade_id or not order_id:
            raise BadMessage(f"an own trade without ids, side or numbers: {str(raw)[:80]}")
        if cost is None or not asset:
            raise BadMessage(f"an own trade without its fee: {str(raw)[:80]}")
        return Fill(
            str(trade_id),
            self.client_id(raw),
            str(order_id),
            self._names[raw["symbol"]],
            side,
            price,
            quantity,
            cost,
            asset,
            ROLES.get(raw.get("takerOrMaker") or "", Liquidity.TAKER),
            microseconds(raw.get("timestamp")),
            receive_us,
            source,
        )


def _status(word: Any, quantity: Decimal | None, filled: Decimal | None) -> tuple[OrderStatus, str]:
    """An order that is closed without being full was ended by something else."""
    if word is None:
        return OrderStatus.OPEN, ""
    if word == "closed":
        is_full = filled is None or quantity is None or filled >= quantity
        return (OrderStatus.FILLED, "") if is_full else (OrderStatus.EXPIRED, "expired:closed")
    status = STATUSES.get(word)
    if status is None:
        return OrderStatus.UNKNOWN, f"ambiguous:unknown_state:{word}"[:100]
    return status, f"rejected:{word}" if status is OrderStatus.REJECTED else ""
