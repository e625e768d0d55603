"""Recorded messages of OKX: a few that are committed, and all of the shared data folder."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.support import ROOT, shared

RECORDED = tuple(
    (kind, text.encode())
    for kind, _, text in (line.partition(" ") for line in (ROOT / "tests/data/okx/frames.txt").read_text().splitlines())
)


def frame_with(text: str) -> bytes:
    """The only recorded message that holds this text."""
    (found,) = [body for _, body in RECORDED if text.encode() in body]
    return found


def captured(path: str) -> Iterator[bytes]:
    """The frames that a cryptofeed capture received, in order."""
    with gzip.open(shared(f"data/ws/{path}"), "rt") as lines:
        for line in lines:
            head, _, body = line.partition(": ")
            if "<" not in head and body.startswith("{"):
                yield body.strip().encode()


def payloads() -> Iterator[tuple[str, bytes]]:
    """(path, or "push", message) of every OKX message among the shared payloads that is JSON."""
    for row in _rows("jkorf_okx"):
        if row["group"] == "endpoints":
            yield f"{row['method']} {row['path']}", json.dumps(row["response"]).encode()
        for frame in row.get("frames", ()):
            if frame["dir"] != "sent" and "json" in frame:
                yield "push", json.dumps(frame["json"]).encode()
    for row in (*_rows("gct_ws"), *_rows("hummingbot_test_literals"), *_rows("bbgo_kucoin_bitget_okx")):
        if any(name in row["src"] for name in ("/okx/", "/okx_perpetual/", "/okex/")) and isinstance(row["json"], dict):
            is_fills = "transaction_history" in row["src"]
            yield "GET /api/v5/trade/fills" if is_fills else "push", json.dumps(row["json"]).encode()


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(shared(f"data/payloads/{name}.jsonl.gz"), "rt") as lines:
        yield from map(json.loads, lines)


def captured_body(path: str, url_part: str) -> bytes:
    """The first answer of REST in a cryptofeed capture whose address has this part."""
    with gzip.open(shared(f"data/ws/{path}"), "rt") as lines:
        line = next(line for line in lines if url_part in line)
    return line.split(": ", 1)[1].strip().encode()
