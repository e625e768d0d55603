"""Changing an order in place."""

import pytest

from engine.core.executors.quote_settings import AmendMode
from engine.model.request import AmendOrder
from tests.core.executors.quoting import desk_with, quote, want


@pytest.mark.parametrize(
    ("amend", "wanted", "filled", "outcome"),
    [
        (AmendMode.AUTO, "bid_1 2@98", 0, "amend"),
        (AmendMode.NEVER, "bid_1 2@98", 0, "cancel"),
        (AmendMode.AUTO, "bid_1 0.5@99", "0.5", "cancel"),  # nothing would be left
        (AmendMode.AUTO, "bid_1 1@99", 0, "cancel"),  # nothing would change
        (AmendMode.AUTO, "bid_1 1@101", 0, "cancel"),  # would meet our own ask
    ],
)
def test_amends_where_the_venue_can(amend: AmendMode, wanted: str, filled: object, outcome: str) -> None:
    desk, executor = desk_with(amends=True, amend=amend, order_refresh_tolerance=None)
    ask = quote("ask_1 1@101", hanging=True)
    executor.set_quotes([quote("bid_1 1@99"), ask])
    desk.tick()
    if filled:
        desk.fill(desk.orders()["bid_1"], filled)
    executor.set_quotes([quote(wanted), ask])
    desk.tick(30)
    if outcome == "amend":
        assert [type(each) for each in desk.sent] == [AmendOrder]
        assert desk.shown() == ["ask_1 1@101", "bid_1 2@98"]
    else:
        assert desk.cancelled() == ["bid_1"]


def test_a_rejected_amend_leaves_the_order_and_is_not_repeated_at_once() -> None:
    desk, executor = desk_with("bid_1 1@99", amends=True)
    desk.tick()
    desk.answering = False
    want(executor, "bid_1 1@98")
    desk.tick(30)
    assert [type(each) for each in desk.sent] == [AmendOrder]
    desk.reject_amend(desk.orders()["bid_1"])
    for _ in range(29):
        assert desk.tick() == []
    assert desk.shown() == ["bid_1 1@99"]
    desk.tick()
    assert [type(each) for each in desk.sent] == [AmendOrder]
