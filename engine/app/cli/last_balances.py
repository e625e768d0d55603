"""What a bot that does not run owned when it was last seen."""

from engine.app.cli.output import Output
from engine.app.cli.store import with_store
from engine.app.failure import Failure
from engine.store.history import queries, upgrade
from engine.store.history.connection import Store
from engine.store.history.queries import Row


def last_balances(output: Output, name: str) -> list[Row]:
    """By venue and asset; empty where there is no history, or the bot is not in it."""

    async def read(store: Store) -> list[Row]:
        await upgrade.check(store)
        return await queries.last_balances(store, name)

    try:
        return with_store(output, read)
    except Failure:  # handled: then the answer is that the bot does not run
        return []
