"""What messages tell. Additions keep the number of the schema; a field that changes or goes raises it.

Money is text in plain notation, exact; times are µs since the epoch, UTC; what is not known or does not apply is null.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from engine.core.modes import Mode

SCHEMA = 1
Money = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
TimeUs = Annotated[int, Meta(ge=0)]
Status = Literal["PENDING_NEW", "OPEN", "PENDING_CANCEL", "UNKNOWN", "FILLED", "CANCELED", "REJECTED", "EXPIRED"]
Side = Literal["BUY", "SELL"]


class Payload(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose message it is."""

    bot: str
    session_id: str


class Order(Payload, frozen=True, kw_only=True):
    """An own order as it is now.

    `amount` and `price` are null where the venue has not told them yet. `settling`: over at the venue, but not all of
    its trades are known. `doubt`: whether it exists is being looked up.
    """

    client_order_id: str
    venue_order_id: str
    instrument_id: str
    symbol: str
    side: Side
    type: Literal["LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET"]
    time_in_force: Literal["GTC", "IOC", "FOK", "GTD"]
    post_only: bool
    reduce_only: bool
    price: Money | None
    stop_price: Money | None
    amount: Money | None
    filled: Money
    remaining: Money
    average_price: Money | None
    fees: dict[str, Money]
    status: Status
    settling: bool
    doubt: bool
    reason: str
    owner: str
    simulated: bool
    created_us: TimeUs
    updated_us: TimeUs


class Trade(Payload, frozen=True, kw_only=True):
    """One execution of an own order. `fee` > 0 was paid, < 0 is a rebate; an `amount` of 0 was taken back.

    `replaces` is the trade that this one corrects; `provisional`: inferred, the venue's word will replace it.
    """

    trade_id: str
    client_order_id: str
    venue_order_id: str
    instrument_id: str
    symbol: str
    side: Side
    price: Money
    amount: Money
    fee: Money
    fee_asset: str
    liquidity: Literal["MAKER", "TAKER"]
    provisional: bool
    replaces: str | None
    simulated: bool
    event_us: TimeUs
    receive_us: TimeUs


class Position(Payload, frozen=True, kw_only=True):
    """What trading an instrument has led to, of all strategies together. `size` is signed: positive long.

    Profit is `realized_pnl` − `fees` + `accumulated_funding`, all in `value_asset`. `entry_price` is null when flat
    and where strategies hold opposite sides.
    """

    instrument_id: str
    symbol: str
    side: Literal["LONG", "SHORT", "FLAT"]
    size: Money
    entry_price: Money | None
    realized_pnl: Money
    fees: Money
    accumulated_funding: Money
    value_asset: str
    simulated: bool
    updated_us: TimeUs


class Balance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One asset of an account. `reserved` is tied up by our orders, `free` is what a new order may use."""

    account: str
    asset: str
    total: Money
    free: Money
    reserved: Money


class Balances(Payload, frozen=True, kw_only=True):
    """The assets that changed since the last such message; at most one a second."""

    balances: list[Balance]
    simulated: bool


class RiskAlert(Payload, frozen=True, kw_only=True):
    """A limit was reached. `rule` is its code, `where` an instrument, a venue, a strategy, or "" for the whole bot."""

    rule: str
    where: str
    message: str
    fix: str
    event_us: TimeUs


class ModeChange(Payload, frozen=True, kw_only=True):
    """Trading was restricted or allowed again, in `scope`: "" is everything."""

    scope: str
    before: Mode
    after: Mode
    cause: str
    event_us: TimeUs


class Session(Payload, frozen=True, kw_only=True):
    """One run of a bot. `exit_code` and `exit_reason` are null until it is over."""

    mode: str
    state: str
    strategies: list[str]
    instruments: list[str]
    seed: int
    version: str
    config_hash: str
    started_us: TimeUs
    event_us: TimeUs
    exit_code: int | None
    exit_reason: str | None


class Backtest(Payload, frozen=True, kw_only=True):
    """A backtest that is over. `error` is null where it finished; figures that the data cannot tell are null."""

    strategies: list[str]
    seed: int
    start_us: TimeUs | None
    end_us: TimeUs | None
    complete: bool
    total_pnl: Money | None
    return_ratio: float | None
    fills: int | None
    journal_hash: str | None
    error: str | None


class Gap(Payload, frozen=True, kw_only=True):
    """So many messages of these kinds were left out, because too many waited for the broker."""

    left_out: dict[str, int]
