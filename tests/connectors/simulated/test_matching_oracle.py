"""The matching engine against the naive one: random operations of every kind, compared completely after each."""

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulated.book_order import BookOrder, Outcome, Place, SelfTrade, What
from connectors.simulated.matching import MatchingEngine
from engine.model.enums import OrderType, Side, TimeInForce
from tests.connectors.simulated.naive_matching import NaiveExchange, NaiveOrder

MODES = ("none", "cancel_new", "cancel_old", "cancel_both")
KINDS = ("LIMIT", "LIMIT", "LIMIT", "LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET", "STOP_LIMIT")
FORCES = ("GTC", "GTC", "GTC", "GTC", "IOC", "FOK", "GTD", "GTC")


def refused(key: int) -> bool:
    return key % 7 == 0


def naive_order(code: bytes, now: int) -> NaiveOrder:
    kind, force, flags = KINDS[code[2] % 8], FORCES[code[3] % 8], code[4]
    stop = kind.startswith("STOP")
    trailing = stop and code[5] % 3 == 0
    resting = kind != "MARKET" and kind != "STOP_MARKET" and force in ("GTC", "GTD")
    return NaiveOrder(
        side="BUY" if code[1] & 1 else "SELL",
        price=0 if kind.endswith("MARKET") else 95 + code[6] % 11,
        total=1 + code[7] % 12,
        account=1 + (code[1] >> 1) % 3,
        kind=kind,
        force=force,
        mode=MODES[(code[1] >> 4) % 4],
        post_only=resting and flags % 5 == 0,
        reduce_only=flags % 7 == 0,
        display=1 + code[8] % 4 if resting and flags % 4 == 1 else 0,
        stop=0 if not stop or (trailing and code[5] % 2) else 95 + code[9] % 11,
        trail=10_000 * (1 + code[5] % 5) if trailing else 0,
        expire=now + code[9] % 6 if force == "GTD" else 0,
        group=f"g{code[8] % 40}" if flags % 3 == 0 else "",
    )


def engine_order(order: NaiveOrder) -> BookOrder:
    return BookOrder(
        Side(order.side),
        order.price,
        order.total,
        order.account,
        OrderType(order.kind),
        TimeInForce(order.force),
        SelfTrade(order.mode),
        order.post_only,
        order.reduce_only,
        order.display,
        order.stop,
        order.trail,
        order.expire,
        order.group,
    )


def apply(code: bytes, engine: MatchingEngine, naive: NaiveExchange) -> None:
    """One operation on both."""
    what, side = code[0] % 24, "BUY" if code[1] & 1 else "SELL"
    key = naive.keys - code[2] % 24
    price, lots = 95 + code[6] % 11, 1 + code[7] % 12
    if what < 13:
        order = naive_order(code, naive.now)
        engine.submit(engine_order(order))
        naive.submit(order)
    elif what < 15:
        assert engine.cancel(key) == naive.cancel(key)
    elif what < 17:
        assert engine.amend(key, price, lots) == naive.amend(key, price, lots)
    elif what == 17:
        engine.add(Side(side), price, lots)
        naive.submit(NaiveOrder(side, price, lots))
    elif what == 18:
        limit = price if code[3] % 2 else 0
        taken = engine.take(Side(side), lots, limit)
        order = NaiveOrder(side, limit, lots, kind="LIMIT" if limit else "MARKET", force="IOC")
        naive.submit(order)
        assert taken == order.total - order.left
    elif what == 19:
        lots = code[7] % 12
        engine.set_level(Side(side), price, lots)
        naive.set_level(side, price, lots)
    elif what == 20:
        assert engine.execute(key, lots) == naive.execute(key, lots)
    elif what == 21:
        engine.print_trade(price, lots, Side(side))
        naive.print_trade(price, lots)
    elif what == 22:
        engine.advance(naive.now + 1)
        naive.advance(naive.now + 1)
    else:
        engine.halted = naive.halted = code[3] % 4 == 0


def told(outcome: Outcome) -> tuple[object, ...]:
    key = outcome.order.key
    match outcome.what:
        case What.FILLED if outcome.maker is None:
            return ("PRINT", outcome.ticks, outcome.lots)
        case What.FILLED:
            assert outcome.maker is not None
            return ("FILLED", key, outcome.maker.key, outcome.ticks, outcome.lots)
        case What.AMENDED:
            return ("AMENDED", key, outcome.ticks, outcome.lots)
        case What.ACCEPTED | What.TRIGGERED:
            return (outcome.what.name, key)
    return (outcome.what.name, key, outcome.reason)


def compare(engine: MatchingEngine, naive: NaiveExchange) -> None:
    """The whole state: queues, levels, waiting orders, positions, last price."""
    for side, book in ((Side.BUY, engine.bids), (Side.SELL, engine.asks)):
        queue = [(o.price, o.key, o.total, o.left, o.shown) for o in naive.resting(side.value)]
        ours = [
            (o.ticks, o.key, o.lots, o.leaves, o.visible)
            for price in reversed(book.prices)
            for o in book.levels[price].queue.values()
        ]
        assert ours == queue
        shown: dict[int, int] = {}
        for price, _, _, _, lots in queue:
            shown[price] = shown.get(price, 0) + lots
        assert engine.depth(side, 1000) == list(shown.items())
        assert engine.best(side) == next(iter(shown), 0)
    waiting = {o.key: (o.price, o.left, o.peak) for o in naive.orders if o.state == "waiting"}
    assert {k: (o.ticks, o.leaves, o.extreme) for k, o in engine.live.items() if o.place is Place.WAITING} == waiting
    assert sorted(engine.live) == sorted(o.key for o in naive.orders if o.state != "over")
    assert all(order.is_live for order in engine.live.values())
    assert engine.positions == naive.positions
    assert engine.last_ticks == naive.last


@settings(max_examples=300)
@given(st.lists(st.binary(min_size=10, max_size=10), min_size=80, max_size=100))
def test_equal_after_every_operation(codes: list[bytes]) -> None:
    """300 × at least 80 operations = 24,000."""
    engine = MatchingEngine(admit=lambda order: "refused" if refused(order.key) else "")
    naive = NaiveExchange(refused)
    book: dict[tuple[Side, int], int] = {}
    for code in codes:
        apply(code, engine, naive)
        assert [told(outcome) for outcome in engine.drain()] == naive.log
        naive.log.clear()
        compare(engine, naive)
        for side, half in ((Side.BUY, engine.bids), (Side.SELL, engine.asks)):
            book.update(((side, ticks), lots) for ticks, lots in half.drain())
            assert {ticks: lots for (s, ticks), lots in book.items() if s is side and lots} == dict(half.depth(1000))
