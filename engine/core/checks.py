"""Pre-trade checks: a table of rules in a fixed order. The first that objects refuses the request, with both numbers.

Rules whose limit is not set are left out. Cancels always pass.
"""

from collections import deque
from collections.abc import Callable

from engine.core import check_rules
from engine.core.check_rules import Context, Rule
from engine.core.limits import RiskLimits
from engine.core.notice import Notice
from engine.core.rates import PriceOf
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.quote import Refused
from engine.model.request import AmendOrder, CancelOrder, OrderRequest, SubmitOrder

RULES: tuple[tuple[str, Rule], ...] = (
    ("mode", check_rules.mode_forbids),
    ("slot_busy", check_rules.slot_is_busy),
    ("slot_backoff", check_rules.slot_backs_off),
    ("instrument", check_rules.breaks_instrument_rules),
    ("no_price", check_rules.has_no_price),
    ("price_band", check_rules.outside_price_band),
    ("max_order_value", check_rules.order_value_too_large),
    ("max_open_orders", check_rules.too_many_open),
    ("max_orders_per_minute", check_rules.too_many_a_minute),
    ("max_position", check_rules.position_too_large),
    ("max_leverage", check_rules.leverage_too_high),
    ("funds", check_rules.funds_missing),
    ("self_trade", check_rules.trades_with_itself),
    ("reduce_only", check_rules.reduces_nothing),
    ("fat_finger", check_rules.fat_finger),
)
NOT_FOR_AMENDS = ("slot_busy", "max_open_orders")  # the order that is amended is the one in the slot
CODES = {"price_band": "E-BAND", "funds": "E-BALANCE", "max_leverage": "E-LEVERAGE", "instrument": "E-STEP"}


class PreTradeChecks:
    """Every request of a tick goes through here.

    `by_client_id` finds the order of an amend, `mid` the middle of an instrument's book.
    """

    def __init__(
        self, context: Context, by_client_id: Callable[[str], Order | None], mid: PriceOf, limits: RiskLimits
    ) -> None:
        self.context = context
        self._by_client_id = by_client_id
        self._mid = mid
        self.set_limits(limits)

    def set_limits(self, limits: RiskLimits) -> None:
        """New limits hold from the next request on."""
        context = self.context
        context.limits = limits
        context.sent_us = deque(context.sent_us, maxlen=limits.max_orders_per_minute or 0)
        self._submit_rules = tuple(row for row in RULES if getattr(limits, row[0], row) is not None)
        self._amend_rules = tuple(row for row in self._submit_rules if row[0] not in NOT_FOR_AMENDS)

    def check(self, request: OrderRequest, now_us: int) -> Refused | None:
        """None: it may be sent."""
        context = self.context
        context.now_us = now_us
        if isinstance(request, SubmitOrder):
            context.old_amount = context.old_quantity = context.filled = ZERO
            return self._judge(request, request, self._submit_rules)
        if isinstance(request, CancelOrder):
            return None
        order = self._by_client_id(request.client_order_id)
        if order is None or not order.is_working:
            status = "unknown" if order is None else order.status
            reason = f"order {request.client_order_id} is {status}: only a working order can be amended"
            return Refused(request, "not_working", reason, now_us)
        context.old_amount, context.old_quantity = context.portfolio.funds.held(order)
        context.filled = order.filled
        return self._judge(request, _as_submit(request, order), self._amend_rules)

    def _judge(self, request: OrderRequest, wanted: SubmitOrder, rules: tuple[tuple[str, Rule], ...]) -> Refused | None:
        context = self.context
        context.market = context.portfolio.markets[wanted.instrument_id]
        context.mid = mid = self._mid(wanted.instrument_id)
        context.price = wanted.price or wanted.stop_price or mid or ZERO
        for name, rule in rules:
            reason = rule(wanted, context)
            if reason:
                return Refused(request, name, reason, context.now_us)
        context.sent_us.append(context.now_us)
        return None


def notice_of(refused: Refused) -> Notice:
    """What an operator hears of a refusal."""
    code = "E-MIN" if "below the minimum" in refused.reason else CODES.get(refused.rule, "E-REFUSED")
    fix = f"raise risk.{refused.rule}, or let the strategy ask for less" if hasattr(RiskLimits, refused.rule) else ""
    return Notice(code, refused.request.instrument_id, f"{refused.reason}; nothing was sent", fix, refused.at_us)


def _as_submit(amend: AmendOrder, order: Order) -> SubmitOrder:
    """The order as it would be after the amend."""
    return SubmitOrder(
        order.client_order_id,
        order.instrument_id,
        order.side,
        order.order_type,
        amend.quantity,
        amend.price,
        order.time_in_force,
        order.post_only,
        order.reduce_only,
        order.owner,
        order.tag,
        order.stop_price,
    )
