"""Where the profit came from: spread, inventory, fees, funding, conversion; exactly what equity changed by.

With σ the side (+1 buy), p a fill's price, q its quantity, m the mid just before it and Q what is held:

    spread capture   Σ σ·(m − p)·q       inventory   Σ Q·Δm between consecutive marks (fills and ends of days)
    fees             −Σ f, rebates +     funding     Σ payments received      conversion   revaluation of other assets

Everything is in the quote. Spot values what is held of the base asset, derivatives the worth of the position: for
inverse contracts in their settlement asset. Venues round what a closed position pays: that belongs to the fees. The
arithmetic of this file rounds nothing: its context has 200 digits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal, FloatOperation, localcontext

from msgspec import Struct

from engine.backtest.recording import Booked, Marks
from engine.core.position import PositionLedger, is_inverse, money_asset, on_grid, value_of
from engine.model.enums import InstrumentKind, Side
from engine.model.event import TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO

EXACT = Context(prec=200, traps=[FloatOperation])
MidOf = Callable[[Fill], Decimal | None]
"""The mid of a fill's market just before it; None while there was none."""


class Parts(Struct):
    """Of one instrument in one day, in the quote. `conversion` belongs to no instrument: its id is empty."""

    day_us: int
    instrument_id: str
    spread: Decimal = ZERO
    inventory: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    conversion: Decimal = ZERO
    fills: int = 0
    turnover: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        with localcontext(EXACT):
            return self.spread + self.inventory + self.fees + self.funding + self.conversion


class Decomposer:
    """Repeats the bookkeeping of a run on the marks that it noted. `parts` are by day and instrument."""

    def __init__(self, instruments: Iterable[Instrument], quote: str, first: Marks) -> None:
        self.parts: dict[tuple[int, str], Parts] = {}
        self._instruments = {each.instrument_id: each for each in instruments}
        self._quote = quote
        self._totals = dict(first.totals)
        self._rates = dict(first.rates)
        self._prices = dict(first.prices)
        self._positions = dict.fromkeys(self._instruments, ZERO)
        self._ledgers = {name: PositionLedger(instrument, "") for name, instrument in self._instruments.items()}
        self._day_us = first.at_us
        self._of_base: dict[str, str] = {}  # the market to which the inventory in an asset is counted
        for instrument_id, instrument in self._instruments.items():
            if instrument.kind is InstrumentKind.SPOT:
                self._of_base.setdefault(instrument.base, instrument_id)

    @property
    def equity(self) -> Decimal:
        """Of the repeated books at the last marks."""
        with localcontext(EXACT):
            worth = sum((total * self._rates.get(asset, ZERO) for (_, asset), total in self._totals.items()), ZERO)
            for instrument_id, position in self._positions.items():
                if position and self._instruments[instrument_id].kind is not InstrumentKind.SPOT:
                    money = self._rates.get(money_asset(self._instruments[instrument_id]), ZERO)
                    worth += self._worth(instrument_id, position, self._prices[instrument_id]) * money
            return worth

    def run(self, marks: Sequence[Marks], booked: Sequence[Booked], mid_of: MidOf) -> None:
        """All bookings between the first of the marks and the last."""
        with localcontext(EXACT):
            waiting = iter(booked)
            item = next(waiting, None)
            for mark in marks:
                while item is not None and item.heard_us < mark.at_us:
                    if item.fill is not None:
                        self._fill(item.fill, mid_of(item.fill))
                    elif item.transfer is not None:
                        self._transfer(item.transfer)
                    item = next(waiting, None)
                self._mark(mark)
                self._day_us = mark.at_us

    def _of(self, instrument_id: str) -> Parts:
        key = (self._day_us, instrument_id)
        parts = self.parts.get(key)
        if parts is None:
            parts = self.parts[key] = Parts(self._day_us, instrument_id)
        return parts

    def _fill(self, fill: Fill, mid: Decimal | None) -> None:
        instrument = self._instruments[fill.instrument_id]
        spot = instrument.kind is InstrumentKind.SPOT
        money = money_asset(instrument)
        rate = self._rates.get(money, ZERO)
        parts = self._of(fill.instrument_id)
        if spot:
            if mid is not None:
                self._revalue(instrument.base, mid * rate)
            self._trade_spot(fill, instrument, money, parts)
        else:
            if mid is not None:
                self._reprice(fill.instrument_id, mid)
            self._trade_derivative(fill, instrument, money, parts)
        parts.fills += 1
        parts.turnover += value_of(instrument, fill.quantity, fill.price) * rate
        if fill.fee:
            self._add(instrument.venue, fill.fee_asset, -fill.fee)
            parts.fees -= fill.fee * self._rates.get(fill.fee_asset, ZERO)

    def _trade_spot(self, fill: Fill, instrument: Instrument, money: str, parts: Parts) -> None:
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        self._add(instrument.venue, instrument.base, signed)
        self._add(instrument.venue, money, -signed * fill.price)
        worth = signed * self._rates.get(instrument.base, ZERO)
        parts.spread += worth - signed * fill.price * self._rates.get(money, ZERO)

    def _trade_derivative(self, fill: Fill, instrument: Instrument, money: str, parts: Parts) -> None:
        """The position's worth changes by more or less than what was paid for it; that price stays in our total."""
        name = fill.instrument_id
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        held = self._positions[name]
        price = self._prices.setdefault(name, fill.price)
        paid = self._worth(name, signed, fill.price)
        gained = self._worth(name, held + signed, price) - self._worth(name, held, price)
        self._positions[name] = held + signed
        rounded = self._rounded(fill, instrument)
        self._add(instrument.venue, money, rounded - paid)
        parts.spread += (gained - paid) * self._rates.get(money, ZERO)
        parts.fees += rounded * self._rates.get(money, ZERO)

    def _rounded(self, fill: Fill, instrument: Instrument) -> Decimal:
        """What the venue paid out for a trade, less what it earned."""
        ledger = self._ledgers[fill.instrument_id]
        before = ledger.realized
        ledger.book(fill.side, fill.quantity, value_of(instrument, fill.quantity, fill.price))
        return ZERO if fill.realized is None else fill.realized - (ledger.realized - before)

    def _transfer(self, transfer: TransferSeen) -> None:
        self._add(transfer.venue, transfer.asset, transfer.amount)
        self._of(transfer.instrument_id).funding += transfer.amount * self._rates.get(transfer.asset, ZERO)

    def _mark(self, mark: Marks) -> None:
        for instrument_id, price in mark.prices.items():
            self._reprice(instrument_id, price)
        for asset, rate in mark.rates.items():
            self._revalue(asset, rate)

    def _reprice(self, instrument_id: str, price: Decimal) -> None:
        held, before = self._positions[instrument_id], self._prices.get(instrument_id)
        self._prices[instrument_id] = price
        if held and before is not None:
            gained = self._worth(instrument_id, held, price) - self._worth(instrument_id, held, before)
            money = self._rates.get(money_asset(self._instruments[instrument_id]), ZERO)
            self._of(instrument_id).inventory += gained * money

    def _revalue(self, asset: str, rate: Decimal) -> None:
        """All that is held of an asset, and open positions that are settled in it, at a new rate."""
        change = rate - self._rates.get(asset, ZERO)
        self._rates[asset] = rate
        if not change:
            return
        held = sum((total for (_, name), total in self._totals.items() if name == asset), ZERO)
        if asset in self._of_base:
            self._of(self._of_base[asset]).inventory += held * change
        else:
            self._of("").conversion += held * change
        for instrument_id, position in self._positions.items():
            instrument = self._instruments[instrument_id]
            if position and instrument.kind is not InstrumentKind.SPOT and money_asset(instrument) == asset:
                worth = self._worth(instrument_id, position, self._prices[instrument_id])
                self._of("").conversion += worth * change

    def _worth(self, instrument_id: str, quantity: Decimal, price: Decimal) -> Decimal:
        """Of a signed quantity in the money asset, such that differences are gains: inverse contracts count down."""
        instrument = self._instruments[instrument_id]
        if is_inverse(instrument):
            return -on_grid(quantity * instrument.contract_size / price)
        return quantity * price * instrument.contract_size

    def _add(self, venue: str, asset: str, amount: Decimal) -> None:
        self._totals[venue, asset] = self._totals.get((venue, asset), ZERO) + amount


def unexplained(marks: Sequence[Marks], parts: Mapping[tuple[int, str], Parts]) -> Decimal:
    """Change of equity less the sum of the parts: 0, or the books of the run were not those of the venue."""
    with localcontext(EXACT):
        return marks[-1].equity - marks[0].equity - sum((each.total for each in parts.values()), ZERO)
