"""When trading must slow down or stop. A mode is never stored: it follows from the causes that are present.

Facts come in through `watch_…` and `apply_…`; what they mean is a cause (`modes.CAUSES`). A request is judged by the
worst mode of the account, its venue, its instrument and its strategy. Cancels are allowed in every mode.
"""

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal

from engine.core.book_view import BookView
from engine.core.limits import RiskLimits
from engine.core.marks import mark
from engine.core.modes import (
    ALLOWED,
    CAUSES,
    SEVERITY,
    Cause,
    CauseKind,
    Creates,
    Exit,
    Mode,
    ModeChanged,
    strategy_scope,
)
from engine.core.notice import Notice, show_amount, show_number, show_percent, show_seconds
from engine.core.order_change import Alarm, AlarmKind
from engine.model.enums import Channel, Health, OperatorAction
from engine.model.event import ClockSynced, ConnectorStatus, OperatorCommand
from engine.model.money import ONE, ZERO

CLOCK_FIX = "sudo timedatectl set-ntp true"
STREAM_DEAD_US = 30_000_000
CANCELS_STUCK_US = 60_000_000
LOOP_STALL_US = 5_000_000
STORM_REFUSALS = 20
STORM_US = 60_000_000
STORMS_KEPT = 1_000  # (strategy, rule) pairs that are counted; the oldest is forgotten
CONSEQUENCES = ("mode", "slot_backoff")  # refusals that follow from an earlier decision of ours: no storm

_ALARMS = {
    AlarmKind.OVERFILL: CauseKind.OVERFILL,
    AlarmKind.LOST_CANDIDATE: CauseKind.LOST_CANDIDATE,
    AlarmKind.QUANTITY_UNKNOWN: CauseKind.QUANTITY_UNKNOWN,
    AlarmKind.ADOPTED: CauseKind.LEFTOVER,
}
CAUSE_MARKS = {kind: f"cause_{kind.name}" for kind in CauseKind}
_OF_ACTION = {OperatorAction.PAUSE: CauseKind.PAUSE, OperatorAction.STOP: CauseKind.STOP}


class Halt:
    """The causes that are present, and the modes that follow. `bot` and `quote` are for the texts.

    What an operator should hear waits for `drain`.
    """

    def __init__(self, limits: RiskLimits, bot: str, quote: str) -> None:
        self.limits = limits
        self._out: list[Notice | ModeChanged] = []
        self.restricted = False  # whether anything is restricted anywhere
        self.equity: Decimal | None = None
        self.peak = ZERO
        self._bot = bot
        self._quote = quote
        self._causes: dict[tuple[str, CauseKind], Cause] = {}
        self._modes: dict[str, Mode] = {}  # of the scopes that are not in RUN
        self._fresh_us: dict[str, int] = {}  # when a book was last good
        self._storms: dict[tuple[str, str], deque[int]] = {}

    # reading

    @property
    def causes(self) -> tuple[Cause, ...]:
        """All that restricts trading now, oldest first."""
        return tuple(self._causes.values())

    @property
    def latched(self) -> tuple[Cause, ...]:
        """The causes of HALT: the driver keeps them in the order log, and no start gets past them."""
        return tuple(cause for cause in self._causes.values() if CAUSES[cause.kind].mode is Mode.HALT)

    @property
    def drawdown(self) -> Decimal:
        """How far equity is below its peak, as a fraction; 0 before the first peak."""
        return ONE - self.equity / self.peak if self.equity is not None and self.peak > 0 else ZERO

    def mode(self, instrument_id: str = "", strategy: str = "") -> Mode:
        """The worst mode of the account, the instrument, its venue and the strategy."""
        if not self._modes:
            return Mode.RUN
        modes = (self._modes.get(scope, Mode.RUN) for scope in _scopes(instrument_id, strategy))
        return max(modes, key=SEVERITY.__getitem__)

    def refuses(self, instrument_id: str, strategy: str, *, reduce_only: bool) -> str:
        """Why a new order may not be sent now, or ""."""
        mode = self.mode(instrument_id, strategy)
        creates = ALLOWED[mode].creates
        if creates is Creates.ALL or (creates is Creates.REDUCE_ONLY and reduce_only):
            return ""
        scopes = _scopes(instrument_id, strategy)
        because = [each for each in self._causes.values() if each.scope in scopes and CAUSES[each.kind].mode is mode]
        return f"{mode}: {because[0].kind.value} ({because[0].text}); new orders: {creates.value}"

    def only_deaf(self, instrument_id: str, strategy: str) -> bool:
        """Whether nothing is wrong but that the venue's private stream is not heard."""
        scopes = _scopes(instrument_id, strategy)
        return {each.kind for each in self._causes.values() if each.scope in scopes} == {CauseKind.STREAM_STALE}

    def cancels_own(self, instrument_id: str, strategy: str) -> bool:
        """Whether our resting orders there have to be cancelled."""
        return self.restricted and ALLOWED[self.mode(instrument_id, strategy)].cancels_own

    def drain(self) -> list[Notice | ModeChanged]:
        """What happened since the last call."""
        told, self._out = self._out, []
        return told

    # causes

    def add(self, kind: CauseKind, scope: str, text: str, now_us: int, fix: str = "") -> None:
        """A cause is present; nothing new happens while it lasts."""
        if (scope, kind) in self._causes:
            return
        mark(CAUSE_MARKS[kind])
        self._causes[scope, kind] = Cause(kind, scope, now_us, text)
        self._out.append(Notice(CAUSES[kind].code, scope, text, fix, now_us))
        self._derive(scope, kind.value, now_us)

    def clear(self, kind: CauseKind, scope: str, now_us: int) -> None:
        """A cause is gone."""
        if self._causes.pop((scope, kind), None) is not None:
            self._derive(scope, f"{kind.value}: over", now_us)

    def synced(self, scope: str, started_us: int, now_us: int) -> None:
        """Orders, trades and balances were compared and are equal: ends causes that were there before `started_us`."""
        for cause in self.causes:
            if cause.scope == scope and CAUSES[cause.kind].exit is Exit.SYNC and cause.since_us < started_us:
                self.clear(cause.kind, scope, now_us)

    def resume(self, now_us: int) -> None:
        """The operator has reviewed: ends every cause that waits for that. A drawdown counts from here on."""
        for cause in self.causes:
            if CAUSES[cause.kind].exit is Exit.OPERATOR:
                self.clear(cause.kind, cause.scope, now_us)
                if cause.kind in (CauseKind.DRAWDOWN, CauseKind.KILL_SWITCH) and self.equity is not None:
                    self.peak = self.equity
        self._storms.clear()

    # facts

    def apply_command(self, command: OperatorCommand) -> None:
        """Pause, resume, stop or kill."""
        who = f"{command.actor}: {command.reason}" if command.reason else command.actor
        if command.action in (OperatorAction.RESUME, OperatorAction.ADOPT):
            self.resume(command.receive_us)
        elif command.action is OperatorAction.KILL:
            self.add(CauseKind.KILL_SWITCH, "", f"kill by {who}", command.receive_us, self._review)
        else:
            kind = _OF_ACTION[command.action]
            self.add(kind, "", f"{command.action.lower()} by {who}", command.receive_us)

    def apply_status(self, status: ConnectorStatus) -> None:
        """The user stream: without it we do not hear of our own fills."""
        if status.channel is not Channel.USER:
            return
        if status.health is Health.HEALTHY:
            self.clear(CauseKind.STREAM_STALE, status.venue, status.receive_us)
        else:
            text = f"user stream {status.health}: {status.reason}; reconnecting, new orders reduce-only"
            self.add(CauseKind.STREAM_STALE, status.venue, text, status.receive_us)

    def apply_alarm(self, alarm: Alarm) -> None:
        """Some alarms about an order make its instrument unsafe."""
        kind = _ALARMS.get(alarm.kind)
        if kind is not None:
            self.add(kind, alarm.instrument_id, f"order {alarm.client_order_id}: {alarm.text}", alarm.at_us)

    def watch_clock(self, sample: ClockSynced, limit_us: int) -> bool:
        """Our clock against a venue's; `limit_us` is half the time after which the venue ignores a request.

        Returns whether it is good.
        """
        good = max(abs(sample.offset_us), sample.error_us) <= limit_us
        if not good:
            text = f"{clock_text(sample, limit_us)}. Orders would be rejected."
            fix = f"{CLOCK_FIX}     check: tickwright doctor conf/{self._bot}.yml"
            self.add(CauseKind.CLOCK, sample.venue, text, sample.receive_us, fix)
        return good

    def watch_loop(self, stalled_us: int, now_us: int) -> None:
        """How long the loop did not run: what was decided before is old."""
        if stalled_us > LOOP_STALL_US:
            text = f"the loop stood still for {show_seconds(stalled_us)} (limit {show_seconds(LOOP_STALL_US)})"
            self.add(CauseKind.LOOP_STALL, "", text + "; own orders cancelled until everything is compared", now_us)

    def watch_book(self, instrument_id: str, book: BookView, now_us: int) -> None:
        """Quotes must not stand on data older than `stale_data`."""
        if not book.stale:
            fresh_us = self._fresh_us[instrument_id] = book.receive_us
        else:
            fresh_us = self._fresh_us.setdefault(instrument_id, now_us)
        age_us, limit_us = now_us - fresh_us, self.limits.stale_data_us
        if age_us > limit_us:
            if (instrument_id, CauseKind.BOOK_STALE) not in self._causes:
                text = f"no good book for {show_seconds(age_us)} (limit {show_seconds(limit_us)})"
                because = f", {book.stale}" if book.stale else ""
                text += f"{because}; quotes cancelled, quoting paused until data returns"
                self.add(CauseKind.BOOK_STALE, instrument_id, text, now_us)
        elif self._modes:
            self.clear(CauseKind.BOOK_STALE, instrument_id, now_us)

    def watch_ledger(self, venue: str, differences: Mapping[str, tuple[Decimal, Decimal]], now_us: int) -> None:
        """Our totals and a venue's, per asset where they are proven to differ; empty: all of them agree."""
        if not differences:
            self.clear(CauseKind.LEDGER, venue, now_us)
            return
        rows = [f"{asset} ours {show_number(a)}, theirs {show_number(b)}" for asset, (a, b) in differences.items()]
        text = f"our ledger and the balances differ: {'; '.join(rows)}. All own orders are cancelled."
        fix = "look for trades, transfers or fees that this bot did not see; if the exchange is right, "
        fix += f"tickwright resume {self._bot} --adopt-balances takes over what it says"
        self.add(CauseKind.LEDGER, venue, text, now_us, fix)

    def watch_equity(self, equity: Decimal, now_us: int) -> None:
        """Equity, marked to market: pause at `max_drawdown` from its peak, stop at `kill_switch`."""
        self.equity = equity
        if equity >= self.peak or self.peak <= 0:
            self.peak = equity
            return
        limits, drawdown = self.limits, ONE - equity / self.peak
        if limits.kill_switch is not None and drawdown >= limits.kill_switch:
            consequence = "Cancelling all orders, then stopping."
            self._fell(CauseKind.KILL_SWITCH, f"kill_switch {show_percent(limits.kill_switch)}", consequence, now_us)
        elif limits.max_drawdown is not None and drawdown >= limits.max_drawdown:
            consequence = "Quotes cancelled, quoting paused."
            self._fell(CauseKind.DRAWDOWN, f"max_drawdown {show_percent(limits.max_drawdown)}", consequence, now_us)

    def note_refused(self, strategy: str, rule: str, now_us: int) -> None:
        """A refusal or rejection. `STORM_REFUSALS` for one reason in a minute pause the strategy."""
        if rule in CONSEQUENCES:
            return
        key = (strategy, rule)
        times = self._storms.get(key)
        if times is None:
            if len(self._storms) >= STORMS_KEPT:
                del self._storms[next(iter(self._storms))]
            times = self._storms[key] = deque(maxlen=STORM_REFUSALS)
        times.append(now_us)
        if len(times) == STORM_REFUSALS and now_us - times[0] <= STORM_US:
            text = f"{STORM_REFUSALS} orders refused by {rule} in {show_seconds(now_us - times[0])}"
            text += f" (limit {STORM_REFUSALS} in {show_seconds(STORM_US)}). Strategy paused."
            self.add(CauseKind.REFUSALS, strategy_scope(strategy), text, now_us, self._review)

    def note_error(self, strategy: str, error: str, now_us: int) -> None:
        """A strategy raised: it is paused, the others trade on."""
        text = f"{error}. Strategy paused, its orders are cancelled."
        self.add(CauseKind.STRATEGY_ERROR, strategy_scope(strategy), text, now_us, self._review)

    def tick(self, now_us: int, open_orders: Callable[[str], int]) -> None:
        """What only time brings. `open_orders` counts our active orders in a scope."""
        if not self._causes:
            return
        for cause in self.causes:
            lasted_us = now_us - cause.since_us
            if cause.kind is CauseKind.STREAM_STALE and lasted_us > STREAM_DEAD_US:
                text = f"user stream dead for {show_seconds(lasted_us)} (limit {show_seconds(STREAM_DEAD_US)})"
                self.add(CauseKind.STREAM_DEAD, cause.scope, f"{text}; all own orders cancelled", now_us)
            if CAUSES[cause.kind].mode is Mode.SAFE and lasted_us > CANCELS_STUCK_US:
                count = open_orders(cause.scope)
                if count:
                    text = f"{count} orders still open {show_seconds(lasted_us)} after {cause.kind.value}"
                    text += f" (limit {show_seconds(CANCELS_STUCK_US)}). Cancels are repeated; the operator is needed."
                    fix = f"check the exchange, then tickwright kill {self._bot} or tickwright resume {self._bot}"
                    self.add(CauseKind.CANCELS_STUCK, "", text, now_us, fix)

    def _fell(self, kind: CauseKind, limit: str, consequence: str, now_us: int) -> None:
        assert self.equity is not None
        numbers = f"equity {show_amount(self.equity)} of {show_amount(self.peak)} {self._quote}"
        text = f"{limit}: {numbers} ({show_percent(-self.drawdown)}). {consequence}"
        self.add(kind, "", text, now_us, self._review)

    @property
    def _review(self) -> str:
        return f"review, then tickwright resume {self._bot}"

    def _derive(self, scope: str, cause: str, now_us: int) -> None:
        before = self._modes.pop(scope, Mode.RUN)
        modes = [CAUSES[each.kind].mode for each in self._causes.values() if each.scope == scope]
        after = max(modes, key=SEVERITY.__getitem__, default=Mode.RUN)
        if after is not Mode.RUN:
            self._modes[scope] = after
        self.restricted = bool(self._modes)
        if after is not before:
            self._out.append(ModeChanged(scope, before, after, cause, now_us))


def _scopes(instrument_id: str, strategy: str) -> tuple[str, str, str, str]:
    return "", instrument_id.partition(":")[0], instrument_id, strategy_scope(strategy)


def clock_text(sample: ClockSynced, limit_us: int) -> str:
    """How far off our clock is, with the limit."""
    where = "behind" if sample.offset_us > 0 else "ahead of"
    text = f"your clock is {abs(sample.offset_us) // 1000:,} ms {where} the exchange (limit {limit_us // 1000:,} ms)"
    return f"{text}, measured to ±{sample.error_us // 1000:,} ms"
