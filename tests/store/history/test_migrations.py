"""The tables: as described, brought up and down with what is in them, by one process at a time; and what is refused."""

import asyncio
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from engine.store.history import tables, upgrade
from engine.store.history.connection import Store
from engine.store.history.errors import StoreRefused, StoreUnreachable, StoreVersion
from engine.store.history.upgrade import HEAD, SCRIPTS, check, migrate, revision_of
from tests.store.history.conftest import Databases, opened

NEXT = '''"""A later revision."""

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "0002"


def upgrade() -> None:
    for table in ("session", "price_tick"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("note", sa.Text(), server_default="none"))


def downgrade() -> None:
    for table in ("session", "price_tick"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("note")
'''
SESSION = {"session_id": "s", "bot_name": "b", "mode": "live", "started_at": 1_795_219_200_123_457}
TICK = {"instrument_key": 1, "ts": 1_795_219_200_123_457, "sequence": 1, "price": 1.5, "quantity": 2.0, "aggressor": 1}


async def test_the_tables_are_those_of_the_description(store: Store) -> None:
    async with store.engine.connect() as connection:
        found = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), tables.metadata)
        )
    assert found == []


def test_the_program_knows_its_newest_revision() -> None:
    settings = Config()
    settings.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(settings).get_current_head() == HEAD


async def test_up_and_down_with_data(store: Store, tmp_path: Path) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, scripts)
    (scripts / "versions" / "r9000_note.py").write_text(NEXT)
    async with store.engine.begin() as connection:
        await connection.execute(tables.session.insert(), SESSION)
        await connection.execute(tables.price_tick.insert(), TICK)
    for revision in ("9000", "0002", "9000", "0001", "9000", "0002"):
        async with store.engine.begin() as connection:
            await connection.run_sync(partial(migrate, revision=revision, scripts=scripts))
        await store.close()  # drivers keep what they know of a table
        async with store.engine.connect() as connection:
            columns = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns("price_tick"))
            assert ("note" in [column["name"] for column in columns]) is (revision == "9000")
            (tick,) = (await connection.execute(sa.select(tables.price_tick))).all()
            assert tick._asdict() == TICK
            (session,) = (await connection.execute(sa.select(tables.session.c["session_id", "started_at"]))).all()
            assert session == (SESSION["session_id"], SESSION["started_at"])
    async with store.engine.begin() as connection:
        await connection.run_sync(lambda sync: migrate(sync, "base"))
        assert await connection.run_sync(revision_of) == ""
        left = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        assert left == ["alembic_version"]
    assert (await upgrade.upgrade(store)).before == ""
    assert await check(store) == (await upgrade.upgrade(store)).level


async def test_several_at_once_make_one_set_of_tables(engine: str, databases: Databases) -> None:
    url = await databases.new(engine, empty=True)

    async def one() -> str:
        async with opened(url) as store:
            return (await upgrade.upgrade(store)).before

    assert sorted(await asyncio.gather(one(), one(), one())) == ["", HEAD, HEAD]


async def test_a_crash_inside_leaves_nothing(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = await databases.new(engine, empty=True)
    async with opened(url) as store:
        async with store.engine.connect() as connection, connection.begin() as transaction:
            await connection.run_sync(lambda sync: migrate(sync, "head"))
            await transaction.rollback()
        async with store.engine.connect() as connection:
            assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
        assert (await upgrade.upgrade(store)).after == HEAD


async def test_other_versions_are_refused(engine: str, databases: Databases) -> None:
    async with opened(await databases.new(engine, empty=True)) as store:
        with pytest.raises(StoreVersion, match=r"no tables yet\n  fix: tickwright db upgrade"):
            await check(store)
    async with opened(await databases.new(engine)) as store:
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        for refuse in (check(store), upgrade.upgrade(store)):
            with pytest.raises(StoreVersion, match="of revision 9999, this program knows"):
                await refuse
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        with pytest.raises(StoreVersion, match=f"of revision 0000, {HEAD} is needed"):
            await check(store)


async def test_a_file_is_copied_before_its_tables_change(databases: Databases) -> None:
    async with opened(await databases.new("sqlite")) as store:
        async with store.engine.begin() as connection:
            await connection.execute(tables.session.insert(), SESSION)
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        for _ in range(2):
            with pytest.raises(StoreVersion, match="Can't locate revision identified by '0000'"):
                await upgrade.upgrade(store)
    copy = sqlite3.connect(f"{store.where}.0000")
    assert copy.execute("SELECT session_id FROM session").fetchone() == ("s",)
    copy.close()


async def test_what_cannot_be_reached_says_so_once(tmp_path: Path, databases: Databases) -> None:
    with pytest.raises(StoreRefused, match="not the address of a database"):
        Store.open("mysql://host/name", tmp_path)
    with pytest.raises(StoreRefused, match="the folder cannot be made"):
        Store.open("sqlite:////proc/none/x.sqlite", tmp_path)
    text = tmp_path / "text.sqlite"
    text.write_text("this is a text, not a database" * 100)
    cases = [
        (f"sqlite:///{text}", StoreRefused, "not a database"),
        ("postgresql://me:secret@127.0.0.1:1/x", StoreUnreachable, r"me:\*\*\*@127.0.0.1:1"),
        ("postgresql://nobody@/x?host=/nonexistent", StoreUnreachable, "No such file"),
    ]
    for url, kind, match in cases:
        async with opened(url) as store:
            with pytest.raises(kind, match=match) as caught:
                await upgrade.upgrade(store)
            assert "secret" not in str(caught.value)


async def test_missing_rights(databases: Databases) -> None:
    url = await databases.new("postgres", empty=True)
    async with opened(url) as store, store.engine.begin() as connection:
        await connection.exec_driver_sql("DROP ROLE IF EXISTS guest")
        await connection.exec_driver_sql("CREATE ROLE guest LOGIN")
    async with opened(str(sa.make_url(url).set(username="guest").render_as_string(hide_password=False))) as store:
        with pytest.raises(
            StoreRefused, match=r"permission denied for schema public\n  fix: grant the user all rights"
        ):
            await upgrade.upgrade(store)
    async with opened(str(sa.make_url(url).set(database="none").render_as_string(hide_password=False))) as store:
        with pytest.raises(StoreRefused, match='database "none" does not exist\n  fix: create it'):
            await upgrade.upgrade(store)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_file_that_cannot_be_written(tmp_path: Path, databases: Databases) -> None:
    url = await databases.new("sqlite")
    os.chmod(sa.make_url(url).database or "", 0o444)
    async with opened(url) as store:
        with pytest.raises(StoreRefused, match="readonly"):
            await upgrade.upgrade(store)


async def test_readers_change_nothing(url: str) -> None:
    store = Store.open(url, Path(), reader=True)
    try:
        with pytest.raises(StoreRefused, match=r"read-?only"), store.guarded():
            async with store.engine.begin() as connection:
                await connection.execute(tables.session.insert(), SESSION)
    finally:
        await store.close()
