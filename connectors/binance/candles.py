"""Candles for strategies that decide on them: those that closed before a connection, then each one as it closes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from connectors.base.outcomes import Failed
from connectors.binance.parse import INTERVALS_US
from engine.model.enums import Channel
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, Event
from engine.model.market import Candle

INTERVALS = {interval_us: name for name, interval_us in INTERVALS_US.items()}
HISTORY = 1_000  # candles that are asked for: what a strategy begins with, and what a connection may have missed
Series = tuple[str, int]
"""Binance's symbol, interval in µs."""


class Candles:
    """`ask` fetches what has closed of a series. What closes until that is told waits: they are told in order."""

    def __init__(
        self,
        venue: str,
        series: Sequence[Series],
        ask: Callable[[Series], Awaitable[Sequence[Candle]]],
        hear: Callable[[Sequence[Event]], None],
        now_us: Callable[[], int],
    ) -> None:
        self.streams = [f"{symbol.lower()}@kline_{INTERVALS[interval_us]}" for symbol, interval_us in series]
        self._venue = venue
        self._series = series
        self._ask = ask
        self._hear = hear
        self._now_us = now_us
        self._held: list[Candle] | None = None

    def hold(self) -> None:
        """A connection begins."""
        if self._series and self._held is None:
            self._held = []

    def passed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Events of the stream, without those that have to wait."""
        if self._held is None or not any(isinstance(each, Candle) for each in events):
            return events
        self._held += [each for each in events if isinstance(each, Candle)]
        return [each for each in events if not isinstance(each, Candle)]

    async def catch_up(self) -> None:
        """The connection is confirmed: tell what has closed before, then what waits. Without an answer only that."""
        for series in self._series:
            try:
                self._hear(await self._ask(series))
            except (Failed, BadMessage) as error:
                text = f"candles of {series[0]}: {error}"[:200]
                self._hear([BadMessageSeen(self._venue, Channel.REST, text, "", self._now_us())])
        held, self._held = self._held, None
        if held:
            self._hear(held)
