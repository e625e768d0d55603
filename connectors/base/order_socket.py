"""The connection on which orders leave, where that is a socket: requests, and the answers that they wait for.

Nothing is sent twice, and nothing leaves another way: without a connection a request is not sent, and what is not
answered when its connection ends is AMBIGUOUS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

from connectors.base.http import Reply
from connectors.base.outcomes import Failed
from connectors.base.stream import Link
from engine.model.enums import Outcome

NO_HEADERS: Mapping[str, str] = {}


class OrderSocket:
    """Of one account. `open` names the connection that requests leave on; a successor replaces its predecessor.

    A predecessor's answers still count.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._link: Link | None = None
        self._numbers = count(1)
        self._waiting: dict[str, tuple[Link, asyncio.Future[Reply]]] = {}

    @property
    def connected(self) -> bool:
        """Whether a request would leave now."""
        return self._link is not None

    def open(self, link: Link) -> None:
        """From now on requests leave here, until it ends."""
        self._link = link
        link.at_end(partial(self._lost, link), partial(self._waits, link))

    async def ask(self, write: Callable[[str], str], seconds: float) -> Reply:
        """Send one request, once: `write` makes its text from its id.

        Raises Failed: NOT_SENT without a connection, AMBIGUOUS without an answer.
        """
        link = self._link
        if link is None:
            raise Failed(Outcome.NOT_SENT, "not_connected", "the order socket is not connected", broken=True)
        name, started_us = str(next(self._numbers)), self._now_us()
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (link, answer)
        link.send(write(name))
        try:
            async with asyncio.timeout(seconds):
                reply = await answer
        except TimeoutError:
            raise Failed(Outcome.AMBIGUOUS, "timeout", f"no answer within {seconds:g} s") from None
        finally:
            del self._waiting[name]
        return Reply(reply.status, reply.headers, reply.body, started_us, reply.receive_us)

    def answered(
        self, name: str, status: int, body: bytes, receive_us: int, headers: Mapping[str, str] = NO_HEADERS
    ) -> bool:
        """The venue answered to that request. Whether anybody waits for it."""
        _, answer = self._waiting.get(name, (None, None))
        if answer is None or answer.done():
            return False
        answer.set_result(Reply(status, headers, body, 0, receive_us))
        return True

    def _waits(self, link: Link) -> bool:
        return any(left is link for left, _ in self._waiting.values())

    def _lost(self, link: Link) -> None:
        if self._link is link:
            self._link = None
        for left, answer in self._waiting.values():
            if left is link and not answer.done():
                answer.set_exception(Failed(Outcome.AMBIGUOUS, "disconnected", "the order socket ended", broken=True))
