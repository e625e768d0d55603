"""Orders, trades, positions and balances as messages tell them."""

from collections.abc import Iterable
from decimal import Decimal

from engine.core.funds import Account
from engine.core.position import PositionLedger, money_asset
from engine.messaging import payloads
from engine.model.enums import UpdateSource
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO, to_text
from engine.model.order import Order


class Describer:
    """Knows whose messages they are. `simulated`: the money is not real."""

    def __init__(self, bot: str, session_id: str, *, simulated: bool) -> None:
        self.whose = {"bot": bot, "session_id": session_id}
        self._simulated = simulated

    def order(self, order: Order, instrument: Instrument) -> payloads.Order:
        return payloads.Order(
            **self.whose,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            instrument_id=order.instrument_id,
            symbol=instrument.symbol,
            side=order.side.value,
            type=order.order_type.value,
            time_in_force=order.time_in_force.value,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            price=_text(order.price),
            stop_price=_text(order.stop_price),
            amount=_text(order.quantity),
            filled=to_text(order.filled),
            remaining=to_text(order.remaining),
            average_price=_text(order.average_price),
            fees={asset: to_text(fee) for asset, fee in order.fees.items()},
            status=order.status.value,
            settling=order.settling,
            doubt=order.doubt,
            reason=order.reason,
            owner=order.owner,
            simulated=self._simulated,
            created_us=order.created_us,
            updated_us=order.updated_us,
        )

    def trade(self, fill: Fill, instrument: Instrument, replaces: str | None = None) -> payloads.Trade:
        return payloads.Trade(
            **self.whose,
            trade_id=fill.trade_id,
            client_order_id=fill.client_order_id,
            venue_order_id=fill.venue_order_id,
            instrument_id=fill.instrument_id,
            symbol=instrument.symbol,
            side=fill.side.value,
            price=to_text(fill.price),
            amount=to_text(fill.quantity),
            fee=to_text(fill.fee),
            fee_asset=fill.fee_asset,
            liquidity=fill.liquidity.value,
            provisional=fill.source is UpdateSource.PROVISIONAL,
            replaces=replaces,
            simulated=self._simulated,
            event_us=fill.event_us,
            receive_us=fill.receive_us,
        )

    def position(self, instrument: Instrument, ledgers: Iterable[PositionLedger], updated_us: int) -> payloads.Position:
        """`ledgers` are those of all owners."""
        held = list(ledgers)
        quantities = [ledger.quantity for ledger in held]
        size = sum(quantities, ZERO)
        entry = None
        if not (min(quantities, default=ZERO) < 0 < max(quantities, default=ZERO)):
            entry = PositionLedger(instrument, "", size, sum((ledger.cost for ledger in held), ZERO)).average_price
        return payloads.Position(
            **self.whose,
            instrument_id=instrument.instrument_id,
            symbol=instrument.symbol,
            side="LONG" if size > 0 else "SHORT" if size < 0 else "FLAT",
            size=to_text(size),
            entry_price=_text(entry),
            realized_pnl=to_text(sum((ledger.realized for ledger in held), ZERO)),
            fees=to_text(sum((ledger.fees_quote for ledger in held), ZERO)),
            accumulated_funding=to_text(sum((ledger.funding_quote for ledger in held), ZERO)),
            value_asset=money_asset(instrument),
            simulated=self._simulated,
            updated_us=updated_us,
        )

    def balances(self, accounts: Iterable[Account]) -> payloads.Balances:
        rows = [
            payloads.Balance(
                account=account.venue,
                asset=account.asset,
                total=to_text(account.total),
                free=to_text(account.available),
                reserved=to_text(account.reserved),
            )
            for account in accounts
        ]
        return payloads.Balances(**self.whose, balances=rows, simulated=self._simulated)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else to_text(value)
