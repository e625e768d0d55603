"""A duration as an option of the command line."""

from typing import Any

import click

from engine.schema.values import BadValue, parse_duration


class Duration(click.ParamType[int]):
    """`30s`, `10m`, in microseconds."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_duration(value)
        except BadValue as reason:
            self.fail(f"'{value}' {reason}", param, ctx)
