"""Real failures of other bots that take a whole session to happen: the same story told to our engine, log and venue.

The number in front of each docstring is that of the list in the design of the order life cycle; see also
test_peer_order_failures.py and test_peer_defects.py. Sessions of the simulation run under its own invariants.
"""

import os
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.base.credentials import credentials
from connectors.base.outcomes import Failed
from connectors.simulated.faults import FaultRates, only
from engine.core.executors.quote import QuoteExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.modes import CauseKind, Mode
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OperatorAction, Outcome, Side
from engine.model.event import ConnectorStatus, OperatorCommand, RequestFailed
from engine.model.money import is_multiple, to_text
from engine.model.quote import Quote
from engine.model.request import SubmitOrder, SyncClock
from tests.core.test_agreement import Watched
from tests.desk import BTC, START_US, Desk, d
from tests.sim.campaign import run_seed
from tests.sim.harness import Run
from tests.strategies.pmm import Maker

SEEDS = range(3)


def session(seed: int, faults: FaultRates, **more: Any) -> dict[str, Any]:
    """A session that breaks no invariant."""
    result = run_seed(seed, rates=faults, **more)
    assert result["violations"] == {}
    assert result["fills"] > 0
    return result


@pytest.mark.parametrize("peer", ["bytex#30", "nautilus_trader#3104"])
def test_a_difference_of_positions_is_not_merely_logged(peer: str) -> None:
    """25: the mismatch was written to the log, and trading went on."""
    watched = Watched()
    watched.total = Decimal(99)
    watched.run(70)
    assert watched.kinds() == [CauseKind.LEDGER]
    assert watched.engine.halt.mode(BTC) is Mode.SAFE
    assert watched.engine.halt.refuses(BTC, "mm", reduce_only=False)


@pytest.mark.parametrize("peer", ["hummingbot#1508", "hummingbot#720"])
def test_nothing_is_ordered_after_the_stop(peer: str) -> None:
    """26: new orders went out while the bot was stopping, and stayed."""
    maker = Maker()
    maker.tick()
    assert len(maker.orders()) == 2
    maker.engine.apply(OperatorCommand(OperatorAction.STOP, "operator", "", maker.state.now_us))
    for second in range(30):
        maker.book(99.5 + second, 100.5 + second)
        maker.tick()
        assert maker.submitted() == []
    assert maker.orders() == {}


def test_no_ghosts_after_a_power_loss() -> None:
    """27, Krypto-trading-bot#699: orders stayed that nobody knew of."""
    results = [session(seed, only("crash_rate", "log_loss", scale=4)) for seed in SEEDS]
    assert any(result["log_losses"] and "adopted" in result["marks"] for result in results)


@pytest.mark.parametrize("peer", ["ict_2025#73", "unicorn-binance#275", "Binance.Net#796", "binance-connector-rust#74"])
def test_an_expired_listen_key_costs_no_fill(peer: str) -> None:
    """29: the stream ended, or said nothing any more, and the bot did not recover."""
    result = session(len(peer), only("key_expiry_rate", scale=10))
    assert result["faults"]["key_expiry"]
    assert max(result["delays"]) < 40 * SECOND_US


@pytest.mark.parametrize("peer", ["openalgo#3", "NexusTrader#40"])
def test_an_open_but_silent_socket_is_noticed(peer: str) -> None:
    """30: the connection stood for hours, and nothing came through it."""
    result = session(len(peer), only("stall_rate", scale=4))
    assert result["faults"]["stall"]
    assert {"stream_stale", "mute_detected"} & set(result["marks"])


@pytest.mark.parametrize(
    "peer", ["coinbase-pro-node#372", "#380", "ccxws#180", "cryptofeed#727", "bitfinex-api-node#451"]
)
def test_no_strategy_sees_a_crossed_book(peer: str) -> None:
    """31: updates of the book were lost or doubled, and it crossed for good. The strategy here asserts that not."""
    result = session(len(peer), only("book", scale=20))
    assert result["faults"]["book"] > 20


def test_an_order_that_would_take_is_not_sent_again_and_again() -> None:
    """32, Krypto-trading-bot#934: post-only orders by a stale book, rejected in a storm."""
    maker = Maker(ask_order_level_spreads=[], ask_order_level_amounts=[])
    maker.answering = False
    for _ in range(600):
        maker.tick()
        for order in list(maker.orders().values()):
            maker.reject(order, "would_take")
    assert len(maker.log) <= 20


@pytest.mark.parametrize("peer", ["hummingbot#1291", "BTCT#427", "nefertiti#55"])
def test_whoever_is_told_to_wait_waits(peer: str) -> None:
    """33: after 429 came more requests, then 418, then retries while banned. I11 judges what leaves."""
    result = session(len(peer), only("r429", "ban", scale=3))
    assert result["faults"]["r429"]


@pytest.mark.parametrize("peer", ["hummingbot#462", "zenbot#879", "zenbot#1300"])
def test_a_lack_of_funds_is_asked_about_and_not_tried_for_ever(peer: str) -> None:
    """34: 100,000 orders a day."""
    desk = Desk(balances={"BTC": 0, "USDT": 0})
    executor = QuoteExecutor("mm/quotes", QuoteSettings())
    executor.set_quotes([Quote(BTC, Side.BUY, d(99), d(1), "bid_1")])
    desk.state.executors["mm/quotes"] = executor
    for _ in range(600):
        desk.tick()
    assert desk.log == []
    assert desk.engine.refusals <= 20


def test_what_cannot_be_taken_is_not_sent_for_ever() -> None:
    """35, binance-trading-bot#742: a structural reject, repeated without end."""
    maker = Maker(ask_order_level_spreads=[], ask_order_level_amounts=[])
    maker.answering = False
    for _ in range(3600):
        maker.tick()
        for order in list(maker.orders().values()):
            maker.reject(order, "invalid_order")
    assert len(maker.log) <= 70


@pytest.mark.parametrize("peer", ["ccxt#2281", "zenbot#1014", "binance-trade-bot#215"])
def test_a_clock_that_runs_away_is_measured_again(peer: str) -> None:
    """36: -1021 for ever."""
    watched = Watched()
    asked = watched.count(SyncClock)
    now_us = START_US + watched.at * SECOND_US
    ids = (BTC, "TEST1", "V1", Action.LOOKUP, Outcome.NOT_SENT, "timestamp", "timestamp")
    watched.engine.apply(RequestFailed(*ids, now_us, now_us, "sim"))
    watched.run(2)
    assert watched.count(SyncClock) == asked + 1
    session(len(peer), only("skew_us", "clock_step_us", "clock_drift_ppm"))


@pytest.mark.parametrize("peer", ["python-binance#219", "python-binance#23", "XChange#2085", "volatility-bot#19"])
def test_prices_and_quantities_are_whole_steps(peer: str) -> None:
    """37: LOT_SIZE and PRICE_FILTER, because of floats."""
    step, lot = d("0.07"), d("0.003")
    maker = Maker(rules={"price_step": "0.07", "quantity_step": "0.003"}, bid_spread="0.333%", order_amount="1.2345")
    for second in range(20):
        maker.book(d("99.53") + d(second) / 3, d("100.51") + d(second) / 3)
        maker.tick(30)
    sent = [request for request in maker.log if isinstance(request, SubmitOrder)]
    assert len(sent) > 4
    for request in sent:
        assert request.price is not None
        assert is_multiple(request.price, step)
        assert is_multiple(request.quantity, lot)


@pytest.mark.parametrize("peer", ["hummingbot#2679", "binance-trade-bot#66"])
def test_amounts_are_written_as_they_are(peer: str) -> None:
    """38: a minimum of 0.1000000000000000055, and orders of 0."""
    assert to_text(d("0.1") + d("0.2") - d("0.2")) == "0.1"
    desk = Desk()
    executor = QuoteExecutor("mm/quotes", QuoteSettings())
    executor.set_quotes([Quote(BTC, Side.BUY, d(99), d("0.0004"), "bid_1")])
    desk.state.executors["mm/quotes"] = executor
    for _ in range(5):
        desk.tick()
    assert desk.log == []


@pytest.mark.parametrize("peer", ["hummingbot#4289", "lumibot#662", "zipline#583", "zipline#1333"])
def test_local_time_decides_nothing(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """39: funding an hour off, because of a summer somewhere. The same session in two time zones."""
    hashes = []
    for zone in ("UTC", "America/St_Johns"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        hashes.append(Run(len(peer), rates=only("crash_rate"), hashed=True, safety_us=20 * SECOND_US).go()["hash"])
    monkeypatch.undo()
    time.tzset()
    assert "TZ" not in os.environ or os.environ["TZ"] != "America/St_Johns"
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("peers", "failure"),
    [
        (("freqtrade#4653", "freqtrade#7184"), "database is locked"),
        (("freqtrade#5621", "freqtrade#4038"), "database or disk is full"),
    ],
)
def test_a_log_that_cannot_be_written_loses_no_order(peers: tuple[str, ...], failure: str) -> None:
    """40: the order was placed, its row was lost. 41: the bot died of a full disk, with open positions."""
    for seed in SEEDS:
        run = Run(seed, rates=only("disk", scale=10))
        run.disk.failures = (failure,)
        result = run.go()
        assert result["violations"] == {}
        assert result["disk_failures"] > 3
        assert "cause_LOG" in result["marks"]


@pytest.mark.parametrize("peer", ["python-binance#908", "websockets#1619", "hermes-agent#57373"])
def test_a_loop_that_stood_still_trusts_nothing_of_before(peer: str) -> None:
    """42: the event loop was blocked, the stream froze, the orders stayed where they were."""
    result = session(len(peer), only("pause_rate", scale=20))
    assert result["faults"]["pause"]
    assert "cause_LOOP_STALL" in result["marks"]


@pytest.mark.parametrize("peer", ["openalgo#1855", "TradingAgents#1322", "MatterBot#286", "freqtrade#10924"])
def test_keys_are_in_no_message(peer: str) -> None:
    """44: secrets in error messages and URLs."""
    key = credentials("canary-key", "canary-secret")
    texts = [
        repr(key),
        f"{key.secret}",
        str([key.api_key]),
        str(Failed(Outcome.REJECTED, "-2015", f"bad {key.api_key}")),
    ]
    assert not any("canary" in text for text in texts)
    with pytest.raises(TypeError):
        msgspec.json.encode(key.secret)


def test_a_dead_stream_makes_the_account_safe() -> None:
    """30 and 29 as seen by the operator: half a minute without the private stream, and nothing of ours stands."""
    watched = Watched()
    watched.answering = False
    watched.engine.apply(ConnectorStatus("sim", Channel.USER, Health.DOWN, "closed", START_US + watched.at * SECOND_US))
    watched.run(35)
    assert CauseKind.STREAM_DEAD in watched.kinds()


def test_every_failure_of_the_list_has_a_test() -> None:
    """Their numbers are 1 to 44; each stands in the docstring of the test that tells its story."""
    texts = (path.read_text() for path in Path(__file__).parent.glob("test_peer_*_failures.py"))
    docstrings = [text for each in texts for text in re.findall(r'-> None:\n    """(.*?)"""', each, re.DOTALL)]
    told = {int(number) for text in docstrings for number in re.findall(r"(?<![#\w-])(\d{1,2})(?=[,:.]| and )", text)}
    assert set(range(1, 45)) - told == set()
