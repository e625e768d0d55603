"""Signatures of Gate: every request and every private subscription is signed by itself."""

from __future__ import annotations

from hashlib import sha512
from typing import Any

from connectors.base.credentials import Credentials
from connectors.base.sign import hmac_hex
from engine.core.venue_sheet import SECOND_US


class Key:
    """A key at work: its public half, and the signer that holds the other. Stamps are µs of the venue's clock."""

    def __init__(self, credentials: Credentials) -> None:
        self._api_key = credentials.api_key.reveal()
        self._sign = hmac_hex(credentials.secret, "sha512")

    def headers(self, method: str, path: str, query: str, body: bytes, stamp_us: int) -> dict[str, str]:
        """Of one request; `query` is as it is before percent-encoding."""
        stamp = str(stamp_us // SECOND_US)
        text = "\n".join((method, path, query, sha512(body).hexdigest(), stamp))
        return {"KEY": self._api_key, "Timestamp": stamp, "SIGN": self._sign(text.encode())}

    def subscription(self, channel: str, stamp_us: int) -> dict[str, Any]:
        """Time and signature of a subscription to a private channel."""
        stamp = stamp_us // SECOND_US
        sign = self._sign(f"channel={channel}&event=subscribe&time={stamp}".encode())
        return {"time": stamp, "auth": {"method": "api_key", "KEY": self._api_key, "SIGN": sign}}

    def login(self, channel: str, stamp_us: int) -> dict[str, str]:
        """The payload of a log-in, after which orders may be sent on that connection."""
        stamp = str(stamp_us // SECOND_US)
        return {
            "api_key": self._api_key,
            "signature": self._sign(f"api\n{channel}\n\n{stamp}".encode()),
            "timestamp": stamp,
        }
