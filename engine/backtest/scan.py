"""A first look at what is to be imported: how fine its numbers are, what it shows, and which clock runs behind."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from engine.backtest.found import Cursor
from engine.model.enums import InstrumentKind
from engine.model.errors import TickwrightError
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, PublicTrade
from engine.model.money import ONE

AHEAD_MAX_US = 3_600_000_000  # by which our clock may run behind the venue's
FEED_FLOOR_US = 1_000  # the least feed latency that venue times are shifted to when our clock ran behind


class Finest:
    """The coarsest power of ten, at most 1, that every number seen is a multiple of."""

    def __init__(self) -> None:
        self._exponent = 0
        self._seen: set[Decimal] = set()

    def see(self, value: Decimal) -> None:
        if value not in self._seen and value:
            if len(self._seen) > 100_000:
                self._seen.clear()
            self._seen.add(value)
            exponent = value.normalize().as_tuple().exponent
            assert isinstance(exponent, int), "readers let only finite numbers through"
            self._exponent = min(self._exponent, exponent)

    @property
    def step(self) -> Decimal:
        """That power."""
        return Decimal(1).scaleb(self._exponent)


class Scan(Struct, kw_only=True):
    """What a first pass found. `ahead_us` is the least of received − event, None without receive times.

    `began_us` is when the first event was received, 0 without receive times.
    """

    events: int = 0
    price_step: Decimal = Decimal(1)
    quantity_step: Decimal = Decimal(1)
    has_levels: bool = False
    has_best: bool = False
    has_candles: bool = False
    ahead_us: int | None = None
    began_us: int = 0

    @property
    def shift_us(self) -> int:
        """What to add to the venue's times, so that every row is received after it happened."""
        return self.ahead_us - FEED_FLOOR_US if self.ahead_us is not None and self.ahead_us < 0 else 0


def scan(events: Iterable[MarketEvent | ConnectorStatus], cursor: Cursor) -> Scan:
    """Read everything once. Raises TickwrightError when there is nothing."""
    found = Scan()
    prices, quantities = Finest(), Finest()
    for event in events:
        if isinstance(event, ConnectorStatus):
            continue
        found.events += 1
        if not found.began_us and not isinstance(event, Candle):
            found.began_us = event.receive_us
        for price, quantity in _levels(event, found):
            prices.see(price)
            quantities.see(quantity)
        if isinstance(event, Candle):
            found.has_candles = True
        elif event.receive_us and event.event_us:
            ahead_us = event.receive_us - event.event_us
            if ahead_us < -AHEAD_MAX_US:
                raise cursor.problem(f"is of a time {-ahead_us / 1e6:.1f} s after its receipt: no clock is that wrong")
            found.ahead_us = ahead_us if found.ahead_us is None else min(found.ahead_us, ahead_us)
    if not found.events:
        raise TickwrightError(f"{cursor.file or 'the files'} held nothing of this market after {cursor.row} rows")
    found.price_step, found.quantity_step = prices.step, quantities.step
    return found


class Given(Struct, frozen=True, kw_only=True):
    """Rules of a market that are known better than data tell them. `settle` and `contract_size` are of derivatives."""

    price_step: Decimal | None = None
    quantity_step: Decimal | None = None
    contract_size: Decimal = ONE
    settle: str = ""


def make_instrument(venue: str, symbol: str, found: Scan, given: Given) -> Instrument:
    """A market's rules as far as the data tell them: its steps are the finest that occur unless they are given."""
    base, quote, *kind = symbol.split("-")
    steps = given.price_step or found.price_step, given.quantity_step or found.quantity_step
    return Instrument(
        instrument_id=instrument_id(venue, symbol),
        venue=venue,
        symbol=symbol,
        base=base,
        quote=quote,
        kind=InstrumentKind.PERPETUAL if kind else InstrumentKind.SPOT,
        price_step=steps[0],
        quantity_step=steps[1],
        quantity_min=steps[1],
        contract_size=given.contract_size,
        settle=given.settle,
    )


def _levels(event: MarketEvent, found: Scan) -> Iterable[tuple[Decimal, Decimal]]:
    if isinstance(event, PublicTrade):
        return ((event.price, event.quantity),)
    if isinstance(event, BookSnapshot | BookDelta):
        found.has_levels = True
        return (*event.bids, *event.asks)
    if isinstance(event, BestQuote):
        found.has_best = True
        return ((event.bid, event.bid_quantity), (event.ask, event.ask_quantity))
    if isinstance(event, Candle):
        prices = (event.open, event.high, event.low, event.close)
        return tuple((price, event.volume) for price in prices)
    return ()
