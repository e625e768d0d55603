"""The status for people: Markets, Assets, Performance, Positions, Orders, Warnings, in this order."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.app.figures import amount, change, clock, percent, price, quantity, rough, signed
from engine.core.notice import show_number

Status = Mapping[str, Any]
COLORS = {"RUNNING": "green", "PAUSED": "yellow", "CRASHED": "red"}
BPS = Decimal(10_000)


def render_status(status: Status) -> RenderableType:
    """A screen of it."""
    both = Columns([_section("Assets", _assets(status)), _section("Performance", _performance(status))], padding=(0, 4))
    return Group(
        _head(status),
        _section("Markets", _markets(status)),
        both,
        *([_section("Positions", _positions(status))] if status["positions"] else ()),
        _section("Orders", _orders(status)),
        *_messaging(status),
        *_history(status),
        _warnings(status),
    )


def render_line(status: Status) -> str:
    """The same in a line."""
    performance = status["performance"]
    return (
        f"{clock(status['up_us'])}  {status['state']}  {len(status['orders'])} orders, {performance['trades']} trades, "
        f"PnL {signed(performance['total_pnl'])} {status['quote']}, missed {status['missed']}"
    )


def _head(status: Status) -> Text:
    head = Text(f"{status['name']}  {' '.join(status['strategies'])}   {status['mode'].upper()}   ", style="bold")
    head.append(f"● {status['state']}", style=COLORS.get(status["state"], ""))
    tick = f"tick {show_number(Decimal(status['tick_us']) / 1_000_000)}s"
    time = "virtual time" if status["virtual"] else "up"
    head.append(f"  {time} {clock(status['up_us'])}  {tick}  missed {status['missed']}  log {status['log']}", style="")
    return head


def _section(title: str, body: Table) -> RenderableType:
    return Group(Text(title, style="bold"), body)


def _table(*columns: str, left: int = 1) -> Table:
    """Right-aligned columns after the first `left`."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", no_wrap=True)
    return table


def _markets(status: Status) -> Table:
    table = _table(" Exchange", "Symbol", "Best bid", "Best ask", "Mid", "Spread", "Feed age", left=2)
    for market in status["markets"]:
        spread = "-" if market["spread"] is None else f"{Decimal(market['spread']) * BPS:.2f} bps"
        age = "-" if market["age_us"] is None else f"{market['age_us'] // 1000:,} ms"
        prices = (price(market[name]) for name in ("best_bid", "best_ask", "mid"))
        table.add_row(f" {market['exchange']}", market["symbol"], *prices, spread, market["stale"] or age)
    return table


def _assets(status: Status) -> Table:
    assets = status["assets"]
    several = len({asset["exchange"] for asset in assets}) > 1
    names = [f"{each['exchange']} {each['asset']}" if several else each["asset"] for each in assets]
    table = _table("", *names)
    table.add_row(" Total", *(rough(asset["total"]) for asset in assets))
    table.add_row(" Available", *(rough(asset["available"]) for asset in assets))
    table.add_row(f" Value ({status['quote']})", *(amount(asset["value"]) for asset in assets))
    table.add_row(" Share", *(percent(asset["share"]) for asset in assets))
    return table


def _performance(status: Status) -> Table:
    numbers, quote = status["performance"], status["quote"]
    volume = ", ".join(f"{amount(value)} {asset}" for asset, value in numbers["volume"].items()) or "0"
    limit = f" of {percent(numbers['drawdown_limit'])} limit" if numbers["drawdown_limit"] else ""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(justify="right")
    table.add_row("Trades (buy/sell)", f"{numbers['trades']} ({numbers['buys']}/{numbers['sells']})")
    table.add_row("Volume", volume)
    table.add_row("Trade PnL", f"{signed(numbers['trade_pnl'])} {quote}")
    table.add_row("Fees", f"{signed(numbers['fees'], -1)} {quote}")
    if Decimal(numbers["funding"] or 0):
        table.add_row("Funding", f"{signed(numbers['funding'])} {quote}")
    table.add_row("Total PnL", f"{signed(numbers['total_pnl'])} {quote} ({change(numbers['return'])})")
    table.add_row("vs hold", f"{signed(numbers['vs_hold'])} {quote}")
    table.add_row("Drawdown", f"{percent(numbers['drawdown'])}{limit}")
    return table


def _positions(status: Status) -> Table:
    columns = ("Amount", "Entry", "Mark", "PnL", "Liquidation", "Funding", "Next in")
    table = _table(" Exchange", "Symbol", *columns, left=2)
    for position in status["positions"]:
        limit, rate, due_us = position["liquidation_price"], position["funding_rate"], position["funding_us"]
        table.add_row(
            f" {position['exchange']}",
            position["symbol"],
            quantity(position["quantity"]),
            rough(position["average_price"]),
            price(position["mark"]),
            f"{signed(position['unrealised_pnl'])} {position['asset']}",
            "-" if limit is None else f"{rough(limit)} ({percent(position['liquidation_distance'])})",
            "-" if rate is None else change(rate),
            "-" if due_us is None else clock(max(0, due_us - status["now_us"])),
        )
    return table


def _orders(status: Status) -> Table:
    table = _table(" Level", "Side", "Price", "Spread", "Amount", "Filled", "Age", "State", left=2)
    for order in status["orders"]:
        color = "green" if order["side"] == "BUY" else "red"
        state = "partly filled" if order["partly_filled"] else order["status"].lower().replace("_", " ")
        table.add_row(
            f" {order['level']}",
            Text(order["side"].lower(), style=color),
            price(order["price"]),
            percent(order["spread"]),
            price(order["quantity"]),
            price(order["filled"]),
            clock(order["age_us"]),
            state,
        )
    return table


def _messaging(status: Status) -> Iterator[Text]:
    """Nothing for a bot that tells nobody."""
    told = status["messaging"]
    if told:
        text = f"Messages {told['sent']:,} sent to the {told['to']}"
        if told["waiting"]:
            text += f", {told['waiting']:,} wait, the oldest for {clock(told['lag_us'] or 0)}"
        yield Text(text, style="dim")
        if told["error"]:
            yield Text(f"         {told['error']}", style="yellow")


def _history(status: Status) -> Iterator[Text]:
    """Nothing for a bot without one."""
    kept = status["history"]
    if kept:
        text = f"History  {kept['state']}"
        if kept["lag_entries"]:
            text += f", {kept['lag_entries']:,} entries wait for {clock(kept['lag_us'])}"
        if dropped := sum(kept["dropped"].values()):
            text += f", {dropped:,} rows of market data were dropped"
        yield Text(text, style="dim")


def _warnings(status: Status) -> Text:
    text = Text()
    for warning in status["warnings"]:
        where = f"{warning['where']}: " if warning["where"] else ""
        text.append(f"{warning['code']:<8} {where}{warning['text']}\n", style="yellow")
    return text or Text("No warnings.", style="dim")
