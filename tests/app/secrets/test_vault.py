"""The secrets file: what it keeps, and that nothing in it can be read, moved, added or put back unnoticed."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from engine.app.failure import Failure
from engine.app.secrets.file import ARGON2ID, FILE, SCRYPT, Derivation, SecretsFile, kept_accounts, read_file
from engine.app.secrets.sealing import derive_key, new_derivation
from engine.app.secrets.vault import Vault

PASSWORD = "correct horse battery"
BINANCE = {"api_key": SecretStr("kq3Zx81"), "api_secret": SecretStr("f09Ls77")}


@pytest.fixture(scope="module")
def derivation() -> Derivation:
    return new_derivation()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


def revealed(vault: Vault, venue: str, account: str = "default") -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in vault.get(venue, account).items()}


def test_keeps_and_forgets_accounts(path: Path) -> None:
    vault = Vault(path, PASSWORD)
    vault.put("binance", "default", BINANCE)
    vault.put("okx", "main", {"api_key": SecretStr("k"), "passphrase": SecretStr("€")})
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_accounts(path.parent.parent) == {
        ("binance", "default"): ["api_key", "api_secret"],
        ("okx", "main"): ["api_key", "passphrase"],
    }
    again = Vault(path, PASSWORD)
    assert revealed(again, "binance") == {"api_key": "kq3Zx81", "api_secret": "f09Ls77"}
    assert revealed(again, "okx", "main") == {"api_key": "k", "passphrase": "€"}
    assert revealed(again, "okx") == {}
    again.put("binance", "default", {"api_key": SecretStr("new")})
    assert revealed(again, "binance") == {"api_key": "new"}
    assert again.remove("okx", "main")
    assert not again.remove("okx", "main")
    assert list(kept_accounts(path.parent.parent)) == [("binance", "default")]


def test_two_writers_lose_nothing(path: Path) -> None:
    Vault(path, PASSWORD).put("a", "x", BINANCE)
    first, second = Vault(path, PASSWORD), Vault(path, PASSWORD)
    first.put("b", "x", BINANCE)
    second.put("c", "x", BINANCE)
    assert [venue for venue, _ in kept_accounts(path.parent.parent)] == ["a", "b", "c"]


def test_a_file_that_was_made_anew_is_not_written_with_the_old_key(path: Path) -> None:
    old = Vault(path, PASSWORD)
    Vault(path, "another password").put("b", "x", BINANCE)
    with pytest.raises(Failure) as raised:
        old.put("a", "x", BINANCE)
    assert raised.value.code == "E-CONFLICT"


def test_nothing_readable_in_the_file(path: Path) -> None:
    Vault(path, PASSWORD).put("binance", "default", BINANCE)
    text = path.read_text()
    assert not any(word in text for word in (PASSWORD, "kq3Zx81", "f09Ls77"))


def swap_values(file: SecretsFile) -> None:
    first, second = file.values[:2]
    first.sealed, second.sealed = second.sealed, first.sealed


def rename(file: SecretsFile) -> None:
    file.values[0].venue = "okx"


def drop(file: SecretsFile) -> None:
    del file.values[0]


def put_back(file: SecretsFile) -> None:
    """The index of an earlier state, the values of this one: an old value is back in its place."""
    file.values.append(file.values[0])


def flip(file: SecretsFile) -> None:
    text = file.values[0].sealed.text
    file.values[0].sealed.text = ("B" if text[0] == "A" else "A") + text[1:]


@pytest.mark.parametrize("change", [swap_values, rename, drop, put_back, flip])
def test_a_changed_file_is_noticed(path: Path, change: Callable[[SecretsFile], None]) -> None:
    Vault(path, PASSWORD).put("binance", "default", BINANCE)
    file = read_file(path)
    change(file)
    path.write_bytes(msgspec.json.encode(file))
    with pytest.raises(Failure) as raised:
        Vault(path, PASSWORD).get("binance", "default")
    assert raised.value.code == "E-KEY"
    assert "kq3Zx81" not in raised.value.detail


def test_wrong_password(path: Path) -> None:
    Vault(path, PASSWORD).put("binance", "default", BINANCE)
    with pytest.raises(Failure, match="the password is wrong, or the file was changed"):
        Vault(path, PASSWORD + "!")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "E-KEY"),
        ('{"format": "x", "version": 1, "derivation": {"name": "", "costs": {}, "salt": ""},'
         ' "index": {"nonce": "", "text": ""}, "values": []}', "E-VERSION"),
        ('{"format": "tickwright-secrets", "version": 1, "derivation": {"name": "argon2id", "costs": {"passes": 1},'
         ' "salt": ""}, "index": {"nonce": "", "text": ""}, "values": []}', "E-KEY"),
    ],
    ids=["no JSON", "another program", "cheap to guess"],
)  # fmt: skip
def test_files_that_are_not_taken(path: Path, text: str, code: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Failure) as raised:
        Vault(path, PASSWORD)
    assert raised.value.code == code


def test_a_file_that_others_can_read(path: Path) -> None:
    Vault(path, PASSWORD).put("binance", "default", BINANCE)
    path.chmod(0o640)
    with pytest.raises(Failure, match="others can read or change") as raised:
        Vault(path, PASSWORD)
    assert raised.value.fix == f"chown {os.getuid()} {path} && chmod 600 {path}"


def test_a_folder_that_cannot_be_written(path: Path) -> None:
    vault = Vault(path, PASSWORD)
    path.with_suffix(".new").mkdir(parents=True)
    with pytest.raises(Failure) as raised:
        vault.put("binance", "default", BINANCE)
    assert raised.value.code == "E-DISK"


def test_derivations(derivation: Derivation) -> None:
    """The same password and salt give the same key; argon2id and scrypt are both understood."""
    key = derive_key(derivation, PASSWORD)
    assert (len(key), key) == (32, derive_key(derivation, PASSWORD))
    assert derive_key(derivation, PASSWORD + "x") != key
    assert not derivation.weak
    scrypt = Derivation("scrypt", SCRYPT, derivation.salt)
    assert not scrypt.weak
    assert len(derive_key(scrypt, PASSWORD)) == 32
    assert Derivation("argon2id", {**ARGON2ID, "passes": 2}, derivation.salt).weak
    assert Derivation("md5", {}, derivation.salt).weak
