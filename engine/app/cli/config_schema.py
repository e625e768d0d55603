"""`tickwright config schema [bot|settings|scenario]`."""

import json
from typing import get_args

import click

from engine.app.cli.output import Output
from engine.app.config.json_schema import SchemaName, json_schema


@click.command(help="Print the JSON Schema of a kind of file.")
@click.argument("name", type=click.Choice(get_args(SchemaName)), default="bot")
@click.pass_obj
def command(output: Output, name: SchemaName) -> None:
    """For editors: `# yaml-language-server: $schema=…` on the first line of a file. Bots by default."""
    schema = json_schema(name)
    output.result(schema, json.dumps(schema, indent=2, ensure_ascii=False))
