"""What differs between Binance's APIs where the rest is the same, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.base.outcomes import Row
from connectors.base.rate_limit import Limit
from engine.model.enums import Action


@dataclass(frozen=True, slots=True)
class Dialect:
    """Times are in µs with `in_us`, else in ms. `limits` hold until the venue tells its own; besides its weight a
    request costs one of each of `every` window, and of those of its action in `creates`.

    Of an answer with status 500 or more only those rows of `outcomes` say anything that name its status. `filters` are
    codes of orders that broke a trading rule: our copy of the rules may be old. `trades` is the path of own trades;
    `no_trades` is their cursor where there are none, "" to ask by time again. Weights are those of a list of markets,
    a snapshot of a book, a lookup, open orders (of a market, of the account), and own trades (of a market, an order).
    """

    prefix: str
    in_us: bool
    outcomes: Sequence[Row]
    limits: Mapping[str, Limit]
    told_by_header: Mapping[str, str]
    every: Sequence[str]
    creates: Mapping[Action, Sequence[str]]
    filters: Sequence[str]
    trades: str
    no_trades: str
    info_weight: int
    snapshot_weight: int
    lookup_weight: int
    open_weights: tuple[int, int]
    trades_weights: tuple[int, int]
