"""What we own, owe and earned: a double-entry ledger of our own, with the venues' words kept beside it.

Every fill, transfer and funding payment is posted once. The ledger of a venue is opened with its first complete
balances; from then on the two are compared, never mixed.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.core.funds import Account, Funds, Market
from engine.core.hot_words import BUY
from engine.core.order_change import Change
from engine.core.position import PositionLedger, money_asset, on_grid, value_of
from engine.core.rates import PriceOf, Rates
from engine.model.account import Balance, Position
from engine.model.enums import Side, UpdateSource
from engine.model.event import AccountSnapshot, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.order import Order, is_liquidation

EXTERNAL = ("deposit", "withdrawal", "transfer")  # kinds of TransferSeen that are no profit or loss
TRANSFERS_KEPT = 10_000  # ids that are remembered, so that no transfer is posted twice


class Pnl(Struct, frozen=True):
    """Profit and loss in one asset. `fees` > 0 were paid, `funding` > 0 was received."""

    realized: Decimal = ZERO
    unrealised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.realized + self.unrealised - self.fees + self.funding


class Portfolio:
    """All balances and positions of a session.

    `price` gives the mark of an instrument: the mid on spot, the venue's mark price on derivatives.
    """

    def __init__(self, instruments: Mapping[str, Instrument], price: PriceOf) -> None:
        self.rates = Rates(instruments.values(), price)
        self.funds = Funds()
        self.accounts: dict[tuple[str, str], Account] = {}
        self.markets: dict[str, Market] = {}
        self.venue_positions: dict[str, Position] = {}  # the venues' words on derivatives, by instrument id
        self._ledgers: dict[str, dict[str, PositionLedger]] = {each: {} for each in instruments}
        self._given: dict[tuple[str, str], None] = {}
        self._guessed: dict[str, Decimal] = {}  # what inferred trades of derivatives were taken to have earned
        self._opened: set[str] = set()
        self._transfers: OrderedDict[tuple[str, str, str, int, str], None] = OrderedDict()
        for instrument_id, instrument in instruments.items():
            base = self.account(instrument.venue, instrument.base)
            money = self.account(instrument.venue, money_asset(instrument))
            self.markets[instrument_id] = Market(instrument, base, money)

    def account(self, venue: str, asset: str) -> Account:
        """The account of an asset at a venue; made when it is first named."""
        account = self.accounts.get((venue, asset))
        if account is None:
            account = self.accounts[venue, asset] = Account(venue, asset)
        return account

    def total(self, venue: str, asset: str) -> Decimal:
        """Everything of an asset at a venue, by our ledger."""
        return self.account(venue, asset).total

    def available(self, venue: str, asset: str) -> Decimal:
        """What new orders may use."""
        return self.account(venue, asset).available

    def reserved(self, venue: str, asset: str) -> Decimal:
        """What our active orders tie up."""
        return self.account(venue, asset).reserved

    def position(self, instrument_id: str, owner: str | None = None) -> Decimal:
        """Signed quantity of one owner, or of all: what was traded or adopted, not what the account held before."""
        if owner is None:
            return self.markets[instrument_id].position
        ledger = self._ledgers[instrument_id].get(owner)
        return ZERO if ledger is None else ledger.quantity

    def ledger(self, instrument_id: str, owner: str) -> PositionLedger:
        """The position ledger of an owner; made when it is first named."""
        owners = self._ledgers[instrument_id]
        if owner not in owners:
            owners[owner] = PositionLedger(self.markets[instrument_id].instrument, owner)
        return owners[owner]

    def take_given(self) -> list[tuple[str, str]]:
        """Instrument and owner of every ledger that changed for no fact since the last call: adopted, handed over."""
        given, self._given = list(self._given), {}
        return given

    def has_ledger(self, instrument_id: str, owner: str) -> bool:
        return owner in self._ledgers[instrument_id]

    def ledgers(self, owner: str | None = None) -> Iterator[PositionLedger]:
        """The ledgers of one owner, or all of them."""
        for owners in self._ledgers.values():
            yield from (ledger for ledger in owners.values() if owner is None or ledger.owner == owner)

    def follow(self, order: Order) -> None:
        """Reserve what an order needs; called whenever an order was recorded or changed."""
        market = self.markets[order.instrument_id]
        reference = ZERO
        if order.price is None:
            reference = self.rates.price(order.instrument_id) or ZERO
        self.funds.update(order, market, reference)

    def apply(self, change: Change) -> None:
        """Post what an event did to an order."""
        order = change.order
        if change.reversed is not None:
            self._take_back(change.reversed, change.fill, order.owner)
        if change.fill is not None:
            if order.owner or not is_liquidation(order.client_order_id):
                self._post(change.fill, order.owner)
            else:
                self._post_liquidation(change.fill)
        self.follow(order)

    def apply_balance(self, balance: Balance) -> None:
        """A venue's newest word on one asset."""
        self._report(balance, balance.receive_us)

    def apply_snapshot(self, snapshot: AccountSnapshot) -> None:
        """A venue's word on the account. The first complete balances open our ledger there."""
        for position in snapshot.positions or ():
            self.venue_positions[position.instrument_id] = position
        if snapshot.balances is None:
            return
        venue = snapshot.venue
        told = {balance.asset: balance for balance in snapshot.balances}
        if snapshot.complete:
            if venue not in self._opened:
                self.open(venue, {asset: balance.total for asset, balance in told.items()})
            for account in self._accounts_of(venue):
                told.setdefault(account.asset, Balance(venue, account.asset, ZERO, ZERO, 0, snapshot.receive_us))
        for balance in told.values():
            self._report(balance, snapshot.started_us)

    def apply_transfer(self, transfer: TransferSeen) -> None:
        """Money that came or went without a trade. The same transfer is posted once.

        What is told before the ledger of its venue begins is in the balances that it begins with.
        """
        key = (transfer.venue, transfer.kind, transfer.instrument_id, transfer.event_us, transfer.transfer_id)
        if key in self._transfers:
            return
        self._transfers[key] = None
        if len(self._transfers) > TRANSFERS_KEPT:
            self._transfers.popitem(last=False)
        if transfer.venue not in self._opened:
            return
        account = self.account(transfer.venue, transfer.asset)
        account.total += transfer.amount
        if transfer.kind in EXTERNAL:
            account.moved += transfer.amount
        elif transfer.instrument_id in self.markets:  # funding of any other is the account's, not ours
            self._share_funding(transfer.instrument_id, transfer.amount)

    def open(self, venue: str, totals: Mapping[str, Decimal]) -> None:
        """Begin the ledger of a venue, from its first balances or from the order log."""
        self._opened.add(venue)
        for asset in totals:
            self.account(venue, asset)
        for account in self._accounts_of(venue):
            account.total = account.opening = totals.get(account.asset, ZERO)
            account.moved = ZERO

    def adopt(self, owner: str, instrument_id: str, quantity: Decimal, average_price: Decimal) -> None:
        """Give an existing holding to an owner. `quantity` is signed; no money moves."""
        market = self.markets[instrument_id]
        side = Side.BUY if quantity > 0 else Side.SELL
        value = value_of(market.instrument, abs(quantity), average_price)
        self.ledger(instrument_id, owner).book(side, abs(quantity), value)
        self._given[instrument_id, owner] = None
        if not market.spot:
            market.net.book(side, abs(quantity), value)
        market.position += quantity

    def hand_over(self, instrument_id: str, owner: str, receiver: str) -> None:
        """Move an owner's position to another owner at its cost."""
        given = self.ledger(instrument_id, owner)
        if given.quantity:
            side = Side.BUY if given.quantity > 0 else Side.SELL
            self.ledger(instrument_id, receiver).book(side, abs(given.quantity), given.cost)
            given.quantity = given.cost = ZERO
            self._given |= {(instrument_id, owner): None, (instrument_id, receiver): None}

    def retire(self, owner: str, receiver: str) -> None:
        """Add all that an owner holds and has earned to another's ledgers, and forget the owner."""
        for instrument_id, owners in self._ledgers.items():
            if owner in owners:
                self.hand_over(instrument_id, owner, receiver)
                done, heir = owners.pop(owner), self.ledger(instrument_id, receiver)
                self._given |= {(instrument_id, owner): None, (instrument_id, receiver): None}
                heir.realized += done.realized
                heir.fees_quote += done.fees_quote
                heir.funding_quote += done.funding_quote
                for asset, fee in done.unpriced_fees.items():
                    heir.unpriced_fees[asset] = heir.unpriced_fees.get(asset, ZERO) + fee

    def is_open(self, venue: str) -> bool:
        """Whether the ledger of a venue has begun."""
        return venue in self._opened

    def differences(self, venue: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Our total and the venue's, per asset where they differ; empty also before the ledger is opened."""
        if venue not in self._opened:
            return {}
        return {
            account.asset: (account.total, account.reported.total)
            for account in self._accounts_of(venue)
            if account.reported is not None and account.total != account.reported.total
        }

    def believe(self, venue: str, asset: str) -> None:
        """Take the venue's newest total for ours."""
        account = self.account(venue, asset)
        if account.reported is not None:
            account.total = account.reported.total

    def equity(self, quote: str) -> Decimal | None:
        """All balances and positions at mark, in `quote`; what was deposited or withdrawn since the start is left out.

        Assets without a route to `quote` are left out too, see `unpriced`. None until the others had a price.
        """
        worth = self._worth([(a.asset, a.total - a.moved) for a in self.accounts.values()], quote)
        for instrument_id, market in self.markets.items():
            if market.spot or worth is None or not market.position:
                continue
            mark = self.rates.price(instrument_id)
            more = None if mark is None else self._worth([(market.money.asset, market.net.unrealised(mark))], quote)
            worth = None if more is None else worth + more
        return worth

    def derivative_value(self, quote: str, without: str) -> Decimal | None:
        """What the derivative positions could become worth with all open orders filled, but for one instrument's."""
        values = []
        for instrument_id, market in self.markets.items():
            worst = max(abs(market.position + market.buys), abs(market.position - market.sells))
            if market.spot or instrument_id == without or not worst:
                continue
            price = self.rates.price(instrument_id)
            if price is None:
                return None
            values.append((market.money.asset, value_of(market.instrument, worst, price)))
        return self._worth(values, quote)

    def hold_value(self, quote: str) -> Decimal | None:
        """What the balances of the start would be worth now in `quote`; None as in `equity`."""
        return self._worth(((account.asset, account.opening) for account in self.accounts.values()), quote)

    def unpriced(self, quote: str) -> list[str]:
        """Assets that we hold and that no market of the session leads from to `quote`."""
        held = dict.fromkeys(account.asset for account in self.accounts.values() if account.total)
        return [asset for asset in held if asset != quote and self.rates.route(asset, quote) is None]

    def pnl(self, quote: str, owner: str | None = None) -> Pnl | None:
        """Profit and loss of one owner, or of all, at today's rates; None while a price is missing."""
        total = Pnl()
        for ledger in self.ledgers(owner):
            rate = self.rates.rate(money_asset(ledger.instrument), quote)
            mark = self.rates.price(ledger.instrument.instrument_id)
            if rate is None or mark is None:
                return None
            total = Pnl(
                total.realized + ledger.realized * rate,
                total.unrealised + ledger.unrealised(mark) * rate,
                total.fees + ledger.fees_quote * rate,
                total.funding + ledger.funding_quote * rate,
            )
        return total

    def _post(self, fill: Fill, owner: str) -> None:
        market = self.markets[fill.instrument_id]
        instrument = market.instrument
        ledger = self.ledger(fill.instrument_id, owner)
        value = value_of(instrument, fill.quantity, fill.price)
        quantity_before = ledger.quantity
        ledger.book(fill.side, fill.quantity, value)
        if not market.spot:
            before = market.money.total
            _settle(market, fill, value)
            if fill.source is UpdateSource.PROVISIONAL:
                self._guessed[fill.trade_id] = market.money.total - before
        elif fill.side is BUY:
            market.base.total += fill.quantity
            market.money.total -= value
        else:
            market.base.total -= fill.quantity
            market.money.total += value
        if fill.fee:
            self.account(instrument.venue, fill.fee_asset).total -= fill.fee
            ledger.book_fee(fill, self.rates.rate(fill.fee_asset, money_asset(instrument)))
        market.position += ledger.quantity - quantity_before

    def _take_back(self, back: Fill, instead: Fill | None, owner: str) -> None:
        """Of an inferred trade all that it was taken to have earned, where the venue says what the real one earned."""
        earned = back.realized
        guessed = self._guessed.pop(back.trade_id, None)
        if earned is None and instead is not None and instead.realized is not None:
            earned = guessed
        realized = None if earned is None else -earned
        self._post(replace(back, side=back.side.opposite, fee=-back.fee, realized=realized), owner)
        self._guessed.pop(back.trade_id, None)

    def _post_liquidation(self, fill: Fill) -> None:
        """A fill by which the venue closed a position: the owners' in the order of their first trade, with its fee."""
        market = self.markets[fill.instrument_id]
        left, fee_left = fill.quantity, fill.fee
        parts: list[tuple[PositionLedger, Decimal]] = []
        for ledger in self._ledgers[fill.instrument_id].values():
            part = min(left, max(ZERO, ledger.quantity if fill.side is not BUY else -ledger.quantity))
            if part:
                parts.append((ledger, part))
                left -= part
        if left:
            parts.append((self.ledger(fill.instrument_id, ""), left))
        _settle(market, fill, value_of(market.instrument, fill.quantity, fill.price))
        self.account(market.instrument.venue, fill.fee_asset).total -= fill.fee
        rate = self.rates.rate(fill.fee_asset, market.money.asset)
        for ledger, part in parts:
            fee = fee_left if ledger is parts[-1][0] else on_grid(fill.fee * part / fill.quantity)
            fee_left -= fee
            ledger.book(fill.side, part, value_of(market.instrument, part, fill.price))
            ledger.book_fee(replace(fill, fee=fee), rate)
        market.position += fill.quantity if fill.side is BUY else -fill.quantity

    def _share_funding(self, instrument_id: str, amount: Decimal) -> None:
        """Every owner gets the part of a payment that its share of the position earned; the last one the residue."""
        whole = self.position(instrument_id)
        holders = [ledger for ledger in self._ledgers[instrument_id].values() if ledger.quantity]
        left = amount
        for ledger in holders[:-1] if whole else ():
            part = on_grid(amount * ledger.quantity / whole)
            ledger.funding_quote += part
            left -= part
        last = holders[-1] if whole else self.ledger(instrument_id, "")
        last.funding_quote += left

    def _report(self, balance: Balance, as_of_us: int) -> None:
        account = self.account(balance.venue, balance.asset)
        if account.reported is None or not 0 < balance.event_us < account.reported.event_us:
            account.report(balance, as_of_us)

    def _accounts_of(self, venue: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.venue == venue]

    def _worth(self, amounts: Iterable[tuple[str, Decimal]], quote: str) -> Decimal | None:
        worth = ZERO
        for asset, amount in amounts:
            if asset == quote:
                worth += amount
            elif amount:
                rate = self.rates.rate(asset, quote)
                if rate is not None:
                    worth += amount * rate
                elif self.rates.route(asset, quote) is not None:
                    return None
        return worth


def _settle(market: Market, fill: Fill, value: Decimal) -> None:
    """Book a fill of a derivative to its one position at the venue, which pays the profit: what it says, if it does."""
    net = market.net
    before = net.realized
    net.book(fill.side, fill.quantity, value)
    if fill.realized is not None:
        net.realized = before + fill.realized
    market.money.total += net.realized - before
