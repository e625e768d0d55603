"""Keys of traders, and whether a request or a log-in was signed with one."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from connectors.simulated.server.okx.errors import (
    BAD_KEY,
    BAD_PASSPHRASE,
    BAD_SIGNATURE,
    BAD_STAMP,
    BAD_TIME,
    LOGIN_FAILED,
    NO_KEY,
    OkxError,
)
from connectors.simulated.server.okx.values import Fields
from connectors.simulated.venue_order import Account

GAP_US = 30_000_000  # between a stamp and the venue's clock
SECOND_US = 1_000_000
LOGIN = "GET/users/self/verify"


@dataclass(frozen=True, slots=True)
class Key:
    """One API key of an account."""

    key: str
    secret: str
    passphrase: str
    account: Account

    def fits(self, text: bytes, signature: str) -> bool:
        expected = b64encode(hmac.new(self.secret.encode(), text, sha256).digest())
        return hmac.compare_digest(expected, signature.encode())


class Keys:
    """The keys that are known."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def add(self, key: Key) -> None:
        self._keys[key.key] = key

    def revoke(self, key: str) -> None:
        del self._keys[key]

    def of_request(self, headers: Mapping[str, str], signed: bytes, now_us: int) -> Account:
        """Who sent a request; `signed` is method, path with query, and body. Raises OkxError."""
        name = headers.get("OK-ACCESS-KEY", "")
        if not name:
            raise OkxError(NO_KEY)
        stamp = headers.get("OK-ACCESS-TIMESTAMP", "")
        try:
            at_us = _iso_us(stamp)
        except ValueError:
            raise OkxError(BAD_STAMP) from None
        if abs(at_us - now_us) > GAP_US:
            raise OkxError(BAD_TIME)
        key = self._keys.get(name)
        if key is None:
            raise OkxError(BAD_KEY)
        if headers.get("OK-ACCESS-PASSPHRASE", "") != key.passphrase:
            raise OkxError(BAD_PASSPHRASE)
        if not key.fits(stamp.encode() + signed, headers.get("OK-ACCESS-SIGN", "")):
            raise OkxError(BAD_SIGNATURE)
        return key.account

    def of_login(self, fields: Fields, now_us: int) -> Account:
        """Who logs in on a socket; the stamp is in seconds. Raises OkxError."""
        key, at_s = self._keys.get(fields.text("apiKey")), fields.whole("timestamp")
        if key is None or at_s is None or abs(at_s * SECOND_US - now_us) > GAP_US:
            raise OkxError(LOGIN_FAILED)
        text = f"{fields.text('timestamp')}{LOGIN}".encode()
        if fields.text("passphrase") != key.passphrase or not key.fits(text, fields.text("sign")):
            raise OkxError(LOGIN_FAILED)
        return key.account


def _iso_us(text: str) -> int:
    """2023-11-14T22:13:20.123Z; raises ValueError."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_US + moment.microsecond
