"""The end of a session: nothing new, everything cancelled, and the venues' own lists of open orders as the proof."""

from collections.abc import Mapping

from engine.core.driver import Driver
from engine.model.event import AccountSnapshot
from engine.model.order import Order
from engine.model.request import FetchOpenOrders

ASK_AGAIN_US = 5_000_000


class Closing:
    """Begins when the engine was told to end. `lists` has the newest list of open orders of each venue."""

    def __init__(self, driver: Driver, lists: Mapping[str, AccountSnapshot]) -> None:
        self.begun_us = driver.engine.state.now_us
        self.orders: list[Order] = list(driver.engine.state.orders.active())  # that were open when it began
        self._driver = driver
        self._lists = lists
        self._asked_us = 0

    @property
    def open(self) -> list[Order]:
        """Our orders that may still be open."""
        return list(self._driver.engine.state.orders.active())

    def done(self) -> bool:
        """After a step: whether every order is over and every venue has confirmed it since. Asks them if need be."""
        engine = self._driver.engine
        if not engine.stopped:
            return False
        state = engine.state
        if not self._asked_us or state.now_us - self._asked_us >= ASK_AGAIN_US:
            self._asked_us = state.now_us
            self._driver.send([FetchOpenOrders(venue) for venue in state.sheets])
            return False
        lists = [self._lists.get(venue) for venue in state.sheets]
        return all(told is not None and self._shows_none(told) for told in lists)

    def _shows_none(self, told: AccountSnapshot) -> bool:
        is_own = self._driver.engine.state.ids.is_own
        rows = told.open_orders or ()
        return told.started_us >= self._asked_us and not any(is_own(row.client_order_id) for row in rows)
