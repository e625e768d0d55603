"""Client order ids: unique over runs, recognisable, within every venue's alphabet."""

import re

import pytest

from engine.core.order_ids import EPOCH_ZERO_US, OrderIds, base36, epoch_of


def test_an_id_is_tag_epoch_counter() -> None:
    ids = OrderIds("MM01", 35)
    assert [ids.new(), ids.new()] == ["MM0100000Z000001", "MM0100000Z000002"]


def test_ids_are_the_plain_base_36_counter_across_blocks() -> None:
    ids = OrderIds("MM01", 7)
    made = [ids.new() for _ in range(3_000)]
    assert made == ["MM01000007" + base36(number, 6) for number in range(1, 3_001)]
    assert all(re.fullmatch(r"[A-Z0-9]{16}", one) for one in made)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("MM01000007000001", True),
        ("MM02000007000001", False),
        ("MM01", False),
        ("", False),
        ("x-MM0100000700000", False),
    ],
)
def test_own_by_tag(text: str, own: bool) -> None:
    assert OrderIds("MM01", 1).is_own(text) is own


@pytest.mark.parametrize(
    ("persisted", "seconds", "epoch"),
    [(0, 0, 1), (0, 100, 100), (99, 100, 100), (100, 100, 101), (500, 100, 501)],
    ids=["first", "clock", "clock ahead", "same second", "clock set back"],
)
def test_the_epoch_grows_by_counter_and_by_clock(persisted: int, seconds: int, epoch: int) -> None:
    assert epoch_of(persisted, EPOCH_ZERO_US + seconds * 1_000_000 + 999_999) == epoch


@pytest.mark.parametrize("tag", ["", "abc1", "ABC", "ABCDE", "AB-C"])
def test_a_bad_tag_says_how_to_mend_it(tag: str) -> None:
    with pytest.raises(ValueError, match="must be 4 characters of 0-9 and A-Z"):
        OrderIds(tag, 1)


def test_a_bad_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match="check the clock"):
        OrderIds("MM01", -1)
