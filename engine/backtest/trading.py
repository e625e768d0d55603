"""What the fills and orders of a run come to: counts, shares, closed quantity that earned."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.backtest.decomposition import Parts
from engine.backtest.recording import OrderCounts
from engine.core.position import PositionLedger, money_asset
from engine.model.enums import Liquidity
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO

Json = dict[str, object]


def win_rate(fills: Sequence[Fill], instruments: Mapping[str, Instrument]) -> float | None:
    """Quantity closed at a profit, net of the closing fill's fee, as a share of all that was closed; None without any.

    By closing fill against average cost, from a flat position at the start of the run. Fees in a third asset count 0.
    """
    ledgers = {name: PositionLedger(instrument, "") for name, instrument in instruments.items()}
    won = closed = ZERO
    for fill in fills:
        ledger, instrument = ledgers[fill.instrument_id], instruments[fill.instrument_id]
        held, realized = abs(ledger.quantity), ledger.realized
        signed = ledger.quantity
        value = fill.quantity * fill.price * instrument.contract_size
        ledger.book(fill.side, fill.quantity, value)
        closing = min(held, fill.quantity) if signed and (signed > 0) != (fill.side == "BUY") else ZERO
        if closing:
            closed += closing
            fee = _fee_in_money(fill, instrument) * closing / fill.quantity
            won += closing if ledger.realized - realized - fee > 0 else ZERO
    return float(won / closed) if closed else None


def order_figures(counts: OrderCounts, fills: Sequence[Fill]) -> Json:
    """Of all orders together. Times in seconds, None where nothing of the kind happened."""
    filled = sum((fill.quantity for fill in fills), ZERO)
    makers = sum(fill.liquidity is Liquidity.MAKER for fill in fills)
    return {
        "submitted": counts.submitted,
        "amended": counts.amended,
        "cancels": counts.cancels,
        "refused": counts.refused,
        "rejected": counts.rejected,
        "fills": len(fills),
        "maker_fills": makers,
        "maker_share": makers / len(fills) if fills else None,
        "fill_ratio": float(filled / counts.quantity_sent) if counts.quantity_sent else None,
        "orders_per_fill": counts.submitted / len(fills) if fills else None,
        "queue_s": counts.queue_us / counts.queue_fills / 1e6 if counts.queue_fills else None,
        "cancel_s": counts.cancel_us / counts.cancelled / 1e6 if counts.cancelled else None,
    }


def spread_bps(parts: Sequence[Parts]) -> float | None:
    """Spread capture over turnover."""
    turnover = sum((each.turnover for each in parts), ZERO)
    return float(sum((each.spread for each in parts), ZERO) / turnover) * 1e4 if turnover else None


def _fee_in_money(fill: Fill, instrument: Instrument) -> Decimal:
    if fill.fee_asset == money_asset(instrument):
        return fill.fee
    return fill.fee * fill.price if fill.fee_asset == instrument.base else ZERO
