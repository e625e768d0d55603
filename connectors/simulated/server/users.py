"""Private events: who is subscribed to which account, and what has not been told yet.

Events wait until the answer to the request that caused them has been written.
"""

from __future__ import annotations

from typing import Any, Protocol

from connectors.simulated.server.hub import Event


class UserListener(Protocol):
    """A connection with subscriptions to accounts."""

    def hear_user(self, subscription: int, event: Event) -> None:
        """Take an event; must not block."""
        ...


class Users:
    """At most one subscription of a connection to an account."""

    def __init__(self) -> None:
        self._subscriptions: dict[int, dict[UserListener, int]] = {}
        self._waiting: list[tuple[int, Any]] = []

    def subscribe(self, account: int, listener: UserListener, subscription: int) -> bool:
        """False if the connection has one already."""
        subscriptions = self._subscriptions.setdefault(account, {})
        if listener in subscriptions:
            return False
        self.deliver()
        subscriptions[listener] = subscription
        return True

    def unsubscribe(self, account: int, listener: UserListener) -> None:
        self.deliver()
        self._subscriptions.get(account, {}).pop(listener, None)

    def is_watched(self, account: int) -> bool:
        """Whether anybody is subscribed to the account."""
        return bool(self._subscriptions.get(account))

    def tell(self, account: int, payload: Any) -> None:
        """Note an event for everybody who is subscribed to the account."""
        if self.is_watched(account):
            self._waiting.append((account, payload))

    def deliver(self) -> None:
        """Send what waits."""
        waiting, self._waiting = self._waiting, []
        for account, payload in waiting:
            event = Event(payload)
            for listener, subscription in list(self._subscriptions.get(account, {}).items()):
                listener.hear_user(subscription, event)
