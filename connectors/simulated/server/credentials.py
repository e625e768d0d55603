"""Keys of traders, and whether a request was signed with one. HMAC here; RSA and Ed25519 are in `public_keys`."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from connectors.simulated.server.errors import (
    BAD_KEY,
    BAD_KEY_FORMAT,
    BAD_SIGNATURE,
    MISSING,
    TOO_EARLY,
    TOO_LATE,
    WINDOW_TOO_LARGE,
    ApiError,
)
from connectors.simulated.server.params import Parameters
from connectors.simulated.venue_order import Account

AHEAD_US = 1_000_000
WINDOW_MS, WINDOW_MAX_MS = Decimal(5000), Decimal(60000)
WINDOW = r"^[0-9]{1,20}(\.[0-9]{1,3})?$"
KEY_MIN, KEY_MAX = 8, 128

Verify = Callable[[bytes, str], bool]
"""(signed text, signature as sent) → whether it fits."""


class Permission(StrEnum):
    """What a key may do; NONE needs no key at all."""

    NONE = "NONE"
    TRADE = "TRADE"
    USER_DATA = "USER_DATA"
    USER_STREAM = "USER_STREAM"


ALL_PERMISSIONS = frozenset((Permission.TRADE, Permission.USER_DATA, Permission.USER_STREAM))


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key of an account. `logs_on`: a WebSocket API session may be opened with it (Ed25519 only).

    `withdraws` and `bound` are only told: nothing can be withdrawn here, and only this machine can connect.
    """

    key: str
    account: Account
    verify: Verify
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    logs_on: bool = False
    withdraws: bool = False
    bound: bool = True


def hmac_credential(key: str, secret: str, account: Account) -> Credential:
    """A key whose signatures are hexadecimal HMAC-SHA256, in any case."""

    def verify(signed: bytes, signature: str) -> bool:
        expected = hmac.new(secret.encode(), signed, sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return Credential(key, account, verify)


class KeyRing:
    """The keys that are known."""

    def __init__(self) -> None:
        self._credentials: dict[str, Credential] = {}

    def add(self, credential: Credential) -> None:
        self._credentials[credential.key] = credential

    def revoke(self, key: str) -> None:
        del self._credentials[key]

    def find(self, key: str, permission: Permission) -> Credential:
        """The key's owner, if the key may do this."""
        if not KEY_MIN <= len(key) <= KEY_MAX or not key.isalnum():
            raise ApiError(BAD_KEY_FORMAT)
        credential = self._credentials.get(key)
        if credential is None or permission not in credential.permissions:
            raise ApiError(BAD_KEY)
        return credential

    def holds(self, credential: Credential) -> bool:
        """Whether the key is still valid."""
        return self._credentials.get(credential.key) is credential


def check_signature(credential: Credential, signed: bytes, signature: str) -> None:
    """`signed` is the request as it was sent, without its signature; it must be plain ASCII."""
    if not signed.isascii() or not credential.verify(signed, signature):
        raise ApiError(BAD_SIGNATURE)


def check_timing(params: Parameters, now_us: int) -> None:
    """The request's own time must lie within `recvWindow` before, and less than a second after, the venue's."""
    stamp_us = params.time_us("timestamp")
    if stamp_us is None:
        raise ApiError(MISSING, "timestamp")
    window_us = int(_window_ms(params) * 1000)
    if stamp_us >= now_us + AHEAD_US:
        raise ApiError(TOO_EARLY)
    if now_us - stamp_us > window_us:
        raise ApiError(TOO_LATE)


def _window_ms(params: Parameters) -> Decimal:
    text = params.optional("recvWindow", WINDOW)
    window_ms = WINDOW_MS if text is None else Decimal(text)
    if window_ms > WINDOW_MAX_MS:
        raise ApiError(WINDOW_TOO_LARGE)
    return window_ms
