"""`tickwright backtest` with a real RabbitMQ, with none, and without data."""

from pathlib import Path

import pytest

from engine.messaging.envelope import decode
from engine.messaging.payloads import Backtest
from tests.app.cli.support import failed, ok, run
from tests.messaging.broker import Broker
from tests.messaging.test_sessions import fetch
from tests.messaging.test_sessions import queue as queue

pytestmark = pytest.mark.xdist_group("rabbitmq")
QUEUES = ("--set", "messaging.queues={accounting: ['backtest.#']}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ok("init", str(tmp_path))
    return tmp_path


def told(queue: str) -> list[tuple[str, Backtest]]:
    topics = [(message.routing_key or "", message.body) for message in fetch(queue)]
    return [(topic, decode(topic, body).data) for topic, body in topics]


def test_what_is_told_of_a_backtest(broker: Broker, queue: str, home: Path) -> None:
    url, file = {"TICKWRIGHT_AMQP_URL": broker.url("tickwright")}, str(home / "conf" / "backtest.yml")
    away = {"TICKWRIGHT_AMQP_URL": "amqp://tickwright:secret@127.0.0.1:1/"}
    assert failed("backtest", file, *QUEUES, cwd=home, env=url)[0] != 0, "there are no data yet"
    ok("data", "simulate", "--ticks", "300", cwd=home)
    result = run("backtest", file, cwd=home, env=away)
    assert result.exit_code == 0
    assert "the broker did not take 1 messages in time; the next backtest sends them" in result.output
    answer = ok("backtest", file, *QUEUES, "--set", "seed=9", cwd=home, env=url)
    ok("backtest", file, *QUEUES, "--set", "messaging.topics=[order.#]", cwd=home, env=url)
    (_, lost), (_, first), (topic, second) = told(queue)
    assert topic == "backtest.finished.pure_market_making"
    assert lost.error
    assert (lost.bot, lost.complete, lost.total_pnl) == ("pmm-backtest", False, None)
    assert (first.error, first.seed, second.seed) == (None, 7, 9)
    assert second.session_id == answer["run"]["run"]
    assert (second.total_pnl, second.fills) == (answer["money"]["total_pnl"], answer["orders"]["fills"])
    assert second.complete
