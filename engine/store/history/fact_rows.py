"""Entries of an order log as rows of the history."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from engine.core.order_status import derive_status
from engine.model.enums import UpdateSource
from engine.model.order import Order
from engine.store.history.column_types import bounded
from engine.store.history.log_reader import LogEvent
from engine.store.ledger_rows import LedgerState

Row = dict[str, Any]


class Place(Struct):
    """Where in which log the exporter stands, and the session that is written there."""

    log_key: int
    bot_name: str
    session_id: str
    log_sequence: int
    simulated: bool = False

    @property
    def market_session(self) -> str:
        """To which session the instruments belong."""
        return self.session_id if self.simulated else ""


def payload_of(event: LogEvent) -> dict[str, Any]:
    """What an entry says. PostgreSQL knows no character 0, so there is none."""
    told = msgspec.json.decode(event.payload)
    if "\\u0000" in event.payload:
        told = clean(told)
    found: dict[str, Any] = told
    return found


def decoded(text: str) -> Any:
    """JSON as objects."""
    return msgspec.json.decode(text)


def clean(value: Any) -> Any:
    """The same without characters 0, at any depth."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, Mapping):
        return {clean(key): clean(inner) for key, inner in value.items()}
    return [clean(inner) for inner in value] if isinstance(value, list) else value


def event_row(event: LogEvent, payload: Row, place: Place) -> Row:
    return {
        "log_key": place.log_key,
        "log_sequence": event.seq,
        "session_id": place.session_id,
        "bot_name": place.bot_name,
        "ts": event.at_us,
        "source": clean(event.source),
        "kind": event.kind,
        "client_order_id": event.client_order_id,
        "twin": event.twin,
        "payload": payload,
        "hash": event.hash,
    }


_SAME = (
    *("client_order_id", "twin", "venue_order_id", "owner", "parent", "side", "order_type", "time_in_force"),
    *("post_only", "reduce_only", "price", "stop_price", "quantity", "filled", "venue_filled", "average_price"),
    *("phase", "close_reason", "reason", "settled"),
)


def order_row(order: Order, revision: int, instrument_key: int, place: Place) -> Row:
    """The order as it is now; `revision` is the number of its last entry."""
    return {
        "log_key": place.log_key,
        **{name: clean(getattr(order, name)) for name in _SAME},
        "session_id": place.session_id,
        "bot_name": place.bot_name,
        "instrument_key": instrument_key,
        "slot_tag": order.tag,
        "status": derive_status(order, order.updated_us),
        "log_sequence": revision,
        "created_at": order.created_us,
        "updated_at": order.updated_us,
    }


def trade_row(fill: Row, event: LogEvent, owner: str, instrument_key: int, place: Place) -> Row:
    """`fill` is one of an entry's."""
    return {
        "log_key": place.log_key,
        "client_order_id": event.client_order_id,
        "twin": event.twin,
        "trade_id": fill["trade_id"],
        "session_id": place.session_id,
        "bot_name": place.bot_name,
        "owner": owner,
        "instrument_key": instrument_key,
        "venue_order_id": fill["venue_order_id"],
        "ts": fill["receive_us"],
        "venue_ts": bounded(fill["event_us"]),
        "side": fill["side"],
        "price": Decimal(fill["price"]),
        "quantity": Decimal(fill["quantity"]),
        "fee": Decimal(fill["fee"]),
        "fee_asset": fill["fee_asset"],
        "liquidity": fill["liquidity"],
        "provisional": fill["source"] == UpdateSource.PROVISIONAL,
        "replaced_by": fill["replaced_by"],
        "log_sequence": event.seq,
    }


def transfer_row(event: LogEvent, payload: Row, place: Place) -> Row:
    return {
        "log_key": place.log_key,
        "log_sequence": event.seq,
        "session_id": place.session_id,
        "bot_name": place.bot_name,
        **{name: payload[name] for name in ("venue", "asset", "kind", "transfer_id", "instrument_id")},
        "amount": Decimal(payload["amount"]),
        "ts": bounded(payload["event_us"]),
    }


def position_row(ledger: LedgerState, instrument_key: int, at_us: int, place: Place) -> Row:
    return {
        "session_id": place.session_id,
        "instrument_key": instrument_key,
        "owner": "" if ledger.net else ledger.owner,
        "bot_name": place.bot_name,
        "quantity": ledger.quantity,
        "cost": ledger.cost,
        "realized_pnl": ledger.realized,
        "fees": ledger.fees_quote,
        "accumulated_funding": ledger.funding_quote,
        "updated_at": at_us,
    }


def session_row(event: LogEvent, about: Row, place: Place) -> Row:
    """From the entry with which a session begins."""
    return {
        "session_id": place.session_id,
        "bot_name": place.bot_name,
        "mode": about.get("mode", ""),
        "started_at": event.at_us,
        "config": about.get("config"),
        "config_hash": about.get("config_hash", ""),
        "seed": about.get("seed"),
        "code_version": about.get("code_version", ""),
    }
