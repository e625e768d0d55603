"""The keys of a bot's exchanges: written in its files by reference, or kept in the secrets file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from engine.app.config.load import LoadedConfig
from engine.app.config.models import RealExchange
from engine.app.failure import Failure
from engine.app.secrets.unlock import Ask, unlock


def secret_fields(model: type[BaseModel]) -> list[str]:
    """The settings of an exchange that are secrets."""
    marks = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return [name for name, given in marks.items() if isinstance(given, dict) and given.get("secret")]


def with_keys(loaded: LoadedConfig, userdir: Path, ask: Ask | None, warn: Callable[[str], None]) -> LoadedConfig:
    """The configuration of a live bot with the keys that its files leave to the secrets file.

    Raises Failure (E-KEY) when the file cannot be unlocked or lacks the account.
    """
    config = loaded.config
    exchanges = {
        name: exchange
        for name, exchange in config.exchanges.items()
        if config.mode == "live" and isinstance(exchange, RealExchange) and not exchange.api_key
    }
    if not exchanges:
        return loaded
    vault = unlock(userdir, ask, warn)
    found = {}
    for name, exchange in exchanges.items():
        secrets = vault.get(exchange.connector, exchange.account)
        if not secrets:
            detail = f"no keys of account '{exchange.account}' are kept"
            raise Failure("E-KEY", detail, where=name, fix=f"tickwright keys add {exchange.connector}")
        found[name] = exchange.model_copy(update=secrets)
    return replace(loaded, config=config.model_copy(update={"exchanges": {**config.exchanges, **found}}))
