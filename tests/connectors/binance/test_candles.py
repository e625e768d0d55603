"""Candles of Binance: frames and answers, their order around a new connection, the whole way from a served venue."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.base.outcomes import Failed
from connectors.binance.build import LiveSettings, addresses, credentials, prepare
from connectors.binance.candles import Candles, Series
from connectors.binance.parse import INTERVALS_US, MarketDataParser
from engine.core.ports import LiveConnector
from engine.model.enums import Channel, Outcome, Side
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, Event
from engine.model.market import Candle, PublicTrade
from engine.model.request import Reconnect
from tests.contract.adapter import Clock
from tests.contract.binance import KEY, SECRET, BinanceAdapter
from tests.contract.rig import ASK, Rig, run_rig
from tests.sim.loop.session import MARKET, PAIR, VENUE
from tests.sim.loop.simnet import NetLoop, run_net

MINUTE_US = INTERVALS_US["1m"]
OPEN_US = 1_700_000_040_000_000
NUMBERS = ("1.5", "2.5", "0.5", "2", "7")


def candle(number: int) -> Candle:
    open_us = OPEN_US + number * MINUTE_US
    return Candle("x:A-B", MINUTE_US, open_us, open_us + MINUTE_US, *map(Decimal, NUMBERS), True, 9)


def frame(**kline: object) -> bytes:
    names = dict(zip("ohlcv", NUMBERS, strict=True))
    told = {"t": OPEN_US // 1_000, "s": "AB", "i": "1m", "x": True, **names, **kline}
    return json.dumps({"stream": "ab@kline_1m", "data": {"e": "kline", "s": "AB", "k": told}}).encode()


def row(number: int) -> list[object]:
    open_us = OPEN_US + number * MINUTE_US
    return [open_us, *NUMBERS, open_us + MINUTE_US - 1, "14", 3, "1", "2", "0"]


@pytest.fixture
def parser() -> MarketDataParser:
    return MarketDataParser({"AB": "x:A-B"})


def test_a_frame(parser: MarketDataParser) -> None:
    assert parser.parse(frame(), 9) == (candle(0),)
    assert parser.parse(frame(t=OPEN_US), 9) == (candle(0),)
    assert parser.parse(frame(x=False), 9) == ()
    for bad in ({"i": "1w"}, {"s": "XY"}, {"o": "-1"}, {"x": None}):
        with pytest.raises(BadMessage):
            parser.parse(frame(**bad), 9)
    assert "kline" not in parser.channels


def test_an_answer_without_what_forms_still(parser: MarketDataParser) -> None:
    body = json.dumps([row(0), row(1), row(2)]).encode()
    closed = parser.parse_candles(body, "x:A-B", MINUTE_US, OPEN_US + 2 * MINUTE_US, 9)
    assert closed == [candle(0), candle(1)]
    with pytest.raises(BadMessage):
        parser.parse_candles(b"[[1,2]]", "x:A-B", MINUTE_US, OPEN_US, 9)


def test_what_closes_before_the_past_is_told_waits() -> None:
    loop, told = NetLoop(1), list[Event]()
    trade = PublicTrade("x:A-B", "1", Decimal(1), Decimal(1), Side.BUY, 0, 0)

    async def ask(series: Series) -> Sequence[Candle]:
        await asyncio.sleep(1)
        if series[0] == "DEAF":
            raise Failed(Outcome.AMBIGUOUS, "timeout", "no answer")
        return [candle(0), candle(1)]

    async def main() -> None:
        series = [("AB", MINUTE_US), ("DEAF", MINUTE_US)]
        candles = Candles("x", series, ask, told.extend, loop.wall_us)
        assert candles.streams == ["ab@kline_1m", "deaf@kline_1m"]
        candles.hold()
        assert candles.passed([trade]) == [trade]
        catching_up = asyncio.create_task(candles.catch_up())
        assert candles.passed([trade, candle(2)]) == [trade]
        await catching_up
        assert told[:2] == [candle(0), candle(1)]
        assert isinstance(told[2], BadMessageSeen)
        assert told[3:] == [candle(2)]
        assert candles.passed([candle(3)]) == [candle(3)]
        nobody = Candles("x", [], ask, told.extend, loop.wall_us)
        nobody.hold()
        assert nobody.passed([candle(3)]) == [candle(3)]

    run_net(loop, main())


class WithCandles(BinanceAdapter):
    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        urls = addresses(f"http://127.0.0.1:{port}")
        settings = LiveSettings(VENUE, [PAIR], urls, credentials(KEY, SECRET), seed=seed)
        return await prepare(replace(settings, candles=[(PAIR, INTERVALS_US["1s"])]), now_us)


def test_candles_of_a_served_venue() -> None:
    """Each once or more, none left out and in their order, over a connection that is lost."""

    async def main(rig: Rig) -> None:
        for number in range(40):
            await rig.submit(Side.BUY, "0.01", str(ASK))
            if number == 20:
                rig.connector.send(Reconnect(VENUE, Channel.MARKET))
            await asyncio.sleep(0.5)
        opens = [each.open_us for each in rig.all(Candle)]
        assert {(each.instrument_id, each.interval_us, each.closed) for each in rig.all(Candle)} == {
            (MARKET, 1_000_000, True)
        }
        seen = sorted(set(opens))
        assert len(seen) >= 18
        assert seen == list(range(seen[0], seen[-1] + 1, 1_000_000))
        newest = [max(opens[: number + 1]) for number in range(len(opens))]
        fresh = [at_us for at_us, before_us in zip(opens[1:], newest, strict=False) if at_us > before_us]
        assert fresh == seen[1:]

    run_rig(WithCandles(), main)
