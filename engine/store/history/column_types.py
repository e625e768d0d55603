"""Types of columns that are exact in every database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_US = 250_000_000_000_000_000  # the year 9892: dates end soon after
_MICROSECOND = timedelta(microseconds=1)


def bounded(time_us: int) -> int:
    """A time of a venue, within what a database can keep: nonsense must not stop what comes with it."""
    return min(max(time_us, 0), LATEST_US)


def moment(time_us: int) -> datetime:
    """Microseconds since the epoch as PostgreSQL's driver takes them; exact."""
    return EPOCH + timedelta(microseconds=time_us)


def microseconds(at: datetime) -> int:
    """The inverse of `moment`."""
    return (at - EPOCH) // _MICROSECOND


class TimeUs(sa.TypeDecorator[int]):
    """Microseconds since the epoch, UTC. PostgreSQL: TIMESTAMPTZ, SQLite: INTEGER."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.DateTime(timezone=True) if postgres else sa.BigInteger())

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> Any:
        return value if value is None or dialect.name != "postgresql" else moment(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:
        return value if value is None or dialect.name != "postgresql" else microseconds(value)


class Money(sa.TypeDecorator[Decimal]):
    """An exact decimal of any length. PostgreSQL: NUMERIC, SQLite: TEXT in plain notation."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.Numeric(asdecimal=True) if postgres else sa.Text())

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up by itself in SQLite
