"""What a start reads is what the last commit knew: random order lives through a real tracker, crashed anywhere."""

import tempfile
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.core.position import PositionLedger
from engine.model.enums import Action, OrderStatus, OrderType, Outcome, Phase, Side, UpdateSource
from engine.model.event import OperatorDecision, RequestFailed
from engine.model.order import Order
from engine.model.request import AmendOrder
from engine.store.connection import FILE_NAME
from engine.store.recovery import load
from engine.store.verify import verify
from tests.store.bots import INSTRUMENTS, PERPETUAL, SPOT, Bot

QUANTITIES = st.sampled_from(("0.001", "0.25", "0.5", "1"))
FAR_US = 1 << 60  # loads every order, however long ago it was done


def facts(order: Order) -> Order:
    """An order without what depends on the time of reading; trades name the order that they are booked on."""
    copy = deepcopy(order)
    copy.status = OrderStatus.OPEN
    return copy


def ledger_facts(ledger: PositionLedger) -> tuple[object, ...]:
    return (
        ledger.quantity,
        ledger.cost,
        ledger.realized,
        ledger.fees_quote,
        ledger.funding_quote,
        ledger.unpriced_fees,
    )


class Lives(RuleBasedStateMachine):
    """Any order of events. After each commit the file holds exactly what tracker and portfolio hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.orders: list[Order] = []
        self.committed: dict[tuple[str, int], Order] = {}

    @initialize()
    def start(self) -> None:
        self.bot = Bot(self.path)
        self.bot.deposit(USDT="100000", BTC="2")

    def teardown(self) -> None:
        self.bot.log.close()
        assert verify(self.path / FILE_NAME) == []
        self.folder.cleanup()

    @rule(
        side=st.sampled_from(Side),
        quantity=QUANTITIES,
        instrument=st.sampled_from((SPOT, PERPETUAL)),
        order_type=st.sampled_from((OrderType.LIMIT, OrderType.MARKET)),
        owner=st.sampled_from(("pmm", "grid")),
    )
    def submit(self, side, quantity, instrument, order_type, owner) -> None:  # type: ignore[no-untyped-def]
        self.orders.append(self.bot.submit(side, "50000", quantity, instrument, owner, order_type))

    def pick(self, data: st.DataObject) -> Order:
        return data.draw(st.sampled_from(self.orders))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def sent(self, data: st.DataObject) -> None:
        order = self.pick(data)
        if order.phase is Phase.INTENT:
            self.bot.sent(order)

    @precondition(lambda self: self.orders)
    @rule(
        data=st.data(),
        status=st.sampled_from((OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED)),
        filled=st.sampled_from((None, "0", "0.25", "1")),
        source=st.sampled_from((UpdateSource.ACK, UpdateSource.STREAM, UpdateSource.LOOKUP)),
        twin=st.sampled_from(("", "", "", "w")),
    )
    def report(self, data, status, filled, source, twin) -> None:  # type: ignore[no-untyped-def]
        order = self.pick(data)
        self.bot.report(order, status, filled, source, venue_order_id=f"v{twin}{order.client_order_id}")

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), reason=st.sampled_from(("rejected:-2010", "not_sent:dns")))
    def reject(self, data: st.DataObject, reason: str) -> None:
        self.bot.report(self.pick(data), OrderStatus.REJECTED, "0", UpdateSource.ACK, reason, "")

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def unclear(self, data: st.DataObject) -> None:
        self.bot.report(self.pick(data), OrderStatus.UNKNOWN, None, UpdateSource.ACK, "ambiguous:timeout", "")

    @precondition(lambda self: self.orders)
    @rule(
        data=st.data(),
        quantity=QUANTITIES,
        price=st.sampled_from(("49999.9", "50000", "50123.4")),
        trade=st.integers(0, 20),
        fee_asset=st.sampled_from(("USDT", "BTC", "BNB")),
        twin=st.sampled_from(("", "", "", "w")),
    )
    def fill(self, data, quantity, price, trade, fee_asset, twin) -> None:  # type: ignore[no-untyped-def]
        order = self.pick(data)
        venue_order_id = f"v{twin}{order.client_order_id}"
        self.bot.fill(order, quantity, price, f"t{trade}", "0.001", fee_asset, venue_order_id)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), quantity=st.sampled_from(("0", "0.5")))
    def correct(self, data: st.DataObject, quantity: str) -> None:
        order = self.pick(data)
        if order.fills:
            self.bot.correct(order, data.draw(st.sampled_from(sorted(order.fills))), quantity)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.bot.cancel(self.pick(data))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def amend(self, data: st.DataObject) -> None:
        order = self.pick(data)
        terms = (order.venue_order_id, Decimal(50001), Decimal(1))
        self.bot.want(AmendOrder(order.client_order_id, order.instrument_id, *terms))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), action=st.sampled_from((Action.CANCEL, Action.LOOKUP)), outcome=st.sampled_from(Outcome))
    def fail(self, data: st.DataObject, action: Action, outcome: Outcome) -> None:
        order, now_us = self.pick(data), self.bot.step()
        named = (order.instrument_id, order.client_order_id, order.venue_order_id)
        self.bot.apply(RequestFailed(*named, action, outcome, "-1", "no", now_us, now_us))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.bot.apply(OperatorDecision(self.pick(data).client_order_id, "ann", self.bot.step()))

    @rule(by_us=st.sampled_from((1_000, 700_000, 30_000_000, 70_000_000)))
    def tick(self, by_us: int) -> None:
        self.bot.tick(by_us)

    @rule(amount=st.sampled_from(("100", "-5")), kind=st.sampled_from(("deposit", "funding")), number=st.integers(0, 3))
    def transfer(self, amount: str, kind: str, number: int) -> None:
        self.bot.transfer(amount, kind, str(number), PERPETUAL.instrument_id if kind == "funding" else "")

    @rule(cursor=st.sampled_from(("7", "8")))
    def sync(self, cursor: str) -> None:
        self.bot.sync(cursor)

    @rule()
    def commit(self) -> None:
        bot = self.bot
        bot.commit()
        self.committed = {key: facts(order) for key, order in self.known().items()}
        loaded = load(bot.log._connection, -FAR_US)
        stored = {(o.client_order_id, o.twin): facts(o) for o in loaded.orders}
        assert {key: order for key, order in stored.items() if key in self.committed or order.is_open} == self.committed
        assert loaded.cursors == bot.tracker.cursors
        totals = {key: account.total for key, account in bot.portfolio.accounts.items() if account.total}
        assert {key: total for key, total in loaded.totals.items() if total} == totals

    def known(self) -> dict[tuple[str, int], Order]:
        """All orders of this run and the ones that it recovered, twins too."""
        found: dict[tuple[str, int], Order] = {}
        for newest in self.bot.tracker.state.records.newest.values():
            record = newest
            while record is not None:
                found[record.order.client_order_id, record.order.twin] = record.order
                record = record.older  # type: ignore[assignment]
        return found

    @rule()
    def crash(self) -> None:
        """Memory is gone; a new run starts. Its own books equal what was committed."""
        self.bot.log.close()
        before = self.bot.portfolio if not self.bot.log._pending else None
        self.bot = Bot(self.path, self.bot.now_us + 1_000_000)
        bot = self.bot
        assert {(o.client_order_id, o.twin) for o in bot.recovered.orders} >= {
            key for key, order in self.committed.items() if order.is_open
        }
        self.orders = [order for order in self.known().values() if not order.twin]
        if before is not None:
            for instrument_id in INSTRUMENTS:
                assert bot.portfolio.position(instrument_id) == before.position(instrument_id)
                assert ledger_facts(bot.portfolio.markets[instrument_id].net) == ledger_facts(
                    before.markets[instrument_id].net
                )
                for owner in ("", "pmm", "grid"):
                    assert ledger_facts(bot.portfolio.ledger(instrument_id, owner)) == ledger_facts(
                        before.ledger(instrument_id, owner)
                    )

    @invariant()
    def own_totals_follow_from_fills(self) -> None:
        assert all(order.filled == sum(f.quantity for f in order.fills.values()) for order in self.orders)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=60, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
