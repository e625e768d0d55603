"""What is open elsewhere is traded back at a venue whose private stream is silent, where that is certain to reduce."""

from typing import Any

import pytest

from engine.core.modes import CauseKind
from engine.model.enums import Side, TimeInForce
from engine.model.instrument import Instrument
from engine.model.request import SubmitOrder
from tests.core.check_bench import FAR, INVERSE, PERP, SPOT, Bench, submit
from tests.core.test_checks import Prepare, degraded, holds, paused

BUY, SELL = Side.BUY, Side.SELL
IOC: dict[str, Any] = {"time_in_force": TimeInForce.IOC, "owner": "mm/hedge"}


def everywhere_deaf(bench: Bench) -> None:
    degraded(bench)
    bench.halt.add(CauseKind.STREAM_STALE, "far", "silent", 1)


def unwell(bench: Bench) -> None:
    degraded(bench)
    bench.halt.add(CauseKind.HEALTH, "sim", "1.1", 1)


@pytest.mark.parametrize(
    ("held", "before", "request_", "passes"),
    [
        ({FAR: "2"}, degraded, submit(SELL, **IOC), True),  # the venue is deaf; what was bought elsewhere is sold
        ({FAR: "-2"}, degraded, submit(BUY, **IOC), True),
        ({FAR: "2"}, degraded, submit(SELL, quantity="2", **IOC), True),
        ({FAR: "2"}, degraded, submit(SELL, quantity="2.01", **IOC), False),  # it would turn the position
        ({FAR: "2"}, degraded, submit(BUY, **IOC), False),
        ({FAR: "2", SPOT: "-1.5"}, degraded, submit(SELL, **IOC), False),  # a part is traded back already
        ({FAR: "2", SPOT: "-1.5"}, degraded, submit(SELL, quantity="0.5", **IOC), True),
        ({FAR: "2"}, degraded, submit(SELL, quantity="20", instrument=PERP, **IOC), True),  # contracts of 0.1
        ({FAR: "2"}, degraded, submit(SELL, quantity="21", instrument=PERP, **IOC), False),
        ({FAR: "2"}, degraded, submit(SELL, instrument=INVERSE, **IOC), False),
        ({FAR: "2", INVERSE: "1"}, degraded, submit(SELL, **IOC), False),
        ({FAR: "2"}, degraded, submit(SELL, owner="mm/hedge"), False),  # it would rest
        ({FAR: "2"}, degraded, submit(SELL, time_in_force=TimeInForce.IOC, owner="other/hedge"), False),
        ({FAR: "2"}, everywhere_deaf, submit(SELL, **IOC), False),  # there may be more news there
        ({FAR: "2"}, unwell, submit(SELL, **IOC), False),
        ({FAR: "2"}, paused("sim"), submit(SELL, **IOC), False),
    ],
)
def test_what_is_open_elsewhere_is_traded_back_at_a_venue_that_is_not_heard(
    held: dict[Instrument, str], before: Prepare, request_: SubmitOrder, passes: bool
) -> None:
    bench = Bench()
    for instrument, quantity in held.items():
        holds(instrument, quantity)(bench)
    before(bench)
    refused = bench.check(request_)
    assert (refused is None) is passes, refused
    assert refused is None or refused.rule == "mode"


def test_nothing_is_traded_back_where_an_order_of_ours_is_alive() -> None:
    bench = Bench()
    holds(FAR, "2")(bench)
    bench.rests(Side.BUY, "90", "1", instrument_id=PERP.instrument_id)
    degraded(bench)
    assert bench.check(submit(SELL, **IOC)) is not None
