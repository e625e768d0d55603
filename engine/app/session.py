"""One run of one bot: it drives the engine in virtual or in real time, takes commands, and brings it to its end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.app.bot_entry import BotEntry, BotState, stopped, write_entry
from engine.app.bot_folder import BotFolder
from engine.app.config.load import LoadedConfig, with_changes
from engine.app.connections import connected
from engine.app.ending import STOP_TIMEOUT_US
from engine.app.history import History
from engine.app.live_settings import Difference, differences
from engine.app.messaging.announcer import Announcer
from engine.app.notices import Notices
from engine.app.recorder import Recorder
from engine.app.redaction import Redaction
from engine.app.tally import Tally
from engine.core.clock import WAKE_GAP_US, Clock, run_live, run_virtual, wall_us
from engine.core.driver import Driver
from engine.core.engine import Engine
from engine.core.modes import Cause, CauseKind, Mode
from engine.core.notice import Notice
from engine.core.ports import LiveConnector
from engine.messaging.bus import Bus
from engine.model.enums import OperatorAction
from engine.model.errors import TickwrightError
from engine.model.event import Event, OperatorCommand, SettingsChanged
from engine.model.order import Order

TURN_SECONDS = 0.05  # in virtual time, how often signals, the control socket, messages and the view get a turn
MESSAGES_WAITING = 100  # or when so many wait
SHOW_SECONDS = 0.2
BELOW_MINIMUM = "below the minimum"  # in the words of Instrument.too_small
RESTING = (Mode.PAUSED, Mode.SAFE, Mode.HALT)


class Ending(Enum):
    """Who ended the session, and the exit status that this means."""

    DONE = 0
    STRATEGY = 1
    DEADLINE = 5
    RISK = 7
    INTERRUPT = 130


class Closing(Struct, frozen=True):
    """When the end began, and our orders that were open then."""

    begun_us: int
    orders: list[Order]


class Session:
    """Everything that exists between start and stop. `clock` None is virtual time; times are the engine's.

    `read_again` reads the files that it was started with. `show` is called a few times a second, for a view.
    `messaging` says how far messages have come, where any are sent. Whoever subscribes to the `bus` before the first
    tick gets the events of a session that has no broker.
    """

    read_again: Callable[[], LoadedConfig]
    show: Callable[["Session"], None] | None = None
    messaging: Callable[[], dict[str, Any]] | None = None

    def __init__(
        self,
        *,
        loaded: LoadedConfig,
        files: BotFolder,
        entry: BotEntry,
        driver: Driver,
        venues: Sequence[Any],
        connectors: Sequence[LiveConnector],
        recorder: Recorder,
        announcer: Announcer,
        history: History | None,
        tally: Tally,
        notices: Notices,
        redaction: Redaction,
        quote: str,
        clock: Clock | None,
        end_us: int,
    ) -> None:
        self.loaded, self.config, self.files, self.entry = loaded, loaded.config, files, entry
        self.driver, self.venues, self.clock, self.end_us = driver, venues, clock, end_us
        self._connectors = connectors
        self.recorder, self.announcer, self.history, self.tally = recorder, announcer, history, tally
        self.notices, self.redaction = notices, redaction
        self.bus = Bus(lambda text: notices.tell(Notice("W-LISTENER", "", text, "", self.now_us())))
        self.engine: Engine = driver.engine
        self.quote = quote
        self.start_us = driver.engine.state.now_us
        self.ticks = 0
        self.closing: Closing | None = None
        self.ending: Ending | None = None
        self.reason = ""
        self.timeout_us = STOP_TIMEOUT_US
        self._wake = asyncio.Event()
        self.closed = asyncio.Event()
        self._ended = asyncio.Event()
        self._latched = False
        self._ready = False

    # ---- reading

    def now_us(self) -> int:
        return self.engine.state.now_us if self.clock is None else self.clock.now_us()

    @property
    def state(self) -> BotState:
        """Where it is in its life."""
        if self.entry.state is BotState.STOPPED:
            return BotState.STOPPED
        if self.closing is not None:
            return BotState.STOPPING
        if not self._ready:
            return BotState.RECONCILING
        strategies = [self.engine.halt.mode("", controller.name) for controller in self.engine.controllers]
        return BotState.PAUSED if all(mode in RESTING for mode in strategies) else BotState.RUNNING

    # ---- commands

    def command(self, action: OperatorAction, actor: str, reason: str = "") -> None:
        """Put an operator's command to the engine; it acts at once, or when the present tick is over."""
        self.engine.apply(OperatorCommand(action, actor, reason, self.now_us()))
        self._wake.set()

    def end(self, ending: Ending, actor: str, reason: str, action: OperatorAction = OperatorAction.STOP) -> None:
        """Ask for the end. The first one to ask gives the reason."""
        if self.ending is None and self.engine.ending is None:
            self.ending, self.reason = ending, reason
            self._begin_closing()
            self.command(action, actor, reason)

    def change_settings(self, new: LoadedConfig, actor: str) -> list[Difference]:
        """Take over what differs and may change now; the rest needs a new start.

        Raises ConfigError, and nothing is changed, when the one is wrong without the other.
        """
        found = differences(self.loaded, new, self.engine.controllers)
        changes = tuple((each.path, each.before, each.after) for each in found if each.live)
        if changes:
            with_changes(self.loaded, (f"{path}={after}" for path, _, after in changes))
            self.engine.apply(SettingsChanged(changes, actor, self.now_us()))
            self._wake.set()
        for each in found:
            how = f"by {actor}" if each.live else "needs a new start"
            self.notices.info("I-CONFIG", each.path, f"{each.before} → {each.after}, {how}", self.now_us())
        return found

    def took_settings(self, loaded: LoadedConfig) -> None:
        """The engine has other settings from now on."""
        self.loaded = loaded
        self._write_entry(replace(self.entry, config_hash=loaded.hash))

    def reload(self) -> None:
        """SIGHUP: read the files again. What is wrong with them changes nothing."""
        try:
            self.change_settings(self.read_again(), "SIGHUP")
        except TickwrightError as error:
            self.notices.tell(Notice("E-CONFIG", "", f"the files were not taken: {error}", "", self.now_us()))

    def interrupt(self) -> None:
        self.end(Ending.INTERRUPT, "terminal", "Ctrl-C")

    def terminate(self) -> None:
        self.end(Ending.DONE, "signal", "SIGTERM")

    # ---- running

    async def run(self) -> None:
        """To the end, with every order of ours cancelled and confirmed, or to the deadline of that."""
        self._show()
        shower = asyncio.create_task(self._show_on())
        try:
            async with connected(self._connectors, self._hear, self.now_us):
                await (self._run_virtual() if self.clock is None else self._run_live(self.clock))
                if self.now_us() >= self.end_us:
                    self.end(Ending.DONE, "session", "its time was over")
                self.end(Ending.DONE, "session", "the market data ended")
                await self._close()
            self.closed.set()
        finally:
            shower.cancel()
            with suppress(asyncio.CancelledError):
                await shower

    def finish(self, code: int) -> None:
        """The last entries of all files, after `run` or where it broke off."""
        self._write_entry(stopped(self.entry, code, self.reason, wall_us()))
        self._show()
        self.recorder.ended(code, self.reason)
        self.notices.info("I-STOP", "", f"stopped: {self.reason}, exit {code}", self.now_us())

    def _hear(self, events: Sequence[Event]) -> None:
        """Facts that a connector pushes. What they make due before the next grid tick does not wait for that."""
        engine, driver = self.engine, self.driver
        driver.hear(events)
        if engine.due_us < driver.next_grid_us(engine.state.now_us):
            self._wake.set()

    async def _run_virtual(self) -> None:
        turn = time.monotonic() + TURN_SECONDS
        engine, driver = self.engine, self.driver
        while engine.state.now_us < self.end_us and self.closing is None and not driver.exhausted:
            run_virtual(driver, min(self.end_us, driver.next_grid_us(engine.state.now_us)), self._ticked)
            if time.monotonic() >= turn or self.announcer.outbox.waiting >= MESSAGES_WAITING:
                await asyncio.sleep(0)
                if self.history is not None and self.history.full:
                    await asyncio.sleep(SHOW_SECONDS)  # nobody waits for a session in virtual time
                turn = time.monotonic() + TURN_SECONDS

    async def _run_live(self, clock: Clock) -> None:
        running = asyncio.create_task(run_live(self.driver, clock, self._wake, self.end_us, self._ticked))
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
        for task in (running, ended):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _close(self) -> None:
        """Cancel, until every order is over and the venues show none, or the time for it is over."""
        deadline_us = self.now_us() + self.timeout_us
        while not self.engine.stopped:
            if self.now_us() >= deadline_us:
                self.ending = Ending.DEADLINE
                return
            state = self.engine.state
            if self.clock is None:
                self._ticked(self.driver.step(state.now_us, state.now_us + WAKE_GAP_US))
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(self.clock.seconds_until(state.now_us + WAKE_GAP_US))
                self._ticked(self.driver.step(state.now_us, self.clock.now_us()))
        failure = self.recorder.clean_stop()
        if failure:
            self.notices.tell(Notice("E-DISK", "", failure, "", self.now_us()))

    def _begin_closing(self) -> None:
        if self.closing is None:
            state = self.engine.state
            self.closing = Closing(state.now_us, list(state.orders.active()))
            self._ended.set()

    def _judge(self, cause: Cause) -> None:
        """The engine ended by itself."""
        risk = cause.kind is CauseKind.KILL_SWITCH
        self.ending, self.reason = (Ending.RISK if risk else Ending.STRATEGY), self.redaction.clean(cause.text)
        self._begin_closing()

    def _ticked(self, now_us: int) -> None:
        self.ticks += 1
        engine = self.engine
        notices = engine.take_notices()
        self.notices.take(notices, ready=self._ready)
        self.announcer.notices(notices)
        self._latch()
        if self.history is not None:
            self._hear_history(self.history, now_us)
        if engine.state.bad_messages:
            self.notices.take_bad_messages(engine.state.bad_messages, now_us)
        if not self._ready:
            self._ready = all(cause.kind is not CauseKind.STREAM_STALE for cause in engine.halt.causes)
        if self.clock is not None and self._ready and not engine.state.orders.active():
            self._tell_too_small(now_us)
        if self.ending is None and engine.ending is not None:
            self._judge(engine.ending)
        self._update_state()

    def _tell_too_small(self, now_us: int) -> None:
        """A bot that rests because its orders would be refused must not do so in silence."""
        for controller in self.engine.controllers:
            try:
                text = getattr(controller, "explain", str)()
            except Exception as error:  # handled: a strategy that cannot explain itself trades on, and this is its word
                text = f"explain: {type(error).__name__}: {error}"
            if BELOW_MINIMUM in text:
                fix = "let the strategy's orders be larger, or give it more funds"
                self.notices.tell(Notice("E-MIN", controller.name, f"{text}; nothing was sent", fix, now_us))

    def _hear_history(self, history: History, now_us: int) -> None:
        self.recorder.exported(history.progress.exported_seq)
        for notice in history.notices(now_us):
            self.notices.tell(notice)

    def _latch(self) -> None:
        """HALT survives the session, until an operator has looked. A write that failed is repeated."""
        latched = self.engine.halt.latched
        if bool(latched) is not self._latched and not self.recorder.latch(latched[0].text if latched else ""):
            self._latched = bool(latched)

    def _update_state(self) -> None:
        if self.state is not self.entry.state:
            self._write_entry(replace(self.entry, state=self.state))
            self.announcer.state(self.state, self.now_us())

    def _write_entry(self, entry: BotEntry) -> None:
        self.entry = entry
        write_entry(self.files.entry, entry)

    async def _show_on(self) -> None:
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            self._show()

    def _show(self) -> None:
        if self.show is not None:
            self.show(self)
