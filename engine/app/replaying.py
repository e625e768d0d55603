"""Repeating a recorded session with a fresh engine."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from engine.app.bot_folder import BotFolder
from engine.app.build import build_engine
from engine.app.config.load import load_text
from engine.app.failure import Failure
from engine.app.live_settings import follow_settings
from engine.core.journal import Cut, End, Entry, Header, read, read_header
from engine.core.order_ids import OrderIds
from engine.core.replay import ReplayResult, replay
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate, Tick
from engine.model.fill import Fill
from engine.model.quote import Refused
from engine.store import recovery
from engine.store.causes import cause_of


class Report(Struct):
    """What a replay found. `digest` is that of the journal, "" when it has no end."""

    header: Header
    ticks: int = 0
    digest: str = ""
    result: ReplayResult | None = None


def find_journal(userdir: Path, text: str) -> Path:
    """The file that `text` names: a path, a session, or a bot, whose newest session is meant. Raises Failure."""
    if Path(text).is_file():
        return Path(text)
    bots = userdir / "data" / "bots"
    found = [
        *bots.glob(f"*/journal/{text}.twj"),
        *sorted(BotFolder(userdir, text).journals.glob("*.twj"), reverse=True),
    ]
    if not found:
        raise Failure("E-NOTFOUND", f"there is no journal of '{text}'", fix=f"a file, a session, or a bot of {bots}")
    return found[0]


def replay_journal(path: Path, environ: Mapping[str, str] = os.environ) -> Report:
    """Feed the journal to an engine made from its own header. Raises Failure when it is damaged or was changed."""
    with path.open("rb") as file:
        try:
            report = Report(read_header(file))
            header = report.header
            loaded = load_text(header.config, f"configuration in {path.name}", environ)
            ids = OrderIds(header.order_tag, header.epoch)
            engine = build_engine(loaded.config, header.instruments, ids, header.started_us)
            follow_settings(engine, loaded)
            if header.recovered:
                recovery.resume(recovery.decode(header.recovered), engine, header.started_us)
            report.result = replay(_counted(file, report), lambda: engine)
        except BadMessage as error:
            raise Failure("E-FAILED", str(error), where=str(path)) from error
    return report


def explain(path: Path, order: str) -> list[dict[str, Any]]:
    """Every entry about one order, by its client order id or the venue's, with the time and where it came from."""
    lines: list[dict[str, Any]] = []
    names = {order}
    at_us = 0
    with path.open("rb") as file:
        read_header(file)
        for entry in read(file):
            if isinstance(entry, Tick):
                at_us = entry.now_us
            about = entry.request if isinstance(entry, Refused) else entry
            ids = {getattr(about, "client_order_id", ""), getattr(about, "venue_order_id", "")} - {""}
            if not names & ids:
                continue
            if isinstance(entry, OrderUpdate | Fill):
                names |= ids
            lines.append(_line(entry, getattr(entry, "receive_us", 0) or getattr(entry, "sent_us", 0) or at_us))
    if not lines:
        raise Failure(
            "E-NOTFOUND", f"no order {order} in {path.name}", fix="tickwright history NAME --orders lists them"
        )
    return lines


def as_data(entry: Any) -> dict[str, Any]:
    """An entry with the names of its fields, as JSON takes it."""
    data: dict[str, Any] = msgspec.to_builtins(msgspec.structs.asdict(entry), enc_hook=msgspec.to_builtins)
    return {"type": type(entry).__name__, **{key: value for key, value in data.items() if value not in ("", None)}}


def _line(entry: Any, at_us: int) -> dict[str, Any]:
    return {"at_us": at_us, "cause": cause_of(entry), **as_data(entry)}


def _counted(file: BinaryIO, report: Report) -> Iterator[Entry | End | Cut]:
    for entry in read(file):
        if isinstance(entry, Tick):
            report.ticks += 1
        elif isinstance(entry, End):
            report.digest = entry.digest
        yield entry
