"""What can be asked of a running bot, and told to it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from engine.app.config.load import with_changes
from engine.app.config.problems import ConfigError
from engine.app.config.show import show
from engine.app.failure import Failure, as_failure
from engine.app.session import Ending, Session
from engine.app.status import balances_of, book_of, orders_of, performance_of, status_of, trades_of
from engine.app.summary import summary_of
from engine.model.enums import OperatorAction

Args = Mapping[str, Any]
Operation = Callable[[Session, Args, str], Awaitable[Any]]
LINES, TRADES = 10, 100  # what is answered when nobody says how many


async def _status(session: Session, args: Args, actor: str) -> Any:
    return status_of(session)


async def _orders(session: Session, args: Args, actor: str) -> Any:
    return orders_of(session)


async def _balances(session: Session, args: Args, actor: str) -> Any:
    return balances_of(session)


async def _performance(session: Session, args: Args, actor: str) -> Any:
    return performance_of(session)


async def _trades(session: Session, args: Args, actor: str) -> Any:
    return trades_of(session, int(args.get("count", TRADES)))


async def _book(session: Session, args: Args, actor: str) -> Any:
    """Of the symbol or instrument that `args` name, else of the first one."""
    state = session.engine.state
    wanted = args.get("symbol") or next(iter(state.instruments))
    for instrument_id, instrument in state.instruments.items():
        if wanted in (instrument_id, instrument.symbol):
            return book_of(state, instrument_id, int(args.get("lines", LINES)))
    known = ", ".join(state.instruments)
    raise Failure("E-NOTFOUND", f"{session.entry.name} does not trade {wanted}", fix=f"one of: {known}")


async def _pause(session: Session, args: Args, actor: str) -> Any:
    session.command(OperatorAction.PAUSE, actor)
    return {"state": session.state.value}


async def _resume(session: Session, args: Args, actor: str) -> Any:
    session.command(OperatorAction.ADOPT if args.get("adopt_balances") else OperatorAction.RESUME, actor)
    return {"state": session.state.value}


async def _stop(session: Session, args: Args, actor: str) -> Any:
    """Answers with the summary when everything is confirmed, or the deadline is over."""
    session.timeout_us = int(args.get("timeout_us", session.timeout_us))
    session.end(Ending.DONE, actor, f"stop by {actor}")
    return await _summary(session)


async def _kill(session: Session, args: Args, actor: str) -> Any:
    """Like stop, and no start gets past it until an operator resumes."""
    session.end(Ending.DONE, actor, f"kill by {actor}", OperatorAction.KILL)
    return await _summary(session)


async def _summary(session: Session) -> Any:
    await session.closed.wait()
    return summary_of(session)


async def _config(session: Session, args: Args, actor: str) -> Any:
    settings = [asdict(setting) for setting in show(session.loaded)]
    return {"hash": session.loaded.hash, "settings": settings}


async def _set_config(session: Session, args: Args, actor: str) -> Any:
    """`changes` maps dotted paths to texts; `base_hash` is the configuration that they were made for."""
    changes = args.get("changes")
    if not isinstance(changes, dict) or not changes:
        raise Failure("E-USAGE", "no changes are named", fix='{"changes": {"strategy.bid_spread": "0.1%"}}')
    if args.get("base_hash", session.loaded.hash) != session.loaded.hash:
        raise Failure("E-CONFLICT", "other settings were changed meanwhile", fix="look at them, and ask again")
    try:
        new = with_changes(session.loaded, [f"{path}={text}" for path, text in changes.items()])
        found = session.change_settings(new, actor)
    except ConfigError as error:
        raise as_failure(error) from None
    return {"hash": session.loaded.hash, "changes": [asdict(each) for each in found]}


OPERATIONS: dict[str, Operation] = {
    "status": _status,
    "orders": _orders,
    "balances": _balances,
    "performance": _performance,
    "trades": _trades,
    "book": _book,
    "config.get": _config,
    "config.set": _set_config,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "kill": _kill,
}
