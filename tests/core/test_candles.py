"""What strategies on candles are shown: the venue's candles, or those made of finer ones or of trades."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.core.candle_series import LATE_US, CandleSeries
from engine.core.candles import Candles
from engine.model.enums import Channel, Health, Side
from engine.model.event import ConnectorStatus
from engine.model.market import Candle, PublicTrade
from engine.model.money import ONE
from tests.desk import BTC, Desk, d

Row = tuple[Any, ...]


class Reader:
    """Notes what it is shown; acts on closes of 9."""

    name = "reader"

    def __init__(self, interval_us: int = 10, instrument_id: str = BTC) -> None:
        self.reads = instrument_id, interval_us
        self.seen: list[Row] = []

    def read(self, *bar: Any) -> bool:
        self.seen.append(bar)
        return bool(bar[4] == 9)

    def decide(self, state: object) -> Sequence[Any]:
        return ()


def candle(open_us: int, close_us: int, *values: object, closed: bool = True, instrument_id: str = BTC) -> Candle:
    prices = [d(value) for value in values or (1, 2, 1, 1, 1)]
    return Candle(instrument_id, close_us - open_us, open_us, close_us, *prices, closed, close_us)


def trade(at_us: int, price: object, instrument_id: str = BTC) -> PublicTrade:
    return PublicTrade(instrument_id, str(at_us), d(price), ONE, Side.BUY, at_us, at_us)


def status(at_us: int, health: Health = Health.HEALTHY, channel: Channel = Channel.MARKET, of: str = "") -> Any:
    return ConnectorStatus("sim", channel, health, "test", at_us, of)


def test_each_closed_candle_is_shown_once() -> None:
    reader = Reader()
    shown = Candles([reader])
    ten, twenty = (0, 10), (10, 20)
    for each in (candle(*ten, closed=False), candle(*ten), candle(*ten), candle(*twenty), candle(*ten)):
        shown.apply(each)
    shown.apply(candle(20, 30, instrument_id="sim:ETH-USDT"))
    assert reader.seen == [(10, 1.0, 2.0, 1.0, 1.0, 1.0), (20, 1.0, 2.0, 1.0, 1.0, 1.0)]


@pytest.mark.parametrize(
    ("opens", "shown"),
    [
        ([0, 5, 10, 15], [10, 20]),
        ([5, 10, 15], [20]),  # the first one began before
        ([0, 10, 15], [20]),  # a part is missing
        ([0, 0, 5, 5, 0], [10]),  # parts are told again
        ([0, 5, 15, 20, 25], [10, 30]),
        ([0, 15, 20, 25], [30]),
    ],
)
def test_of_finer_candles(opens: list[int], shown: list[int]) -> None:
    reader = Reader()
    series = Candles([reader]).sole
    assert series is not None
    for open_us in opens:
        series.apply(candle(open_us, open_us + 5, open_us, open_us + 2, open_us - 1, open_us + 1, 3))
    assert [row[0] for row in reader.seen] == shown
    for close_us, *values in reader.seen:
        assert values == [close_us - 10, close_us - 3, close_us - 11, close_us - 4, 6]


def test_what_cannot_be_made_of_a_candle() -> None:
    reader = Reader()
    series = CandleSeries(*reader.reads, reader.read)
    assert series.taker(3) is None
    series.apply(candle(0, 3))
    series.apply(candle(0, 20))
    assert series.of_trades
    assert reader.seen == []


def test_a_venue_that_sends_both_shows_each_once() -> None:
    reader = Reader()
    shown = Candles([reader])
    for each in (candle(0, 5), candle(5, 10), candle(0, 10), candle(10, 20), candle(10, 15), candle(15, 20)):
        shown.apply(each)
    assert [row[0] for row in reader.seen] == [10, 20]


def test_the_taker_says_what_the_reader_wants_to_act_on() -> None:
    reader = Reader()
    take = CandleSeries(*reader.reads, reader.read).taker(5)
    assert take is not None
    bars = [(5, 1.0), (10, 2.0), (15, 9.0), (20, 9.0)]
    assert [take(close_us, *[price] * 4, 1.0) for close_us, price in bars] == [False, False, False, True]


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        # open, high, low, close, volume; the candle that was under way when we came is not shown
        ([status(3), trade(4, 1), trade(11, 5), trade(12, 7), trade(13, 4), trade(20, 6)], [(20, 5, 7, 4, 4, 3)]),
        ([status(0), trade(4, 1), trade(10, 2)], [(10, 1, 1, 1, 1, 1)]),
        ([trade(11, 5), trade(20, 6), trade(30, 6)], []),  # the connection was never told of
        # nothing is traded for a while
        (
            [status(0), trade(1, 5), trade(29, 6), trade(30, 7)],
            [(10, *[5] * 4, 1), (20, *[5] * 4, 0), (30, *[6] * 4, 1)],
        ),
        ([status(0), trade(21, 6), trade(30, 7)], [(30, *[6] * 4, 1)]),  # no price before
        ([status(0), trade(1, 6), 10 + LATE_US - 1], []),
        ([status(0), trade(1, 6), 10 + LATE_US], [(10, *[6] * 4, 1)]),
        ([status(0), trade(1, 6), trade(12, 7), trade(9, 1), trade(20, 8)], [(10, *[6] * 4, 1), (20, *[7] * 4, 1)]),
        # the connection is lost for a while
        (
            [status(0), trade(1, 6), status(5, Health.DOWN), status(6), trade(8, 7), trade(11, 8), trade(20, 8)],
            [(20, *[8] * 4, 1)],
        ),
        ([status(0), trade(1, 6), status(5, Health.DOWN), trade(11, 8), trade(20, 8)], []),
        ([status(0), status(5, Health.DOWN, of="sim:ETH-USDT"), trade(6, 6), trade(10, 6)], [(10, *[6] * 4, 1)]),
        ([status(0), status(5, Health.DOWN, Channel.USER), trade(6, 6), trade(10, 6)], [(10, *[6] * 4, 1)]),
        ([status(0), trade(1, 6), trade(4, 1, "sim:ETH-USDT"), trade(10, 6)], [(10, *[6] * 4, 1)]),
        # candles of the venue count from the first one on
        ([status(0), trade(1, 6), candle(0, 10), trade(12, 6), trade(20, 6), 1 << 40], [(10, 1, 2, 1, 1, 1)]),
    ],
)
def test_of_trades(events: list[Any], shown: list[Row]) -> None:
    reader = Reader()
    candles = Candles([reader])
    does = {PublicTrade: candles.apply_trade, ConnectorStatus: candles.apply_status, Candle: candles.apply}
    for event in events:
        does.get(type(event), candles.tick)(event)
    assert reader.seen == shown


def test_the_engine_tells_of_trades_health_and_time() -> None:
    reader = Reader(1_000_000)
    desk = Desk(reader)
    for price in (101, 102):
        desk.trade(price)
        desk.tick()
    assert [row[4] for row in reader.seen] == [101.0]
    desk.tick()
    assert [row[4] for row in reader.seen] == [101.0, 102.0]
    desk.health(Health.DOWN)
    desk.tick(5)
    assert len(reader.seen) == 2


def test_only_one_strategy_alone_is_the_sole_one() -> None:
    assert Candles([]).sole is None
    assert Candles([Reader(), Reader()]).sole is None
    assert Candles([Reader()]).sole is not None
