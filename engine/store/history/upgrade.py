"""Bringing a database to the tables of this program, by alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command, config
from alembic.util import CommandError
from msgspec import Struct

from engine.store.history.connection import Store
from engine.store.history.errors import StoreVersion
from engine.store.history.level import Level, create_extension, level_in_use

HEAD = "0002"  # the newest revision in migrations/versions
_LOCK = 7_165_930_214  # of PostgreSQL's advisory locks: one process at a time migrates
SCRIPTS = Path(__file__).parent / "migrations"


class Upgraded(Struct, frozen=True):
    """`before` is "" for an empty database."""

    before: str
    after: str
    level: Level


async def upgrade(store: Store, *, timescale: bool = True) -> Upgraded:
    """Make the tables, or bring them up to date; nothing happens when they are. All or nothing, one process at a time.

    `timescale`: use the extension where there is one. A SQLite file with older tables is copied first, beside it.
    Raises StoreVersion when the tables are newer than this program, and StoreError.
    """
    with store.guarded():
        revision = "" if store.postgres else await _revision(store)
        copy = Path(f"{store.where}.{revision}")
        if revision and revision < HEAD and _absent(copy):
            await store.vacuum("VACUUM INTO ?", str(copy))
        async with store.engine.begin() as connection:
            return await connection.run_sync(_upgrade, store, timescale)


async def check(store: Store) -> Level:
    """The level of a database whose tables are of this version. Raises StoreVersion where they are not."""
    with store.guarded():
        async with store.engine.connect() as connection:
            revision = await connection.run_sync(revision_of)
            level = await connection.run_sync(level_in_use)
    if revision != HEAD:
        raise _other(revision, store)
    return level


async def _revision(store: Store) -> str:
    async with store.engine.connect() as connection:
        return await connection.run_sync(revision_of)


def revision_of(connection: sa.Connection) -> str:
    """The revision of the tables; "" when there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""


def _upgrade(connection: sa.Connection, store: Store, timescale: bool) -> Upgraded:
    if store.postgres:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    before = revision_of(connection)
    if before > HEAD:
        raise _other(before, store)
    if before != HEAD:
        if not before and timescale:
            create_extension(connection)
        try:
            migrate(connection, "head", timescale=timescale)
        except CommandError as error:
            raise StoreVersion(str(error), store.where, "name another database in store.url") from error
    return Upgraded(before, HEAD, level_in_use(connection))


def migrate(connection: sa.Connection, revision: str, *, timescale: bool = True, scripts: Path = SCRIPTS) -> None:
    """To any revision, in the connection's transaction."""
    settings = config.Config()
    settings.set_main_option("script_location", str(scripts))
    settings.attributes.update(connection=connection, timescale=timescale)
    down = revision == "base" or revision < revision_of(connection)
    (command.downgrade if down else command.upgrade)(settings, revision)


def _absent(path: Path) -> bool:
    return not path.exists()


def _other(revision: str, store: Store) -> StoreVersion:
    if revision > HEAD:
        what = f"its tables are of revision {revision}, this program knows {HEAD}"
        return StoreVersion(what, store.where, "update Tickwright, or name another database in store.url")
    what = f"its tables are of revision {revision}, {HEAD} is needed" if revision else "it has no tables yet"
    return StoreVersion(what, store.where, "tickwright db upgrade")
