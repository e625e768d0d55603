"""A position at the venue that our orders did not make is told of: limits and quotes do not count it."""

from decimal import Decimal

from engine.core.engine import Engine, Settings
from engine.core.notice import Notice
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.account import Balance, Position
from engine.model.event import AccountSnapshot
from tests.core.test_portfolio import BTC, INSTRUMENTS, PERP

D = Decimal


class Account:
    """An engine that has no orders, told of positions a minute apart."""

    def __init__(self) -> None:
        sheet, ids = VenueSheet(), OrderIds("TEST", 1)
        self.state = State([INSTRUMENTS[PERP], INSTRUMENTS[BTC]], ids, {"sim": sheet}, 0)
        stream = UserStream("sim", [PERP, BTC], self.state.orders.cursors, sheet)
        self.engine = Engine(self.state, (), Settings(bot="b", quote="USDT"), {"sim": stream})
        self.now_us = 0

    def told(self, quantity: str, complete: bool = True, instrument_id: str = PERP) -> list[str]:
        self.now_us += 60 * SECOND_US
        money, held = Balance("sim", "USDT", D(100), D(100)), Position(instrument_id, D(quantity))
        self.engine.apply(AccountSnapshot("sim", self.now_us, self.now_us + 1, complete, (money,), (held,)))
        notices = (each for each in self.engine.take_notices() if isinstance(each, Notice))
        return [each.text for each in notices if each.code == "W-POSITION"]


def test_the_same_difference_twice_is_told_once() -> None:
    account = Account()
    assert account.told("5") == []
    assert account.told("5", complete=False) == []
    (text,) = account.told("5")
    assert text.startswith("the exchange has a position of 5, our orders made 0: ")
    assert account.told("5") == account.told("4") == []
    assert len(account.told("4")) == 1
    assert account.told("0") == account.told("0") == []


def test_what_our_orders_made_is_ours() -> None:
    account = Account()
    account.state.portfolio.adopt("mm", PERP, D(5), D(60_000))
    assert account.told("5") == account.told("5") == []


def test_markets_that_are_not_ours_are_none_of_our_business() -> None:
    account = Account()
    assert account.told("5", instrument_id="sim:X") == account.told("5", instrument_id="sim:X") == []
