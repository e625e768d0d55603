"""A bot that is killed again and again while it trades on an exchange in another process, and what must hold then.

Real processes, a real disk, real signals. The checks read the venue's own books and the file of the order log with
plain SQL; nothing of the bot's memory or of its own accounting is believed.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct, field

from connectors.simulated.asking import inspect
from connectors.simulated.link import Inspection
from engine.app.bot_entry import BotEntry, BotState, read_entry
from engine.app.bot_folder import BotFolder
from engine.store.verify import verify

ROOT = Path(__file__).parents[2]
NAME = "maker"
START_SECONDS = 30.0
STOP_SECONDS = 70.0
FROZEN_SECONDS = 3.0
READY = (BotState.RUNNING, BotState.PAUSED)
SCENARIO = """\
name: lively
trading_pair: BTC-USDT
start_price: 60000
volatility: 4
market_update_interval: 50ms
book: {spread: 3bps, levels: 5, depth: 12 BTC}
participants: {trade_rate: 60/s, trade_size: 0.01 BTC}
"""
BOT = """\
name: maker
tick: 20ms
wake_on: [fill]
exchanges:
  sim: {{connector: simulated_remote, socket: "{socket}"}}
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC-USDT
  bid_spread: 0.03%
  ask_spread: 0.03%
  order_amount: 0.02
  order_levels: 3
  order_level_spread: 0.03%
  order_refresh_time: 100ms
  order_refresh_tolerance: 0.2bps
  filled_order_delay: 0s
  take_if_crossed: true
"""


class Figures(Struct):
    """Of a campaign. `differences` has one sentence for everything that is not as it must be."""

    kills: int = 0
    kills_while_starting: int = 0
    terminations: int = 0
    freezes: int = 0
    orders: int = 0
    fills: int = 0
    run_seconds: list[float] = field(default_factory=list)  # from the start of the process until it trades
    differences: list[str] = field(default_factory=list)


class Campaign:
    """One venue and one bot in a folder of their own. `seed` decides when which signal strikes, and the market.

    The bot trades for at most `trade_seconds` each time.
    """

    def __init__(self, home: Path, seed: int, trade_seconds: float) -> None:
        self.figures = Figures()
        self.books: Inspection | None = None  # the venue's, after the run
        self._trade_seconds = trade_seconds
        self._home = home
        self._chance = Random(f"kills:{seed}")
        self._socket = home / "venue.sock"
        self._config = home / "conf" / f"{NAME}.yml"
        self._config.parent.mkdir(exist_ok=True)
        self._config.write_text(BOT.format(socket=self._socket))
        scenario = home / "lively.yml"
        scenario.write_text(SCENARIO)
        self._files = BotFolder(home, NAME)
        self.order_log = self._files.orders
        words = ["venue", "--socket", str(self._socket), "--scenario", str(scenario), "--seed", str(seed), "--json"]
        self._venue = self._spawn("venue", *words, stdout=subprocess.PIPE)

    def run(self, kills: int, freezes: int, terminations: int) -> Figures:
        """The course of the campaign; the figures, with everything that differs at the end."""
        try:
            assert self._venue.stdout is not None
            opened = self._venue.stdout.readline()
            assert json.loads(opened)["ok"], opened
            signals = [*["kill"] * (kills - freezes), *["freeze"] * freezes, *["terminate"] * terminations]
            self._chance.shuffle(signals)
            for what in signals:
                self._life(what)
            self._life("terminate")
            self.books = inspect(self._socket, NAME)
            self.figures.orders, self.figures.fills = self.books.orders, len(self.books.trades)
            self.figures.differences += differences(self.books, self.order_log)
        finally:
            self._venue.send_signal(signal.SIGTERM)
            self._venue.communicate(timeout=START_SECONDS)
        return self.figures

    # ---- one life

    def _life(self, what: str) -> None:
        """Start the bot, let it trade for a while, and end it. One kill in three strikes while it starts."""
        figures, chance = self.figures, self._chance
        begun = time.monotonic()
        amend = chance.choice(("auto", "never"))  # changes orders in place, or cancels and submits
        words = ["start", str(self._config), "--set", f"strategy.amend={amend}", "--userdir", str(self._home), "--json"]
        bot = self._spawn("bot", *words)
        if what == "kill" and chance.random() < 0.33:
            time.sleep(chance.random() * 0.6)
            figures.kills_while_starting += self._state(bot) not in READY
            self._kill(bot)
            return
        while self._state(bot) not in READY:
            if bot.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self._kill(bot)
                raise AssertionError(f"the bot does not start: exit {bot.returncode}\n{self._said()}")
            time.sleep(0.005)
        figures.run_seconds.append(time.monotonic() - begun)
        time.sleep(chance.random() * self._trade_seconds)
        if what == "terminate":
            self._terminate(bot)
            return
        if what == "freeze":
            figures.freezes += 1
            bot.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            bot.send_signal(signal.SIGCONT)
            time.sleep(chance.random())
        self._kill(bot)

    def _kill(self, bot: subprocess.Popen[bytes]) -> None:
        bot.kill()
        bot.wait()
        self.figures.kills += 1

    def _terminate(self, bot: subprocess.Popen[bytes]) -> None:
        self.figures.terminations += 1
        bot.terminate()
        code = bot.wait(STOP_SECONDS)
        if code != 0:
            self.figures.differences.append(f"a clean stop ended with exit {code}: {self._said()}")

    def _state(self, bot: subprocess.Popen[bytes]) -> BotState | None:
        entry: BotEntry | None = read_entry(self._files.entry)
        return entry.state if entry is not None and entry.pid == bot.pid else None

    def _spawn(self, log: str, *words: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        with (self._home / f"{log}.txt").open("ab") as file:
            command = [sys.executable, str(ROOT / "bot.py"), *words]
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout or file, stderr=file, cwd=self._home
            )

    def _said(self) -> str:
        lines = (self._home / "bot.txt").read_text().splitlines()[-10:]
        log = self._files.log.read_text().splitlines()[-20:] if self._files.log.exists() else []
        return "\n".join([*lines, *log])


# ---- the venue's books against the order log's file


def differences(venue: Inspection, orders: Path) -> list[str]:
    """One sentence for everything in which the file of an order log is not what the venue's books say."""
    log = sqlite3.connect(orders)
    try:
        found = [text for what, query in _LEFT.items() for text in _left(log, what, query)]
        ours = Counter(_fill_key(*row) for row in log.execute(_FILLS))
        (known,) = log.execute("SELECT count(*) FROM orders WHERE venue_order_id <> ''").fetchone()
        totals = {asset: Decimal(total) for asset, total in log.execute("SELECT asset, total FROM balances")}
    finally:
        log.close()
    theirs = Counter(_fill_key(*(getattr(each, name) for name in _COLUMNS)) for each in venue.trades)
    found += [f"trade {key} is not in the order log" for key in theirs - ours]
    found += [f"trade {key} of the order log is not the venue's, or there twice" for key in ours - theirs]
    if known != venue.orders:
        found.append(f"the order log has {known} orders that were accepted, the venue {venue.orders}")
    for balance in venue.balances:
        if totals.get(balance.asset) != balance.total:
            found.append(f"{balance.asset}: ours {totals.get(balance.asset)}, the venue's {balance.total}")
    found += [f"order {order.client_order_id} is still open" for order in venue.open_orders]
    found += [f"client order id {client_order_id} was used twice" for client_order_id in venue.reused]
    return found + verify(orders)


_COLUMNS = ("venue_order_id", "trade_id", "client_order_id", "side", "fee_asset", "price", "quantity", "fee")
_FILLS = f"SELECT {', '.join(_COLUMNS)} FROM fills WHERE source <> 'PROVISIONAL'"
_LEFT = {
    "provisional fill": "SELECT trade_id FROM fills WHERE replaced_by = '' AND source = 'PROVISIONAL'",
    "order that is not settled": "SELECT client_order_id FROM orders WHERE settled = 0",
}


def _left(log: sqlite3.Connection, what: str, query: str) -> list[str]:
    return [f"{what}: {name}" for (name,) in log.execute(query)]


def _fill_key(*values: Any) -> tuple[str, ...]:
    """Numbers as such: `0.10` is `0.1`."""
    *names, price, quantity, fee = values
    return (*map(str, names), *(format(Decimal(each).normalize(), "f") for each in (price, quantity, fee)))
