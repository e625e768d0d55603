"""The page about messages and the schema say what the code does."""

import json
import re

import msgspec
import pytest

from engine.messaging.envelope import KINDS, Body
from scripts.draw_messages import PAGE, SCHEMA, draw, schema_text


def test_table_and_schema_are_current() -> None:
    fix = "run python scripts/draw_messages.py"
    assert draw(PAGE.read_text()) == PAGE.read_text(), fix
    assert SCHEMA.read_text() == schema_text(), fix


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_every_routing_key_is_in_the_schema(number: int) -> None:
    kind, schema = KINDS[number], json.loads(SCHEMA.read_text())
    pattern = schema["oneOf"][number]["properties"]["topic"]["pattern"]
    for verb in kind.verbs:
        assert re.search(pattern, f"{kind.noun}.{verb}.some-name")
    assert not re.search(pattern, f"{kind.noun}.{kind.verbs[0]}.two.names")
    name = schema["oneOf"][number]["allOf"][0]["$ref"].rpartition("/")[2]
    fields = schema["$defs"][name]["properties"]["data"]["$ref"].rpartition("/")[2]
    assert list(schema["$defs"][fields]["properties"]) == list(kind.data.__struct_fields__)
    assert schema["$defs"][name]["required"] == list(msgspec.structs.asdict(Body("", 0, 0, None)))
