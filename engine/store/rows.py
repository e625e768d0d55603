"""Orders and fills as rows of the order log, and back."""

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from engine.core.order_status import derive_status
from engine.model.enums import CloseReason, Command, Liquidity, OrderType, Phase, Side, TimeInForce, UpdateSource
from engine.model.fill import Fill
from engine.model.money import ZERO, to_text
from engine.model.order import Order

Value = str | int | None
Convert = Callable[[Any], Any]


def _optional(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


_MONEY = _optional(Decimal)
# By attribute of Order, in the order of the columns; the key never changes, nor do the other fixed ones.
FIXED: dict[str, Convert] = {
    "client_order_id": str,
    "twin": int,
    "instrument_id": str,
    "parent": str,
    "side": Side,
    "order_type": OrderType,
    "time_in_force": TimeInForce,
    "post_only": bool,
    "reduce_only": bool,
    "stop_price": _MONEY,
    "expire_us": int,
    "list_id": str,
    "created_us": int,
}
FACTS: dict[str, Convert] = {
    "venue_order_id": str,
    "owner": str,
    "tag": str,
    "price": _MONEY,
    "quantity": _MONEY,
    "sent_us": int,
    "expires_us": int,
    "phase": Phase,
    "close_reason": _optional(CloseReason),
    "reason": str,
    "command": Command,
    "command_us": int,
    "attempts": int,
    "amend_price": _MONEY,
    "amend_quantity": _MONEY,
    "venue_filled": Decimal,
    "filled": Decimal,
    "settled": bool,
    "doubt": bool,
    "ambiguous": bool,
    "updated_us": int,
}
_ATTRIBUTES = {**FIXED, **FACTS}
_COLUMN = {"tag": "slot_tag"}
COLUMNS = tuple(_COLUMN.get(name, name) for name in _ATTRIBUTES)
FACT_COLUMNS = COLUMNS[len(FIXED) :]
FILL_FIELDS: dict[str, Convert] = {
    "trade_id": str,
    "venue_order_id": str,
    "instrument_id": str,
    "side": Side,
    "price": Decimal,
    "quantity": Decimal,
    "fee": Decimal,
    "fee_asset": str,
    "liquidity": Liquidity,
    "event_us": int,
    "receive_us": int,
    "source": UpdateSource,
}
FILL_COLUMNS = (*FILL_FIELDS, "replaced_by")
_fixed_of = attrgetter(*FIXED)
_facts_of = attrgetter(*FACTS)
_fill_of = attrgetter(*FILL_FIELDS)

_NAMES = ", ".join((*COLUMNS, "born", "rev"))
UPSERT_ORDER = (
    f"INSERT INTO orders ({_NAMES}) VALUES ({', '.join('?' * (len(COLUMNS) + 2))}) "
    f"ON CONFLICT (client_order_id, twin) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*FACT_COLUMNS, "rev"))
)
SELECT_ORDERS = f"SELECT {', '.join(COLUMNS)} FROM orders"
INSERT_FILL = (
    f"INSERT INTO fills (client_order_id, twin, {', '.join(FILL_COLUMNS)}) "
    f"VALUES ({', '.join('?' * (len(FILL_COLUMNS) + 2))})"
)
UPSERT_FILL = f"{INSERT_FILL} ON CONFLICT (client_order_id, twin, trade_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in FILL_COLUMNS
)
SELECT_FILLS = f"SELECT {', '.join(FILL_COLUMNS)} FROM fills WHERE client_order_id = ? AND twin = ? ORDER BY seq"


def plain(value: Any) -> Value:
    """A fact as SQLite and JSON hold it."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value  # type: ignore[no-any-return]
    if kind is Decimal:
        return to_text(value)
    return int(value) if kind is bool else value._value_


class Shadow:
    """What the log knows of an order: the facts as they were noted last, and its row.

    `seq` is the number of the entry that first names it in this session.
    """

    __slots__ = ("_facts", "row", "settled")

    def __init__(self, order: Order, seq: int) -> None:
        self._facts = _facts_of(order)
        self.row: list[Value] = [plain(value) for value in (*_fixed_of(order), *self._facts)]
        self.row += [seq, seq]
        self.settled = order.settled

    def update(self, order: Order) -> dict[str, Value]:
        """Take over the facts of the order; returns the changed ones by column."""
        facts = _facts_of(order)
        if facts == self._facts:
            return {}
        changes: dict[str, Value] = {}
        for index, (old, new) in enumerate(zip(self._facts, facts, strict=True)):
            if old is not new and old != new:
                changes[FACT_COLUMNS[index]] = self.row[len(FIXED) + index] = plain(new)
        self._facts = facts
        self.settled = order.settled
        return changes

    def full(self) -> dict[str, Value]:
        """All columns but `born` and `rev`."""
        return dict(zip(COLUMNS, self.row, strict=False))


def fill_row(fill: Fill, replaced_by: str = "") -> tuple[Value, ...]:
    """`replaced_by`: the trade that a provisional fill stood for."""
    return (*map(plain, _fill_of(fill)), replaced_by)


def fill_from(row: tuple[Any, ...], client_order_id: str) -> Fill:
    """A fill from a row of FILL_COLUMNS."""
    values = {name: convert(value) for (name, convert), value in zip(FILL_FIELDS.items(), row, strict=False)}
    return Fill(client_order_id=client_order_id, **values)


def read_order(connection: sqlite3.Connection, row: tuple[Any, ...], now_us: int) -> Order:
    """An order with its fills, from a row of SELECT_ORDERS. Sums and status follow from the facts."""
    values = {name: convert(value) for (name, convert), value in zip(_ATTRIBUTES.items(), row, strict=True)}
    order = Order(**values)
    order.filled = ZERO
    for fill_values in connection.execute(SELECT_FILLS, (order.client_order_id, order.twin)):
        fill = fill_from(fill_values, order.client_order_id)
        if fill.source is not UpdateSource.PROVISIONAL:
            order.fills[fill.trade_id] = fill
            order.filled += fill.quantity
            order.cost += fill.price * fill.quantity
            order.fees[fill.fee_asset] = order.fees.get(fill.fee_asset, ZERO) + fill.fee
        elif not fill_values[-1]:
            order.provisional = fill
    order.status = derive_status(order, now_us)
    return order
