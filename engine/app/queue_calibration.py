"""Which queue model fits the orders of a recorded session: from its journal to a comparison per market."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.app.build import fill_rules
from engine.app.config_text import read_config_text
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, load
from engine.backtest.row_maker import AS_SHOWN
from engine.core.journal import Header, read, read_header
from engine.model.enums import Channel, Liquidity, OrderStatus, OrderType
from engine.model.errors import BadMessage
from engine.model.event import ClockSynced, ConnectorStatus, MarketEvent, OrderUpdate
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.request import SubmitOrder

ENDED = (OrderStatus.CANCELED, OrderStatus.EXPIRED)


@dataclass(slots=True)
class _Told:
    """What the journal tells of one limit order; times are the venue's. `terms` are (time, price, quantity)."""

    request: SubmitOrder
    terms: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    fills: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    end_us: int = 0
    took: bool = False

    def hear(self, update: OrderUpdate) -> None:
        at_us = update.event_us or update.receive_us
        if update.status in ENDED:
            self.end_us = self.end_us or at_us
        elif update.status is OrderStatus.OPEN:
            price, quantity = update.price or self.request.price, update.quantity or self.request.quantity
            assert price is not None, "only orders with a price are followed"
            if not self.terms or self.terms[-1][1:] != (price, quantity):
                self.terms.append((at_us, price, quantity))

    def book(self, fill: Fill) -> None:
        self.fills.setdefault(fill.trade_id, (fill.event_us, fill.quantity))
        self.took |= fill.liquidity is Liquidity.TAKER


@dataclass(slots=True)
class _Session:
    header: Header
    orders: dict[str, _Told] = field(default_factory=dict)
    offsets_us: dict[str, int] = field(default_factory=dict)  # by venue; the last one that was measured


def calibrate_queue(path: Path) -> dict[str, Any]:
    """The comparison by instrument id, as data. Raises Failure about a journal that is damaged or has no orders."""
    try:
        session = _read(path)
        config = read_config_text(session.header.config, f"configuration in {path.name}", os.environ)
        rules = fill_rules(config, BUILT_IN.venue_module("paper"))
        found = {
            each.instrument_id: _market(path, session, each, rules, shown=config.mode != "paper")
            for each in session.header.instruments
            if any(told.request.instrument_id == each.instrument_id for told in session.orders.values())
        }
    except BadMessage as error:
        raise Failure("E-FAILED", str(error), where=str(path)) from error
    if not found:
        raise Failure("E-NOTFOUND", "no limit order is in this journal", where=str(path))
    return found


def _read(path: Path) -> _Session:
    with path.open("rb") as file:
        session = _Session(read_header(file))
        for entry in read(file):
            if isinstance(entry, SubmitOrder):
                if entry.order_type is OrderType.LIMIT:
                    session.orders[entry.client_order_id] = _Told(entry)
            elif isinstance(entry, OrderUpdate | Fill):
                told = session.orders.get(entry.client_order_id)
                if told is not None:
                    told.hear(entry) if isinstance(entry, OrderUpdate) else told.book(entry)
            elif isinstance(entry, ClockSynced):
                session.offsets_us[entry.venue] = entry.offset_us
    return session


def _market(path: Path, session: _Session, instrument: Instrument, rules: Any, *, shown: bool) -> dict[str, Any]:
    """`shown`: the venue's book has our orders in it."""
    orders = [
        (told.request.side, told.terms, list(told.fills.values()), told.end_us)
        for told in session.orders.values()
        if told.request.instrument_id == instrument.instrument_id and told.terms and not told.took
    ]
    result = load("connectors.paper.calibration:calibrate")(
        instrument,
        AS_SHOWN,
        _events(path, instrument),
        orders,
        rules,
        offset_us=session.offsets_us.get(instrument.venue, 0),
        shown=shown,
    )
    return {
        "orders": result.orders,
        "real": result.real and _fit(result.real),
        "models": [_fit(each) for each in result.fits],
    }


def _events(path: Path, instrument: Instrument) -> Iterator[MarketEvent | ConnectorStatus]:
    with path.open("rb") as file:
        read_header(file)
        for entry in read(file):
            if isinstance(entry, MarketEvent):
                if entry.instrument_id == instrument.instrument_id:
                    yield entry
            elif (
                isinstance(entry, ConnectorStatus)
                and entry.channel is Channel.MARKET
                and (entry.venue, entry.instrument_id)
                in ((instrument.venue, ""), (instrument.venue, instrument.instrument_id))
            ):
                yield entry


def _fit(fit: Any) -> dict[str, Any]:
    rules = fit.rules
    return {
        "model": fit.model,
        "queue_model": rules.queue_model,
        "queue_shape": rules.queue_shape,
        "queue_exponent": rules.queue_exponent,
        "fill_rate": fit.fill_rate,
        "fill_s": fit.fill_s,
        "error_s": fit.error_s,
    }
