"""Tells other programs that a backtest is over. It has no order log, so its messages wait in a file of their own."""

import asyncio
from pathlib import Path
from typing import Any

import engine
from engine.app.config.load import LoadedConfig
from engine.app.messaging.client import publisher_of
from engine.app.redaction import Redaction
from engine.core.clock import wall_us
from engine.messaging.envelope import encode
from engine.messaging.link import Link
from engine.messaging.payloads import Backtest
from engine.messaging.relay import Relay
from engine.messaging.topics import matches, routing_key
from engine.store.outbox import OwnOutbox

FILE = Path("data") / "outbox.sqlite"
SEND_SECONDS = 5.0
MESSAGES_MAX = 1_000_000  # that can wait


def tell_result(loaded: LoadedConfig, userdir: Path, result: dict[str, Any]) -> int:
    """Returns how many messages the broker has not taken yet."""
    run, money = result["run"], result["money"]
    data = Backtest(
        bot=run["name"],
        session_id=run["run"],
        strategies=run["strategies"],
        seed=run["seed"],
        start_us=run["start_us"],
        end_us=run["end_us"],
        complete=run["complete"],
        total_pnl=money["total_pnl"],
        return_ratio=money["return_ratio"],
        fills=result["orders"]["fills"],
        journal_hash=run["journal_hash"],
        error=None,
    )
    return _tell(loaded, userdir, "finished", data)


def tell_failure(loaded: LoadedConfig, userdir: Path, error: str) -> int:
    """Likewise, of a run that came to nothing."""
    config = loaded.config
    data = Backtest(
        bot=config.name,
        session_id="",
        strategies=[each.kind or each.use for each in config.strategies_by_name.values()],
        seed=config.seed,
        start_us=None,
        end_us=None,
        complete=False,
        total_pnl=None,
        return_ratio=None,
        fills=None,
        journal_hash=None,
        error=error,
    )
    return _tell(loaded, userdir, "failed", data)


def _tell(loaded: LoadedConfig, userdir: Path, verb: str, data: Backtest) -> int:
    config, now_us = loaded.config.messaging, wall_us()
    topic = routing_key("backtest", verb, data.strategies[0])
    if config.url is None or not any(matches(pattern, topic) for pattern in config.topics):
        return 0
    link = Link(config.url.get_secret_value(), config.exchange, config.queues, data.bot, engine.__version__)
    publisher = publisher_of(link)
    outbox = OwnOutbox.make(userdir / FILE)
    try:
        outbox.add(topic, Redaction(loaded.config).clean(encode(topic, now_us, now_us, data)))
        asyncio.run(_send(Relay(publisher, lambda seconds, reason: None), outbox))
        return len(outbox.unsent(MESSAGES_MAX))
    finally:
        outbox.close()


async def _send(relay: Relay, outbox: OwnOutbox) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await relay.drain(outbox)
    except TimeoutError:
        return  # they wait in the file
    finally:
        await relay.close()
