"""One recorded market three ways: as a backtest, as paper through sockets, and as a replay of the paper session.

The engine, the strategy and the rules of filling are the same objects. What differs is when an answer becomes known:
a backtest sees that no row comes before a command, a live session has to wait for the next row to know it. With steady
latencies far below a tick nothing of that reaches a decision, and orders and fills are the same.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, count, groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from connectors.binance.build import LiveSettings, Urls, prepare
from engine.app.backtest import EPOCH, ORDER_TAG
from engine.app.build import build_engine, put_on_paper
from engine.app.config.load import load_bot
from engine.app.config.models import RealExchange
from engine.app.config_text import config_text
from engine.app.queue_calibration import calibrate_queue
from engine.app.replaying import replay_journal
from engine.backtest.columns import RowKind
from engine.backtest.dataset import Dataset
from engine.backtest.tables import read_table
from engine.core.clock import run_live
from engine.core.driver import Driver
from engine.core.journal import Header, JournalWriter
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Record
from engine.model.enums import OperatorAction
from engine.model.event import Event, OperatorCommand
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import AmendOrder, SubmitOrder
from tests.backtest.capture_server import CaptureServer
from tests.backtest.files import capture_lines, import_one, rows_of, write
from tests.backtest.runs import run
from tests.sim.loop.session import LoopClock
from tests.sim.loop.simloop import START_US
from tests.sim.loop.simnet import NetLoop, Weather, run_net, steady
from tests.support import shared

BEGIN_US = START_US + 10_000_000
WAY_US = 1_000
OFF_TICK_US = 300  # in a backtest an answer of the very µs of a tick is heard before it, in a live session by chance
RECORDED = "mode: backtest\nexchanges:\n  binance:\n    connector: recorded"
LIVE = "mode: paper\nexchanges:\n  binance:\n    connector: binance\n    maker_fee: 2bps\n    taker_fee: 5bps"
ORDER = ("client_order_id", "created_us", "price", "quantity", "filled")
FILL = ("event_us", "client_order_id", "side", "price", "quantity", "fee")


@dataclass(frozen=True, slots=True)
class Recording:
    """A market as Binance's frames, by `<receive ns> <JSON>`; how long it is played, and how closely it is quoted."""

    lines: list[str]
    seconds: int
    spread: str

    @property
    def end_us(self) -> int:
        return BEGIN_US + self.seconds * 1_000_000


def walk() -> Recording:
    """Two minutes of a random walk."""
    return Recording(capture_lines(3, 121, BEGIN_US), 120, "0.2bps")


def hour() -> Recording:
    """The first hour of Bitstamp's real market, in Binance's words."""
    with TemporaryDirectory() as name:
        path = shared("data/l2/bitstamp_l3_btcusd_20150501.log.xz")
        import_one(path, "bitstamp", Path(name), venue="bitstamp")
        columns = rows_of(Path(name))[0]
        market = Dataset.open(Path(name)).market("BTC-USDT").instrument
    begin = int((columns["kind"] == RowKind.CLEAR).argmax())
    shift_us = BEGIN_US + OFF_TICK_US - int(columns["event_us"][begin])
    end = int(columns["event_us"].searchsorted(BEGIN_US - shift_us + 3_601_000_000))
    chosen = [columns[each][begin:end].tolist() for each in ("event_us", "message", "kind", "ticks", "lots")]
    updates = count(1)
    messages = groupby(zip(*chosen, strict=True), itemgetter(0, 1))
    frames = (_frames(updates, at[0] + shift_us, [row[2:] for row in rows], market) for at, rows in messages)
    return Recording(list(chain.from_iterable(frames)), 3_600, "2bps")


def eleven_minutes() -> Recording:
    """Binance's own frames, as they were received: but for the times, which are moved by a constant."""
    lines: list[str] = []
    shift_ms = 0
    for day in ("20240808", "20240809"):
        with gzip.open(shared(f"data/l2/binance_spot_btcusdt_{day}.raw.gz"), "rt") as file:
            for line in file:
                stamp, body = line.split(" ", 1)
                if not (body.startswith('{"last') or "@depth" in body[:40] or "@trade" in body[:40]):
                    continue
                shift_ms = shift_ms or BEGIN_US // 1_000 - int(stamp) // 1_000_000
                frame = json.loads(body)
                for name in ("E", "T"):
                    if name in frame.get("data", ()):
                        frame["data"][name] += shift_ms
                text = f"{int(stamp) + shift_ms * 1_000_000} {json.dumps(frame)}\n"
                lines.insert(0, text) if "lastUpdateId" in frame else lines.append(text)
    end_ns = (BEGIN_US + 641_000_000) * 1_000
    return Recording([line for line in lines if int(line.partition(" ")[0]) < end_ns], 640, "0.5bps")


def _frames(updates: Iterator[int], at_us: int, rows: list[tuple[int, int, int]], market: Instrument) -> Iterator[str]:
    """A message as trades, a depth snapshot, or changes of the book."""
    head, event = f"{(at_us + 5_000) * 1_000} ", {"E": at_us, "s": "BTCUSDT"}
    levels: dict[int, list[list[str]]] = {RowKind.BID: [], RowKind.ASK: []}
    for number, (kind, ticks, lots) in enumerate(rows):
        price, quantity = to_text(ticks * market.price_step), to_text(lots * market.quantity_step)
        if kind in levels:
            levels[kind].append([price, quantity])
        elif kind != RowKind.CLEAR:
            trade = {"t": at_us + number, "p": price, "q": quantity, "T": at_us, "m": kind == RowKind.SELL}
            yield f"{head}{json.dumps({'stream': 'btcusdt@trade', 'data': event | trade})}\n"
    bids, asks = levels[RowKind.BID], levels[RowKind.ASK]
    if rows[0][0] == RowKind.CLEAR:
        yield head + json.dumps({"lastUpdateId": 0, "bids": bids, "asks": asks}) + "\n"
    elif bids or asks:
        update = next(updates)
        depth = {"U": update, "u": update, "b": bids, "a": asks}
        yield f"{head}{json.dumps({'stream': 'btcusdt@depth@100ms', 'data': event | depth})}\n"


class Heard:
    """What a session asked for before its end, and got."""

    def __init__(self, end_us: int) -> None:
        self._end_us = end_us
        self.sent: list[tuple[int, SubmitOrder | AmendOrder]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.orders: dict[str, tuple[Any, ...]] = {}

    def hear(self, now_us: int, record: Record) -> None:
        if isinstance(record, SubmitOrder | AmendOrder) and now_us <= self._end_us:
            self.sent.append((now_us, record))

    def changed(self, change: Change) -> None:
        order = change.order
        self.orders[order.client_order_id] = (order.created_us, order.price, order.quantity, order.filled)
        if change.fill is not None:
            fill = change.fill
            terms = (fill.price, fill.quantity, fill.fee)
            self.fills.append((fill.event_us, fill.client_order_id, fill.side.value, *terms))


class PaperSession:
    """The bot of the configuration on paper, in virtual time, against the capture."""

    def __init__(self, loop: NetLoop, recording: Recording, loaded: Any, data: Path) -> None:
        self.heard = Heard(recording.end_us)
        self._end_us = recording.end_us
        self.journal = io.BytesIO()
        self._loop = loop
        self._loaded = loaded
        market = Dataset.open(data).market("BTC-USDT")
        ahead_us = -market.quality.clock_shift_us
        self._server = CaptureServer(loop, recording.lines, market.instrument, WAY_US, ahead_us)

    async def run(self) -> None:
        port = await self._server.start()
        clock = LoopClock(self._loop)
        urls = Urls(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", "")
        market = await prepare(LiveSettings("binance", ["BTC-USDT"], urls, None), clock.now_us)
        start_us, config = clock.now_us(), self._loaded.config
        exchange = config.exchanges["binance"]
        assert isinstance(exchange, RealExchange)
        paper: Any = put_on_paper(config, exchange, market)
        instruments = paper.instruments
        header = Header(
            version="test",
            session_id="test",
            config=config_text(self._loaded),
            config_hash=self._loaded.hash,
            seed=config.seed,
            instruments=tuple(instruments),
            grid_us=config.tick,
            order_tag=ORDER_TAG,
            epoch=EPOCH,
            started_us=start_us,
        )
        journal = JournalWriter(self.journal, header)
        ids = OrderIds(ORDER_TAG, EPOCH)
        sinks = [self.heard.hear, journal.write]
        engine = build_engine(config, instruments, ids, start_us, sinks, self.heard.changed)
        driver = Driver(engine, [], lambda requests: "", [paper])
        wake = asyncio.Event()

        def hear(events: list[Event]) -> None:
            driver.hear(events)
            if engine.due_us <= clock.now_us():
                wake.set()

        connection = asyncio.create_task(paper.run(hear, clock.now_us))  # type: ignore[arg-type]
        await run_live(driver, clock, wake, self._end_us)
        hear([OperatorCommand(OperatorAction.STOP, "test", "", clock.now_us())])
        await run_live(driver, clock, wake, self._end_us + 10_000_000)
        connection.cancel()
        with suppress(asyncio.CancelledError):
            await connection
        await self._server.stop()
        journal.close()
        self.market = paper.markets["binance:BTC-USDT"]


Parity = tuple[PaperSession, Path, Any]


@pytest.fixture(scope="module", params=[walk, hour])
def parity(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parity:
    return both_ways(request.param(), tmp_path_factory.mktemp("parity"))


def both_ways(recording: Recording, folder: Path) -> Parity:
    """As paper and as a backtest."""
    import_one(write(folder / "raw" / "walk.raw.gz", "".join(recording.lines)), "capture", folder / "set")
    spreads = {"bid_spread": recording.spread, "ask_spread": recording.spread}
    strategy = {**spreads, "order_refresh_time": "2s", "filled_order_delay": "1s"}
    end = f"{datetime.fromtimestamp(recording.end_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
    settings = [*(f"strategy.{name}={value}" for name, value in strategy.items()), f"data.end={end}"]
    results, result = run(folder / "backtest", folder / "set", *settings)
    loop = NetLoop(1, weather=Weather(steady(WAY_US)))
    live = write(folder / "live.yml", (folder / "backtest" / "bot.yml").read_text().replace(RECORDED, LIVE))
    text = "\n".join(line for line in live.read_text().splitlines() if not line.startswith("data:"))
    session = PaperSession(loop, recording, load_bot([write(live, text)], settings[:-1]), folder / "set")
    run_net(loop, session.run())
    return session, results, result


def fills_of(results: Path) -> list[tuple[Any, ...]]:
    return [(*row[:3], *map(Decimal, row[3:])) for row in read_table(results, "fills").select(FILL).iter_rows()]


def test_backtest_and_paper_send_and_get_the_same(parity: Parity) -> None:
    session, results, result = parity
    fills = fills_of(results)
    assert len(fills) > 20
    assert session.heard.fills == fills
    orders = {
        row[0]: (row[1], *map(Decimal, row[2:])) for row in read_table(results, "orders").select(ORDER).iter_rows()
    }
    assert len(orders) > 20
    assert session.heard.orders == orders
    kinds = [type(each) for _, each in session.heard.sent]
    assert kinds.count(SubmitOrder) == result["orders"]["submitted"]
    assert kinds.count(AmendOrder) == result["orders"]["amended"] > 20
    assert session.market.late_rows == session.market.off_grid == 0


@pytest.mark.slow
def test_trades_that_come_after_the_depth_that_they_changed_are_late_in_a_live_session(tmp_path: Path) -> None:
    """Binance's streams do not wait for each other. A backtest knows when those trades were, a live session only that
    they are over: it gives them the time of the row before. Until the first of them matters all is the same.
    """
    session, results, result = both_ways(eleven_minutes(), tmp_path)
    fills, heard = fills_of(results), session.heard.fills
    assert 0 < session.market.late_rows < 0.02 * result["run"]["rows"]
    assert heard[:90] == fills[:90]
    assert len(heard) == pytest.approx(len(fills), rel=0.05)
    assert sum(fill[4] for fill in heard) == pytest.approx(sum(fill[4] for fill in fills), rel=Decimal("0.02"))
    assert len(session.heard.orders) == pytest.approx(result["orders"]["submitted"], rel=0.02)


@pytest.fixture
def journal(parity: Parity, tmp_path: Path) -> Path:
    file = tmp_path / "session.twj"
    file.write_bytes(parity[0].journal.getvalue())
    return file


def test_the_journal_of_the_paper_session_replays(journal: Path) -> None:
    report = replay_journal(journal)
    assert report.result is not None
    assert report.result.identical, report.result


def test_the_queue_model_that_filled_the_session_is_found_in_its_journal(journal: Path) -> None:
    (market,) = calibrate_queue(journal).values()
    models = {each["model"]: each["error_s"] for each in market["models"]}
    assert market["orders"] > 20
    assert market["real"]["fill_rate"] > 0.1
    assert models["risk_averse"] == 0 < models["none"]
