"""Logs: lines, levels, rotation."""

import json
from pathlib import Path

import pytest

from engine.app.log_file import Level, LogFile, last_lines, level_of, time_text

DAY_US = 86_400_000_000
NOON_US = 1_767_268_800_250_000  # 2026-01-01 12:00:00.25


def log_file(path: Path, *, as_json: bool = False, size_max: int = 10_000, keep: int = 3) -> LogFile:
    return LogFile(path, level=Level.INFO, as_json=as_json, size_max=size_max, keep=keep)


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "bot.log"
    log = log_file(path)
    log.write(Level.DEBUG, NOON_US, NOON_US, "I-X", "", "too little")
    log.write(Level.WARNING, NOON_US, NOON_US, "W-STALE", "sim:BTC-USDT", "no book\nfix: wait")
    log.write(Level.INFO, NOON_US, NOON_US, "I-STOP", "", "stopped")
    log.close()
    assert path.read_text() == (
        "2026-01-01 12:00:00.250Z WARNING W-STALE  sim:BTC-USDT: no book\n"
        "    fix: wait\n"
        "2026-01-01 12:00:00.250Z INFO    I-STOP   stopped\n"
    )
    assert [level_of(line) for line in last_lines(path, 5)] == [Level.WARNING, None, Level.INFO]
    assert len(last_lines(path, 2)) == 2
    assert last_lines(tmp_path / "none.log", 2) == []


def test_json_lines(tmp_path: Path) -> None:
    log = log_file(tmp_path / "bot.log", as_json=True)
    log.write(Level.ERROR, NOON_US, NOON_US, "E-DISK", "sim", "full\nfix: free space")
    log.close()
    (line,) = last_lines(tmp_path / "bot.log", 5)
    expected = {"at_us": NOON_US, "level": "error", "code": "E-DISK", "where": "sim", "text": "full\nfix: free space"}
    assert json.loads(line) == expected
    assert level_of(line) is Level.ERROR


def test_every_day_has_its_file_and_old_ones_go(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    log = log_file(path)
    for day in range(6):
        log.write(Level.INFO, 0, NOON_US + day * DAY_US, "I-X", "", f"day {day}")
    log.close()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["bot.log", "bot_2026-01-03.log", "bot_2026-01-04.log", "bot_2026-01-05.log"]
    assert "day 5" in path.read_text()
    assert "day 2" in (tmp_path / "bot_2026-01-03.log").read_text()


def test_a_file_that_is_too_large_is_put_aside(tmp_path: Path) -> None:
    log = log_file(tmp_path / "bot.log", size_max=10)
    for number in range(3):
        log.write(Level.INFO, 0, NOON_US, "I-X", "", f"entry {number}")
    log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bot.log", "bot_2026-01-01.log", "bot_2026-01-01_2.log"]


def test_a_log_goes_on(tmp_path: Path) -> None:
    for text in ("first", "second"):
        log = log_file(tmp_path / "bot.log")
        log.write(Level.INFO, 0, int((tmp_path / "bot.log").stat().st_mtime * 1e6), "I-X", "", text)
        log.close()
    assert [line.split()[-1] for line in last_lines(tmp_path / "bot.log", 5)] == ["first", "second"]


@pytest.mark.parametrize(("at_us", "text"), [(0, "1970-01-01 00:00:00.000Z"), (NOON_US, "2026-01-01 12:00:00.250Z")])
def test_times(at_us: int, text: str) -> None:
    assert time_text(at_us) == text
