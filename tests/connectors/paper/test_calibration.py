"""Queue models against orders whose fills are known: those of a kernel, and of queues with every order in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from connectors.paper.build import FillRules, build_kernel
from connectors.paper.calibration import GRACE_US, RealOrder, Recorded, calibrate, compare, without_ours
from connectors.paper.rows import Rows
from connectors.paper.words import ASK, BID, BUY, BUY_TRADE, CLEAR, FILLED, POST_ONLY, SELL, SELL_TRADE
from engine.core.books import BookRules
from engine.model.enums import Side
from engine.model.market import BookSnapshot, PublicTrade
from tests.connectors.paper.markets import INSTRUMENT, Row, rows_of

SECOND_US = 1_000_000
OURS, LIFE_US = 10, 20 * SECOND_US


@dataclass
class Other:
    """Somebody's order, or ours."""

    lots: int
    order: RealOrder | None = None


def queue_market(seed: int, events: int) -> tuple[Rows, list[RealOrder]]:
    """One level of bids with each order in its place: some join, anyone cancels, sellers fill from the front.

    Returns the rows as a venue publishes them, without our orders, and what happened to those.
    """
    chance = Random(f"queue:{seed}")
    queue = [Other(30), Other(20)]
    rows: list[Row] = [(1, CLEAR, 0, 0), (1, BID, 99, 50), (1, ASK, 101, 1_000)]
    orders: list[RealOrder] = []
    for number in range(1, events):
        at_us = number * SECOND_US // 4
        for each in [each for each in queue if each.order and each.order.terms[0][0] + LIFE_US <= at_us]:
            assert each.order is not None
            each.order.end_us = at_us - 1
            queue.remove(each)
        what = chance.random()
        if what < 0.45:
            queue.append(Other(chance.randint(1, 20)))
        elif what < 0.75 and (others := [each for each in queue if each.order is None][1:]):
            queue.remove(chance.choice(others))
        elif what < 0.95:
            rows += [(at_us, SELL_TRADE, 99, lots) for lots in [sell(queue, chance.randint(1, 25), at_us)] if lots]
        else:
            orders.append(RealOrder(BUY, [(at_us, 99, OURS)]))
            queue.append(Other(OURS, orders[-1]))
        if sum(each.lots for each in queue if each.order is None) < 20:
            queue.append(Other(20))
        rows.append((at_us, BID, 99, sum(each.lots for each in queue if each.order is None)))
    return rows_of(rows), [order for order in orders if order.end_us or sum(lots for _, lots in order.fills) == OURS]


def sell(queue: list[Other], lots: int, at_us: int) -> int:
    """Take from the front, but leave the last order there. Returns what was traded."""
    sold = 0
    while lots > sold and len(queue) > 1:
        first = queue[0]
        part = min(first.lots, lots - sold)
        first.lots -= part
        sold += part
        if first.order is not None:
            first.order.fills.append((at_us, part))
        if not first.lots:
            queue.pop(0)
    return sold


def test_cancellations_of_anyone_are_told_from_those_behind_us() -> None:
    """Whoever cancels is as likely ahead of us as behind: the chance is b/(b + f), which exponent 1 is."""
    rows, orders = queue_market(1, 12_000)
    result = compare(rows, orders, FillRules())
    errors = {fit.model: fit.error_s for fit in result.fits}
    assert result.orders == len(orders) > 400
    assert result.real is not None
    assert (result.real.error_s, result.real.fill_rate > 0.2) == (0, True)
    assert result.fits[0].model.endswith("exponent 1")
    best = result.fits[0].error_s
    assert best < 0.8 * min(errors[name] for name in ("risk_averse", "none", "through"))
    assert abs(result.fits[0].fill_rate - result.real.fill_rate) < 0.05


TRUTHS = [
    ("risk_averse", FillRules()),
    ("none", FillRules(queue_model="none")),
    ("through", FillRules(queue_model="through")),
    ("probabilistic power, exponent 3", FillRules(queue_model="probabilistic", queue_shape="power")),
    ("probabilistic log", FillRules(queue_model="probabilistic", queue_shape="log")),
]


@pytest.mark.parametrize(("name", "rules"), TRUTHS, ids=[row[0] for row in TRUTHS])
def test_the_model_that_filled_is_named(name: str, rules: FillRules) -> None:
    rows, orders = played(rules)
    result = compare(rows, orders, FillRules())
    errors = {fit.model: fit.error_s for fit in result.fits}
    assert errors[name] == 0
    assert result.fits[0].error_s == 0
    assert sum(error == 0 for error in errors.values()) < 8, "the others are further off"


def played(rules: FillRules) -> tuple[Rows, list[RealOrder]]:
    """A market of which a kernel with these rules fills our orders; some are amended, most are cancelled."""
    rows, _ = queue_market(2, 3_000)
    chance = Random("ours")
    orders = []
    commands: list[tuple[int, int, int, int]] = []
    for number, at_s in enumerate(range(5, 700, 6)):
        at_us = at_s * SECOND_US + chance.randrange(SECOND_US)
        terms = [(at_us, 99, 8)]
        if number % 4 == 0:
            terms.append((at_us + 2 * SECOND_US, 99, 6 + 4 * (number % 8 == 0)))
        orders.append(RealOrder(BUY, terms, end_us=at_us + LIFE_US))
        commands += [(time_us, number, 99, lots) for time_us, _, lots in terms]
        commands.append((at_us + LIFE_US, number, 99, 0))
    kernel = build_kernel(rows, rules)
    began = set()
    for at_us, number, ticks, lots in sorted(commands):
        kernel.run(at_us)
        if number not in began:
            began.add(number)
            kernel.submit(at_us, number, BUY, ticks, lots, POST_ONLY)
        elif lots:
            kernel.amend(at_us, number, ticks, lots)
        else:
            kernel.cancel(at_us, number)
    for at_us, what, number, _, lots, _, _ in kernel.told:
        if what == FILLED:
            orders[number].fills.append((at_us, lots))
    for order in orders:
        total = sum(lots for _, lots in order.fills)
        order.terms = [each for each in order.terms if not total or each[0] <= order.fills[-1][0]] or order.terms[:1]
        if total >= order.terms[-1][2]:
            order.end_us = 0
    return rows, orders


def market(*rows: Row) -> Rows:
    return rows_of([(1, CLEAR, 0, 0), (1, BID, 99, 50), (1, ASK, 101, 30), *rows])


def test_the_error_is_the_time_by_which_a_fill_is_off() -> None:
    rows = market((5 * SECOND_US, SELL_TRADE, 99, 50), (9 * SECOND_US, SELL_TRADE, 98, 10))
    order = RealOrder(BUY, [(2 * SECOND_US, 99, 10)], fills=[(7 * SECOND_US, 10)])
    result = compare(rows, [order], FillRules())
    found = {fit.model: (fit.fill_rate, fit.fill_s, fit.error_s) for fit in result.fits}
    assert found["risk_averse"] == (1.0, 7.0, 2.0)
    assert found["none"] == (1.0, 3.0, 2.0)
    never = compare(market(), [order], FillRules()).fits[0]
    assert (never.fill_rate, never.fill_s, never.error_s) == (0.0, None, GRACE_US / 1e6)


def test_orders_that_cannot_rest_in_the_recorded_book_are_left_out() -> None:
    order = RealOrder(BUY, [(2, 101, 10)], end_us=9)
    result = compare(market((5, SELL_TRADE, 99, 1)), [order], FillRules())
    assert (result.orders, result.real, result.fits) == (0, None, ())


def test_orders_between_the_steps_are_left_out() -> None:
    name, price, lot = INSTRUMENT.instrument_id, INSTRUMENT.price_step, INSTRUMENT.quantity_step
    book = BookSnapshot(name, ((99 * price, 50 * lot),), ((101 * price, 30 * lot),), 1, SECOND_US, SECOND_US)
    trade = PublicTrade(name, "1", 98 * price, lot, Side.SELL, 5 * SECOND_US, 6 * SECOND_US)
    terms = [(2 * SECOND_US, 99 * price, lot)]
    good: Recorded = (Side.BUY, terms, [(5 * SECOND_US, lot)], 0)
    bad: Recorded = (Side.BUY, [(2 * SECOND_US, 99 * price, lot / 2)], [], 0)
    for recorded, orders in (([good], 1), ([bad], 0), ([good, bad], 1)):
        market = INSTRUMENT, BookRules(), [book, trade]
        result = calibrate(*market, recorded, FillRules(), offset_us=0, shown=False)
        assert result.orders == orders
        assert all(fit.error_s == 0 for fit in result.fits)


OWN: list[tuple[RealOrder, Sequence[int]]] = [
    (RealOrder(SELL, [(10, 101, 5)], end_us=40), (30, 25, 25, 30)),
    (RealOrder(SELL, [(10, 101, 5)], fills=[(25, 2)], end_us=40), (30, 25, 27, 30)),
    (RealOrder(SELL, [(10, 101, 5), (25, 101, 3)], fills=[(35, 3)]), (30, 25, 27, 30)),
    (RealOrder(SELL, [(10, 101, 5), (25, 102, 5)], end_us=40), (30, 25, 30, 30)),
    (RealOrder(SELL, [(10, 101, 50)], end_us=40), (30, 0, 0, 30)),
    (RealOrder(BUY, [(10, 101, 5)], end_us=40), (30, 30, 30, 30)),
]


@pytest.mark.parametrize(("order", "left"), OWN)
def test_what_the_venue_shows_of_ours_is_taken_out(order: RealOrder, left: Sequence[int]) -> None:
    rows = market(*((at_us, ASK, 101, 30) for at_us in (20, 30, 40)), (41, BUY_TRADE, 101, 30))
    without_ours(rows, [order])
    assert rows.lots[(rows.kind == ASK) & (rows.ticks == 101)].tolist() == list(left)
    assert rows.lots[-1] == 30, "trades are left as they are"
