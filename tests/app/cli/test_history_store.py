"""Commands about the history: a bot runs in real time, and everything can be asked for afterwards."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import polars
import pytest

from tests.app.cli.support import failed, ok, run

BOT = """name: maker
mode: simulated
exchanges:
  sim:
    connector: simulated
    trading_pairs: [BTC-USDT]
    balances: {BTC: 5, USDT: 300000}
    latency: 1ms
    market: {model: jump_diffusion, start_price: 60000, volatility: 400%}
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC-USDT
  bid_spread: 1bps
  ask_spread: 1bps
  order_amount: 0.01
  order_refresh_time: 2s
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a bot has run."""
    made = tmp_path_factory.mktemp("folder")
    (made / "conf").mkdir()
    (made / "conf" / "maker.yml").write_text(BOT)
    (made / "conf" / "settings.yml").write_text("store: {virtual: true, book_interval: 10s, ticks: true}\n")
    found = run("start", str(made / "conf" / "maker.yml"), "--for", "10m", "--speed", "max", cwd=made)
    assert found.exit_code == 0, found.output
    return made


def test_status(folder: Path, tmp_path: Path) -> None:
    found = ok("db", "status", "--metrics", str(tmp_path / "metrics.txt"), cwd=folder)
    assert (found["timescale"], found["revision"], found["lag_entries"]) == ("none", "0002", {"maker": 0})
    assert found["size_bytes"] > 100_000
    for table in ("orders", "trade", "order_event", "price_tick", "market_data_history", "order_book_snapshot"):
        assert found["rows"][table] > 5, table
    metrics = (tmp_path / "metrics.txt").read_text()
    assert 'tickwright_history_lag_entries{bot="maker"} 0\n' in metrics
    assert f'tickwright_history_rows{{table="trade"}} {found["rows"]["trade"]}\n' in metrics
    assert "price_tick" in run("db", "status", cwd=folder).output


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    if path.suffix == ".json":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return polars.read_parquet(path).to_dicts()


@pytest.mark.parametrize("kind", ["trades", "orders", "balances", "events", "transfers"])
def test_exports_say_the_same_in_every_format(folder: Path, tmp_path: Path, kind: str) -> None:
    found = {}
    for form in ("csv", "json", "parquet"):
        path = tmp_path / f"x.{form}"
        done = ok("export", kind, "maker", "--format", form, "--out", str(path), cwd=folder)
        found[form] = rows_of(path) if done["rows"] else []
        assert len(found[form]) == done["rows"]
    for form in ("json", "parquet"):
        for given, expected in zip(found[form], found["csv"], strict=True):
            assert {name for name in expected if name not in given} == set()
            for name in ("price", "quantity", "ts", "created_at", "total", "client_order_id"):
                if name in expected and expected[name] != "":
                    assert str(given[name]) == expected[name]


def test_trades_are_those_of_the_order_log(folder: Path) -> None:
    (section,) = ok("history", "maker", "--trades", cwd=folder)
    ok("export", "trades", "maker", "--format", "json", cwd=folder)
    rows = rows_of(folder / "reports" / "maker-trades.json")
    assert section["trades"] == len(rows) > 0
    names = ("trade_id", "client_order_id", "price", "quantity", "fee")
    assert [[row[name] for name in names] for row in rows] == [
        [trade[name] for name in names] for trade in section["trade_list"]
    ]


def test_profit_by_day_in_any_zone(folder: Path) -> None:
    """The session begins on 2026-01-01 at 00:00 UTC; in New York it is still the year before."""
    (section,) = ok("history", "maker", cwd=folder)
    (day,) = ok("history", "maker", "--by-day", cwd=folder)
    assert (day["day"], day["trades"], day["asset"]) == ("2026-01-01", section["trades"], "USDT")
    (earlier,) = ok("history", "maker", "--zone", "America/New_York", cwd=folder)
    assert earlier == day | {"day": "2025-12-31"}
    assert "2026-01-01" in run("history", "maker", "--by-day", cwd=folder).output
    assert failed("history", "maker", "--zone", "Mars", cwd=folder)[0] == 2
    assert "has not traded" in run("history", "other", "--by-day", cwd=folder).output


def test_balances_of_a_bot_that_has_ended(folder: Path) -> None:
    found = ok("balance", "maker", cwd=folder)
    assert [row["asset"] for row in found["balances"]] == ["BTC", "USDT"]
    assert "does not run; at" in run("balance", "maker", cwd=folder).output


def test_backup_and_restore(folder: Path, tmp_path: Path) -> None:
    files = [Path(file) for file in ok("db", "backup", str(tmp_path / "copies"), cwd=folder)]
    assert {file.name.rpartition("-")[0].rpartition("-")[0] for file in files} == {"maker-orders", "history"}
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    files[-1].rename(other / "data" / "history.sqlite")
    here = ok("db", "status", cwd=folder)["rows"]
    assert ok("db", "status", cwd=other)["rows"] == here
    dumped = ok("db", "export", str(tmp_path / "dump"), "--format", "parquet", cwd=other)
    assert dumped == here
    assert len(rows_of(tmp_path / "dump" / "trade.parquet")) == here["trade"]


def test_what_is_stored_is_sound_or_is_not(folder: Path, tmp_path: Path) -> None:
    files = [Path(file) for file in ok("db", "backup", str(tmp_path / "copies"), cwd=folder)]
    bot = tmp_path / "data" / "bots" / "maker"
    bot.mkdir(parents=True)
    log, history = bot / "orders.sqlite", tmp_path / "data" / "history.sqlite"
    for file, place in zip(files, (log, history), strict=True):
        file.rename(place)
    assert ok("db", "check", cwd=tmp_path) == [str(log), str(history)]
    assert ok("audit", "verify", cwd=tmp_path) == [str(history)]
    for path, statements in (
        (log, ["DROP TRIGGER order_events_keep", "UPDATE order_events SET source = 'me' WHERE seq = 4"]),
        (history, ["DROP TRIGGER audit_log_update", "UPDATE audit_log SET actor = 'me' WHERE seq = 1"]),
    ):
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
    code, error = failed("db", "check", cwd=tmp_path)
    assert (code, error["code"], [each["where"] for each in error["problems"]]) == (
        1,
        "E-DAMAGED",
        [str(log), str(history)],
    )
    assert "order_events 4 is not as it was written" in error["detail"]
    assert "audit_log 1 is not as it was written" in failed("audit", "verify", cwd=tmp_path)[1]["detail"]


def test_prune_deletes_old_market_data_only(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    (other / "conf").mkdir()
    (file,) = [each for each in ok("db", "backup", str(tmp_path), cwd=folder) if "history" in each]
    Path(file).rename(other / "data" / "history.sqlite")
    before = ok("db", "status", cwd=other)["rows"]
    (other / "conf" / "settings.yml").write_text("store: {retention: {price_tick: 1us, order_book_snapshot: 30d}}\n")
    assert ok("db", "prune", cwd=other) == {"price_tick": before["price_tick"], "order_book_snapshot": 0}
    assert ok("db", "status", cwd=other)["rows"] == before | {"price_tick": 0}


def test_a_folder_without_history(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    code, error = failed("db", "status", cwd=tmp_path)
    assert (code, error["code"]) == (1, "E-STORE")
    assert ok("db", "upgrade", cwd=tmp_path) == {"before": "", "after": "0002", "level": "none"}
    assert ok("db", "upgrade", cwd=tmp_path)["before"] == "0002"
    assert ok("db", "status", cwd=tmp_path)["rows"]["trade"] == 0


def test_the_address_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "settings.yml").write_text("store: {url: '${DATABASE_URL:-}'}\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@127.0.0.1:1/none")
    code, error = failed("db", "status", cwd=tmp_path)
    assert (code, error["where"]) == (1, "postgresql+asyncpg://me:***@127.0.0.1:1/none")
    monkeypatch.setenv("DATABASE_URL", "oracle://x")
    assert failed("db", "status", cwd=tmp_path)[1]["code"] == "E-CONFIG"


def test_stored_trades_are_repeated_on_the_public_feed(folder: Path, tmp_path: Path) -> None:
    """A bot that only looks, at what another one saw; what it sees is stored again and is the same."""
    (session,) = {row["session_id"] for row in sessions_of(folder)}
    path = tmp_path / "market.gz"
    made = ok("data", "from-history", "sim:BTC-USDT", "--session", session, "--out", str(path), cwd=folder)
    assert made["trades"] == ok("db", "status", cwd=folder)["rows"]["price_tick"]
    other = tmp_path / "other"
    (other / "conf").mkdir(parents=True)
    market = f"market: {{model: replay, path: {path}}}"
    lines = [market.rjust(len(market) + 4) if "market:" in line else line for line in BOT.splitlines()]
    text = "\n".join(lines).replace("order_amount: 0.01", "order_amount: 0.01").replace("1bps", "10%")
    (other / "conf" / "maker.yml").write_text(text)
    (other / "conf" / "settings.yml").write_text("store: {virtual: true}\n")
    assert run("start", str(other / "conf" / "maker.yml"), "--speed", "max", cwd=other).exit_code == 0
    assert ticks_of(other) == ticks_of(folder)
    code, error = failed("data", "from-history", "sim:ETH-USDT", "--out", str(path), cwd=folder)
    assert (code, error["detail"]) == (6, "nothing is known of sim:ETH-USDT")
    code, error = failed("data", "from-history", "sim:BTC-USDT", "--session", "none", "--out", str(path), cwd=folder)
    assert (code, error["detail"]) == (6, "there is no session none")
    late = ["--start", "2030-01-01", "--session", session, "--out", str(tmp_path / "none.gz")]
    assert failed("data", "from-history", "sim:BTC-USDT", *late, cwd=folder)[0] == 6


def sessions_of(folder: Path) -> list[dict[str, Any]]:
    ok("export", "orders", "maker", "--format", "json", "--out", str(folder / "x.json"), cwd=folder)
    return rows_of(folder / "x.json")


def ticks_of(folder: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "data" / "history.sqlite")
    query = "SELECT price, quantity, aggressor FROM price_tick ORDER BY ts, sequence"
    found = connection.execute(query).fetchall()
    connection.close()
    return found
