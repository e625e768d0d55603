"""Keys of traders, and whether a request or a frame was signed with one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha512

from connectors.simulated.server.gate.errors import BAD_KEY, BAD_SIGNATURE, EXPIRED, MISSING_HEADER, GateError
from connectors.simulated.venue_order import Account

GAP_US = 60_000_000  # between a stamp and the venue's clock


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    account: Account
    secret: str = field(repr=False)

    def signature(self, text: str) -> str:
        """Hexadecimal HMAC-SHA512."""
        return hmac.new(self.secret.encode(), text.encode("utf-8", "surrogatepass"), sha512).hexdigest()


class Keys:
    """The keys that are known."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def add(self, key: Key) -> None:
        self._keys[key.name] = key

    def revoke(self, name: str) -> None:
        del self._keys[name]

    def check(self, name: str, text: str, signature: str, stamp: str, now_us: int) -> Key:
        """The key that signed `text` at `stamp` (seconds)."""
        if not (name and signature and stamp):
            raise GateError(MISSING_HEADER, "KEY, SIGN and Timestamp are required")
        key = self._keys.get(name)
        if key is None:
            raise GateError(BAD_KEY)
        if not stamp.isdecimal() or len(stamp) > 12 or abs(int(stamp) * 1_000_000 - now_us) > GAP_US:
            raise GateError(EXPIRED)
        if not hmac.compare_digest(key.signature(text).encode(), signature.lower().encode("utf-8", "surrogatepass")):
            raise GateError(BAD_SIGNATURE)
        return key


def rest_text(method: str, path: str, query: str, body: bytes, stamp: str) -> str:
    """What is signed of a request; `query` is not percent-encoded."""
    return "\n".join((method, path, query, sha512(body).hexdigest(), stamp))
