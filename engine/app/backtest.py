"""From a checked configuration and a data set to a run, and from the run to its files."""

import hashlib
import json
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

import engine
from engine.app.backtest_runs import RESULT, RESULTS, time_text
from engine.app.build import build_engine, entry_latency_us, fill_rules
from engine.app.config.load import LoadedConfig
from engine.app.config.models import BotConfig, RecordedExchange
from engine.app.config_text import config_text
from engine.app.registry import BUILT_IN
from engine.backtest.columns import PLAYED_COLUMNS
from engine.backtest.dataset import MANIFEST, Dataset, Part
from engine.backtest.equity import MINUTE_US
from engine.backtest.found import Cursor, csv_rows, header_of
from engine.backtest.recording import Recording
from engine.backtest.results import Facts, result_of
from engine.backtest.run import Progress, play
from engine.backtest.valuation import liquidation_marks
from engine.core.candles import CandleReader
from engine.core.driver import Driver
from engine.core.order_ids import OrderIds
from engine.core.ports import Controller
from engine.model.errors import TickwrightError
from engine.model.instrument import Instrument
from engine.model.money import to_text

ORDER_TAG, EPOCH = "TEST", 1
CONFIG = "config.yml"
BOUNDS = ("none", "through")  # queue models: every trade at our price fills us, or none does
STEPS = 2_000  # of equity and holdings that a short run keeps; a long one keeps minutes
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """The data of one market of one exchange, within the span of the run."""

    exchange: str
    dataset: Dataset
    instrument: Instrument
    parts: Sequence[Part]

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def digest(self) -> str:
        """Of all files that the run reads."""
        return hashlib.sha256("".join(part.digest for part in self.parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Data:
    """What runs play, and when. `digests` by instrument id."""

    start_us: int
    end_us: int
    sources: Sequence[Source]
    digests: Mapping[str, str]


def run_backtest(loaded: LoadedConfig, userdir: Path, progress: Progress) -> Path:
    """Run, and write `data/results/RUN/`; returns that folder. Raises TickwrightError when it cannot run.

    A run that is stopped by `progress` keeps what it has.
    """
    config = loaded.config
    assert config.data is not None, "mode: backtest has data"
    start_us, end_us, sources = find_data(config, userdir)
    digests = {source.instrument.instrument_id: source.digest() for source in sources}
    run_id = run_id_of(loaded, digests, start_us, end_us)
    folder = userdir / RESULTS / f"{config.name}-{run_id}"
    found = Data(start_us, end_us, sources, digests)
    result = _run(loaded, config, userdir, folder, found, progress)
    if config.backtest.bounds and result["run"]["complete"]:
        result["bounds"] = {queue: _bound(loaded, queue, userdir, folder, found, progress) for queue in BOUNDS}
    (folder / CONFIG).write_text(config_text(loaded), encoding="utf-8")
    (folder / RESULT).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def _bound(loaded: LoadedConfig, queue: str, userdir: Path, folder: Path, data: Data, progress: Progress) -> str:
    """The profit of the same run with another queue model."""
    config = loaded.config.model_copy(update={"queue_model": queue})
    result = _run(loaded, config, userdir, folder / f"queue-{queue}", data, progress)
    profit: str = result["money"]["total_pnl"]
    return profit


def _run(
    loaded: LoadedConfig, config: BotConfig, userdir: Path, folder: Path, data: Data, progress: Progress
) -> dict[str, Any]:
    """One run, its tables in `folder`; its result."""
    folder.mkdir(parents=True, exist_ok=True)
    start_us, end_us, sources = data.start_us, data.end_us, data.sources
    cpu_s, wall_s = time.process_time(), time.monotonic()
    module = BUILT_IN.venue_module("recorded")
    markets = [_market(module, config, source, start_us, end_us) for source in sources]
    venues = _venues(module, config, sources, markets, start_us, userdir)
    step_us = min(MINUTE_US, max(1, (end_us - start_us) // STEPS // SECOND_US) * SECOND_US)
    recording = Recording(folder, sources[0].instrument.quote, step_us)
    instruments = [instrument for venue in venues for instrument in venue.instruments]
    ids = OrderIds(ORDER_TAG, EPOCH)
    core = build_engine(config, instruments, ids, start_us, [recording.hear], recording.changed)
    _check_candles(core.controllers, sources)
    for venue in venues:
        venue.install(core.state)
    recording.follow(core)
    glide = recording.following(venues[0].glide) if len(venues) == 1 and _is_linear(instruments) else None
    driver = Driver(core, venues, lambda requests: "", glide=glide)
    complete = play(
        driver, recording, end_us, partial(_rows, venues), progress, flatten=config.backtest.finalize == "flatten"
    )
    if config.backtest.valuation == "liquidation" and (marks := liquidation_marks(core, sources[0].instrument.quote)):
        recording.marks.append(marks)
    for venue in venues:
        module.let_go(venue)
    facts = Facts(
        quote=sources[0].instrument.quote,
        engine=core,
        recording=recording,
        instruments=instruments,
        mids={market.instrument.instrument_id: partial(module.recorded_mids, market) for market in markets},
        run={
            "run": folder.name,
            "name": config.name,
            "strategies": [each.kind or each.use for each in config.strategies_by_name.values()],
            "version": engine.__version__,
            "seed": config.seed,
            "config_hash": loaded.hash,
            "start_us": start_us,
            "end_us": core.state.now_us,
            "wanted_end_us": end_us,
            "complete": complete,
            "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "rows": _rows(venues),
            "run_cpu_s": round(time.process_time() - cpu_s, 3),
            "run_wall_s": round(time.monotonic() - wall_s, 3),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
        assumptions=_assumptions(config, venues, sources),
        data=[
            _about(source, start_us, end_us)
            | {"gap_share_max": float(config.backtest.gap_share_max)}
            | {"digest": data.digests[source.instrument.instrument_id]}
            for source in sources
        ],
    )
    return result_of(facts, folder)


def find_data(config: BotConfig, userdir: Path) -> tuple[int, int, list[Source]]:
    """The span of the run, and the data in it: that which all markets have, unless the configuration says less."""
    assert config.data is not None
    path = Path(config.data.path)
    root = path if path.is_absolute() else userdir / path
    markets = []
    for name, exchange in config.exchanges.items():
        assert isinstance(exchange, RecordedExchange), "rules see to that"
        dataset = Dataset.open(root if (root / MANIFEST).exists() else root / name)
        symbols = exchange.trading_pairs or dataset.manifest.markets
        markets += [(name, exchange, dataset, symbol) for symbol in symbols]
    spans = [dataset.span(symbol) for _, _, dataset, symbol in markets]
    start_us = max(config.data.start or 0, *(first for first, _ in spans))
    end_us = min(config.data.end or 1 << 62, *(last for _, last in spans))
    if start_us >= end_us:
        raise TickwrightError(
            f"{root} has no data from {time_text(start_us)} to {time_text(end_us)}: change data.start, data.end"
        )
    sources = []
    for name, exchange, dataset, symbol in markets:
        market = dataset.market(symbol)
        if market.rows:
            parts = dataset.row_parts(symbol, start_us, end_us)
        else:
            parts = dataset.candle_parts(symbol, market.finest_us, start_us, end_us)
        sources.append(Source(name, dataset, _instrument(market.instrument, name, exchange), parts))
    return start_us, end_us, sources


def _check_candles(controllers: Sequence[Controller], sources: Sequence[Source]) -> None:
    """Raises TickwrightError when a strategy wants candles that the data do not have."""
    for reader in controllers:
        if not isinstance(reader, CandleReader):
            continue
        name, interval_us = reader.reads
        markets = [each.dataset.market(each.symbol) for each in sources if each.instrument.instrument_id == name]
        if not any(not market.rows and interval_us % market.finest_us == 0 for market in markets):
            text = f"no candles of {interval_us / 1e6:g} s can be made of the data of {name}"
            raise TickwrightError(f"{text}\n  fix: import candles of it, as fine as that or finer")


def run_id_of(loaded: LoadedConfig, digests: Mapping[str, str], start_us: int, end_us: int) -> str:
    """Of configuration, data, span and program: the same run has the same id."""
    parts = [loaded.hash, engine.__version__, str(start_us), str(end_us), *(f"{k}={v}" for k, v in digests.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _instrument(recorded: Instrument, exchange_name: str, exchange: RecordedExchange) -> Instrument:
    """The recorded market's rules under our name of the exchange, with the fees of the configuration."""
    values = {field: getattr(recorded, field) for field in Instrument.__slots__}
    values |= {
        "instrument_id": f"{exchange_name}:{recorded.symbol}",
        "venue": exchange_name,
        "maker_rate": exchange.maker_fee,
        "taker_rate": exchange.taker_fee,
    }
    return Instrument(**values)


def _market(module: Any, config: BotConfig, source: Source, start_us: int, end_us: int) -> Any:
    market = source.dataset.market(source.symbol)
    if not market.rows:
        files = source.dataset.candle_files(source.symbol, market.finest_us, start_us, end_us)
        return module.RecordedCandles(source.instrument, market.finest_us, files)
    names = (*PLAYED_COLUMNS, "receive_us") if market.receive_times else PLAYED_COLUMNS
    days = []
    for number, part in enumerate(source.parts):
        count = source.dataset.count_rows(part, opening=number == 0, end_us=end_us)
        read = partial(source.dataset.read_rows, part, opening=number == 0, end_us=end_us, names=names)
        days.append((count, part.first_us, read))
    spread = config.backtest.assumed_spread if not market.best_known else None
    return module.RecordedMarket(source.instrument, days, spread)


def _venues(
    module: Any, config: BotConfig, sources: Sequence[Source], markets: Sequence[Any], start_us: int, userdir: Path
) -> list[Any]:
    rules = fill_rules(config, module)
    venues = []
    for name, exchange in config.exchanges.items():
        assert isinstance(exchange, RecordedExchange)
        own = [market for source, market in zip(sources, markets, strict=True) if source.exchange == name]
        settings = module.RecordedVenue(
            name=name,
            markets=own,
            balances=exchange.balances,
            feed_us=exchange.feed_latency,
            entry_us=entry_latency_us(config, exchange.latency),
            response_us=exchange.response_latency,
            sigma=exchange.latency_sigma,
            measured=_measured(exchange, userdir),
            seed=config.seed,
            start_us=start_us,
            rules=rules,
            leverage=exchange.leverage,
        )
        venues.append(module.build_recorded(settings))
    return venues


def _measured(exchange: RecordedExchange, userdir: Path) -> list[tuple[int, int, int]]:
    """Rows (request_us, venue_us, response_us) of `latency_file`, oldest first; none without it."""
    if not exchange.latency_file:
        return []
    cursor = Cursor()
    rows = csv_rows(userdir / exchange.latency_file, cursor)
    columns = header_of(next(rows, []), ("request_us", "venue_us", "response_us"), cursor)
    found: list[tuple[int, int, int]] = []
    for row in rows:
        try:
            request_us, venue_us, response_us = (int(row[column]) for column in columns)
        except (ValueError, IndexError) as error:
            raise cursor.problem(f"is no row of three times in µs: {error}") from error
        if not request_us <= venue_us <= response_us or (found and request_us <= found[-1][0]):
            raise cursor.problem("has times that run backwards")
        found.append((request_us, venue_us, response_us))
    if not found:
        raise cursor.problem("has no measurements")
    return found


def _is_linear(instruments: Sequence[Instrument]) -> bool:
    """Whether equity follows the price in a straight line."""
    return all(each.settle in ("", each.quote) for each in instruments)


def _rows(venues: Sequence[Any]) -> int:
    return sum(listing.kernel.rows_applied for venue in venues for listing in venue.listings)


def _assumptions(config: BotConfig, venues: Sequence[Any], sources: Sequence[Source]) -> list[tuple[str, str]]:
    """What the run takes for granted, in words: the report begins with it."""
    backtest = config.backtest
    queue: str = config.queue_model
    if queue == "probabilistic":
        queue += f" ({backtest.queue_shape}, exponent {backtest.queue_exponent})"
    lines = [("Queue model", queue), ("Partial fills", "yes" if backtest.partial_fills else "no")]
    lines.append(("Prices beyond ours fill", backtest.through))
    lines.append(("After missing data", f"orders that the market passed: {backtest.gap_fill}"))
    for name, exchange in config.exchanges.items():
        assert isinstance(exchange, RecordedExchange)
        recorded = all(s.dataset.market(s.symbol).receive_times for s in sources if s.exchange == name)
        feed = "as recorded" if recorded else f"{exchange.feed_latency / 1000:g} ms"
        entry_us = entry_latency_us(config, exchange.latency)
        there = f"orders {entry_us / 1000:g} ms, answers {exchange.response_latency / 1000:g} ms"
        if exchange.latency_sigma:
            there += f", medians of a lognormal distribution with sigma {exchange.latency_sigma:g}"
        if exchange.latency_file:
            there = f"orders and answers as measured in {exchange.latency_file}"
        there = f"feed {feed}, {there}"
        lines.append((f"Latency, {name}", there))
        lines.append((f"Fees, {name}", f"maker {_bps(exchange.maker_fee)}, taker {_bps(exchange.taker_fee)}"))
    kernels = {type(listing.kernel).__module__ for venue in venues for listing in venue.listings}
    if any(not source.dataset.market(source.symbol).rows for source in sources):
        costs = f"half spread {_bps(backtest.half_spread)}, slippage {_bps(backtest.slippage)}"
        reach = "touched" if backtest.touch else "passed"
        share = f"{backtest.participation:%} of the volume"
        lines.append(("Candles", f"{costs}; a price that is {reach} fills; at most {share}; the worse order inside"))
    lines.append(("Fill kernel", "compiled" if any(".fast" in name for name in kernels) else "reference"))
    if backtest.assumed_spread is not None:
        lines.append(("Data of trades alone", f"a spread of {_bps(backtest.assumed_spread)} around each"))
    if backtest.valuation == "liquidation":
        lines.append(("What is left at the end", "valued at the best bid, what is owed at the best ask"))
    if backtest.finalize == "flatten":
        lines.append(("At the end", "positions are closed by taking from the last book"))
    lines.append(("Market impact", "none: our orders do not change the recorded market"))
    return lines


def _about(source: Source, start_us: int, end_us: int) -> dict[str, Any]:
    market = source.dataset.market(source.symbol)
    return {
        "instrument_id": source.instrument.instrument_id,
        "folder": str(source.dataset.folder),
        "source": market.source,
        "licence": market.licence,
        "rows": sum(part.rows for part in source.parts),
        "days": len(source.parts),
        "receive_times": market.receive_times,
        "volume": to_text(source.dataset.volume(source.symbol, source.parts, start_us, end_us)),
        "quality": asdict(market.quality),
    }


def _bps(rate: Decimal) -> str:
    return f"{(rate * 10_000).normalize():f} bps"
