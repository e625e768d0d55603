"""Base models of everything that a configuration file can hold."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.schema.values import BadValue, parse_flag, parse_number, parse_whole_number

Reader = Callable[[object], object]


def reader(parse: Callable[[str], object], noun: str, *accepted: type) -> Reader:
    """A function that sends text through `parse` and takes values of an `accepted` type as they are.

    A bool is no number, and a float is taken only where `float` is accepted: it is not exact.
    """

    def read(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if type(value) not in accepted:
            raise BadValue(f"is not {noun}", "write it as text" if isinstance(value, float) else "")
        return value

    return read


_PLAIN: dict[str, Reader] = {
    "bool": reader(parse_flag, "true or false", bool),
    "int": reader(parse_whole_number, "a whole number", int),
    "float": reader(parse_number, "a number", float, int, Decimal),
    "decimal": reader(parse_number, "a number", Decimal, int),
}


def _read_plain_types(schema: Any) -> Any:
    """The validation schema of a field with a reader before every plain type. What has a reader is left alone."""
    if schema["type"] in _PLAIN:
        return core_schema.no_info_before_validator_function(_PLAIN[schema["type"]], schema)
    for part in ("schema", "items_schema", "values_schema"):
        inner = schema.get(part)
        if isinstance(inner, dict) and schema["type"] in _TRANSPARENT:
            schema[part] = _read_plain_types(inner)
        elif isinstance(inner, list):
            schema[part] = [_read_plain_types(item) for item in inner]
    return schema


_TRANSPARENT = {"default", "nullable", "function-after", "list", "tuple", "dict"}


class ConfigModel(BaseModel):
    """One mapping of a configuration file: unknown keys are refused, values never change, defaults are checked too.

    Values arrive as text, so defaults may be written as in a file. Plain `bool`, `int`, `float` and `Decimal` fields
    read the notation of `engine.schema.values` (`yes` is not true, `1.0` is not a whole number); every other notation
    has a type in `engine.schema.fields`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        model: Any = handler.resolve_ref_schema(schema)
        while "schema" in model:
            model = model["schema"]
        for field in model["fields"].values():
            field["schema"] = _read_plain_types(field["schema"])
        return schema


class StrategyConfig(ConfigModel):
    """What every strategy's settings have: `kind`, narrowed by each registered strategy, or `use`, any other class."""

    kind: str = ""
    use: str = ""
