"""A venue that takes a trade back, or changes it: the money goes back, and the list of trades says so ever after."""

from __future__ import annotations

from decimal import Decimal

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.contract import Contract
from connectors.simulated.ledger import FEES, Ledger
from connectors.simulated.listing import Listing
from connectors.simulated.settlement import SpotSettlement
from engine.model.enums import Side
from engine.model.event import FillCorrected
from engine.model.fill import Fill
from engine.model.money import ZERO


def correct(ledger: Ledger, listing: Listing, account: int, fill: Fill, quantity: Decimal) -> FillCorrected | None:
    """Make `quantity` of a trade with somebody outside: 0 busts it, and pays its fee back.

    The order's executed quantity stays what it was. None: the trade was with ourselves, or is corrected already.
    """
    sides = [each for each in listing.trades[account] if each.trade_id == fill.trade_id]
    if len(sides) > 1 or fill.trade_id in listing.corrections:
        return None
    _move(listing.settlement, account, fill.side, fill.price, quantity - fill.quantity)
    fee = fill.fee
    if not quantity:
        ledger.move(FEES, account, fill.fee_asset, fee)
        fee = ZERO
    made = FillCorrected(
        fill.trade_id,
        fill.client_order_id,
        fill.venue_order_id,
        fill.instrument_id,
        quantity,
        fill.price,
        fee,
        0,
        fill.quantity,
    )
    listing.corrections[fill.trade_id] = made
    return made


def _move(settlement: SpotSettlement | Contract, account: int, side: Side, price: Decimal, quantity: Decimal) -> None:
    buyer, seller = (account, OUTSIDE) if side is Side.BUY else (OUTSIDE, account)
    settlement.trade(buyer, seller, price, quantity)
