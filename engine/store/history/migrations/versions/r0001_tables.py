"""The first tables, views of candles, and an audit log that only grows."""

import sqlalchemy as sa
from alembic import context, op

from engine.store.history import timescale
from engine.store.history.column_types import BigKey, Json, Money, TimeUs
from engine.store.history.level import Level, find_level, level_in_use
from engine.store.history.tables import metadata

revision = "0001"
down_revision = None
TABLES = sa.MetaData(naming_convention=metadata.naming_convention)

sa.Table(
    "audit_log",
    TABLES,
    sa.Column("seq", BigKey, sa.Identity(), nullable=False),
    sa.Column("ts", TimeUs(), nullable=False),
    sa.Column("actor", sa.Text(), nullable=False),
    sa.Column("role", sa.Text(), nullable=False),
    sa.Column("address", sa.Text(), nullable=False),
    sa.Column("action", sa.Text(), nullable=False),
    sa.Column("object", sa.Text(), nullable=False),
    sa.Column("before", Json, nullable=True),
    sa.Column("after", Json, nullable=True),
    sa.Column("result", sa.Text(), nullable=False),
    sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
    sa.Column("hash", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("seq"),
)
sa.Index("ix_audit_log_ts", TABLES.tables["audit_log"].c["ts"])

sa.Table(
    "backtest_result",
    TABLES,
    sa.Column("run_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("strategy_id", sa.Text(), nullable=False),
    sa.Column("sweep_id", sa.Text(), server_default="", nullable=False),
    sa.Column("trial", sa.Integer(), nullable=True),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("params", Json, nullable=False),
    sa.Column("metrics", Json, nullable=True),
    sa.Column("journal_hash", sa.Text(), server_default="", nullable=False),
    sa.Column("data_hash", sa.Text(), server_default="", nullable=False),
    sa.Column("worker", sa.Text(), server_default="", nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("created_at", TimeUs(), nullable=False),
    sa.Column("finished_at", TimeUs(), nullable=True),
    sa.Column("report", sa.Text(), server_default="", nullable=False),
    sa.Column("error", sa.Text(), server_default="", nullable=False),
    sa.PrimaryKeyConstraint("run_id"),
)
sa.Index(
    "ix_backtest_result_strategy_id_created_at",
    TABLES.tables["backtest_result"].c["strategy_id"],
    TABLES.tables["backtest_result"].c["created_at"],
)
sa.Index(
    "ix_backtest_result_sweep_id_state",
    TABLES.tables["backtest_result"].c["sweep_id"],
    TABLES.tables["backtest_result"].c["state"],
)

sa.Table(
    "balance_snapshot",
    TABLES,
    sa.Column("session_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("venue", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("asset", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("total", Money(), nullable=False),
    sa.Column("free", Money(), nullable=False),
    sa.PrimaryKeyConstraint("session_id", "venue", "asset", "ts"),
    sqlite_with_rowid=False,
)
sa.Table(
    "bot_state",
    TABLES,
    sa.Column("bot_name", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("component", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("state", Json, nullable=False),
    sa.Column("updated_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("bot_name", "component"),
)
sa.Table(
    "funding_rate",
    TABLES,
    sa.Column("instrument_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("rate", sa.Double(), nullable=False),
    sa.Column("next_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("instrument_key", "ts"),
    sqlite_with_rowid=False,
)
sa.Table(
    "instance_lock",
    TABLES,
    sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("fencing", sa.BigInteger(), nullable=False),
    sa.Column("expires_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("name"),
)
sa.Table(
    "instrument",
    TABLES,
    sa.Column("instrument_key", sa.Integer(), sa.Identity(), nullable=False),
    sa.Column("instrument_id", sa.Text(), nullable=False),
    sa.Column("session_id", sa.Text(), server_default="", nullable=False),
    sa.Column("venue", sa.Text(), nullable=False),
    sa.Column("symbol", sa.Text(), nullable=False),
    sa.Column("kind", sa.Text(), server_default="", nullable=False),
    sa.Column("base", sa.Text(), server_default="", nullable=False),
    sa.Column("quote", sa.Text(), server_default="", nullable=False),
    sa.Column("settle", sa.Text(), server_default="", nullable=False),
    sa.Column("contract_size", Money(), nullable=True),
    sa.Column("price_step", Money(), nullable=True),
    sa.Column("quantity_step", Money(), nullable=True),
    sa.Column("created_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("instrument_key"),
    sa.UniqueConstraint("instrument_id", "session_id"),
)
sa.Table(
    "market_data_history",
    TABLES,
    sa.Column("instrument_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("interval_s", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("open", sa.Double(), nullable=False),
    sa.Column("high", sa.Double(), nullable=False),
    sa.Column("low", sa.Double(), nullable=False),
    sa.Column("close", sa.Double(), nullable=False),
    sa.Column("volume", sa.Double(), nullable=False),
    sa.Column("quote_volume", sa.Double(), nullable=False),
    sa.Column("trades", sa.BigInteger(), nullable=False),
    sa.Column("source", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("instrument_key", "interval_s", "ts"),
    sqlite_with_rowid=False,
)
sa.Table(
    "order_book_snapshot",
    TABLES,
    sa.Column("instrument_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("mid", sa.Double(), nullable=False),
    sa.Column("spread", sa.Double(), nullable=False),
    sa.Column("bids", sa.LargeBinary(), nullable=False),
    sa.Column("asks", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("instrument_key", "ts", "sequence"),
    sqlite_with_rowid=False,
)
sa.Table(
    "order_event",
    TABLES,
    sa.Column("log_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("log_sequence", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("session_id", sa.Text(), nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("ts", TimeUs(), nullable=False),
    sa.Column("source", sa.Text(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("client_order_id", sa.Text(), nullable=False),
    sa.Column("twin", sa.Integer(), nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("hash", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("log_key", "log_sequence"),
)
sa.Index("ix_order_event_bot_name_ts", TABLES.tables["order_event"].c["bot_name"], TABLES.tables["order_event"].c["ts"])
sa.Index("ix_order_event_client_order_id", TABLES.tables["order_event"].c["client_order_id"])

sa.Table(
    "order_log",
    TABLES,
    sa.Column("log_key", sa.Integer(), sa.Identity(), nullable=False),
    sa.Column("log_id", sa.Text(), nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("session_id", sa.Text(), server_default="", nullable=False),
    sa.Column("log_sequence", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("log_key"),
    sa.UniqueConstraint("log_id"),
)
sa.Table(
    "orders",
    TABLES,
    sa.Column("log_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("client_order_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("twin", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("session_id", sa.Text(), nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("instrument_key", sa.Integer(), nullable=False),
    sa.Column("venue_order_id", sa.Text(), nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("slot_tag", sa.Text(), nullable=False),
    sa.Column("parent", sa.Text(), nullable=False),
    sa.Column("side", sa.Text(), nullable=False),
    sa.Column("order_type", sa.Text(), nullable=False),
    sa.Column("time_in_force", sa.Text(), nullable=False),
    sa.Column("post_only", sa.Boolean(), nullable=False),
    sa.Column("reduce_only", sa.Boolean(), nullable=False),
    sa.Column("price", Money(), nullable=True),
    sa.Column("stop_price", Money(), nullable=True),
    sa.Column("quantity", Money(), nullable=True),
    sa.Column("filled", Money(), nullable=False),
    sa.Column("venue_filled", Money(), nullable=False),
    sa.Column("average_price", Money(), nullable=True),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("phase", sa.Text(), nullable=False),
    sa.Column("close_reason", sa.Text(), nullable=True),
    sa.Column("reason", sa.Text(), nullable=False),
    sa.Column("settled", sa.Boolean(), nullable=False),
    sa.Column("log_sequence", sa.BigInteger(), nullable=False),
    sa.Column("created_at", TimeUs(), nullable=False),
    sa.Column("updated_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("log_key", "client_order_id", "twin"),
)
sa.Index(
    "ix_orders_bot_name_created_at", TABLES.tables["orders"].c["bot_name"], TABLES.tables["orders"].c["created_at"]
)
sa.Index(
    "ix_orders_open",
    TABLES.tables["orders"].c["bot_name"],
    postgresql_where=sa.text("NOT settled"),
    sqlite_where=sa.text("settled = 0"),
)
sa.Index(
    "ix_orders_session_id_created_at", TABLES.tables["orders"].c["session_id"], TABLES.tables["orders"].c["created_at"]
)

sa.Table(
    "outbox",
    TABLES,
    sa.Column("seq", BigKey, sa.Identity(), nullable=False),
    sa.Column("message_id", sa.Text(), nullable=False),
    sa.Column("topic", sa.Text(), nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("created_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("seq"),
    sa.UniqueConstraint("message_id"),
)
sa.Table(
    "position",
    TABLES,
    sa.Column("session_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("instrument_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("owner", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("quantity", Money(), nullable=False),
    sa.Column("cost", Money(), nullable=False),
    sa.Column("realized_pnl", Money(), nullable=False),
    sa.Column("fees", Money(), nullable=False),
    sa.Column("accumulated_funding", Money(), nullable=False),
    sa.Column("updated_at", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("session_id", "instrument_key", "owner"),
)
sa.Table(
    "price_tick",
    TABLES,
    sa.Column("instrument_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("price", sa.Double(), nullable=False),
    sa.Column("quantity", sa.Double(), nullable=False),
    sa.Column("aggressor", sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint("instrument_key", "ts", "sequence"),
    sqlite_with_rowid=False,
)
sa.Table(
    "risk_metric",
    TABLES,
    sa.Column("session_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("scope", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("ts", TimeUs(), autoincrement=False, nullable=False),
    sa.Column("value", sa.Double(), nullable=False),
    sa.Column("parameters", Json, nullable=True),
    sa.PrimaryKeyConstraint("session_id", "scope", "name", "ts"),
    sqlite_with_rowid=False,
)
sa.Table(
    "session",
    TABLES,
    sa.Column("session_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("mode", sa.Text(), nullable=False),
    sa.Column("started_at", TimeUs(), nullable=False),
    sa.Column("ended_at", TimeUs(), nullable=True),
    sa.Column("config", Json, nullable=True),
    sa.Column("config_hash", sa.Text(), server_default="", nullable=False),
    sa.Column("seed", sa.BigInteger(), nullable=True),
    sa.Column("code_version", sa.Text(), server_default="", nullable=False),
    sa.Column("exit_reason", sa.Text(), server_default="", nullable=False),
    sa.PrimaryKeyConstraint("session_id"),
)
sa.Index(
    "ix_session_bot_name_started_at", TABLES.tables["session"].c["bot_name"], TABLES.tables["session"].c["started_at"]
)

sa.Table(
    "system_settings",
    TABLES,
    sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("value", Json, nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("updated_at", TimeUs(), nullable=False),
    sa.Column("updated_by", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("key"),
)
sa.Table(
    "trade",
    TABLES,
    sa.Column("log_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("client_order_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("twin", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("trade_id", sa.Text(), autoincrement=False, nullable=False),
    sa.Column("session_id", sa.Text(), nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("instrument_key", sa.Integer(), nullable=False),
    sa.Column("venue_order_id", sa.Text(), nullable=False),
    sa.Column("ts", TimeUs(), nullable=False),
    sa.Column("venue_ts", TimeUs(), nullable=False),
    sa.Column("side", sa.Text(), nullable=False),
    sa.Column("price", Money(), nullable=False),
    sa.Column("quantity", Money(), nullable=False),
    sa.Column("fee", Money(), nullable=False),
    sa.Column("fee_asset", sa.Text(), nullable=False),
    sa.Column("liquidity", sa.Text(), nullable=False),
    sa.Column("provisional", sa.Boolean(), nullable=False),
    sa.Column("replaced_by", sa.Text(), nullable=False),
    sa.Column("log_sequence", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("log_key", "client_order_id", "twin", "trade_id"),
)
sa.Index("ix_trade_bot_name_ts", TABLES.tables["trade"].c["bot_name"], TABLES.tables["trade"].c["ts"])
sa.Index("ix_trade_session_id_ts", TABLES.tables["trade"].c["session_id"], TABLES.tables["trade"].c["ts"])

sa.Table(
    "transfer",
    TABLES,
    sa.Column("log_key", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("log_sequence", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("session_id", sa.Text(), nullable=False),
    sa.Column("bot_name", sa.Text(), nullable=False),
    sa.Column("venue", sa.Text(), nullable=False),
    sa.Column("asset", sa.Text(), nullable=False),
    sa.Column("amount", Money(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("transfer_id", sa.Text(), nullable=False),
    sa.Column("instrument_id", sa.Text(), nullable=False),
    sa.Column("ts", TimeUs(), nullable=False),
    sa.PrimaryKeyConstraint("log_key", "log_sequence"),
)
sa.Index("ix_transfer_bot_name_ts", TABLES.tables["transfer"].c["bot_name"], TABLES.tables["transfer"].c["ts"])


def upgrade() -> None:
    TABLES.create_all(op.get_bind(), checkfirst=False)
    op.execute("CREATE VIEW audit_logs AS SELECT * FROM audit_log")
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_{event.lower()} BEFORE {event} ON audit_log "
                "BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION audit_log_keep() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_keep()"
        )
    timescale.install(op.get_bind(), _level())


def downgrade() -> None:
    timescale.remove(op.get_bind(), level_in_use(op.get_bind()))
    op.execute("DROP VIEW audit_logs")
    TABLES.drop_all(op.get_bind(), checkfirst=False)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_log_keep")


def _level() -> Level:
    """What may be used here."""
    wanted = context.config.attributes["timescale"]
    return find_level(op.get_bind()) if wanted else Level.NONE
