"""An operator who says that the exchange is right: deposits and withdrawals that nobody told of."""

from decimal import Decimal

from engine.core.modes import CauseKind
from engine.core.venue_sheet import SECOND_US
from engine.model.account import Balance
from engine.model.enums import OperatorAction
from engine.model.event import OperatorCommand
from tests.core.test_agreement import Watched
from tests.desk import START_US


def command(watched: Watched, action: OperatorAction) -> None:
    watched.engine.apply(OperatorCommand(action, "operator", "", START_US + watched.at * SECOND_US))


def test_what_was_proven_to_differ_is_taken_over_and_trading_goes_on() -> None:
    watched = Watched()
    watched.total = Decimal(150)
    watched.run(130)
    assert watched.kinds() == [CauseKind.LEDGER]
    command(watched, OperatorAction.RESUME)
    watched.run(130)
    assert watched.kinds() == [CauseKind.LEDGER], "to resume alone changes no ledger"
    command(watched, OperatorAction.ADOPT)
    watched.run(10)
    assert watched.kinds() == []
    account = watched.state.portfolio.account("sim", "USDT")
    assert (account.total, account.moved) == (150, 50), "no profit of the bot"
    watched.total = Decimal(140)
    watched.run(130)
    command(watched, OperatorAction.ADOPT)
    watched.run(10)
    assert watched.kinds() == []
    assert (account.total, account.moved) == (140, 40)


def test_what_was_not_compared_is_not_taken_over() -> None:
    watched, calm = Watched(), Watched()
    watched.total = Decimal(150)
    watched.run(130)
    for each in (watched, calm):
        now_us = START_US + each.at * SECOND_US
        each.engine.apply(Balance("sim", "USDT", Decimal(170), Decimal(170), now_us, now_us))  # a fill may follow
        command(each, OperatorAction.ADOPT)
        assert each.state.portfolio.total("sim", "USDT") == 100
