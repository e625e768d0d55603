"""What a bot shows of itself: one dictionary for `status --json`, the control socket and the live view.

Money is text, times are microseconds, shares are fractions. A value that is not known yet is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.app.positions import positions_of
from engine.core.executors.quote import SECOND_NAME
from engine.core.modes import CAUSES, CauseKind
from engine.core.state import State
from engine.model.enums import OrderStatus, Side
from engine.model.money import ONE, ZERO, to_text
from engine.model.order import Order

if TYPE_CHECKING:
    from engine.app.session import Session

RECENT_US = 60_000_000
Json = dict[str, Any]


def status_of(session: Session) -> Json:
    """Everything at a glance."""
    state = session.engine.state
    return {
        **head_of(session),
        "markets": [market_of(state, instrument_id) for instrument_id in state.instruments],
        "quote": session.quote,
        "assets": balances_of(session),
        "positions": positions_of(state),
        "performance": performance_of(session),
        "orders": orders_of(session),
        "messaging": None if session.messaging is None else session.messaging(),
        "history": None if session.history is None else session.history.status(),
        "warnings": list(_warnings(session)),
    }


def head_of(session: Session) -> Json:
    """Who it is, and how it is."""
    entry, driver = session.entry, session.driver
    return {
        "name": entry.name,
        "state": session.state.value,
        "mode": entry.mode,
        "virtual": session.clock is None,
        "session_id": entry.session_id,
        "pid": entry.pid,
        "strategies": entry.strategies,
        "instruments": entry.instruments,
        "seed": session.config.seed,
        "now_us": session.now_us(),
        "up_us": session.now_us() - session.start_us,
        "tick_us": session.engine.grid_us,
        "missed": driver.missed,
        "behind_us_max": driver.behind_us_max,
        "log": session.files.relative(session.files.log),
    }


def market_of(state: State, instrument_id: str) -> Json:
    """The top of a book. `spread` is a fraction of the mid."""
    book, instrument = state.book(instrument_id), state.instruments[instrument_id]
    mid, spread = book.mid, book.spread
    return {
        "exchange": instrument.venue,
        "symbol": instrument.symbol,
        "instrument_id": instrument_id,
        "best_bid": text(book.best_bid),
        "best_ask": text(book.best_ask),
        "mid": text(mid),
        "spread": None if mid is None or spread is None else text(spread / mid),
        "age_us": max(0, state.now_us - book.receive_us) if book.receive_us else None,
        "stale": book.stale,
    }


def book_of(state: State, instrument_id: str, lines: int) -> Json:
    """The best levels of a book as [price, quantity]; `own` are our open orders there, by price."""
    book = state.book(instrument_id)
    own: dict[str, Decimal] = {}
    for order in state.orders.active(instrument_id=instrument_id):
        if order.price is not None:
            own[to_text(order.price)] = own.get(to_text(order.price), ZERO) + order.open_quantity
    return {
        **market_of(state, instrument_id),
        "bids": [[to_text(price), to_text(quantity)] for price, quantity in book.levels(Side.BUY, lines)],
        "asks": [[to_text(price), to_text(quantity)] for price, quantity in book.levels(Side.SELL, lines)],
        "own": {price: to_text(quantity) for price, quantity in own.items()},
    }


def balances_of(session: Session) -> list[Json]:
    """Our ledger by venue and asset. `value` in the bot's quote asset, `share` of the whole."""
    portfolio, quote = session.engine.state.portfolio, session.quote
    values: list[Decimal | None] = []
    for account in portfolio.accounts.values():
        rate = portfolio.rates.rate(account.asset, quote)
        values.append(None if rate is None else account.total * rate)
    whole = sum((value for value in values if value is not None), ZERO)
    return [
        {
            "exchange": account.venue,
            "asset": account.asset,
            "total": text(account.total),
            "available": text(account.available),
            "reserved": text(account.reserved),
            "value": text(value),
            "share": None if value is None or not whole else text(round(value / whole, 6)),
        }
        for account, value in zip(portfolio.accounts.values(), values, strict=True)
    ]


def performance_of(session: Session) -> Json:
    """Since the start of the session, in the bot's quote asset. `fees` > 0 were paid."""
    engine, quote, tally = session.engine, session.quote, session.tally
    portfolio, limits = engine.state.portfolio, engine.halt.limits
    pnl, equity, hold = portfolio.pnl(quote), portfolio.equity(quote), portfolio.hold_value(quote)
    total = None if pnl is None else pnl.total
    return {
        "trades": tally.count,
        "buys": tally.buys,
        "sells": tally.sells,
        "volume": {asset: text(volume) for asset, volume in tally.volume.items()},
        "realized_pnl": None if pnl is None else text(pnl.realized),
        "unrealised_pnl": None if pnl is None else text(pnl.unrealised),
        "trade_pnl": None if pnl is None else text(pnl.realized + pnl.unrealised),
        "funding": None if pnl is None else text(pnl.funding),
        "fees": None if pnl is None else text(pnl.fees),
        "total_pnl": text(total),
        "return": None if total is None or not hold else text(round(total / hold, 8)),
        "equity": text(equity),
        "hold_value": text(hold),
        "vs_hold": None if equity is None or hold is None else text(equity - hold),
        "drawdown": text(round(engine.halt.drawdown, 8)),
        "drawdown_limit": text(limits.max_drawdown or limits.kill_switch),
    }


def orders_of(session: Session) -> list[Json]:
    """Our active orders, the best prices innermost: asks from the highest down, then bids."""
    state = session.engine.state
    rows = [order_of(order, state) for order in state.orders.active()]
    return sorted(rows, key=lambda row: (row["instrument_id"], row["side"] == "BUY", -Decimal(row["price"] or 0)))


def order_of(order: Order, state: State) -> Json:
    """One order. `spread` is its distance from the mid as a fraction, `level` the slot that it was made for."""
    mid = state.mid(order.instrument_id)
    spread = None if mid is None or order.price is None else abs(order.price / mid - ONE)
    return {
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "instrument_id": order.instrument_id,
        "level": order.tag.removesuffix(SECOND_NAME),
        "side": order.side.value,
        "price": text(order.price),
        "spread": None if spread is None else text(round(spread, 8)),
        "quantity": text(order.quantity),
        "filled": text(order.filled),
        "age_us": max(0, state.now_us - order.created_us),
        "status": order.status.value,
        "partly_filled": order.status is OrderStatus.OPEN and order.filled > 0,
        "reason": order.reason,
    }


def trades_of(session: Session, count: int) -> list[Json]:
    """The newest trades, oldest first."""
    newest = list(session.tally.trades)[-count:] if count else []
    return [
        {
            "trade_id": fill.trade_id,
            "client_order_id": fill.client_order_id,
            "instrument_id": fill.instrument_id,
            "level": tag.removesuffix(SECOND_NAME),
            "side": fill.side.value,
            "price": text(fill.price),
            "quantity": text(fill.quantity),
            "fee": text(fill.fee),
            "fee_asset": fill.fee_asset,
            "liquidity": fill.liquidity.value,
            "event_us": fill.event_us,
        }
        for fill, tag in newest
    ]


def text(value: Decimal | None) -> str | None:
    """Plain notation; None stays None."""
    return None if value is None else to_text(value)


def _warnings(session: Session) -> Iterator[Json]:
    """The conditions that restrict trading now, then what was told within the last minute."""
    told: dict[tuple[str, str], None] = {}
    for cause in session.engine.halt.causes:
        if cause.kind is CauseKind.STOP:
            continue  # the state says so
        rule = CAUSES[cause.kind]
        told[rule.code, cause.scope] = None
        yield {
            "code": rule.code,
            "where": cause.scope,
            "text": session.redaction.clean(cause.text),
            "fix": "",
            "at_us": cause.since_us,
            "mode": rule.mode.value,
        }
    for shown in session.notices.recent:
        notice = shown.notice
        if session.now_us() - notice.at_us <= RECENT_US and (notice.code, notice.where) not in told:
            told[notice.code, notice.where] = None
            yield {
                "code": notice.code,
                "where": notice.where,
                "text": notice.text,
                "fix": notice.fix,
                "at_us": notice.at_us,
                "mode": None,
            }
