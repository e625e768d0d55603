"""What the key of an exchange may do, judged: one that can move money away is refused, and one that cannot trade."""

from collections.abc import Iterator

from engine.app.config.models import RealExchange
from engine.app.failure import Failure
from engine.model.greeting import KeyRights

SHOWN = 4  # characters of a key


def key_name(exchange: RealExchange) -> str:
    """`key …a91f`: its public half, shortened."""
    return f"key …{exchange.api_key.get_secret_value()[-SHOWN:]}" if exchange.api_key else "no key"


def refuse_rights(where: str, key: str, rights: KeyRights, *, accept_withdraw: bool = False) -> None:
    """Raises Failure: E-WITHDRAW or E-PERM. `where` is the exchange."""
    if rights.moves_money and not accept_withdraw:
        fix = "make one at the exchange that may read and trade only, and keep that: tickwright keys add"
        raise Failure("E-WITHDRAW", f"{key} may withdraw or transfer; nothing was sent", where=where, fix=fix)
    if rights.trades is False:
        fix = "allow trading for this key at the exchange (spot, or futures); do not allow withdrawals"
        raise Failure("E-PERM", f"{key} may not trade; nothing was sent", where=where, fix=fix)


def doubts(rights: KeyRights) -> Iterator[tuple[str, str]]:
    """What is worth a warning, and what to do about it."""
    if rights.moves_money:
        yield "this key may withdraw or transfer; you accepted that", "make one that may read and trade only"
    if rights.moves_money is None:
        yield "the exchange does not tell whether this key may withdraw", "look there: it should read and trade only"
    if rights.bound is False:
        yield "this key works from any address", "bind it to the address of this machine at the exchange"


def describe(rights: KeyRights) -> str:
    """`may trade, may not withdraw or transfer, bound to addresses`."""
    words = [
        {True: "may trade", False: "may not trade", None: "trading not told"}[rights.trades],
        {True: "may withdraw or transfer", False: "may not withdraw or transfer", None: "withdrawals not told"}[
            rights.moves_money
        ],
        {True: "bound to addresses", False: "works from any address", None: "addresses not told"}[rights.bound],
    ]
    return ", ".join(words)
