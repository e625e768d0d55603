"""Whether the venues and we agree: the ledger against balances, and the proof that ends the causes of SAFE.

Of balances those assets are compared that are certain: no order that is not proven could have moved them, and no fill
did within BALANCE_LAG_US before the balances were asked for, so that balances which are behind do not look like a loss.
Orders that come and go do not change what we own: a bot that is always busy is compared too.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from engine.core.halt import Halt
from engine.core.modes import CAUSES, Cause, CauseKind, Exit
from engine.core.notice import Notice, show_number
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, Phase
from engine.model.event import AccountSnapshot, TransferSeen
from engine.model.fill import Fill
from engine.model.money import ZERO

BALANCE_LAG_US = 5 * SECOND_US  # balances may be this far behind the trades
AGAIN_US = 3 * SECOND_US  # trades that were executed by now can be fetched by then
KEY_AGAIN_US = 30 * SECOND_US
CLOCK_AGAIN_US = 30 * SECOND_US
OF_ORDERS = (Action.OPEN_ORDERS, Action.TRADES)
OF_ALL = (*OF_ORDERS, Action.BALANCES)


class Comparison:
    """Of all venues of a session. `clock_good` by venue: its last sample was within the limit."""

    def __init__(self, state: State, halt: Halt, streams: Mapping[str, UserStream]) -> None:
        self.clock_good: dict[str, bool] = {}
        self._state = state
        self._halt = halt
        self._streams = streams
        self._booked_us: dict[tuple[str, str], int] = {}  # when a fill moved our ledger last, by venue and asset
        self._fee_assets: set[tuple[str, str]] = set()  # any order may move these
        self._gaps: dict[tuple[str, str], tuple[Decimal, int]] = {}  # ours less theirs, and `_booked_us` then
        self._strange: dict[str, tuple[Decimal, int]] = {}  # the venue's position less ours, and how often in a row
        self._equal_us: dict[str, int] = {}  # start of the last balances that agreed with our ledger
        self._differs_us: dict[str, int] = {}  # when they last did not, since they did
        self._denied_us: dict[str, int] = {}  # when a venue last said that our key may not do something
        self._cursors: dict[str, str] = {}  # by instrument, as of the last agreement

    def note_fill(self, venue: str, fill: Fill) -> None:
        """It was booked, or taken back."""
        market, fee = self._state.portfolio.markets[fill.instrument_id], (venue, fill.fee_asset)
        self._fee_assets.add(fee)
        for key in ((venue, market.base.asset), (venue, market.money.asset), fee):
            self._booked_us[key] = fill.receive_us

    def note_denied(self, venue: str, now_us: int) -> None:
        """The key has no right to what was asked for. It is tried again KEY_AGAIN_US after the last refusal."""
        self._denied_us[venue] = now_us
        text = "the exchange refuses our key the right to trade; all own orders are cancelled"
        fix = "look at the rights of the key at the exchange; trading is tried again by itself"
        self._halt.add(CauseKind.KEY_CHANGED, venue, text, now_us, fix)

    def apply_balances(self, snapshot: AccountSnapshot) -> None:
        """Compare what is certain. The first difference is looked into, the same one again is a fact."""
        venue, started_us = snapshot.venue, snapshot.started_us
        stream = self._streams.get(venue)
        if stream is None or snapshot.balances is None or not snapshot.complete:
            return
        differs_us = self._differs_us.get(venue, 0)
        if differs_us and not stream.fresh((Action.TRADES,), differs_us):
            stream.want(Action.BALANCES, snapshot.receive_us + AGAIN_US)
            return
        assets = [account.asset for account in self._state.portfolio.accounts.values() if account.venue == venue]
        certain = self._certain(venue, assets, started_us)
        differences = self._differences(venue, certain, snapshot.receive_us)
        if differences:
            self._look_into(venue, stream, snapshot.receive_us)
        elif len(certain) == len(assets):
            self._halt.watch_ledger(venue, {}, snapshot.receive_us)
            self._differs_us.pop(venue, None)
            self._equal_us[venue] = started_us
            self._cursors.update(self._cursors_of(venue))

    def apply_positions(self, snapshot: AccountSnapshot) -> list[Notice]:
        """What a venue has of derivatives that our orders did not make: told at the second time."""
        notices = []
        for told in snapshot.positions or () if snapshot.complete else ():
            name, market = told.instrument_id, self._state.portfolio.markets.get(told.instrument_id)
            if market is None or not self._certain(snapshot.venue, [market.money.asset], snapshot.started_us):
                continue
            ours = market.net.quantity
            gap, times = self._strange.get(name, (ZERO, 0))
            times = times + 1 if gap == told.quantity - ours else 1
            self._strange[name] = (told.quantity - ours, times)
            if told.quantity != ours and times == 2:
                text = f"the exchange has a position of {show_number(told.quantity)}, our orders made "
                text += f"{show_number(ours)}: the rest is not this bot's, and its limits do not count it"
                fix = "close it there, or give the bot an account of its own"
                notices.append(Notice("W-POSITION", name, text, fix, snapshot.receive_us))
        return notices

    def adopt(self, now_us: int) -> None:
        """An operator knows better: what a venue was found to have more or less of is money that came or went."""
        portfolio = self._state.portfolio
        for cause in self._halt.causes:
            if cause.kind is not CauseKind.LEDGER:
                continue
            venue = cause.scope
            for asset, (ours, theirs) in portfolio.differences(venue).items():
                if self._gaps.get((venue, asset), (ZERO, 0))[0] == ours - theirs:
                    terms = (theirs - ours, "transfer", f"adopted-{asset}", now_us, now_us)
                    portfolio.apply_transfer(TransferSeen(venue, asset, *terms))
            self._streams[venue].want(Action.BALANCES, now_us)

    def _differences(self, venue: str, certain: Collection[str], now_us: int) -> bool:
        """Whether any of these assets is not the venue's; what was not the last time either is told."""
        portfolio, believed = self._state.portfolio, self._state.sheets[venue].believed
        found = portfolio.differences(venue)
        differs, proven = False, {}
        for asset in certain:
            key = (venue, asset)
            if asset not in found:
                self._gaps.pop(key, None)
                continue
            ours, theirs = found[asset]
            if abs(ours - theirs) <= believed:
                portfolio.believe(venue, asset)
                continue
            gap = (ours - theirs, self._booked_us.get(key, 0))
            if self._gaps.get(key) == gap:
                proven[asset] = found[asset]
            self._gaps[key] = gap
            differs = True
        if proven:
            self._halt.watch_ledger(venue, proven, now_us)
        return differs

    def _look_into(self, venue: str, stream: UserStream, now_us: int) -> None:
        """Fetch all trades since the last agreement, and the balances once more."""
        self._differs_us[venue] = now_us
        for instrument_id in self._cursors_of(venue):
            self._state.orders.set_cursor(instrument_id, self._cursors.get(instrument_id, ""))
        for action in (Action.TRADES, Action.BALANCES):
            stream.want(action, now_us + AGAIN_US)

    def tick(self, now_us: int) -> None:
        """End the causes that wait for a comparison and have it; ask for what is missing."""
        for cause in self._halt.causes:
            if CAUSES[cause.kind].exit is not Exit.SYNC or not self._over(cause):
                continue
            venues = [venue for venue in self._streams if cause.scope.partition(":")[0] in ("", venue)]
            proven = [self._proven(venue, cause, now_us) for venue in venues]
            if all(proven):
                self._halt.clear(cause.kind, cause.scope, now_us)

    def _cursors_of(self, venue: str) -> dict[str, str]:
        prefix = venue + ":"
        cursors = self._state.orders.cursors
        return {each: cursors.get(each, "") for each in self._state.instruments if each.startswith(prefix)}

    def _certain(self, venue: str, assets: Iterable[str], started_us: int) -> list[str]:
        """Those that cannot have moved, from a while before balances were asked for, without our knowledge."""
        moving: set[tuple[str, str]] = set()
        for order in self._state.orders.active():
            if order.venue == venue and (
                order.phase is not Phase.LIVE or order.venue_filled > order.filled or order.provisional is not None
            ):
                market = self._state.portfolio.markets[order.instrument_id]
                moving |= {(venue, market.base.asset), (venue, market.money.asset)} | self._fee_assets
        since_us = started_us - BALANCE_LAG_US
        keys = ((venue, asset) for asset in assets)
        return [key[1] for key in keys if key not in moving and self._booked_us.get(key, 0) < since_us]

    def _proven(self, venue: str, cause: Cause, now_us: int) -> bool:
        """Everything that the cause calls for was told by the venue since."""
        stream = self._streams[venue]
        if stream.health is not Health.HEALTHY:
            return False
        wanted = OF_ORDERS if ":" in cause.scope else OF_ALL
        if stream.fresh(wanted, cause.since_us):
            if wanted is OF_ORDERS or self._equal_us.get(venue, 0) > cause.since_us:
                return True
            if venue not in self._differs_us:
                stream.refresh((Action.BALANCES,), now_us - AGAIN_US, now_us)
        else:
            stream.refresh(wanted, cause.since_us, now_us)
        return False

    def _over(self, cause: Cause) -> bool:
        """What brought the cause about is no more."""
        state, scope = self._state, cause.scope
        match cause.kind:
            case CauseKind.QUANTITY_UNKNOWN:
                return not any(order.quantity is None for order in state.orders.active(instrument_id=scope))
            case CauseKind.LEFTOVER:
                return not any(not order.owner for order in state.orders.active(instrument_id=scope))
            case CauseKind.LOST_CANDIDATE:
                return not any(order.doubt for order in state.orders.active(instrument_id=scope))
            case CauseKind.LOG:
                return self._healthy("", Channel.ORDER_LOG)
            case CauseKind.BANNED:
                return self._healthy(scope, Channel.REST)
            case CauseKind.KEY_CHANGED:
                denied_us = self._denied_us.get(scope, 0)
                return state.now_us - denied_us >= KEY_AGAIN_US and self._healthy(scope, Channel.KEY)
            case CauseKind.CLOCK:
                return self._clock_over(scope)
            case _:
                return True

    def _healthy(self, venue: str, channel: Channel) -> bool:
        status = self._state.health.get((venue, channel, ""))
        return status is None or status.health is Health.HEALTHY

    def _clock_over(self, venue: str) -> bool:
        if self.clock_good.get(venue, True):
            return True
        now_us = self._state.now_us
        self._streams[venue].refresh((Action.CLOCK,), now_us - CLOCK_AGAIN_US, now_us)
        return False
