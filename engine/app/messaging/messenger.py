"""A session's connection to other programs: it relays the outbox, and takes commands, while its `async with` runs."""

import asyncio
import sqlite3
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from engine.app.control.operations import OPERATIONS
from engine.app.failure import Failure
from engine.app.messaging.client import COMMANDS, load_client, publisher_of
from engine.app.session import Session
from engine.core.clock import wall_us
from engine.core.notice import Notice
from engine.messaging.commands import Command, Judge
from engine.messaging.link import Link
from engine.messaging.ports import Publisher
from engine.messaging.relay import Relay
from engine.store.outbox import PastOutbox

DOWN_SECONDS = 60.0  # without a broker until somebody hears of it
LAST_SECONDS = 5.0  # for the last messages, at the end
FIX = "look at the broker and at messaging.url; messages wait in the order log meanwhile"


class Messenger:
    """Does nothing for a session that has no broker and no listeners.

    Trading never waits for it: whatever goes wrong here is told, and messages wait in the order log.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._config = session.config.messaging
        self._outbox = session.announcer.outbox
        self._url = "" if self._config.url is None else self._config.url.get_secret_value()
        self._publisher: Publisher = publisher_of(self._link()) if self._url else session.bus
        self._relay = Relay(self._publisher, self._lost)
        self._tasks: list[asyncio.Task[None]] = []
        self._obeying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Messenger":
        if self._url or self._session.bus:
            self._outbox.on = True
            self._session.announcer.wake = self._relay.wake
            self._session.messaging = self.status
            self._tasks.append(asyncio.create_task(self._guarded(self._send())))
            if self._url and self._config.commands:
                self._tasks.append(asyncio.create_task(self._guarded(self._commands().run())))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._tasks:
            return
        relaying, *others = self._tasks
        self._say_goodbye(error)
        self._relay.finish()
        await asyncio.wait([relaying], timeout=0 if isinstance(error, asyncio.CancelledError) else LAST_SECONDS)
        for task in (relaying, *others):
            task.cancel()
        await asyncio.gather(relaying, *others, return_exceptions=True)
        await self._publisher.close()
        self._session.recorder.flush()
        if self._outbox.waiting:
            text = f"{self._outbox.waiting:,} messages have not arrived; the next start sends them"
            self._session.notices.info("W-BROKER", "", text, self._session.now_us())

    def status(self) -> dict[str, Any]:
        """How far messages have come. `lag_us` is the age of the oldest that waits, None if none does."""
        since_us = self._outbox.waiting_since_us()
        return {
            "to": "broker" if self._url else "bus",
            "sent": self._relay.sent.total(),
            "waiting": self._outbox.waiting,
            "lag_us": None if since_us is None else max(0, self._session.now_us() - since_us),
            "error": self._session.redaction.clean(self._publisher.error),
        }

    # ---- out

    def _link(self) -> Link:
        config, entry = self._config, self._session.entry
        return Link(self._url, config.exchange, config.queues, entry.name, entry.version)

    async def _send(self) -> None:
        """What ended sessions left behind, oldest first, then what happens now."""
        for path in sorted(self._session.files.past.glob("orders_*.sqlite")):
            try:
                past = PastOutbox.open(path)
            except sqlite3.Error as error:
                self._tell("W-BROKER", f"messages of an ended session cannot be read: {path.name}: {error}")
                continue
            if past is not None:
                try:
                    await self._relay.drain(past)
                finally:
                    past.close()
        await self._relay.run(self._outbox)

    def _say_goodbye(self, error: BaseException | None) -> None:
        session, announcer = self._session, self._session.announcer
        if error is not None:
            announcer.ended("crashed", 1, f"{type(error).__name__}: {error}", session.now_us())
        else:
            assert session.ending is not None, "a session that ran has an end"
            announcer.ended("stopped", session.ending.value, session.reason, session.now_us())
        session.recorder.flush()

    def _lost(self, seconds: float, reason: str) -> None:
        text = f"the broker has been unreachable for {seconds:.0f} s: {reason}; {self._outbox.waiting:,} messages wait"
        if seconds >= DOWN_SECONDS:
            self._tell("W-BROKER", text)
        else:
            self._session.notices.info("W-BROKER", "", text, self._session.now_us())

    # ---- in

    def _commands(self) -> Any:
        config, entry = self._config, self._session.entry
        judge = Judge(entry.name, config.commands, config.command_users, entry.started_us)
        commands = load_client(COMMANDS)
        return commands(self._link(), judge, wall_us, self._obey, self._refused, self._lost)

    def _obey(self, command: Command) -> None:
        why = f": {command.reason}" if command.reason else ""
        text = f"{command.verb} by {command.actor}, over the broker{why}"
        self._session.notices.info("I-COMMAND", "", text, self._session.now_us())
        task = asyncio.create_task(self._do(command))
        self._obeying.add(task)
        task.add_done_callback(self._obeying.discard)

    async def _do(self, command: Command) -> None:
        try:
            await OPERATIONS[command.verb](self._session, {}, command.actor)
        except Failure as failure:
            self._tell("W-COMMAND", f"{command.verb} by {command.actor} failed: {failure.detail}", failure.fix)

    def _refused(self, reason: str) -> None:
        self._tell("W-COMMAND", f"refused: {reason}", "it lies in the queue tickwright.dead of the broker")

    # ---- both

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # handled: somebody hears of it; trading goes on, and messages wait in the order log
            self._tell("W-BROKER", f"messaging stops until the next start: {type(error).__name__}: {error}")

    def _tell(self, code: str, text: str, fix: str = FIX) -> None:
        self._session.notices.tell(Notice(code, "", text, fix, self._session.now_us()))
