"""Write docs/messages.schema.json and the table of routing keys in docs/messaging.md. `--check`: are they current?"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.messaging.envelope import KINDS, schema

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "messaging.md"
SCHEMA = DOCS / "messages.schema.json"
TABLE = re.compile(r"(<!-- routing keys -->\n).*?(<!-- end -->)", re.DOTALL)


def table() -> str:
    """One row a kind of message."""
    head = ["| routing key | data | sent when |", "| --- | --- | --- |"]
    rows = [
        f"| `{kind.noun}.{verb}.<{kind.name}>` | {kind.data.__name__} | {when} |"
        for kind in KINDS
        for verb, when in zip(kind.verbs, [kind.when] + ["″"] * (len(kind.verbs) - 1), strict=True)
    ]
    return "\n".join([*head, *rows, ""])


def draw(page: str) -> str:
    """The page with its table as it should be."""
    return TABLE.sub(lambda match: f"{match[1]}{table()}{match[2]}", page)


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    page, text = PAGE.read_text(), schema_text()
    if "--check" in sys.argv:
        current = draw(page) == page and SCHEMA.read_text() == text
        sys.exit(None if current else "they are not current: run python scripts/draw_messages.py")
    PAGE.write_text(draw(page))
    SCHEMA.write_text(text)
