"""Connections to the history's database, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.store.history.errors import StoreError, StoreRefused, StoreUnreachable

CONNECT_SECONDS = 5
READ_SECONDS = 10
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_PRAGMAS = ("auto_vacuum=INCREMENTAL", "synchronous=NORMAL", "busy_timeout=5000", "temp_store=MEMORY")
_FIXES = (  # by a part of the database's message, in small letters
    ("password", "correct the user and the password in store.url"),
    ("permission denied", "grant the user all rights on this database and its schema, or name another user"),
    ("does not exist", "create it, or correct store.url"),
    ("readonly", "make the file and its folder writable for this user"),
    ("read-only", "make the database writable, or name another one in store.url"),
    ("unable to open", "make the folder, writable for this user, or correct store.url"),
    ("disk is full", "free space on this disk; nothing is lost until the bot's own disk is full too"),
    ("no space left", "free space on the database's disk"),
    ("not a database", "move the file away, or correct store.url"),
    ("malformed", "restore a copy: tickwright db backup makes them"),
)
_LATER = "it is tried again; check that the database runs and that store.url is right"


class Store:
    """One database. `where` is its address without the password; `postgres` or else SQLite."""

    def __init__(self, engine: AsyncEngine, where: str) -> None:
        self.engine = engine
        self.where = where
        self.postgres = engine.dialect.name == "postgresql"
        self._drivers: WeakSet[Any] = WeakSet()
        if self.postgres:
            sa.event.listen(engine.sync_engine, "connect", self._connected)

    @classmethod
    def open(cls, url: str, base: Path, *, reader: bool = False) -> "Store":
        """Nothing is contacted yet. A file's path is relative to `base`. `reader`: it can change nothing.

        Raises StoreRefused for an address that cannot be one, and when there is no file to read.
        """
        address = _address(url, base)
        where = address.database or "" if _is_sqlite(address) else address.render_as_string(hide_password=True)
        if _is_sqlite(address):
            if not reader:
                _make_folder(Path(where))
            elif not Path(where).exists():
                fix = "a bot makes it when it runs in real time, and so does tickwright db upgrade"
                raise StoreRefused("there is no history yet", where, fix)
            # One writer: a second connection would only wait for the first.
            pool: dict[str, Any] = {"pool_size": 5 if reader else 1, "max_overflow": 0}
            if not reader:
                pool["pool_reset_on_return"] = None  # every transaction is ended where it was begun
            engine = create_async_engine(address, connect_args={"timeout": CONNECT_SECONDS}, **pool)
            _prepare_sqlite(engine, reader)
        else:
            settings = {"application_name": "tickwright", "timezone": "UTC"}
            if reader:
                settings |= {"default_transaction_read_only": "on", "statement_timeout": f"{READ_SECONDS}s"}
            arguments = {"timeout": CONNECT_SECONDS, "server_settings": settings}
            engine = create_async_engine(address, connect_args=arguments, pool_size=5, pool_pre_ping=reader)
        return cls(engine, where)

    async def close(self) -> None:
        await self.engine.dispose()

    def abort(self) -> None:
        """Cut every connection, without a word to the other side: whoever waits for an answer gets an error."""
        for driver in list(self._drivers):
            driver.terminate()

    def _connected(self, connection: Any, _record: object) -> None:
        self._drivers.add(connection.driver_connection)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Errors of the database and of the way to it leave as StoreError."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, TimeoutError) as error:
            raise self.failed(error) from error
        except Exception as error:  # handled: the driver's own errors are translated, all others go on
            if type(error).__module__.startswith("asyncpg"):
                raise self.failed(error) from error
            raise

    def failed(self, error: BaseException) -> StoreError:
        """The error of a statement or a connection, with its remedy."""
        text = _text(error)
        small = text.lower()
        for part, fix in _FIXES:
            if part in small:
                return StoreRefused(text, self.where, fix)
        return StoreUnreachable(text, self.where, _LATER)

    async def vacuum(self, statement: str, *arguments: str) -> None:
        """SQLite's statements that stand outside of every transaction."""
        async with self.engine.connect() as connection:  # which begins nothing by itself
            driver: Any = (await connection.get_raw_connection()).driver_connection
            async with driver.execute(statement, arguments) as cursor:
                await cursor.fetchall()

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT, in the database's dialect."""
        return (postgresql if self.postgres else sqlite).insert(table)

    def upsert(self, table: sa.Table, *, newer: str = "", keep: str = "") -> Any:
        """Insert, or replace the row with the same key but for the column `keep`.

        With `newer` only when that column has grown.
        """
        statement = self.insert(table)
        keys = [column.name for column in table.primary_key]
        names = [column.name for column in table.columns if column.name not in (*keys, keep)]
        new = {name: statement.excluded[name] for name in names}
        where = statement.excluded[newer] > table.columns[newer] if newer else None
        return statement.on_conflict_do_update(index_elements=keys, set_=new, where=where)


def _address(url: str, base: Path) -> sa.URL:
    try:
        address = sa.make_url(url)
        driver = _DRIVERS[address.drivername.partition("+")[0]]
    except (sa.exc.ArgumentError, KeyError):
        fix = "sqlite:///data/history.sqlite or postgresql://user:password@host/name"
        raise StoreRefused("store.url is not the address of a database", url.partition(":")[0], fix) from None
    address = address.set(drivername=driver)
    if _is_sqlite(address):
        return address.set(database=str(base / (address.database or "history.sqlite")))
    return address


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fix = "make the folder, writable for this user, or correct store.url"
        raise StoreRefused(f"the folder cannot be made: {error.strerror}", str(file), fix) from error


def _is_sqlite(address: sa.URL) -> bool:
    return address.get_backend_name() == "sqlite"


def _prepare_sqlite(engine: AsyncEngine, reader: bool) -> None:
    @sa.event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, "query_only=ON" if reader else "journal_mode=WAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reader else "BEGIN IMMEDIATE")


def _text(error: BaseException) -> str:
    """What the driver said, in one line."""
    original = getattr(error, "orig", None) or error
    cause = original.__cause__ or original
    first = str(cause).strip().split("\n")[0]
    return first or type(cause).__name__
