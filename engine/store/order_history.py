"""Reading an order log, also while its bot is running: trades, orders and their lives, what was earned."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.order import Order
from engine.store.ledger_rows import SELECT_LEDGERS, LedgerState, ledger_from
from engine.store.recovery import read_totals
from engine.store.rows import FILL_COLUMNS, SELECT_ORDERS, fill_from, read_order
from engine.store.schema import open_current, read_meta

FOREVER = 1 << 62


class Trade(Struct, frozen=True):
    """A booked fill and the owner of its order. Provisional ones are listed until their trades have come."""

    owner: str
    fill: Fill


class LifeEvent(Struct, frozen=True):
    """One entry in the life of an order. `kind`: its new status, or FILL, PROVISIONAL, CORRECTED.

    `changes` are the facts that changed, by column of the table `orders`; the first entry has all of them.
    """

    at_us: int
    kind: str
    cause: str
    twin: int
    changes: dict[str, str | int | None]
    trade_ids: list[str]
    alarms: list[tuple[str, str]]


class Asset(Struct, frozen=True):
    """One asset at one venue over a time: `start` + `moved` + `traded` = `now`.

    `moved` was deposited less withdrawn; `traded` is everything else, after `fees` (> 0 were paid).
    """

    venue: str
    asset: str
    start: Decimal
    moved: Decimal
    traded: Decimal
    fees: Decimal
    now: Decimal


class OrderHistory:
    """A read-only view of one file. Raises LogDamaged or LogVersion where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._connection = open_current(path)

    def __enter__(self) -> "OrderHistory":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def halt_latch(self) -> str:
        """Why the bot is halted, "" when it is not."""
        return read_meta(self._connection).get("halt_latch", "")

    def trades(self, since_us: int = 0, limit: int = FOREVER) -> list[Trade]:
        """What was booked since then, newest first; busted trades are left out."""
        query = f"""SELECT {", ".join(f"fills.{name}" for name in FILL_COLUMNS)}, fills.client_order_id, owner
            FROM fills JOIN orders USING (client_order_id, twin)
            WHERE replaced_by = '' AND CAST(fills.quantity AS REAL) <> 0 AND receive_us >= ?
            ORDER BY seq DESC LIMIT ?"""
        rows = self._connection.execute(query, (since_us, limit))
        return [Trade(owner, fill_from(row, client_order_id)) for *row, client_order_id, owner in rows]

    def orders(self, since_us: int = 0, limit: int = FOREVER) -> list[Order]:
        """Orders made since then, newest first: client order ids grow with time. One without an answer is UNKNOWN."""
        query = f"{SELECT_ORDERS} WHERE created_us >= ? ORDER BY client_order_id DESC, twin DESC LIMIT ?"
        rows = self._connection.execute(query, (since_us, limit)).fetchall()
        return [read_order(self._connection, row, FOREVER) for row in rows]

    def life(self, client_order_id: str) -> list[LifeEvent]:
        """Everything that happened to an order and its twins, with causes, oldest first."""
        query = """SELECT e.at_us, e.kind, e.source, e.twin, e.payload FROM orders AS o
            JOIN order_events AS e ON e.seq BETWEEN o.born AND o.rev
            AND (e.client_order_id, e.twin) = (o.client_order_id, o.twin) WHERE o.client_order_id = ? ORDER BY e.seq"""
        rows = self._connection.execute(query, (client_order_id,))
        return [_life_event(*row) for row in rows]

    def ledgers(self) -> list[LedgerState]:
        """Positions and what trading them earned since the log was begun, by instrument and owner."""
        return [ledger_from(row) for row in self._connection.execute(SELECT_LEDGERS)]

    def assets(self, since_us: int = 0) -> list[Asset]:
        """Every balance then and now. What a venue reported to have been there before the log counts as the start."""
        sums: dict[str, dict[tuple[str, str], Decimal]] = {"venue": {}, "external": {}, "fees": {}}
        for code, asset, amount in self._postings(since_us):
            kind, _, name = code.partition(":")
            if kind in sums:
                sums[kind][name, asset] = sums[kind].get((name, asset), ZERO) + amount
        found = []
        for key, now in read_totals(self._connection).items():
            change, moved, fees = (sums[kind].get(key, ZERO) for kind in sums)
            found.append(Asset(*key, start=now - change, moved=-moved, traded=change + moved, fees=fees, now=now))
        return found

    def _postings(self, since_us: int) -> Iterator[tuple[str, str, Decimal]]:
        query = """SELECT account_code, asset, amount FROM postings JOIN order_events AS e ON e.seq = event_seq
            WHERE e.at_us >= ? AND kind <> 'BALANCES'"""
        for code, asset, amount in self._connection.execute(query, (since_us,)):
            yield code, asset, Decimal(amount)


def _life_event(at_us: int, kind: str, cause: str, twin: int, payload: str) -> LifeEvent:
    told = msgspec.json.decode(payload)
    changes = told.get("order") or told.get("change", {})
    trade_ids = [fill["trade_id"] for fill in told.get("fills", ())]
    return LifeEvent(
        at_us, kind, cause, twin, changes, trade_ids, [(name, text) for name, text in told.get("alarms", ())]
    )
