"""Profit and loss by day, computed from the trades as the bot's own ledgers do it: average cost, exact."""

from collections.abc import AsyncIterator
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct

from engine.core.position import PositionLedger, money_asset, value_of
from engine.model.enums import InstrumentKind, Liquidity, Side
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO
from engine.store.history import queries
from engine.store.history.column_types import moment
from engine.store.history.connection import Store
from engine.store.history.queries import Row, Span


class DayPnl(Struct):
    """One day in one asset. `fees` > 0 were paid, `funding` > 0 was received; profit is realized − fees + funding.

    `volume` is the value of the trades. `unpriced_fees` were paid in assets of which no price is known, by asset.
    """

    day: date
    asset: str
    trades: int = 0
    volume: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    unpriced_fees: dict[str, Decimal] = {}

    @property
    def total(self) -> Decimal:
        return self.realized - self.fees + self.funding


async def pnl_by_day(store: Store, span: Span, zone: tzinfo) -> list[DayPnl]:
    """Days begin at midnight in `zone`, whatever its clocks did on them. Oldest first.

    Positions are followed from the first trade that is known, so what was bought before `span.start_us` has its cost.
    """
    found = await queries.instruments(store)
    markets = {each["instrument_key"]: _instrument(each) for each in found}
    by_id = {each.instrument_id: each for each in markets.values()}
    days: dict[tuple[date, str], DayPnl] = {}
    ledgers: dict[tuple[int, str], PositionLedger] = {}
    before = Span(span.bot, span.session, span.instrument, 0, span.end_us)
    async for row in _trades(store, before):
        market = markets[row["instrument_key"]]
        ledger = ledgers.setdefault((row["instrument_key"], row["owner"]), PositionLedger(market, row["owner"]))
        earned = _booked(ledger, _fill(row))
        if row["ts"] >= span.start_us:
            _add(_day(days, row["ts"], zone, money_asset(market)), earned)
    for row in await _funding(store, span):
        market_of = by_id.get(row["instrument_id"])
        _day(days, row["ts"], zone, money_asset(market_of) if market_of else row["asset"]).funding += row["amount"]
    return [days[key] for key in sorted(days)]


async def _trades(store: Store, span: Span) -> AsyncIterator[Row]:
    after: list[Any] | None = None
    while True:
        page = await queries.trades(store, span, after)
        for row in page.rows:
            yield row
        if page.next is None:
            return
        after = page.next


async def _funding(store: Store, span: Span) -> list[Row]:
    rows: list[Row] = []
    after: list[Any] | None = None
    while True:
        page = await queries.transfers(store, span, after)
        rows += [row for row in page.rows if row["kind"] == "funding"]
        if page.next is None:
            return rows
        after = page.next


def _booked(ledger: PositionLedger, fill: Fill) -> DayPnl:
    """What this trade alone did."""
    old = (ledger.realized, ledger.fees_quote, dict(ledger.unpriced_fees))
    value = value_of(ledger.instrument, fill.quantity, fill.price)
    ledger.book(fill.side, fill.quantity, value)
    ledger.book_fee(fill, None)
    fees = {asset: fee - old[2].get(asset, ZERO) for asset, fee in ledger.unpriced_fees.items()}
    unpriced = {asset: fee for asset, fee in fees.items() if fee}
    return DayPnl(date.min, "", 1, value, ledger.realized - old[0], ledger.fees_quote - old[1], ZERO, unpriced)


def _day(days: dict[tuple[date, str], DayPnl], at_us: int, zone: tzinfo, asset: str) -> DayPnl:
    day = moment(at_us).astimezone(zone).date()
    return days.setdefault((day, asset), DayPnl(day, asset))


def _add(day: DayPnl, earned: DayPnl) -> None:
    for name in ("trades", "volume", "realized", "fees"):
        setattr(day, name, getattr(day, name) + getattr(earned, name))
    for asset, fee in earned.unpriced_fees.items():
        day.unpriced_fees[asset] = day.unpriced_fees.get(asset, ZERO) + fee


def _instrument(row: Row) -> Instrument:
    return Instrument(
        instrument_id=row["instrument_id"],
        venue=row["venue"],
        symbol=row["symbol"],
        base=row["base"],
        quote=row["quote"],
        price_step=row["price_step"] or ONE,
        quantity_step=row["quantity_step"] or ONE,
        kind=InstrumentKind(row["kind"] or "SPOT"),
        settle=row["settle"],
        contract_size=row["contract_size"] or ONE,
    )


def _fill(row: Row) -> Fill:
    return Fill(
        trade_id=row["trade_id"],
        client_order_id=row["client_order_id"],
        venue_order_id=row["venue_order_id"],
        instrument_id=row["instrument_id"],
        side=Side(row["side"]),
        price=row["price"],
        quantity=row["quantity"],
        fee=row["fee"],
        fee_asset=row["fee_asset"],
        liquidity=Liquidity(row["liquidity"]),
        event_us=row["venue_ts"],
        receive_us=row["ts"],
    )
