"""What commands about the history share."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from engine.app.cli.output import Output
from engine.app.config.load import SETTINGS_FILE, load_file
from engine.app.config.models import SettingsConfig
from engine.app.failure import Failure
from engine.schema.values import BadValue, parse_time
from engine.store.history.connection import Store
from engine.store.history.errors import StoreError, StoreVersion

T = TypeVar("T")


class TimeUs(click.ParamType[int]):
    """`2025-10-01` or `2025-10-01T12:00:00Z`, in microseconds; UTC where it does not say."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_time(value)
        except BadValue as reason:
            self.fail(f"'{value}' {reason}", param, ctx)


def settings_of(output: Output) -> SettingsConfig:
    """What all bots of the folder share. Raises ConfigError."""
    path = output.userdir / "conf" / SETTINGS_FILE
    return load_file(path, SettingsConfig, os.environ) if path.exists() else SettingsConfig()


def with_store(output: Output, work: Callable[[Store], Coroutine[Any, Any, T]], *, reader: bool = True) -> T:
    """Do something with the history of the folder. Raises Failure E-STORE or E-VERSION."""

    async def opened() -> T:
        store = Store.open(settings_of(output).store.address, output.userdir, reader=reader)
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(opened())
    except StoreError as error:
        code = "E-VERSION" if isinstance(error, StoreVersion) else "E-STORE"
        raise Failure(code, error.what, where=error.where, fix=error.fix) from error
