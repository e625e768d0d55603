"""A venue inside this process loses nothing: it is asked once at the start, and never again to be sure."""

from decimal import Decimal

from connectors.paper.build import build_venue, venue_sheet
from connectors.paper.latency import Latency, constant
from engine.core.clock import run_virtual
from engine.core.driver import Driver
from engine.core.engine import FAR, Engine, Settings
from engine.core.limits import RiskLimits
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.enums import OrderType, Side
from engine.model.request import SubmitOrder
from tests.connectors.paper.markets import BOOK, INSTRUMENT, rows_of

NAME = INSTRUMENT.instrument_id
SECOND_US = 1_000_000


def test_nothing_is_asked_again() -> None:
    market = [(INSTRUMENT, rows_of([*BOOK, (3_600 * SECOND_US, 0, 98, 51)]))]
    venue = build_venue("paper", market, {"USDT": Decimal(1000)}, Latency(0, constant(0), constant(0)), SECOND_US)
    sheets = {"paper": venue_sheet(0)}
    state = State([INSTRUMENT], OrderIds("TEST", 1), sheets, SECOND_US)
    venue.install(state)
    streams = {"paper": UserStream("paper", [NAME], state.orders.cursors, sheets["paper"])}
    engine = Engine(state, [], Settings(bot="b", quote="USDT", limits=RiskLimits(stale_data_us=FAR)), streams)
    sent: list[object] = []
    driver = Driver(engine, [venue], lambda requests: sent.extend(requests) or "")  # type: ignore[func-returns-value]
    run_virtual(driver, 3 * SECOND_US)
    assert [type(each).__name__ for each in sent] == ["SyncClock", "FetchOpenOrders", "FetchTrades", "FetchBalances"]
    order = SubmitOrder(
        "A", NAME, Side.BUY, OrderType.LIMIT, Decimal("0.010"), Decimal(49), owner="x/quotes", tag="bid"
    )
    state.orders.record(order, engine.state.now_us)
    driver.send([order])
    run_virtual(driver, 1_800 * SECOND_US)
    assert sent[5:] == []
    assert [each.status for each in state.orders.active()] == ["OPEN"]
    assert engine.due_us >= FAR
