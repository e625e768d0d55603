"""The same tests on every database that is there: SQLite always, PostgreSQL and TimescaleDB where they are."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from engine.store.history.connection import Store
from engine.store.history.upgrade import upgrade
from tests.store.history.postgres import Server

ENGINES = ("sqlite", "postgres", "timescale")
TIMESCALE = "TICKWRIGHT_TEST_TIMESCALE_DSN"
POSTGRES = "TICKWRIGHT_TEST_POSTGRES_DSN"
_numbers = count()


class Databases:
    """Fresh databases with the tables of the present version, by name of the engine. Each is the copy of a template."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, str] = {}
        self._templates: set[str] = set()
        self.server: Server | None = None

    def address(self, engine: str) -> str:
        """Where the server is; starts it, or skips the test."""
        if engine not in self._servers:
            given = os.environ.get(TIMESCALE if engine == "timescale" else POSTGRES)
            if given is None and engine == "timescale":
                pytest.skip(f"set {TIMESCALE} to a server with the extension and a user who may create databases")
            if given is None:
                self.server = Server()
                given = self.server.url()
            self._servers[engine] = given
        return self._servers[engine]

    async def new(self, engine: str, *, empty: bool = False) -> str:
        """The address of a database nobody else uses."""
        if engine == "sqlite":
            return await self._new_file(empty)
        name = f"tickwright_{os.getpid()}_{next(_numbers)}"
        template = f"tickwright_{os.getpid()}_template"
        if engine == "timescale":  # its own processes hold on to every database, so none can be a template
            await self._execute(engine, f"CREATE DATABASE {name}")
            if not empty:
                await fill(self._named(engine, name))
            return self._named(engine, name)
        if not empty and engine not in self._templates:
            await self._execute(engine, f"CREATE DATABASE {template}")
            await fill(self._named(engine, template))
            self._templates.add(engine)
        await self._execute(engine, f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {template}"))
        return self._named(engine, name)

    async def close(self) -> None:
        for engine in self._servers:
            if self.server is None or engine == "timescale":
                for name in await self._own(engine):
                    await self._execute(engine, f"DROP DATABASE {name} WITH (FORCE)")
        if self.server is not None:
            self.server.close()

    async def _new_file(self, empty: bool) -> str:
        template, path = self._folder / "template.sqlite", self._folder / f"{next(_numbers)}.sqlite"
        if not empty:
            if "sqlite" not in self._templates:
                await fill(f"sqlite:///{template}")
                self._templates.add("sqlite")
            shutil.copyfile(template, path)
        return f"sqlite:///{path}"

    def _named(self, engine: str, database: str) -> str:
        return sa.make_url(self.address(engine)).set(database=database).render_as_string(hide_password=False)

    async def _own(self, engine: str) -> list[str]:
        connection = await asyncpg.connect(self.address(engine))
        rows = await connection.fetch(
            "SELECT datname FROM pg_database WHERE datname LIKE $1", f"tickwright_{os.getpid()}_%"
        )
        await connection.close()
        return [row["datname"] for row in rows]

    async def _execute(self, engine: str, statement: str) -> None:
        connection = await asyncpg.connect(self.address(engine))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def fill(url: str) -> None:
    """Make the tables. A template must not be in use when it is copied, so nothing stays open."""
    store = Store.open(url, Path())
    await upgrade(store)
    if not store.postgres:
        async with store.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")
    await store.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = Store.open(url, Path())
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("history"))
    yield made
    asyncio.run(made.close())


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def url(engine: str, databases: Databases) -> str:
    """A database with tables."""
    return await databases.new(engine)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with opened(url) as found:
        yield found
