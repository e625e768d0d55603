"""How our account at OKX is set up, and what our key may do."""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.rate_limit import Priority
from connectors.okx.rest import Question, Rest
from connectors.okx.wire import Envelope, rows
from engine.model.enums import Action
from engine.model.errors import BadMessage
from engine.model.greeting import KeyRights

NET = "net_mode"
_ACCOUNT = Question("account/config", Action.BALANCES, Priority.SNAPSHOT, "config")


class AccountConfig(Struct, gc=False, rename="camel"):
    """`perm` are the rights of the key that asks, `ip` the addresses that it is bound to."""

    acct_lv: str
    perm: str
    pos_mode: str = NET
    ip: str | None = None

    @property
    def rights(self) -> KeyRights:
        permissions = self.perm.split(",")
        return KeyRights("trade" in permissions, "withdraw" in permissions, None if self.ip is None else bool(self.ip))


_CONFIG = Decoder(Envelope[AccountConfig])


async def ask_config(rest: Rest) -> AccountConfig:
    """Raises Failed or BadMessage."""
    found = rows(_CONFIG, (await rest.ask(_ACCOUNT)).body)
    if len(found) != 1:
        raise BadMessage(f"{len(found)} accounts")
    config: AccountConfig = found[0]
    return config
