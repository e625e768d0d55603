"""Where the password comes from, in which order, and what is said when there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.app.failure import Failure
from engine.app.secrets import unlock as module
from engine.app.secrets.file import FILE
from engine.app.secrets.unlock import password, unlock
from engine.app.secrets.vault import Vault


def typing(*texts: str) -> Callable[[str], str]:
    """Somebody at a terminal who types these, one a prompt."""
    left = list(texts)
    return lambda prompt: left.pop(0)


def no_warning(text: str) -> None:
    raise AssertionError(text)


def test_the_first_place_that_has_one(tmp_path: Path) -> None:
    file, credential = tmp_path / "pw", tmp_path / "tickwright-password"
    file.write_text("from the file\n")
    credential.write_text("from systemd")
    environment = {
        "TICKWRIGHT_PASSWORD_FILE": str(file),
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "TICKWRIGHT_PASSWORD": "from the environment",
    }
    path = tmp_path / FILE
    assert password(path, None, environment, no_warning) == "from the file"
    del environment["TICKWRIGHT_PASSWORD_FILE"]
    assert password(path, None, environment, no_warning) == "from systemd"
    credential.unlink()
    warnings: list[str] = []
    assert password(path, None, environment, warnings.append) == "from the environment"
    assert "TICKWRIGHT_PASSWORD" not in environment
    assert warnings == [
        "TICKWRIGHT_PASSWORD can be seen by others in /proc and by container tools: TICKWRIGHT_PASSWORD_FILE is safer"
    ]
    assert password(path, typing("typed twice", "typed twice"), environment, no_warning) == "typed twice"


def test_an_existing_file_asks_once(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    path.touch()
    assert password(path, typing("short"), {}, no_warning) == "short"


@pytest.mark.parametrize(
    ("ask", "environment", "message"),
    [
        (None, {}, "nobody can be asked"),
        (typing("1234567"), {}, "at least 8 characters"),
        (typing("12345678", "12345679"), {}, "the two passwords differ"),
        (None, {"TICKWRIGHT_PASSWORD": "1234567"}, "at least 8 characters"),
        (None, {"TICKWRIGHT_PASSWORD_FILE": "missing"}, "the password cannot be read"),
    ],
)
def test_no_password(
    tmp_path: Path, ask: Callable[[str], str] | None, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(Failure, match=message) as raised:
        password(tmp_path / FILE, ask, environment, lambda text: None)
    assert raised.value.code == "E-KEY"


def test_a_wrong_password_costs_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(module, "sleep", pauses.append)
    Vault(tmp_path / FILE, "right password").put("binance", "default", {"api_key": SecretStr("k")})
    assert unlock(tmp_path, typing("right password"), no_warning).get("binance", "default")
    assert pauses == []
    with pytest.raises(Failure, match="the password is wrong"):
        unlock(tmp_path, typing("wrong password"), no_warning)
    assert pauses == [1.0]
