"""From a checked configuration to a session that is ready to run, and the run itself."""

import asyncio
import getpass
import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import engine
from engine.app.bot_entry import BotEntry, BotState, process_started, stopped, write_entry
from engine.app.bot_folder import BotFolder
from engine.app.build import VIRTUAL_START_US, build_connectors, build_engine, build_venues, sheets_of
from engine.app.config.load import LoadedConfig
from engine.app.config.models import BotConfig, RealExchange, SimulatedExchange, SimulatedRemoteExchange
from engine.app.config_text import config_text
from engine.app.control.frames import PROTOCOL
from engine.app.control.server import ControlServer
from engine.app.failure import Failure
from engine.app.history import History, history_of, session_details
from engine.app.journal_file import JournalFile
from engine.app.live_settings import follow_settings
from engine.app.log_file import Level, LogFile
from engine.app.messaging.announcer import Announcer
from engine.app.messaging.client import PUBLISHER, load_client
from engine.app.messaging.messenger import Messenger
from engine.app.messaging.outbox import BotOutbox
from engine.app.notices import Notices
from engine.app.past_logs import continue_log, refuse_halted, retire_log
from engine.app.recorder import Recorder
from engine.app.redaction import Redaction
from engine.app.scenarios import load_scenarios
from engine.app.session import Ending, Session
from engine.app.signals import handled
from engine.app.tally import Tally
from engine.core.clock import Clock, wall_us
from engine.core.driver import Driver
from engine.core.engine import FAR
from engine.core.journal import Header
from engine.core.order_change import Change
from engine.core.order_ids import DIGITS, TAG_LENGTH, OrderIds
from engine.core.ports import LiveConnector
from engine.core.venue_sheet import LookupScope
from engine.store import recovery
from engine.store.connection import Durability
from engine.store.errors import LogInUse
from engine.store.order_log import OrderLog
from engine.store.order_log import Session as StartedSession

NO_RUN_CODE = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What is started and how. `speed` None is virtual time; `duration_us` of engine time, None for ever.

    `accept_withdraw`: also with keys that may move money away. `read_again` reads the files as they are by then.
    """

    loaded: LoadedConfig
    files: Sequence[Path]
    userdir: Path
    speed: float | None = 1.0
    duration_us: int | None = None
    accept_withdraw: bool = False
    read_again: Callable[[], LoadedConfig] | None = None


def order_tag(name: str) -> str:
    """The letters that begin the client order ids of a bot: the same for every run of it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return "".join(DIGITS[number // 36**place % 36] for place in range(TAG_LENGTH))


def run_bot(run: Run, ready: Callable[[Session], None], hear: Callable[[str], None] | None = None) -> Session:
    """Run a bot to its end, which stands in the session. `ready` is called before the first tick; `hear` gets notices.

    Raises Failure when it cannot start: E-RUNNING, R-HALT and others.
    """
    with opened(run, hear) as session:
        ready(session)
        try:
            asyncio.run(_run(session))
        except KeyboardInterrupt:
            session.ending = Ending.INTERRUPT
            session.reason = "Ctrl-C twice: ended at once"
        assert session.ending is not None
        session.finish(session.ending.value)
    return session


async def _run(session: Session) -> None:
    with handled(asyncio.get_running_loop(), session.interrupt, session.terminate, session.reload):
        async with ControlServer(session), Messenger(session):
            await session.run()


@contextmanager
def opened(run: Run, hear: Callable[[str], None] | None = None) -> Iterator[Session]:
    """A session with all of its files. Whatever goes wrong while it is open stands in the log and in the entry."""
    config, bot = run.loaded.config, BotFolder(run.userdir, run.loaded.config.name)
    if config.messaging.url is not None:
        load_client(PUBLISHER)  # before any file is opened: it may be missing
    redaction = Redaction(config)
    try:
        left, keep_us = 0, config.order_log.keep
        if _accounts_stay(config):
            log = continue_log(bot, keep_us, durability_of(config))
        else:
            left = retire_log(bot, keep_us)
            log = OrderLog.open(bot.folder)
    except LogInUse as error:
        raise already_running(bot) from error
    text_log = _open_log(bot, config)
    notices = Notices(text_log, redaction, hear)
    entry = _entry(run, bot)
    history = history_of(config, bot, entry.session_id, virtual=run.speed is None)
    try:
        write_entry(bot.entry, entry)
        session = _assemble(run, bot, entry, log, notices, redaction, history)
        if left:
            where = "their simulated exchange ended with the process"
            notices.info("I-START", "", f"the last session died with {left} orders open; {where}", session.now_us())
        try:
            yield session
        except BaseException:  # handled: the journal closes without an end mark; the handler below tells
            session.recorder.journal.break_off()
            raise
        session.recorder.journal.close()
    except BaseException as error:
        what = redaction.clean(f"{type(error).__name__}: {error}")
        text_log.write(Level.ERROR, wall_us(), wall_us(), "E-FAILED", "", what)
        write_entry(bot.entry, stopped(entry, NO_RUN_CODE, what, wall_us()))
        raise
    finally:
        if history is not None:
            history.close()
            for notice in history.notices(wall_us()):
                notices.tell(notice)
        text_log.close()
        log.close()


def _connect(run: Run, notices: Notices) -> list[LiveConnector]:
    """The exchanges outside this process."""
    connectors = build_connectors(run.loaded.config, hear=notices.tell, accept_withdraw=run.accept_withdraw)
    if connectors and run.speed != 1.0:
        raise Failure("E-USAGE", f"{connectors[0].venue} runs by the wall clock", where="--speed", fix="leave it out")
    return connectors


def _begin(run: Run, bot: BotFolder, entry: BotEntry, log: OrderLog, start_us: int, about: Any) -> StartedSession:
    """The session in the order log, unless the bot is halted."""
    begun = log.begin_session(start_us, order_tag(entry.name), about)
    refuse_halted(bot, begun.halt_latch)
    if run.accept_withdraw:
        log.note_event("ACCEPT_WITHDRAW_KEYS", {"user": entry.user}, start_us)
    return begun


def _assemble(
    run: Run,
    bot: BotFolder,
    entry: BotEntry,
    log: OrderLog,
    notices: Notices,
    redaction: Redaction,
    history: History | None,
) -> Session:
    config, virtual = run.loaded.config, run.speed is None
    connectors = _connect(run, notices)
    begin_us = VIRTUAL_START_US if virtual else wall_us()
    venues = [] if connectors else build_venues(config, begin_us, _scenarios(config, run.userdir))
    start_us = min([venue.now_us for venue in venues], default=begin_us)
    instruments = [instrument for venue in (*venues, *connectors) for instrument in venue.instruments]
    about = None if history is None else session_details(run.loaded, entry.session_id, instruments)
    begun = _begin(run, bot, entry, log, start_us, about)
    recovered = log.load(start_us) if _accounts_stay(config) else None
    header = Header(
        version=engine.__version__,
        session_id=entry.session_id,
        config=config_text(run.loaded),
        config_hash=run.loaded.hash,
        seed=config.seed,
        instruments=tuple(instruments),
        grid_us=config.tick,
        order_tag=begun.tag,
        epoch=begun.epoch,
        started_us=start_us,
        recovered=b"" if recovered is None else recovery.encode(recovered),
    )
    announcer = Announcer(BotOutbox(log, config.messaging.topics), entry, config.seed, redaction)
    recorder = Recorder(JournalFile(bot.journal(entry.session_id), header), log, announcer)
    tally = Tally()

    def changed(change: Change) -> None:
        tally.changed(change, core.state.instruments)
        recorder.changed(change)

    ids = OrderIds(begun.tag, begun.epoch)
    sinks = [recorder.hear] if history is None else [recorder.hear, history.feed.hear]
    core = build_engine(config, instruments, ids, start_us, sinks, changed)
    if recovered is not None:
        recovery.resume(recovered, core, start_us)
    recorder.follow(core)
    if history is not None:
        history.feed.follow(core.state)
        history.start()
    session = Session(
        loaded=run.loaded,
        files=bot,
        entry=entry,
        driver=Driver(core, venues, recorder.commit, connectors, recorder.recall),
        venues=venues,
        connectors=connectors,
        recorder=recorder,
        announcer=announcer,
        history=history,
        tally=tally,
        notices=notices,
        redaction=redaction,
        quote=instruments[0].quote,
        clock=None if run.speed is None else Clock(run.speed, start_us),
        end_us=FAR if run.duration_us is None else start_us + run.duration_us,
    )
    session.read_again = run.read_again or (lambda: run.loaded)
    follow_settings(core, run.loaded, session.took_settings)
    return session


def durability_of(config: BotConfig) -> Durability:
    """`auto` is full where an order that the log has lost could not be found again by our id."""
    wanted = config.order_log.durability
    if wanted == "auto":
        certain = all(sheet.lookup_scope is LookupScope.ALL for sheet in sheets_of(config).values())
        return Durability.NORMAL if certain else Durability.FULL
    return Durability(wanted.upper())


def _accounts_stay(config: BotConfig) -> bool:
    """Whether the exchanges live on without the bot, so that its order log is where the next session begins."""
    real = () if config.mode == "paper" else (RealExchange,)
    return any(isinstance(each, (SimulatedRemoteExchange, *real)) for each in config.exchanges.values())


def _scenarios(config: BotConfig, userdir: Path) -> dict[str, Any]:
    """Read only for a configuration that names one."""
    simulated = (each for each in config.exchanges.values() if isinstance(each, SimulatedExchange))
    return load_scenarios(userdir) if any(getattr(each.market, "scenario", "") for each in simulated) else {}


def _entry(run: Run, bot: BotFolder) -> BotEntry:
    config, now_us = run.loaded.config, wall_us()
    moment = datetime.fromtimestamp(now_us // 1_000_000, UTC)
    pairs = [f"{name}:{pair}" for name, each in config.exchanges.items() for pair in getattr(each, "trading_pairs", ())]
    return BotEntry(
        name=config.name,
        session_id=f"{moment:%Y%m%d-%H%M%S}-{now_us % 1_000_000:06}",
        mode=config.mode,
        state=BotState.STARTING,
        pid=os.getpid(),
        pid_started=process_started(os.getpid()),
        host=socket.gethostname(),
        user=getpass.getuser(),
        version=engine.__version__,
        protocol=PROTOCOL,
        socket=str(bot.socket),
        config_files=[str(path) for path in run.files],
        config_hash=run.loaded.hash,
        strategies=[each.kind or each.use for each in config.strategies_by_name.values()],
        instruments=pairs,
        started_us=now_us,
    )


def _open_log(bot: BotFolder, config: BotConfig) -> LogFile:
    logs = config.logs
    return LogFile(
        bot.log,
        level=Level[logs.level.upper()],
        as_json=logs.format == "json",
        size_max=logs.max_size,
        keep=logs.keep,
    )


def already_running(bot: BotFolder) -> Failure:
    """E-RUNNING."""
    fix = f"tickwright stop {bot.name}, or start with --replace"
    return Failure("E-RUNNING", f"{bot.name} is already running", fix=fix)
