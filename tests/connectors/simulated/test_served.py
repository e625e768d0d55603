"""The served exchange without sockets: accounts, latencies, streams, and clients that die."""

from typing import Any

import pytest

from connectors.simulated.link import (
    PROTOCOL,
    Answer,
    Ask,
    FromVenue,
    Hello,
    Inspect,
    Inspection,
    Ping,
    Pong,
    Streamed,
    Welcome,
)
from connectors.simulated.market import Market
from connectors.simulated.served import EXPIRY_US, Client, ServedVenue
from connectors.simulated.venue import SimulatedExchange
from engine.model.account import Balance
from engine.model.enums import Channel, OrderStatus, Outcome, Side
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event, OrderUpdate, RequestFailed
from engine.model.fill import Fill
from engine.model.market import BookDelta, BookSnapshot
from engine.model.request import (
    ArmDeadMan,
    CancelOrder,
    FetchOpenOrders,
    RecallOrder,
    Reconnect,
    Request,
    ResyncBook,
    SyncClock,
)
from tests.connectors.simulated.builders import BTC, ScriptedMarket, instrument, money, order, quotes

BUY, SELL = Side.BUY, Side.SELL
LATENCY = 100


def serve(*markets: Market) -> ServedVenue:
    """With a book of 100 at 99 and 101, at 1000."""
    exchange = SimulatedExchange("sim", [instrument()])
    opening = ScriptedMarket((1, quotes(99, 101)))
    venue = ServedVenue(exchange, [opening, *markets], money(USDT=100_000, BTC=50), latency_us=LATENCY, start_us=0)
    venue.advance(1000)
    return venue


class Visitor:
    """A client, and all it has heard."""

    def __init__(self, venue: ServedVenue, account: str = "us", *, streams: bool = True) -> None:
        self.venue = venue
        self.heard: list[FromVenue | None] = []
        self.client: Client = venue.join(Hello(PROTOCOL, account, streams=streams), self.heard.append)
        self.numbers = iter(range(1, 1000))

    def ask(self, request: Request, stamp_us: int | None = None) -> None:
        stamp_us = self.venue.now_us if stamp_us is None else stamp_us
        self.venue.hear(self.client, Ask(next(self.numbers), stamp_us, request))

    def wait(self, us: int = 1000) -> list[Event]:
        """Everything told within this time, answers and streams."""
        self.heard.clear()
        self.venue.advance(self.venue.now_us + us)
        return [event for each in self.heard if isinstance(each, Answer | Streamed) for event in each.events]


def one(events: list[Event], kind: type) -> Any:
    (found,) = (event for event in events if type(event) is kind)
    return found


def test_a_client_is_welcomed_and_then_shown_the_books() -> None:
    venue = serve()
    visitor = Visitor(venue)
    assert visitor.heard == [Welcome(PROTOCOL, "sim", (instrument(),))]
    assert visitor.wait(LATENCY - 1) == []
    snapshot = one(visitor.wait(1), BookSnapshot)
    assert (snapshot.bids[0][0], snapshot.asks[0][0]) == (99, 101)


def test_a_request_and_its_answer_take_the_latency_each() -> None:
    venue = serve()
    visitor = Visitor(venue)
    visitor.wait()
    visitor.ask(order("a", BUY, 1, 90))
    assert visitor.wait(2 * LATENCY - 1) == []
    events = visitor.wait(1)
    acked, streamed = (event for event in events if isinstance(event, OrderUpdate))
    assert (acked.status, acked.event_us) == (OrderStatus.OPEN, 2000 + LATENCY)
    assert (acked.source, streamed.source) == ("ACK", "STREAM")
    assert one(events, Balance).free == 100_000 - 90
    assert one(events, BookDelta).bids == ((90, 1),)


def test_each_account_hears_of_its_own_orders_only_and_all_hear_of_the_market() -> None:
    venue = serve()
    us, them = Visitor(venue), Visitor(venue, "them")
    us.ask(order("a", BUY, 10, 100))
    us.wait()
    them.heard.clear()
    them.ask(order("b", SELL, 4, 100))
    us.heard.clear()
    theirs = them.wait()
    ours = [event for each in us.heard if isinstance(each, Streamed) for event in each.events]
    assert [each.client_order_id for each in (one(ours, Fill), one(theirs, Fill))] == ["a", "b"]
    assert {type(event) for event in ours} >= {Fill, OrderUpdate, Balance, BookDelta}


def test_two_connections_of_an_account_hear_the_same() -> None:
    venue = serve()
    first, second = Visitor(venue), Visitor(venue)
    first.ask(order("a", BUY, 1, 90))
    streamed = [event for event in first.wait() if getattr(event, "source", "") == "STREAM"]
    assert streamed
    assert streamed[0] in [e for each in second.heard if isinstance(each, Streamed) for e in each.events]


def test_orders_rest_when_their_client_dies_and_what_it_sent_still_arrives() -> None:
    venue = serve()
    visitor = Visitor(venue)
    visitor.ask(order("a", BUY, 1, 90))
    visitor.wait()
    visitor.ask(order("b", BUY, 1, 91))
    visitor.heard.clear()
    venue.leave(visitor.client)
    venue.advance(venue.now_us + 1000)
    assert visitor.heard == []
    again = Visitor(venue)
    again.ask(FetchOpenOrders("sim"))
    snapshot = one(again.wait(), AccountSnapshot)
    assert [row.client_order_id for row in snapshot.open_orders] == ["a", "b"]


def test_a_request_that_comes_too_late_is_not_executed() -> None:
    venue = serve()
    visitor = Visitor(venue)
    visitor.wait()
    for name, age_us in (("late", EXPIRY_US + 1), ("just", EXPIRY_US)):
        visitor.ask(order(name, BUY, 1, 90), venue.now_us + LATENCY - age_us)
    visitor.ask(CancelOrder("x", BTC), venue.now_us + LATENCY - EXPIRY_US - 1)
    events = visitor.wait()
    told = [(e.client_order_id, e.reason) for e in events if isinstance(e, OrderUpdate) and e.source == "ACK"]
    assert told == [("late", "not_sent:timestamp"), ("just", "")]
    assert one(events, RequestFailed).outcome is Outcome.NOT_SENT


def test_the_dead_mans_switch_fires_for_a_client_that_is_gone() -> None:
    venue = serve()
    visitor = Visitor(venue)
    visitor.ask(order("a", BUY, 1, 90))
    visitor.ask(ArmDeadMan("sim", BTC, 60_000))
    visitor.wait()
    venue.leave(visitor.client)
    venue.advance(59_000_000)
    assert len(venue.inspect(visitor.client.desk).open_orders) == 1
    venue.advance(61_000_000)
    assert venue.inspect(visitor.client.desk).open_orders == ()


def test_the_clock_is_told_as_of_the_arrival() -> None:
    venue = serve()
    visitor = Visitor(venue, streams=False)
    visitor.ask(SyncClock("sim"))
    visitor.wait()
    assert visitor.heard == [Answer(1, 1000 + LATENCY, ())]


def test_a_book_is_shown_again_on_request() -> None:
    venue = serve()
    visitor = Visitor(venue)
    visitor.wait()
    visitor.ask(ResyncBook(BTC))
    visitor.ask(ResyncBook("sim:NO-SUCH"))
    assert one(visitor.wait(), BookSnapshot).sequence == 1


def test_an_inspection_has_everything_and_finds_ids_that_were_used_again() -> None:
    venue = serve()
    visitor = Visitor(venue)
    for name, price in (("a", 101), ("b", 90), ("b", 91)):
        visitor.ask(order(name, BUY, 2, price))
        visitor.wait()
        visitor.ask(CancelOrder("b", BTC))
        visitor.wait()
    visitor.ask(order("c", BUY, 2, 92))
    visitor.wait()
    checker = Visitor(venue, streams=False)
    venue.hear(checker.client, Inspect())
    found = checker.heard[-1]
    assert isinstance(found, Inspection)
    assert [fill.client_order_id for fill in found.trades] == ["a"]
    assert [each.client_order_id for each in found.open_orders] == ["c"]
    assert {each.asset: each.total for each in found.balances} == money(BTC=52, USDT=100_000 - 202)
    assert (found.orders, found.reused) == (4, ("b",))


def test_a_ping_is_answered_at_once() -> None:
    visitor = Visitor(serve(), streams=False)
    visitor.venue.hear(visitor.client, Ping())
    assert visitor.heard[-1] == Pong()


def test_connections_end_when_the_scenario_cuts_the_streams() -> None:
    venue = serve(ScriptedMarket((2000, lambda exchange: exchange.disconnect(5000))))
    visitor = Visitor(venue)
    visitor.wait(3000)
    assert visitor.heard[-1] is None
    visitor.wait()
    assert visitor.heard == []


@pytest.mark.parametrize(
    "message",
    [Hello(PROTOCOL, "us", streams=True), Ask(1, 0, Reconnect("sim", Channel.USER)), Ask(1, 0, RecallOrder())],
)
def test_what_a_client_may_not_say_is_a_bad_message(message: Any) -> None:
    visitor = Visitor(serve())
    with pytest.raises(BadMessage):
        visitor.venue.hear(visitor.client, message)


def test_another_protocol_is_refused() -> None:
    with pytest.raises(BadMessage, match=f"protocol 99, this venue speaks {PROTOCOL}"):
        serve().join(Hello(99, "us", streams=True), print)
