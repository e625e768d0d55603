"""What can go wrong between a bot and its venue, and how often: the faults of one simulated session as numbers.

Each seed switches every fault on with probability 1/2 and draws its strength, so that some sessions see a single fault
alone and others all of them at once (swarm testing).
"""

from random import Random

from msgspec import Struct

from connectors.simulated.venue_order import ClientIds
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet


class FaultRates(Struct, frozen=True, kw_only=True):
    """Fractions of requests, reads, events or trades; those that end in `_rate` are per second.

    `skew_us`, `clock_step_us` and `clock_drift_ppm` are bounds, all zero is a perfect world.
    """

    conn_fail: float = 0.0  # F1: no connection, nothing was sent
    r429: float = 0.0  # F2: refused for the rate limit, with Retry-After
    pre5xx: float = 0.0  # F3: 503, not executed
    lose_request: float = 0.0  # F4
    late: float = 0.0  # F5: the request arrives 3 to 33 s later
    lose_response: float = 0.0  # F6: executed, no answer
    post5xx: float = 0.0  # F7: 504, executed
    duplicate: float = 0.0  # F8: the request is delivered twice
    slow: float = 0.0  # F9: up to 3 s more
    stale_read: float = 0.0  # F10: an answer up to READ_LAG_US old, trades that show up late
    stream_drop: float = 0.0  # F11
    stream_duplicate: float = 0.0  # F12
    disconnect_rate: float = 0.0  # F13
    stall_rate: float = 0.0  # F14: half-open for up to 60 s
    mute_rate: float = 0.0  # F15: heartbeats but no events for up to 30 s
    skew_us: float = 0.0  # F16: our clock is off by up to this
    crash_rate: float = 0.0  # F17
    log_loss: float = 0.0  # F18: of crashes: the log is set back
    reorder: float = 0.0  # F19: an event is overtaken, by up to 2 s
    clock_step_us: float = 0.0  # F20: the wall clock steps once
    ban: float = 0.0  # F21: of the rate limit answers: a ban instead
    maintenance_rate: float = 0.0  # F22: 503 for 30 to 120 s
    trades_rate: float = 0.0  # F22: the list of trades alone is out of order for 60 to 110 s
    rules_rate: float = 0.0  # F23: a larger minimum, or trading halted, for 5 to 40 s
    venue_cancel: float = 0.0  # F24: of orders
    garbage: float = 0.0  # F26: of stream events: not to be understood
    book: float = 0.0  # F27: of book updates: lost, doubled or swapped
    disk: float = 0.0  # F28: of commits
    pages: float = 0.0  # F32: of lists: a row is missing and the answer says that it is incomplete
    balance_lag: float = 0.0  # F33: of balances: up to BALANCE_LAG_US behind the trades
    pause_rate: float = 0.0  # F34: the process stands still for 1 to 30 s
    partition_rate: float = 0.0  # F35: the venue cannot be reached for 20 to 120 s
    stranger_rate: float = 0.0  # F36: somebody places or cancels an order by hand
    clock_drift_ppm: float = 0.0  # F20: our wall clock goes wrong by up to this many µs a second
    drift_rate: float = 0.0  # F20: a balance is wrong at the venue for 60 to 150 s, and nobody trades
    bust: float = 0.0  # F25: of trades: taken back, in part or whole, up to 20 s later
    key_expiry_rate: float = 0.0  # F29: the stream's key ends; half of the time the venue does not say so
    key_rights_rate: float = 0.0  # F29: the key may not trade for 5 to 40 s
    second_rate: float = 0.0  # F37: another process with our tag starts


HEALTHY = FaultRates()
MAXIMA = FaultRates(
    conn_fail=0.05,
    r429=0.05,
    pre5xx=0.03,
    lose_request=0.05,
    late=0.03,
    lose_response=0.05,
    post5xx=0.05,
    duplicate=0.03,
    slow=0.10,
    stale_read=0.50,
    stream_drop=0.05,
    stream_duplicate=0.10,
    disconnect_rate=1 / 60,
    stall_rate=1 / 120,
    mute_rate=1 / 120,
    skew_us=3e6,
    crash_rate=1 / 60,
    log_loss=0.5,
    reorder=0.10,
    clock_step_us=2e6,
    ban=0.02,
    maintenance_rate=1 / 1800,
    trades_rate=1 / 600,
    rules_rate=1 / 600,
    venue_cancel=0.01,
    garbage=0.01,
    book=0.01,
    disk=0.01,
    pages=0.02,
    balance_lag=0.5,
    pause_rate=1 / 600,
    partition_rate=1 / 1800,
    stranger_rate=1 / 300,
    clock_drift_ppm=200,
    drift_rate=1 / 300,
    bust=0.01,
    key_expiry_rate=1 / 300,
    key_rights_rate=1 / 600,
    second_rate=1 / 120,
)
CLOCKS = ("skew_us", "clock_step_us", "clock_drift_ppm")
READ_LAG_US = 2 * SECOND_US
BALANCE_LAG_US = 5 * SECOND_US
EXPIRY_US = 5 * SECOND_US
LATE_ARRIVAL_US = 40 * SECOND_US  # bound where requests do not expire
AHEAD_US = SECOND_US


def swarm(seed: int, scale: float = 1.0, maxima: FaultRates = MAXIMA) -> FaultRates:
    """The faults of one seed: each is on with probability 1/2, its strength uniform up to `maxima` × `scale`.

    Errors of clocks do not scale: beyond a limit the engine rightly refuses to trade.
    """
    chance = Random(f"swarm:{seed}")
    drawn = {}
    for name in FaultRates.__struct_fields__:
        on, strength = chance.random() < 0.5, chance.random()
        factor = 1.0 if name in CLOCKS else scale
        drawn[name] = strength * getattr(maxima, name) * factor if on else 0.0
    return FaultRates(**drawn)


def only(*names: str, scale: float = 1.0) -> FaultRates:
    """The named faults at full strength, nothing else."""
    return FaultRates(**{name: getattr(MAXIMA, name) * scale for name in names})


class VenueHabits(Struct, frozen=True, kw_only=True):
    """How a venue treats orders, as its data sheet says. `fee`: in which asset they are taken, quote, base or third."""

    expires: bool = True
    client_ids: ClientIds = ClientIds.OPEN_ONLY
    lookup_scope: LookupScope = LookupScope.ALL
    unfilled_kept_us: int = 0
    client_id_in_trades: bool = True
    cancel_by_client_id: bool = True
    amend_in_place: bool = True
    acks_streamed: bool = True
    dedicated: bool = True
    dead_man: bool = False
    fee: str = "quote"

    @property
    def request_expiry_us(self) -> int:
        return EXPIRY_US if self.expires else 0

    def sheet(self) -> VenueSheet:
        """What the connector of this venue declares."""
        return VenueSheet(
            request_expiry_us=EXPIRY_US if self.expires else LATE_ARRIVAL_US,
            ahead_us=AHEAD_US if self.expires else 0,
            read_lag_us=READ_LAG_US,
            lookup_scope=self.lookup_scope,
            unfilled_kept_us=self.unfilled_kept_us,
            client_id_in_trades=self.client_id_in_trades,
            cancel_by_client_id=self.cancel_by_client_id,
            amend_in_place=self.amend_in_place,
            acks_streamed=self.acks_streamed,
            dedicated=self.dedicated,
            dead_man=self.dead_man,
        )


def draw_habits(seed: int) -> VenueHabits:
    """F30: the venue of one seed."""
    chance = Random(f"sheet:{seed}")

    def often(probability: float) -> bool:
        return chance.random() < probability

    return VenueHabits(
        expires=often(0.85),
        client_ids=ClientIds.OPEN_ONLY if often(0.7) else ClientIds.FOREVER,
        lookup_scope=LookupScope.ALL if often(0.7) else LookupScope.OPEN_ONLY,
        unfilled_kept_us=60 * SECOND_US if often(0.2) else 0,
        client_id_in_trades=often(0.6),
        cancel_by_client_id=often(0.7),
        amend_in_place=often(0.5),
        acks_streamed=often(0.8),
        dedicated=often(0.7),
        dead_man=often(0.4),
        fee=("quote", "quote", "base", "third")[chance.randrange(4)],
    )
