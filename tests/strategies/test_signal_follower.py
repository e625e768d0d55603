"""Signals on closed candles, and the strategy that follows them."""

from collections.abc import Sequence

import pytest

from engine.core.venue_sheet import SECOND_US
from engine.indicators.averages import Macd
from engine.model.enums import Health
from engine.model.market import Candle
from engine.schema.values import BadValue
from strategies.signal_follower import SignalFollower
from strategies.signals import BollingerTouch, MacdBollinger, MovingAverageCross, RsiTurn, Signal
from tests.desk import BTC, Desk, d

MINUTE_US = 60 * SECOND_US


class Fixed:
    """A touch that says what it is told."""

    def __init__(self, said: Sequence[int]) -> None:
        self._said = iter(said)

    def add(self, close: float) -> int:
        return next(self._said)


def signs(signal: Signal, closes: Sequence[float]) -> str:
    return "".join("0+-"[signal.add(close)] for close in closes)


@pytest.mark.parametrize(
    ("signal", "closes", "expected"),
    [
        (MovingAverageCross(1, 3), [5, 4, 3, 9, 9, 9, 9, 1, 9], "000+000-+"),
        (MovingAverageCross(1, 2), [1, 1, 1, 2, 2, 2, 1, 1, 0], "000+00-0-"),  # equal averages have crossed nothing
        (MovingAverageCross(1, 2), [1, 2, 3, 4], "0000"),  # above from the start: nothing crossed
        (BollingerTouch(4, 1.0, 0.0, 1.0), [9, 9, 9, 5, 9, 9, 20, 9, 9, 9], "000+00-000"),
        (BollingerTouch(2, 1.0, 0.0, 1.0), [7, 7, 7], "000"),  # no bands where nothing moves
        (BollingerTouch(2, 1.0, 0.2, 0.8), [7, 8, 8, 7], "0-0+"),
        (RsiTurn(2, 30.0, 70.0), [1, 2, 3, 2, 1, 1.1], "00-0+0"),
    ],
)
def test_signals(signal: Signal, closes: Sequence[float], expected: str) -> None:
    assert signs(signal, closes) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_macd_bollinger_needs_both(turned: bool) -> None:
    """Falling, then rising again: the MACD is below 0 and over its signal line only after the turn."""
    closes = [20.0, 18, 16, 14, 12, 10, 10.5, 11, 20, 30]
    macd = Macd(2, 4, 2)
    values = [macd.add(close) for close in closes]
    at = next(number for number, each in enumerate(values) if each and each.line < 0 < each.histogram)
    said = [0] * len(closes)
    said[at - (not turned)] = 1
    signal = MacdBollinger(Fixed(said), Macd(2, 4, 2))  # type: ignore[arg-type]
    assert [signal.add(close) for close in closes] == (said if turned else [0] * len(closes))


def test_macd_bollinger_mirrored() -> None:
    closes = [20.0, 18, 16, 14, 12, 10, 10.5, 11, 20, 30, 31, 30]
    rising = MacdBollinger(Fixed([1] * 12), Macd(2, 4, 2))  # type: ignore[arg-type]
    falling = MacdBollinger(Fixed([-1] * 12), Macd(2, 4, 2))  # type: ignore[arg-type]
    ups = [rising.add(close) for close in closes]
    downs = [falling.add(40 - close) for close in closes]
    assert 1 in ups
    assert [-each for each in downs] == ups


def follower(**keys: object) -> Desk:
    settings = {"exchange": "sim", "trading_pair": "BTC-USDT", "quantity": "1", "fast": 1, "slow": 2, **keys}
    return Desk(SignalFollower("own", SignalFollower.Config(**settings)))  # type: ignore[arg-type]


def closes(desk: Desk, *values: float) -> None:
    """A closed candle a minute."""
    for value in values:
        now_us = desk.state.now_us // MINUTE_US * MINUTE_US
        prices = [d(value)] * 4
        desk.engine.apply(Candle(BTC, MINUTE_US, now_us - MINUTE_US, now_us, *prices, d(1), True, now_us))
        desk.tick(60)


def test_it_buys_when_the_signal_rises_and_sells_when_it_falls() -> None:
    desk = follower()
    closes(desk, 100, 100, 101)
    assert desk.shown() == ["take 1@100.5"]
    desk.fill(desk.orders()["take"], quantity="0.4")
    closes(desk, 102)
    assert desk.cancelled() == ["take"]
    closes(desk, 103)
    assert desk.shown() == ["take 0.6@100.5"]
    desk.fill(desk.orders()["take"])
    closes(desk, 104, 105)
    assert desk.shown() == []
    closes(desk, 90)
    assert desk.shown() == ["take 1@99.5"]
    desk.fill(desk.orders()["take"])
    closes(desk, 80)
    assert desk.shown() == []


def test_short_owes_as_much() -> None:
    desk = follower(short=True)
    closes(desk, 100, 100, 99)
    assert desk.shown() == ["take 1@99.5"]
    desk.fill(desk.orders()["take"])
    closes(desk, 110)
    assert desk.shown() == ["take 2@100.5"]


def test_nothing_is_wanted_before_a_signal_or_of_a_book_that_cannot_be_trusted() -> None:
    desk = follower()
    closes(desk, 100, 101, 102)
    assert desk.shown() == []
    desk.health(Health.DOWN)
    closes(desk, 90, 110)
    assert desk.shown() == []
    desk.book(99.5, 100.5)
    desk.tick(60)
    assert desk.shown() == ["take 1@100.5"]


def test_a_restart_goes_on_with_the_last_signal() -> None:
    desk = follower()
    closes(desk, 100, 100, 101)
    memories = {name: '{"signal":1}' for name, _ in desk.engine.memories() if name == "own"}
    assert dict(desk.engine.memories())["own"].signal == 1  # type: ignore[attr-defined]
    again = follower()
    again.engine.resume(memories)
    again.tick(60)
    assert again.shown() == ["take 1@100.5"]
    assert [each.explain() for each in (desk.engine.controllers[0], follower().engine.controllers[0])] == [  # type: ignore[attr-defined]
        "the signal is up",
        "no signal yet",
    ]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"fast": 100, "slow": 20}, "fast must be less than slow"),
        ({"rsi_low": "70", "rsi_high": "30"}, "rsi_low must be less than rsi_high"),
        ({"bb_long_threshold": "1"}, "bb_long_threshold must be less"),
        ({"quantity": "0"}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense(keys: dict[str, object], text: str) -> None:
    with pytest.raises((BadValue, ValueError), match=text):
        follower(**keys)


@pytest.mark.parametrize(
    ("signal", "made"),
    [
        ("moving_average_cross", MovingAverageCross),
        ("bollinger", BollingerTouch),
        ("macd_bollinger", MacdBollinger),
        ("rsi", RsiTurn),
    ],
)
def test_every_signal_can_be_chosen(signal: str, made: type) -> None:
    keys = {"exchange": "sim", "trading_pair": "BTC-USDT", "quantity": "1", "signal": signal}
    assert type(SignalFollower.Config(**keys).make_signal()) is made  # type: ignore[arg-type]
