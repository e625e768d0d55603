"""What a venue told before a bot starts: how its clock differs from ours, and what the key may do."""

from dataclasses import dataclass

from engine.model.event import ClockSynced


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do; None: the venue does not tell. `moves_money`: to withdraw, or to transfer to other accounts.

    `bound`: the venue takes it from addresses only that its owner has named.
    """

    trades: bool | None = None
    moves_money: bool | None = None
    bound: bool | None = None


@dataclass(frozen=True, slots=True)
class Greeting:
    """`clock` None: not measured. `rights` None: no key was shown."""

    clock: ClockSynced | None = None
    rights: KeyRights | None = None
