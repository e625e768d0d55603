"""What a database can do beyond plain SQL."""

from enum import StrEnum

import sqlalchemy as sa


class Level(StrEnum):
    """NONE: tables only. APACHE: hypertables. TIMESCALE: also continuous aggregates, compression and policies."""

    NONE = "none"
    APACHE = "apache"
    TIMESCALE = "timescale"


def find_level(connection: sa.Connection) -> Level:
    """What is there now: the extension must have been created in this database."""
    if connection.dialect.name != "postgresql":
        return Level.NONE
    installed = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
    if connection.exec_driver_sql(installed).scalar() is None:
        return Level.NONE
    # Asked for as a setting that may be missing: the library is not loaded when it was left out of the server's start.
    setting = connection.exec_driver_sql("SELECT current_setting('timescaledb.license', true)").scalar()
    return Level(setting) if setting else Level.NONE


def create_extension(connection: sa.Connection) -> None:
    """Create TimescaleDB's extension where the server has it; needs the right to create extensions."""
    if connection.dialect.name != "postgresql":
        return
    offered = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
    loaded = "SELECT current_setting('shared_preload_libraries', true)"
    if connection.exec_driver_sql(offered).scalar() and "timescaledb" in (
        connection.exec_driver_sql(loaded).scalar() or ""
    ):
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS timescaledb")


def level_in_use(connection: sa.Connection) -> Level:
    """The level at which the tables were made: NONE also where the extension came later, or was not wanted."""
    level = find_level(connection)
    if level is Level.NONE:
        return level
    made = "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = 'price_tick'"
    return level if connection.exec_driver_sql(made).scalar() else Level.NONE
