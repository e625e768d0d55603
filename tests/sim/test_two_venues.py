"""Cross-exchange market making on two faulty exchanges, with a process that is killed.

What the exchanges themselves have written down says in the end that every fill was traded back.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.simulated.book_order import SelfTrade
from connectors.simulated.faults import VenueHabits, draw_habits, swarm
from connectors.simulated.faulty_connector import FaultyConnector
from connectors.simulated.faulty_venue import FaultyVenue
from connectors.simulated.venue import SimulatedExchange
from engine.app.recorder import Recorder
from engine.core.clock import WAKE_GAP_US
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings, Wake
from engine.core.limits import RiskLimits
from engine.core.modes import CAUSES, Exit
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import OperatorAction, Side
from engine.model.event import OperatorCommand
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.store.event_chain import read_chain
from engine.store.order_log import OrderLog
from engine.store.recovery import resume
from strategies.cross_exchange_market_making import CrossExchangeMarketMaking
from tests.sim.disk import Disk
from tests.sim.folder import NoLock
from tests.sim.market import ThinMarket
from tests.sim.process import NoJournal

START_US = 1_767_225_600_000_000
VENUES = ("maker", "taker")
TAG = "TWO1"
TRADING_US, HEALING_US = 120 * SECOND_US, 120 * SECOND_US
SMALLEST = Decimal("0.001")
NOT_HERE = (
    "log_loss",
    "pause_rate",
    "second_rate",
    "drift_rate",
    "bust",
    "skew_us",
    "clock_step_us",
    "clock_drift_ppm",
)


def instrument(venue: str) -> Instrument:
    return Instrument(
        f"{venue}:BTC-USDT", venue, "BTC-USDT", "BTC", "USDT", Decimal("0.1"), SMALLEST, quantity_min=SMALLEST
    )


class World:
    """Two venues, one disk, one process at a time."""

    def __init__(self, seed: int, scale: float) -> None:
        rates = swarm(seed, scale)
        self.rates = replace(rates, **dict.fromkeys(NOT_HERE, 0.0))
        self.venues: list[FaultyVenue] = []
        self.markets: list[ThinMarket] = []
        self.habits: dict[str, VenueHabits] = {}
        for number, venue in enumerate(VENUES):
            habits = self.habits[venue] = replace(draw_habits(2 * seed + number), fee="quote")
            exchange = SimulatedExchange(venue, [instrument(venue)], client_ids=habits.client_ids)
            account = exchange.open_account(
                "bot", {"BTC": Decimal(10), "USDT": Decimal(1_000_000)}, self_trade=SelfTrade.NONE
            )
            market = ThinMarket(f"{venue}:BTC-USDT", 600_000, Random(f"market:{seed}"), START_US + 1)
            self.markets.append(market)
            self.venues.append(
                FaultyVenue(
                    exchange,
                    account,
                    [market],
                    rates=self.rates,
                    habits=habits,
                    seed=2 * seed + number,
                    start_us=START_US,
                )
            )
        self.disk = Disk(Path("orders.sqlite"), Random(f"disk:{seed}"))
        self.chance = Random(f"two:{seed}")
        self.crashes = 0
        self.start()

    def start(self) -> None:
        now_us = max(venue.now_us for venue in self.venues)
        chain = read_chain(self.disk.real)
        assert chain is not None
        self.log = OrderLog(Path("orders.sqlite"), NoLock(), self.disk, chain)  # type: ignore[arg-type]
        session = self.log.begin_session(now_us, TAG)
        sheets = {venue: habits.sheet() for venue, habits in self.habits.items()}
        state = State([instrument(venue) for venue in VENUES], OrderIds(TAG, session.epoch), sheets, now_us)
        self.connectors = [FaultyConnector(venue, 0) for venue in self.venues]
        recorder = Recorder(NoJournal(), self.log)  # type: ignore[arg-type]
        streams = {
            venue: UserStream(venue, [f"{venue}:BTC-USDT"], state.orders.cursors, sheet)
            for venue, sheet in sheets.items()
        }
        settings = Settings(bot="two", quote="USDT", limits=RiskLimits(), wake_on=(Wake.FILL,))
        self.engine = Engine(state, [strategy()], settings, streams, [recorder.hear], recorder.changed)
        resume(self.log.load(now_us), self.engine, now_us)
        recorder.follow(self.engine)
        self.driver = Driver(self.engine, self.connectors, recorder.commit, recall=recorder.recall)

    def run(self, until_us: int, crash_rate: float = 0.0) -> None:
        while self.engine.state.now_us < until_us:
            now_us = self.engine.state.now_us
            self.driver.step(
                now_us, min(self.driver.next_grid_us(now_us), max(self.engine.due_us, now_us + WAKE_GAP_US))
            )
            if any(CAUSES[cause.kind].exit is Exit.OPERATOR for cause in self.engine.halt.causes):
                self.engine.apply(OperatorCommand(OperatorAction.RESUME, "operator", "", self.engine.state.now_us))
            if crash_rate and self.chance.random() < crash_rate:
                self.crashes += 1
                for connector in self.connectors:
                    connector.die()
                self.disk.kill()
                for venue in self.venues:
                    venue.advance(now_us + 3 * SECOND_US)
                self.start()

    def heal(self) -> None:
        """No more faults, and nobody trades with us unless we take."""
        self.disk.fault = 0.0
        for venue, connector, market in zip(self.venues, self.connectors, self.markets, strict=True):
            venue.heal()
            connector.heal()
            market.calm_us = 1 << 62

    def trades(self, venue: FaultyVenue) -> list[Fill]:
        """Everything that this account traded, by the venue's books."""
        return venue.exchange.trades(venue.desk.account, f"{venue.exchange.venue}:BTC-USDT", "", 0)

    def traded(self, venue: FaultyVenue) -> Decimal:
        """Its signed sum in base."""
        return sum((fill.quantity if fill.side is Side.BUY else -fill.quantity for fill in self.trades(venue)), ZERO)


def strategy() -> CrossExchangeMarketMaking:
    """Quotes at the taker's best prices, for nothing: what matters here is that it trades."""
    config = CrossExchangeMarketMaking.Config(
        maker="maker",
        taker="taker",
        trading_pair="BTC-USDT",
        order_amount="0.01",
        min_profitability="-1%",
        target_profitability="0%",
        slippage_buffer="0%",
        slippage_max="1%",
        anti_hysteresis_duration="1s",
        adjust_order="false",
    )
    return CrossExchangeMarketMaking("xemm", config)


def play(seed: int, scale: float) -> dict[str, Any]:
    world = World(seed, scale)
    world.run(START_US + TRADING_US, crash_rate=0.004 if seed % 2 else 0.0)
    world.heal()
    world.run(world.engine.state.now_us + HEALING_US)
    first, second = (world.traded(venue) for venue in world.venues)
    executor = world.engine.state.executors["xemm/hedge"]
    return {
        "seed": seed,
        "open": first + second,
        "known": executor.unhedged(world.engine.state),
        "traded": abs(first) + abs(second),
        "fills": sum(len(world.trades(each)) for each in world.venues),
        "crashes": world.crashes,
        "text": executor.explain(),
    }


@pytest.mark.parametrize("chunk", range(4))
def test_every_fill_is_traded_back(chunk: int) -> None:
    results = [play(seed, 3.0 if chunk == 3 else 1.0) for seed in range(chunk * 10, chunk * 10 + 10)]
    assert [each for each in results if each["open"] != each["known"] or abs(each["open"]) >= SMALLEST] == []
    assert sum(each["fills"] for each in results) > 50
