"""Notes what happens as messages to other programs, in the same commit as the facts themselves."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from engine.app.bot_entry import BotEntry, BotState
from engine.app.messaging.outbox import BotOutbox
from engine.app.redaction import Redaction
from engine.core.modes import ModeChanged
from engine.core.notice import Notice
from engine.core.order_change import Change
from engine.core.state import State
from engine.messaging import payloads
from engine.messaging.describe import Describer
from engine.messaging.envelope import encode
from engine.messaging.topics import routing_key
from engine.model.enums import OrderStatus, UpdateSource
from engine.model.order import Order

BALANCES_US = 1_000_000
WAITING_MAX = 1_000_000  # messages; beyond it, those of THINNED are left out
THINNED = ("balance",)
COMMANDED = ("R-STOP", "R-PAUSE")  # no alarms: somebody asked for it
_VERBS = {BotState.RUNNING: "resumed", BotState.PAUSED: "paused"}


class Announcer:
    """Silent until the outbox is `on`. `wake` is called when new messages have become durable."""

    def __init__(self, outbox: BotOutbox, entry: BotEntry, seed: int, redaction: Redaction) -> None:
        self.outbox = outbox
        self.wake: Callable[[], None] = _nobody
        self._entry = entry
        self._seed = seed
        self._redaction = redaction
        self._simulated = entry.mode == "simulated"
        self._describe = Describer(entry.name, entry.session_id, simulated=entry.mode != "live")
        self._state: State | None = None
        self._statuses: dict[tuple[str, int], OrderStatus] = {}  # as they were told, of active orders
        self._balances: dict[tuple[str, str], tuple[Decimal, ...]] = {}  # likewise
        self._balances_us = 0
        self._started = False
        self._left_out: Counter[str] = Counter()

    def follow(self, state: State) -> None:
        """The state of the engine. What its orders are now was told by the session before."""
        self._state = state
        for order in state.orders.active():
            self._statuses[order.client_order_id, order.twin] = order.status

    # ---- facts

    def order(self, order: Order, now_us: int, before: OrderStatus | None = None) -> None:
        """If its status is another one now. `before`: as it was, where an order that is over changed again."""
        if not self.outbox.on:
            return
        key, status = (order.client_order_id, order.twin), order.status
        if self._statuses.get(key, before if order.settled else None) is status:
            return
        if order.settled:
            self._statuses.pop(key, None)
        else:
            self._statuses[key] = status
        instrument = self._known.instruments[order.instrument_id]
        self._say("order", status.value.lower(), self._describe.order(order, instrument), order.updated_us, now_us)

    def changed(self, change: Change, now_us: int) -> None:
        """What an event did to an order, booked."""
        if not self.outbox.on:
            return
        order, fill, old = change.order, change.fill, change.reversed
        instrument = self._known.instruments[order.instrument_id]
        if old is not None and old.source is not UpdateSource.PROVISIONAL:
            fill = order.fills[old.trade_id]
        if fill is not None:
            verb, replaces = ("booked", None) if old is None else ("corrected", old.trade_id)
            trade = self._describe.trade(fill, instrument, replaces)
            self._say("fill", verb, trade, fill.event_us, now_us)
            self.position(order.instrument_id, now_us)
        self.order(order, now_us, change.status_before)

    def position(self, instrument_id: str, now_us: int) -> None:
        """After a trade or funding."""
        if self.outbox.on:
            portfolio, instrument = self._known.portfolio, self._known.instruments[instrument_id]
            ledgers = [each for each in portfolio.ledgers() if each.instrument.instrument_id == instrument_id]
            self._say("position", "changed", self._describe.position(instrument, ledgers, now_us), now_us, now_us)

    def balances(self, now_us: int) -> None:
        """Those that changed, if the last ones were told a second ago."""
        if not self.outbox.on or now_us - self._balances_us < BALANCES_US:
            return
        portfolio = self._known.portfolio
        accounts = [account for account in portfolio.accounts.values() if portfolio.is_open(account.venue)]
        amounts: dict[tuple[str, str], tuple[Decimal, ...]] = {
            (each.venue, each.asset): (each.total, each.reserved, each.available) for each in accounts
        }
        changed = [each for each in accounts if self._balances.get(key := (each.venue, each.asset)) != amounts[key]]
        if changed:
            self._balances, self._balances_us = amounts, now_us
            self._say("balance", "changed", self._describe.balances(changed), now_us, now_us)

    def notices(self, notices: Iterable[Notice | ModeChanged]) -> None:
        """What the engine had to say: changes of mode, and limits that were reached."""
        if not self.outbox.on:
            return
        for each in notices:
            whose, at_us = self._describe.whose, each.at_us
            if isinstance(each, ModeChanged):
                change = payloads.ModeChange(
                    **whose, scope=each.scope, before=each.before, after=each.after, cause=each.cause, event_us=at_us
                )
                self._say("session", "mode", change, at_us, at_us)
            elif each.code.startswith("R-") and each.code not in COMMANDED:
                texts = {"rule": each.code, "where": each.where, "message": each.text, "fix": each.fix}
                self._say("risk", "alert", payloads.RiskAlert(**whose, **texts, event_us=at_us), at_us, at_us)

    def committed(self) -> None:
        """All that was noted is durable now."""
        if self.outbox.fresh:
            self.outbox.fresh = False
            self.wake()

    # ---- the session

    def state(self, state: BotState, now_us: int) -> None:
        """Its state is another one now."""
        if state in _VERBS:
            self._session(_VERBS[state] if self._started else "started", state, now_us)
            self._started = True

    def ended(self, verb: str, code: int, reason: str, now_us: int) -> None:
        """`stopped` or `crashed`."""
        self._session(verb, BotState.STOPPED, now_us, code, reason)

    # ---- inside

    @property
    def _known(self) -> State:
        assert self._state is not None, "follow an engine first"
        return self._state

    def _session(
        self, verb: str, state: BotState, now_us: int, code: int | None = None, reason: str | None = None
    ) -> None:
        if not self.outbox.on:
            return
        entry = self._entry
        session = payloads.Session(
            **self._describe.whose,
            mode=entry.mode,
            state=state.value,
            strategies=entry.strategies,
            instruments=entry.instruments,
            seed=self._seed,
            version=entry.version,
            config_hash=entry.config_hash,
            started_us=entry.started_us,
            event_us=now_us,
            exit_code=code,
            exit_reason=reason,
        )
        self._say("session", verb, session, now_us, now_us)
        if self._simulated and verb in ("started", "stopped"):
            self._say("simulation", verb, session, now_us, now_us, entry.session_id)

    def _say(self, noun: str, verb: str, data: Struct, event_us: int, now_us: int, name: str = "") -> None:
        if self.outbox.waiting >= WAITING_MAX and noun in THINNED:
            self._left_out[f"{noun}.{verb}"] += 1
            return
        if self._left_out and self.outbox.waiting < WAITING_MAX:
            gap = payloads.Gap(**self._describe.whose, left_out=dict(self._left_out))
            self._left_out.clear()
            self._say("gap", "left_out", gap, now_us, now_us)
        topic = routing_key(noun, verb, name or self._entry.name)
        self.outbox.note(topic, self._redaction.clean(encode(topic, event_us, now_us, data)), now_us)


def _nobody() -> None:
    """Before anybody listens."""
