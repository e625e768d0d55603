"""Portfolio: the ledger against an account that is kept by hand, reports of venues, funding, equity."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.portfolio import TRANSFERS_KEPT, Pnl, Portfolio
from engine.core.venue_sheet import VenueSheet
from engine.model.account import Balance, Position
from engine.model.enums import InstrumentKind, Liquidity, OrderStatus, OrderType, Side
from engine.model.event import AccountSnapshot, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.request import SubmitOrder

D = Decimal
BTC, ETH, BNB, PERP = "sim:BTC-USDT", "sim:ETH-BTC", "sim:BNB-USDT", "sim:BTC-USDT-PERP"


def spot(base: str, quote: str) -> Instrument:
    return Instrument(f"sim:{base}-{quote}", "sim", f"{base}-{quote}", base, quote, D("0.01"), D("0.001"))


def perpetual(base: str, quote: str, settle: str, size: str = "1") -> Instrument:
    symbol = f"{base}-{quote}-PERP"
    return Instrument(
        f"sim:{symbol}",
        "sim",
        symbol,
        base,
        quote,
        D("0.01"),
        D("0.001"),
        kind=InstrumentKind.PERPETUAL,
        settle=settle,
        contract_size=D(size),
        taker_rate=D("0.001"),
    )


INSTRUMENTS = {
    each.instrument_id: each
    for each in (perpetual("BTC", "USDT", "USDT"), spot("BTC", "USDT"), spot("ETH", "BTC"), spot("BNB", "USDT"))
}
PRICES: dict[str, Decimal | None] = {BTC: D(60000), ETH: D("0.05"), BNB: D(600), PERP: D(60100)}


def portfolio(prices: dict[str, Decimal | None] = PRICES) -> Portfolio:
    return Portfolio(INSTRUMENTS, prices.get)


def snapshot(*balances: Balance, complete: bool = True, started_us: int = 1, receive_us: int = 2) -> AccountSnapshot:
    return AccountSnapshot("sim", started_us, receive_us, complete, balances=balances)


def opened(prices: dict[str, Decimal | None] = PRICES) -> Portfolio:
    made = portfolio(prices)
    made.apply_snapshot(snapshot(Balance("sim", "BTC", D(1), D(1)), Balance("sim", "USDT", D(1000), D(1000))))
    return made


def order(instrument_id: str = BTC, side: Side = Side.BUY, owner: str = "mm") -> Order:
    return Order(
        client_order_id="c",
        instrument_id=instrument_id,
        side=side,
        order_type=OrderType.LIMIT,
        quantity=D(1),
        price=D(100),
        owner=owner,
        settled=True,
    )


def fill(
    side: Side, price: object, quantity: object, fee: object = 0, asset: str = "USDT", instrument_id: str = BTC
) -> Fill:
    return Fill(
        "t", "c", "v", instrument_id, side, D(str(price)), D(str(quantity)), D(str(fee)), asset, Liquidity.MAKER, 0, 0
    )


def post(to: Portfolio, trade: Fill, owner: str = "mm", back: Fill | None = None) -> None:
    to.apply(Change(order(trade.instrument_id, trade.side, owner), OrderStatus.OPEN, trade, back))


def test_first_complete_balances_open_the_ledger_and_later_ones_stay_beside_it() -> None:
    made = portfolio()
    made.apply_snapshot(snapshot(Balance("sim", "BTC", D(3), D(3)), complete=False))
    assert (made.total("sim", "BTC"), made.differences("sim")) == (0, {})
    made.apply_snapshot(snapshot(Balance("sim", "BTC", D(1), D(1))))
    assert (made.total("sim", "BTC"), made.differences("sim")) == (1, {})
    made.apply_snapshot(snapshot(Balance("sim", "BTC", D(2), D(2)), Balance("sim", "DOGE", D(7), D(7))))
    assert made.total("sim", "BTC") == 1
    assert made.differences("sim") == {"BTC": (1, 2), "DOGE": (0, 7)}


def test_an_asset_that_a_complete_snapshot_lacks_is_zero_there() -> None:
    made = opened()
    made.apply_snapshot(snapshot(Balance("sim", "BTC", D(1), D(1))))
    assert made.differences("sim") == {"USDT": (1000, 0)}


def test_older_reports_do_not_replace_newer_ones() -> None:
    made = opened()
    made.apply_balance(Balance("sim", "BTC", D(5), D(5), event_us=20))
    made.apply_balance(Balance("sim", "BTC", D(4), D(4), event_us=10))
    assert made.differences("sim") == {"BTC": (1, 5)}


def test_the_venues_word_on_a_profit_counts_for_the_money_and_our_own_for_the_owner() -> None:
    """It knows what the account held before we did, and rounds as it likes."""
    made = opened()
    close = replace(fill(Side.SELL, 60000, 1, instrument_id=PERP), realized=D("12.34"))
    post(made, close)
    assert made.total("sim", "USDT") == D("1012.34")
    assert made.markets[PERP].net.realized == D("12.34")  # what the order log posts as profit
    assert made.ledger(PERP, "mm").realized == 0
    post(made, replace(close, realized=D(0)), back=close)
    assert made.total("sim", "USDT") == 1000


def test_opening_from_the_order_log_beats_the_first_snapshot() -> None:
    made = portfolio()
    made.open("sim", {"USDT": D(500)})
    made.apply_snapshot(snapshot(Balance("sim", "USDT", D(501), D(501))))
    assert made.differences("sim") == {"USDT": (500, 501)}


def test_positions_of_the_venue_are_kept_beside_ours() -> None:
    made = portfolio()
    told = Position(PERP, D(3))
    made.apply_snapshot(AccountSnapshot("sim", 1, 2, positions=(told,)))
    assert (made.venue_positions, made.position(PERP)) == ({PERP: told}, 0)


sides = st.sampled_from(list(Side))
prices = st.integers(1, 10_000_000).map(lambda ticks: D(ticks) / 100)
amounts = st.integers(1, 1_000_000).map(lambda lots: D(lots) / 1000)
fees = st.integers(-1000, 1000).map(lambda units: D(units) / 1_000_000)
assets = st.sampled_from(["BTC", "USDT", "BNB"])
owners = st.sampled_from(["a", "b"])
trades = st.lists(st.tuples(sides, prices, amounts, fees, assets, owners), max_size=20)


@given(trades, prices)
def test_equity_changes_by_profit_alone_to_the_last_digit(
    script: list[tuple[Side, Decimal, Decimal, Decimal, str, str]], mark: Decimal
) -> None:
    quotes: dict[str, Decimal | None] = {**PRICES, BTC: mark}
    made = opened(quotes)
    by_hand = {"BTC": D(1), "USDT": D(1000), "BNB": ZERO}
    for side, price, quantity, fee, asset, owner in script:
        post(made, fill(side, price, quantity, fee, asset), owner)
        sign = 1 if side is Side.BUY else -1
        by_hand["BTC"] += sign * quantity
        by_hand["USDT"] -= sign * quantity * price
        by_hand[asset] -= fee
    assert {asset: made.total("sim", asset) for asset in by_hand} == by_hand
    pnl, hold = made.pnl("USDT"), made.hold_value("USDT")
    assert pnl is not None
    assert hold is not None
    assert made.equity("USDT") == hold + pnl.total
    assert made.position(BTC) == sum(ledger.quantity for ledger in made.ledgers())
    assert made.position(BTC, "a") + made.position(BTC, "b") == made.position(BTC)


@given(trades)
def test_a_fill_that_is_taken_back_leaves_no_money_behind(
    script: list[tuple[Side, Decimal, Decimal, Decimal, str, str]],
) -> None:
    made = opened()
    for side, price, quantity, fee, asset, owner in script:
        wrong, right = fill(side, price * 2, quantity, fee, asset), fill(side, price, quantity, fee, asset)
        post(made, wrong, owner)
        post(made, right, owner, back=wrong)
        post(made, fill(side.opposite, price, quantity, -fee, asset), owner)
    assert (made.total("sim", "BTC"), made.total("sim", "USDT"), made.total("sim", "BNB")) == (1, 1000, 0)
    assert made.position(BTC) == 0


@given(st.lists(st.tuples(sides, prices, amounts, fees, owners), max_size=20), prices)
def test_perpetual_owners_net_at_the_venue(
    script: list[tuple[Side, Decimal, Decimal, Decimal, str]], mark: Decimal
) -> None:
    """The wallet receives the profit of the netted position; equity does not care how owners are netted."""
    made = opened({**PRICES, PERP: mark})
    cash = ZERO
    for side, price, quantity, fee, owner in script:
        post(made, fill(side, price, quantity, fee, instrument_id=PERP), owner)
        cash += (quantity if side is Side.SELL else -quantity) * price - fee
    pnl = made.pnl("USDT")
    assert pnl is not None
    assert pnl.total == cash + made.position(PERP) * mark
    assert made.equity("USDT") == 61000 + pnl.total
    assert made.total("sim", "BTC") == 1


def test_wallet_is_paid_when_the_netted_position_closes() -> None:
    made = opened()
    post(made, fill(Side.BUY, 100, 1, instrument_id=PERP), "a")
    post(made, fill(Side.SELL, 110, 1, instrument_id=PERP), "b")
    assert (made.total("sim", "USDT"), made.position(PERP)) == (1010, 0)
    assert [ledger.realized for ledger in made.ledgers()] == [0, 0]


def transfer(amount: str, kind: str, transfer_id: str = "1", instrument_id: str = "", at_us: int = 5) -> TransferSeen:
    return TransferSeen("sim", "USDT", D(amount), kind, transfer_id, at_us, at_us, instrument_id)


def test_deposits_are_no_profit_and_count_once() -> None:
    made = opened()
    for _ in range(2):
        made.apply_transfer(transfer("500", "deposit"))
    made.apply_transfer(transfer("-100", "withdrawal"))
    made.apply_transfer(transfer("3", "interest"))
    assert made.total("sim", "USDT") == 1403
    assert made.equity("USDT") == 61003


def test_what_came_before_the_ledger_begins_is_in_its_first_balances() -> None:
    made = Portfolio({PERP: INSTRUMENTS[PERP]}, lambda instrument_id: None)
    earlier = transfer("-2", "funding", instrument_id=PERP)
    made.apply_transfer(earlier)
    made.open("sim", {"USDT": D(998)})
    made.apply_transfer(earlier)
    assert made.total("sim", "USDT") == 998
    assert [ledger.funding_quote for ledger in made.ledgers()] == []


def test_transfers_are_remembered_within_a_limit() -> None:
    made = opened()
    for number in range(TRANSFERS_KEPT + 1):
        made.apply_transfer(transfer("1", "deposit", str(number)))
    made.apply_transfer(transfer("1", "deposit", str(TRANSFERS_KEPT)))
    assert made.total("sim", "USDT") == 1000 + TRANSFERS_KEPT + 1
    made.apply_transfer(transfer("1", "deposit", "0"))
    assert made.total("sim", "USDT") == 1000 + TRANSFERS_KEPT + 2


def test_measured_funding_keyed_by_instrument() -> None:
    """Three payments at one stamp are three rows."""
    made = opened()
    for instrument_id in (PERP, BTC, ETH):
        made.apply_transfer(transfer("2", "funding", "", instrument_id))
    assert made.total("sim", "USDT") == 1006
    assert [ledger.funding_quote for ledger in made.ledgers()] == [2, 2, 2]


def test_funding_of_a_market_that_is_not_ours_is_the_account_s() -> None:
    """Somebody holds a position by hand in the same account."""
    made = opened()
    for _ in range(2):
        made.apply_transfer(transfer("-2", "funding", "7", "sim:DOGE-USDT-PERP"))
    assert made.total("sim", "USDT") == 998
    assert list(made.ledgers()) == []


def test_funding_is_shared_by_position_and_the_residue_is_not_lost() -> None:
    made = opened()
    for owner, side, quantity in (("a", Side.BUY, 2), ("b", Side.SELL, 1), ("c", Side.BUY, 2)):
        post(made, fill(side, 100, quantity, instrument_id=PERP), owner)
    made.apply_transfer(transfer("-1", "funding", "", PERP))
    shares = {ledger.owner: ledger.funding_quote for ledger in made.ledgers()}
    third = D("0.33333333333333333333")
    assert shares == {"a": -third * 2 - D("1E-20"), "b": third, "c": -third * 2}
    assert sum(shares.values()) == -1
    assert made.pnl("USDT", "b").funding == third


def test_adopted_and_handed_over_positions_move_no_money() -> None:
    made = opened()
    made.adopt("a", BTC, D("0.5"), D(50000))
    made.adopt("a", PERP, D(-2), D(61000))
    assert (made.position(BTC, "a"), made.position(PERP, "a"), made.position(PERP)) == (D("0.5"), -2, -2)
    post(made, fill(Side.SELL, 60000, "0.2"), "held")
    made.hand_over(BTC, "a", "held")
    made.hand_over(PERP, "a", "held")
    made.hand_over(PERP, "nobody", "held")
    assert (made.position(BTC, "a"), made.position(BTC, "held"), made.position(BTC)) == (0, D("0.3"), D("0.3"))
    held = made.ledger(BTC, "held")
    assert (held.average_price, held.realized) == (50000, 2000)
    assert made.ledger(PERP, "held").average_price == 61000
    assert made.equity("USDT") == 61000 + 2 * 900


@given(trades, prices)
def test_retiring_owners_changes_no_sum(
    script: list[tuple[Side, Decimal, Decimal, Decimal, str, str]], mark: Decimal
) -> None:
    made = opened({**PRICES, BTC: mark, BNB: None})
    for side, price, quantity, fee, asset, owner in script:
        post(made, fill(side, price, quantity, fee, asset), owner)
    before, position = made.pnl("USDT"), made.position(BTC)
    unpriced = sum(ledger.unpriced_fees.get("BNB", ZERO) for ledger in made.ledgers())
    for owner in ("a", "b", "nobody"):
        made.retire(owner, "mm")
    after = made.pnl("USDT")
    assert before is not None
    assert after is not None
    assert (after.total, after.fees, made.position(BTC)) == (before.total, before.fees, position)
    assert {ledger.owner for ledger in made.ledgers()} <= {"mm"}
    assert sum(ledger.unpriced_fees.get("BNB", ZERO) for ledger in made.ledgers()) == unpriced


def test_position_of_an_unknown_owner_is_zero() -> None:
    assert portfolio().position(BTC, "nobody") == 0


def test_equity_waits_for_prices_that_can_come() -> None:
    quotes: dict[str, Decimal | None] = {}
    made = opened(quotes)
    assert made.equity("USDT") is None
    quotes[BTC] = D(60000)
    assert made.equity("USDT") == 61000
    quotes[BTC] = None  # the book is stale: the last price holds
    assert made.equity("USDT") == 61000
    post(made, fill(Side.BUY, 60000, 1, instrument_id=PERP))
    assert (made.equity("USDT"), made.pnl("USDT")) == (None, None)
    quotes[PERP] = D(60100)
    assert made.equity("USDT") == 61100
    assert made.pnl("USDT") == Pnl(unrealised=D(100))


def test_perpetual_profit_in_an_asset_without_a_price_yet() -> None:
    inverse = perpetual("BTC", "USD", "BTC")
    made = Portfolio({inverse.instrument_id: inverse}, {inverse.instrument_id: D(50000)}.get)
    post(made, fill(Side.BUY, 50000, 100, instrument_id=inverse.instrument_id))
    assert made.equity("EUR") == 0  # nothing leads to EUR: left out, and told
    made.open("sim", {"BTC": D(1)})
    assert made.unpriced("EUR") == ["BTC"]
    assert made.equity("USD") == 50000


def test_unpriced_assets_are_told() -> None:
    made = opened()
    made.apply_transfer(TransferSeen("sim", "SHIB", D(5), "airdrop", "1", 1, 1))
    assert made.unpriced("USDT") == ["SHIB"]
    assert made.equity("USDT") == 61000


def test_fees_in_a_third_asset_use_the_rate_of_the_moment() -> None:
    quotes: dict[str, Decimal | None] = {BTC: D(60000)}
    made = opened(quotes)
    post(made, fill(Side.BUY, 60000, "0.1", "0.01", "BNB"))
    ledger = made.ledger(BTC, "mm")
    assert (ledger.fees_quote, ledger.unpriced_fees) == (0, {"BNB": D("0.01")})
    quotes[BNB] = D(600)
    post(made, fill(Side.BUY, 60000, "0.1", "0.01", "BNB"))
    assert ledger.fees_quote == 6
    assert made.total("sim", "BNB") == D("-0.02")


def test_derivative_value_counts_open_orders_and_leaves_one_market_out() -> None:
    made = opened()
    assert made.derivative_value("USDT", without="") == 0
    post(made, fill(Side.SELL, 60000, 2, instrument_id=PERP))
    made.markets[PERP].sells = D(1)
    assert made.derivative_value("USDT", without="") == 3 * 60100
    assert made.derivative_value("USDT", without=PERP) == 0
    blind = opened({})
    post(blind, fill(Side.SELL, 60000, 2, instrument_id=PERP))
    assert blind.derivative_value("USDT", without="") is None


def test_with_the_order_tracker() -> None:
    """From the request to the settled order: reserved at full size, released as it fills, posted once."""
    ids = OrderIds("TEST", 1)
    tracker = OrderTracker(INSTRUMENTS, {"sim": VenueSheet()}, ids)
    made = opened()
    placed = tracker.record(SubmitOrder(ids.new(), BTC, Side.BUY, OrderType.LIMIT, D(2), D(100), owner="mm"), 10)
    assert placed is not None
    made.follow(placed)
    assert (made.reserved("sim", "USDT"), made.available("sim", "USDT")) == (200, 800)
    name = placed.client_order_id
    for number, seen in enumerate(("t1", "t1", "t2")):
        trade = Fill(seen, name, "v1", BTC, Side.BUY, D(99), D(1), D("0.1"), "USDT", Liquidity.MAKER, 20, 20 + number)
        change = tracker.apply_fill(trade)
        if change is not None:
            made.apply(change)
    assert placed.status is OrderStatus.FILLED
    assert (made.reserved("sim", "USDT"), made.total("sim", "USDT")) == (0, D(1000) - 198 - D("0.2"))
    assert (made.position(BTC, "mm"), made.funds.open_orders) == (2, 0)
