"""The positions in perpetuals as a status shows them: ours by our own fills, with where they would be liquidated."""

from decimal import Decimal
from typing import Any

from engine.core.funds import Market
from engine.core.position import is_inverse
from engine.core.state import State
from engine.model.enums import InstrumentKind
from engine.model.money import ZERO, to_text
from engine.perp.margin import Exposure, Tiers, liquidation_price

Json = dict[str, Any]


def positions_of(state: State) -> list[Json]:
    """One a perpetual, flat ones included. `unrealised_pnl` is in `asset`.

    `liquidation_price` is the exchange's word, or before it has one ours, with all of the account behind the position;
    None while flat, and where there is none. `liquidation_distance` is a fraction of the mark.
    """
    return [
        _position(state, instrument_id)
        for instrument_id, instrument in state.instruments.items()
        if instrument.kind is not InstrumentKind.SPOT
    ]


def _position(state: State, instrument_id: str) -> Json:
    market = state.portfolio.markets[instrument_id]
    mark, net, funding = state.mark(instrument_id), market.net, state.funding.get(instrument_id)
    limit = _liquidation(state, market) if net.quantity else None
    return {
        "exchange": market.instrument.venue,
        "symbol": market.instrument.symbol,
        "instrument_id": instrument_id,
        "quantity": to_text(net.quantity),
        "average_price": None if net.average_price is None else to_text(round(net.average_price, 8)),
        "mark": None if mark is None else to_text(mark),
        "unrealised_pnl": None if mark is None else to_text(net.unrealised(mark)),
        "asset": market.money.asset,
        "liquidation_price": None if limit is None else to_text(round(limit, 8)),
        "liquidation_distance": None if limit is None or not mark else to_text(round(abs(limit / mark - 1), 6)),
        "funding_rate": None if funding is None else to_text(funding.rate),
        "funding_us": None if funding is None else funding.next_us,
    }


def _liquidation(state: State, market: Market) -> Decimal | None:
    instrument, net = market.instrument, market.net
    told = state.portfolio.venue_positions.get(instrument.instrument_id)
    if told is not None and told.quantity == net.quantity and told.liquidation_price is not None:
        return told.liquidation_price
    if not instrument.margin_maintenance_rate:
        return None
    others = sum(
        (
            other.net.unrealised(mark)
            for other in state.portfolio.markets.values()
            if other is not market and not other.spot and other.money is market.money
            if (mark := state.mark(other.instrument.instrument_id)) is not None
        ),
        ZERO,
    )
    held = Exposure(net.quantity * instrument.contract_size, net.cost, is_inverse(instrument))
    return liquidation_price(held, market.money.total + others, Tiers([(ZERO, instrument.margin_maintenance_rate, 0)]))
