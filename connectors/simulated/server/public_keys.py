"""Keys whose signatures are checked with a public key: Ed25519 and RSA (PKCS #1 v1.5, SHA-256), as Base64."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors.simulated.server.credentials import Credential
from connectors.simulated.venue_order import Account
from engine.schema.values import BadValue


def public_key_credential(key: str, pem: bytes, account: Account) -> Credential:
    """A key that is known by its public half."""
    public = load_pem_public_key(pem)
    if not isinstance(public, Ed25519PublicKey | RSAPublicKey):
        raise BadValue(f"the public key of {account.name} is neither Ed25519 nor RSA", "public_key: alice.pem")

    def verify(signed: bytes, signature: str) -> bool:
        try:
            raw = b64decode(signature, validate=True)
            if isinstance(public, Ed25519PublicKey):
                public.verify(raw, signed)
            else:
                public.verify(raw, signed, PKCS1v15(), SHA256())
        except (BadBase64, ValueError, InvalidSignature):
            return False
        return True

    return Credential(key, account, verify, logs_on=isinstance(public, Ed25519PublicKey))
