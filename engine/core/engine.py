"""The engine: facts in through `apply`, decisions out through `tick`. Synchronous; reads no clock, does no I/O.

Same sequence of calls in, same requests out, bit for bit.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from engine.core.actions import Action, AdoptPosition, ChangeExecutor, SetQuotes, StartExecutor, StopExecutor
from engine.core.candles import Candles
from engine.core.check_rules import Context
from engine.core.checks import PreTradeChecks
from engine.core.dead_man import DeadMan
from engine.core.executors import KINDS
from engine.core.facts import Facts, strategy_of
from engine.core.halt import CONSEQUENCES, Halt
from engine.core.limits import RiskLimits
from engine.core.modes import CAUSES, Cause, CauseKind, Exit, ModeChanged
from engine.core.notice import Notice
from engine.core.order_change import Change
from engine.core.ports import Controller, Executor, Record, Sink
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.enums import Command, Phase
from engine.model.event import Event, OperatorCommand, SettingsChanged, Tick
from engine.model.fill import Fill
from engine.model.market import BookDelta
from engine.model.quote import Refused
from engine.model.request import AmendOrder, CancelOrder, Request, SubmitOrder

FAR = 1 << 62  # later than any time
EXECUTOR_KEPT_US = 3_600_000_000  # how long a finished executor can be looked at
GUARD_US = 500_000  # while trading is restricted, and something of ours is at stake, it is looked at this often
OF_ORDERS = (SubmitOrder, CancelOrder, AmendOrder)  # requests that are checked and recorded
ENDING = (CauseKind.STOP, CauseKind.KILL_SWITCH)  # causes that end the session once nothing of ours is open


class Wake(StrEnum):
    """What may bring the next decision forward."""

    FILL = "fill"
    BOOK = "book"


class Settings(Struct, frozen=True, kw_only=True):
    """Of one engine. `quote` is the asset in which equity is measured, `bot` the name in texts.

    Controllers decide on multiples of `grid_us`, or earlier on `wake_on`, never closer than `wake_gap_us`.
    """

    bot: str
    quote: str
    grid_us: int = 1_000_000
    wake_on: tuple[Wake, ...] = ()
    wake_gap_us: int = 50_000
    limits: RiskLimits = RiskLimits()


class Engine:
    """One bot's decisions on one `State`. `streams` watches the private streams, by venue.

    `sinks` hear every event, tick, request and refusal; `on_change` everything that happens to our orders. `notices`
    holds what an operator should hear, until the driver takes it.
    """

    def __init__(
        self,
        state: State,
        controllers: Sequence[Controller],
        settings: Settings,
        streams: Mapping[str, UserStream],
        sinks: Iterable[Sink] = (),
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        self.state = state
        self.controllers = controllers
        self.grid_us = settings.grid_us
        self.wakes = bool(settings.wake_on)
        self.wake_us = FAR
        self.notices: list[Notice | ModeChanged] = []
        self.refusals = 0
        self.halt = Halt(settings.limits, settings.bot, settings.quote)
        self._settings = settings
        looks_at = Context(state.portfolio, self.halt, state.circuits, state.orders.slot, strategy_of, settings.quote)
        self._checks = PreTradeChecks(looks_at, state.orders.by_client_id, state.mid, settings.limits)
        self._sinks = tuple(sinks)
        self.candles = Candles(controllers)
        self._facts = Facts(state, self.halt, streams, on_change, self.candles)
        self._handlers = self._facts.handlers
        self._deadlines = state.orders.deadlines
        self._dead_man = DeadMan(state.instruments, state.sheets, streams, self.halt)
        self._grid_due_us = 0
        self._decided_us = 0
        self._remembered: dict[str, str] = {}
        self._finished: dict[str, int] = {}  # executors that are done, and since when
        self._wake_types = {Wake.FILL: Fill, Wake.BOOK: BookDelta}
        self._waking = (OperatorCommand, *(self._wake_types[each] for each in settings.wake_on))

    # ---- settings

    def on_settings(self, take: Callable[[SettingsChanged], None]) -> None:
        """`take` knows what settings mean: it calls `set_limits`, and `change` of controllers."""
        self._handlers[SettingsChanged] = take

    def set_limits(self, limits: RiskLimits) -> None:
        """New limits hold from now on."""
        self._settings = msgspec.structs.replace(self._settings, limits=limits)
        self.halt.limits = limits
        self._checks.set_limits(limits)

    # ---- facts

    def apply(self, event: Event) -> None:
        """Put one fact into the state. May be called at any time between two ticks."""
        for sink in self._sinks:
            sink(self.state.now_us, event)
        self._handlers[type(event)](event)
        if self.wakes and isinstance(event, self._waking):
            self.wake_us = min(self.wake_us, max(self._decided_us + self._settings.wake_gap_us, self.state.now_us))

    # ---- reading

    @property
    def due_us(self) -> int:
        """The next time, besides the grid, at which it wants to be ticked."""
        due_us = min(self.state.orders.due_us, self._facts.streams_due_us, self.wake_us, self._dead_man.due_us)
        if self.halt.restricted and (self.ending is not None or (self.grid_us > 2 * GUARD_US and self._guards)):
            return min(due_us, self.state.now_us + GUARD_US)
        return due_us

    @property
    def _guards(self) -> bool:
        """Whether something may change before the next decision: an order that is to go, a proof that is waited for."""
        return bool(self.state.orders.active()) or any(CAUSES[each.kind].exit is Exit.SYNC for each in self.halt.causes)

    def due_before(self, limit_us: int) -> int:
        """`due_us`, or `limit_us` where that is sooner: most of the time there is nothing to work out."""
        if self.halt.restricted or self._deadlines.next_us < limit_us:
            return min(self.due_us, limit_us)
        return min(self._facts.streams_due_us, self.wake_us, self._dead_man.due_us, limit_us)

    @property
    def free_us(self) -> int:
        """Until when nothing but a candle can make it send anything, and nobody counts the ticks; 0: it is not so."""
        halt, state, limits = self.halt, self.state, self._settings.limits
        if halt.restricted or limits.max_drawdown is not None or limits.kill_switch is not None or self._facts.requests:
            return 0
        if state.orders.active() or not all(getattr(each, "idle", False) for each in state.executors.values()):
            return 0
        return self.due_us

    def skip_ticks(self) -> None:
        """Grid ticks were left out, because nothing could have come of them: that is no loop that stood still."""
        self._grid_due_us = 0

    @property
    def ending(self) -> Cause | None:
        """Why the session ends; None while it goes on."""
        return next((cause for cause in self.halt.causes if cause.kind in ENDING), None)

    @property
    def stopped(self) -> bool:
        """The session was told to end, nothing of ours is open any more, and the venues have confirmed it."""
        if not self.halt.restricted:
            return False
        return self.ending is not None and self._facts.stop_proof.complete and not self.state.orders.active()

    def take_notices(self) -> list[Notice | ModeChanged]:
        """What an operator should hear since the last call."""
        taken = [*self._facts.notices, *self.halt.drain()]
        self._facts.notices.clear()
        return taken

    # ---- what survives a restart

    def memories(self) -> Iterator[tuple[str, Struct]]:
        """What strategies and running executors must not forget over a restart, by name."""
        for controller in self.controllers:
            memory = getattr(controller, "memory", None)
            if memory is not None:
                yield controller.name, memory
        for executor_id, executor in self.state.executors.items():
            if not executor.done:
                yield executor_id, executor.memory

    def resume(self, memories: Mapping[str, str]) -> None:
        """Give strategies, and executors when they start, what they knew (JSON by name) before a restart."""
        self._remembered = dict(memories)
        for controller in self.controllers:
            self._remind(controller.name, controller)

    def _remind(self, name: str, thinker: Any) -> None:
        text = self._remembered.pop(name, None)
        if text is None:
            return
        try:
            thinker.memory = msgspec.json.decode(text, type=type(thinker.memory))
        except msgspec.ValidationError as error:
            lost = f"{name} begins afresh: what it remembered is of another version ({error})"
            self._facts.notices.append(Notice("W-MEMORY", name, lost, "", self.state.now_us))

    # ---- decisions

    def tick(self, now_us: int) -> list[Request]:
        """Decide on the facts as of `now_us` and return what is to be sent, already recorded in the order tracker.

        Off the grid, unless an event woke it, only deadlines are served: lookups, repeats, fetches.
        """
        state, facts = self.state, self._facts
        assert now_us >= state.now_us, f"time runs backwards: {now_us} after {state.now_us}"
        state.now_us = now_us
        if self._sinks:
            self._publish(Tick(now_us))
        requests, facts.requests = facts.requests, []
        requests += state.books.tick(now_us)
        if self._deadlines.next_us <= now_us:
            requests += state.orders.tick(now_us)
            facts.drain_orders()
        if self.halt.restricted:
            self._guard(now_us, requests)
        requests += facts.watch_streams(now_us)
        if now_us >= self._grid_due_us or now_us >= self.wake_us:
            self._watch(now_us)
            self.candles.tick(now_us)
            for request in self._decide(now_us):
                self._screen(request, now_us, requests)
        elif self.halt.restricted:
            for request in self._withdraw():
                self._screen(request, now_us, requests)
        if self._dead_man.due_us <= now_us:
            requests += self._dead_man.tick(now_us)
        if self._sinks:
            for request in requests:
                self._publish(request)
        return requests

    def _guard(self, now_us: int, requests: list[Request]) -> None:
        """While anything is restricted: end the causes that are over, and look whether the session may end."""
        self._facts.comparison.tick(now_us)
        if self.ending is not None:
            proof = self._facts.stop_proof
            proof.tick(now_us, active=bool(self.state.orders.active()))
            if proof.complete:
                requests += self._dead_man.disarm()

    def _watch(self, now_us: int) -> None:
        """What only a look at the whole tells: a loop that stood still, stale books, equity, causes that last."""
        state, halt = self.state, self.halt
        if self._grid_due_us and self._facts.streams:  # without venues nothing was missed
            halt.watch_loop(now_us - self._grid_due_us, now_us)
        self._decided_us = now_us
        self._grid_due_us = (now_us // self.grid_us + 1) * self.grid_us
        self.wake_us = FAR
        for instrument_id in state.instruments:
            halt.watch_book(instrument_id, state.books.book(instrument_id), now_us)
        equity = state.portfolio.equity(self._settings.quote)
        if equity is not None:
            halt.watch_equity(equity, now_us)
        halt.tick(now_us, self._count_open)

    def _decide(self, now_us: int) -> list[Request]:
        """Withdraw what the mode forbids, then let the controllers and executors that may act do so."""
        state, halt = self.state, self.halt
        requests: list[Request] = self._withdraw() if halt.restricted else []
        for controller in self.controllers:
            if not halt.cancels_own("", controller.name):
                requests += self._guarded(controller.name, self._control, controller)
        for executor in list(state.executors.values()):
            strategy = strategy_of(executor.executor_id)
            if executor.done:
                self._archive(executor, now_us)
            elif not halt.cancels_own("", strategy):
                requests += self._guarded(strategy, self._step, executor)
        return requests

    def _control(self, controller: Controller) -> Sequence[Request]:
        for action in controller.decide(self.state):
            self._act(action)
        return ()

    def _step(self, executor: Executor) -> Sequence[Request]:
        return executor.step(self.state)

    def _guarded(self, strategy: str, act: Callable[[Any], Sequence[Request]], subject: object) -> Sequence[Request]:
        try:
            return act(subject)
        except Exception as error:  # handled: pauses the strategy, cancels its orders, tells where
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error} at {where.filename}:{where.lineno} in {where.name}"
            self.halt.note_error(strategy, text, self.state.now_us)
            if all(self.halt.cancels_own("", each.name) for each in self.controllers):
                self.halt.add(CauseKind.STOP, "", f"strategy error: {text}", self.state.now_us)
            return ()

    def _act(self, action: Action) -> None:
        executors = self.state.executors
        if isinstance(action, SetQuotes):
            executors[action.executor_id].set_quotes(action.quotes)
        elif isinstance(action, StartExecutor):
            if action.executor_id not in executors:
                executors[action.executor_id] = KINDS[action.kind](action.executor_id, action.settings)
                self._remind(action.executor_id, executors[action.executor_id])
        elif isinstance(action, ChangeExecutor):
            executors[action.executor_id].change(action.changes)
        elif isinstance(action, StopExecutor):
            executors[action.executor_id].stop(action.how)
        else:
            self._adopt(action)

    def _adopt(self, action: AdoptPosition) -> None:
        self.state.portfolio.adopt(action.owner, action.instrument_id, action.quantity, action.average_price)

    def _archive(self, executor: Executor, now_us: int) -> None:
        since_us = self._finished.setdefault(executor.executor_id, now_us)
        if now_us - since_us >= EXECUTOR_KEPT_US:
            self.state.portfolio.retire(executor.executor_id, strategy_of(executor.executor_id))
            del self._finished[executor.executor_id]
            del self.state.executors[executor.executor_id]

    def _withdraw(self) -> list[Request]:
        """Cancel our orders wherever the mode says that none may stand."""
        return [
            CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id)
            for order in self.state.orders.active()
            if order.command is not Command.CANCEL
            and order.phase is not Phase.CLOSED
            and self.halt.cancels_own(order.instrument_id, strategy_of(order.owner))
        ]

    def _screen(self, request: Request, now_us: int, passed: list[Request]) -> None:
        """Record a request that passes the checks; refuse one that does not."""
        if not isinstance(request, OF_ORDERS):
            passed.append(request)
            return
        refused = self._checks.check(request, now_us)
        if refused is not None:
            self._refuse(refused)
            return
        state = self.state
        order = state.orders.record(request, now_us)
        if order is not None:
            passed.append(request)
            if isinstance(request, SubmitOrder):
                self._facts.stop_proof.note_submit(order.venue, now_us)
            state.portfolio.follow(order)

    def _refuse(self, refused: Refused) -> None:
        self.refusals += 1
        self._publish(refused)
        request = refused.request
        if isinstance(request, SubmitOrder) and refused.rule not in CONSEQUENCES:
            self.halt.note_refused(strategy_of(request.owner), refused.rule, refused.at_us)
            notice = self.state.circuits.note(
                request.owner, request.instrument_id, request.tag, refused.rule, refused.at_us
            )
            if notice is not None:
                self._facts.notices.append(notice)

    def _publish(self, record: Record) -> None:
        for sink in self._sinks:
            sink(self.state.now_us, record)

    def _count_open(self, scope: str) -> int:
        """Active orders in a scope: "", a venue, an instrument id, or `strategy:<name>`."""
        return sum(
            scope in ("", order.venue, order.instrument_id, f"strategy:{strategy_of(order.owner)}")
            for order in self.state.orders.active()
        )
