"""Signatures of requests. A signer takes the bytes that the venue's documentation says are signed."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.base.credentials import Secret
from engine.model.errors import Unauthorized

Signer = Callable[[bytes], str]

PEM = "-----BEGIN"


def hmac_hex(secret: Secret, digest: str = "sha256") -> Signer:
    """Hexadecimal HMAC: Binance (`sha256`), Gate (`sha512`)."""
    start = hmac.new(secret.reveal().encode(), digestmod=digest)

    def sign(text: bytes) -> str:
        signature = start.copy()
        signature.update(text)
        return signature.hexdigest()

    return sign


def hmac_base64(secret: Secret, digest: str = "sha256") -> Signer:
    """Base64 of an HMAC: OKX."""
    start = hmac.new(secret.reveal().encode(), digestmod=digest)

    def sign(text: bytes) -> str:
        signature = start.copy()
        signature.update(text)
        return b64encode(signature.digest()).decode()

    return sign


def private_key(secret: Secret) -> Signer:
    """Base64 of an Ed25519 signature, or of RSA PKCS#1 v1.5 with SHA-256: whatever the PEM text holds."""
    key = _loaded(secret)
    if isinstance(key, Ed25519PrivateKey):
        return lambda text: b64encode(key.sign(text)).decode()
    if isinstance(key, RSAPrivateKey):
        return lambda text: b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()
    raise Unauthorized(f"{type(key).__name__} is not a kind of key that venues take: use Ed25519 or RSA")


def is_ed25519(secret: Secret) -> bool:
    """Whether it is such a key in PEM."""
    return secret.reveal().startswith(PEM) and isinstance(_loaded(secret), Ed25519PrivateKey)


def _loaded(secret: Secret) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unauthorized("the secret is no private key in PEM without a password") from None
