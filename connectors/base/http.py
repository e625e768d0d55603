"""Requests over HTTP: connections are reused, nothing is sent twice, and every failure says whether it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import cache
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from msgspec import Struct
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential
from yarl import URL

from connectors.base.http_guard import sent_once
from connectors.base.outcomes import Failed
from engine.model.enums import Outcome

CONNECT_SECONDS = 4.0
IDLE_SECONDS = 60.0  # after which an unused connection is closed
BODY_BYTES_MAX = 64 << 20
READ_TRIES = 3
T = TypeVar("T")


class Reply(Struct, frozen=True, gc=False):
    """An answer, of any status. The times are our own clock's."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    started_us: int
    receive_us: int


class Http:
    """The connections to one host; a context manager. `base_url` has no slash at its end."""

    def __init__(self, base_url: str, now_us: Callable[[], int]) -> None:
        self._base_url = base_url
        self._now_us = now_us
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=[sent_once],
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def once(
        self, method: str, target: str, *, seconds: float, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Send one request, once, exactly as it is written: `target` is path and query, already encoded.

        Raises Failed: NOT_SENT if it cannot have reached the venue, else AMBIGUOUS.
        """
        started_us = self._now_us()
        url = URL(self._base_url + target, encoded=True)
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=_limits(seconds), allow_redirects=False
            ) as response:
                told = await _whole(response)
                return Reply(response.status, response.headers, told, started_us, self._now_us())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Failed(Outcome.NOT_SENT, "not_connected", type(error).__name__, broken=True) from None
        except TimeoutError:
            raise Failed(Outcome.AMBIGUOUS, "timeout", f"no answer within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Failed(Outcome.AMBIGUOUS, "disconnected", type(error).__name__, broken=True) from None


@cache
def _limits(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer, within reason."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Failed(Outcome.AMBIGUOUS, "too_large", f"the answer has more than {BODY_BYTES_MAX} bytes")
    return b"".join(chunks)


async def asked(question: Callable[[], Awaitable[T]]) -> T:
    """Ask a question again, up to three times, if its connection broke. Never to be used for what changes an order."""
    attempts = AsyncRetrying(
        stop=stop_after_attempt(READ_TRIES),
        wait=wait_exponential(multiplier=0.1, max=1),
        retry=retry_if_exception(lambda error: isinstance(error, Failed) and error.broken),
        sleep=asyncio.sleep,
        reraise=True,
    )
    async for attempt in attempts:
        with attempt:
            return await question()
    raise AssertionError("the last attempt returns or raises")
