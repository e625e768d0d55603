"""`data/secrets.enc`: every key of a user's folder. Values are decrypted one by one, when somebody asks for them.

A sealed index names every value with its nonce, so that one that was removed, added or put back is noticed.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from pydantic import SecretStr

from engine.app.failure import Failure
from engine.app.secrets.file import FORMAT, VERSION, Sealed, SecretsFile, Value, read_file
from engine.app.secrets.sealing import derive_key, new_derivation, seal, unseal

_INDEX_NAME = f"{FORMAT}|{VERSION}|index"
_WRONG = "the password is wrong, or the file was changed by somebody else"


class Vault:
    """An unlocked file. Raises Failure (E-KEY) for a wrong password and for a file that cannot be trusted."""

    def __init__(self, path: Path, password: str) -> None:
        """Opens the file; where there is none, the first `put` makes it."""
        self.path = path
        self._file = read_file(path) if path.exists() else None
        self._derivation = self._file.derivation if self._file else new_derivation()
        self._key = derive_key(self._derivation, password)
        self._check()

    def get(self, venue: str, account: str) -> dict[str, SecretStr]:
        """The secrets of an account by field; empty when nothing is kept."""
        return {
            value.field: SecretStr(self._open(value))
            for value in self._values()
            if (value.venue, value.account) == (venue, account)
        }

    def put(self, venue: str, account: str, secrets: Mapping[str, SecretStr]) -> None:
        """Keep the secrets of an account, instead of those that are kept of it."""
        with self._changing():
            values = [value for value in self._values() if (value.venue, value.account) != (venue, account)]
            for field, secret in secrets.items():
                value = Value(venue, account, field, Sealed("", ""))
                value.sealed = seal(self._key, secret.get_secret_value(), value.name)
                values.append(value)
            self._write(values)

    def remove(self, venue: str, account: str) -> bool:
        """Forget an account. Returns whether anything was kept of it."""
        with self._changing():
            values = [value for value in self._values() if (value.venue, value.account) != (venue, account)]
            if len(values) == len(self._values()):
                return False
            self._write(values)
            return True

    # ---- inside

    def _values(self) -> list[Value]:
        return self._file.values if self._file else []

    def _open(self, value: Value) -> str:
        text = unseal(self._key, value.sealed, value.name)
        if text is None:
            raise Failure("E-KEY", f"{value.field} of {value.venue} was changed in the file", where=str(self.path))
        return text

    def _check(self) -> None:
        if self._file is None:
            return
        index = unseal(self._key, self._file.index, _INDEX_NAME)
        if index is None or index != _index(self._file.values):
            raise Failure("E-KEY", _WRONG, where=str(self.path))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone with the file, as it is now: another process may have written since it was opened."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            self._file = read_file(self.path) if self.path.exists() else None
            if self._file and self._file.derivation != self._derivation:
                raise Failure("E-CONFLICT", "the file was made anew meanwhile: try again", where=str(self.path))
            self._check()
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write(self, values: list[Value]) -> None:
        index = seal(self._key, _index(values), _INDEX_NAME)
        self._file = SecretsFile(FORMAT, VERSION, self._derivation, index, values)
        text = msgspec.json.format(msgspec.json.encode(self._file), indent=1)
        new = self.path.with_suffix(".new")
        try:
            new.unlink(missing_ok=True)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text + b"\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(self.path)) from error


def _index(values: list[Value]) -> str:
    return "\n".join(sorted(f"{value.name}|{value.sealed.nonce}" for value in values))
