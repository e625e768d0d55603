"""What each kind of event changes: the table behind `Engine.apply`."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from msgspec.structs import replace

from engine.core.candles import Candles
from engine.core.comparison import Comparison
from engine.core.halt import Halt
from engine.core.modes import CauseKind
from engine.core.notice import Notice
from engine.core.order_change import Alarm, Change
from engine.core.order_record import FAR
from engine.core.state import State
from engine.core.stopping import StopProof
from engine.core.user_stream import UserStream
from engine.model.account import Balance
from engine.model.enums import Action, Channel, CloseReason, Health, OperatorAction, OrderStatus
from engine.model.event import (
    AccountSnapshot,
    BadMessageSeen,
    ClockSynced,
    ConnectorStatus,
    FillCorrected,
    OperatorCommand,
    OperatorDecision,
    OrderRecalled,
    OrderUpdate,
    RequestFailed,
    RequestSent,
    RulesChanged,
    SettingsChanged,
    TradesSynced,
    TransferSeen,
)
from engine.model.fill import Fill
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, FundingRate, MarkPrice, PublicTrade
from engine.model.order import Order
from engine.model.request import Request

REJECTED = OrderStatus.REJECTED
OF_ORDERS = (Action.CANCEL, Action.AMEND, Action.LOOKUP)
TIMESTAMP = "timestamp"  # the code of a request that the venue found too old or too new: our clock is off
NO_FUNDS = "insufficient_funds"
NO_RIGHT = "unauthorized"  # the code of a request that our key may not make
LOOK_GAP_US = 1_000_000  # no second look sooner than this after the first
_UNSAFE = {
    Channel.REST: CauseKind.BANNED,
    Channel.KEY: CauseKind.KEY_CHANGED,
    Channel.ORDER_LOG: CauseKind.LOG,
}


def strategy_of(owner: str) -> str:
    """The strategy that an executor belongs to: its id begins with the strategy's name and a slash."""
    return owner.partition("/")[0]


class Facts:
    """`handlers` apply events to the state, by type. What they ask for in return waits in `requests` for the next tick.

    `on_change` hears everything that happens to our orders, after it was booked.
    """

    def __init__(
        self,
        state: State,
        halt: Halt,
        streams: Mapping[str, UserStream],
        on_change: Callable[[Change], None] | None,
        candles: Candles,
    ) -> None:
        self.state = state
        self.halt = halt
        self.streams = streams
        self.requests: list[Request] = []
        self.notices: list[Notice] = []
        self.comparison = Comparison(state, halt, streams)
        self.stop_proof = StopProof(state.sheets, streams)
        self._on_change = on_change
        self._candles = candles
        self._strange: dict[str, None] = {}
        self._streams = {each: streams.get(instrument.venue) for each, instrument in state.instruments.items()}
        self.handlers: dict[type, Callable[[Any], None]] = {
            BookSnapshot: state.books.apply,
            BookDelta: state.books.apply,
            PublicTrade: self._trade,
            MarkPrice: self._mark,
            FundingRate: self._funding,
            BestQuote: _ignore,
            Candle: candles.apply,
            OrderUpdate: self._update,
            Fill: self._fill,
            FillCorrected: self._correction,
            RequestSent: state.orders.apply_sent,
            RequestFailed: self._failure,
            Balance: state.portfolio.apply_balance,
            AccountSnapshot: self._snapshot,
            TradesSynced: self._trades_synced,
            ClockSynced: self._clock,
            ConnectorStatus: self._status,
            RulesChanged: self._rules,
            BadMessageSeen: self._bad_message,
            OrderRecalled: state.orders.apply_recalled,
            OperatorDecision: self._decision,
            OperatorCommand: self._command,
            SettingsChanged: _ignore,
            TransferSeen: state.portfolio.apply_transfer,
        }
        state.books.on_mismatch = self._mismatch
        for venue in streams:
            self._show_health(venue, Health.DOWN, "not connected yet", state.now_us)

    @property
    def streams_due_us(self) -> int:
        """When a private stream wants to be served next."""
        due_us = FAR
        for stream in self.streams.values():
            due_us = min(due_us, stream.due_us)
        return due_us

    def changed(self, change: Change) -> None:
        """Book what happened to an order, and tell who has to know."""
        order = change.order
        self.state.portfolio.apply(change)
        fill = change.fill or change.reversed
        if fill is not None:
            self.comparison.note_fill(order.venue, fill)
        if order.status is REJECTED and change.status_before is not REJECTED:
            self._rejected(order)
        if change.alarms:
            self.alarmed(change.alarms)
        if self._on_change is not None:
            self._on_change(change)

    def alarmed(self, alarms: tuple[Alarm, ...]) -> None:
        """Alarms of the order tracker: some make an instrument unsafe, all are told to the operator."""
        for alarm in alarms:
            self.halt.apply_alarm(alarm)
            text = f"order {alarm.client_order_id}: {alarm.kind.value}: {alarm.text}"
            self.notices.append(Notice("W-ORDER", alarm.instrument_id, text, "", alarm.at_us))

    def drain_orders(self) -> None:
        """Book what the order tracker did by itself."""
        for change in self.state.orders.take_changes():
            self.changed(change)
        self.alarmed(self.state.orders.take_alarms())

    # ---- market

    def _mismatch(self, instrument_id: str, difference: str, now_us: int) -> None:
        text = f"our order book was not the exchange's: {difference}; it is replaced"
        self.notices.append(Notice("W-BOOK", instrument_id, text, "", now_us))

    def _rules(self, change: RulesChanged) -> None:
        """For orders from now on; those that rest stay as they are."""
        new, state = change.instrument, self.state
        name = new.instrument_id
        old = state.instruments.get(name)
        if old is not None:
            state.instruments[name] = state.portfolio.markets[name].instrument = new
            changed = [each.name for each in fields(new) if getattr(old, each.name) != getattr(new, each.name)]
            said = ", ".join(f"{each} {getattr(old, each)} → {getattr(new, each)}" for each in changed)
            self.notices.append(Notice("W-RULES", name, f"other trading rules: {said}", "", change.receive_us))

    def _trade(self, trade: PublicTrade) -> None:
        self.state.trades[trade.instrument_id] = trade
        self._candles.apply_trade(trade)

    def _mark(self, mark: MarkPrice) -> None:
        self.state.marks[mark.instrument_id] = mark

    def _funding(self, funding: FundingRate) -> None:
        self.state.funding[funding.instrument_id] = funding

    # ---- orders

    def _update(self, update: OrderUpdate) -> None:
        if update.instrument_id not in self._streams:
            self._note_strange(update)
            return
        stream = self._streams[update.instrument_id]
        if stream is not None:
            stream.apply_order_event(update)
            if update.status is REJECTED:
                self._look_into(stream, update.reason, update.receive_us)
        self._done(self.state.orders.apply_update(update))

    def _fill(self, fill: Fill) -> None:
        if fill.instrument_id not in self._streams:
            self._note_strange(fill)
            return
        change = self.state.orders.apply_fill(fill)
        stream = self._streams[fill.instrument_id]
        if stream is not None:
            stream.apply_order_event(fill)
        self._done(change)

    def _note_strange(self, event: OrderUpdate | Fill) -> None:
        """Somebody trades a market of the account that is not ours: no business of this bot, but to be seen once."""
        if event.instrument_id not in self._strange:
            self._strange[event.instrument_id] = None
            text = f"order {event.client_order_id or event.venue_order_id} is on a market that this bot does not know"
            self.notices.append(Notice("W-ORDER", event.instrument_id, text, "", event.receive_us))

    def _correction(self, event: FillCorrected) -> None:
        self._done(self.state.orders.apply_correction(event))

    def _command(self, command: OperatorCommand) -> None:
        if command.action is OperatorAction.ADOPT:
            self.comparison.adopt(command.receive_us)
        self.halt.apply_command(command)

    def _decision(self, decision: OperatorDecision) -> None:
        self._done(self.state.orders.apply_decision(decision))

    def _look_into(self, stream: UserStream, reason: str, now_us: int) -> None:
        """A refusal that something else than the order may be the cause of: look at that first."""
        if reason.endswith(TIMESTAMP):
            stream.refresh((Action.CLOCK,), now_us - LOOK_GAP_US, now_us)
        elif reason.endswith(NO_FUNDS):
            stream.refresh((Action.BALANCES,), now_us - LOOK_GAP_US, now_us)
        elif reason.endswith(NO_RIGHT):
            self.comparison.note_denied(stream.venue, now_us)

    def _failure(self, failure: RequestFailed) -> None:
        stream = self.streams.get(failure.venue or failure.instrument_id.partition(":")[0])
        if stream is not None:
            self._look_into(stream, failure.code, failure.receive_us)
        if failure.action in OF_ORDERS:
            self._done(self.state.orders.apply_failure(failure))
        else:
            self._answered(failure.venue or failure.instrument_id.partition(":")[0], failure)

    def _done(self, change: Change | None) -> None:
        if change is not None:
            self.changed(change)
        if self.state.orders.state.changes:
            self.drain_orders()

    def _rejected(self, order: Order) -> None:
        """A rejection makes the slot wait; many of them pause the strategy."""
        if order.close_reason is CloseReason.NEVER_EXISTED:
            return
        notice = self.state.circuits.note(order.owner, order.instrument_id, order.tag, order.reason, order.updated_us)
        if notice is not None:
            self.notices.append(notice)
        self.halt.note_refused(strategy_of(order.owner), order.reason, order.updated_us)

    # ---- account and connections

    def _snapshot(self, snapshot: AccountSnapshot) -> None:
        rows = snapshot.open_orders or ()
        known = tuple(row for row in rows if row.instrument_id in self._streams)
        if len(known) < len(rows):
            for row in rows:
                if row.instrument_id not in self._streams:
                    self._note_strange(row)
            snapshot = replace(snapshot, open_orders=known)
        self.requests += self.state.orders.reconcile(snapshot)
        self.drain_orders()
        self.state.portfolio.apply_snapshot(snapshot)
        self._answered(snapshot.venue, snapshot)
        self.comparison.apply_balances(snapshot)
        self.notices += self.comparison.apply_positions(snapshot)
        if snapshot.open_orders is not None and snapshot.complete:
            is_own = self.state.ids.is_own
            self.stop_proof.apply_list(snapshot, own=any(is_own(row.client_order_id) for row in snapshot.open_orders))

    def _trades_synced(self, synced: TradesSynced) -> None:
        for change in self.state.orders.apply_trades_synced(synced):
            self.changed(change)
        self._answered(synced.instrument_id.partition(":")[0], synced)

    def _clock(self, synced: ClockSynced) -> None:
        self.state.orders.apply_clock(synced)
        sheet = self.state.sheets.get(synced.venue)
        if sheet is not None:
            self.comparison.clock_good[synced.venue] = self.halt.watch_clock(synced, sheet.request_expiry_us // 2)
        self._answered(synced.venue, synced)

    def _status(self, status: ConnectorStatus) -> None:
        self.state.health[status.venue, status.channel, status.instrument_id] = status
        self.state.books.apply_status(status)
        self._candles.apply_status(status)
        if status.health is not Health.HEALTHY and status.channel in _UNSAFE:
            self.halt.add(_UNSAFE[status.channel], status.venue, status.reason, status.receive_us)
        stream = self.streams.get(status.venue)
        if stream is not None and status.channel is Channel.USER:
            before = stream.health
            stream.apply_status(status)
            if stream.health is not before:
                self._show_health(status.venue, stream.health, status.reason, status.receive_us)

    def _answered(self, venue: str, answer: AccountSnapshot | TradesSynced | ClockSynced | RequestFailed) -> None:
        stream = self.streams.get(venue)
        if stream is None:
            return
        before = stream.health
        stream.apply_answer(answer)
        if stream.health is not before:
            self._show_health(venue, stream.health, "everything it may have missed was fetched", answer.receive_us)

    def _show_health(self, venue: str, health: Health, reason: str, now_us: int) -> None:
        """The private stream counts as healthy once its gaps are filled, not when it is merely connected."""
        self.halt.apply_status(ConnectorStatus(venue, Channel.USER, health, reason, now_us))
        self.state.orders.set_degraded(venue, health is not Health.HEALTHY, now_us)

    def watch_streams(self, now_us: int) -> list[Request]:
        """Serve the streams that are due; what they ask for."""
        requests: list[Request] = []
        for venue, stream in self.streams.items():
            if stream.due_us <= now_us:
                before = stream.health
                requests += stream.tick(now_us)
                if stream.health is not before:
                    self._show_health(venue, stream.health, "its events do not come", now_us)
        return requests

    def _bad_message(self, message: BadMessageSeen) -> None:
        self.state.bad_messages[message.venue] = self.state.bad_messages.get(message.venue, 0) + 1


def _ignore(event: object) -> None:
    """Nobody decides on this yet."""
