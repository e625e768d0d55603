"""The first configuration file of a bot: what has to be decided, and the text with all other keys behind a #."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from pydantic import BaseModel

from engine.app.config.edit import written
from engine.app.config.models import BotConfig, RiskConfig
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN
from engine.app.setting_docs import SettingDoc, setting_docs, summary
from engine.model.money import to_text
from engine.schema.base import StrategyConfig
from engine.schema.values import BadValue, parse_number, parse_trading_pair

Tree = dict[str, Any]
"""Sections by name, down to the text of values."""

QUOTE_BALANCE = Decimal(30_000)
SIMULATED = ("simulated", "simulated_remote")  # connectors
_PAIR = "BTC-USDT"  # of a strategy that lists its markets
_TOP = ("name", "mode", "tick", "wake_on", "wake_gap", "seed")
_COMMENT_COLUMN = 40
_WIDTH = 120
_HEAD = "# A key behind a # is not set: its default, or an example. Remove the # to set it."


@dataclass(frozen=True, slots=True)
class Question:
    """A setting that somebody has to decide; `path` is that of `--set`."""

    path: str
    suggestion: str
    doc: str


def draft(name: str, strategy: str, connector: str, given: Iterable[str]) -> Tree:
    """What follows from the options; `given` are `section.key=value`. Raises Failure about one that cannot be."""
    exchange = "sim" if connector in SIMULATED else connector
    tree: Tree = {
        "name": name,
        "mode": "simulated" if connector in SIMULATED else "paper",
        "tick": "1s",
        "exchanges": {exchange: {"connector": connector}},
        "strategy": {"use" if ":" in strategy else "kind": strategy},
        "risk": {"max_drawdown": "5%", "kill_switch": "8%"},
    }
    _name_exchanges(tree, exchange, strategy_model(strategy))
    for assignment in given:
        path, _, value = assignment.partition("=")
        if path in ("strategy.kind", "strategy.use"):
            raise Failure("E-USAGE", f"{path} is the option --strategy", where="--set", fix=f"--strategy {value}")
        if not value:
            raise Failure(
                "E-USAGE", f"'{assignment}' is not an assignment", where="--set", fix="--set section.key=value"
            )
        put(tree, path, value)
    return tree


def _name_exchanges(tree: Tree, exchange: str, model: type[StrategyConfig]) -> None:
    """Where the strategy trades. One that needs two exchanges gets a second one, whose market follows the first."""
    strategy, second = tree["strategy"], f"{exchange}_2"
    if "exchange" in model.model_fields:
        strategy["exchange"] = exchange
        return
    if "maker" in model.model_fields:
        strategy["maker"], strategy["taker"] = second, exchange
    elif "markets" in model.model_fields:
        markets = ", ".join(f"{{exchange: {name}, trading_pair: {_PAIR}}}" for name in (exchange, second))
        strategy["markets"] = f"[{markets}]"
    else:
        return
    other = dict(tree["exchanges"][exchange])
    tree["exchanges"][second] = other | ({"market": {"follows": exchange}} if exchange == "sim" else {})


def strategy_model(strategy: str) -> type[StrategyConfig]:
    """The settings of a `kind`, or of `package.module:Class`. Raises BadValue."""
    own = ":" in strategy
    return BUILT_IN.strategy_config("" if own else strategy, strategy if own else "")


def put(tree: Tree, path: str, value: str) -> None:
    """Set the value at a dotted path."""
    *sections, key = path.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise Failure("E-USAGE", f"{section} is not a section", where=f"--set {path}")
    if isinstance(tree.get(key), dict) or not key or sections == ["exchanges"]:
        raise Failure("E-USAGE", f"'{path}' is not a single setting", where="--set", fix="--set section.key=value")
    tree[key] = value


def questions(tree: Tree) -> list[Question]:
    """What is still to be decided: settings of the strategy that have no default, and where a market starts.

    By convention these come first in the model of a strategy; some are optional only because others can replace them.
    """
    strategy = tree["strategy"]
    found = []
    for doc in setting_docs(strategy_model(strategy.get("use") or strategy["kind"])):
        if doc.name in ("kind", "use"):
            continue
        if doc.default not in (None, "null"):
            break
        if doc.name not in strategy:
            found.append(Question(f"strategy.{doc.name}", doc.example, doc.doc))
    for name, exchange in tree["exchanges"].items():
        if exchange.get("connector") == "simulated_remote" and "socket" not in exchange:
            found.append(Question(f"exchanges.{name}.socket", "venue.sock", "where tickwright venue listens"))
        market = exchange.setdefault("market", {}) if exchange.get("connector") == "simulated" else None
        if isinstance(market, dict) and not market.keys() & {"start_price", "scenario", "follows", "path"}:
            found.append(Question(f"exchanges.{name}.market.start_price", "60000", "where the simulated market starts"))
    return found


def complete(tree: Tree) -> None:
    """Fill in what follows from the answers: what a simulated exchange trades, and what its account holds."""
    strategy = tree["strategy"]
    pair = str(strategy.get("trading_pair") or (_PAIR if "markets" in strategy else ""))
    simulated = [each for each in tree["exchanges"].values() if each.get("connector") == "simulated"]
    for exchange in simulated:
        exchange.setdefault("trading_pairs", f"[{pair}]")
        market = exchange["market"]
        leader = tree["exchanges"].get(market.get("follows"), exchange) if isinstance(market, dict) else exchange
        price = leader["market"].get("start_price") if isinstance(leader["market"], dict) else None
        if price is None:
            continue
        if leader is exchange:
            exchange["market"] = {"model": "jump_diffusion"} | market
        exchange.setdefault("balances", _balances(pair, str(price)))


def _balances(pair: str, price: str) -> str:
    """As much of the base as of the quote; what cannot be read is left to validation."""
    try:
        base, quote, *_ = parse_trading_pair(pair).split("-")
        quantity = Context(prec=3).divide(QUOTE_BALANCE, parse_number(price))
    except (BadValue, ArithmeticError):  # handled: the same value stands in the file and is reported with its line
        return "{}"
    return f"{{{base}: {to_text(quantity)}, {quote}: {QUOTE_BALANCE}}}"


def file_text(tree: Tree) -> str:
    """The file: what the tree has, and every other key of its sections as a comment."""
    strategy = tree["strategy"]
    model = strategy_model(strategy.get("use") or strategy["kind"])
    docs = {doc.name: doc for doc in setting_docs(BotConfig)}
    top = {name: docs[name] for name in _TOP}
    rest = {key: value for key, value in tree.items() if key not in ("exchanges", "strategy", "risk")}
    lines = [f"# {summary(model)}", _HEAD, *_section(top, rest, ""), "", "exchanges:"]
    for name, exchange in tree["exchanges"].items():
        lines += [f"  {name}:", *_section(_exchange_docs(exchange), exchange, "    ")]
    lines += ["", "strategy:", *_section(_docs(model), strategy, "  ")]
    lines += ["", "risk:", *_section(_docs(RiskConfig), tree["risk"], "  ")]
    return "\n".join(lines) + "\n"


def _exchange_docs(exchange: Tree) -> Mapping[str, SettingDoc]:
    try:
        return _docs(BUILT_IN.connector_config(exchange.get("connector", "")))
    except BadValue:  # handled: the connector, or its absence, is reported with its line
        return {}


def _docs(model: type[BaseModel]) -> dict[str, SettingDoc]:
    return {doc.name: doc for doc in setting_docs(model) if doc.name not in ("kind", "use")}


def _section(docs: Mapping[str, SettingDoc], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Lines of a section in the order of its model, behind those that it does not describe (`kind`, misspelt keys)."""
    for name in [name for name in values if name not in docs]:
        yield from _value(name, values[name], docs, indent)
    for name, doc in docs.items():
        if name in values:
            yield from _value(name, values[name], docs, indent)
        elif "." not in name and doc.shown:
            yield _line(f"{indent}# {name}: {doc.shown}", doc)


def _value(name: str, value: Any, docs: Mapping[str, SettingDoc], indent: str) -> Iterator[str]:
    """One setting, or a section of which only that is written which is set."""
    doc = docs.get(name)
    key = name.rpartition(".")[2]
    if isinstance(value, dict):
        yield _line(f"{indent}{key}:", doc)
        for inner, text in value.items():
            yield from _value(f"{name}.{inner}", text, docs, indent + "  ")
    else:
        text = value if value.startswith(("[", "{")) else written(value)
        yield _line(f"{indent}{key}: {text}", doc)


def _line(text: str, doc: SettingDoc | None) -> str:
    """With its documentation and its choices behind it, as far as there is room."""
    if doc is None:
        return text
    choices = " | ".join(doc.choices) if len(doc.choices) > 1 and doc.choices != ("true", "false") else ""
    for comment in ("; ".join(part for part in (doc.doc, choices) if part), doc.doc):
        line = f"{text:<{_COMMENT_COLUMN - 2}}  # {comment}"
        if comment and len(line) <= _WIDTH:
            return line
    return text
