"""CPU cost of what every order passes: pre-trade checks, reservation, posting of a fill, equity, journal entries."""

import io
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.core.book import L2Book
from engine.core.check_rules import Context
from engine.core.checks import PreTradeChecks
from engine.core.circuit import SlotCircuits
from engine.core.halt import Halt
from engine.core.journal import Header, JournalWriter
from engine.core.limits import RiskLimits
from engine.core.order_change import Change
from engine.core.portfolio import Portfolio
from engine.model.enums import Liquidity, OrderStatus, OrderType, Phase, Side
from engine.model.event import OrderUpdate, Tick
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BookDelta, BookSnapshot
from engine.model.order import Order
from engine.model.request import SubmitOrder
from engine.schema.values import Amount
from scripts.calibrate import calibration

D = Decimal
NAME = "sim:BTC-USDT"
INSTRUMENT = Instrument(
    NAME,
    "sim",
    "BTC-USDT",
    "BTC",
    "USDT",
    D("0.01"),
    D("0.00001"),
    D("0.00001"),
    notional_min=D(5),
    taker_rate=D("0.0005"),
)
SUBMIT = SubmitOrder("MM0100000001", NAME, Side.BUY, OrderType.LIMIT, D("0.01"), D("59990.25"), owner="mm/q", tag="b1")
FILL = Fill("t1", "c", "v", NAME, Side.BUY, D("59990.25"), D("0.01"), D("0.1"), "USDT", Liquidity.MAKER, 1, 2)
LEVELS = tuple((D(f"{60000 + n}.25"), D("0.51234")) for n in range(5))
ALL = RiskLimits(
    max_order_value=Amount(D(2000), "USDT"),
    max_position=Amount(D(5)),
    max_open_orders=10,
    max_orders_per_minute=100,
    price_band=D("0.01"),
)


def microseconds(act: Callable[[], object], calls: int = 20_000, rounds: int = 7) -> float:
    """CPU microseconds of one call, best of `rounds`; the call of the lambda is part of it."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time_ns()
        for _ in range(calls):
            act()
        best = min(best, (time.process_time_ns() - begin) / calls)
    return round(best / 1000, 2)


def main() -> None:
    book = L2Book(NAME)
    book.load(BookSnapshot(NAME, ((D(59999), D(1)),), ((D(60001), D(1)),), 1, 1, 1))
    book.stale = ""
    portfolio = Portfolio({NAME: INSTRUMENT}, lambda name: book.mid)
    portfolio.open("sim", {"BTC": D(1), "USDT": D(100_000)})
    halt, circuits = Halt(RiskLimits(), "bench", "USDT"), SlotCircuits()
    orders: dict[tuple[str, str, str], Order] = {}
    context = Context(
        portfolio, halt, circuits, lambda *slot: orders.get(slot), lambda owner: owner.partition("/")[0], "USDT"
    )
    checks = PreTradeChecks(context, lambda name: None, lambda name: book.mid, RiskLimits())
    resting = Order(
        client_order_id="c",
        instrument_id=NAME,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=D(1),
        price=D(50_000),
    )
    resting.phase = Phase.LIVE
    portfolio.follow(resting)
    bare = microseconds(lambda: checks.check(SUBMIT, 1))
    checks.set_limits(ALL)
    times = iter(range(0, 1 << 60, 1_000_000))
    full = microseconds(lambda: checks.check(SUBMIT, next(times)))
    assert checks.check(SUBMIT, next(times)) is None
    prices = [D(50_000), D(50_001)]

    def move() -> None:
        prices.reverse()
        resting.price = prices[0]
        portfolio.follow(resting)

    figures = {
        "check_us": bare,
        "check_all_limits_us": full,
        "mid_us": microseconds(lambda: book.mid),
        "follow_unchanged_us": microseconds(lambda: portfolio.follow(resting)),
        "follow_moved_us": microseconds(move),
        "post_fill_us": microseconds(lambda: portfolio.apply(Change(resting, OrderStatus.OPEN, FILL))),
        "equity_us": microseconds(lambda: portfolio.equity("USDT")),
        "watch_book_us": microseconds(lambda: halt.watch_book(NAME, book, 2)),
    }
    writer = JournalWriter(io.BytesIO(), Header("1", "s", "", "", 7, (), 1_000_000, "MM01", 1, 0))
    update = OrderUpdate(NAME, "c", "v", OrderStatus.OPEN, D(0), "", 1, 2)
    delta = BookDelta(NAME, LEVELS, LEVELS, 1, 2, 3, 4)
    for name, entry in (
        ("tick", Tick(1)),
        ("submit", SUBMIT),
        ("update", update),
        ("fill", FILL),
        ("delta_5_5", delta),
    ):
        figures[f"journal_{name}_us"] = microseconds(lambda entry=entry: writer.write(1, entry))
    print(json.dumps(figures | calibration()))


if __name__ == "__main__":
    main()
