"""A perpetual under its name on the wire: `BTC-USDT-PERP` is BTCUSDT, settled in USDT, quantities in BTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.contract import Contract
from connectors.simulated.listing import Listing
from connectors.simulated.server.symbols import PRICE_MAX, QUANTITY_MAX, Filter, Symbol
from connectors.simulated.server.values import Moment, money
from engine.core.position import is_inverse
from engine.model.money import ONE, to_text
from engine.schema.values import BadValue

DELIVERY_US = 4_133_404_800_000_000  # what the exchange names for contracts that never end
ORDER_TYPES = ("LIMIT", "MARKET")
FORCES = ("GTC", "IOC", "FOK", "GTX", "GTD")
PERCENT = 100


class Future(Symbol):
    """A listing that has a contract. Conditional orders are not part of it."""

    contract: Contract

    def __init__(self, listing: Listing, orders_max: int) -> None:
        instrument = listing.instrument
        if listing.contract is None or is_inverse(instrument) or instrument.contract_size != 1:
            text = f"{instrument.instrument_id} is no perpetual of 1 {instrument.base} that is settled in its quote"
            raise BadValue(text, "a pair as BTC-USDT-PERP")
        self.contract = listing.contract
        super().__init__(listing, orders_max)

    def make_filters(self, orders_max: int) -> list[Filter]:
        instrument = self.instrument
        lots = {
            "minQty": max(instrument.quantity_min, instrument.quantity_step),
            "maxQty": instrument.quantity_max or QUANTITY_MAX,
            "stepSize": instrument.quantity_step,
        }
        prices = {
            "minPrice": max(instrument.price_min, instrument.price_step),
            "maxPrice": instrument.price_max or PRICE_MAX,
            "tickSize": instrument.price_step,
        }
        return [
            Filter("PRICE_FILTER", dict(prices)),
            Filter("LOT_SIZE", dict(lots)),
            Filter("MARKET_LOT_SIZE", dict(lots)),
            Filter("MAX_NUM_ORDERS", {"limit": orders_max}),
            Filter("MIN_NOTIONAL", {"notional": instrument.notional_min}),
        ]

    def check(self) -> None:
        """Everything was looked at before."""

    def info(self) -> dict[str, Any]:
        instrument = self.instrument
        first = self.contract.terms.tiers.tiers[0]
        return {
            "symbol": self.name,
            "pair": self.name,
            "contractType": "PERPETUAL",
            "deliveryDate": Moment(DELIVERY_US),
            "onboardDate": Moment(0),
            "status": self.status,
            "maintMarginPercent": money(first.rate * PERCENT),
            "requiredMarginPercent": money(PERCENT * ONE / first.leverage_max),
            "baseAsset": instrument.base,
            "quoteAsset": instrument.quote,
            "marginAsset": self.contract.settle,
            "pricePrecision": _digits(instrument.price_step),
            "quantityPrecision": _digits(instrument.quantity_step),
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "triggerProtect": "0.0500",
            "liquidationFee": money(self.contract.terms.liquidation_fee_rate),
            "marketTakeBound": "0.05",
            "maxMoveOrderLimit": 10_000,
            "filters": [each.row() for each in self.filters],
            "orderTypes": list(ORDER_TYPES),
            "timeInForce": list(FORCES),
        }

    def brackets(self) -> dict[str, Any]:
        """A row of leverageBracket."""
        tiers = self.contract.terms.tiers.tiers
        caps = [int(tier.floor) for tier in tiers[1:]] + [int(QUANTITY_MAX * PRICE_MAX)]
        rows = [
            {
                "bracket": number,
                "initialLeverage": tier.leverage_max,
                "notionalCap": cap,
                "notionalFloor": int(tier.floor),
                "maintMarginRatio": to_text(tier.rate),
                "cum": to_text(tier.deduction),
            }
            for number, (tier, cap) in enumerate(zip(tiers, caps, strict=True), 1)
        ]
        return {"symbol": self.name, "notionalCoef": "1.50", "brackets": rows}

    def value_max(self, leverage: Decimal) -> str:
        """The largest position that may be held with this leverage, in quote."""
        tiers = self.contract.terms.tiers.tiers
        above = next((tier.floor for tier in tiers if tier.leverage_max < leverage), None)
        return str(int(QUANTITY_MAX * PRICE_MAX if above is None else above))


def _digits(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))
