"""The tables of the history: one description for all databases.

Facts come from order logs and mirror their keys, so that nothing can be stored twice: `log_key` is the number of a log,
`log_sequence` the entry that said it last. Market data are floats: they are for looking at, no money is made of them.
There are no foreign keys, because facts, market data and sessions arrive by different ways and in any order.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from engine.store.history.column_types import BigKey, Json, Money, TimeUs

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _text(name: str, default: str | None = None) -> Column[Any]:
    """`default`: what rows have that do not say."""
    return Column(name, Text(), nullable=False, server_default=default)


def _int(name: str) -> Column[Any]:
    return Column(name, Integer(), nullable=False)


def _big(name: str) -> Column[Any]:
    return Column(name, BigInteger(), nullable=False)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, TimeUs(), nullable=nullable)


def _money(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Money(), nullable=nullable)


def _float(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Double(), nullable=nullable)


def _series(name: str, *columns: Column[Any], keys: tuple[Column[Any], ...]) -> Table:
    """A table that is clustered by its key."""
    return Table(name, metadata, *keys, *columns, sqlite_with_rowid=False)


# ---- what there is

instrument = Table(
    "instrument",
    metadata,
    Column("instrument_key", Integer(), sa.Identity(), primary_key=True),
    _text("instrument_id"),
    _text("session_id", ""),  # of a simulated market: it exists in this session only. "" of real ones
    _text("venue"),
    _text("symbol"),
    _text("kind", ""),
    _text("base", ""),
    _text("quote", ""),
    _text("settle", ""),
    _money("contract_size", nullable=True),
    _money("price_step", nullable=True),
    _money("quantity_step", nullable=True),
    _time("created_at"),  # by the wall clock, also of simulated markets
    Unique("instrument_id", "session_id"),
)
session = Table(
    "session",
    metadata,
    _key("session_id", Text()),
    _text("bot_name"),
    _text("mode"),
    _time("started_at"),
    _time("ended_at", nullable=True),
    Column("config", Json),
    _text("config_hash", ""),
    Column("seed", BigInteger()),
    _text("code_version", ""),
    _text("exit_reason", ""),
    Index(None, "bot_name", "started_at"),
)

# ---- facts, from order logs

order_log = Table(
    "order_log",
    metadata,
    Column("log_key", Integer(), sa.Identity(), primary_key=True),
    Column("log_id", Text(), nullable=False, unique=True),
    _text("bot_name"),
    _text("session_id", ""),  # to which the entries after the cursor belong
    _big("log_sequence"),  # the cursor: everything up to here is in the tables below
    _time("updated_at"),
)
orders = Table(
    "orders",
    metadata,
    _key("log_key", Integer()),
    _key("client_order_id", Text()),
    _key("twin", Integer()),
    _text("session_id"),
    _text("bot_name"),
    _int("instrument_key"),
    _text("venue_order_id"),
    _text("owner"),
    _text("slot_tag"),
    _text("parent"),
    _text("side"),
    _text("order_type"),
    _text("time_in_force"),
    _flag("post_only"),
    _flag("reduce_only"),
    _money("price", nullable=True),
    _money("stop_price", nullable=True),
    _money("quantity", nullable=True),
    _money("filled"),
    _money("venue_filled"),
    _money("average_price", nullable=True),
    _text("status"),
    _text("phase"),
    Column("close_reason", Text()),
    _text("reason"),
    _flag("settled"),
    _big("log_sequence"),
    _time("created_at"),
    _time("updated_at"),
    Index(None, "session_id", "created_at"),
    Index(None, "bot_name", "created_at"),
    Index("ix_orders_open", "bot_name", postgresql_where=sa.text("NOT settled"), sqlite_where=sa.text("settled = 0")),
)
order_event = Table(
    "order_event",
    metadata,
    _key("log_key", Integer()),
    _key("log_sequence", BigInteger()),
    _text("session_id"),
    _text("bot_name"),
    _time("ts"),
    _text("source"),
    _text("kind"),
    _text("client_order_id"),
    _int("twin"),
    Column("payload", Json, nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Index(None, "client_order_id"),
    Index(None, "bot_name", "ts"),
)
trade = Table(
    "trade",
    metadata,
    _key("log_key", Integer()),
    _key("client_order_id", Text()),
    _key("twin", Integer()),
    _key("trade_id", Text()),
    _text("session_id"),
    _text("bot_name"),
    _text("owner"),
    _int("instrument_key"),
    _text("venue_order_id"),
    _time("ts"),
    _time("venue_ts"),
    _text("side"),
    _money("price"),
    _money("quantity"),  # 0: the venue took it back
    _money("fee"),
    _text("fee_asset"),
    _text("liquidity"),
    _flag("provisional"),  # inferred from an order's filled quantity
    _text("replaced_by"),  # of a provisional one: the trade that came for it
    _big("log_sequence"),
    Index(None, "bot_name", "ts"),
    Index(None, "session_id", "ts"),
)
transfer = Table(
    "transfer",
    metadata,
    _key("log_key", Integer()),
    _key("log_sequence", BigInteger()),
    _text("session_id"),
    _text("bot_name"),
    _text("venue"),
    _text("asset"),
    _money("amount"),
    _text("kind"),
    _text("transfer_id"),
    _text("instrument_id"),  # of funding payments
    _time("ts"),
    Index(None, "bot_name", "ts"),
)
position = Table(
    "position",
    metadata,
    _key("session_id", Text()),
    _key("instrument_key", Integer()),
    _key("owner", Text()),  # the strategy; "" of a derivative: all owners together, as the venue sees it
    _text("bot_name"),
    _money("quantity"),
    _money("cost"),  # entry value of the open part, ≥ 0
    _money("realized_pnl"),
    _money("fees"),
    _money("accumulated_funding"),
    _time("updated_at"),
)
bot_state = Table(
    "bot_state",
    metadata,
    _key("bot_name", Text()),
    _key("component", Text()),
    _int("version"),
    Column("state", Json, nullable=False),
    _time("updated_at"),
)

# ---- series

price_tick = _series(
    "price_tick",
    _float("price"),
    _float("quantity"),
    Column("aggressor", SmallInteger(), nullable=False),  # 1: a buyer took, -1: a seller
    keys=(_key("instrument_key", Integer()), _key("ts", TimeUs()), _key("sequence", BigInteger())),
)
market_data_history = _series(
    "market_data_history",
    *(_float(name) for name in ("open", "high", "low", "close", "volume")),
    _float("quote_volume"),
    _big("trades"),
    _text("source"),  # ticks: computed from price_tick; venue, import: never overwritten by those
    keys=(_key("instrument_key", Integer()), _key("interval_s", Integer()), _key("ts", TimeUs())),
)
order_book_snapshot = _series(
    "order_book_snapshot",
    _float("mid"),
    _float("spread"),
    Column("bids", LargeBinary(), nullable=False),  # price, quantity as doubles, best first
    Column("asks", LargeBinary(), nullable=False),
    keys=(_key("instrument_key", Integer()), _key("ts", TimeUs()), _key("sequence", BigInteger())),
)
funding_rate = _series(
    "funding_rate",
    _float("rate"),
    _time("next_at"),
    keys=(_key("instrument_key", Integer()), _key("ts", TimeUs())),
)
balance_snapshot = _series(
    "balance_snapshot",
    _money("total"),
    _money("free"),
    keys=(_key("session_id", Text()), _key("venue", Text()), _key("asset", Text()), _key("ts", TimeUs())),
)

# ---- programs around the bots

system_settings = Table(
    "system_settings",
    metadata,
    _key("key", Text()),
    Column("value", Json, nullable=False),
    _int("version"),
    _time("updated_at"),
    _text("updated_by"),
)
audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigKey, sa.Identity(), primary_key=True),
    _time("ts"),
    _text("actor"),
    _text("role"),
    _text("address"),
    _text("action"),
    _text("object"),
    Column("before", Json),
    Column("after", Json),
    _text("result"),
    Column("prev_hash", LargeBinary(), nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Index(None, "ts"),
)
backtest_result = Table(
    "backtest_result",
    metadata,
    _key("run_id", Text()),
    _text("strategy_id"),
    _text("sweep_id", ""),
    Column("trial", Integer()),
    _text("state"),
    Column("params", Json, nullable=False),
    Column("metrics", Json),
    _text("journal_hash", ""),
    _text("data_hash", ""),
    _text("worker", ""),
    _int("attempts"),
    _time("created_at"),
    _time("finished_at", nullable=True),
    _text("report", ""),  # its file
    _text("error", ""),
    Index(None, "sweep_id", "state"),
    Index(None, "strategy_id", "created_at"),
)
instance_lock = Table(
    "instance_lock",
    metadata,
    _key("name", Text()),
    _text("owner"),
    _big("fencing"),  # grows with every new holder
    _time("expires_at"),
)
