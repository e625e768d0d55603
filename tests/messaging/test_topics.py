"""Routing keys and the patterns that choose among them, as topic exchanges match."""

import pytest

from engine.messaging.topics import kind_of, matches, routing_key


@pytest.mark.parametrize(
    ("pattern", "topic", "fits"),
    [
        ("#", "order.open.bot", True),
        ("#", "", True),
        ("order.#", "order.open.bot", True),
        ("order.#", "order", True),
        ("order.#", "orders.open.bot", False),
        ("order.*", "order.open.bot", False),
        ("order.*.bot", "order.open.bot", True),
        ("*.*.bot", "order.open.bot", True),
        ("*.open.bot", "open.bot", False),
        ("#.bot", "order.open.bot", True),
        ("#.bot", "order.open.robot", False),
        ("order.#.bot", "order.bot", True),
        ("order.#.bot", "order.a.b.bot", True),
        ("order.open.bot", "order.open.bot", True),
        ("order.open", "order.open.bot", False),
        ("order.(open)", "order.open", False),
    ],
)
def test_patterns(pattern: str, topic: str, fits: bool) -> None:
    assert matches(pattern, topic) is fits


def test_a_name_is_one_word() -> None:
    assert routing_key("backtest", "finished", "mine.maker:Maker") == "backtest.finished.mine_maker_Maker"
    assert routing_key("order", "open", "btc-maker") == "order.open.btc-maker"


def test_kind() -> None:
    assert kind_of("order.open.btc-maker") == "order.open"
