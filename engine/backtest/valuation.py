"""What is left at the end of a run, at the prices for which it could be closed: bids for longs, asks for shorts."""

from decimal import Decimal, localcontext

from engine.backtest.decomposition import EXACT
from engine.backtest.recording import Marks
from engine.core.engine import Engine
from engine.core.position import money_asset
from engine.core.rates import Rates
from engine.core.state import State
from engine.model.money import ZERO


def liquidation_marks(engine: Engine, quote: str) -> Marks | None:
    """The books as they are, valued at the other side's best prices, where they are known; None without a price."""
    state, portfolio = engine.state, engine.state.portfolio
    rates = Rates(state.instruments.values(), lambda name: _price(state, name))
    totals = {key: account.total - account.moved for key, account in portfolio.accounts.items()}
    known = {asset: rate for _, asset in totals if (rate := rates.rate(asset, quote)) is not None}
    prices = {
        name: price
        for name, market in portfolio.markets.items()
        if not market.spot and (price := rates.price(name)) is not None
    }
    if portfolio.equity(quote) is None:
        return None
    with localcontext(EXACT):
        equity = sum((total * known.get(asset, ZERO) for (_, asset), total in totals.items()), ZERO)
        for name, price in prices.items():
            gained = portfolio.markets[name].net.unrealised(price)
            equity += gained * known.get(money_asset(state.instruments[name]), ZERO)
    return Marks(state.now_us, totals, known, prices, equity)


def _price(state: State, instrument_id: str) -> Decimal | None:
    """The best bid for what we hold, the best ask for what we owe; without one of them as state values it."""
    book, market = state.books.book(instrument_id), state.portfolio.markets[instrument_id]
    held = market.base.total if market.spot else market.position
    other = book.best_bid if held >= 0 else book.best_ask
    if book.stale or other is None:
        return state.portfolio.rates.price(instrument_id)
    return other
