"""What trades in the simulation: four slots that are quoted again and again, or the product's market maker."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.quote import Quote
from strategies.pure_market_making import PureMarketMaking

VENUE = "sim"
SLOTS = (("bid_1", Side.BUY, 3), ("ask_1", Side.SELL, 3), ("bid_2", Side.BUY, 6), ("ask_2", Side.SELL, 6))
QUANTITY = Decimal("0.010")
SECOND_US = 1_000_000


class Slots:
    """Two bids and two asks around the middle, replaced when that has moved by three price steps, or after 15 s."""

    def __init__(self, settings: QuoteSettings) -> None:
        self.name = "slots"
        self.crossed = False
        self._settings = settings

    def decide(self, state: State) -> Sequence[Action]:
        instrument_id = f"{VENUE}:BTC-USDT"
        actions: list[Action] = []
        if "slots/quotes" not in state.executors:
            actions.append(StartExecutor("slots/quotes", "quote", self._settings))
        book = state.book(instrument_id)
        mid = book.mid
        if book.stale or mid is None:
            return [*actions, SetQuotes("slots/quotes", ())]
        assert book.best_bid is not None
        assert book.best_ask is not None
        assert book.best_bid < book.best_ask, "I10: a crossed book was shown as good"
        instrument = state.instruments[instrument_id]
        quotes = tuple(
            Quote(instrument_id, side, instrument.round_price(_away(mid, side, steps), side), QUANTITY, tag)
            for tag, side, steps in SLOTS
        )
        return [*actions, SetQuotes("slots/quotes", quotes)]


def _away(mid: Decimal, side: Side, steps: int) -> Decimal:
    distance = Decimal("0.1") * steps
    return mid - distance if side is Side.BUY else mid + distance


def controller_of(strategy: str, chance: Random) -> Any:
    """The strategy by name."""
    if strategy == "slots":
        return Slots(
            QuoteSettings(
                order_refresh_time_us=SECOND_US,
                order_refresh_tolerance=Decimal("0.000004"),
                max_order_age_us=15 * SECOND_US,
                filled_order_delay_us=0,
                post_only=chance.random() < 0.5,
            )
        )
    config = PureMarketMaking.Config.model_validate(
        {
            "kind": "pure_market_making",
            "exchange": VENUE,
            "trading_pair": "BTC-USDT",
            "bid_spread": "0.0005%",
            "ask_spread": "0.0005%",
            "order_amount": "0.01",
            "order_levels": "2",
            "order_level_spread": "0.0005%",
            "order_refresh_time": "5s",
            "filled_order_delay": "1s",
        }
    )
    return PureMarketMaking("pmm", config)
