"""Funds: the formulas of reservations as a table, and the running totals against sums made afresh."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.portfolio import Portfolio
from engine.model.account import Balance
from engine.model.enums import CloseReason, OrderType, Phase, Side
from engine.model.event import AccountSnapshot
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.order import Order
from tests.core.instruments import INVERSE, LINEAR, SPOT

D = Decimal
INSTRUMENTS = {each.instrument_id: each for each in (SPOT, LINEAR, INVERSE)}


def portfolio() -> Portfolio:
    made = Portfolio(INSTRUMENTS, {SPOT.instrument_id: D(100)}.get)
    made.open("sim", {"BTC": D(10), "USDT": D(10_000)})
    return made


def order(side: Side = Side.BUY, price: str | None = "100", instrument: Instrument = SPOT, **more: object) -> Order:
    fields = {
        "client_order_id": "c1",
        "instrument_id": instrument.instrument_id,
        "side": side,
        "order_type": OrderType.LIMIT,
        "quantity": D(2),
        "price": None if price is None else D(price),
    }
    return Order(**(fields | more))


@pytest.mark.parametrize(
    ("placed", "asset", "reserved"),
    [
        (order(), "USDT", "200.2"),
        (order(Side.SELL), "BTC", "2"),
        (order(instrument=LINEAR), "USDT", "0.402"),  # 2·100·0.01 = 2: 2/5 + 2·0.001
        (order(Side.SELL, instrument=LINEAR), "USDT", "0.402"),
        (order(instrument=LINEAR, reduce_only=True), "USDT", "0"),
        (order(instrument=INVERSE), "BTC", "0.66866666666666666667"),  # 2·100/100 = 2: 2/3 + 2·0.001
        (order(price=None, order_type=OrderType.MARKET), "USDT", "200.2"),
        (order(price=None, order_type=OrderType.MARKET, instrument=LINEAR), "USDT", "0"),
        (order(price=None, order_type=OrderType.STOP_MARKET, stop_price=D(120)), "USDT", "240.24"),
        (order(price="110", order_type=OrderType.STOP_LIMIT, stop_price=D(105)), "USDT", "220.22"),
        (order(phase=Phase.SENT, venue_filled=D(1)), "USDT", "200.2"),
        (order(phase=Phase.LIVE, filled=D(1), venue_filled=D(1)), "USDT", "100.1"),
        (order(phase=Phase.LIVE, venue_filled=D(1)), "USDT", "200.2"),  # reported, but not booked
        (order(phase=Phase.CLOSED, close_reason=CloseReason.CANCELED, venue_filled=D(1)), "USDT", "200.2"),
        (order(phase=Phase.LIVE, amend_price=D(90), amend_quantity=D(3)), "USDT", "300.3"),
        (order(quantity=None), "USDT", "0"),
        (order(settled=True), "USDT", "0"),
    ],
)
def test_reservation(placed: Order, asset: str, reserved: str) -> None:
    made = portfolio()
    made.follow(placed)
    assert made.reserved("sim", asset) == D(reserved)
    assert made.available("sim", asset) == made.total("sim", asset) - D(reserved)
    assert made.funds.open_orders == (not placed.settled)


def test_a_market_order_keeps_the_reference_of_its_first_moment() -> None:
    prices: dict[str, Decimal | None] = {SPOT.instrument_id: D(100)}
    made = Portfolio(INSTRUMENTS, prices.get)
    placed = order(price=None, order_type=OrderType.MARKET)
    made.follow(placed)
    prices[SPOT.instrument_id] = D(200)
    made.follow(placed)
    assert made.reserved("sim", "USDT") == D("200.2")


def test_the_venue_knows_orders_that_were_proven_before_its_report() -> None:
    made = portfolio()
    early, late, sent = (order(client_order_id=name) for name in ("early", "late", "sent"))
    for placed, live_us in ((early, 10), (late, 30), (sent, 0)):
        made.follow(placed)
        placed.phase = Phase.LIVE if live_us else Phase.SENT
        placed.updated_us = live_us
        made.follow(placed)
    told = (Balance("sim", "USDT", D(10_000), D("9000")),)  # 799.8 of it are locked by somebody else's orders
    made.apply_snapshot(AccountSnapshot("sim", 20, 21, balances=told))
    assert made.available("sim", "USDT") == 9000 - 2 * D("200.2")
    early.settled = sent.settled = True
    made.follow(early)
    made.follow(sent)
    assert made.available("sim", "USDT") == 9000 - D("200.2")
    made.apply_balance(Balance("sim", "USDT", D(10_000), D(9800), 31, 31))
    assert made.available("sim", "USDT") == min(D(9800), 10_000 - D("200.2"))


@pytest.mark.parametrize(
    ("side", "placed", "best"),
    [
        (Side.BUY, [order(price="99"), order(price="101", client_order_id="c2")], "101"),
        (Side.SELL, [order(Side.SELL, "99"), order(Side.SELL, "101", client_order_id="c2")], "99"),
        (Side.SELL, [order(price="99")], None),
        (Side.BUY, [order(order_type=OrderType.STOP_LIMIT, stop_price=D(1))], None),
        (Side.BUY, [order(phase=Phase.CLOSED, close_reason=CloseReason.FILLED)], None),
        (Side.BUY, [order(phase=Phase.LIVE, amend_price=D(103), amend_quantity=D(1))], "103"),
        (Side.SELL, [order(Side.SELL, phase=Phase.LIVE, amend_price=D(98), amend_quantity=D(1))], "98"),
        (Side.BUY, [order(), order(twin=1, price="102")], "102"),
    ],
)
def test_best_own_price_is_what_may_be_in_the_book(side: Side, placed: list[Order], best: str | None) -> None:
    made = portfolio()
    for each in placed:
        made.follow(each)
    market = made.markets[SPOT.instrument_id]
    assert market.best(side) == (None if best is None else D(best))


def test_held_amount_of_an_order() -> None:
    made = portfolio()
    placed = order()
    assert made.funds.held(placed) == (0, 0)
    made.follow(placed)
    assert made.funds.held(placed) == (D("200.2"), 2)


steps = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["live", "fill", "report", "close", "settle", "amend"]),
        st.integers(1, 500).map(lambda ticks: D(ticks) / 100),
    ),
    max_size=40,
)


@given(steps)
def test_running_totals_equal_sums_made_afresh(script: list[tuple[int, str, Decimal]]) -> None:
    made = portfolio()
    markets = list(made.markets.values())
    orders: dict[str, Order] = {}
    for number, (which, what, price) in enumerate(script):
        market = markets[which % 3]
        side = Side.BUY if which % 2 else Side.SELL
        placed = orders.setdefault(
            f"c{which}", order(side, str(price), market.instrument, client_order_id=f"c{which}", updated_us=number)
        )
        if what == "live":
            placed.phase, placed.updated_us = Phase.LIVE, number
        elif what == "fill":
            placed.filled = placed.venue_filled = min(D(2), placed.filled + D("0.3"))
        elif what == "close":
            placed.phase = Phase.CLOSED
        elif what == "settle":
            placed.settled = True
        elif what == "amend":
            placed.amend_price, placed.amend_quantity = price, D(3)
        else:
            made.apply_balance(Balance("sim", "USDT", D(5), D(5), number, number))
        made.follow(placed)
    active = [placed for placed in orders.values() if not placed.settled]
    sums = dict.fromkeys(("BTC", "USDT"), ZERO)
    for placed in active:
        market = made.markets[placed.instrument_id]
        price = placed.reserved_price
        assert price is not None
        sums[market.account(placed.side).asset] += market.need(placed.side, placed.reserved_quantity, price)
    assert {asset: made.reserved("sim", asset) for asset in sums} == sums
    assert made.funds.open_orders == len(active)
    for market in markets:
        mine = [placed for placed in active if placed.instrument_id == market.instrument.instrument_id]
        buys = sum((placed.reserved_quantity for placed in mine if placed.side is Side.BUY), ZERO)
        assert (market.buys, market.buys + market.sells) == (
            buys,
            sum((placed.reserved_quantity for placed in mine), ZERO),
        )
        resting = [placed for placed in mine if placed.phase is not Phase.CLOSED]
        assert len(market.bids) + len(market.asks) == len(resting)
    if all(placed.settled for placed in orders.values()):
        assert made.account("sim", "USDT").unseen == 0
