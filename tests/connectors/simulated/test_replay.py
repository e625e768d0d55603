"""The replayed market: what our orders get from recorded data, and what damaged recordings do."""

import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from connectors.binance.parse import MarketDataParser
from connectors.simulated.capture import Capture
from connectors.simulated.feed import Feed
from connectors.simulated.market import NEVER_US
from connectors.simulated.replay import ReplayMarket, coarsest_step
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, VenueOrder
from engine.model.enums import OrderStatus, OrderType, Side, TimeInForce
from engine.model.errors import Rejected, TickwrightError
from engine.model.instrument import Instrument
from engine.model.request import SubmitOrder

BUY, SELL = Side.BUY, Side.SELL
MARKET = "binance:BTC-USDT"
START_US = 1_700_000_000_000_000
D = Decimal
RawLevels = Sequence[tuple[str, str]]
SNAPSHOT = {
    "lastUpdateId": 10,
    "bids": [("99.0", "1.00"), ("98.0", "2.00"), ("97.5", "3.00")],
    "asks": [("101.0", "1.00"), ("102.0", "2.00"), ("103.0", "0.25")],
}


def depth(update: int, bids: RawLevels = (), asks: RawLevels = (), first: int | None = None) -> dict[str, object]:
    first = update if first is None else first
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": update, "b": bids, "a": asks}
    return {"stream": "btcusdt@depth@100ms", "data": data}


def trade(price: str, quantity: str, aggressor: Side) -> dict[str, object]:
    data = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": price, "q": quantity, "T": 1, "m": aggressor is SELL}
    return {"stream": "btcusdt@trade", "data": data}


def record(path: Path, *messages: dict[str, object] | bytes) -> Path:
    """Write a recording with one message a second, receive times in ns."""
    with gzip.open(path, "wb") as file:
        for second, message in enumerate(messages):
            body = message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
            file.write(b"%d %s\n" % ((START_US + second * 1_000_000) * 1_000, body))
    return path


class Stage:
    """A venue with one trader on a recording; `play` moves it by one recorded message."""

    def __init__(self, path: Path) -> None:
        parser = MarketDataParser({"BTCUSDT": MARKET})
        self.market = ReplayMarket(MARKET, [path], parser)
        instrument = Instrument(
            MARKET,
            "binance",
            "BTC-USDT",
            "BTC",
            "USDT",
            self.market.price_step,
            self.market.quantity_step,
            maker_rate=D("0.001"),
            taker_rate=D("0.002"),
        )
        self.exchange = SimulatedExchange("binance", [instrument])
        self.account: Account = self.exchange.open_account("we", {"BTC": D(100), "USDT": D(100_000)})
        self.orders = 0

    def play(self, messages: int = 1) -> "Stage":
        for _ in range(messages):
            now_us = self.market.next_us
            self.exchange.advance(now_us)
            self.market.step(now_us, self.exchange)
            self.exchange.settle_all()
        return self

    def order(
        self,
        side: Side,
        quantity: str,
        price: str | None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
    ) -> VenueOrder:
        self.orders += 1
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        limit = None if price is None else D(price)
        request = SubmitOrder(
            f"o{self.orders}", MARKET, side, kind, D(quantity), limit, time_in_force, post_only=post_only
        )
        return self.exchange.submit(self.account, request)

    @property
    def prints(self) -> list[tuple[str, str]]:
        """(price, quantity) of everything that was printed so far."""
        listing = self.exchange.listing(MARKET)
        return [(str(listing.price(p.ticks)), str(listing.quantity(p.lots))) for p in listing.prints]

    def levels(self, side: Side) -> list[tuple[str, str]]:
        return [(str(price), str(quantity)) for price, quantity in self.exchange.listing(MARKET).levels(side)]


def stage(tmp_path: Path, *messages: dict[str, object] | bytes) -> Stage:
    """A venue whose recording begins with SNAPSHOT, which has been played."""
    return Stage(record(tmp_path / "day.raw.gz", SNAPSHOT, *messages)).play()


def test_steps_and_book_come_from_the_record(tmp_path: Path) -> None:
    venue = stage(tmp_path, depth(11, [("99.0", "0.00"), ("98.5", "0.75")], [("100.5", "4.00")]))
    assert (venue.market.price_step, venue.market.quantity_step) == (D("0.1"), D("0.01"))
    assert venue.levels(BUY) == [("99.0", "1.00"), ("98.0", "2.00"), ("97.5", "3.00")]
    venue.play()
    assert venue.levels(BUY) == [("98.5", "0.75"), ("98.0", "2.00"), ("97.5", "3.00")]
    assert venue.levels(SELL)[0] == ("100.5", "4.00")
    assert venue.market.next_us == NEVER_US


@pytest.mark.parametrize(
    ("side", "price", "traded", "filled"),
    [
        pytest.param(BUY, "98.5", ("98.4", "0.20", SELL), "0.2", id="through the bid, part"),
        pytest.param(BUY, "98.5", ("98.4", "9.00", SELL), "0.5", id="through the bid, all"),
        pytest.param(BUY, "98.5", ("98.5", "9.00", SELL), "0", id="at the bid"),
        pytest.param(BUY, "98.5", ("98.6", "9.00", SELL), "0", id="above the bid"),
        pytest.param(BUY, "98.5", ("98.4", "9.00", BUY), "0", id="a buyer does not hit a bid"),
        pytest.param(SELL, "101.5", ("101.6", "0.20", BUY), "0.2", id="through the ask, part"),
        pytest.param(SELL, "101.5", ("101.5", "9.00", BUY), "0", id="at the ask"),
        pytest.param(SELL, "101.5", ("101.6", "9.00", SELL), "0", id="a seller does not lift an ask"),
    ],
)
def test_trade_through(tmp_path: Path, side: Side, price: str, traded: tuple[str, str, Side], filled: str) -> None:
    venue = stage(tmp_path, trade(*traded))
    order = venue.order(side, "0.5", price)
    venue.play()
    assert order.state.filled == D(filled)
    assert order.state.cost == D(filled) * D(price)
    assert sum(D(quantity) for _, quantity in venue.prints) == D(traded[1])


def test_one_trade_is_shared_by_price_then_age(tmp_path: Path) -> None:
    venue = stage(tmp_path, trade("97.0", "0.70", SELL))
    late, first, second = (venue.order(BUY, "0.5", price) for price in ("98.1", "98.5", "98.5"))
    venue.play()
    assert [order.state.filled for order in (first, second, late)] == [D("0.5"), D("0.2"), 0]
    assert venue.prints == [("98.5", "0.50"), ("98.5", "0.20")]


def test_maker_fill_moves_money_and_fee(tmp_path: Path) -> None:
    venue = stage(tmp_path, trade("98.4", "1.00", SELL))
    venue.order(BUY, "0.5", "98.5")
    venue.play()
    assert venue.exchange.ledger.total(venue.account.number, "USDT") == 100_000 - D("49.25") * D("1.001")
    assert venue.exchange.ledger.total(venue.account.number, "BTC") == D("100.5")


@pytest.mark.parametrize(
    ("asks", "filled", "left"),
    [
        pytest.param([("98.5", "0.20")], "0.2", None, id="rests at our price: would have hit us"),
        pytest.param([("98.3", "0.10"), ("98.4", "0.20")], "0.3", None, id="two levels beyond it"),
        pytest.param([("98.3", "2.00")], "0.5", ("98.3", "1.50"), id="more than we have"),
        pytest.param([("98.6", "2.00")], "0", ("98.6", "2.00"), id="above"),
    ],
)
def test_recorded_orders_that_meet_ours_trade(
    tmp_path: Path, asks: RawLevels, filled: str, left: tuple[str, str] | None
) -> None:
    gone = [("99.0", "0.00")]
    venue = stage(tmp_path, depth(11, gone, asks))
    order = venue.order(BUY, "0.5", "98.5")
    venue.play()
    assert order.state.filled == D(filled)
    assert venue.levels(SELL)[0] == (left or ("101.0", "1.00"))
    assert D(venue.levels(BUY)[0][0]) < D(venue.levels(SELL)[0][0])


def test_our_ask_is_met_from_below(tmp_path: Path) -> None:
    venue = stage(tmp_path, depth(11, [("101.6", "0.30")], [("101.0", "0.00")]))
    order = venue.order(SELL, "0.5", "101.5")
    venue.play()
    assert (order.state.filled, order.state.cost) == (D("0.3"), D("30.45"))


def test_takers_walk_the_recorded_book(tmp_path: Path) -> None:
    venue = stage(tmp_path)
    order = venue.order(BUY, "2", None)
    assert (order.state.status, order.state.cost) == (OrderStatus.FILLED, D("203"))
    assert venue.levels(SELL) == [("102.0", "1.00"), ("103.0", "0.25")]


@pytest.mark.parametrize(
    ("time_in_force", "filled", "status"),
    [
        (TimeInForce.IOC, "1", OrderStatus.EXPIRED),
        (TimeInForce.FOK, "0", OrderStatus.EXPIRED),
        (TimeInForce.GTC, "1", OrderStatus.OPEN),
    ],
)
def test_time_in_force(tmp_path: Path, time_in_force: TimeInForce, filled: str, status: OrderStatus) -> None:
    order = stage(tmp_path).order(BUY, "2", "101", time_in_force)
    assert (order.state.filled, order.state.status) == (D(filled), status)


def test_post_only_is_refused_when_it_would_take(tmp_path: Path) -> None:
    venue = stage(tmp_path)
    with pytest.raises(Rejected, match="would_take"):
        venue.order(BUY, "1", "101", post_only=True)
    assert venue.order(BUY, "1", "100.9", post_only=True).is_open


def test_nobody_trades_while_the_record_has_a_gap(tmp_path: Path) -> None:
    again = {**SNAPSHOT, "lastUpdateId": 20, "bids": [("95.0", "1.00")]}
    venue = stage(tmp_path, depth(13, [("99.0", "5.00")]), again, depth(21, [("96.0", "1.00")]))
    order = venue.order(BUY, "1", "98.5")
    venue.play()
    assert (venue.market.gaps, venue.levels(SELL)) == (1, [])
    with pytest.raises(Rejected, match="halted"):
        venue.order(BUY, "1", "98.5")
    assert order.is_open
    venue.play(2)
    assert venue.levels(BUY) == [("98.5", "1.00"), ("96.0", "1.00"), ("95.0", "1.00")]
    assert venue.order(BUY, "1", "98.5").is_open


def test_old_updates_change_nothing(tmp_path: Path) -> None:
    venue = stage(tmp_path, depth(12, first=11), depth(11, [("99.0", "7.00")])).play(2)
    assert venue.levels(BUY)[0] == ("99.0", "1.00")


def test_updates_before_the_snapshot_are_bridged(tmp_path: Path) -> None:
    venue = Stage(record(tmp_path / "day.raw.gz", depth(11, [("99.0", "7.00")]), SNAPSHOT)).play(2)
    assert venue.levels(BUY)[0] == ("99.0", "7.00")


def test_bad_lines_are_counted_and_told_of_once_a_minute(tmp_path: Path) -> None:
    bad = [b"{", b'{"stream":"btcusdt@trade","data":{}}', *[b"garbage"] * 70]
    venue = stage(tmp_path, *bad, depth(11, [("99.0", "7.00")])).play()
    assert venue.levels(BUY)[0] == ("99.0", "7.00")
    assert venue.market.bad == 72
    first, second = venue.exchange.notices
    assert (first.venue, first.excerpt, first.receive_us) == ("binance", "{", START_US + 1_000_000)
    assert first.reason.startswith("not a frame of a known stream")
    assert second.receive_us == START_US + 61_000_000
    assert second.reason.endswith("(bad line 61 of the recording)")
    told = Feed(venue.exchange).collect(START_US + 99)
    assert told[-2:] == [structs.replace(notice, receive_us=START_US + 99) for notice in (first, second)]
    assert venue.exchange.notices == []


def read(path: Path) -> tuple[list[int], list[tuple[str, str, int]]]:
    """Receive times of the good lines, and what was said about the bad."""
    said: list[tuple[str, str, int]] = []
    parser = MarketDataParser({"BTCUSDT": MARKET})
    capture = Capture([path], MARKET, parser, lambda *report: said.append(report))
    return [receive_us for receive_us, _ in capture], said


def test_receive_times_in_either_unit_and_never_backwards(tmp_path: Path) -> None:
    path = tmp_path / "day.raw.gz"
    body = json.dumps(trade("1", "1", BUY)).encode()
    stamps = [b"1700000000000002", b"1700000000000003999", b"1700000000000001", b"soon", b"-5", b"9" * 30]
    with gzip.open(path, "wb") as file:
        file.writelines(stamp + b" " + body + b"\n" for stamp in stamps)
    times, said = read(path)
    assert times == [START_US + 2, START_US + 3, START_US + 3]
    assert [reason for reason, _, _ in said] == [
        f"a line begins with {stamp!r}, not with its receive time" for stamp in stamps[3:]
    ]


def test_a_cut_file_is_played_up_to_the_cut(tmp_path: Path) -> None:
    path = record(tmp_path / "day.raw.gz", SNAPSHOT, *(depth(n) for n in range(11, 2_000)))
    whole, _ = read(path)
    path.write_bytes(path.read_bytes()[:-500])
    times, said = read(path)
    assert 0 < len(times) < len(whole)
    assert len(said) == 1
    assert "day.raw.gz is damaged, the rest of it is left out" in said[0][0]


def test_a_file_that_is_not_gzip(tmp_path: Path) -> None:
    path = tmp_path / "day.raw.gz"
    path.write_text("1700000000000002 {}\n")
    assert read(path)[1][0][0].startswith("day.raw.gz is damaged")


def test_missing_files_and_missing_snapshots_are_explained(tmp_path: Path) -> None:
    with pytest.raises(TickwrightError, match=r"none\.gz is not there: correct market\.path, or set TICKWRIGHT_DATA"):
        Stage(tmp_path / "none.gz")
    with pytest.raises(TickwrightError, match="no depth snapshot in its first 1 messages: begin with"):
        Stage(record(tmp_path / "day.raw.gz", depth(11)))
    with pytest.raises(TickwrightError, match="in its first 0 messages"):
        Stage(record(tmp_path / "day.raw.gz"))


def test_the_search_for_a_snapshot_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.simulated.replay.HEAD_MAX", 2)
    with pytest.raises(TickwrightError, match="in its first 2 messages"):
        Stage(record(tmp_path / "day.raw.gz", depth(8), depth(9), depth(10), SNAPSHOT))


@pytest.mark.parametrize(
    ("values", "step"), [(["1.50", "20", "0.125"], "0.001"), (["100", "2E+3"], "1"), (["1.000"], "1"), ([], "1")]
)
def test_coarsest_step(values: list[str], step: str) -> None:
    assert coarsest_step(map(D, values)) == D(step)
