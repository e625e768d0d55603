"""No connector can move money: nothing in its source names a request or a method that does."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support import ROOT

MOVES = re.compile(r"withdraw|transfer|capital/|sub-?account|sub_account|repay|borrow", re.IGNORECASE)
CONNECTORS = ("base", "binance", "okx", "gate", "ccxt")


def suspicious(source: str) -> Iterator[str]:
    """Paths in texts, and names of methods that are called."""
    for node in ast.walk(ast.parse(source)):
        named = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\S*/\S*", node.value):
            named = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = node.func.attr
        if MOVES.search(named):
            yield named


@pytest.mark.parametrize("name", CONNECTORS)
def test_nothing_moves_money(name: str) -> None:
    files = sorted((ROOT / "connectors" / name).rglob("*.py"))
    assert files
    found = [f"{path.name}: {each}" for path in files for each in suspicious(path.read_text(encoding="utf-8"))]
    assert not found


@pytest.mark.parametrize("source", ['ask("asset/withdrawal")', "exchange.withdraw(1)", 'x = "/sapi/v1/capital/a"'])
def test_what_would_be_found(source: str) -> None:
    assert list(suspicious(source))
