"""`data/secrets.enc` as it lies on the disk: names in clear, values sealed. Reading it needs no password."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.app.failure import Failure

FILE = Path("data") / "secrets.enc"
FORMAT = "tickwright-secrets"
VERSION = 1
ARGON2ID = {"memory_kib": 65_536, "passes": 3, "lanes": 1}
SCRYPT = {"n": 131_072, "r": 8, "p": 1}


class Sealed(Struct):
    """A ciphertext and its nonce, both in base64."""

    nonce: str
    text: str


class Derivation(Struct):
    """How a file's key comes from its password. `costs` are those of the algorithm's own definition."""

    name: str
    costs: dict[str, int]
    salt: str

    @property
    def weak(self) -> bool:
        """Cheaper to guess than what is written today, or unknown."""
        least = {"argon2id": ARGON2ID, "scrypt": SCRYPT}.get(self.name)
        return least is None or any(self.costs.get(name, 0) < cost for name, cost in least.items())


class Value(Struct):
    """One secret of an account at a venue."""

    venue: str
    account: str
    field: str
    sealed: Sealed

    @property
    def name(self) -> str:
        """What it is sealed under."""
        return f"{FORMAT}|{VERSION}|{self.venue}|{self.account}|{self.field}"


class SecretsFile(Struct):
    """`index` seals the names and nonces of all values."""

    format: str
    version: int
    derivation: Derivation
    index: Sealed
    values: list[Value]


def kept_accounts(userdir: Path) -> dict[tuple[str, str], list[str]]:
    """The names of the fields that a folder's file keeps, by (venue, account), in alphabetical order."""
    path = userdir / FILE
    found: dict[tuple[str, str], list[str]] = {}
    for value in read_file(path).values if path.exists() else []:
        found.setdefault((value.venue, value.account), []).append(value.field)
    return {key: sorted(found[key]) for key in sorted(found)}


def read_file(path: Path) -> SecretsFile:
    """Raises Failure when the file is open to others, is none of ours, or its key would be cheap to guess."""
    try:
        state = path.stat()
        text = path.read_bytes()
    except OSError as error:
        raise Failure("E-DISK", f"cannot be read: {error.strerror}", where=str(path)) from error
    if state.st_mode & 0o077 or state.st_uid != os.getuid():
        fix = f"chown {os.getuid()} {path} && chmod 600 {path}"
        raise Failure("E-KEY", "others can read or change the file of keys", where=str(path), fix=fix)
    try:
        file = msgspec.json.decode(text, type=SecretsFile)
    except msgspec.DecodeError as error:
        raise Failure("E-KEY", f"is not a file of keys: {error}", where=str(path)) from error
    if (file.format, file.version) != (FORMAT, VERSION):
        raise Failure("E-VERSION", f"was written as {file.format} version {file.version}", where=str(path))
    if file.derivation.weak:
        raise Failure("E-KEY", "its password could be guessed too cheaply: add the keys to a new file", where=str(path))
    return file
