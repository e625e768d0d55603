"""What the log's ledger owes to each fact: postings, and which position ledgers and balances to write again."""

from collections.abc import Iterable
from decimal import Decimal

from engine.core.funds import Market
from engine.core.order_change import Change
from engine.core.portfolio import Portfolio
from engine.core.position import PositionLedger
from engine.model.event import TransferSeen
from engine.model.money import ZERO, to_text
from engine.model.order import is_liquidation
from engine.store.ledger_rows import UPSERT_LEDGER, ledger_row
from engine.store.pending import UPSERT_BALANCE, Pending
from engine.store.postings import VENUE, Posting, of_fill, of_transfer, pair


class Books:
    """Follows a portfolio: a fact is noted here after the portfolio has posted it, and before the next one."""

    def __init__(self, portfolio: Portfolio, totals: dict[tuple[str, str], Decimal]) -> None:
        self._portfolio = portfolio
        self._totals = totals  # by (venue, asset): the sum of all postings
        self._touched: dict[tuple[str, str], None] = {}  # balances by (venue, asset)
        self._moved: dict[tuple[str, str], None] = {}  # ledgers by (instrument_id, owner)
        markets = portfolio.markets.values()
        self._realized = {m.instrument.instrument_id: m.net.realized for m in markets if not m.spot}

    def change(self, change: Change) -> list[Posting]:
        """The postings of a change that books or takes back a fill."""
        order = change.order
        market = self._portfolio.markets[order.instrument_id]
        postings = []
        if change.reversed is not None:
            postings += of_fill(change.reversed, market.instrument, -1)
        if change.fill is not None:
            postings += of_fill(change.fill, market.instrument)
        if not market.spot:
            postings += self._profit(market, change)
        self._moved[order.instrument_id, order.owner] = None
        if is_liquidation(order.client_order_id):
            self.position(order.instrument_id)
        return self._added(postings)

    def transfer(self, transfer: TransferSeen) -> list[Posting]:
        """The postings of a payment without a trade; before the ledger of its venue begins there are none."""
        if not self._portfolio.is_open(transfer.venue):
            return []
        self.position(transfer.instrument_id)
        return self._added(of_transfer(transfer))

    def given(self, instrument_id: str, owner: str) -> None:
        """This ledger changed for no fact, or is gone."""
        self._moved[instrument_id, owner] = None

    def position(self, instrument_id: str) -> None:
        """Any ledger of this instrument may have changed."""
        for ledger in self._portfolio.ledgers():
            if ledger.instrument.instrument_id == instrument_id:
                self._moved[instrument_id, ledger.owner] = None

    def differences(self) -> list[Posting]:
        """The postings of balances that changed for no fact: opened by the venue's word, or set."""
        postings: list[Posting] = []
        for key, account in self._portfolio.accounts.items():
            difference = account.total - self._totals.get(key, ZERO)
            if difference:
                postings += pair(VENUE + account.venue, f"equity:{account.venue}", account.asset, difference)
        return self._added(postings) if postings else postings

    def write_to(self, pending: Pending) -> None:
        """Add the balances and ledgers that have changed, as they are now."""
        for key in self._touched:
            pending.put(UPSERT_BALANCE, key, (*key, to_text(self._totals[key])))
        for instrument_id, owner in self._moved:
            market = self._portfolio.markets[instrument_id]
            known = self._portfolio.has_ledger(instrument_id, owner)
            ledger = self._portfolio.ledger(instrument_id, owner) if known else PositionLedger(market.instrument, owner)
            pending.put(UPSERT_LEDGER, (instrument_id, owner, False), ledger_row(ledger, net=False))
            if not market.spot:
                pending.put(UPSERT_LEDGER, (instrument_id, "", True), ledger_row(market.net, net=True))
        self._touched.clear()
        self._moved.clear()

    def _profit(self, market: Market, change: Change) -> list[Posting]:
        """What closing a part of a position paid: by the venue's word, where it said one."""
        instrument_id, realized = market.instrument.instrument_id, market.net.realized
        earned = realized - self._realized[instrument_id]
        self._realized[instrument_id] = realized
        fills = ((change.fill, 1), (change.reversed, -1))
        told = [fill.realized * sign for fill, sign in fills if fill is not None and fill.realized is not None]
        if told:
            earned = sum(told, ZERO)
        return pair(VENUE + market.instrument.venue, f"profit:{instrument_id}", market.money.asset, earned)

    def _added(self, postings: Iterable[Posting]) -> list[Posting]:
        found = list(postings)
        for code, asset, amount in found:
            if code.startswith(VENUE):
                key = (code[len(VENUE) :], asset)
                self._totals[key] = self._totals.get(key, ZERO) + amount
                self._touched[key] = None
        return found
