"""Which queue model tells best when our orders really filled: recorded orders are placed again, one model at a time.

Each order of a session that rested goes into the kernel when it reached the venue, is amended and cancelled when it
was, and its fills are compared with the real ones. The error of an order is the area between the two curves of its
filled share over time, in seconds: of orders that fill at once, by how much the model's fill is early or late. An order
that filled is given GRACE_US more, so that a model that never fills it has an error as well.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain

import numpy as np

from connectors.paper.book import SIDES, Grid
from connectors.paper.build import FillRules, build_kernel
from connectors.paper.live_rows import LiveMarket
from connectors.paper.rows import Rows
from connectors.paper.words import ASK, BID, BUY, FILLED, POST_ONLY, REJECTED, TAKER
from engine.core.books import BookRules
from engine.model.enums import Side
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.instrument import Instrument

GRACE_US = 60_000_000
EXPONENTS = (1, 2, 3, 4, 5)
Steps = list[tuple[int, int]]  # (time, lots) of fills, oldest first
Recorded = tuple[Side, Sequence[tuple[int, Decimal, Decimal]], Sequence[tuple[int, Decimal]], int]
"""A limit order that rested, in the venue's time: side; (time, price, quantity) at first and after each amendment;
(time, quantity) of its fills; when it was cancelled, 0 if it never was."""


@dataclass(slots=True)
class RealOrder:
    """An order that rested at the venue; `side` is +1 or −1.

    `terms` are (time, ticks, lots) at the beginning and after each amendment; `end_us` is when it was cancelled, 0 if
    it never was.
    """

    side: int
    terms: list[tuple[int, int, int]]
    fills: Steps = field(default_factory=list)
    end_us: int = 0

    @property
    def until_us(self) -> int:
        """Up to when it is looked at, and rests at the latest."""
        return self.end_us or (self.fills[-1][0] if self.fills else self.terms[-1][0]) + GRACE_US


@dataclass(frozen=True, slots=True)
class Fit:
    """How near a model came. Rates are shares of the quantity, times are seconds; `fill_s` is None without a fill."""

    model: str
    rules: FillRules
    fill_rate: float
    fill_s: float | None
    error_s: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one market. `real` is what happened, `fits` are the models, the nearest first; both empty without orders."""

    orders: int
    real: Fit | None
    fits: Sequence[Fit]


def calibrate(
    instrument: Instrument,
    book_rules: BookRules,
    events: Iterable[MarketEvent | ConnectorStatus],
    recorded: Sequence[Recorded],
    rules: FillRules,
    *,
    offset_us: int,
    shown: bool,
) -> Calibration:
    """All models on one market. `rules` say everything but the queue model, `offset_us` is the venue's clock − ours.

    `shown`: the venue's book has our orders in it. Orders between the instrument's steps are left out.
    """
    orders = [order for each in recorded if (order := _in_lots(each, instrument, offset_us)) is not None]
    rows = gather(instrument, book_rules, events, offset_us)
    if shown:
        without_ours(rows, orders)
    return compare(rows, orders, rules)


def _in_lots(recorded: Recorded, instrument: Instrument, offset_us: int) -> RealOrder | None:
    prices, quantities = Grid(instrument.price_step), Grid(instrument.quantity_step)
    side, terms, fills, end_us = recorded
    order = RealOrder(
        SIDES[side],
        [(at_us - offset_us, prices.count(price) or 0, quantities.count(lots) or 0) for at_us, price, lots in terms],
        sorted((at_us - offset_us, quantities.count(lots) or 0) for at_us, lots in fills),
        end_us - offset_us if end_us else 0,
    )
    return order if all(ticks and lots for _, ticks, lots in order.terms) else None


def models(rules: FillRules) -> list[tuple[str, FillRules]]:
    """Every queue model by name."""
    shared = replace(rules, queue_model="probabilistic")
    return [
        *((name, replace(rules, queue_model=name)) for name in ("risk_averse", "none", "through")),
        *((f"probabilistic {shape}", replace(shared, queue_shape=shape)) for shape in ("log", "log2")),
        *(
            (f"probabilistic {shape}, exponent {n}", replace(shared, queue_shape=shape, queue_exponent=float(n)))
            for shape in ("power", "power2", "power3")
            for n in EXPONENTS
        ),
    ]


def gather(
    instrument: Instrument, book_rules: BookRules, events: Iterable[MarketEvent | ConnectorStatus], offset_us: int
) -> Rows:
    """The rows of a market at our times; `offset_us` is the venue's clock − ours."""
    market = LiveMarket(instrument, book_rules)
    market.offset_us = offset_us
    columns = [array("q") for _ in range(4)]
    for event in events:
        if isinstance(event, ConnectorStatus):
            market.take_status(event)
        else:
            market.take(event)
        for row in market.rows.hand_over():
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    times, ticks, lots, kinds = (np.array(column, np.int64) for column in columns)
    return Rows(times, kinds.astype(np.int8), ticks, lots)


def without_ours(rows: Rows, orders: Sequence[RealOrder]) -> None:
    """Take what was ours out of the levels that the venue showed."""
    changes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for order in orders:
        for at_us, ticks, lots in _resting(order):
            changes.setdefault((BID if order.side == BUY else ASK, ticks), []).append((at_us, lots))
    for (kind, ticks), steps in changes.items():
        steps.sort()
        times, ours = np.array(steps).T
        level = np.flatnonzero((rows.kind == kind) & (rows.ticks == ticks))
        held = np.concatenate([[0], np.cumsum(ours)])[times.searchsorted(rows.event_us[level], "right")]
        rows.lots[level] = np.maximum(0, rows.lots[level] - held)


def _resting(order: RealOrder) -> list[tuple[int, int, int]]:
    """(time, ticks, change of what rests there)."""
    found: list[tuple[int, int, int]] = []
    place, rest, total = 0, 0, 0
    changes: list[tuple[int, int, int, int]] = [(at_us, 0, ticks, lots) for at_us, ticks, lots in order.terms]
    changes += [(at_us, 1, 0, lots) for at_us, lots in order.fills]
    for at_us, filled, ticks, lots in sorted(changes):
        if filled:
            lots = min(lots, rest)
            found.append((at_us, place, -lots))
            rest -= lots
        else:
            found.append((at_us, place, -rest))
            rest += lots - total
            place, total = ticks, lots
            found.append((at_us, place, rest))
    return [*found, (order.end_us, place, -rest)] if order.end_us and rest else found


def compare(rows: Rows, orders: Sequence[RealOrder], rules: FillRules) -> Calibration:
    """All models on rows that do not show our orders."""
    played = [(name, each, _play(rows, orders, each)) for name, each in models(rules)]
    rested = [number for number in range(len(orders)) if all(number in fills for _, _, fills in played)]
    if not rested:
        return Calibration(0, None, ())
    real = {number: orders[number].fills for number in rested}
    fits = [_fit(name, each, orders, real, fills) for name, each, fills in played]
    return Calibration(len(rested), _fit("", rules, orders, real, real), sorted(fits, key=lambda fit: fit.error_s))


def _play(rows: Rows, orders: Sequence[RealOrder], rules: FillRules) -> dict[int, Steps]:
    """The fills of each order that rested in this book by the rules."""
    kernel = build_kernel(rows, rules)
    commands = sorted(chain.from_iterable(_commands(number, order) for number, order in enumerate(orders)))
    for at_us, number, place, ticks, lots in commands:
        kernel.run(at_us)
        if place == 0:
            kernel.submit(at_us, number, orders[number].side, ticks, lots, POST_ONLY)
        elif lots:
            kernel.amend(at_us, number, ticks, lots)
        else:
            kernel.cancel(at_us, number)
    fills: dict[int, Steps] = {number: [] for number in range(len(orders))}
    for at_us, what, number, _, lots, liquidity, _ in kernel.told:
        if what == REJECTED or (what == FILLED and liquidity == TAKER):
            fills.pop(number, None)
        elif what == FILLED and number in fills:
            fills[number].append((at_us, lots))
    return fills


def _commands(number: int, order: RealOrder) -> list[tuple[int, int, int, int, int]]:
    """(time, order, place among its commands, ticks, lots); no lots: a cancel, of what did not fill in time as well."""
    found = [(at_us, number, place, ticks, lots) for place, (at_us, ticks, lots) in enumerate(order.terms)]
    return [*found, (order.until_us, number, len(found), 0, 0)]


def _fit(
    name: str,
    rules: FillRules,
    orders: Sequence[RealOrder],
    real: dict[int, Steps],
    fills: dict[int, Steps],
) -> Fit:
    errors, filled, wanted, waited = 0.0, 0, 0, 0
    for number, truth in real.items():
        order = orders[number]
        begin_us, until_us, lots = order.terms[0][0], order.until_us, order.terms[-1][2]
        errors += _area(truth, fills[number], until_us) / lots
        wanted += lots
        filled += sum(part for _, part in fills[number])
        waited += sum((at_us - begin_us) * part for at_us, part in fills[number])
    fill_s = waited / filled / 1e6 if filled else None
    return Fit(name, rules, filled / wanted, fill_s, errors / len(real) / 1e6)


def _area(first: Steps, second: Steps, until_us: int) -> float:
    """∫ |difference of what is filled| up to `until_us`, in lots · µs."""
    area, apart, before_us = 0, 0, 0
    for at_us, lots in sorted([*first, *((at_us, -lots) for at_us, lots in second)]):
        area += abs(apart) * (at_us - before_us)
        apart += lots
        before_us = at_us
    return area + abs(apart) * (until_us - before_us) if before_us else 0.0
