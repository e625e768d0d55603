"""From settings to a paper venue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.paper.candle_rows import CandleRows
from connectors.paper.candles import PPM, CandleKernel
from connectors.paper.choice import kernel_class
from connectors.paper.day_rows import DayRows
from connectors.paper.interface import FillKernel
from connectors.paper.kernel import Kernel
from connectors.paper.latency import Latency
from connectors.paper.ledger import Ledger
from connectors.paper.listing import Listing
from connectors.paper.live_rows import LiveRows
from connectors.paper.queue import QUEUES, behind
from connectors.paper.rows import Rows
from connectors.paper.venue import PaperVenue
from connectors.paper.words import ALLOW, CANCEL_NEW, CANCEL_OLD, PROBABILISTIC, THROUGH
from engine.core.venue_sheet import LookupScope, VenueSheet
from engine.model.instrument import Instrument
from engine.model.money import ONE

AnyRows = Rows | DayRows | CandleRows | LiveRows
SELF_TRADE = {"none": ALLOW, "cancel_new": CANCEL_NEW, "cancel_old": CANCEL_OLD}


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRules:
    """How orders fill where the data do not say: keys of a `backtest` section. The defaults are pessimistic."""

    queue_model: str = "risk_averse"
    queue_shape: str = "power3"
    queue_exponent: float = 3.0
    partial_fills: bool = True
    through: str = "capped"
    gap_fill: str = "crossed"
    deep_queue: str = "behind"
    self_trade: str = "none"
    amend_keeps_queue: bool = True
    touch: bool = False
    participation: Decimal = Decimal("0.10")
    half_spread: Decimal = Decimal("0.0002")
    slippage: Decimal = Decimal("0.0001")
    kernel: str = "auto"


def build_candle_kernel(rows: CandleRows, rules: FillRules) -> CandleKernel:
    """A kernel that plays these candles by these rules."""
    kernel = CandleKernel(rows)
    kernel.touch = rules.touch
    kernel.participation = int(rules.participation * PPM)
    kernel.half_spread = int(rules.half_spread * PPM)
    kernel.slippage = int(rules.slippage * PPM)
    return kernel


def build_kernel(rows: Rows | DayRows | LiveRows, rules: FillRules, size: int = 0) -> Kernel:
    """A kernel that plays these rows by these rules."""
    kernel = kernel_class(rules.kernel)(rows, size)
    kernel.queue = QUEUES[rules.queue_model]
    if kernel.queue == PROBABILISTIC:
        kernel.behind = behind(rules.queue_shape, rules.queue_exponent)
    kernel.whole_queue = not rules.partial_fills
    kernel.whole_through = not rules.partial_fills or rules.through == "full"
    kernel.best_only = not rows.has_levels
    kernel.trades_only = not rows.has_levels and not rows.has_best
    if kernel.trades_only and rules.queue_model != "none":
        kernel.queue = THROUGH
    kernel.deep_behind = rules.deep_queue == "behind"
    kernel.gap_fills = rules.gap_fill == "crossed"
    kernel.self_trade = SELF_TRADE[rules.self_trade]
    kernel.amend_keeps_queue = rules.amend_keeps_queue
    return kernel


def build_venue(
    venue: str,
    markets: Sequence[tuple[Instrument, AnyRows]],
    balances: Mapping[str, Decimal],
    latency: Latency,
    start_us: int,
    rules: FillRules = FillRules(),
    leverage: Decimal = ONE,
) -> PaperVenue:
    """A venue that plays the rows of its instruments from `start_us` on."""
    markets = sorted(markets, key=lambda market: market[0].instrument_id)
    listings = [Listing(each, _kernel(rows, rules), latency.feed_us, leverage) for each, rows in markets]
    ledger = Ledger(venue, balances, [listing.market for listing in listings])
    return PaperVenue(venue, listings, ledger, latency, start_us)


def venue_sheet(latency_us: int) -> VenueSheet:
    """What a paper venue promises; `latency_us` is the longest way there or back. It answers, and tells once."""
    return VenueSheet(
        request_expiry_us=2 * latency_us + 1_000_000,
        read_lag_us=0,
        clock_error_us=0,
        lookup_scope=LookupScope.ALL,
        client_id_in_trades=True,
        cancel_by_client_id=True,
        amend_in_place=True,
        dedicated=True,
        in_process=True,
    )


def _kernel(rows: AnyRows, rules: FillRules) -> FillKernel:
    return build_candle_kernel(rows, rules) if isinstance(rows, CandleRows) else build_kernel(rows, rules)
