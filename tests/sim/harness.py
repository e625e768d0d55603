"""One faulty session from beginning to end: trading with faults, healing, stopping, and what must hold.

The real engine, tracker, executors, order log and recorder; the simulated venue behind a faulty network; a process that
is killed at any point and comes back by its own start. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from connectors.simulated.book_order import SelfTrade
from connectors.simulated.faults import HEALTHY, FaultRates, VenueHabits, draw_habits, swarm
from connectors.simulated.faulty_venue import FaultyVenue
from connectors.simulated.venue import SimulatedExchange
from engine.core import marks
from engine.core.modes import CAUSES, Exit, Mode
from engine.core.order_ids import OrderIds
from engine.core.order_records import KEPT
from engine.core.ports import Record
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import OperatorAction
from engine.model.event import OperatorCommand
from engine.model.instrument import Instrument
from engine.model.request import ArmDeadMan
from engine.store.errors import LogFailed
from tests.sim.checks import Checks
from tests.sim.disk import Disk
from tests.sim.folder import Folder
from tests.sim.market import ThinMarket
from tests.sim.process import INSTRUMENT_ID, TAG, Crash, Life
from tests.sim.story import QUIET, line_of
from tests.sim.strategy import VENUE

START_US = 1_767_225_600_000_000
SAFETY_US = 180 * SECOND_US
QUIET_US = 45 * SECOND_US
SETTLE_US = 150 * SECOND_US
FLAT_US = 60 * SECOND_US
COPY_US = 7 * SECOND_US
OPERATOR_US = 20 * SECOND_US
POSITION_MAX = Decimal("0.06")  # base units; every slot has 0.01


class Run:
    """`crashes`: points at which processes are killed, one a process, counted from its start; None: by the rates."""

    def __init__(
        self,
        seed: int,
        *,
        rates: FaultRates | None = None,
        habits: VenueHabits | None = None,
        scale: float = 1.0,
        strategy: str = "",
        crashes: Sequence[int] | None = None,
        safety_us: int = SAFETY_US,
        trace: Callable[[str], None] | None = None,
        hashed: bool = False,
    ) -> None:
        self.seed = seed
        self.rates = swarm(seed, scale) if rates is None else rates
        self.habits = draw_habits(seed) if habits is None else habits
        self.chance = Random(f"harness:{seed}")
        self.strategy = strategy or ("pure_market_making" if seed % 4 == 3 else "slots")
        self.safety_us = safety_us
        self.skew_us = int((self.chance.random() * 2 - 1) * self.rates.skew_us)
        self.step_us = int((self.chance.random() * 2 - 1) * self.rates.clock_step_us)
        self.drift_us = int((Random(f"drift:{seed}").random() * 2 - 1) * self.rates.clock_drift_ppm)  # a second
        self.step_at_us = START_US + int(self.chance.random() * safety_us)
        self.instrument = _instrument(self.habits)
        exchange = SimulatedExchange(
            VENUE, [self.instrument], client_ids=self.habits.client_ids, fee_prices={"BNB": Decimal(600)}
        )
        balances = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "BNB": Decimal(100)}
        account = exchange.open_account("bot", balances, self_trade=SelfTrade.NONE)
        self.market = ThinMarket(INSTRUMENT_ID, 600_000, Random(f"market:{seed}"), START_US + 1)
        self.world = FaultyVenue(
            exchange, account, [self.market], rates=self.rates, habits=self.habits, seed=seed, start_us=START_US
        )
        self.disk = Disk(Path("orders.sqlite"), Random(f"disk:{seed}"))
        self.disk.fault = self.rates.disk
        draw = Random(f"limits:{seed}")
        self.position_max = POSITION_MAX if draw.random() < 0.3 else None
        self.remembered = draw.randrange(10, 60) if draw.random() < 0.3 else KEPT
        self.checks = Checks(self.world, self.disk, OrderIds(TAG, 1).is_own, self.position_max)
        self.crashes: list[int] | None = None
        if crashes is not None or self.rates.crash_rate:
            self.crashes = list(crashes or ())
        self.crash_at = 0
        self.points = 0
        self.lives = 0
        self.crashed = 0
        self.steps: list[int] = []
        self.life: Life | None = None
        self.restart_us = START_US
        self.flat_us = -1
        self.stop_us = 0
        self._awake_us = 0
        self._down_us = START_US  # since when no process runs
        self._next_copy_us = START_US + COPY_US
        self._second_chance = Random(f"second:{seed}")
        self.folder = Folder(contested=self.rates.second_rate > 0)
        self._crash_chance = Random(f"crash:{seed}")
        self._trace = trace
        self._hash = blake2b(digest_size=16) if hashed else None
        self._encode = msgspec.msgpack.Encoder().encode
        if trace is not None or hashed:
            self._watch_venue()

    # ---- the course of a run

    def go(self) -> dict[str, Any]:
        """The whole of it, once."""
        try:
            return self._go()
        finally:
            self.folder.close()

    def _go(self) -> dict[str, Any]:
        before = dict(marks.counts)
        world = self.world
        end_us = START_US + self.safety_us
        while world.now_us < end_us:
            self._second(min(end_us, world.now_us + SECOND_US))
        self._heal()
        while self.life is None:
            self._to(world.now_us + SECOND_US)
        self.stop_us = world.now_us
        self._order(OperatorAction.STOP)
        self._converge()
        self._finish()
        hit = [name for name, count in marks.counts.items() if count > before.get(name, 0)]
        return self.result(hit)

    def _second(self, until_us: int) -> None:
        """One second of trading: what may happen to the process happens now."""
        rates, chance, world, now_us = self.rates, self._crash_chance, self.world, self.world.now_us
        life = self.life
        if rates.log_loss and now_us >= self._next_copy_us:
            self._next_copy_us = now_us + COPY_US
            self.disk.copy()
        if life is not None:
            if rates.crash_rate and not self.crash_at and chance.random() < rates.crash_rate:
                self.crash_at = self.points + 1 + int(chance.random() * 200)
            life.connector.wall_step_us += self.drift_us  # the engine's clock neither steps nor drifts
            self.skew_us += self.drift_us
            if self.step_us and now_us >= self.step_at_us:
                life.connector.wall_step_us += self.step_us
                self.skew_us += self.step_us  # the next process starts with the new time
                self.step_us = 0
                self.checks.wire.clock_stepped()
            if rates.pause_rate and chance.random() < rates.pause_rate:
                self.world.count("pause")
                self._step(life, int((1 + chance.random() * 29) * SECOND_US))
                self._awake_us = self.world.now_us
                self.checks.outages.note(now_us, self._awake_us)
            self._second_instance()
            if (now_us // SECOND_US) % (OPERATOR_US // SECOND_US) == 0:
                self._resume()
        self.market.calm_us = world.weather.drift_us
        world.weather.may_drift = world.weather.may_drift or self.disk.has_ledger
        self._to(until_us)
        if self.life is not None:
            self.checks.second(self.life.engine, self.life.connector.stream, self._awake_us)
        self._note_outage(now_us)

    def _second_instance(self) -> None:
        """F37: a bot of this folder runs already; another one must not."""
        if not self.rates.second_rate or self._second_chance.random() >= self.rates.second_rate:
            return
        self.world.count("second")
        if not self.folder.keeps_out():
            self.checks.fail("F37", "a second process with our tag was let in")

    def _note_outage(self, since_us: int) -> None:
        """Whether bot and venue can reach each other at all."""
        world, life = self.world, self.life
        weather = world.weather
        away = weather.closed or weather.cut_off or weather.no_trades_us > world.now_us or life is None
        if away or (life is not None and life.connector.banned_us > life.connector.now_us):
            self.checks.outages.note(since_us, world.now_us)

    def _to(self, until_us: int) -> None:
        """Run the process, or wait until it is started again."""
        world = self.world
        while world.now_us < until_us:
            life = self.life
            if life is not None:
                self._step(life)
            elif self.restart_us > until_us:
                world.advance(until_us)
            else:
                if self.restart_us > world.now_us:
                    world.advance(self.restart_us)
                self._start()

    def _step(self, life: Life, pause_us: int = 0) -> None:
        try:
            life.step(pause_us)
        except Crash:
            self._crash(life)

    def _start(self) -> None:
        self.checks.new_process()
        self.checks.skew_us = self.skew_us
        self.checks.outages.note(self._down_us, self.world.now_us)
        self.points = 0
        self.lives += 1
        self._awake_us = self.world.now_us
        if self.crashes and self.lives <= len(self.crashes):
            self.crash_at = self.crashes[self.lives - 1]
        try:
            self.life = Life(self)
        except LogFailed:
            self.folder.unlock()
            self.disk.kill()
            self.restart_us = self.world.now_us + SECOND_US
            return
        self._say("start", self.lives)

    def point(self) -> None:
        """A place where the process may be killed."""
        self.points += 1
        if self.points == self.crash_at:
            raise Crash

    def _crash(self, life: Life) -> None:
        self.crashed += 1
        self.steps.append(self.points)
        self._say("crash", self.points)
        self.crash_at = 0
        self.life = None
        self._down_us = self.world.now_us
        life.connector.die()
        self.folder.unlock()  # as the kernel does
        self.disk.kill()
        chance = self._crash_chance
        if self.rates.log_loss and chance.random() < self.rates.log_loss and self.disk.set_back():
            self.checks.log_losses += 1
            self._say("log loss")
        self.restart_us = self.world.now_us + int((1 + chance.random() * 20) * SECOND_US)

    def _heal(self) -> None:
        self._say("heal")
        self.rates = HEALTHY
        self.crash_at = 0
        self.disk.fault = 0.0
        self.world.heal()
        self.checks.healed_us = self.world.now_us
        self.checks.wire.forget()
        if self.life is not None:
            self.steps.append(self.points)
            self.life.connector.heal()

    def _order(self, action: OperatorAction) -> None:
        assert self.life is not None
        engine = self.life.engine
        try:
            engine.apply(OperatorCommand(action, "operator", "", engine.state.now_us))
        except Crash:
            self._crash(self.life)

    def _resume(self) -> None:
        """The operator comes by now and then, and lets the bot go on."""
        assert self.life is not None
        if any(CAUSES[cause.kind].exit is Exit.OPERATOR for cause in self.life.engine.halt.causes):
            self._order(OperatorAction.RESUME)

    def _converge(self) -> None:
        world, checks = self.world, self.checks
        exchange, account = world.exchange, world.desk.account
        begun_us, quiet_us = world.now_us, 0
        while world.now_us < begun_us + SETTLE_US:
            self._to(world.now_us + SECOND_US)
            assert self.life is not None
            checks.second(self.life.engine, self.life.connector.stream, self._awake_us)
            flat = not self.life.engine.state.orders.active() and not any(
                checks.own(order.request.client_order_id) for order in exchange.open_orders(account)
            )
            if not flat:
                quiet_us = 0
            elif not quiet_us:
                quiet_us = world.now_us
            elif world.now_us - quiet_us > QUIET_US:
                break
        self.flat_us = quiet_us - begun_us if quiet_us else -1
        if not quiet_us or self.flat_us > FLAT_US:
            checks.fail("I8", f"not flat within 60 s of the stop: {self.flat_us}")

    def _finish(self) -> None:
        assert self.life is not None
        life = self.life
        life.recorder.commit(())
        try:
            life.log.commit(life.engine.state.now_us)
        except LogFailed as error:
            self.checks.fail("I15", f"the log cannot be written with a good disk: {error}")
        self.checks.finish(list(life.engine.state.orders.active()))

    # ---- what is seen

    def hear(self, now_us: int, record: Record) -> None:
        """The second sink of the engine."""
        if type(record) not in QUIET:
            self.checks.heard(record)
        if type(record) is ArmDeadMan and record.timeout_ms and self.life is not None:
            self.checks.armed(self.life.engine)
        if self._hash is not None:
            self._hash.update(self._encode((now_us, type(record).__name__, record)))
        if self._trace is not None:
            line = line_of(record)
            if line:
                self._say(line)

    def _say(self, *words: object) -> None:
        if self._hash is not None:
            self._hash.update(repr((self.world.now_us, words)).encode())
        if self._trace is not None:
            seconds = (self.world.now_us - START_US) / 1e6
            self._trace(f"{seconds:10.3f} " + " ".join(str(word) for word in words))

    def _watch_venue(self) -> None:
        note = self.world.desk.note

        def watched(reports: Any) -> None:
            for report in reports:
                request, state = report.order.request, report.state
                self._say(
                    "VENUE", request.client_order_id, report.order.venue_order_id, request.tag, request.side,
                    state.what.name, state.status, f"{state.filled}/{state.quantity}@{state.price}", state.reason,
                )  # fmt: skip
            note(reports)

        self.world.desk.note = watched  # type: ignore[method-assign]

    def result(self, hit: list[str]) -> dict[str, Any]:
        """What a campaign wants to know of it."""
        world, checks = self.world, self.checks
        listing = world.exchange.listing(INSTRUMENT_ID)
        return {
            "seed": self.seed,
            "violations": {name: text for name, (_, text) in checks.violations.items()},
            "first": min(checks.violations, key=lambda name: checks.violations[name][0], default=""),
            "orders": world.orders,
            "fills": sum(map(len, listing.trades.values())),
            "requests": world.requests,
            "crashes": self.crashed,
            "log_losses": checks.log_losses,
            "disk_failures": self.disk.failed,
            "faults": world.counts,
            "delays": checks.delays,
            "delays_clear": checks.delays_clear,
            "late_in_outages": checks.late_in_outages,
            "flat_us": self.flat_us,
            "simulated_us": world.now_us - START_US,
            "points": self.steps,
            "marks": hit,
            "hash": "" if self._hash is None else self._hash.hexdigest(),
            "mode": str(self.life.engine.halt.mode() if self.life else Mode.RUN),
        }


def _instrument(habits: VenueHabits) -> Instrument:
    fee_asset = {"quote": "", "base": "BTC", "third": "BNB"}[habits.fee]
    return Instrument(
        instrument_id=INSTRUMENT_ID,
        venue=VENUE,
        symbol="BTC-USDT",
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        quantity_min=Decimal("0.001"),
        notional_min=Decimal(5),
        maker_rate=Decimal("0.0002"),
        taker_rate=Decimal("0.0005"),
        fee_asset=fee_asset,
    )
