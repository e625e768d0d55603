"""The simulated exchange for clients of other processes: accounts by name, streams, answers, a latency both ways.

No sockets here and no clock: whoever carries the messages moves the time with `advance`. A client that leaves loses its
streams; what it has asked for still arrives, and its orders keep resting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from connectors.simulated.agenda import Agenda
from connectors.simulated.book_order import What
from connectors.simulated.desk import Desk, events_of, update_of
from connectors.simulated.feed import Feed
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
    ToVenue,
    Welcome,
)
from connectors.simulated.market import Market
from connectors.simulated.unanswered import not_sent
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Report
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import Event
from engine.model.request import RecallOrder, Reconnect, ResyncBook, SyncClock

EXPIRY_US = 2 * SECOND_US  # a request is not executed later than this after it was made
TIMESTAMP = "timestamp"  # the code of a request that came too late
Deliver = Callable[[FromVenue | None], None]
"""Takes what is for a client; None: the venue hangs up."""


class Client:
    """One connection. `deliver` is called with everything that is for it, in order."""

    def __init__(self, desk: Desk, deliver: Deliver, *, streams: bool) -> None:
        self.desk = desk
        self.streams = streams
        self._deliver: Deliver | None = deliver

    def leave(self) -> None:
        """The connection is no more."""
        self._deliver = None

    def tell(self, message: FromVenue | None) -> None:
        if self._deliver is not None:
            self._deliver(message)


class ServedVenue:
    """Times are the venue's. Every new account starts with `balances`."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        balances: Mapping[str, Decimal],
        *,
        latency_us: int,
        start_us: int,
    ) -> None:
        self.exchange = exchange
        self._feed = Feed(exchange)
        self._balances = balances
        self._latency_us = latency_us
        self._desks: dict[str, Desk] = {}
        self._orders: dict[str, Counter[str]] = {}  # by account: accepted, by client order id
        self._clients: list[Client] = []
        self._agenda = Agenda(exchange, markets, self._publish, start_us)
        self._after = self._agenda.after
        self.advance = self._agenda.advance

    # ---- time

    @property
    def now_us(self) -> int:
        return self._agenda.now_us

    @property
    def next_us(self) -> int:
        """When something happens next."""
        return self._agenda.next_us

    # ---- clients

    def join(self, hello: Hello, deliver: Deliver) -> Client:
        """A client has come. BadMessage if we do not speak its language."""
        if hello.protocol != PROTOCOL:
            raise BadMessage(f"protocol {hello.protocol}, this venue speaks {PROTOCOL}")
        exchange, name = self.exchange, hello.account
        if name not in self._desks:
            self._desks[name] = Desk(exchange, exchange.open_account(name, self._balances))
            self._orders[name] = Counter()
        client = Client(self._desks[name], deliver, streams=hello.streams)
        instruments = tuple(listing.instrument for listing in exchange.listings.values())
        client.tell(Welcome(PROTOCOL, exchange.venue, instruments))
        if hello.streams:
            self._publish()
            self._stream(client, self._feed.snapshots(0))
            self._clients.append(client)
        return client

    def leave(self, client: Client) -> None:
        """Its connection died."""
        client.leave()
        self._clients = [each for each in self._clients if each is not client]

    def hear(self, client: Client, message: ToVenue) -> None:
        """A client says something, now."""
        match message:
            case Ask() if isinstance(message.request, Reconnect | RecallOrder):
                raise BadMessage(f"{type(message.request).__name__} is no business of a venue")
            case Ask():
                self._after(self._latency_us, lambda: self._arrive(client, message))
            case Ping():
                client.tell(Pong())
            case Inspect():
                client.tell(self.inspect(client.desk))
            case Hello():
                raise BadMessage("a second Hello")

    def inspect(self, desk: Desk) -> Inspection:
        """An account as it is now."""
        exchange, account = self.exchange, desk.account
        orders = self._orders[account.name]
        return Inspection(
            exchange.balances(account),
            tuple(update_of(each, each.state, UpdateSource.LOOKUP, None, 0) for each in exchange.open_orders(account)),
            tuple(fill for instrument_id in exchange.listings for fill in exchange.trades(account, instrument_id)),
            orders.total(),
            tuple(client_order_id for client_order_id, times in orders.items() if times > 1),
        )

    def _arrive(self, client: Client, ask: Ask) -> None:
        """A request has reached the venue, whether its sender still lives or not."""
        request, exchange = ask.request, self.exchange
        self._publish()
        match request:
            case ResyncBook(instrument_id):
                if instrument_id in exchange.listings:
                    self._stream(client, [self._feed.snapshot(instrument_id, 0)])
                return
            case SyncClock():
                events: Sequence[Event] = ()
            case _ if exchange.now_us - ask.stamp_us > EXPIRY_US:
                events = not_sent(request, TIMESTAMP, 0, 0)
            case _:
                events = client.desk.answer(request, 0, 0)  # type: ignore[arg-type]
        answer = Answer(ask.number, exchange.now_us, tuple(events))
        self._after(self._latency_us, lambda: client.tell(answer))

    # ---- streams

    def _publish(self) -> None:
        """Tell everybody what has happened. Where the scenario cuts the streams, connections end."""
        exchange = self.exchange
        public = self._feed.collect(0)
        private = self._private_news(exchange.drain_reports(), exchange.drain_touched())
        if exchange.cut_until_us > exchange.now_us:
            for client in self._clients:
                client.tell(None)
                client.leave()
            self._clients = []
        for client in self._clients:
            self._stream(client, [*public, *private.get(client.desk.account.number, ())])

    def _private_news(self, reports: Sequence[Report], touched: Sequence[tuple[int, str]]) -> dict[int, list[Event]]:
        """By account: fills and order updates, funding, then the balances that changed."""
        news: dict[int, list[Event]] = {}
        for report in reports:
            order = report.order
            events = news.setdefault(order.account.number, [])
            if report.state.what is What.ACCEPTED:
                self._orders[order.account.name][order.request.client_order_id] += 1
            events += events_of(report, 0)
        for payment in self.exchange.drain_payments():
            news.setdefault(payment.account, []).append(payment.transfer)
        by_number = {desk.account.number: desk.account for desk in self._desks.values()}
        for number, asset in touched:
            if number in by_number:
                news.setdefault(number, []).append(self.exchange.balance(by_number[number], asset))
        return news

    def _stream(self, client: Client, events: Sequence[Event]) -> None:
        if events:
            message = Streamed(tuple(events))
            self._after(self._latency_us, lambda: client.tell(message))
