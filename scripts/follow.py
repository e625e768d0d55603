"""A sample consumer: prints what bots tell over RabbitMQ, each message once, in the order in which they told it.

`python scripts/follow.py 'fill.#' 'risk.#'` shows these from now on. `--queue NAME` reads a durable queue instead, in
which the broker keeps what comes while nobody follows. What was seen stands in the file `--inbox`, so that a message
that is sent twice is shown once, also after a restart. The address of the broker is taken from TICKWRIGHT_AMQP_URL.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

KEPT_US = 7 * 86_400_000_000  # ids of messages; no bot sends one again after that
RECONNECT_SECONDS = 1
Json = dict[str, Any]


class Inbox:
    """The ids of all messages that were dealt with."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS inbox (message_id TEXT PRIMARY KEY, received_us INTEGER)")
        self._connection.execute("DELETE FROM inbox WHERE received_us < ?", (_now_us() - KEPT_US,))

    def take(self, message_id: str, handle: Callable[[], None]) -> bool:
        """Deal with a message unless that was done before; returns whether it was new.

        A consumer that writes to this same database does both or neither, whatever happens to the program.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            fresh = self._connection.execute(
                "INSERT OR IGNORE INTO inbox VALUES (?, ?)", (message_id, _now_us())
            ).rowcount
            if fresh:
                handle()
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return bool(fresh)


def line_of(body: Json) -> str:
    """A message for people."""
    moment = datetime.fromtimestamp(body["event_us"] / 1_000_000, UTC)
    noun, verb, name = body["topic"].split(".", 2)
    tell = _SENTENCES.get(noun, _anything)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} {name:<16} {noun} {verb}: {tell(body['data'])}"


def _order(data: Json) -> str:
    price = data["price"] or "market"
    reason = f" ({data['reason']})" if data["reason"] else ""
    return f"{data['side']} {data['amount']} {data['symbol']} @ {price}, filled {data['filled']}{reason}"


def _fill(data: Json) -> str:
    return (
        f"{data['side']} {data['amount']} {data['symbol']} @ {data['price']}, "
        f"fee {data['fee']} {data['fee_asset']}, {data['liquidity'].lower()}"
    )


def _position(data: Json) -> str:
    return f"{data['side'].lower()} {data['size']} {data['symbol']} from {data['entry_price']}"


def _balance(data: Json) -> str:
    return ", ".join(f"{each['account']} {each['asset']} {each['total']}" for each in data["balances"])


def _risk(data: Json) -> str:
    return f"{data['rule']} {data['where']} {data['message']}"


def _session(data: Json) -> str:
    if "cause" in data:
        return f"{data['scope'] or 'everything'} {data['before']} → {data['after']}, {data['cause']}"
    return f"{data['mode']} {data['state']}" + (f", {data['exit_reason']}" if data["exit_reason"] else "")


def _anything(data: Json) -> str:
    return json.dumps(data, ensure_ascii=False)


_SENTENCES = {
    "order": _order,
    "fill": _fill,
    "position": _position,
    "balance": _balance,
    "risk": _risk,
    "session": _session,
    "simulation": _session,
}


async def follow(
    url: str, source: str, patterns: list[str], queue: str, inbox: Inbox, show: Callable[[Json], bool]
) -> None:
    """Until `show` returns that it has seen enough. The connection comes back by itself.

    Reads the durable queue, or one of its own for the patterns of the exchange `source` if `queue` is "".
    """
    enough = asyncio.Event()

    async def take(message: AbstractIncomingMessage) -> None:
        def handle() -> None:
            if show(json.loads(message.body)):
                enough.set()

        if not enough.is_set():
            inbox.take(message.message_id or "", handle)
            await message.ack()

    async with await aio_pika.connect_robust(url, reconnect_interval=RECONNECT_SECONDS) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        if queue:
            own = await channel.get_queue(queue)
        else:
            own = await channel.declare_queue(exclusive=True)
            for pattern in patterns:
                await own.bind(source, pattern)
        await own.consume(take)
        print("following", file=sys.stderr, flush=True)
        await enough.wait()


def _now_us() -> int:
    return time.time_ns() // 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("patterns", nargs="*", default=["#"], help="which: order.# fill.booked.*; all")
    parser.add_argument("--queue", default="", help="a durable queue, see messaging.queues")
    parser.add_argument("--exchange", default="tickwright.events")
    parser.add_argument("--inbox", default=":memory:", help="the file that says what was seen")
    parser.add_argument("--count", type=int, default=0, help="end after so many messages")
    parser.add_argument("--json", action="store_true", help="print the bodies as they are")
    args = parser.parse_args()
    url = os.environ.get("TICKWRIGHT_AMQP_URL")
    if not url:
        sys.exit("Set TICKWRIGHT_AMQP_URL to the address of the broker: amqps://user:password@host/")
    seen, wanted = 0, int(args.count)

    def show(body: Json) -> bool:
        nonlocal seen
        print(json.dumps(body, ensure_ascii=False) if args.json else line_of(body), flush=True)
        seen += 1
        return seen == wanted

    try:
        asyncio.run(follow(url, args.exchange, args.patterns, args.queue, Inbox(args.inbox), show))
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, aio_pika.exceptions.AMQPError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
