"""`tickwright history NAME`."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.app.bot_folder import BotFolder
from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.figures import price, quantity
from engine.app.log_file import time_text
from engine.app.registry import load
from engine.core.clock import wall_us
from engine.model.fill import Fill
from engine.model.money import ZERO, to_text
from engine.model.order import Order
from engine.store.order_history import OrderHistory

DAY_US = 86_400_000_000
BY_DAY = "engine.app.cli.by_day:show"  # imports SQLAlchemy: not before it is needed
Json = dict[str, Any]


@click.command(help="Show what a bot traded, what it owns, and the lives of its orders.")
@click.argument("name")
@click.option("--days", type=click.FloatRange(0, min_open=True), default=7.0, help="How far back.")
@click.option("--trades", is_flag=True, help="List the trades.")
@click.option("--orders", is_flag=True, help="List the orders and everything that happened to them, with causes.")
@click.option("--by-day", is_flag=True, help="Instead show profit and loss by day, from the history of all sessions.")
@click.option("--zone", help="With --by-day: the time zone in which days begin, Europe/Berlin; left out: UTC.")
@click.pass_obj
def command(output: Output, name: str, days: float, trades: bool, orders: bool, by_day: bool, zone: str | None) -> None:
    """From the order logs, also while the bot runs. A simulated account begins anew with every session."""
    if by_day or zone:
        load(BY_DAY)(output, name, days, zone or "UTC")
        return
    bot = known_bot(output, name)
    sections = [_section(path, int(days * DAY_US), trades, orders) for path in _logs(bot, int(days * DAY_US))]
    texts = [_text(section, trades, orders) for section in sections]
    output.result(sections, "\n\n".join(texts) or f"{name} has not traded in {days:g} days")


def _logs(bot: BotFolder, back_us: int) -> Iterator[Path]:
    """Those that were written within this time, oldest first."""
    for path in (*sorted(bot.past.glob("orders_*.sqlite")), bot.orders):
        if path.exists() and path.stat().st_mtime_ns // 1000 >= wall_us() - back_us:
            yield path


def _section(path: Path, back_us: int, trades: bool, orders: bool) -> Json:
    with OrderHistory(path) as log:
        newest = log.orders(limit=1)
        since_us = newest[0].created_us - back_us if newest else 0  # the bot's time, which may be virtual
        fills = [trade.fill for trade in reversed(log.trades(since_us))]
        section: Json = {
            "log": path.name,
            "trades": len(fills),
            "buys": sum(fill.side == "BUY" for fill in fills),
            "sells": sum(fill.side == "SELL" for fill in fills),
            "volume": _volume(fills),
            "assets": [_plain(asset) for asset in log.assets(since_us)],
        }
        if trades:
            section["trade_list"] = [_plain(fill) for fill in fills]
        if orders:
            section["order_list"] = [_life(log, order) for order in reversed(log.orders(since_us))]
    return section


def _volume(fills: list[Fill]) -> Json:
    """By the asset that is paid with, the second of a symbol."""
    volume: dict[str, Decimal] = {}
    for fill in fills:
        asset = fill.instrument_id.partition(":")[2].split("-")[1]
        volume[asset] = volume.get(asset, ZERO) + fill.price * fill.quantity
    return {asset: to_text(value) for asset, value in volume.items()}


def _life(log: OrderHistory, order: Order) -> Json:
    events = [_plain(event) for event in log.life(order.client_order_id)]
    names = (
        "client_order_id",
        "venue_order_id",
        "instrument_id",
        "side",
        "price",
        "quantity",
        "filled",
        "status",
        "tag",
    )
    return {**{name: _value(getattr(order, name)) for name in names}, "created_us": order.created_us, "life": events}


def _plain(struct: msgspec.Struct) -> Json:
    return {name: _value(value) for name, value in msgspec.structs.asdict(struct).items()}


def _value(value: Any) -> Any:
    return to_text(value) if isinstance(value, Decimal) else msgspec.to_builtins(value)


def _text(section: Json, trades: bool, orders: bool) -> str:
    volume = ", ".join(f"{price(value)} {asset}" for asset, value in section["volume"].items()) or "0"
    lines = [f"{section['log']}: {section['trades']} trades ({section['buys']}/{section['sells']}), volume {volume}"]
    assets: list[tuple[str, ...]] = [("ASSET", "START", "MOVED", "TRADED", "FEES", "NOW")]
    for asset in section["assets"]:
        figures = (quantity(asset[name]) for name in ("start", "moved", "traded", "fees", "now"))
        assets.append((f"{asset['venue']} {asset['asset']}", *figures))
    lines.append(table(assets, "  "))
    if trades and section["trade_list"]:
        lines.append(table((_trade_cells(fill) for fill in section["trade_list"]), "  "))
    if orders:
        lines += [_order_text(order) for order in section["order_list"]]
    return "\n".join(lines)


def _trade_cells(fill: Json) -> tuple[str, ...]:
    fee = f"fee {fill['fee']} {fill['fee_asset']}"
    return (
        time_text(fill["event_us"]),
        fill["instrument_id"],
        fill["side"],
        fill["quantity"],
        price(fill["price"]),
        fee,
    )


def _order_text(order: Json) -> str:
    head = (
        f"  {order['client_order_id']}  {order['instrument_id']} {order['side']} {order['quantity']} at "
        f"{order['price']}  {order['status']}  filled {order['filled']}  {order['tag']}"
    )
    rows = [
        (time_text(event["at_us"]), event["kind"], event["cause"], ", ".join(event["trade_ids"]), _alarms(event))
        for event in order["life"]
    ]
    return f"{head}\n{table(rows, '    ')}" if rows else head


def _alarms(event: Json) -> str:
    return "; ".join(text for _, text in event["alarms"])
