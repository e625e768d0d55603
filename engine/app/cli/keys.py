"""`tickwright keys add|list|remove`: what is kept in the encrypted file of a user's folder."""

import sys
from pathlib import Path

import click
import msgspec
from pydantic import SecretStr

from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.config.models import RealExchange
from engine.app.config.validate import did_you_mean
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, NOT_BUILT
from engine.app.secrets.file import FILE, kept_accounts
from engine.app.secrets.keys import secret_fields
from engine.app.secrets.unlock import hidden_ask, unlock
from engine.app.secrets.vault import Vault

_PEM = "-----BEGIN"
_OPTIONAL = {"ccxt": ("passphrase",)}  # some of its exchanges have one, and say so when it is missing

account_option = click.option("--account", default="default", show_default=True, help="Its name in your files.")


@click.command(help="Keep the keys of an account, encrypted; asks for them.")
@click.argument("connector")
@account_option
@click.option("--key-file", type=click.Path(path_type=Path), help="PEM file of an Ed25519 or RSA key: the secret.")
@click.pass_obj
def add(output: Output, connector: str, account: str, key_file: Path | None) -> None:
    """Without a terminal the keys are read from stdin as JSON: {"api_key": …, "api_secret": …}."""
    fields = secret_fields(key_model(connector))
    secrets = {"api_secret": _pem(key_file)} if key_file else {}
    secrets |= _typed(connector, [name for name in fields if name not in secrets])
    vault = _unlock(output)
    vault.put(connector, account, {name: SecretStr(text) for name, text in secrets.items()})
    text = f"{connector} {account}: {', '.join(sorted(secrets))} kept in {FILE}, encrypted"
    output.result({"connector": connector, "account": account, "fields": sorted(secrets)}, text)


@click.command("list", help="List the accounts whose keys are kept. Needs no password.")
@click.pass_obj
def list_(output: Output) -> None:
    """Names only."""
    kept = kept_accounts(output.userdir)
    data = [{"connector": key[0], "account": key[1], "fields": fields} for key, fields in kept.items()]
    rows = table((*key, ", ".join(fields)) for key, fields in kept.items())
    output.result(data, rows or "no keys are kept.  tickwright keys add binance")


@click.command(help="Forget the keys of an account.")
@click.argument("connector")
@account_option
@click.pass_obj
def remove(output: Output, connector: str, account: str) -> None:
    """They stay valid at the venue until they are deleted there."""
    if not kept_accounts(output.userdir).get((connector, account)):
        raise Failure("E-NOTFOUND", f"no keys of {connector} {account} are kept", fix="tickwright keys list")
    _unlock(output).remove(connector, account)
    text = f"{connector} {account}: forgotten here; delete the key at the venue too"
    output.result({"connector": connector, "account": account}, text)


def key_model(connector: str) -> type[RealExchange]:
    """The settings of an exchange that has accounts. Raises Failure about any other name."""
    known = [name for name, path in BUILT_IN.connectors.items() if path != NOT_BUILT]
    model = BUILT_IN.connector_config(connector) if connector in known else None
    if model is None or not issubclass(model, RealExchange):
        hint = did_you_mean(connector, known) or "tickwright exchanges"
        raise Failure("E-NOTFOUND", f"'{connector}' is not an exchange that needs keys", fix=hint)
    return model


def _unlock(output: Output) -> Vault:
    return unlock(output.userdir, hidden_ask(), output.warn)


def _typed(connector: str, fields: list[str]) -> dict[str, str]:
    """What was typed, or came as JSON; only fields that the connector has, and all that it needs."""
    optional = _OPTIONAL.get(connector, ())
    if sys.stdin.isatty():
        return {name: text for name in fields if (text := _prompted(name, name in optional))}
    try:
        given = msgspec.json.decode(sys.stdin.read(), type=dict[str, str])
    except msgspec.DecodeError:
        fix = '{"api_key": "…", "api_secret": "…"}'
        raise Failure("E-USAGE", "stdin is no terminal and holds no JSON object of keys", fix=fix) from None
    unknown = ", ".join(sorted(given.keys() - set(fields)))
    missing = ", ".join(name for name in fields if name not in optional and not given.get(name))
    if unknown or missing:
        detail = f"{connector} has no {unknown}" if unknown else f"missing: {missing}"
        raise Failure("E-USAGE", detail, fix=f"give {', '.join(fields)}")
    return given


def _prompted(name: str, optional: bool) -> str:
    """Asked for until something is typed, unless it may be left empty."""
    note = " (leave empty if there is none)" if optional else " (chosen with the key)" if name == "passphrase" else ""
    label = name.replace("_", " ") + note
    text: str = click.prompt(label, hide_input=name != "api_key", err=True, default="" if optional else None)
    return text


def _pem(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("E-NOTFOUND", f"the private key cannot be read: {error}", where=str(path)) from error
    if not text.startswith(_PEM):
        raise Failure("E-KEY", "is not a private key in PEM", where=str(path), fix="openssl genpkey -algorithm ed25519")
    return text
