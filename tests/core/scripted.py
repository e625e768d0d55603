"""A controller that does what a test tells it, and a market without surprises to run it on."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.venue import SimulatedExchange
from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.quote import Quote

SECOND_US = 1_000_000
START_US = 1_700_000_000 * SECOND_US
MARKET = "sim:BTC-USDT"
INSTRUMENT = Instrument(
    instrument_id=MARKET,
    venue="sim",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    maker_rate=Decimal("0.001"),
    taker_rate=Decimal("0.002"),
)


def bid(price: str, tag: str = "bid_1", quantity: str = "1") -> Quote:
    return Quote(MARKET, Side.BUY, Decimal(price), Decimal(quantity), tag)


class Scripted:
    """Quotes what `quotes` holds; `act` may do anything else. `times` are when it was asked."""

    def __init__(self, name: str = "s", quotes: Sequence[Quote] = (), **settings: Any) -> None:
        self.name = name
        self.quotes = tuple(quotes)
        self.act: Callable[[State], Sequence[Action]] = lambda state: ()
        self.times: list[int] = []
        self.settings = QuoteSettings(**settings)

    def decide(self, state: State) -> Sequence[Action]:
        self.times.append(state.now_us)
        executor_id = f"{self.name}/quotes"
        first = [] if executor_id in state.executors else [StartExecutor(executor_id, "quote", self.settings)]
        return [*first, SetQuotes(executor_id, self.quotes), *self.act(state)]


class StepMarket:
    """A book of 5 at 99 and 101 with a step each second; `at[second]` may do something to the exchange."""

    def __init__(self) -> None:
        self.next_us = START_US
        self.at: dict[int, Callable[[SimulatedExchange], None]] = {}
        self._laid_out = False

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        self.next_us = now_us + SECOND_US
        engine = exchange.listing(MARKET).engine
        if not self._laid_out:
            self._laid_out = True
            engine.set_level(Side.BUY, 990, 5_000)
            engine.set_level(Side.SELL, 1010, 5_000)
        do = self.at.get((now_us - START_US) // SECOND_US)
        if do is not None:
            do(exchange)


def venue(market: StepMarket, latency_us: int = 10_000, name: str = "sim") -> SimulatedConnector:
    """An exchange with 10 BTC and 10,000 USDT of ours."""
    exchange = SimulatedExchange(name, [INSTRUMENT])
    account = exchange.open_account("bot", {"BTC": Decimal(10), "USDT": Decimal(10_000)})
    return SimulatedConnector(
        *(exchange, account, [market]),
        start_us=START_US,
        feed_us=latency_us,
        entry_us=latency_us,
        response_us=latency_us,
    )
