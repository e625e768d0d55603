"""A bot that trades end to end in virtual time: engine, order log, `run_live`, connector, network, venue.

The bot is a simulated process: it can be killed at any of its resumptions and is started again, by its own start.
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

from connectors.simulated.contract import ContractTerms
from connectors.simulated.market import Market
from connectors.simulated.venue import SimulatedExchange
from engine.app.connections import connected
from engine.app.recorder import Recorder
from engine.core.clock import Clock, run_live
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.journal import Header, JournalWriter
from engine.core.order_change import Alarm, Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Controller, LiveConnector
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import OperatorAction
from engine.model.event import Event, OperatorCommand, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.store.event_chain import read_chain
from engine.store.order_log import OrderLog
from engine.store.recovery import resume
from engine.store.schema import migrate
from strategies.pure_market_making import PureMarketMaking
from tests.sim.loop.simloop import START_US, Process
from tests.sim.loop.simnet import NetLoop
from tests.sim.loop.wire_connector import WireConnector
from tests.sim.loop.wire_venue import WireVenue
from tests.sim.market import ThinMarket

VENUE = "sim"
PAIR = "BTC-USDT"
MARKET = f"{VENUE}:{PAIR}"
TAG = "LOOP"
RESTART_S = 2.0
CENT = Decimal("0.01")
BALANCES_US = 70_000_000  # so often at least a bot asks for balances while all is well
INSTRUMENT = Instrument(
    instrument_id=MARKET,
    venue=VENUE,
    symbol=PAIR,
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    maker_rate=Decimal("0.0002"),
    taker_rate=Decimal("0.0005"),
)
SHEET = VenueSheet(
    request_expiry_us=WireConnector.request_expiry_us,
    read_lag_us=0,
    lookup_scope=LookupScope.ALL,
    client_id_in_trades=True,
    cancel_by_client_id=True,
    acks_streamed=True,
)


class LoopClock(Clock):
    """The clock of the process that asks."""

    def __init__(self, loop: NetLoop) -> None:
        self._loop = loop

    def now_us(self) -> int:
        return self._loop.wall_us()

    def seconds_until(self, at_us: int) -> float:
        return max(0.0, (at_us - self.now_us()) / 1e6)


class NoLock:
    """There is one process at a time, and it never waits for a dead one."""

    def release(self) -> None: ...


def market_maker(pair: str) -> Controller:
    """The product's own, on both sides and close to the middle, so that there is much to do."""
    settings = {
        "kind": "pure_market_making",
        "exchange": VENUE,
        "trading_pair": pair,
        "bid_spread": "0.0005%",
        "ask_spread": "0.0005%",
        "order_amount": "0.01",
        "order_refresh_time": "2s",
        "filled_order_delay": "1s",
    }
    return PureMarketMaking("pmm", PureMarketMaking.Config.model_validate(settings))


class Bot:
    """One life of the bot's process."""

    def __init__(self, world: World, connector: LiveConnector) -> None:
        loop, disk, now_us = world.loop, world.disk, world.loop.wall_us()
        chain = read_chain(disk)
        assert chain is not None, "the chain of the order log is broken"
        log = OrderLog(Path("orders.sqlite"), NoLock(), disk, chain)  # type: ignore[arg-type]
        session = log.begin_session(now_us, TAG)
        header = Header("test", "test", "", "", 0, tuple(connector.instruments), SECOND_US, TAG, session.epoch, now_us)
        self.journal = JournalWriter(world.journal, header)
        state = State(connector.instruments, OrderIds(TAG, session.epoch), {VENUE: world.sheet}, now_us)
        self._world = world
        self.transfers: list[TransferSeen] = []  # the last ones may not reach the log
        self._recorder = recorder = Recorder(self.journal, log)  # type: ignore[arg-type]
        stream = UserStream(VENUE, [world.market], state.orders.cursors, world.sheet)
        settings, makers = Settings(bot="bot", quote="USDT"), [market_maker(world.instrument.symbol)]
        self.engine = Engine(state, makers, settings, {VENUE: stream}, [recorder.hear], self._changed)
        resume(log.load(now_us), self.engine, now_us)
        recorder.follow(self.engine)
        self.clock = LoopClock(loop)
        self.wake = asyncio.Event()
        self.connector = connector
        self.driver = Driver(self.engine, [], recorder.commit, [self.connector], recorder.recall)

    async def run(self, stop_us: int) -> None:
        """Trade until `stop_us`, then cancel everything and end."""
        loop = asyncio.get_running_loop()
        loop.call_later(self.clock.seconds_until(stop_us), self.stop)
        async with connected([self.connector], self._heard, self.clock.now_us):
            await run_live(self.driver, self.clock, self.wake)
        self.journal.close()

    def _changed(self, change: Change) -> None:
        self._world.alarms += change.alarms
        self._recorder.changed(change)

    def stop(self) -> None:
        """The operator's word."""
        self._heard([OperatorCommand(OperatorAction.STOP, "operator", "", self.clock.now_us())])
        self.wake.set()

    def _heard(self, events: Sequence[Event]) -> None:
        self.transfers += [each for each in events if isinstance(each, TransferSeen)]
        self.driver.hear(events)
        if self.engine.due_us <= self.clock.now_us():
            self.wake.set()


class World:
    """Everything that outlives the bot's process: venue, network, disk. `journal` is what all lives have written.

    What speaks for the venue and to it is in `sheet`, `serve` and `connect`: here the toy ones of this folder.
    """

    instrument = INSTRUMENT
    sheet = SHEET
    money: Mapping[str, Decimal] = {"BTC": Decimal(10), "USDT": Decimal(1_000_000)}
    terms: Mapping[str, ContractTerms] = {}

    def __init__(self, loop: NetLoop, markets: Sequence[Market] = ()) -> None:
        self.loop = loop
        self.exchange = SimulatedExchange(VENUE, [self.instrument], terms=self.terms)
        self.account = self.exchange.open_account("bot", self.money)
        self.markets = markets or [ThinMarket(self.market, 600_000, Random("market:1"), START_US)]
        self.disk = sqlite3.connect(":memory:", isolation_level=None)
        weakref.finalize(self, self.disk.close)
        migrate(self.disk, Path("orders.sqlite"))
        self.journal = io.BytesIO()
        self.alarms: list[Alarm] = []  # of all lives
        self.bot: Bot
        self.lives: list[Process] = []
        self._ended = asyncio.Event()
        loop.killed.append(self._note_death)

    @property
    def market(self) -> str:
        return self.instrument.instrument_id

    async def serve(self) -> None:
        """The venue, until it is cancelled."""
        self.venue = WireVenue(self.exchange, self.account, self.markets, self.loop)
        await self.venue.run()

    async def connect(self) -> LiveConnector:
        """A connector for a new life of the bot."""
        return WireConnector(VENUE, [self.instrument])

    async def run(self, seconds: float, crashes: Sequence[int] = (), skew_us: int = 0) -> None:
        """Trade for `seconds`; the n-th life of the bot is killed at its n-th number of resumptions.

        `skew_us` is how far the bot's wall clock is ahead of the venue's.
        """
        serving = self.loop.spawn(Process("venue"), self.serve)
        stop_us = START_US + round(seconds * 1e6) + skew_us
        ended = False
        while not ended:
            number = len(self.lives)
            process = Process(f"bot {number}", crashes[number] if number < len(crashes) else None, skew_us)
            self.lives.append(process)
            self._ended.clear()
            living = self.loop.spawn(process, self._live, stop_us)
            living.add_done_callback(lambda task: self._ended.set())
            await self._ended.wait()
            ended = process.alive
            if ended:
                await living
            else:
                await asyncio.sleep(RESTART_S)
        for connection in list(self.loop.connections):
            self.loop.reset(connection)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    async def _live(self, stop_us: int) -> None:
        self.bot = Bot(self, await self.connect())
        await self.bot.run(stop_us)

    def _note_death(self, process: Process) -> None:
        if process is self.lives[-1]:
            if self.disk.in_transaction:
                self.disk.execute("ROLLBACK")
            self._ended.set()

    # ---- what must hold after a run

    def differences(self) -> list[str]:
        """Where the bot and the venue do not agree: open orders, trades, money."""
        state = self.bot.engine.state
        found = [f"open at the venue: {order.venue_order_id}" for order in self.exchange.open_orders(self.account)]
        found += [f"open for the bot: {order.client_order_id}" for order in state.orders.active()]
        rows = self.disk.execute("SELECT venue_order_id, trade_id FROM fills WHERE replaced_by = ''")
        booked = {tuple(row) for row in rows}
        traded = {(fill.venue_order_id, fill.trade_id) for fill in self.fills()}
        found += [f"only one has the trade {key}" for key in sorted(booked ^ traded)]
        for balance in self.exchange.balances(self.account):
            ours = state.portfolio.account(VENUE, balance.asset).total + self.unheard(balance.asset)
            if abs(ours - balance.total) > min(self.sheet.believed, CENT):
                found.append(f"{balance.asset}: {ours} for the bot, {balance.total} at the venue")
        return found

    def unheard(self, asset: str) -> Decimal:
        """What moved money so late that the bot may end before it asks for balances again."""
        margin = self.exchange.margin
        rows = self.disk.execute("SELECT instrument_id, event_us / 1000 FROM transfers")
        heard = {tuple(row) for row in rows}
        heard |= {(each.instrument_id, each.event_us // 1_000) for each in self.bot.transfers}
        late = (each.transfer for each in margin.history) if margin is not None else ()
        return sum(
            (
                each.amount
                for each in late
                if each.asset == asset
                and each.event_us > self.loop.wall_us() - BALANCES_US
                and (each.instrument_id, each.event_us // 1_000) not in heard
            ),
            Decimal(0),
        )

    def fills(self) -> list[Fill]:
        return self.exchange.trades(self.account, self.market)


def event_log(world: World) -> bytes:
    """All that went through the doors of the engine's lives."""
    return world.journal.getvalue()
