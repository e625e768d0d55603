"""The cross-venue executor on the real engine: what is open is traded back once, wherever it is best."""

from decimal import Decimal

import pytest

from engine.core.actions import Action, SetQuotes, StartExecutor, StopExecutor, StopHow
from engine.core.executors.cross_venue import CrossVenueExecutor, CrossVenueSettings, Leg
from engine.core.state import State
from engine.model.enums import OrderStatus, Side, TimeInForce, UpdateSource
from engine.model.event import OrderUpdate
from engine.model.order import Order
from engine.model.quote import Quote
from engine.model.request import SubmitOrder
from tests.desk import Desk, d, instrument

A, B = "a:BTC-USDT", "b:BTC-USDT"


class Pair:
    """Starts the executor, and hands on what a test wants taken."""

    name = "pair"

    def __init__(self, settings: CrossVenueSettings) -> None:
        self.actions: list[Action] = [StartExecutor("pair/x", "cross_venue", settings)]

    def decide(self, state: State) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions


class World:
    """Two exchanges with the same market. Taking orders are answered by the test."""

    def __init__(self, **settings: object) -> None:
        legs = settings.pop("legs", (Leg(A), Leg(B)))
        rules = {"taker_rate": "0.001", "notional_min": "5"}
        self.pair = Pair(CrossVenueSettings(legs=legs, **settings))  # type: ignore[arg-type]
        self.desk = Desk(self.pair, instruments=[instrument(A, **rules), instrument(B, **rules)], balances={})
        self.desk.answering = False
        for venue in ("a", "b"):
            self.desk.balances(venue, BTC=10, USDT=10_000)
        self.books()
        self.desk.tick()

    def books(self, a: tuple[object, object] = (100, 101), b: tuple[object, object] = (100, 101)) -> None:
        self.desk.book(*a, instrument_id=A)
        self.desk.book(*b, instrument_id=B)

    @property
    def executor(self) -> CrossVenueExecutor:
        found: CrossVenueExecutor = self.desk.state.executors["pair/x"]
        return found

    def take(self, *quotes: Quote) -> list[str]:
        self.pair.actions = [SetQuotes("pair/x", quotes)]
        return self.tick()

    def tick(self, seconds: float = 1) -> list[str]:
        """What is sent: `SELL 0.5@99.5 b`."""
        sent = self.desk.tick(seconds)
        assert all(isinstance(each, SubmitOrder) and each.time_in_force is TimeInForce.IOC for each in sent)
        return [show(each) for each in sent if isinstance(each, SubmitOrder)]

    def order(self, market: str) -> Order:
        [order] = self.desk.state.orders.active(instrument_id=market)
        return order

    def fill(self, market: str, quantity: object = None) -> None:
        """The order there trades this much, and the rest of it is cancelled."""
        order = self.order(market)
        if quantity is None or d(quantity):
            self.desk.fill(order, quantity)
        status = OrderStatus.FILLED if not order.remaining else OrderStatus.CANCELED
        self.desk.update(order, status)


def show(order: SubmitOrder) -> str:
    assert order.price is not None
    return f"{order.side} {order.quantity.normalize():f}@{order.price.normalize():f} {order.instrument_id[0]}"


def quote(market: str, side: Side, price: object, quantity: object = "0.5") -> Quote:
    return Quote(market, side, d(price), d(quantity), "x")


BUY_A, SELL_B = quote(A, Side.BUY, 101), quote(B, Side.SELL, 100)


def test_both_legs_leave_in_one_tick_and_are_forgotten() -> None:
    world = World()
    assert world.take(BUY_A, SELL_B) == ["BUY 0.5@101 a", "SELL 0.5@100 b"]
    assert world.tick() == []
    assert world.executor.explain() == "waits for its orders"
    world.fill(A)
    world.fill(B)
    assert world.tick() == []
    assert (world.executor.idle, world.executor.explain()) == (True, "nothing is open")


def test_a_failed_leg_is_balanced_where_it_costs_least() -> None:
    """The sale on b traded 0.2 of 0.5: the rest is sold where the bid is better after fees."""
    world = World()
    world.take(BUY_A, SELL_B)
    world.fill(A)
    world.fill(B, "0.2")
    world.books(b=(99, 100))
    assert world.tick() == ["SELL 0.3@99.5 a"]
    world.fill(A, "0.1")
    world.books(a=(90, 91), b=(99, 100))
    assert world.tick() == ["SELL 0.2@98.6 b"]
    world.fill(B)
    assert world.tick() == []
    assert world.executor.unhedged(world.desk.state) == 0


def test_a_leg_that_did_not_trade_at_all() -> None:
    world = World()
    world.take(BUY_A, SELL_B)
    world.fill(A, 0)
    world.fill(B)
    assert world.tick() == ["BUY 0.5@101.5 a"]


def test_an_unknown_leg_is_waited_for_and_not_doubled() -> None:
    world = World()
    world.take(BUY_A, SELL_B)
    world.fill(A)
    order, state = world.order(B), world.desk.state
    lost = OrderUpdate(
        *(B, order.client_order_id, "", OrderStatus.UNKNOWN, None, "ambiguous:timeout"),
        *(state.now_us, state.now_us, UpdateSource.ACK, state.now_us),
    )
    world.desk.engine.apply(lost)
    assert order.status is OrderStatus.UNKNOWN
    assert [world.tick() for _ in range(20)] == [[]] * 20
    world.fill(B)
    assert world.tick() == []
    assert world.executor.idle


def test_a_rest_too_small_to_trade_is_carried() -> None:
    """0.04 BTC at 100 is less than 5 USDT; with the next fill it is enough."""
    world = World()
    world.take(BUY_A, SELL_B)
    world.fill(A)
    world.fill(B, "0.46")
    assert world.tick() == []
    assert world.executor.explain() == "0.04 is open, too little to trade"
    assert world.executor.idle
    world.take(quote(A, Side.BUY, 101, "0.05"))
    world.fill(A)
    assert world.tick() == ["SELL 0.09@99.5 a"]


def test_slippage_grows_with_time() -> None:
    world = World(hedge_timeout_us=3_000_000, slippage_max=Decimal("0.1"))
    world.take(BUY_A)
    world.fill(A)
    prices = []
    for _ in range(5):
        prices += world.tick()
        world.fill(A, 0) if world.desk.orders(A) else world.fill(B, 0)
    assert prices == ["SELL 0.5@99.5 a"] * 3 + ["SELL 0.5@90 a"] * 2


def test_no_order_into_a_book_that_cannot_be_trusted() -> None:
    world = World()
    world.take(BUY_A)
    world.fill(A)
    world.desk.book(None, 101, instrument_id=A)
    world.desk.book(None, 101, instrument_id=B)
    assert world.tick() == []
    assert world.executor.explain() == "0.5 is open for 0 s; waits for a book, funds or its back-off"
    assert not world.executor.overdue(world.desk.state.now_us)
    world.tick(30)
    assert world.executor.overdue(world.desk.state.now_us)
    world.books()
    assert world.tick() == ["SELL 0.5@98 a"]  # after hedge_timeout


HEDGED = (Leg(A, owner="maker", hedges=False), Leg(B))


def adopt(world: World, quantity: object) -> None:
    """The other executor's ledger: as if its quotes had traded."""
    world.desk.state.portfolio.adopt("maker", A, d(quantity), d(100))


@pytest.mark.parametrize(("unwind", "sent"), [(False, []), (True, ["SELL 0.5@98 a"])])
def test_hedges_on_its_own_leg_and_unwinds_only_when_told(unwind: bool, sent: list[str]) -> None:
    world = World(legs=HEDGED, unwind=unwind)
    adopt(world, "0.5")
    assert world.tick() == ["SELL 0.5@99.5 b"]
    world.fill(B, 0)
    world.desk.book(None, 101, instrument_id=B)
    assert world.tick() == []
    assert world.tick(30) == sent
    if unwind:
        assert world.order(A).owner == "maker"
        world.fill(A)
        assert world.desk.state.portfolio.position(A, "maker") == 0
        assert world.tick() == []


def test_a_short_position_is_bought_back() -> None:
    world = World(legs=HEDGED)
    adopt(world, "-0.2")
    assert world.tick() == ["BUY 0.2@101.5 b"]


def test_what_the_book_lacks_is_taken_at_its_best() -> None:
    world = World(legs=HEDGED)
    adopt(world, "9")
    assert world.tick() == ["SELL 9@99.5 b"]


@pytest.mark.parametrize(("how", "sent"), [(StopHow.CANCEL, []), (StopHow.FLATTEN, ["SELL 0.5@99.5 b"])])
def test_stop(how: StopHow, sent: list[str]) -> None:
    world = World(legs=HEDGED)
    adopt(world, "0.5")
    world.pair.actions = [StopExecutor("pair/x", how), SetQuotes("pair/x", (BUY_A,))]
    assert world.tick() == sent
    if sent:
        assert not world.executor.done
        world.fill(B)
        world.tick()
    assert world.executor.done
    assert not world.executor.idle


def test_a_market_whose_steps_are_too_coarse_for_the_rest() -> None:
    world = World(legs=HEDGED, unwind=True, hedge_alert_us=0)
    state = world.desk.state
    state.instruments[A] = instrument(A, quantity_step="1")
    adopt(world, "0.5")
    assert world.tick() == ["SELL 0.5@99.5 b"]


def test_settings_change() -> None:
    world = World(legs=HEDGED)
    world.executor.change({"slippage_buffer": d("0.1")})
    adopt(world, "0.5")
    assert world.tick() == ["SELL 0.5@90 b"]
