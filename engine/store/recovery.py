"""What a start reads from the order log, and how the tracker and the portfolio get it back."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from engine.core.engine import Engine
from engine.core.order_records import DEAD_KEPT_US, ENDED_KEPT_US
from engine.core.orders import OrderTracker
from engine.core.portfolio import TRANSFERS_KEPT, Portfolio
from engine.core.position import PositionLedger
from engine.model.event import TransferSeen
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.request import RecallOrder
from engine.store.ledger_rows import SELECT_LEDGERS, SELECT_TRANSFERS, LedgerState, ledger_from, transfer_from
from engine.store.rows import SELECT_ORDERS, read_order

_REMEMBERED = f"""{SELECT_ORDERS} WHERE settled = 0 OR (settled = 1 AND updated_us >= ?)
    OR (settled = 1 AND updated_us >= ? AND close_reason IN ('REJECTED', 'NOT_SENT', 'NEVER_EXISTED', 'LOST'))
    ORDER BY created_us, client_order_id, twin"""


class ComponentState(Struct, frozen=True):
    """The memory of a controller or executor, as JSON of its `version`."""

    version: int
    state: str
    updated_us: int


class Recovered(Struct, frozen=True):
    """`orders`: not DONE, DONE within the last hour, and the watch list, oldest first. `totals` by (venue, asset)."""

    orders: list[Order]
    cursors: dict[str, str]
    totals: dict[tuple[str, str], Decimal]
    ledgers: list[LedgerState]
    transfers: list[TransferSeen]
    components: dict[str, ComponentState]


def load(connection: sqlite3.Connection, now_us: int) -> Recovered:
    """Everything that the next run needs."""
    transfers = connection.execute(f"{SELECT_TRANSFERS} ORDER BY seq DESC LIMIT {TRANSFERS_KEPT}").fetchall()
    rows = connection.execute(_REMEMBERED, (now_us - ENDED_KEPT_US, now_us - DEAD_KEPT_US)).fetchall()
    states = connection.execute("SELECT component, version, state, updated_us FROM bot_state ORDER BY component")
    return Recovered(
        orders=[read_order(connection, row, now_us) for row in rows],
        cursors=dict(connection.execute("SELECT instrument_id, value FROM cursors ORDER BY instrument_id")),
        totals=read_totals(connection),
        ledgers=[ledger_from(row) for row in connection.execute(SELECT_LEDGERS)],
        transfers=[transfer_from(row) for row in reversed(transfers)],
        components={name: ComponentState(*rest) for name, *rest in states},
    )


def encode(recovered: Recovered) -> bytes:
    """For the header of a journal."""
    return msgspec.msgpack.encode(recovered)


def decode(data: bytes) -> Recovered:
    """What `encode` was given."""
    return msgspec.msgpack.decode(data, type=Recovered)


def read_totals(connection: sqlite3.Connection) -> dict[tuple[str, str], Decimal]:
    """What we have, by (venue, asset)."""
    rows = connection.execute("SELECT venue, asset, total FROM balances ORDER BY venue, asset")
    return {(venue, asset): Decimal(total) for venue, asset, total in rows}


def recall(connection: sqlite3.Connection, request: RecallOrder, instrument_id: str, now_us: int) -> list[Order]:
    """All twins of an order, oldest first, by its venue id or, where that is unknown here, by its client id."""
    by_venue = (
        "SELECT client_order_id FROM orders WHERE instrument_id = ? AND venue_order_id = ? AND venue_order_id <> ''"
    )
    found = connection.execute(by_venue, (instrument_id, request.venue_order_id)).fetchone()
    client_order_id = found[0] if found else request.client_order_id
    rows = connection.execute(f"{SELECT_ORDERS} WHERE client_order_id = ? ORDER BY twin", (client_order_id,)).fetchall()
    return [read_order(connection, row, now_us) for row in rows]


def restore(recovered: Recovered, tracker: OrderTracker, portfolio: Portfolio, now_us: int) -> None:
    """Make a fresh tracker and portfolio what they were. Instruments that the session no longer has are left out."""
    for transfer in recovered.transfers:  # known again; no ledger has begun yet, so they add nothing
        portfolio.apply_transfer(transfer)
    for venue in dict.fromkeys(venue for venue, _ in recovered.totals):
        portfolio.open(venue, {asset: total for (at, asset), total in recovered.totals.items() if at == venue})
    for ledger in portfolio.ledgers():
        ledger.funding_quote = ZERO
    for state, target in _ledgers(recovered, portfolio):
        state.put_into(target)
    for instrument_id, market in portfolio.markets.items():
        owned = (ledger for ledger in portfolio.ledgers() if ledger.instrument is market.instrument)
        market.position = sum((ledger.quantity for ledger in owned), ZERO)
        tracker.set_position(instrument_id, market.position)
    for instrument_id, cursor in recovered.cursors.items():
        tracker.set_cursor(instrument_id, cursor)
    tracker.restore(recovered.orders, now_us)
    for order in recovered.orders:
        if order.is_open and order.instrument_id in portfolio.markets:
            portfolio.follow(order)


def resume(recovered: Recovered, engine: Engine, now_us: int) -> None:
    """Make a fresh engine what it was: orders, money, and what its strategies and executors knew."""
    restore(recovered, engine.state.orders, engine.state.portfolio, now_us)
    engine.resume({name: component.state for name, component in recovered.components.items()})


def _ledgers(recovered: Recovered, portfolio: Portfolio) -> Iterator[tuple[LedgerState, PositionLedger]]:
    for state in recovered.ledgers:
        market = portfolio.markets.get(state.instrument_id)
        if market is not None:
            yield state, market.net if state.net else portfolio.ledger(state.instrument_id, state.owner)
