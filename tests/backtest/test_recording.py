"""Recording a live market: nothing is lost but what was missing, and a crash costs the last line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.binance.build import LiveSettings, Urls, prepare, venue_sheet
from engine.backtest.columns import RowKind
from engine.backtest.dataset import Dataset
from engine.backtest.market_recorder import MarketRecorder
from engine.model.errors import TickwrightError
from tests.backtest.capture_server import CaptureServer
from tests.backtest.files import capture_lines, import_one, rows_of, write
from tests.sim.loop.simloop import START_US
from tests.sim.loop.simnet import NetLoop, Weather, run_net, steady

WAY_US = 1_000
SECONDS = 30


def record(path: Path, lines: list[str], data: Path) -> int:
    """What the recorder writes of a capture that is played over sockets; how many events."""
    loop = NetLoop(1, weather=Weather(steady(WAY_US)))
    market = Dataset.open(data).market("BTC-USDT").instrument

    async def work() -> int:
        server = CaptureServer(loop, lines, market, WAY_US)
        port = await server.start()
        urls = Urls(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", "")
        connector = await prepare(LiveSettings("binance", ["BTC-USDT"], urls, None), loop.wall_us)
        counts: list[int] = []
        recorder = MarketRecorder(connector, venue_sheet(), loop.wall_us, counts.append)
        stop = asyncio.Event()
        running = asyncio.create_task(recorder.run(path, stop))
        await server.done.wait()
        await asyncio.sleep(1.5)
        stop.set()
        await running
        await server.stop()
        assert counts[-1] == recorder.events
        return recorder.events

    events: int = run_net(loop, work())
    return events


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data set that was played, and the recording of it."""
    folder = tmp_path_factory.mktemp("recording")
    lines = capture_lines(5, SECONDS, START_US + 900_000)
    import_one(write(folder / "walk.raw.gz", "".join(lines)), "capture", folder / "set")
    assert record(folder / "raw" / "a.jsonl", lines, folder / "set") == len(lines)
    return folder / "set", folder / "raw" / "a.jsonl"


def test_what_was_recorded_is_what_was_played(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    original, file = recorded
    market = import_one(file, "recording", tmp_path / "set")
    assert market.quality == Dataset.open(original).market("BTC-USDT").quality
    for found, expected in zip(rows_of(tmp_path / "set"), rows_of(original), strict=True):
        assert {name: column.tolist() for name, column in found.items()} == {
            name: column.tolist() for name, column in expected.items()
        }


def test_a_recording_that_was_cut_off_ends_there(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    text = recorded[1].read_text()
    whole = import_one(recorded[1], "recording", tmp_path / "whole")
    cut = import_one(write(tmp_path / "cut.jsonl", text[:-30]), "recording", tmp_path / "cut")
    assert 0 < whole.rows[0].rows - cut.rows[0].rows < 10
    lines = text.splitlines(keepends=True)
    damaged = write(tmp_path / "damaged.jsonl", "".join([*lines[:10], "[1]\n", *lines[10:]]))
    with pytest.raises(TickwrightError, match=r"damaged.jsonl, row 11: is no line of a recording"):
        import_one(damaged, "recording", tmp_path / "damaged")


def test_between_two_recordings_is_a_gap(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    """The second one begins with a snapshot, long after the first one ended."""
    lines = recorded[1].read_text().splitlines(keepends=True)
    first = write(tmp_path / "1.jsonl", "".join(lines[:100]))
    later = "".join(lines).replace("17672256", "17672257")  # a hundred seconds
    second = write(tmp_path / "2.jsonl", later)
    market = import_one(first, "recording", tmp_path / "set", files=[first, second])
    (columns,) = rows_of(tmp_path / "set")
    kinds = columns["kind"].tolist()
    assert (kinds.count(RowKind.GAP), kinds.count(RowKind.CLEAR)) == (1, 2)
    assert market.quality.gaps == 1
    assert 90_000_000 < market.quality.gap_us < 100_000_000
