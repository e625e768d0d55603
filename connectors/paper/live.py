"""Mode `paper`: a live connector's market, and a venue in this process that fills our orders against it.

The market's events go to the engine as they come, and as rows to the kernels. Nothing that is ours leaves the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from connectors.paper.build import FillRules, build_venue
from connectors.paper.build import venue_sheet as paper_sheet
from connectors.paper.latency import Latency, chosen
from connectors.paper.live_rows import QUIET_US, LiveMarket
from engine.core.ports import LiveConnector
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Channel
from engine.model.event import BadMessageSeen, ClockSynced, ConnectorStatus, Event, RequestFailed
from engine.model.instrument import Instrument
from engine.model.market import (
    BestQuote,
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    MarkPrice,
    PublicTrade,
)
from engine.model.money import ONE
from engine.model.request import Reconnect, Request, ResyncBook, SyncClock

Hear = Callable[[Sequence[Event]], None]
OF_MARKETS = (BookSnapshot, BookDelta, PublicTrade, BestQuote, FundingRate, MarkPrice, Candle)
CLOCK_SECONDS = 600.0
PAPER_RATE = Decimal("0.001")  # of fees, where nobody says: without a key a venue does not tell them


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """Of an account on paper. Rates None: PAPER_RATE. `sigma` above 0 makes the latencies medians of a distribution.

    `leverage` is that of derivatives.
    """

    balances: Mapping[str, Decimal]
    entry_us: int
    response_us: int
    sigma: float
    rules: FillRules
    maker_rate: Decimal | None
    taker_rate: Decimal | None
    seed: int
    leverage: Decimal = ONE


def put_on_paper(market: LiveConnector, sheet: VenueSheet, settings: PaperSettings) -> PaperConnector:
    """A live connector's market (`sheet` is its own) with an account that is nowhere but here."""
    maker, taker = (PAPER_RATE if rate is None else rate for rate in (settings.maker_rate, settings.taker_rate))
    terms: dict[str, Any] = {"maker_rate": maker, "taker_rate": taker, "leverage": settings.leverage}
    instruments = [replace(each, **terms) for each in market.instruments]
    chance = Random(f"latency:{market.venue}:{settings.seed}")
    delays = [chosen(each, settings.sigma, chance) for each in (settings.entry_us, settings.response_us)]
    latency = Latency(0, *delays)
    return PaperConnector(market, instruments, sheet, settings.balances, latency, settings.rules, settings.leverage)


def venue_sheet(market: VenueSheet, latency_us: int) -> VenueSheet:
    """What such a venue promises: the account is ours alone, the books are proven as the market's are."""
    return replace(paper_sheet(latency_us), books=market.books)


class PaperConnector:
    """Implements `engine.core.ports.LiveConnector`. `market` needs no key: it is asked for books and the clock only.

    `instruments` are the market's, with the rates of fees that we pay. `sheet` is the market's.
    """

    request_expiry_us = 0

    def __init__(
        self,
        market: LiveConnector,
        instruments: Sequence[Instrument],
        sheet: VenueSheet,
        balances: Mapping[str, Decimal],
        latency: Latency,
        rules: FillRules,
        leverage: Decimal = ONE,
    ) -> None:
        self.venue = market.venue
        self.instruments = instruments
        self.markets = {each.instrument_id: LiveMarket(each, sheet.books) for each in instruments}
        self._market = market
        self._terms = (balances, latency, rules, leverage)
        self._early: list[Request] = []
        self._wake = asyncio.Event()
        self._hear: Hear = lambda events: None
        self._now_us: Callable[[], int] = lambda: 0
        self._running = False

    def send(self, request: Request) -> None:
        """Hand over a request: for a book or a market stream to the market, else to the venue in here."""
        if isinstance(request, ResyncBook) or (isinstance(request, Reconnect) and request.channel is Channel.MARKET):
            self._market.send(request)
        elif not self._running:
            self._early.append(request)
        else:
            self.paper.now_us = max(self.paper.now_us, self._now_us())
            self.paper.send(request)
            self._wake.set()

    async def run(self, hear: Hear, now_us: Callable[[], int]) -> None:
        """Connect to the market, and keep the venue's time, until cancelled."""
        self._hear, self._now_us = hear, now_us
        balances, latency, rules, leverage = self._terms
        rows = [(each, self.markets[each.instrument_id].rows) for each in self.instruments]
        self.paper = build_venue(self.venue, rows, balances, latency, now_us(), rules, leverage)
        self._running = True
        early, self._early = self._early, []
        for request in early:
            self.send(request)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._market.run(self._heard, now_us))
            group.create_task(self._keep_time())
            group.create_task(self._compare_clocks())

    # ---- time

    async def _keep_time(self) -> None:
        """Advance whenever a command arrives or an answer is due; rows advance it when they come."""
        while True:
            self._wake.clear()
            self._advance()
            delay = (self.paper.waits_until(QUIET_US) - self._now_us()) / 1e6
            try:
                async with asyncio.timeout(max(0.0, delay) if delay < CLOCK_SECONDS else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _advance(self) -> None:
        """What the venue tells by now; of the market the engine has heard already."""
        told = [event for event in self.paper.advance(self._now_us()) if not _is_of_market(event)]
        if told:
            self._hear(told)

    async def _compare_clocks(self) -> None:
        while True:
            self._market.send(SyncClock(self.venue))
            await asyncio.sleep(CLOCK_SECONDS)

    # ---- the market

    def _heard(self, events: Sequence[Event]) -> None:
        passed: list[Event] = []
        for event in events:
            if isinstance(event, OF_MARKETS):
                market = self.markets.get(event.instrument_id)
                if market is not None:
                    market.take(event)
                passed.append(event)
            elif isinstance(event, ConnectorStatus):
                self._note_status(event, passed)
            elif isinstance(event, ClockSynced):
                for market in self.markets.values():
                    market.offset_us = event.offset_us
            elif isinstance(event, BadMessageSeen) or not _is_about_the_clock(event):
                passed.append(event)
        if passed:
            self._hear(passed)
        self._advance()
        self._wake.set()

    def _note_status(self, status: ConnectorStatus, passed: list[Event]) -> None:
        """The market's connections; there is no account on the other side."""
        if status.channel is Channel.USER:
            return
        for market in self.markets.values():
            market.take_status(status)
        passed.append(status)


def _is_about_the_clock(event: Event) -> bool:
    return isinstance(event, RequestFailed) and event.action is Action.CLOCK


def _is_of_market(event: Event) -> bool:
    """What the venue in here says of a market that the engine hears of by itself."""
    return isinstance(event, OF_MARKETS) or (isinstance(event, ConnectorStatus) and event.channel is Channel.MARKET)
