"""`tickwright strategies [NAME]`."""

import click
from pydantic import BaseModel

from engine.app.cli.output import Output
from engine.app.cli.setting_table import settings_data, settings_text
from engine.app.cli.text import table
from engine.app.config.validate import did_you_mean
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, NOT_BUILT, UnknownName, add_strategies
from engine.app.setting_docs import summary
from engine.schema.values import BadValue


@click.command(help="List the strategies, or the settings of one.")
@click.argument("name", required=False)
@click.pass_obj
def command(output: Output, name: str | None) -> None:
    """NAME is a `kind`, or `package.module:Class` of one's own: `strategies.mine:Mine`."""
    if name is None:
        _list(output)
        return
    add_strategies(output.userdir / "strategies")
    key = "use" if ":" in name else "kind"
    model = _model(key, name)
    data = {key: name, "description": summary(model), "settings": settings_data(model)}
    output.result(data, f"{name}: {summary(model)}\n\nstrategy:\n{settings_text(model)}")


def _list(output: Output) -> None:
    rows = []
    for name, path in BUILT_IN.strategies.items():
        built = path != NOT_BUILT
        rows.append((name, built, summary(BUILT_IN.strategy_config(name, "")) if built else "not part of this version"))
    data = [{"kind": name, "available": built, "description": text} for name, built, text in rows]
    output.result(data, table((name, text) for name, _, text in rows))


def _model(key: str, name: str) -> type[BaseModel]:
    try:
        return BUILT_IN.strategy_config(name if key == "kind" else "", name if key == "use" else "")
    except UnknownName as unknown:
        hint = did_you_mean(name, unknown.names)
        raise Failure("E-NOTFOUND", f"there is no strategy '{name}'", fix=hint or "tickwright strategies") from unknown
    except BadValue as reason:
        raise Failure("E-NOTFOUND", f"'{name}' {reason.message}", fix=reason.hint) from reason
