"""What an order locks and what a trade moves on a spot market; `contract.py` is the same for perpetuals.

Fees are `notional × rate`, charged in the instrument's `fee_asset`: quote (default), base (meaning the received asset:
base for a buyer, quote for a seller) or a third asset at `fee_prices` (too little of it: the received asset).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.ledger import FEES, Ledger
from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO

SELL = Side.SELL
FEE_STEP = Decimal("0.00000001")  # third-asset fees are a quotient, cut to this


class SpotSettlement:
    """`fee_prices` are quote units for one unit of a third fee asset."""

    def __init__(self, ledger: Ledger, instrument: Instrument, fee_prices: Mapping[str, Decimal]) -> None:
        self._ledger = ledger
        self._instrument = instrument
        self._fee_asset = instrument.fee_asset or instrument.quote
        self._fee_price = fee_prices.get(self._fee_asset)
        if self._fee_asset not in (instrument.base, instrument.quote) and not self._fee_price:
            raise ValueError(
                f"{instrument.instrument_id}: fee_asset {self._fee_asset} is neither {instrument.base} nor "
                f"{instrument.quote}; give its price in {instrument.quote} in fee_prices"
            )

    def holding(self, account: int) -> Decimal:
        """How much an account has of the base asset."""
        return self._ledger.total(account, self._instrument.base)

    def need(self, side: Side, price: Decimal, quantity: Decimal, rate: Decimal) -> tuple[str, Decimal]:
        """(asset, amount) that an order for `quantity` at `price` must have free; `rate` is the highest fee rate."""
        if side is SELL:
            return self._instrument.base, quantity
        notional = price * quantity
        if self._fee_asset == self._instrument.quote:
            notional *= ONE + rate if rate > 0 else ONE
        return self._instrument.quote, notional

    def trade(self, buyer: int, seller: int, price: Decimal, quantity: Decimal) -> None:
        """Exchange base for quote."""
        self._ledger.move(seller, buyer, self._instrument.base, quantity)
        self._ledger.move(buyer, seller, self._instrument.quote, price * quantity)

    def charge(self, account: int, side: Side, price: Decimal, quantity: Decimal, rate: Decimal) -> tuple[Decimal, str]:
        """Take the fee (a negative rate pays one) and return (fee, asset). After `trade`; OUTSIDE pays nothing."""
        asset = self._fee_asset
        if account == OUTSIDE or not rate:
            return ZERO, asset
        fee = price * quantity * rate
        if self._fee_price and asset not in (self._instrument.base, self._instrument.quote):
            fee_in_asset = (fee / self._fee_price).quantize(FEE_STEP, ROUND_DOWN)
            if fee_in_asset <= self._ledger.free(account, asset):
                self._ledger.move(account, FEES, asset, fee_in_asset)
                return fee_in_asset, asset
        if asset != self._instrument.quote:
            asset = self._instrument.base if side is Side.BUY else self._instrument.quote
            fee = quantity * rate if side is Side.BUY else fee
        self._ledger.move(account, FEES, asset, fee)
        return fee, asset
