"""Three accounts of a perpetual agree on every random path: the simulated exchange's, paper's, and one in fractions.

The third one is written here, without a line of the other two. The simulated exchange pays eight digits, rounded in its
own favour; what it keeps that way is all that may differ.
"""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from connectors.paper.ledger import Ledger, Market
from connectors.simulated.book_order import SelfTrade
from connectors.simulated.venue_order import Account
from engine.model.enums import Side
from engine.model.errors import Rejected
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from tests.connectors.simulated.test_perpetual import HOUR_US, PERP, Place

STEPS = 60
RATE = Decimal("0.0005")


class Reference:
    """Average cost, in fractions."""

    def __init__(self, money: int) -> None:
        self.money, self.held, self.entry = Fraction(money), Fraction(0), Fraction(0)

    def fill(self, fill: Fill) -> None:
        size, price = Fraction(fill.quantity), Fraction(fill.price)
        signed = size if fill.side is Side.BUY else -size
        self.money -= size * price * Fraction(RATE)
        closing = min(abs(self.held), size) if self.held * signed < 0 else Fraction(0)
        self.money += closing * (price - self.entry) * (1 if self.held > 0 else -1)
        opening = size - closing
        if opening:
            kept = abs(self.held) - closing
            self.entry = (self.entry * kept + price * opening) / (kept + opening)
        self.held += signed

    def fund(self, mark: Decimal, rate: Decimal) -> None:
        self.money -= self.held * Fraction(mark) * Fraction(rate)


def paper_of(instrument: Instrument) -> tuple[Ledger, Market]:
    market = Market(instrument, instrument.leverage)
    return Ledger("sim", {"USDT": Decimal(100_000)}, [market]), market


def trade(place: Place, who: Account, chance: Random) -> None:
    side, limit = chance.choice((Side.BUY, Side.SELL)), chance.choice((None, 97, 100, 103))
    try:
        place.submit(side, chance.randint(1, 9), limit, who=who, reduce_only=chance.random() < 0.2)
    except Rejected:
        return


@pytest.mark.parametrize("seed", range(40))
def test_random_paths(seed: int) -> None:
    chance = Random(f"agreement:{seed}")
    place = Place(maker_rate=RATE, taker_rate=RATE, leverage=Decimal(2))
    alice, other = (
        place.exchange.open_account(name, {"USDT": Decimal(100_000)}, self_trade=SelfTrade.CANCEL_OLD)
        for name in ("Alice", "other")
    )
    contract, reference = place.margin.contract(PERP), Reference(100_000)
    paper, market = paper_of(contract.instrument)
    payments, seen = 0, 0
    for step in range(STEPS):
        price = chance.randint(90, 110)
        place.move(price, price - chance.randint(1, 3), price + chance.randint(1, 3), step * HOUR_US // 7)
        market.mark = contract.marks.mark
        trade(place, other, chance)
        trade(place, alice, chance)
        for fill in place.exchange.trades(alice, PERP, after=seen):
            seen, payments = int(fill.trade_id), payments + 2
            fee, _ = paper.book(market, fill.side, fill.price, fill.quantity, RATE)
            assert fill.fee == fee
            reference.fill(fill)
        held, mark = contract.holding(alice.number), contract.marks.mark
        paid = contract.marks.paid
        before = len(paid)
        place.exchange.advance((step + 1) * HOUR_US // 7)
        if len(paid) > before and mark is not None:
            paper.pay("USDT", paper.funding(market, paid[-1].rate))
            reference.fund(mark, paid[-1].rate)
            payments += bool(held)
    position = contract.position(alice.number)
    assert (position.quantity, position.cost, position.realized) == (
        market.position.quantity,
        market.position.cost,
        market.position.realized,
    )
    assert position.quantity == reference.held
    assert abs(Fraction(paper.totals["USDT"]) - reference.money) < Fraction(1, 10**15)
    kept = paper.totals["USDT"] - place.total(alice.number)
    assert 0 <= kept <= payments * Decimal("1e-8")
    assert payments > 10
