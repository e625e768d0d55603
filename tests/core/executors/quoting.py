"""A desk with one quote executor, and short ways to say what it shall quote."""

from typing import Any

from engine.core.executors.quote import QuoteExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.model.enums import Side
from engine.model.quote import Quote
from tests.desk import BTC, Desk, d, instrument

ETH = "sim:ETH-USDT"
PAIR = ("bid_1 1@99", "ask_1 1@101")


def quote(text: str, *, hanging: bool = False, instrument_id: str = BTC) -> Quote:
    """`bid_1 1@99`; the tag says the side."""
    tag, _, terms = text.partition(" ")
    quantity, _, price = terms.partition("@")
    side = Side.BUY if tag.startswith("bid") else Side.SELL
    return Quote(instrument_id, side, d(price), d(quantity), tag, hanging)


def desk_with(*texts: str, amends: bool = False, **settings: Any) -> tuple[Desk, QuoteExecutor]:
    desk = Desk(amends=amends, instruments=[instrument(), instrument(ETH)], balances={"BTC": 100, "USDT": 100_000})
    desk.book(99.5, 100.5, instrument_id=ETH)
    executor = QuoteExecutor("mm/quotes", QuoteSettings(**settings))
    desk.state.executors[executor.executor_id] = executor
    want(executor, *texts)
    return desk, executor


def want(executor: QuoteExecutor, *texts: str) -> None:
    executor.set_quotes(quote(text) for text in texts)
