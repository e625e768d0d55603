"""Settings and timers of the quote executor."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from engine.model.money import ZERO

SECOND_US = 1_000_000


class RefreshMode(StrEnum):
    EACH = "each"  # every slot alone
    ALL = "all"  # if one order misfits, all are replaced


class DelayScope(StrEnum):
    """What pauses after a complete fill."""

    ALL = "all"
    SIDE = "side"
    SLOT = "slot"


class AmendMode(StrEnum):
    AUTO = "auto"  # where the venue amends in place
    NEVER = "never"


class QuoteSettings(Struct, frozen=True, kw_only=True):
    """`order_refresh_time_us` is the earliest age at which an order that no longer fits is replaced.

    An order fits if its price and quantity differ from the wanted ones by at most these fractions of its own; a
    tolerance of None: never. Orders of `max_order_age_us` are replaced in any case. `filled_order_delay_us` is the
    pause after a complete fill. Without `wait_for_cancel` a replacement does not wait until the old order is gone.
    """

    order_refresh_time_us: int = 30 * SECOND_US
    order_refresh_tolerance: Decimal | None = ZERO
    quantity_tolerance: Decimal = ZERO
    refresh_mode: RefreshMode = RefreshMode.EACH
    max_order_age_us: int = 1800 * SECOND_US
    filled_order_delay_us: int = 60 * SECOND_US
    filled_order_delay_scope: DelayScope = DelayScope.ALL
    wait_for_cancel: bool = True
    amend: AmendMode = AmendMode.AUTO
    post_only: bool = True


class QuoteTimers(Struct):
    """Absolute times, by what a complete fill pauses ("", a side or a tag) and by tag ("" in refresh mode `all`)."""

    create_at_us: dict[str, int] = field(default_factory=dict)
    refresh_at_us: dict[str, int] = field(default_factory=dict)
