"""The order book against a naive one, and its numbers by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import book as book_module
from engine.core.book import L2Book
from engine.core.book_view import BookView
from engine.model.enums import Side
from engine.model.market import BookDelta, BookSnapshot, Level

BUY, SELL = Side.BUY, Side.SELL


def levels(text: str) -> tuple[Level, ...]:
    """Levels from `price:quantity price:quantity`."""
    pairs = (word.split(":") for word in text.split())
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def snapshot(bids: str, asks: str) -> BookSnapshot:
    return BookSnapshot("x:A-B", levels(bids), levels(asks), 7, 100, 200)


def book_of(bids: str, asks: str) -> L2Book:
    book = L2Book("x:A-B")
    book.load(snapshot(bids, asks))
    return book


def test_it_is_a_view_and_starts_stale() -> None:
    view: BookView = L2Book("x:A-B")
    assert view.stale == "no snapshot yet"
    assert view.best_bid is view.best_ask is view.mid is view.spread is view.microprice is view.imbalance(3) is None
    assert view.levels(BUY, 5) == view.levels(SELL, 5) == []
    assert view.vwap(BUY, Decimal(1)) is None


def test_snapshot_sets_everything() -> None:
    book = book_of("10:1 9:2 8:3", "11:3 12:4")
    assert (book.sequence, book.event_us, book.receive_us) == (7, 100, 200)
    assert [book.best_bid, book.best_ask, book.mid, book.spread] == [10, 11, Decimal("10.5"), 1]
    assert book.levels(BUY, 2) == list(levels("10:1 9:2"))
    assert book.levels(SELL, 9) == list(levels("11:3 12:4"))
    assert book.levels(SELL, 0) == book.levels(BUY, 0) == []


def test_snapshot_may_come_in_any_order_and_with_empty_or_repeated_levels() -> None:
    book = book_of("8:3 10:1 9:0 10:5", "12:4 11:3")
    assert book.levels(BUY, 9) == list(levels("10:1 8:3"))
    assert book.levels(SELL, 9) == list(levels("11:3 12:4"))


def test_delta_changes_adds_and_deletes() -> None:
    book = book_of("10:1 9:2", "11:3 12:4")
    book.apply(BookDelta("x:A-B", levels("9:5 10:0 8:1 7:0"), levels("10.5:2"), 8, 9, 300, 400))
    assert book.levels(BUY, 9) == list(levels("9:5 8:1"))
    assert book.levels(SELL, 9) == list(levels("10.5:2 11:3 12:4"))
    assert (book.sequence, book.event_us, book.receive_us) == (9, 300, 400)


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [
        (BUY, "3", "11"),
        (BUY, "5", "11.4"),
        (BUY, "7", "11.57142857142857142857142857142857142857"),
        (BUY, "7.1", None),
        (SELL, "1", "10"),
        (SELL, "2", "9.5"),
        (SELL, "3.5", None),
        (BUY, "0", None),
        (SELL, "-1", None),
    ],
)
def test_vwap(side: Side, quantity: str, price: str | None) -> None:
    found = book_of("10:1 9:2", "11:3 12:4").vwap(side, Decimal(quantity))
    if price is None:
        assert found is None
    else:
        assert found is not None
        assert abs(found - Decimal(price)) < Decimal("1e-30")


def test_microprice_leans_to_the_thin_side() -> None:
    assert book_of("10:1", "11:3").microprice == Decimal("10.25")


@pytest.mark.parametrize(("count", "value"), [(1, "-0.5"), (2, "-0.4"), (99, "-0.4"), (0, None)])
def test_imbalance(count: int, value: str | None) -> None:
    assert book_of("10:1 9:2", "11:3 12:4").imbalance(count) == (None if value is None else Decimal(value))


def test_quantity_at_is_exact() -> None:
    book = book_of("10:1", "11:3")
    assert book.quantity_at(BUY, Decimal("10.0")) == 1
    assert book.quantity_at(SELL, Decimal(10)) == 0


@pytest.mark.parametrize(
    ("bids", "asks", "crossed"),
    [("10:1", "11:1", False), ("11:1", "11:1", True), ("12:1", "11:1", True), ("", "11:1", False), ("10:1", "", False)],
)
def test_crossed(bids: str, asks: str, crossed: bool) -> None:
    assert book_of(bids, asks).crossed is crossed


def test_one_sided_book_has_no_middle() -> None:
    book = book_of("10:1", "")
    assert [book.best_bid, book.best_ask, book.mid, book.spread, book.microprice] == [10, None, None, None, None]
    assert book.imbalance(1) == 1


def test_clear_leaves_the_stamps() -> None:
    book = book_of("10:1", "11:1")
    book.clear()
    assert (book.best_bid, book.best_ask, book.sequence, book.receive_us) == (None, None, 7, 200)


def test_a_side_forgets_its_far_end_when_it_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "LEVELS_MAX", 8)
    book = book_of("", "")
    nine = tuple((Decimal(price), Decimal(1)) for price in range(1, 10))
    book.apply(BookDelta("x:A-B", nine, tuple((price + 10, size) for price, size in nine), 8, 8, 0, 0))
    assert [price for price, _ in book.levels(BUY, 99)] == [9, 8, 7, 6, 5, 4]
    assert [price for price, _ in book.levels(SELL, 99)] == [11, 12, 13, 14, 15, 16]
    assert book.quantity_at(BUY, Decimal(3)) == 0


PRICES = st.integers(1, 12).map(Decimal)
CHANGES = st.lists(st.tuples(PRICES, st.integers(0, 3).map(Decimal)), max_size=8).map(tuple)


@given(CHANGES, CHANGES, st.lists(st.tuples(CHANGES, CHANGES), max_size=12))
def test_equals_a_naive_book(
    bids: tuple[Level, ...], asks: tuple[Level, ...], deltas: list[tuple[tuple[Level, ...], tuple[Level, ...]]]
) -> None:
    book = L2Book("x:A-B")
    book.load(BookSnapshot("x:A-B", bids[::-1], asks, 0, 0, 0))
    naive_bids, naive_asks = ({price: q for price, q in side if q} for side in (bids, asks))
    for bid_changes, ask_changes in deltas:
        book.apply(BookDelta("x:A-B", bid_changes, ask_changes, 1, 1, 0, 0))
        for naive, changes in ((naive_bids, bid_changes), (naive_asks, ask_changes)):
            naive.update(changes)
            for price in [price for price, quantity in naive.items() if not quantity]:
                del naive[price]
        assert book.levels(BUY, 99) == sorted(naive_bids.items(), reverse=True)
        assert book.levels(SELL, 99) == sorted(naive_asks.items())
        assert book.best_bid == max(naive_bids, default=None)
        assert book.best_ask == min(naive_asks, default=None)
