"""Base models of everything that a configuration file can hold."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator

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


def _or_none(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


_PLAIN: dict[Any, Reader] = {
    bool: reader(parse_flag, "true or false", bool),
    int: reader(parse_whole_number, "a whole number", int),
    float: reader(parse_number, "a number", float, int, Decimal),
    Decimal: reader(parse_number, "a number", Decimal, int),
}
_PLAIN |= {annotation | None: _or_none(read) for annotation, read in _PLAIN.items()}


class ConfigModel(BaseModel):
    """One mapping of a configuration file: unknown keys are refused, values never change, defaults are checked too.

    Values arrive as text, so defaults may be written as in a file. Plain `bool`, `int`, `float` and `Decimal` fields
    read the notation of `engine.schema.values` (`yes` is not true, `1.0` is not a whole number); every other notation
    has a type in `engine.schema.fields`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    _plain_readers: ClassVar[dict[str, Reader]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._plain_readers = {
            name: _PLAIN[field.annotation]
            for name, field in cls.model_fields.items()
            if field.annotation in _PLAIN and not any(isinstance(item, BeforeValidator) for item in field.metadata)
        }

    @field_validator("*", mode="before", check_fields=False)
    @classmethod
    def _read_plain(cls, value: object, info: ValidationInfo) -> object:
        read = cls._plain_readers.get(info.field_name or "")
        return value if read is None else read(value)


class StrategyConfig(ConfigModel):
    """What every strategy's settings have: `kind`, narrowed by each registered strategy, or `use`, any other class."""

    kind: str = ""
    use: str = ""
