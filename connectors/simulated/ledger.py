"""The venue's money: totals and locks per account, exact to the last digit.

Every movement goes from one account to another, so the sum of an asset over all accounts changes by deposits only.
OUTSIDE (everybody who is not simulated), FEES (the venue itself) and INSURANCE have no limits and may go below zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from engine.model.money import ZERO

FEES = -1
INSURANCE = -2  # the fund that takes over what liquidations leave


class Ledger:
    """`touched` collects (account, asset) whose balance changed since the reader last cleared it, in that order."""

    def __init__(self) -> None:
        self.totals: dict[int, dict[str, Decimal]] = {}
        self.locks: dict[int, dict[str, Decimal]] = {}
        self.touched: dict[tuple[int, str], None] = {}
        self._orders: dict[int, tuple[tuple[int, str, str], Decimal]] = {}  # order key -> (pool, its own need)
        self._pools: dict[tuple[int, str, str], dict[int, Decimal]] = {}  # (account, asset, list id) -> legs' needs

    def deposit(self, account: int, amounts: Mapping[str, Decimal]) -> None:
        """Bring money in from nowhere (negative: take it out)."""
        for asset, amount in amounts.items():
            self._add(account, asset, amount)

    def move(self, source: int, target: int, asset: str, amount: Decimal) -> None:
        """Move `amount` (negative: the other way round) from one account to another."""
        self._add(source, asset, -amount)
        self._add(target, asset, amount)

    def total(self, account: int, asset: str) -> Decimal:
        amounts = self.totals.get(account)
        return ZERO if amounts is None else amounts.get(asset, ZERO)

    def locked(self, account: int, asset: str) -> Decimal:
        amounts = self.locks.get(account)
        return ZERO if amounts is None else amounts.get(asset, ZERO)

    def free(self, account: int, asset: str) -> Decimal:
        return self.total(account, asset) - self.locked(account, asset)

    def locked_for(self, key: int) -> Decimal:
        """What the order itself needs locked; the orders of one list share the largest need among them."""
        known = self._orders.get(key)
        return ZERO if known is None else known[1]

    def lock(self, account: int, key: int, asset: str, amount: Decimal, list_id: str = "") -> bool:
        """Make `amount` the need of an order. False, and nothing has changed, if the free balance does not cover it."""
        pool = (account, asset, list_id)
        growth = self._pool_growth(pool, key, amount) if list_id else amount - self.locked_for(key)
        if growth > 0 and growth > self.free(account, asset):
            return False
        if list_id:
            self._pools.setdefault(pool, {})[key] = amount
        self._orders[key] = (pool, amount)
        self._change_lock(account, asset, growth)
        return True

    def reserve(self, account: int, asset: str, growth: Decimal) -> None:
        """Lock so much more, or less, for no order in particular, whether it is there or not."""
        self._change_lock(account, asset, growth)

    def release(self, key: int) -> None:
        """An order ended: its need is gone."""
        if key not in self._orders:
            return
        pool, amount = self._orders.pop(key)
        account, asset, list_id = pool
        if not list_id:
            self._change_lock(account, asset, -amount)
            return
        needs = self._pools[pool]
        self._change_lock(account, asset, self._pool_growth(pool, key, ZERO))
        del needs[key]
        if not needs:
            del self._pools[pool]

    def _pool_growth(self, pool: tuple[int, str, str], key: int, amount: Decimal) -> Decimal:
        """How much more a list needs when one of its orders needs `amount`."""
        needs = self._pools.get(pool, {})
        others = max((need for leg, need in needs.items() if leg != key), default=ZERO)
        return max(others, amount) - max(needs.values(), default=ZERO)

    def sum(self, asset: str) -> Decimal:
        """Total of an asset over all accounts, FEES and OUTSIDE included."""
        return sum((amounts.get(asset, ZERO) for amounts in self.totals.values()), ZERO)

    def _change_lock(self, account: int, asset: str, growth: Decimal) -> None:
        if growth:
            locks = self.locks.setdefault(account, {})
            locks[asset] = locks.get(asset, ZERO) + growth
            self.touched[account, asset] = None

    def _add(self, account: int, asset: str, amount: Decimal) -> None:
        amounts = self.totals.setdefault(account, {})
        amounts[asset] = amounts.get(asset, ZERO) + amount
        self.touched[account, asset] = None
