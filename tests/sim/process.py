"""One process of the bot: the product's own parts, put together as a start does, with crash points in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.simulated.faulty_connector import FaultyConnector
from engine.app.recorder import Recorder
from engine.core.clock import WAKE_GAP_US
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.limits import RiskLimits
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Record
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.schema.values import Amount
from engine.store.event_chain import read_chain
from engine.store.order_log import OrderLog
from engine.store.recovery import resume
from tests.sim.story import QUIET
from tests.sim.strategy import VENUE, controller_of

if TYPE_CHECKING:
    from tests.sim.harness import Run

TAG = "SIM1"
INSTRUMENT_ID = f"{VENUE}:BTC-USDT"


class Crash(BaseException):
    """kill -9: nothing may catch it but the harness."""


class NoJournal:
    """The engine's journal is not what is tested here."""

    def write(self, now_us: int, record: Record) -> None: ...
    def flush(self) -> None: ...


class Life:
    """One process of the bot."""

    def __init__(self, run: Run) -> None:
        world, checks = run.world, run.checks
        now_us = world.now_us + run.skew_us
        path = Path("orders.sqlite")
        chain = read_chain(run.disk.real)
        assert chain is not None, "the chain of the order log is broken"
        self.log = OrderLog(path, run.folder.lock(), run.disk, chain)  # type: ignore[arg-type]
        session = self.log.begin_session(now_us, TAG)
        ids = OrderIds(TAG, session.epoch)
        if session.halt_latch:
            self.log.set_halt_latch("", now_us)  # the operator has looked
        sheet = run.habits.sheet()
        state = State([run.instrument], ids, {VENUE: sheet}, now_us, run.remembered)
        self.connector = FaultyConnector(world, run.skew_us)
        self.recorder = Recorder(NoJournal(), self.log)  # type: ignore[arg-type]
        stream = UserStream(VENUE, [INSTRUMENT_ID], state.orders.cursors, sheet)
        limit = None if run.position_max is None else Amount(run.position_max)
        settings = Settings(bot="sim", quote="USDT", limits=RiskLimits(max_position=limit))

        def changed(change: Change) -> None:
            self.recorder.changed(change)
            checks.changed(change)

        controller = controller_of(run.strategy, run.chance)
        self.engine = Engine(state, [controller], settings, {VENUE: stream}, [self.recorder.hear, run.hear], changed)
        resume(self.log.load(now_us), self.engine, now_us)
        self.recorder.follow(self.engine)
        self.driver = Driver(self.engine, [self.connector], self.recorder.commit, recall=self.recorder.recall)
        self._run = run
        if run.crashes is not None:
            self._mine()

    def _mine(self) -> None:
        """Put a crash point before and after every apply (of what is no market data), commit and send."""
        point = self._run.point

        def around(real: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def mined(argument: Any) -> Any:
                point()
                result = real(argument)
                point()
                return result

            return mined

        apply = self.engine.apply
        mined_apply = around(apply)
        self.engine.apply = lambda event: (apply if type(event) in QUIET else mined_apply)(event)  # type: ignore[method-assign]
        self.connector.send = around(self.connector.send)  # type: ignore[method-assign]
        self.driver._commit = around(self.recorder.commit)

    def step(self, pause_us: int = 0) -> None:
        engine, driver = self.engine, self.driver
        now_us = engine.state.now_us
        target_us = min(driver.next_grid_us(now_us), max(engine.due_us, now_us + WAKE_GAP_US)) + pause_us
        driver.step(now_us, target_us)
