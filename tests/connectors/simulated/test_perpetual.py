"""Perpetuals at the simulated exchange, in figures to check by hand: margin, marks, funding, liquidation."""

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.contract import ContractTerms
from connectors.simulated.desk import Desk
from connectors.simulated.feed import Feed
from connectors.simulated.ledger import FEES, INSURANCE
from connectors.simulated.link import PROTOCOL, Ask, Hello, Streamed
from connectors.simulated.margin import Margin
from connectors.simulated.served import ServedVenue
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.account import Position
from engine.model.enums import InstrumentKind, OrderStatus, OrderType, Side
from engine.model.errors import Rejected
from engine.model.event import AccountSnapshot, Event, Fill, OrderUpdate, TransferSeen
from engine.model.market import FundingRate, MarkPrice
from engine.model.order import is_liquidation
from engine.model.request import AmendOrder, FetchBalances
from engine.perp.margin import Tiers
from tests.connectors.simulated.builders import ScriptedMarket, instrument, money, order, quotes

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
PERP = "sim:BTC-USDT-PERP"
INVERSE = "sim:BTC-USD-PERP"
HOUR_US = 3_600_000_000
TERMS = ContractTerms(
    tiers=Tiers([(D(0), D("0.01"), 20), (D(5000), D("0.05"), 5)]), funding_interval_us=HOUR_US, impact_value=D(100)
)


def perpetual(**fields: Any) -> Any:
    kind = {"kind": InstrumentKind.PERPETUAL, "settle": "USDT", "leverage": D(10), "leverage_max": 20}
    made = instrument("sim:BTC-USDT", **(kind | fields))
    return made.__class__(
        **{name: getattr(made, name) for name in made.__slots__} | {"instrument_id": PERP, "symbol": "BTC-USDT-PERP"}
    )


class Place:
    """An exchange with one perpetual, a book of OUTSIDE around 100, and alice with 1000 USDT."""

    def __init__(self, bid: int = 99, ask: int = 101, **fields: Any) -> None:
        self.exchange = SimulatedExchange("sim", [perpetual(**fields)], terms={PERP: TERMS})
        assert self.exchange.margin is not None
        self.margin: Margin = self.exchange.margin
        self.alice = self.exchange.open_account("alice", money(USDT=1000))
        self.engine = self.exchange.listing(PERP).engine
        self.move(100, bid, ask)

    def move(self, index: int, bid: int, ask: int, now_us: int = 0) -> None:
        """The market moves: OUTSIDE's book, then index and mark."""
        exchange, engine = self.exchange, self.engine
        exchange.advance(max(now_us, exchange.now_us))
        for side, ticks in ((BUY, bid), (SELL, ask)):
            for old, _ in engine.depth(side, 100):
                engine.set_level(side, old, 0)
            engine.set_level(side, ticks, 1000)
        self.margin.set_index(PERP, D(index))
        exchange.settle_all()

    def submit(
        self, side: Side, quantity: int, price: int | None = None, who: Account | None = None, **more: Any
    ) -> Any:
        name = f"c{self.exchange.new_order_id()}"
        request = order(name, side, quantity, price, instrument_id=PERP, **more)
        return self.exchange.submit(who or self.alice, request)

    def refused(self, side: Side, quantity: int, price: int | None = None) -> str:
        with pytest.raises(Rejected) as caught:
            self.submit(side, quantity, price)
        return caught.value.code

    def total(self, account: int | None = None) -> Decimal:
        return self.exchange.ledger.total(self.alice.number if account is None else account, "USDT")

    def free(self) -> Decimal:
        return self.exchange.balance(self.alice, "USDT").free

    def position(self) -> Position:
        return self.margin.position(self.alice.number, PERP)


def test_a_position_ties_up_its_entry_value_over_leverage_and_pays_when_it_is_closed() -> None:
    place = Place()
    place.submit(BUY, 5)
    assert place.position() == Position(PERP, D(5), D(101), D(0), D("50.5"), place.position().liquidation_price)
    assert (place.total(), place.free()) == (D(1000), D(1000) - D("50.5") - 5), "5 lost at mark 100"
    place.move(110, 109, 111)
    assert place.margin.profit(place.alice.number, "USDT") == 5 * (110 - 101)
    place.submit(SELL, 3)
    assert place.total() == 1000 + 3 * (109 - 101)
    assert place.position().quantity == 2
    place.submit(SELL, 4)
    assert place.total() == 1000 + 5 * (109 - 101)
    assert (place.position().quantity, place.position().average_price) == (D(-2), D(109))


@pytest.mark.parametrize(
    ("orders", "margin"),
    [
        ([(BUY, 10, 90)], "90"),
        ([(BUY, 10, 90), (SELL, 5, 110)], "90"),
        ([(BUY, 10, 90), (SELL, 20, 110)], "220"),
        ([(BUY, 10, None), (SELL, 10, 110)], "101"),  # closes: nothing more is needed
        ([(BUY, 10, None), (SELL, 30, 110)], "229"),  # (30·110 − 10·101) / 10
    ],
)
def test_orders_add_what_they_would_add_to_the_position(orders: list[Any], margin: str) -> None:
    place = Place()
    for side, quantity, price in orders:
        place.submit(side, quantity, price)
    contract = place.margin.contract(PERP)
    assert contract.margin(place.alice.number) == D(margin) == place.exchange.ledger.locked(place.alice.number, "USDT")
    for each in place.exchange.open_orders(place.alice):
        place.exchange.cancel(place.alice, PERP, venue_order_id=each.venue_order_id)
    held = place.position()
    assert contract.margin(place.alice.number) == held.margin


def test_what_cannot_be_afforded_is_refused_and_changes_nothing() -> None:
    place = Place(taker_rate=D("0.001"))
    assert place.refused(BUY, 50, 100) == "leverage_too_high", "5000 and more need leverage 5"
    assert place.refused(BUY, 50) == "leverage_too_high"
    place.margin.contract(PERP).set_leverage(place.alice.number, D(5))
    assert place.refused(BUY, 50) == "insufficient_funds"
    assert place.refused(BUY, 50, 100) == "insufficient_funds", "1000 of margin and a fee"
    resting = place.submit(BUY, 49, 100)
    assert place.free() == 1000 - 980 - D("4.9")
    amend = AmendOrder("", PERP, resting.venue_order_id, D(100), D(51))
    with pytest.raises(Rejected, match="more margin"):
        place.exchange.amend(place.alice, amend)
    assert place.free() == 1000 - 980 - D("4.9")
    place.exchange.amend(place.alice, AmendOrder("", PERP, resting.venue_order_id, D(100), D(40)))
    assert place.free() == 1000 - 800 - 4
    with pytest.raises(Rejected, match="more margin"):
        place.margin.contract(PERP).set_leverage(place.alice.number, D(2))
    with pytest.raises(Rejected, match="leverage 30"):
        place.margin.contract(PERP).set_leverage(place.alice.number, D(30))
    assert place.margin.contract(PERP).leverage(place.alice.number) == 5


def test_reduce_only_takes_no_margin_and_never_turns_the_position() -> None:
    place = Place()
    place.submit(BUY, 5)
    free = place.free()
    place.submit(SELL, 9, 105, reduce_only=True)
    assert place.free() == free
    place.submit(SELL, 9, reduce_only=True)
    assert place.position().quantity == 0
    assert place.exchange.open_orders(place.alice) == []


def test_a_stop_that_cannot_be_afforded_when_it_fires() -> None:
    place = Place()
    bob = place.exchange.open_account("bob", money(USDT=11))
    kind = {"order_type": OrderType.STOP_MARKET, "stop_price": D(105)}
    stop = place.submit(BUY, 1, who=bob, **kind)
    place.move(150, 149, 151)
    place.engine.print_trade(151, 1, BUY)
    place.exchange.settle_all()
    assert (stop.state.status, stop.state.reason) == (OrderStatus.EXPIRED, "insufficient_funds")


def test_fees_are_of_the_value_and_everything_adds_up() -> None:
    place = Place(maker_rate=D("-0.0001"), taker_rate=D("0.0005"))
    bob = place.exchange.open_account("bob", money(USDT=1000))
    place.submit(BUY, 10, 100, who=bob)
    place.submit(SELL, 10, 100)
    assert (place.total(), place.total(bob.number)) == (D("999.5"), D("1000.1"))
    assert place.total(FEES) == D("0.4")
    place.submit(SELL, 10, who=bob)
    assert place.total(OUTSIDE) == 10
    assert place.exchange.ledger.sum("USDT") == 2000


def test_the_mark_is_the_median_of_index_book_and_last_trade() -> None:
    place = Place(bid=98, ask=100)
    marks = place.margin.contract(PERP).marks
    assert (marks.index, marks.mark) == (D(100), D(99)), "no trade yet: the lower of two"
    place.engine.print_trade(150, 1, BUY)
    place.exchange.settle_all()
    assert marks.mark == 100, "a single print does not move it"
    place.move(100, 109, 111)
    assert marks.mark == 101, "the mid counts up to 1 % from the index"


def test_a_market_that_says_no_index_has_the_mid() -> None:
    exchange = SimulatedExchange("sim", [perpetual()])
    listing = exchange.listing(PERP)
    exchange.settle_all()
    assert listing.contract is not None
    assert (listing.contract.marks.mark, listing.contract.marks.index) == (None, None)
    listing.engine.set_level(BUY, 98, 1)
    listing.engine.set_level(SELL, 104, 1)
    exchange.settle_all()
    assert listing.contract.marks.mark == 101


def test_the_funding_rate_is_the_mean_premium_of_the_interval() -> None:
    place = Place()
    marks = place.margin.contract(PERP).marks
    assert marks.rate == D("0.0000125"), "no premium: interest of an hour"
    for second in range(5, 46, 5):
        place.move(100, 101 if second == 45 else 99, 102, second * 1_000_000)
    assert marks.rate == D("0.0005"), "one of ten samples was 1 %: less the damping"
    for second in range(50, 3000, 5):
        place.move(100, 101, 102, second * 1_000_000)
    assert marks.rate == TERMS.funding_cap


def test_funding_is_paid_at_the_mark_on_what_is_held() -> None:
    place = Place()
    bob = place.exchange.open_account("bob", money(USDT=1000))
    place.submit(BUY, 10)
    place.submit(SELL, 4, who=bob)
    totals = place.total(), place.total(bob.number)
    desk = Desk(place.exchange, place.alice)
    assert place.exchange.next_us == HOUR_US
    place.exchange.advance(HOUR_US - 1)
    assert place.exchange.drain_payments() == []
    place.exchange.advance(HOUR_US)
    paid = 10 * 100 * D("0.0000125")
    assert (place.total(), place.total(bob.number)) == (totals[0] - paid, totals[1] + 4 * 100 * D("0.0000125"))
    place.exchange.drain_reports()
    assert [event for event in desk.news([], 7) if isinstance(event, TransferSeen)] == [
        TransferSeen("sim", "USDT", -paid, "funding", f"funding-{HOUR_US}", HOUR_US, 7, PERP)
    ]
    *again, snapshot = desk.answer(FetchBalances("sim"), 8, 9)
    assert again == [TransferSeen("sim", "USDT", -paid, "funding", f"funding-{HOUR_US}", HOUR_US, 9, PERP)]
    assert isinstance(snapshot, AccountSnapshot)
    assert snapshot.positions == (place.position(),)
    assert place.exchange.next_us == 2 * HOUR_US
    assert place.exchange.ledger.sum("USDT") == 2000


def test_the_public_hears_of_marks_and_rates() -> None:
    place = Place()
    feed = Feed(place.exchange)

    def news() -> list[Event]:
        return [event for event in feed.collect(1) if isinstance(event, MarkPrice | FundingRate)]

    rate = FundingRate(PERP, D("0.0000125"), HOUR_US, 0, 1)
    assert news() == [MarkPrice(PERP, D(100), 0, 1, D(100)), rate]
    place.move(102, 101, 103, 999_999)
    assert news() == [], "at most one a second"
    place.move(102, 101, 103, 1_000_000)
    assert news() == [MarkPrice(PERP, D(102), 1_000_000, 1, D(102))]


def liquidated(place: Place) -> tuple[list[Fill], list[OrderUpdate]]:
    """What alice hears of orders that are not hers."""
    events = Desk(place.exchange, place.alice).news(place.exchange.drain_reports(), 0)
    forced = [each for each in events if isinstance(each, Fill | OrderUpdate) and is_liquidation(each.client_order_id)]
    return [each for each in forced if isinstance(each, Fill)], [
        each for each in forced if isinstance(each, OrderUpdate)
    ]


def test_a_position_that_cannot_be_kept_is_sold_into_the_book() -> None:
    """48 at 101 with 1000: bankrupt at 80.17, so the limit is 81; liquidated when equity is 1 % of the value."""
    place = Place()
    place.submit(BUY, 48)
    resting = place.submit(BUY, 1, 90)
    price = place.position().liquidation_price
    assert price is not None
    assert Fraction(price) == pytest.approx(Fraction(48 * 101 - 1000) / Fraction(48 * 99, 100))
    place.move(81, 81, 82)
    assert place.position().quantity == 48
    place.exchange.drain_reports()
    place.move(80, 81, 82)
    assert resting.state.reason == "liquidation"
    fills, updates = liquidated(place)
    assert [(each.side, each.price, each.quantity, each.fee) for each in fills] == [(SELL, D(81), D(48), D(0))]
    assert (updates[0].reason, updates[-1].status) == ("liquidation", OrderStatus.FILLED)
    assert place.total() == 1000 - 48 * 20
    assert (place.free(), place.position().quantity) == (place.total(), 0)
    assert place.exchange.ledger.sum("USDT") == 1000


def test_a_liquidation_fee_is_paid_as_far_as_money_is_left() -> None:
    place = Place()
    place.submit(SELL, 40)
    place.engine.print_trade(124, 1, BUY)
    place.move(124, 122, 123)
    fills, _ = liquidated(place)
    assert [(each.price, each.quantity) for each in fills] == [(D(123), D(40))], "bankrupt at 124"
    assert fills[0].fee == 123 * 40 * D("0.005") == place.total(INSURANCE)
    assert place.total() == 1000 - 40 * 24 - fills[0].fee


def test_what_the_book_does_not_take_is_the_fund_s() -> None:
    """The price falls through the bankruptcy price: nobody buys at 81, the fund does, and loses."""
    place = Place()
    place.submit(BUY, 49)
    place.engine.set_level(BUY, 99, 0)
    place.move(60, 59, 61)
    fills, updates = liquidated(place)
    assert [(each.price, each.quantity, each.fee) for each in fills] == [(D(81), D(49), D(0))]
    assert updates[-1].status is OrderStatus.FILLED
    assert place.total() == 1000 - 49 * 20
    assert place.total(INSURANCE) == -49 * 21
    assert place.engine.last_ticks == 101, "the public saw no trade"
    assert place.exchange.ledger.sum("USDT") == 1000


def test_nobody_is_liquidated_on_a_halted_market() -> None:
    place = Place()
    place.submit(BUY, 49)
    place.exchange.halt(PERP)
    place.move(60, 59, 61)
    assert place.position().quantity == 49
    place.exchange.resume(PERP)
    place.move(59, 59, 61)
    assert place.position().quantity == 0


def test_money_is_conserved_whatever_happens() -> None:
    """Random trading of three accounts: sums stay, positions mirror each other, locks are the margin, nobody owes."""
    chance = Random("perpetual")
    place = Place(taker_rate=D("0.0005"), maker_rate=D("-0.0001"))
    others = [place.exchange.open_account(name, money(USDT=500)) for name in ("bob", "carol")]
    price, liquidations = 100, 0
    for step in range(1, 1500):
        price = max(20, price + chance.randint(-3, 3))
        place.move(price, price - 1, price + 1, step * 10_000_000)
        for who in (place.alice, *others):
            if chance.random() < 0.4:
                side, more = chance.choice((BUY, SELL)), {"reduce_only": chance.random() < 0.2}
                limit = chance.choice((None, price, price + 2, price - 2))
                try:
                    place.submit(side, chance.randint(1, 8), limit, who=who, **more)
                except Rejected:
                    continue
        place.exchange.drain_payments()
        liquidations += sum(
            is_liquidation(each.order.request.client_order_id) and each.fill is not None
            for each in place.exchange.drain_reports()
        )
        assert place.exchange.ledger.sum("USDT") == 2000
        numbers = [place.alice.number, *(each.number for each in others)]
        contract = place.margin.contract(PERP)
        assert sum(contract.holding(each) for each in [OUTSIDE, *numbers]) == 0
        for number in numbers:
            assert contract.margin(number) == place.exchange.ledger.locked(number, "USDT") >= 0
            assert contract.holding(number) or place.total(number) >= 0
    assert liquidations > 3


def test_a_client_of_the_served_exchange_hears_of_its_position() -> None:
    exchange = SimulatedExchange("sim", [perpetual()], terms={PERP: TERMS})
    opening = ScriptedMarket((1, quotes(99, 101, 1000, PERP)))
    venue = ServedVenue(exchange, [opening], money(USDT=1000), latency_us=10, start_us=0)
    venue.advance(100)
    heard: list[Any] = []
    client = venue.join(Hello(PROTOCOL, "us", streams=True), heard.append)
    venue.hear(client, Ask(1, 100, order("c1", BUY, 5, instrument_id=PERP)))
    venue.advance(HOUR_US + 100)
    venue.hear(client, Ask(2, HOUR_US + 100, FetchBalances("sim")))
    venue.advance(HOUR_US + 200)
    streamed = [event for each in heard if isinstance(each, Streamed) for event in each.events]
    (paid,) = [event for event in streamed if isinstance(event, TransferSeen)]
    assert (paid.kind, paid.amount, paid.instrument_id) == ("funding", -5 * 100 * D("0.0000125"), PERP)
    assert {type(event) for event in streamed} >= {MarkPrice, FundingRate, Fill, OrderUpdate}
    *again, snapshot = heard[-1].events
    assert [each.amount for each in again] == [paid.amount]
    assert [each.quantity for each in snapshot.positions] == [5]
