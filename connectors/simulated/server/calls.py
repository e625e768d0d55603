"""One request, however it came, and what it may do: weight, key, signature and time in the documented order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from connectors.simulated.server.credentials import Credential, Permission, check_signature, check_timing
from connectors.simulated.server.errors import MISSING, ApiError
from connectors.simulated.server.params import Parameters
from connectors.simulated.server.reception import Reception
from connectors.simulated.venue_order import Account


@dataclass(frozen=True, slots=True)
class Signed:
    """What came for identification: the key, the text that was signed, and the signature."""

    key: str
    text: bytes
    signature: str


@dataclass(slots=True)
class Call:
    """A request that may be carried out. `credential` is the key that it came with, None for public ones."""

    params: Parameters
    credential: Credential | None = None
    placed: bool = False  # set by operations that placed orders: the answer shows the order counts

    @property
    def account(self) -> Account:
        assert self.credential is not None
        return self.credential.account


W = TypeVar("W", bound=Reception)
Handler = Callable[[W, Call], Any]
Weight = int | Callable[[Parameters], int]


@dataclass(frozen=True, slots=True)
class Operation(Generic[W]):
    """`weight` is charged first, `failure_weight` on top if it fails. `rest` is method and path, `socket` a method.

    `is_signed`: where a key is needed, its signature is too.
    """

    handler: Handler[W]
    weight: Weight
    permission: Permission = Permission.NONE
    rest: tuple[str, str] | None = None
    socket: str = ""
    failure_weight: int = 0
    is_signed: bool = True

    def weigh(self, params: Parameters) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def perform(
    world: W, operation: Operation[W], call: Call, address: str, signed: Signed, session: Credential | None = None
) -> Any:
    """Carry out a request and return its answer. `session` is the key that a WebSocket session was opened with."""
    client = world.address(address)
    client.charge(world.now_us, operation.weigh(call.params))
    try:
        if operation.permission is not Permission.NONE:
            if operation.is_signed:
                call.credential = authorize(world, operation.permission, call.params, signed, session)
            else:
                call.credential = world.keys.find(signed.key, operation.permission)
        return operation.handler(world, call)
    except ApiError:
        client.weight.add(world.now_us, operation.failure_weight)
        raise
    finally:
        world.commit()


def authorize(
    world: Reception, permission: Permission, params: Parameters, signed: Signed, session: Credential | None = None
) -> Credential:
    """Whose request it is. In a session a signature may be left out, the time may not."""
    if session is not None and not signed.signature:
        params.need("timestamp")
        check_timing(params, world.now_us)
        return world.keys.find(session.key, permission)
    credential = world.keys.find(signed.key, permission)
    params.need("timestamp")
    if not signed.signature:
        raise ApiError(MISSING, "signature")
    check_timing(params, world.now_us)
    check_signature(credential, signed.text, signed.signature)
    return credential
