"""What a key may do, judged and described."""

import pytest

from engine.app.failure import Failure
from engine.app.rights import describe, doubts, refuse_rights
from engine.model.greeting import KeyRights

GOOD = KeyRights(trades=True, moves_money=False, bound=True)


@pytest.mark.parametrize(
    ("rights", "code", "warnings", "words"),
    [
        (GOOD, "", 0, "may trade, may not withdraw or transfer, bound to addresses"),
        (KeyRights(), "", 1, "trading not told, withdrawals not told, addresses not told"),
        (KeyRights(True, None, False), "", 2, "may trade, withdrawals not told, works from any address"),
        (KeyRights(False, False, True), "E-PERM", 0, "may not trade, may not withdraw or transfer, bound to addresses"),
        (KeyRights(False, True), "E-WITHDRAW", 1, "may not trade, may withdraw or transfer, addresses not told"),
    ],
)
def test_judged(rights: KeyRights, code: str, warnings: int, words: str) -> None:
    assert describe(rights) == words
    assert len(list(doubts(rights))) == warnings
    if not code:
        refuse_rights("binance", "key …a91f", rights)
        return
    with pytest.raises(Failure) as refusal:
        refuse_rights("binance", "key …a91f", rights)
    assert (refusal.value.code, refusal.value.exit, refusal.value.where) == (code, 4, "binance")
    assert refusal.value.detail.startswith("key …a91f may ")
    assert refusal.value.fix


def test_a_key_that_may_withdraw_can_be_accepted_but_not_one_that_may_not_trade() -> None:
    refuse_rights("binance", "key …a91f", KeyRights(True, True), accept_withdraw=True)
    with pytest.raises(Failure) as refusal:
        refuse_rights("binance", "key …a91f", KeyRights(False, True), accept_withdraw=True)
    assert refusal.value.code == "E-PERM"
