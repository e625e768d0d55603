"""`tickwright exchanges [NAME]`."""

import click
from pydantic import BaseModel

from engine.app.cli.output import Output
from engine.app.cli.setting_table import settings_data, settings_text
from engine.app.cli.text import table
from engine.app.config.models import RealExchange, RecordedExchange
from engine.app.config.validate import did_you_mean
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, NOT_BUILT
from engine.app.setting_docs import summary

MISSING = "not part of this version"


@click.command(help="List the exchanges, or the settings of one.")
@click.argument("name", required=False)
@click.pass_obj
def command(output: Output, name: str | None) -> None:
    """NAME is a `connector`."""
    if name is None:
        rows = [(each, _model(each)) for each in BUILT_IN.connectors]
        data = [_about(each, model) for each, model in rows]
        output.result(data, table((each, summary(model) if model else MISSING) for each, model in rows))
        return
    if name not in BUILT_IN.connectors:
        hint = did_you_mean(name, BUILT_IN.connectors) or "tickwright exchanges"
        raise Failure("E-NOTFOUND", f"there is no exchange '{name}'", fix=hint)
    model = _model(name)
    if model is None:
        output.result(_about(name, None), f"{name}: {MISSING}")
        return
    about = _about(name, model)
    keys = "needs API keys to trade" if about["needs_keys"] else "needs no keys and no network"
    text = f"{name}: {summary(model)}\nmodes: {', '.join(_modes(model))}; {keys}\n\nexchanges:\n  NAME:\n"
    text += settings_text(model)
    about["settings"] = settings_data(model)
    if name == "simulated":
        replay = BUILT_IN.market_config("replay")
        about["market_replay"] = settings_data(replay)
        text += f"\n\n  market, with model: replay\n{settings_text(replay)}"
    if name == "ccxt":
        about["exchanges"] = found = BUILT_IN.venue_module("ccxt").catalog()
        works = [(each["exchange_id"], each["name"], "; ".join(each["limits"]) or "everything") for each in found]
        text += f"\n\n  exchange_id, and what works:\n{table(works)}"
    output.result(about, text)


def _model(name: str) -> type[BaseModel] | None:
    return None if BUILT_IN.connectors[name] == NOT_BUILT else BUILT_IN.connector_config(name)


def _modes(model: type[BaseModel]) -> list[str]:
    """The values of `mode` with which such an exchange may be used alone."""
    if issubclass(model, RecordedExchange):
        return ["backtest"]
    return ["paper", "live"] if issubclass(model, RealExchange) else ["simulated"]


def _about(name: str, model: type[BaseModel] | None) -> dict[str, object]:
    about: dict[str, object] = {"connector": name, "available": model is not None}
    if model is not None:
        about |= {"description": summary(model), "modes": _modes(model), "needs_keys": issubclass(model, RealExchange)}
    return about
