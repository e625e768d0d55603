"""What a session comes to: orders, trades, money, and our ledger against the venue's to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from engine.app.figures import amount, change, percent, quantity, rough, signed
from engine.app.positions import positions_of
from engine.app.status import performance_of, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.app.session import Session


class BalanceLine(Protocol):
    """An asset by the venue's books and by ours; `difference` is 0 unless one of us is wrong."""

    asset: str
    venue: Decimal
    ours: Decimal

    @property
    def difference(self) -> Decimal: ...


class OpenBooks(Protocol):
    """A venue inside this process, whose own books can be looked at."""

    venue: str

    def compare_balances(self, ours: Mapping[str, Decimal]) -> Sequence[BalanceLine]:
        """One line an asset; `ours` are totals."""
        ...


def summary_of(session: Session) -> dict[str, Any]:
    """As the last word of a session, also for `--json`."""
    closing, driver = session.closing, session.driver
    cancelled = [] if closing is None else closing.orders
    return {
        "name": session.entry.name,
        "session_id": session.entry.session_id,
        "reason": session.reason,
        "orders_cancelled": len(cancelled),
        "orders_confirmed": sum(order.settled for order in cancelled),
        "orders_open": [order.client_order_id for order in session.engine.state.orders.active()],
        "quote": session.quote,
        **performance_of(session),
        "positions": positions_of(session.engine.state),
        "ticks": session.ticks,
        "missed": driver.missed,
        "refused": session.engine.refusals,
        "seconds": str(Decimal(session.now_us() - session.start_us) / 1_000_000),
        "stopped_in_seconds": None
        if closing is None
        else str(Decimal(session.now_us() - closing.begun_us) / 1_000_000),
        "ledger": [line for venue in session.venues for line in _ledger(session, venue)],
        "journal": session.files.relative(session.recorder.journal.path),
        "journal_entries": session.recorder.journal.entries,
        "journal_digest": session.recorder.journal.digest,
    }


def render_summary(data: Mapping[str, Any]) -> str:
    """The summary for people."""
    quote = data["quote"]
    volume = ", ".join(f"{amount(value)} {asset}" for asset, value in data["volume"].items()) or f"0 {quote}"
    lines = [
        f"{data['name']} stopped: {data['reason']}",
        f"  orders   cancelled {data['orders_cancelled']} ({data['orders_confirmed']} confirmed), "
        f"refused {data['refused']}, still open {len(data['orders_open'])}",
        f"  trades   {data['trades']} ({data['buys']} bought, {data['sells']} sold), volume {volume}",
        f"  PnL      {signed(data['total_pnl'])} {quote} ({change(data['return'])}): realized "
        f"{signed(data['realized_pnl'])}, unrealised {signed(data['unrealised_pnl'])}, fees {signed(data['fees'], -1)}"
        + (f", funding {signed(data['funding'])}" if Decimal(data["funding"] or 0) else ""),
        f"  equity   {amount(data['equity'])} {quote}, vs hold {signed(data['vs_hold'])}, "
        f"drawdown {percent(data['drawdown'])}",
        f"  ticks    {data['ticks']:,}, missed {data['missed']:,}",
        *(_position_text(line) for line in data["positions"]),
        *(_ledger_text(line) for line in data["ledger"]),
        f"  journal  {data['journal']}: {data['journal_entries']:,} entries, digest {data['journal_digest']}",
    ]
    if data["orders_open"]:
        lines.append(f"  may still be open: {', '.join(data['orders_open'])}")
    return "\n".join(lines)


def _position_text(line: Mapping[str, Any]) -> str:
    held = f"  position {line['exchange']} {line['symbol']}: {quantity(line['quantity'])}"
    if line["average_price"] is None:
        return held
    limit = line["liquidation_price"]
    return f"{held} at {rough(line['average_price'])}, mark {quantity(line['mark'])}, liquidation {rough(limit)}"


def _ledger_text(line: Mapping[str, Any]) -> str:
    venue, ours, difference = (quantity(line[name]) for name in ("venue", "ours", "difference"))
    return f"  ledger   {line['exchange']} {line['asset']}: venue {venue}, ours {ours}, difference {difference}"


def _ledger(session: Session, venue: OpenBooks) -> list[dict[str, Any]]:
    accounts = session.engine.state.portfolio.accounts.values()
    ours = {account.asset: account.total for account in accounts if account.venue == venue.venue}
    return [
        {
            "exchange": venue.venue,
            "asset": line.asset,
            "venue": text(line.venue),
            "ours": text(line.ours),
            "difference": text(line.difference),
        }
        for line in venue.compare_balances(ours)
    ]
