"""The section `store`: where the history of bots is kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from engine.schema.base import ConfigModel
from engine.schema.fields import DurationUs, PositiveDurationUs, Secret, setting
from engine.schema.values import BadValue

_SCHEMES = ("sqlite:///", "postgresql://", "postgresql+asyncpg://", "postgres://")


DEFAULT_URL = "sqlite:///data/history.sqlite"  # in the folder of the bots


def _database_url(url: Secret) -> Secret:
    if not url.get_secret_value().startswith(_SCHEMES):
        raise BadValue(
            "is not the address of a database", "sqlite:///data/history.sqlite or postgresql://user@host/name"
        )
    return url


class RetentionConfig(ConfigModel):
    """How long market data are kept; candles, orders and trades are kept for ever."""

    price_tick: PositiveDurationUs = setting("30d", doc="trades of the market; TimescaleDB: 7d at least", example="30d")
    order_book_snapshot: PositiveDurationUs = setting("7d", doc="books", example="7d")


class StoreConfig(ConfigModel):
    """The history: orders, trades, market data and candles of all bots, in SQLite, PostgreSQL or TimescaleDB."""

    enabled: bool = setting(True, doc="false: order logs are all that is kept", example="true")
    url: Annotated[Secret, AfterValidator(_database_url)] | None = setting(
        None, env=True, secret=True, doc="of the database; left out: data/history.sqlite", example="${DATABASE_URL}"
    )
    timescale: Literal["auto", "off"] = setting("auto", doc="auto: its extension is used where it is installed")
    auto_upgrade: bool = setting(True, doc="bots make and upgrade the tables; false: tickwright db upgrade does")
    ticks: bool = setting(True, doc="every trade of the market is kept; candles come from them", example="true")
    book_interval: DurationUs | None = setting(
        None, doc="order books are kept this often; left out: never", example="1s"
    )
    virtual: bool = setting(False, doc="sessions in virtual time are kept too", example="false")
    retention: RetentionConfig = setting(RetentionConfig(), doc="of market data")

    @property
    def address(self) -> str:
        """Of the database, with its password."""
        return DEFAULT_URL if self.url is None else self.url.get_secret_value()
