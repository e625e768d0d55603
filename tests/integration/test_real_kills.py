"""A bot as a process is killed while it trades on an exchange in another process: nothing is lost, nothing twice."""

import tempfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model.money import ONE
from tests.integration.kill_campaign import Campaign, differences


@pytest.mark.slow
def test_a_bot_that_is_killed_again_and_again_keeps_the_exchanges_books() -> None:
    with tempfile.TemporaryDirectory(prefix="tw-") as home:  # the path of a socket may not be long
        campaign = Campaign(Path(home), seed=1, trade_seconds=0.6)
        figures = campaign.run(kills=24, freezes=1, terminations=1)
        assert figures.differences == []
        assert figures.kills == 24
        assert figures.orders > 24
        assert figures.fills > 0
        assert max(figures.run_seconds) < 10.0
        _the_comparison_sees_everything(campaign)


def _the_comparison_sees_everything(campaign: Campaign) -> None:
    """Books that differ in one thing each from those of the venue."""
    books, log = campaign.books, campaign.order_log
    assert books is not None
    first, *others = books.trades
    balance = books.balances[0]
    for changed, text in (
        (replace(books, trades=tuple(others)), "is not the venue's, or there twice"),
        (replace(books, trades=(first, *books.trades)), "is not in the order log"),
        (replace(books, trades=(replace(first, fee=first.fee + ONE), *others)), "is not in the order log"),
        (replace(books, orders=books.orders + 1), "orders that were accepted"),
        (replace(books, balances=(replace(balance, total=balance.total + ONE),)), f"{balance.asset}: ours"),
        (replace(books, reused=("A",)), "client order id A was used twice"),
    ):
        assert text in differences(changed, log)[0]
