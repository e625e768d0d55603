"""The durable order log: what a bot asked for, what is proven about it, and what it owns. ORDER LIFE CYCLE, section 14.

A session opens it, begins, loads, restores, follows its portfolio, and from then on notes every fact and every request
as they happen. One `commit` a tick, before the tick's requests are handed to connectors, makes all of it durable.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from engine.core.order_change import Change
from engine.core.order_ids import OrderIds, epoch_of
from engine.core.portfolio import Portfolio
from engine.model.enums import UpdateSource
from engine.model.event import TransferSeen
from engine.model.order import Order
from engine.model.request import RecallOrder
from engine.store.books import Books
from engine.store.connection import FILE_NAME, Durability, FileLock, open_writer, transaction
from engine.store.errors import LogDamaged, LogMismatch
from engine.store.event_chain import INSERT_EVENT, EventChain, read_chain
from engine.store.ledger_rows import FIND_TRANSFER, INSERT_TRANSFER, TRANSFER_COLUMNS, transfer_key, transfer_row
from engine.store.outbox import DELETE_MESSAGES, INSERT_MESSAGE, SELECT_MESSAGES, MessageRow, last_message
from engine.store.pending import UPSERT_CURSOR, Pending
from engine.store.prune import prune
from engine.store.recovery import Recovered, load, read_totals, recall
from engine.store.rows import UPSERT_ORDER, Shadow, Value
from engine.store.schema import migrate, read_meta

DUE_US = 1_000_000  # facts wait this long for a request to be committed with; a commit that failed is tried again
NOBODY_WAITS = 1 << 62  # no entry has this number


class Session(Struct, frozen=True):
    """What a start is told. `halt_latch`: why the bot was halted, "" when it was not: it may not start before `resume`.

    `clean_stop_us`: when it was last stopped with nothing left open, 0 when it was not (or never ran).
    """

    tag: str
    epoch: int
    clean_stop_us: int
    halt_latch: str


class OrderLog:
    """One file, one writer, one thread. Every method that writes raises LogFailed when the file cannot be written."""

    def __init__(self, path: Path, lock: FileLock, connection: sqlite3.Connection, chain: EventChain) -> None:
        self.path = path
        self._lock = lock
        self._connection = connection
        self._chain = chain
        self._pending = Pending()
        self._shadows: dict[object, Shadow] = {}  # of orders that are not DONE
        self._books: Books | None = None
        self.message_seq = last_message(connection)
        self.log_id = read_meta(connection)["log_id"]
        self._waiting_us = 0  # since when something is pending, or the last commit failed; 0: nothing is

    @classmethod
    def open(cls, folder: Path, durability: Durability = Durability.NORMAL) -> "OrderLog":
        """Take the bot's lock and open its log; both are made when there are none.

        Raises LogInUse, LogVersion or LogDamaged.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE_NAME
        with ExitStack() as stack:
            lock = FileLock(folder)
            stack.callback(lock.release)
            connection = open_writer(path, durability)
            stack.callback(connection.close)
            migrate(connection, path)
            chain = read_chain(connection)
            if chain is None:
                fix = "look at it with tickwright doctor, then restore a backup or move the file away"
                raise LogDamaged("the last entry is not as it was written", path, fix)
            stack.pop_all()
        return cls(path, lock, connection, chain)

    def close(self) -> None:
        """Give the file and the lock back. What is pending is lost, as at a crash: commit first."""
        self._connection.close()
        self._lock.release()

    # ---- start

    def begin_session(self, start_us: int, tag: str, about: Mapping[str, object] | None = None) -> Session:
        """Commit the epoch of this run before any id is made from it. Raises LogMismatch for another bot's tag.

        `about`: what the history is to know of the session; None: nobody waits for this log's entries.
        """
        meta = read_meta(self._connection)
        if meta.get("tag", tag) != tag:
            fix = f"keep the order tag {meta['tag']}, or start the bot under another name"
            raise LogMismatch(f"the log belongs to order tag {meta['tag']}, not {tag}", self.path, fix)
        epoch = OrderIds(tag, epoch_of(int(meta.get("epoch", "0")), start_us)).epoch
        clean_stop_us = int(meta.get("clean_stop_us", "0"))
        for key, value in (("tag", tag), ("epoch", str(epoch)), ("clean_stop_us", "0")):
            self._pending.put_meta(key, value)
        if about is None:
            self._pending.put_meta("exported_seq", str(NOBODY_WAITS))
        elif meta.get("exported_seq", str(NOBODY_WAITS)) == str(NOBODY_WAITS):
            self.note_exported(0)
        details = {"tag": tag, "epoch": epoch, "clean_stop_us": clean_stop_us, **(about or {})}
        self.note_event("SESSION", details, start_us)
        self.commit(start_us)
        return Session(tag, epoch, clean_stop_us, meta.get("halt_latch", ""))

    def load(self, now_us: int) -> Recovered:
        """What the last run left, for `recovery.restore`."""
        return load(self._connection, now_us)

    def follow(self, portfolio: Portfolio) -> None:
        """Keep the ledger of this portfolio from now on, as it stands after `recovery.restore`."""
        self._books = Books(portfolio, read_totals(self._connection))

    # ---- facts and requests, as they happen

    def note_order(self, order: Order, now_us: int, cause: str = "") -> None:
        """After a request was recorded, sent or repeated. `cause` says who or what, see `causes.cause_of`."""
        self._note_order(order, now_us, cause, order.status.value, {})

    def note_change(self, change: Change, now_us: int, cause: str = "") -> None:
        """After the portfolio has applied the change, and before it applies the next one."""
        order, fill, reversed_fill = change.order, change.fill, change.reversed
        kind = order.status.value
        details: dict[str, object] = {}
        if change.alarms:
            details["alarms"] = [[alarm.kind, alarm.text] for alarm in change.alarms]
        if fill is not None or reversed_fill is not None:
            assert self._books is not None, "money belongs to a portfolio: follow it first"
            kind, details["fills"] = self._note_fills(change)
            self._pending.put_postings(self._chain.seq + 1, self._books.change(change))
        self._note_order(order, now_us, cause, kind, details)

    def note_transfer(self, transfer: TransferSeen, now_us: int) -> None:
        """After the portfolio has applied it. A transfer that is known changes nothing."""
        assert self._books is not None, "money belongs to a portfolio: follow it first"
        key = transfer_key(transfer)
        if key in self._pending.keys(INSERT_TRANSFER) or self._connection.execute(FIND_TRANSFER, key).fetchone():
            return
        row = transfer_row(transfer)
        self._pending.put(INSERT_TRANSFER, key, row)
        seq = self.note_event("TRANSFER", dict(zip(TRANSFER_COLUMNS, row, strict=True)), now_us)
        self._pending.put_postings(seq, self._books.transfer(transfer))

    def note_given(self, instrument_id: str, owner: str, now_us: int) -> None:
        """After an owner's position was adopted or handed over."""
        assert self._books is not None, "money belongs to a portfolio: follow it first"
        self._books.given(instrument_id, owner)
        self._wait(now_us)

    def note_cursor(self, instrument_id: str, cursor: str, now_us: int) -> None:
        """All own trades up to the cursor are noted. It becomes durable with them, never before."""
        self._pending.put(UPSERT_CURSOR, instrument_id, (instrument_id, cursor, now_us))
        self._wait(now_us)

    def note_component(self, component: str, version: int, state: str | None, now_us: int) -> None:
        """The memory of a controller or executor, as JSON; None: it has ended."""
        self._pending.put_state(component, None if state is None else (component, version, state, now_us))
        self._wait(now_us)

    def note_event(self, kind: str, payload: Mapping[str, object], now_us: int, cause: str = "") -> int:
        """Anything else worth keeping: modes, commands of operators, errors. Returns its number in the history."""
        event = self._chain.add(now_us, cause, kind, payload)
        self._pending.put(INSERT_EVENT, event[0], event)
        self._wait(now_us)
        return self._chain.seq

    # ---- messages for other programs

    def note_message(self, topic: str, payload: str, now_us: int) -> None:
        """It becomes durable with the facts that it tells of."""
        self.message_seq += 1
        self._pending.put(INSERT_MESSAGE, self.message_seq, (self.message_seq, topic, payload))
        self._wait(now_us)

    def unsent(self, after: int, limit: int) -> list[MessageRow]:
        """Committed messages behind number `after` in their order, at most `limit`."""
        return self._connection.execute(SELECT_MESSAGES, (after, limit)).fetchall()

    def note_sent(self, seq: int) -> None:
        """All messages up to this one have arrived; they go with the next commit, whenever that is."""
        self._pending.put(DELETE_MESSAGES, None, (seq,))

    def note_exported(self, seq: int) -> None:
        """Entries up to this one are in the history; those after it are not pruned. It goes with the next commit."""
        self._pending.put_meta("exported_seq", str(seq))

    # ---- durable

    def due(self, now_us: int) -> bool:
        """Something is pending for a second, or the last commit failed a second ago."""
        return 0 < self._waiting_us <= now_us - DUE_US

    def commit(self, now_us: int) -> None:
        """Everything noted so far, in one transaction. Call it before requests are handed over, and when `due`.

        Raises LogFailed: then nothing was written, everything is kept for the next commit, and no submit or amend of
        this tick may be sent.
        """
        if self._books is not None:
            differences = self._books.differences()
            if differences:
                self._pending.put_postings(self.note_event("BALANCES", {}, now_us), differences)
            self._books.write_to(self._pending)
        if not self._pending:
            return
        self._waiting_us = now_us
        with transaction(self._connection, self.path):
            self._pending.write(self._connection)
        self._waiting_us = 0
        for key in self._pending.keys(UPSERT_ORDER):
            if self._shadows[key].settled:
                del self._shadows[key]
        self._pending = Pending()

    def set_halt_latch(self, reason: str, now_us: int) -> None:
        """Durable at once; survives restarts until it is set to ""."""
        self._pending.put_meta("halt_latch", reason)
        self.note_event("HALT" if reason else "RESUME", {"reason": reason}, now_us)
        self.commit(now_us)

    def mark_clean_stop(self, now_us: int) -> None:
        """Nothing of ours is open at any venue; durable at once."""
        self._pending.put_meta("clean_stop_us", str(now_us))
        self.note_event("CLEAN_STOP", {}, now_us)
        self.commit(now_us)

    # ---- what left the memory

    def recall(self, request: RecallOrder, instrument_id: str, now_us: int) -> list[Order]:
        """All twins of the order that an event on `instrument_id` named, oldest first; empty when it is unknown."""
        return recall(self._connection, request, instrument_id, now_us)

    def prune(self, before_us: int) -> bool:
        """Delete one slice of what ended before this time; returns whether there is more. Call it when idle."""
        with transaction(self._connection, self.path):
            return prune(self._connection, before_us)

    # ---- inside

    def _note_order(self, order: Order, now_us: int, cause: str, kind: str, details: dict[str, object]) -> None:
        key = (order.client_order_id, order.twin)
        shadow = self._shadows.get(key)
        if shadow is None:
            shadow = self._shadows[key] = Shadow(order, self._chain.seq + 1)
            details["order"] = shadow.full()
        else:
            changes = shadow.update(order)
            if changes:
                details["change"] = changes
            elif not details:
                return
        event = self._chain.add(now_us, cause, kind, details, key)
        shadow.row[-1] = event[0]
        self._pending.put(UPSERT_ORDER, key, shadow.row)
        self._pending.put(INSERT_EVENT, event[0], event)
        self._wait(now_us)

    def _note_fills(self, change: Change) -> tuple[str, list[dict[str, Value]]]:
        """The kind of the event, and the fills as they are now booked."""
        order, fill, old = change.order, change.fill, change.reversed
        if old is None:
            assert fill is not None
            inferred = fill.source is UpdateSource.PROVISIONAL
            return ("PROVISIONAL" if inferred else "FILL"), [self._pending.put_fill(order, fill, known=inferred)]
        if old.source is UpdateSource.PROVISIONAL:
            assert fill is not None
            back = self._pending.put_fill(order, old, known=True, replaced_by=fill.trade_id)
            return "FILL", [back, self._pending.put_fill(order, fill, known=False)]
        return "CORRECTED", [self._pending.put_fill(order, order.fills[old.trade_id], known=True)]

    def _wait(self, now_us: int) -> None:
        if not self._waiting_us:
            self._waiting_us = now_us
