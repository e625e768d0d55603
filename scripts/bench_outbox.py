"""Speed of messages: describing and noting them, sending them over RabbitMQ with confirmations, taking them there.

`--json` prints one JSON object. The broker is the one of TICKWRIGHT_AMQP_URL; without it one is started for the while.
`noted` is the CPU time that trading pays for a message, commit included; `relayed` and `followed` are what the relay
and a consumer use, next to trading. `commit_to_arrival_ms` is the time until a consumer has it, one message at a time.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aio_pika

from engine.app.messaging.outbox import BotOutbox
from engine.messaging.describe import Describer
from engine.messaging.envelope import encode
from engine.messaging.link import Link
from engine.messaging.rabbit import RabbitPublisher
from engine.messaging.relay import Relay
from engine.model.enums import OrderType, Side
from engine.model.instrument import Instrument
from engine.model.order import Order
from engine.store.order_log import OrderLog
from scripts.calibrate import calibration
from tests.messaging.broker import Broker, missing

START_US = 1_700_000_000_000_000
QUEUE, TOPIC = "tickwright-bench", "order.open.bench"
INSTRUMENT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.0001"))
ORDER = Order(
    client_order_id="BENC000001000001",
    instrument_id=INSTRUMENT.instrument_id,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.01"),
    price=Decimal("50000.1"),
)
DESCRIBE = Describer("bench", "a-session", simulated=True)
PER_COMMIT = 20


def note(outbox: BotOutbox, log: OrderLog, count: int) -> float:
    """Write messages, with a commit after each twenty; returns CPU µs a message."""
    begin = time.process_time_ns()
    for number in range(count):
        body = encode(TOPIC, START_US, START_US, DESCRIBE.order(ORDER, INSTRUMENT))
        outbox.note(TOPIC, body, START_US)
        if number % PER_COMMIT == PER_COMMIT - 1:
            log.commit(START_US)
    log.commit(START_US)
    return (time.process_time_ns() - begin) / count / 1000


async def measure(url: str, folder: Path, count: int) -> dict[str, float]:
    """All figures."""
    log = OrderLog.open(folder)
    outbox = BotOutbox(log)
    publisher = RabbitPublisher(Link(url, "tickwright.events", {QUEUE: [TOPIC]}, "bench", "0"))
    relay = Relay(publisher, lambda seconds, reason: sys.exit(f"the broker is gone: {reason}"))
    note(outbox, log, 1)
    await relay.drain(outbox)  # connects
    noted_us = note(outbox, log, count)
    cpu, wall = time.process_time(), time.perf_counter()
    await relay.drain(outbox)
    relayed_cpu, relayed_wall = time.process_time() - cpu, time.perf_counter() - wall
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.get_queue(QUEUE)
        cpu, wall = time.process_time(), time.perf_counter()
        async with queue.iterator() as messages:
            taken = 0
            async for message in messages:
                await message.ack()
                taken += 1
                if taken == count + 1:
                    break
        followed_cpu, followed_wall = time.process_time() - cpu, time.perf_counter() - wall
        arrivals = []
        async with queue.iterator() as messages:
            for _ in range(200):
                note(outbox, log, 1)
                begin = time.perf_counter_ns()
                await relay.drain(outbox)
                message = await anext(messages)
                arrivals.append((time.perf_counter_ns() - begin) / 1e6)
                await message.ack()
        await queue.delete(if_empty=False, if_unused=False)
    await publisher.close()
    log.close()
    cuts = quantiles(arrivals, n=100)
    return {
        "messages": count,
        "noted_cpu_us": round(noted_us, 2),
        "relayed_per_s": round(count / relayed_wall),
        "relayed_cpu_us": round(relayed_cpu / count * 1e6, 1),
        "followed_per_s": round(count / followed_wall),
        "followed_cpu_us": round(followed_cpu / count * 1e6, 1),
        "commit_to_arrival_ms_p50": round(cuts[49], 2),
        "commit_to_arrival_ms_p99": round(cuts[98], 2),
    }


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The address of one that runs, or that is started for the while."""
    named = os.environ.get("TICKWRIGHT_AMQP_URL")
    if named:
        yield named
        return
    if missing():
        sys.exit(missing())
    permission = {"vhost": "/", "user": "bench", "configure": ".*", "write": ".*", "read": ".*"}
    users = [{"name": "bench", "password": "secret", "tags": ""}]
    own = Broker(folder / "node", {"vhosts": [{"name": "/"}], "users": users, "permissions": [permission]})
    try:
        own.start()
        yield own.url("bench")
    finally:
        own.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one line instead of one a figure")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as url:
        figures = asyncio.run(measure(url, Path(name) / "bot", args.messages)) | calibration()
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
