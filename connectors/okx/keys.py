"""How OKX wants to be shown that a request comes from the owner of a key."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.base.credentials import Credentials
from connectors.base.sign import hmac_base64
from engine.core.venue_sheet import SECOND_US

LOGIN_PATH = "/users/self/verify"


class Keys:
    """One key. Times are µs of the venue's clock."""

    def __init__(self, credentials: Credentials) -> None:
        self._key = credentials.api_key
        self._passphrase = credentials.passphrase
        self._sign = hmac_base64(credentials.secret)

    def headers(self, at_us: int, method: str, target: str, body: bytes) -> dict[str, str]:
        """Of a REST request; `target` is path and query as they are sent."""
        stamp = iso_ms(at_us)
        return {
            "OK-ACCESS-KEY": self._key.reveal(),
            "OK-ACCESS-PASSPHRASE": self._passphrase.reveal(),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-SIGN": self._sign(f"{stamp}{method}{target}".encode() + body),
        }

    def login(self, at_us: int) -> dict[str, str]:
        """The argument of `login` on a socket."""
        stamp = str(at_us // SECOND_US)
        return {
            "apiKey": self._key.reveal(),
            "passphrase": self._passphrase.reveal(),
            "timestamp": stamp,
            "sign": self._sign(f"{stamp}GET{LOGIN_PATH}".encode()),
        }


def iso_ms(at_us: int) -> str:
    """2023-11-14T22:13:20.123Z"""
    moment = datetime.fromtimestamp(at_us // SECOND_US, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_us // 1_000 % 1_000:03}Z"
