"""`tickwright orderbook NAME`."""

from typing import Any

import click

from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.control.client import ask
from engine.app.figures import price


@click.command(help="Show the order book as a bot sees it, with the bot's own orders.")
@click.argument("name")
@click.argument("symbol", required=False)
@click.option("--lines", type=click.IntRange(1, 1000), default=10, help="Levels on each side.")
@click.pass_obj
def command(output: Output, name: str, symbol: str | None, lines: int) -> None:
    """The best prices are in the middle."""
    book = ask(known_bot(output, name), "book", {"symbol": symbol, "lines": lines})
    rows = [("SIDE", "PRICE", "QUANTITY", "OWN")]
    rows += [_row("ask", level, book) for level in reversed(book["asks"])]
    rows += [_row("bid", level, book) for level in book["bids"]]
    head = (
        f"{book['exchange']} {book['symbol']}  mid {price(book['mid'])}{'  ' + book['stale'] if book['stale'] else ''}"
    )
    output.result(book, f"{head}\n{table(rows)}")


def _row(side: str, level: list[str], book: dict[str, Any]) -> tuple[str, str, str, str]:
    return side, price(level[0]), level[1], book["own"].get(level[0], "")
