"""Where the password of the secrets file comes from: the first place that has one. There is no default."""

import os
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from time import sleep

import click

from engine.app.failure import Failure
from engine.app.secrets.file import FILE
from engine.app.secrets.vault import Vault

PASSWORD, PASSWORD_FILE, CREDENTIALS = "TICKWRIGHT_PASSWORD", "TICKWRIGHT_PASSWORD_FILE", "CREDENTIALS_DIRECTORY"
CREDENTIAL = "tickwright-password"  # its name in systemd's LoadCredential=
LEAST = 8  # characters of a new password
WRONG_PAUSE_S = 1.0

Ask = Callable[[str], str]
"""Shows a prompt and returns what was typed, hidden."""


def unlock(userdir: Path, ask: Ask | None, warn: Callable[[str], None]) -> Vault:
    """The secrets file of a folder, opened or to be made. `ask` is None where nobody can be asked.

    Raises Failure (E-KEY), after a second, for a wrong password.
    """
    path = userdir / FILE
    given = password(path, ask, os.environ, warn)
    try:
        return Vault(path, given)
    except Failure:
        sleep(WRONG_PAUSE_S)
        raise


def hidden_ask() -> Ask | None:
    """A prompt that does not show what is typed; None where nobody sits at a terminal."""
    return (lambda prompt: str(click.prompt(prompt, hide_input=True, err=True))) if sys.stdin.isatty() else None


def password(path: Path, ask: Ask | None, environment: MutableMapping[str, str], warn: Callable[[str], None]) -> str:
    """The password to try, or of a file that does not exist yet. Raises Failure (E-KEY)."""
    found = _unattended(environment, warn)
    if found:
        return _long_enough(found, path)
    if ask is None:
        fix = f"{PASSWORD_FILE}=FILE, a systemd credential {CREDENTIAL}, or a terminal"
        raise Failure("E-KEY", "the keys are locked and nobody can be asked for the password", where=str(path), fix=fix)
    if path.exists():
        return ask("Password of the secrets file")
    new = _long_enough(ask("New password of the secrets file (it cannot be recovered)"), path)
    if ask("The same again") != new:
        raise Failure("E-KEY", "the two passwords differ", where=str(path))
    return new


def _unattended(environment: MutableMapping[str, str], warn: Callable[[str], None]) -> str:
    named = environment.get(PASSWORD_FILE)
    if named:
        return _text_of(Path(named))
    credential = Path(environment.get(CREDENTIALS, "")) / CREDENTIAL
    if environment.get(CREDENTIALS) and credential.exists():
        return _text_of(credential)
    if PASSWORD in environment:
        warn(f"{PASSWORD} can be seen by others in /proc and by container tools: {PASSWORD_FILE} is safer")
        return environment.pop(PASSWORD)
    return ""


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("E-KEY", f"the password cannot be read: {error}", where=str(path)) from error


def _long_enough(password: str, path: Path) -> str:
    if len(password) < LEAST:
        raise Failure("E-KEY", f"a password needs at least {LEAST} characters", where=str(path))
    return password
