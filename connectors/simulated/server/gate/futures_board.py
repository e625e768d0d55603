"""What one perpetual shows in public. Sizes are whole contracts, as JSON numbers; those of sellers are negative."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.listing import Listing
from connectors.simulated.server.gate.board import Board, Rows, bar_row, rows
from connectors.simulated.server.gate.values import exact_seconds, milliseconds, money, seconds
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.tape import Bar, TapeTrade
from connectors.simulated.server.values import DAY_US, MINUTE_US
from engine.model.enums import Side
from engine.model.money import ZERO

DEVIATION = Decimal("0.5")  # of prices from the mark
HIGHEST = Decimal(10) ** 9  # price, before there is a mark


class FuturesBoard(Board):
    """A market of the section `futures/usdt`."""

    prefix = "futures"
    no_size = 0
    has_mark = True

    def __init__(self, listing: Listing, hub: Hub) -> None:
        super().__init__(listing, hub)
        assert listing.contract is not None
        assert listing.instrument.quantity_step % 1 == 0, "contracts are whole here"
        self.contract = listing.contract

    def size(self, quantity: Decimal) -> int:
        return int(quantity)

    def levels(self, rows: Rows) -> list[Any]:
        return [{"p": price, "s": int(size)} for price, size in rows.items()]

    def trade_news(self, trade: TapeTrade) -> Any:
        return [self.trade(trade) | {"create_time_ms": milliseconds(trade.at_us)}]

    def ticker_news(self, now_us: int) -> Any:
        return [self.ticker(now_us)]

    def candle_news(self, bar: Bar, interval: str, *, closed: bool) -> Any:
        return [self.candle(bar) | {"n": f"{interval}_{self.name}", "w": closed}]

    def book(self, limit: int, now_us: int, *, with_id: bool) -> dict[str, Any]:
        sides = {
            name: self.levels(rows(self.listing.levels(side, limit)))
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        stamps = {"current": exact_seconds(now_us), "update": exact_seconds(now_us)}
        return ({"id": self.sequence} if with_id else {}) | stamps | sides

    def trade(self, trade: TapeTrade) -> dict[str, Any]:
        """A public trade."""
        size = int(trade.quantity)
        return {
            "id": trade.number,
            "create_time": seconds(trade.at_us),
            "contract": self.name,
            "size": size if trade.aggressor is Side.BUY else -size,
            "price": money(trade.price),
        }

    def candle(self, bar: Bar) -> dict[str, Any]:
        """Of contracts; `sum` is in quote."""
        row = bar_row(bar)
        del row["a"]
        return row | {"t": seconds(bar.open_us), "v": int(bar.volume), "sum": money(self._worth(bar.quote))}

    def ticker(self, now_us: int) -> dict[str, Any]:
        """The last day."""
        spot = super().ticker(now_us)
        marks, instrument = self.contract.marks, self.listing.instrument
        day = self.tape.window(now_us - DAY_US + MINUTE_US, now_us + 1)
        volume, quote = (day.volume, self._worth(day.quote)) if day else (ZERO, ZERO)
        rate = money(marks.rate)
        return {
            "contract": self.name,
            **{name: spot[name] for name in ("last", "lowest_ask", "highest_bid", "change_percentage")},
            **{name: spot[name] for name in ("high_24h", "low_24h")},
            "mark_price": money(marks.mark or ZERO),
            "index_price": money(marks.index or ZERO),
            "funding_rate": rate,
            "funding_rate_indicative": rate,
            "total_size": str(self._held()),
            "volume_24h": money(volume),
            "volume_24h_usd": money(quote),
            "volume_24h_base": money(volume * instrument.contract_size),
            "volume_24h_quote": money(quote),
            "volume_24h_settle": money(quote),
            "quanto_base_rate": "",
        }

    def is_too_far(self, price: Decimal) -> bool:
        """Whether a price deviates too much from the mark."""
        mark = self.contract.marks.mark
        return price > HIGHEST if mark is None else abs(price - mark) > mark * DEVIATION

    def is_known(self, account: int) -> bool:
        """Whether an account has ever had a position here, or set its leverage."""
        return bool(self.listing.trades.get(account)) or account in self.contract.leverages

    def info(self) -> dict[str, Any]:
        """A row of `contracts`."""
        rules, terms, marks = self.listing.instrument, self.contract.terms, self.contract.marks
        tier = terms.tiers.tiers[0]
        risk = money(terms.tiers.tiers[1].floor) if len(terms.tiers.tiers) > 1 else "0"
        return {
            "name": self.name,
            "type": "direct",
            "quanto_multiplier": money(rules.contract_size),
            "mark_type": "index",
            "last_price": money(self.tape.last_price),
            "mark_price": money(marks.mark or ZERO),
            "index_price": money(marks.index or ZERO),
            "funding_rate": money(marks.rate),
            "funding_rate_indicative": money(marks.rate),
            "funding_rate_limit": money(terms.funding_cap),
            "funding_interval": seconds(marks.interval_us),
            "funding_next_apply": seconds(marks.next_us),
            "funding_offset": 0,
            "funding_impact_value": money(terms.impact_value),
            "interest_rate": "0.0003",
            "order_price_round": money(rules.price_step),
            "mark_price_round": money(rules.price_step),
            "order_price_deviate": money(DEVIATION),
            "order_size_min": max(1, int(rules.quantity_min)),
            "order_size_max": int(rules.quantity_max) or 1_000_000_000,
            "orders_limit": 200,
            "leverage_min": "1",
            "leverage_max": str(tier.leverage_max),
            "cross_leverage_default": money(rules.leverage),
            "maintenance_rate": money(tier.rate),
            "risk_limit_base": risk,
            "risk_limit_step": risk,
            "risk_limit_max": money(terms.tiers.tiers[-1].floor),
            "maker_fee_rate": money(rules.maker_rate),
            "taker_fee_rate": money(rules.taker_rate),
            "ref_discount_rate": "0",
            "ref_rebate_rate": "0",
            "trade_id": self.listing.trade_number,
            "orderbook_id": self.sequence,
            "position_size": self._held(),
            "enable_decimal": False,
            "in_delisting": False,
            "status": "suspend" if self.listing.engine.halted else "trading",
            "create_time": 0,
        }

    def _worth(self, value: Decimal) -> Decimal:
        """A sum of contracts·price in quote."""
        return value * self.listing.instrument.contract_size

    def _held(self) -> int:
        """All long positions together."""
        return int(sum((max(ZERO, held.quantity) for held in self.contract.positions.values()), ZERO))
