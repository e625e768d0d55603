"""An order log as the exporter reads it, while its bot writes to it."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from engine.model.order import Order
from engine.store.errors import OrderLogError
from engine.store.ledger_rows import SELECT_LEDGERS, LedgerState, ledger_from
from engine.store.order_log import NOBODY_WAITS
from engine.store.rows import COLUMNS, read_order
from engine.store.schema import open_current, read_meta

SESSION = "SESSION"
_EVENTS = """SELECT seq, at_us, source, kind, client_order_id, twin, payload, hash FROM order_events
    WHERE seq > ? ORDER BY seq LIMIT ?"""
_COMPONENTS = "SELECT component, version, state, updated_us FROM bot_state"
_ORDER = f"SELECT {', '.join(COLUMNS)}, rev FROM orders WHERE client_order_id = ? AND twin = ?"


class LogEvent(Struct, frozen=True):
    """One entry; `payload` is JSON."""

    seq: int
    at_us: int
    source: str
    kind: str
    client_order_id: str
    twin: int
    payload: str
    hash: bytes


class Batch(Struct, frozen=True):
    """Entries of one session, and what they speak of as it is now: orders with the number of their last entry.

    What is true now is left out of all batches but the one that reaches the end of the log.
    """

    events: list[LogEvent]
    orders: list[tuple[Order, int]]
    ledgers: list[LedgerState]
    components: list[tuple[str, int, str, int]]  # component, version, state, updated_us


class LogReader:
    """One file, read only. Raises LogDamaged or LogVersion where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_current(path)
        self._connection.isolation_level = None
        meta = read_meta(self._connection)
        self.log_id = meta["log_id"]
        self.wanted = meta.get("exported_seq", str(NOBODY_WAITS)) != str(NOBODY_WAITS)

    def close(self) -> None:
        self._connection.close()

    def last_seq(self) -> int:
        """Number of the newest entry, 0 when there is none."""
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM order_events").fetchone()[0])

    def read(self, after: int, limit: int) -> Batch:
        """The entries behind number `after`, up to the next session's beginning."""
        self._connection.execute("BEGIN")  # one moment for all tables
        try:
            rows = self._connection.execute(_EVENTS, (after, limit))
            events = list(_one_session(LogEvent(*row) for row in rows))
            if not events:
                return Batch([], [], [], [])
            keys = dict.fromkeys((each.client_order_id, each.twin) for each in events if each.client_order_id)
            orders = [self._order(key, events[-1].at_us) for key in keys]
            ledgers: list[LedgerState] = []
            components = []
            if events[-1].seq == self.last_seq():
                ledgers = [ledger_from(row) for row in self._connection.execute(SELECT_LEDGERS)]
                components = self._connection.execute(_COMPONENTS).fetchall()
            return Batch(events, [order for order in orders if order is not None], ledgers, components)
        finally:
            self._connection.execute("ROLLBACK")

    def _order(self, key: tuple[str, int], now_us: int) -> tuple[Order, int] | None:
        """None: it was pruned, which happens to orders that are exported only."""
        row = self._connection.execute(_ORDER, key).fetchone()
        return row and (read_order(self._connection, row[:-1], now_us), row[-1])


def _one_session(events: Iterator[LogEvent]) -> Iterator[LogEvent]:
    for number, event in enumerate(events):
        if number and event.kind == SESSION:
            return
        yield event


def past_logs(folder: Path) -> Iterator[LogReader]:
    """Logs of ended sessions that were meant for a history, oldest first; each must be closed."""
    for path in sorted(folder.glob("orders_*.sqlite")):
        try:
            log = LogReader(path)
        except OrderLogError:  # handled: `tickwright history` tells of a file that cannot be read
            continue
        if log.wanted:
            yield log
        else:
            log.close()
