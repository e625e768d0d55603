"""Records of a run in one short line each, for people who read a failing seed."""

from decimal import Decimal
from typing import Any

from engine.model.event import AccountSnapshot
from engine.model.market import BookDelta, BookSnapshot, PublicTrade

QUIET = frozenset((BookDelta, BookSnapshot, PublicTrade))
HIDDEN = ("instrument_id", "venue", "event_us", "owner", "order_type", "time_in_force", "fee", "fee_asset", "liquidity")
ORIGIN_US = 1_767_225_600_000_000


def line_of(record: Any) -> str:
    """Its kind and the fields that say something; "" for market data and ticks."""
    name = type(record).__name__
    if type(record) in QUIET or name in ("Tick", "Balance"):
        return ""
    if isinstance(record, AccountSnapshot):
        rows = [f"{row.client_order_id}/{row.venue_order_id}:{row.filled}" for row in record.open_orders or ()]
        what = "balances" if record.open_orders is None else f"open {rows}"
        return f"{name} {what} started={seconds(record.started_us)} complete={record.complete}"
    parts = [name]
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if field in HIDDEN or value in ("", None) or value is False:
            continue
        if field.endswith("_us"):
            if value:
                parts.append(f"{field[:-3]}={seconds(value)}")
        elif isinstance(value, Decimal):
            parts.append(f"{field}={value:f}")
        else:
            parts.append(str(value) if field.endswith("_id") or hasattr(value, "name") else f"{field}={value}")
    return " ".join(parts)


def seconds(at_us: int) -> str:
    return f"{(at_us - ORIGIN_US) / 1e6:.3f}" if at_us > ORIGIN_US // 2 else str(at_us)
