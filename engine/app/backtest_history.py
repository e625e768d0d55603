"""A backtest's result in the history; loaded when there is one to keep."""

import asyncio
import json
from pathlib import Path
from typing import Any

from engine.app.config.load import LoadedConfig
from engine.app.config_text import config_text
from engine.store.history.backtests import store_backtest
from engine.store.history.connection import Store
from engine.store.history.errors import StoreError
from engine.store.history.upgrade import check, upgrade


def keep_backtest(loaded: LoadedConfig, userdir: Path, result: dict[str, Any], report: Path) -> str:
    """Why it could not be kept, or "": a run is worth its result even where no database is."""
    settings = loaded.config.store

    async def keep() -> None:
        store = Store.open(settings.address, userdir)
        try:
            if settings.auto_upgrade:
                await upgrade(store, timescale=settings.timescale == "auto")
            else:
                await check(store)
            await store_backtest(store, result, json.loads(config_text(loaded)), str(report))
        finally:
            await store.close()

    try:
        asyncio.run(keep())
    except StoreError as error:
        return f"the result is not in the history: {error.what} ({error.where}); {error.fix}"
    return ""
