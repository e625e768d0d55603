"""The symbols of the venue: their names on the wire, their filters as data, and what exchangeInfo says about them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.listing import Listing
from connectors.simulated.server.values import EIGHT, money
from connectors.simulated.venue_order import Account
from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from engine.model.money import ZERO, is_multiple, to_text
from engine.schema.values import BadValue

PRICE_MAX, QUANTITY_MAX, NOTIONAL_MAX = Decimal(1_000_000), Decimal(9_000_000), Decimal(9_000_000)
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT")

FilterValue = Decimal | int | bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule of a symbol: what kind it is and its numbers, in the protocol's words."""

    kind: str
    values: dict[str, FilterValue]

    def number(self, name: str) -> Decimal:
        return Decimal(self.values[name])

    def row(self) -> dict[str, Any]:
        """As in exchangeInfo."""
        texts = {name: money(value) if isinstance(value, Decimal) else value for name, value in self.values.items()}
        return {"filterType": self.kind} | texts


class Symbol:
    """A listing under its name on the wire (`BTCUSDT`). `orders_max` is the exchange's limit of open orders."""

    def __init__(self, listing: Listing, orders_max: int) -> None:
        self.listing = listing
        self.instrument = listing.instrument
        self.name = wire_name(listing.instrument)
        self.stream = self.name.lower()
        self.filters = tuple(self.make_filters(orders_max))
        self.check()

    def make_filters(self, orders_max: int) -> list[Filter]:
        """In the order in which they are checked."""
        return _filters(self.instrument, orders_max)

    def check(self) -> None:
        """Raise BadValue if the listing cannot be served."""
        _check(self.instrument)

    @property
    def status(self) -> str:
        return "HALT" if self.listing.engine.halted else "TRADING"

    def info(self) -> dict[str, Any]:
        """A row of exchangeInfo."""
        precisions = dict.fromkeys(
            (
                "baseAssetPrecision",
                "quotePrecision",
                "quoteAssetPrecision",
                "baseCommissionPrecision",
                "quoteCommissionPrecision",
            ),
            8,
        )
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.instrument.base,
            "quoteAsset": self.instrument.quote,
            **precisions,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": True,
            "ocoAllowed": True,
            "otoAllowed": True,
            "opoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": True,
            "cancelReplaceAllowed": True,
            "amendAllowed": True,
            "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [each.row() for each in self.filters],
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }

    def check_account(self, account: Account) -> None:
        """Fees must be exact to the eighth decimal; raise BadValue if they could not be."""
        instrument = self.instrument
        for rate in fee_rates(account, instrument):
            step = instrument.price_step * instrument.quantity_step * rate
            if not is_multiple(step, EIGHT):
                raise BadValue(
                    f"{instrument.instrument_id}: fees at the rate {to_text(rate)} have more than eight decimals",
                    "a larger tick or lot size, or a fee of fewer digits",
                )


def wire_name(instrument: Instrument) -> str:
    """`BTC-USDT` is BTCUSDT, and `BTC-USDT-PERP` is too."""
    return instrument.venue_symbol or instrument.base + instrument.quote


def _check(instrument: Instrument) -> None:
    name = instrument.instrument_id
    if instrument.kind is not InstrumentKind.SPOT:
        raise BadValue(f"{name} is not a spot market", "serve spot markets only")
    if instrument.fee_asset != instrument.base:
        raise BadValue(f"{name}: this protocol takes fees in the received asset", f"fee_asset {instrument.base}")
    if not is_multiple(instrument.price_step * instrument.quantity_step, EIGHT):
        raise BadValue(f"{name}: tick size times lot size has more than eight decimals", "a larger tick or lot size")


def _filters(instrument: Instrument, orders_max: int) -> list[Filter]:
    quantity_max = instrument.quantity_max or QUANTITY_MAX
    lots: dict[str, FilterValue] = {
        "minQty": max(instrument.quantity_min, instrument.quantity_step),
        "maxQty": quantity_max,
        "stepSize": instrument.quantity_step,
    }
    return [
        Filter(
            "PRICE_FILTER",
            {
                "minPrice": max(instrument.price_min, instrument.price_step),
                "maxPrice": instrument.price_max or PRICE_MAX,
                "tickSize": instrument.price_step,
            },
        ),
        Filter("LOT_SIZE", lots),
        Filter("ICEBERG_PARTS", {"limit": 100}),
        Filter("MARKET_LOT_SIZE", {"minQty": ZERO, "maxQty": quantity_max, "stepSize": ZERO}),
        Filter(
            "TRAILING_DELTA",
            {
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10,
                "maxTrailingBelowDelta": 2000,
            },
        ),
        Filter(
            "PERCENT_PRICE_BY_SIDE",
            {
                "bidMultiplierUp": Decimal(5),
                "bidMultiplierDown": Decimal("0.2"),
                "askMultiplierUp": Decimal(5),
                "askMultiplierDown": Decimal("0.2"),
                "avgPriceMins": 5,
            },
        ),
        Filter(
            "NOTIONAL",
            {
                "minNotional": instrument.notional_min,
                "applyMinToMarket": True,
                "maxNotional": NOTIONAL_MAX,
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ),
        Filter("MAX_NUM_ORDERS", {"maxNumOrders": orders_max}),
        Filter("MAX_NUM_ALGO_ORDERS", {"maxNumAlgoOrders": 5}),
        Filter("MAX_NUM_ORDER_AMENDS", {"maxNumOrderAmends": 10}),
    ]
