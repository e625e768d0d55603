"""The invariants, judged from the venue's ledger and the order log's file, never from the tracker's memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.simulated.faulty_connector import Stream
from connectors.simulated.faulty_venue import FaultyVenue
from connectors.simulated.venue_order import VenueOrder
from engine.core.engine import Engine
from engine.core.modes import SEVERITY, Mode
from engine.core.order_change import AlarmKind, Change
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action as Asked
from engine.model.enums import Channel, CloseReason, Health, OrderStatus, Outcome, Phase
from engine.model.event import AccountSnapshot, ConnectorStatus, Fill, OrderUpdate, RequestFailed, TradesSynced
from engine.model.money import to_text
from engine.model.order import Order
from engine.model.request import CancelOrder, SubmitOrder
from tests.sim.exposure_checks import ExposureChecks
from tests.sim.outages import Outages
from tests.sim.wire_checks import WireChecks

if TYPE_CHECKING:
    from tests.sim.disk import Disk

STALL_US = 20 * SECOND_US
BOOKED_US = 60 * SECOND_US
UNSAFE_US = 4 * SECOND_US
DENIED_US = 20 * SECOND_US
GHOST_US = 60 * SECOND_US
EQUAL_REJECTS = 3
DEAD = (CloseReason.REJECTED, CloseReason.NOT_SENT, CloseReason.NEVER_EXISTED)
RANK = {phase: rank for rank, phase in enumerate(Phase)}


class Checks:
    """`violations` by the time of the first one. Called by the harness at every event; times are the venue's."""

    def __init__(self, world: FaultyVenue, disk: Disk, is_own: object, position_max: Decimal | None) -> None:
        self.world = world
        self.violations: dict[str, tuple[int, str]] = {}
        self.delays: list[int] = []  # of fills, from their execution until they are booked
        self.delays_clear: list[int] = []  # of those that no outage touched
        self.late_in_outages = 0  # later than BOOKED_US, but not without an outage
        self.outages = Outages()
        self.wire = world.watcher = WireChecks(lambda: world.now_us, self.fail)
        self._exposure = ExposureChecks(world, position_max, self.own)
        self.log_losses = 0
        self.deaths: dict[str, CloseReason] = {}
        self.ghosts: dict[str, int] = {}  # venue order ids that may share a slot for a while, and since when
        self.healed_us = 0
        self.skew_us = 0  # of the process that runs
        self._disk = disk
        self._is_own = is_own
        self._ranks: dict[tuple[str, int], int] = {}
        self._rejects: dict[tuple[str, str, str], deque[int]] = {}
        self._booked: dict[tuple[str, str], None] = {}
        self._absent: dict[str, list[int]] = {}  # start times of denied lookups, in this process
        self._sent: dict[str, int] = {}
        self._canceled: dict[str, None] = {}  # client ids that a cancel was sent for, in this process
        self._unsafe_us = 0  # since when the account is not safe
        self._owed: set[str] = set()  # what must be heard after a failed commit before an order is created
        self._failed_us = 0
        self._denied_us = -DENIED_US  # when the venue last said that our key may not trade
        self._over = False  # the engine says that it has stopped
        self._looks: dict[type, Callable[[Any], None]] = {
            RequestFailed: self._failure,
            OrderUpdate: self._update,
            SubmitOrder: self._submit,
            CancelOrder: self._cancel,
            ConnectorStatus: self._note_log,
            AccountSnapshot: self._note_answer,
            TradesSynced: self._note_answer,
        }
        submit = world.exchange.submit

        def watched(account: object, request: SubmitOrder) -> VenueOrder:
            order = submit(account, request)  # type: ignore[arg-type]
            if self.own(request.client_order_id):
                self._executed(order)
            return order

        world.exchange.submit = watched  # type: ignore[method-assign, assignment]

    def own(self, client_order_id: str) -> bool:
        return bool(self._is_own(client_order_id))  # type: ignore[operator]

    def fail(self, invariant: str, text: str) -> None:
        """Note the first violation of each invariant."""
        self.violations.setdefault(invariant, (self.world.now_us, text))

    def new_process(self) -> None:
        """Memory is gone: what only a process can promise begins anew."""
        self._ranks.clear()
        self._rejects.clear()
        self._absent.clear()
        self._sent.clear()
        self._canceled.clear()
        self._unsafe_us = 0
        self._owed.clear()
        self._denied_us = -DENIED_US
        self._failed_us = 0
        self.wire.forget()

    # ---- at every event

    def _executed(self, order: VenueOrder) -> None:
        """The venue has executed a create: I2, I4, I6, I7."""
        request = order.request
        client_id = request.client_order_id
        if self._over:
            self.fail("I8", f"{client_id} came to life after the engine had stopped")
        if client_id in self.deaths:
            self.fail("I2", f"{client_id} was declared {self.deaths[client_id]} and came to life")
        row = self._disk.real.execute("SELECT 1 FROM orders WHERE client_order_id = ?", (client_id,)).fetchone()
        if row is None:
            if not self.log_losses:
                self.fail("I7", f"{client_id} was executed before its intent was durable")
            self.ghosts[order.venue_order_id] = self.world.now_us
        exchange = self.world.exchange
        first = exchange.lookup(self.world.desk.account, request.instrument_id, client_id)
        twins = exchange._register._by_client[order.account.number, request.instrument_id, client_id]
        if first is not None and len(twins) > 1:
            self.ghosts[order.venue_order_id] = self.world.now_us
        beyond = self._exposure.executed(request.instrument_id)
        corrected = exchange.listing(request.instrument_id).corrections
        if beyond and not (self.ghosts or self.log_losses or corrected):  # what nobody can know of cannot be counted
            self.fail("I6", beyond)
        slot = (request.owner, request.tag)
        live = [
            other.request.client_order_id
            for other in exchange.listing(request.instrument_id).orders.values()
            if (other.request.owner, other.request.tag) == slot
            and other.venue_order_id not in self.ghosts
            and self.own(other.request.client_order_id)
        ]
        if len(live) > 1:
            self.fail("I4", f"slot {slot} has {live}")

    def changed(self, change: Change) -> None:
        """The bot says that something happened to an order."""
        order = change.order
        key = (order.client_order_id, order.twin)
        rank = RANK[order.phase]
        revived = any(alarm.kind is AlarmKind.RESURRECTED for alarm in change.alarms)
        if revived:
            self.fail("I2", f"{key} had been declared dead, and was not")
        if rank < self._ranks.get(key, 0):
            self.fail("status", f"{key} went back to {order.phase}")
        self._ranks[key] = rank
        if change.fill is not None:
            self._note_booked(change.fill)
        if order.settled:
            self._done(order)
        if order.settled and order.status is OrderStatus.REJECTED and order.close_reason is CloseReason.REJECTED:
            self._note_reject(order)

    def _note_booked(self, fill: Fill) -> None:
        key = (fill.venue_order_id, fill.trade_id)
        if key not in self._booked:
            self._booked[key] = None
            if not fill.trade_id.startswith("syn:"):
                delay_us = fill.receive_us - self.skew_us - fill.event_us
                self._note_delay(fill, delay_us)

    def _note_delay(self, fill: Fill, delay_us: int) -> None:
        """I9: what no outage accounts for of a delay is short."""
        outage_us = self.outages.within(fill.event_us, self.world.now_us)
        self.delays.append(delay_us)
        if not outage_us:
            self.delays_clear.append(delay_us)
        if delay_us - outage_us > BOOKED_US:
            text = f"trade {fill.trade_id} was booked after {delay_us // SECOND_US} s"
            self.fail("I9", f"{text}, {outage_us // SECOND_US} s of them in outages")
        elif delay_us > BOOKED_US:
            self.late_in_outages += 1

    def _done(self, order: Order) -> None:
        """I2, I3, I5: the bot is through with an order."""
        exchange, account = self.world.exchange, self.world.desk.account
        found = exchange.lookup(account, order.instrument_id, order.client_order_id, order.venue_order_id)
        reason = order.close_reason
        if reason in DEAD:
            assert reason is not None
            if not order.twin:
                self.deaths[order.client_order_id] = reason
            if found is not None:
                self.fail("I2", f"{order.client_order_id} is {reason} ({order.reason}), but the venue has it")
            if reason is CloseReason.NEVER_EXISTED:
                self._proven(order)
        elif found is None:
            self.fail("I5", f"{order.client_order_id} is {reason}, but the venue never had it")
        elif found.is_open:
            self.fail("I5", f"{order.client_order_id} {order.venue_order_id} is {reason}, but open at the venue")
        elif not 0 <= found.state.filled - order.filled <= self._taken_back(order):
            self.fail("I5", f"{order.client_order_id} is {reason} with {order.filled} of {found.state.filled}")

    def _taken_back(self, order: Order) -> Decimal:
        """What the venue has taken back of an order's trades; the bot may not have heard of it yet."""
        corrections = self.world.exchange.listing(order.instrument_id).corrections
        mine = [each for each in corrections.values() if each.venue_order_id == order.venue_order_id]
        return sum((each.told - each.quantity for each in mine if each.told is not None), Decimal(0))

    def _proven(self, order: Order) -> None:
        """I3: two denials that started after the quarantine, a second apart."""
        sheet = self.world.habits.sheet()
        sent_us = order.sent_us
        end_us = sent_us + sheet.request_expiry_us + sheet.ahead_us + sheet.read_lag_us + sheet.clock_error_us
        starts = [at_us for at_us in self._absent.get(order.client_order_id, []) if at_us > end_us]
        if len(starts) < 2 or max(starts) - min(starts) < SECOND_US:
            self.fail("I3", f"{order.client_order_id} never existed, by {len(starts)} denials")

    def _note_reject(self, order: Order) -> None:
        """I12: no identical rejected request more than three times a minute."""
        if "would_take" in order.reason:
            return
        key = (order.owner, order.tag, order.reason)
        times = self._rejects.setdefault(key, deque(maxlen=EQUAL_REJECTS + 1))
        if not times or times[-1] != order.updated_us:
            times.append(order.updated_us)
        if len(times) > EQUAL_REJECTS and times[-1] - times[0] <= 60 * SECOND_US:
            self.fail("I12", f"slot {key} was rejected {len(times)} times in a minute")

    def heard(self, record: object) -> None:
        """An event or request of the engine."""
        self.wire.heard(record)
        look = self._looks.get(type(record))
        if look is not None:
            look(record)

    def _failure(self, failure: RequestFailed) -> None:
        self._note_denied(failure.code)
        if failure.action is Asked.LOOKUP and failure.outcome is Outcome.ABSENT:
            self._absent.setdefault(failure.client_order_id, []).append(failure.started_us)

    def _update(self, update: OrderUpdate) -> None:
        self._note_denied(update.reason)
        if "invalid_order" in update.reason and not self.world.weather.rules_changed:
            self.fail("I14", f"{update.client_order_id}: {update.reason}")

    def _submit(self, submit: SubmitOrder) -> None:
        if submit.client_order_id in self._sent:
            self.fail("I4", f"{submit.client_order_id} is sent twice")
        self._sent[submit.client_order_id] = self.world.now_us
        if self.world.now_us - self._denied_us < DENIED_US:
            self.fail("I15", f"{submit.client_order_id} is created although the venue says that our key may not")
        self._failed_us = 0
        if self._owed:
            self.fail("I15", f"{submit.client_order_id} is created after a failed commit without {sorted(self._owed)}")

    def _cancel(self, cancel: CancelOrder) -> None:
        self._canceled[cancel.client_order_id] = None

    def _note_denied(self, reason: str) -> None:
        """Whether the venue says that our key may not trade."""
        if reason.endswith("unauthorized"):
            self._denied_us = self.world.now_us

    def _note_log(self, status: ConnectorStatus) -> None:
        """I15: a commit failed, or works again."""
        if status.channel is not Channel.ORDER_LOG:
            return
        if status.health is Health.HEALTHY:
            self._owed.discard("a commit")
        else:
            self._owed.add("a commit")
            if not self._failed_us:  # it may fail again before the comparison is through
                self._failed_us = status.receive_us
                self._owed |= {"open orders", "balances", "trades"}

    def _note_answer(self, answer: AccountSnapshot | TradesSynced) -> None:
        if not self._owed or not answer.complete or answer.started_us < self._failed_us:
            return
        if isinstance(answer, TradesSynced):
            self._owed.discard("" if answer.venue_order_id else "trades")
        else:
            self._owed.discard("balances" if answer.open_orders is None else "open orders")

    def second(self, engine: Engine, stream: Stream | None, awake_us: int) -> None:
        """Once a second: I9, I15. `awake_us` is when the process began to run without a pause."""
        now_us = self.world.now_us
        self._over = engine.stopped
        mode = engine.halt.mode(f"{self.world.exchange.venue}:BTC-USDT")
        if SEVERITY[mode] < SEVERITY[Mode.STOPPING]:
            self._unsafe_us = 0
        else:
            self._unsafe_us = self._unsafe_us or now_us
            if now_us - max(self._unsafe_us, awake_us) > UNSAFE_US:
                self._withdrawn(engine)
        stalled = stream is not None and stream.stall_until_us > now_us
        if stream is not None and stalled and now_us - max(stream.stalled_us, awake_us) > STALL_US:
            self.fail("I9", f"the private stream is dead since {stream.stalled_us} and in use")

    def _withdrawn(self, engine: Engine) -> None:
        """I15: where no order may stand, a cancel is out for each that the bot was told of."""
        exchange = self.world.exchange
        for order in exchange.open_orders(self.world.desk.account):
            client_id = order.request.client_order_id
            known = engine.state.orders.by_venue_id(exchange.venue, order.venue_order_id) is not None
            if known and self.own(client_id) and client_id not in self._canceled:
                self.fail("I15", f"{client_id} stands although the mode is {engine.halt.mode()}, and no cancel is out")

    def armed(self, engine: Engine) -> None:
        """The dead man's switch was refreshed: not while its orders shall go."""
        if SEVERITY[engine.halt.mode(self.world.exchange.venue)] >= SEVERITY[Mode.SAFE]:
            self.fail("I15", "the dead man's switch is refreshed although the account is not safe")

    # ---- at the end

    def finish(self, active: list[Order]) -> None:
        """I1, I8 and ghosts, after healing and stopping."""
        world, disk = self.world, self._disk.real
        exchange, account = world.exchange, world.desk.account
        own = [order for order in exchange.open_orders(account) if self.own(order.request.client_order_id)]
        if own:
            self.fail("I8", f"{len(own)} orders are left at the venue: {own[0].request.client_order_id}")
        if active:
            order = active[0]
            text = f"{order.client_order_id}#{order.twin} {order.phase} {order.close_reason} {order.status}"
            self.fail("I8", f"{len(active)} orders are active: {text} {order.filled}/{order.venue_filled}")
        for instrument_id in exchange.listings:
            self._compare_fills(instrument_id)
        told = {balance.asset: balance.total for balance in exchange.balances(account)}
        rows = disk.execute("SELECT asset, total FROM balances").fetchall()
        ours = {asset: Decimal(total) for asset, total in rows}
        for asset in sorted({*told, *ours}):
            if told.get(asset, Decimal(0)) != ours.get(asset, Decimal(0)):
                self.fail("I1", f"{asset}: ours {ours.get(asset)}, the venue's {told.get(asset)}")
        for venue_order_id, since_us in self.ghosts.items():
            order_ = exchange._register._by_venue.get((account.number, next(iter(exchange.listings)), venue_order_id))
            if order_ is None:
                continue
            end_us = world.now_us if order_.is_open else order_.state.at_us
            if end_us - since_us > GHOST_US and end_us > self.healed_us + GHOST_US:
                self.fail("I8", f"ghost {venue_order_id} lived for {(end_us - since_us) // SECOND_US} s")

    def _compare_fills(self, instrument_id: str) -> None:
        world, disk = self.world, self._disk.real
        trades = world.exchange.trades(world.desk.account, instrument_id)
        corrected = world.exchange.listing(instrument_id).corrections
        theirs = {
            (each.venue_order_id, each.trade_id, to_text(corrected.get(each.trade_id, each).quantity))
            for each in trades
            if self.own(each.client_order_id)
        }
        rows = disk.execute("SELECT venue_order_id, trade_id, quantity FROM fills WHERE source <> 'PROVISIONAL'")
        ours = Counter(rows)  # both sides of a trade with ourselves have its id
        missing = sorted(theirs - ours.keys())
        extra = sorted(ours.keys() - theirs)
        twice = [key for key, times in ours.items() if times > 1]
        if missing or extra or twice:
            self.fail("I1", f"fills: missing {missing[:5]}, too many {extra[:5]}, twice {twice[:5]}")
        waiting = disk.execute(
            "SELECT trade_id FROM fills WHERE source = 'PROVISIONAL' AND replaced_by = ''"
        ).fetchall()
        if waiting:
            self.fail("I1", f"provisional fills are left: {waiting[:3]}")
