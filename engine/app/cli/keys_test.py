"""`tickwright keys test`: what an exchange says of a key that is kept."""

import os

import click

from engine.app.build import ask_exchange
from engine.app.cli.keys import account_option, key_model
from engine.app.cli.output import Output
from engine.app.config.models import CcxtExchange
from engine.app.failure import Failure
from engine.app.rights import describe, doubts, key_name, refuse_rights
from engine.app.secrets.unlock import hidden_ask, unlock
from engine.model.greeting import KeyRights

URL = "TICKWRIGHT_VENUE_URL"
"""Instead of the exchange, a venue of this machine that speaks its language."""


@click.command(help="Ask the exchange what a kept key may do. Refuses keys that may withdraw.")
@click.argument("connector")
@account_option
@click.pass_obj
def command(output: Output, connector: str, account: str) -> None:
    """Nothing is sent but questions."""
    model = key_model(connector)
    if issubclass(model, CcxtExchange):
        raise Failure("E-USAGE", "which exchange of ccxt it is stands in a bot's file", fix="tickwright doctor FILE")
    secrets = unlock(output.userdir, hidden_ask(), output.warn).get(connector, account)
    if not secrets:
        raise Failure(
            "E-NOTFOUND", f"no keys of {connector} {account} are kept", fix=f"tickwright keys add {connector}"
        )
    exchange = model(connector=connector, account=account, url=os.environ.get(URL, "")).model_copy(update=secrets)
    greeting = ask_exchange(connector, exchange, (), "live").greeting
    rights = greeting.rights or KeyRights()
    refuse_rights(connector, key_name(exchange), rights)
    for text, fix in doubts(rights):
        output.warn(f"{text}: {fix}")
    offset_ms = None if greeting.clock is None else greeting.clock.offset_us // 1000
    clock = "its time is not told" if offset_ms is None else f"its clock is {offset_ms:+,} ms from yours"
    data = {
        "connector": connector,
        "account": account,
        "clock_offset_ms": offset_ms,
        "may_trade": rights.trades,
        "may_withdraw": rights.moves_money,
        "bound_to_addresses": rights.bound,
    }
    output.result(data, f"{connector} {account} {key_name(exchange)}: {describe(rights)}; {clock}")
