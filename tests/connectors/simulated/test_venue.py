"""The simulated exchange: requests, refusals, queries."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from connectors.simulated.book_order import SelfTrade, What
from connectors.simulated.market import NEVER_US
from connectors.simulated.summary import compare_balances
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, ClientIds
from engine.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.money import ZERO
from engine.model.request import AmendOrder, SubmitOrder
from tests.connectors.simulated.builders import BTC, ETH, instrument, money, order, quotes

BUY, SELL = Side.BUY, Side.SELL
STOP_MARKET, STOP_LIMIT = OrderType.STOP_MARKET, OrderType.STOP_LIMIT


def venue(**options: object) -> tuple[SimulatedExchange, Account]:
    """Fees of 1 % maker and 2 % taker in quote; a book of 100 at 99 and 101."""
    rates = {"maker_rate": Decimal("0.01"), "taker_rate": Decimal("0.02")}
    listed = [instrument(**rates, quantity_max=Decimal(1000), notional_min=Decimal(10)), instrument(ETH)]
    exchange = SimulatedExchange("sim", listed, **options)  # type: ignore[arg-type]
    alice = exchange.open_account("alice", money(USDT=10_000, BTC=50))
    quotes(99, 101)(exchange)
    return exchange, alice


def amend(client_order_id: str, price: int, quantity: int) -> AmendOrder:
    return AmendOrder(client_order_id, BTC, "", Decimal(price), Decimal(quantity))


def test_a_taker_pays_what_it_meets_and_the_fee() -> None:
    exchange, alice = venue()
    placed = exchange.submit(alice, order("a", BUY, 10, 105))
    assert (placed.state.status, placed.state.filled, placed.state.cost) == (OrderStatus.FILLED, 10, 1010)
    [fill] = exchange.trades(alice, BTC)
    assert (fill.price, fill.quantity, fill.fee, fill.liquidity) == (101, 10, Decimal("20.2"), Liquidity.TAKER)
    balances = {b.asset: (b.total, b.free) for b in exchange.balances(alice)}
    assert balances == {"USDT": (Decimal("8969.8"), Decimal("8969.8")), "BTC": (60, 60)}


def test_a_resting_order_locks_and_a_partial_fill_unlocks() -> None:
    exchange, alice = venue()
    placed = exchange.submit(alice, order("a", BUY, 10, 100))
    assert exchange.balance(alice, "USDT").free == 10_000 - 1020
    exchange.listing(BTC).engine.take(SELL, 4)
    exchange.settle_all()
    assert (placed.state.filled, placed.remaining, placed.is_open) == (4, 6, True)
    assert exchange.balance(alice, "USDT").total == 10_000 - 404
    assert exchange.balance(alice, "USDT").free == 10_000 - 404 - 612
    exchange.cancel(alice, BTC, "a")
    assert exchange.balance(alice, "USDT").free == exchange.balance(alice, "USDT").total
    assert [(s.what, s.filled) for s in placed.history] == [(What.ACCEPTED, 0), (What.FILLED, 4), (What.CANCELED, 4)]


REFUSED: list[tuple[str, SubmitOrder, str]] = [
    ("unknown_instrument", order("x", BUY, 1, 100, instrument_id="sim:XRP-USDT"), "does not list sim:XRP-USDT"),
    ("invalid_order", order("x", BUY, "1.5", 100), "not a multiple"),
    ("invalid_order", order("x", BUY, 1, 5), "below the minimum 10 USDT"),
    ("invalid_order", order("x", BUY, 1, 100, order_type=OrderType.MARKET), "has no price"),
    ("invalid_order", order("x", BUY, 1, 100, post_only=True, time_in_force=TimeInForce.IOC), "post_only needs"),
    ("invalid_order", order("x", BUY, 5, 100, display_quantity=Decimal(5)), "display_quantity 5 is not"),
    ("invalid_order", order("x", BUY, 500, 100, display_quantity=Decimal(4)), "more than 100 parts"),
    ("invalid_order", order("x", BUY, 5, display_quantity=Decimal(1)), "display_quantity needs"),
    ("invalid_order", order("x", BUY, 5, 100, time_in_force=TimeInForce.GTD), "belong together"),
    ("invalid_order", order("x", BUY, 5, 100, expire_us=5), "belong together"),
    ("invalid_order", order("x", BUY, 5, order_type=STOP_MARKET), "needs a stop_price or a trailing_delta"),
    ("invalid_order", order("x", BUY, 5, 100, stop_price=Decimal(105)), "neither stop_price nor trailing_delta"),
    ("invalid_order", order("x", BUY, 5, order_type=STOP_MARKET, trailing_delta=Decimal(1)), "trailing_delta 1"),
    ("insufficient_funds", order("x", BUY, 99, 100), "alice cannot pay for BUY 99"),
    ("insufficient_funds", order("x", SELL, 51, 105), "alice cannot pay for SELL 51"),
    ("insufficient_funds", order("x", BUY, 98), "alice cannot pay"),
    ("insufficient_funds", order("x", SELL, 51), "alice cannot pay"),
    ("would_take", order("x", BUY, 1, 101, post_only=True), "refused order x"),
    ("would_trigger", order("x", BUY, 1, order_type=STOP_MARKET, stop_price=Decimal(100)), "refused order x"),
    ("expired", order("x", BUY, 1, 90, time_in_force=TimeInForce.GTD, expire_us=1), "refused order x"),
    ("nothing_to_reduce", order("x", BUY, 1, 90, reduce_only=True), "refused order x"),
    ("duplicate_client_order_id", order("open", BUY, 1, 90), "client order id open is in use"),
    ("too_many_orders", order("x", BUY, 1, 90), "2 of at most 2 orders are open"),
]


@pytest.mark.parametrize(("code", "request_", "message"), REFUSED)
def test_refusals_change_nothing(code: str, request_: SubmitOrder, message: str) -> None:
    exchange, alice = venue(orders_max=2)
    exchange.advance(5)
    exchange.listing(BTC).engine.print_trade(100, 1, BUY)
    exchange.submit(alice, order("open", BUY, 1, 90))
    if code == "too_many_orders":
        exchange.submit(alice, order("open2", BUY, 1, 90))
    exchange.drain_reports()
    before = exchange.balances(alice), exchange.open_orders(alice)
    with pytest.raises(Rejected, match=message) as caught:
        exchange.submit(alice, request_)
    assert caught.value.code == code
    assert (exchange.balances(alice), exchange.open_orders(alice)) == before
    assert exchange.drain_reports() == []
    assert exchange.lookup(alice, BTC, "x") is None


def test_a_halt_refuses_new_orders_and_lets_cancels_through() -> None:
    exchange, alice = venue()
    exchange.submit(alice, order("a", BUY, 1, 90))
    exchange.halt(BTC)
    with pytest.raises(Rejected, match="halted"):
        exchange.submit(alice, order("b", BUY, 1, 90))
    with pytest.raises(Rejected, match="halted"):
        exchange.amend(alice, amend("a", 91, 1))
    exchange.cancel(alice, BTC, "a")
    exchange.resume(BTC)
    exchange.submit(alice, order("b", BUY, 1, 90))


def test_client_ids_are_free_again_or_used_up() -> None:
    exchange, alice = venue()
    first = exchange.submit(alice, order("a", BUY, 1, 90))
    exchange.cancel(alice, BTC, "a")
    assert exchange.lookup(alice, BTC, "a") is first
    second = exchange.submit(alice, order("a", BUY, 1, 90))
    assert exchange.lookup(alice, BTC, "a") is second
    assert exchange.lookup(alice, BTC, "", first.venue_order_id) is first
    assert exchange.lookup(alice, ETH, "a") is None
    exchange, alice = venue(client_ids=ClientIds.FOREVER)
    exchange.submit(alice, order("a", BUY, 1, 90))
    exchange.cancel(alice, BTC, "a")
    with pytest.raises(Rejected, match="client order id a is in use"):
        exchange.submit(alice, order("a", BUY, 1, 90))


def test_ended_orders_are_forgotten_beyond_the_limit() -> None:
    exchange, alice = venue(orders_kept=1)
    for name in ("a", "b", "b"):
        exchange.submit(alice, order(name, BUY, 1, 90))
        exchange.cancel(alice, BTC, name)
    assert exchange.lookup(alice, BTC, "a") is None
    assert exchange.lookup(alice, BTC, "b") is not None


def test_cancel_and_amend_of_what_is_not_there() -> None:
    exchange, alice = venue()
    exchange.submit(alice, order("done", BUY, 1, 101))
    attempts: list[Callable[[], object]] = [
        lambda: exchange.cancel(alice, BTC, "never"),
        lambda: exchange.cancel(alice, BTC, "done"),
        lambda: exchange.amend(alice, amend("never", 90, 1)),
    ]
    for attempt in attempts:
        with pytest.raises(Rejected) as caught:
            attempt()
        assert caught.value.code == "unknown_order"


def test_an_amend_moves_the_lock_or_changes_nothing() -> None:
    exchange, alice = venue()
    placed = exchange.submit(alice, order("a", BUY, 10, 90, post_only=True))
    exchange.amend(alice, amend("a", 95, 20))
    assert (placed.state.price, placed.state.quantity) == (95, 20)
    free = exchange.balance(alice, "USDT").free
    assert free == 10_000 - Decimal(95 * 20) * Decimal("1.02")
    for change, code in ((amend("a", 95, 999), "insufficient_funds"), (amend("a", 101, 20), "would_take")):
        with pytest.raises(Rejected) as caught:
            exchange.amend(alice, change)
        assert caught.value.code == code
        assert exchange.balance(alice, "USDT").free == free
    with pytest.raises(Rejected, match="below the minimum"):
        exchange.amend(alice, amend("a", 5, 1))
    exchange.listing(BTC).engine.take(SELL, 100 + 5)
    exchange.settle_all()
    exchange.amend(alice, amend("a", 95, 3))
    assert (placed.state.status, placed.state.reason) == (OrderStatus.EXPIRED, "amended_below_filled")
    assert exchange.balance(alice, "USDT").free == exchange.balance(alice, "USDT").total


def test_a_stop_market_order_that_cannot_pay_expires() -> None:
    exchange, alice = venue()
    stop = order("s", BUY, 90, order_type=STOP_MARKET, stop_price=Decimal(105))
    placed = exchange.submit(alice, stop)
    engine = exchange.listing(BTC).engine
    engine.take(BUY, 100)
    engine.add(SELL, 200, 100)
    engine.print_trade(105, 1, BUY)
    exchange.settle_all()
    assert (placed.state.status, placed.state.reason) == (OrderStatus.EXPIRED, "insufficient_funds")
    assert exchange.balance(alice, "USDT").free == 10_000


def test_a_stop_market_order_pays_with_what_it_locked() -> None:
    exchange, alice = venue()
    placed = exchange.submit(alice, order("s", BUY, 93, order_type=STOP_MARKET, stop_price=Decimal(105)))
    exchange.amend(alice, amend("s", 0, 92))
    exchange.listing(BTC).engine.print_trade(105, 1, BUY)
    exchange.settle_all()
    assert [state.what for state in placed.history][-2:] == [What.TRIGGERED, What.FILLED]
    assert (placed.state.filled, placed.state.quantity, placed.state.cost) == (92, 92, 92 * 101)


def test_a_trailing_stop_buy_locks_at_its_distance() -> None:
    exchange, alice = venue()
    exchange.submit(alice, order("t", BUY, 10, order_type=STOP_MARKET, trailing_delta=Decimal("0.1")))
    assert exchange.balance(alice, "USDT").free == 10_000 - Decimal(101) * Decimal("1.1") * 10 * Decimal("1.02")


def test_orders_expire_and_a_dead_man_cancels_at_their_time() -> None:
    exchange, alice = venue()
    assert exchange.next_us == NEVER_US
    dated = exchange.submit(alice, order("d", BUY, 1, 90, time_in_force=TimeInForce.GTD, expire_us=700))
    kept = exchange.submit(alice, order("k", BUY, 1, 90))
    exchange.arm_dead_man(alice, BTC, 1)
    assert exchange.next_us == 700
    exchange.advance(700)
    assert (dated.state.status, dated.state.reason, dated.state.at_us) == (OrderStatus.EXPIRED, "gtd", 700)
    exchange.arm_dead_man(alice, BTC, 2)
    assert exchange.next_us == 2700
    exchange.advance(2700)
    assert (kept.state.status, kept.state.reason) == (OrderStatus.CANCELED, "dead_man")
    exchange.arm_dead_man(alice, BTC, 1)
    exchange.arm_dead_man(alice, BTC, 0)
    assert exchange.next_us == NEVER_US


def test_accounts_trade_with_each_other_at_their_own_rates() -> None:
    exchange, alice = venue()
    bob = exchange.open_account("bob", money(USDT=1000), maker_rate=Decimal("-0.01"), self_trade=SelfTrade.CANCEL_NEW)
    exchange.submit(bob, order("b", BUY, 5, 100))
    exchange.submit(alice, order("a", SELL, 5, 100))
    assert [fill.fee for fill in exchange.trades(bob, BTC)] == [Decimal("-5.00")]
    assert exchange.balance(bob, "USDT").total == 1000 - 500 + 5
    assert exchange.balance(alice, "USDT").total == 10_000 + 500 - 10
    own = exchange.submit(bob, order("x", SELL, 1, 100))
    exchange.submit(bob, order("y", BUY, 1, 100))
    assert own.is_open
    assert exchange.lookup(bob, BTC, "y").state.reason == "self_trade"  # type: ignore[union-attr]


def test_lists_of_two_instruments_share_nothing() -> None:
    exchange, alice = venue()
    exchange.submit(alice, order("a", BUY, 50, 100, list_id="pair"))
    with pytest.raises(Rejected, match="cannot pay"):
        exchange.submit(alice, order("b", BUY, 50, 100, list_id="pair", instrument_id=ETH))
    exchange.submit(alice, order("c", BUY, 50, 99, list_id="pair"))
    assert exchange.balance(alice, "USDT").free == 10_000 - 5100


def test_queries_are_per_account_and_instrument() -> None:
    exchange, alice = venue()
    bob = exchange.open_account("bob", money(USDT=1000, ETH=5))
    a = exchange.submit(alice, order("a", BUY, 1, 90))
    exchange.submit(bob, order("a", BUY, 1, 90))
    b = exchange.submit(bob, order("b", SELL, 1, 90, instrument_id=ETH))
    assert exchange.open_orders(alice) == [a]
    assert exchange.open_orders(bob, ETH) == [b]
    first = exchange.submit(alice, order("t", BUY, 1, 101))
    exchange.submit(alice, order("u", BUY, 2, 101))
    trades = exchange.trades(alice, BTC)
    assert exchange.trades(alice, BTC, first.venue_order_id) == trades[:1]
    assert exchange.trades(alice, BTC, after=int(trades[0].trade_id)) == trades[1:]
    assert exchange.trades(bob, BTC) == []
    assert exchange.cancel_all(alice, BTC) == [a]
    assert exchange.open_orders(alice) == []


def test_a_replica_that_is_behind_tells_the_past() -> None:
    exchange, alice = venue()
    exchange.advance(100)
    placed = exchange.submit(alice, order("a", BUY, 1, 90))
    exchange.advance(200)
    exchange.cancel(alice, BTC, "a")
    past = [placed.at(at_us) for at_us in (99, 100, 199, 200)]
    assert [state and state.status for state in past] == [
        None,
        OrderStatus.OPEN,
        OrderStatus.OPEN,
        OrderStatus.CANCELED,
    ]


def test_balances_are_compared_to_the_last_digit() -> None:
    exchange, alice = venue()
    ours = money(USDT="9999.99999999", ETH=0)
    lines = compare_balances(exchange, alice, ours)
    assert [str(line) for line in lines] == [
        "BTC: venue 50, ours 0, difference 50",
        "ETH: venue 0, ours 0, difference 0",
        "USDT: venue 10000, ours 9999.99999999, difference 0.00000001",
    ]
    assert lines[1].difference == ZERO
