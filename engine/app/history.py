"""The history of a session, in a thread of its own: whatever its database does, the trading loop never waits for it."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterable
from typing import Any

import engine
from engine.app.bot_folder import BotFolder
from engine.app.config.load import LoadedConfig
from engine.app.config.models import BotConfig, SettingsConfig
from engine.app.config_text import config_text
from engine.app.registry import load
from engine.core.notice import Notice
from engine.model.errors import TickwrightError
from engine.model.instrument import Instrument
from engine.store.history.feed import Feed
from engine.store.history.progress import Plan, Progress, Said, describe

SERVICE = "engine.store.history.service:HistoryService"  # imports SQLAlchemy: not before it is needed
SWITCH_SECONDS = 0.0005  # how long the trading loop waits for this thread at most when both have something to do
END_SECONDS, VIRTUAL_END_SECONDS = 2.5, 60.0  # nobody waits for a session in virtual time


class History:
    """From `start` to `close`. `progress` is written by the thread."""

    def __init__(self, plan: Plan, feed: Feed) -> None:
        self.feed = feed
        self.progress = Progress()
        self._plan = plan
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._stop = asyncio.Event()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def full(self) -> bool:
        """Market data come faster than the database takes them."""
        return self.progress.state == "ready" and any(buffer.half_full for buffer in self.feed.buffers.values())

    def status(self) -> dict[str, Any]:
        """For `status`."""
        progress = self.progress
        names = ("state", "where", "level", "error", "lag_entries", "lag_us", "queued", "missing", "written", "dropped")
        return {name: getattr(progress, name) for name in names}

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, for a few seconds at most; what is left of the facts waits in the order log."""
        self._stopping.set()
        if self._thread.ident is None:
            return  # the session did not get that far
        loop = self._loop
        if loop is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(self._plan.end_seconds + 1.0)

    def notices(self, at_us: int) -> list[Notice]:
        """What there is to tell since the last call."""
        said = self.progress.said
        return [
            Notice(each.code, "", each.text, each.fix, at_us) for each in (said.popleft() for _ in range(len(said)))
        ]

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except TickwrightError as error:
            self._ended("E-STORE", str(error))
        except Exception as error:  # handled: the operator is told; the facts stay in the order log
            self._ended("E-STORE", f"{type(error).__name__}: {error}")

    async def _main(self) -> None:
        service: Any = load(SERVICE)(self._plan, self.feed, self.progress)
        self._loop = asyncio.get_running_loop()
        if self._stopping.is_set():
            self._stop.set()
        await service.run(self._stop)

    def _ended(self, code: str, text: str) -> None:
        self.progress.state, self.progress.error = "off", text
        fix = "trading goes on and facts wait in the order log; the next start writes them"
        self.progress.said.append(Said(code, f"the history has ended: {text}", fix))


def history_of(config: BotConfig, bot: BotFolder, session_id: str, *, virtual: bool) -> History | None:
    """None: this session has none. It is not started yet."""
    store = config.store
    if not store.enabled or (virtual and not store.virtual):
        return None
    plan = Plan(
        url=store.address,
        base=bot.userdir,
        bot=config.name,
        session_id=session_id,
        simulated=config.mode == "simulated",
        log=bot.orders,
        past=bot.past,
        timescale=store.timescale == "auto",
        auto_upgrade=store.auto_upgrade,
        retention_us=retention_of(config),
        end_seconds=VIRTUAL_END_SECONDS if virtual else END_SECONDS,
    )
    return History(plan, Feed(ticks=store.ticks, book_interval_us=store.book_interval or 0))


def retention_of(config: SettingsConfig) -> dict[str, int]:
    """How long rows are kept, by table."""
    retention = config.store.retention
    return {name: getattr(retention, name) for name in type(retention).model_fields}


def session_details(loaded: LoadedConfig, session_id: str, instruments: Iterable[Instrument]) -> dict[str, Any]:
    """What the history is told of a session, by way of the order log. Secrets are only named in the configuration."""
    config = loaded.config
    return {
        "session_id": session_id,
        "mode": config.mode,
        "config": json.loads(config_text(loaded)),
        "config_hash": loaded.hash,
        "seed": config.seed,
        "code_version": engine.__version__,
        "instruments": {each.instrument_id: describe(each) for each in instruments},
    }
