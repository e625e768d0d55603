"""Keys of a venue account on their way to a connector: held, never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Never

HIDDEN = "***"
LENGTH_MIN = 8  # of a secret: a shorter one could be a part of any text
_held: dict[str, None] = {}


class Secret:
    """A text that is not shown, copied, compared or pickled by accident. Only signers call `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) >= LENGTH_MIN:
            _held[text] = None

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are not compared")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Never:
        raise TypeError("secrets are not written")


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """One key of one account. `secret` is a shared secret, or a private key in PEM (Ed25519, RSA)."""

    api_key: Secret
    secret: Secret
    passphrase: Secret = field(default_factory=lambda: Secret(""))


def without_secrets(text: str) -> str:
    """A text that a venue sent, with every secret that this process holds blotted out: venues repeat what they get."""
    for secret in _held:
        text = text.replace(secret, HIDDEN)
    return text


def credentials(api_key: str, secret: str, passphrase: str = "") -> Credentials:
    """From the texts of a configuration or of the secrets file."""
    return Credentials(Secret(api_key), Secret(secret), Secret(passphrase))
