"""Everything that a session leaves behind, as it happens: the journal, the order log, and what the summary counts."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from engine.app.journal_file import JournalFile
from engine.app.messaging.announcer import Announcer
from engine.core.engine import Engine
from engine.core.order_change import Change
from engine.core.ports import Record
from engine.core.state import State
from engine.model.enums import Action
from engine.model.event import OperatorCommand, RequestSent, SettingsChanged, TradesSynced, TransferSeen
from engine.model.order import Order
from engine.model.request import AmendOrder, CancelOrder, RecallOrder, Request, SubmitOrder
from engine.store.causes import cause_of
from engine.store.errors import LogFailed
from engine.store.order_log import OrderLog

SUBMIT = Action.SUBMIT


class Recorder:
    """Hears every record of an engine before it is applied, so the one before it has been: then it is noted."""

    def __init__(self, journal: JournalFile, log: OrderLog, announcer: Announcer | None = None) -> None:
        self.journal = journal
        self._log = log
        self._announcer = announcer
        self._state: State | None = None
        self._memories: Callable[[], Iterable[tuple[str, Struct]]] = tuple
        self._known: dict[str, bytes] = {}  # memories as they were noted
        self._last: Any = None
        self._note: Callable[[Any, State], None] | None = None  # what is to be noted of it
        self._now_us = 0
        self._exported_seq = 0
        self._notes: dict[type, Callable[[Any, State], None]] = {
            SubmitOrder: self._request,
            CancelOrder: self._request,
            AmendOrder: self._request,
            RequestSent: self._sent,
            TransferSeen: self._transfer,
            TradesSynced: self._synced,
            OperatorCommand: self._command,
            SettingsChanged: self._settings,
        }

    def follow(self, engine: Engine) -> None:
        """Keep the orders, the money and the memories of this engine from now on."""
        self._state = engine.state
        self._memories = engine.memories
        self._log.follow(engine.state.portfolio)
        for order in list(engine.state.orders.active()):
            self._log.note_order(order, engine.state.now_us, "restart")
        if self._announcer is not None:
            self._announcer.follow(engine.state)

    def hear(self, now_us: int, record: Record) -> None:
        """The sink of the engine."""
        if self._note is not None:
            self._settle()
        self.journal.write(now_us, record)
        self._last, self._now_us = record, now_us
        self._note = self._notes.get(type(record))

    def changed(self, change: Change) -> None:
        """What an event did to an order, booked."""
        at_us = getattr(self._last, "receive_us", 0) or self._now_us
        self._log.note_change(change, at_us, cause_of(self._last))
        if self._announcer is not None:
            self._announcer.changed(change, at_us)

    def commit(self, requests: Sequence[Request]) -> str:
        """After every tick: what is to be sent waits for the log, and no fact waits for longer than a second.

        Returns why that failed, or "": the driver sends no new order without it.
        """
        self._settle()
        self._remember()
        if self._state is not None:
            for instrument_id, owner in self._state.portfolio.take_given():
                self._log.note_given(instrument_id, owner, self._now_us)
        self.journal.flush()
        announced = self._announced()
        return self.flush() if requests or announced or self._log.due(self._now_us) else ""

    def flush(self) -> str:
        """Make durable what is noted, and let messages go. As `commit`."""
        failure = self._written(self._log.commit)
        if self._announcer is not None and not failure:
            self._announcer.committed()
        return failure

    def latch(self, reason: str) -> str:
        """Remember beyond this session that the bot is halted, or with "" that it is not any more. As `commit`."""
        return self._written(partial(self._log.set_halt_latch, reason))

    def clean_stop(self) -> str:
        """Nothing of ours is open at any venue. As `commit`."""
        self._settle()
        return self._written(self._log.mark_clean_stop)

    def exported(self, seq: int) -> None:
        """Entries up to this one are in the history; the log may forget them when they are old."""
        if seq != self._exported_seq:
            self._exported_seq = seq
            self._log.note_exported(seq)

    def ended(self, code: int, reason: str) -> str:
        """The last entry of a session. As `commit`."""
        self._settle()
        self._log.note_event("SESSION_END", {"exit": code, "reason": reason}, self._now_us)
        return self._written(self._log.commit)

    def recall(self, request: RecallOrder, instrument_id: str) -> list[Order]:
        """What the log has of an order that left the memory, with everything that happened to it until now."""
        self._settle()
        self._written(self._log.commit)
        return self._log.recall(request, instrument_id, self._now_us)

    def _remember(self) -> None:
        """What strategies and executors know now, where it has changed; None for those that have ended."""
        known = {name: msgspec.json.encode(memory) for name, memory in self._memories()}
        if known != self._known:
            for name in {**self._known, **known}:
                text = known.get(name)
                if text != self._known.get(name):
                    self._log.note_component(name, 1, None if text is None else text.decode(), self._now_us)
            self._known = known

    def _announced(self) -> bool:
        """Whether there are new messages: they are not kept waiting."""
        if self._announcer is None:
            return False
        self._announcer.balances(self._now_us)
        return self._announcer.outbox.fresh

    def _note_order(self, order: Order, at_us: int, cause: str) -> None:
        self._log.note_order(order, at_us, cause)
        if self._announcer is not None:
            self._announcer.order(order, at_us)

    def _written(self, write: Callable[[int], None]) -> str:
        try:
            write(self._now_us)
        except LogFailed as error:
            return str(error)
        return ""

    def _settle(self) -> None:
        note, self._note = self._note, None
        if note is not None and self._state is not None:
            note(self._last, self._state)
            self._last = None

    def _request(self, request: SubmitOrder | CancelOrder | AmendOrder, state: State) -> None:
        venue_order_id = getattr(request, "venue_order_id", "")
        order = state.orders.by_client_id(request.client_order_id)
        if venue_order_id and order is not None and order.venue_order_id != venue_order_id:
            order = state.orders.by_venue_id(order.venue, venue_order_id)  # a cancel of an older twin
        if order is not None:
            self._note_order(order, self._now_us, type(request).__name__)

    def _sent(self, sent: RequestSent, state: State) -> None:
        order = state.orders.by_client_id(sent.client_order_id)
        if order is not None and sent.action is SUBMIT:  # the other requests change nothing by leaving
            self._note_order(order, sent.sent_us, cause_of(sent))

    def _transfer(self, transfer: TransferSeen, state: State) -> None:
        self._log.note_transfer(transfer, self._now_us)
        if transfer.instrument_id in state.instruments and self._announcer is not None:
            self._announcer.position(transfer.instrument_id, self._now_us)

    def _synced(self, synced: TradesSynced, state: State) -> None:
        cursor = state.orders.cursors.get(synced.instrument_id)
        if synced.complete and not synced.venue_order_id and cursor is not None:
            self._log.note_cursor(synced.instrument_id, cursor, self._now_us)

    def _command(self, command: OperatorCommand, state: State) -> None:
        payload = {"actor": command.actor, "reason": command.reason}
        self._log.note_event(command.action.value, payload, command.receive_us, f"operator {command.actor}")

    def _settings(self, changed: SettingsChanged, state: State) -> None:
        said = ", ".join(f"{path}: {before} → {after}" for path, before, after in changed.changes)
        payload = {"actor": changed.actor, "reason": said}
        self._log.note_event("SETTINGS", payload, changed.receive_us, f"operator {changed.actor}")
