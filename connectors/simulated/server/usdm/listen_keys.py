"""Listen keys: whoever connects with one hears what the account does. One an account, for an hour from the last use."""

from __future__ import annotations

from collections.abc import Callable

from connectors.simulated.server.values import HOUR_US

KEY_PARTS = 3  # generated ids in one key


class ListenKeys:
    """`new_text` makes letters and digits that were not there before."""

    def __init__(self, new_text: Callable[[], str]) -> None:
        self._new_text = new_text
        self._keys: dict[int, str] = {}
        self._accounts: dict[str, int] = {}
        self._until_us: dict[str, int] = {}

    def open(self, account: int, now_us: int) -> str:
        """The account's key; the one there is is extended."""
        key = self._keys.get(account)
        if key is None:
            key = self._keys[account] = "".join(self._new_text() for _ in range(KEY_PARTS))
            self._accounts[key] = account
        self._until_us[key] = now_us + HOUR_US
        return key

    def extend(self, account: int, now_us: int) -> str | None:
        """The same for a key that must be there already."""
        return self.open(account, now_us) if account in self._keys else None

    def close(self, account: int) -> None:
        """Forget an account's key, if there is one."""
        key = self._keys.pop(account, None)
        if key is not None:
            del self._accounts[key], self._until_us[key]

    def account(self, key: str) -> int | None:
        """Whose key it is; None: nobody's."""
        return self._accounts.get(key)

    def drain_expired(self, now_us: int) -> list[tuple[str, int]]:
        """Forget the keys whose time is over: (key, account)."""
        over = [(key, self._accounts[key]) for key, until_us in self._until_us.items() if until_us <= now_us]
        for _, account in over:
            self.close(account)
        return over
