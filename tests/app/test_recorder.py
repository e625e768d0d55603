"""What the recorder gives back of orders that left the memory, and what it notes of positions."""

from pathlib import Path

from engine.app.recorder import Recorder
from engine.model.enums import OrderType, Side
from engine.model.order import Order
from engine.model.request import RecallOrder
from engine.store.order_log import OrderLog
from tests.desk import BTC, START_US, Desk, d
from tests.sim.process import NoJournal


def test_what_is_recalled_is_as_it_is_now_and_not_as_of_the_last_commit(tmp_path: Path) -> None:
    """Found by simulation: a fill that waited for its commit was booked again."""
    log = OrderLog.open(tmp_path)
    recorder = Recorder(NoJournal(), log)  # type: ignore[arg-type]
    order = Order(
        client_order_id="TEST1",
        instrument_id=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=d(1),
        price=d(100),
        created_us=START_US,
    )
    log.note_order(order, START_US)
    log.commit(START_US)
    order.venue_order_id = "V1"
    log.note_order(order, START_US)
    (found,) = recorder.recall(RecallOrder("TEST1", "V1"), BTC)
    assert found.venue_order_id == "V1"
    log.close()


def test_an_adopted_position_is_durable(tmp_path: Path) -> None:
    desk, log = Desk(), OrderLog.open(tmp_path)
    recorder = Recorder(NoJournal(), log)  # type: ignore[arg-type]
    recorder.follow(desk.engine)
    desk.state.portfolio.adopt("mm/quotes", BTC, d(2), d(100))
    recorder.commit([])
    assert recorder.flush() == ""
    (ledger,) = log.load(START_US).ledgers
    assert (ledger.owner, ledger.quantity, ledger.cost) == ("mm/quotes", 2, 200)
    log.close()
