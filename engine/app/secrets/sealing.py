"""From a password to a key, once; and values sealed under their own names, so that none can stand in for another.

argon2id where this OpenSSL has it, else scrypt (RFC 9106, RFC 7914); AES-256-GCM with a fresh 96-bit nonce a value.
"""

import hashlib
import os
from base64 import b64decode, b64encode
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from engine.app.secrets.file import ARGON2ID, SCRYPT, Derivation, Sealed

KEY_BYTES, SALT_BYTES, NONCE_BYTES = 32, 16, 12
SCRYPT_MEMORY = 256 * 1024 * 1024  # bytes that OpenSSL may use; 128·n·r are needed


def derive_key(derivation: Derivation, password: str) -> bytes:
    """Takes some 0.2 s of CPU and 64 MiB (scrypt: 0.5 s, 128 MiB), on purpose."""
    salt, secret = b64decode(derivation.salt), password.encode()
    costs: Any = derivation.costs
    if derivation.name == "scrypt":
        return hashlib.scrypt(secret, salt=salt, **costs, maxmem=SCRYPT_MEMORY, dklen=KEY_BYTES)
    argon = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=costs["passes"],
        lanes=costs["lanes"],
        memory_cost=costs["memory_kib"],
    )
    return argon.derive(secret)


def new_derivation() -> Derivation:
    """A fresh salt, and the strongest algorithm there is here."""
    salt = b64encode(os.urandom(SALT_BYTES)).decode()
    try:
        Argon2id(salt=bytes(SALT_BYTES), length=KEY_BYTES, iterations=1, lanes=1, memory_cost=8)
    except UnsupportedAlgorithm:
        return Derivation("scrypt", SCRYPT, salt)
    return Derivation("argon2id", ARGON2ID, salt)


def seal(key: bytes, value: str, name: str) -> Sealed:
    """Encrypt a value; only under the same `name` can it be opened again."""
    nonce = os.urandom(NONCE_BYTES)
    text = AESGCM(key).encrypt(nonce, value.encode(), name.encode())
    return Sealed(b64encode(nonce).decode(), b64encode(text).decode())


def unseal(key: bytes, sealed: Sealed, name: str) -> str | None:
    """The value, or None when the key or the name is another, or the text was changed."""
    try:
        plain = AESGCM(key).decrypt(b64decode(sealed.nonce), b64decode(sealed.text), name.encode())
    except (InvalidTag, ValueError):
        return None
    return plain.decode()
