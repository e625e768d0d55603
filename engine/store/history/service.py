"""A session's history at work: order log and market data go to the database, for as long as the session lives.

It runs in a thread of its own (`engine.app.history`), so that no slow database, name server or full disk can hold up
the trading loop. What goes wrong is told once and tried again; facts wait in the order log, market data in the feed.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.store.errors import OrderLogError
from engine.store.history import timescale_jobs
from engine.store.history.connection import Store
from engine.store.history.errors import StoreError, StoreRefused, StoreUnreachable, StoreVersion
from engine.store.history.exporter import Exporter
from engine.store.history.feed import Feed
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.level import Level
from engine.store.history.log_reader import LogReader, past_logs
from engine.store.history.maintenance import Maintenance
from engine.store.history.market_writer import MarketWriter
from engine.store.history.progress import Plan, Progress, Said
from engine.store.history.rollups import ALL_US, Rollups
from engine.store.history.upgrade import check, upgrade

POLL_SECONDS = 0.25
ROLLUP_SECONDS = 1.0
MAINTAIN_SECONDS = 60.0
BACKOFF_SECONDS = (0.1, 2.0)  # doubling from the first to the second
LATE_US = 600_000_000
LATE_ENTRIES = 100_000
T = TypeVar("T")


class HistoryService:
    """Raises StoreRefused when the plan's address is none."""

    attempt_seconds = 5.0  # how long an answer may take
    long_seconds = 120.0  # that of what has no hurry: migrations, rollups, maintenance

    def __init__(self, plan: Plan, feed: Feed, progress: Progress) -> None:
        self._plan = plan
        self._feed = feed
        self._progress = progress
        self._store = store = Store.open(plan.url, plan.base)
        keys = InstrumentKeys(store)
        self._rollups = Rollups(store)
        self._exporter = Exporter(store, keys, plan.bot)
        market = plan.session_id if plan.simulated else ""
        self._writer = MarketWriter(store, keys, feed, self._rollups, plan.session_id, market)
        self._maintenance = Maintenance(store, plan.retention_us, f"{plan.bot}/{plan.session_id}")
        self._level = Level.NONE
        self._behind_s = 0.0  # since when entries wait
        self._late = False
        self._wait_s = BACKOFF_SECONDS[0]
        progress.where = store.where

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and then until everything is written or the plan's `end_seconds` are over."""
        progress = self._progress
        log = LogReader(self._plan.log)
        try:
            while True:
                try:
                    await self._work(log, stop)
                except StoreError as error:
                    self._fail(error)
                    await self._store.close()  # dead connections, and what they had prepared
                    if stop.is_set() or isinstance(error, StoreVersion):
                        return
                    await _pause(stop, self._wait_s)
                    self._wait_s = min(self._wait_s * 2, BACKOFF_SECONDS[1])
                else:
                    progress.state = "closed"
                    return
        finally:
            self._report(log)
            log.close()
            await self._store.close()

    async def _work(self, log: LogReader, stop: asyncio.Event) -> None:
        """Everything, until it fails. Raises StoreError."""
        await self._connect()
        await self._catch_up(stop)
        next_rollup = next_maintenance = 0.0
        while not stop.is_set():
            await self._write(log)
            self._recovered()
            now = time.monotonic()
            if now >= next_rollup:
                next_rollup = now + ROLLUP_SECONDS
                await self._roll_up(self._feed.now_us)
            if now >= next_maintenance:
                next_maintenance = now + MAINTAIN_SECONDS
                self._progress.said += await self._within(self.long_seconds, self._maintenance.run(self._level))
            await _pause(stop, POLL_SECONDS)
        await self._within(self._plan.end_seconds, self._finish(log))

    async def _connect(self) -> None:
        plan, store = self._plan, self._store
        if plan.auto_upgrade:
            upgraded = await self._within(self.long_seconds, upgrade(store, timescale=plan.timescale))
            self._level = upgraded.level
        else:
            self._level = await self._within(self.attempt_seconds, check(store))
        self._progress.level = self._level

    async def _catch_up(self, stop: asyncio.Event) -> None:
        """The logs of ended sessions whose history was not written."""
        for log in past_logs(self._plan.past):
            try:
                last, cursor = log.last_seq(), -1
                while cursor < last and not stop.is_set():
                    cursor = await self._within(self.attempt_seconds, self._exporter.export(log))
            finally:
                log.close()

    async def _write(self, log: LogReader) -> None:
        """All that waits now, facts and market data by turns."""
        more = True
        while more:
            if log.last_seq() > self._progress.exported_seq:
                cursor = await self._within(self.attempt_seconds, self._exporter.export(log))
                self._progress.exported_seq = cursor
            more = await self._within(self.attempt_seconds, self._writer.flush())
            more |= log.last_seq() > self._progress.exported_seq
            self._report(log)

    async def _finish(self, log: LogReader) -> None:
        await self._write(log)
        await self._rollups.compute(ALL_US)

    async def _roll_up(self, now_us: int) -> None:
        await self._within(self.long_seconds, self._rollups.compute(now_us))
        late, self._rollups.late = self._rollups.late, None
        if late is not None and self._level is Level.TIMESCALE:
            with self._store.guarded():
                refreshed = timescale_jobs.refresh_all(self._store, *late, self._plan.retention_us)
                await self._within(self.long_seconds, refreshed)

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """A database that does not answer is one that cannot be reached."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
            if task.done():
                return task.result()
            self._store.abort()  # a connection that is dead would not even take a rollback
            task.cancel()
            await asyncio.wait({task}, timeout=seconds)
            raise StoreUnreachable(f"no answer in {seconds:g} s", self._store.where, "check that the database runs")
        except OrderLogError as error:
            raise StoreRefused(f"the order log cannot be read: {error}", self._store.where, "") from error
        finally:
            task.cancel()

    def _report(self, log: LogReader) -> None:
        progress, feed = self._progress, self._feed
        progress.lag_entries = log.last_seq() - progress.exported_seq
        now = time.monotonic()
        self._behind_s = (self._behind_s or now) if progress.lag_entries else 0.0
        progress.lag_us = int((now - self._behind_s) * 1e6) if self._behind_s else 0
        progress.queued = self._writer.queued
        progress.missing = self._exporter.missing
        progress.written = dict(self._writer.written)
        dropped = {name: buffer.dropped for name, buffer in feed.buffers.items()}
        for name, count in dropped.items():
            if count > progress.dropped.get(name, 0):
                text = f"{count} rows of {name} gave way: the database is too slow, or away for too long"
                progress.said.append(Said("W-STORE", text))
        progress.dropped = dropped
        late = progress.lag_us > LATE_US or progress.lag_entries > LATE_ENTRIES
        if late and not self._late:
            progress.said.append(
                Said("W-STORE", f"{progress.lag_entries} entries of the order log wait for the database")
            )
        self._late = late

    def _fail(self, error: StoreError) -> None:
        """Told once, until it works again or something else is wrong."""
        progress = self._progress
        progress.failures += 1
        off = isinstance(error, StoreVersion)
        progress.state = "off" if off else "waiting"
        if error.what != progress.error:
            code = "E-VERSION" if off else "E-STORE" if isinstance(error, StoreRefused) else "W-STORE"
            consequence = "trading goes on, facts wait in the order log"
            text = f"the history cannot be written: {error.what} ({error.where}); {consequence}"
            progress.said.append(Said(code, text, error.fix))
        progress.error = error.what

    def _recovered(self) -> None:
        progress = self._progress
        if progress.error:
            progress.said.append(Said("I-STORE", "the history is written again"))
        progress.error, progress.state = "", "ready"
        self._wait_s = BACKOFF_SECONDS[0]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
