"""Draw docs/order_lifecycle.md from the table that the order tracker runs on. `--check` says whether it is current."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.core.lifecycle import diagram, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "order_lifecycle.md"
TEXT = """# Order life cycle

What Tickwright knows about its own orders and what each event does to that knowledge. This page is drawn from
`engine/core/lifecycle.py` by `python scripts/draw_lifecycle.py`: change the table there, not here.

Three facts are kept apart: the **phase** is what is proven about the venue (`INTENT`, `SENT`, `LIVE`, `CLOSED` with a
reason), the **command** is what we want of the order (`NONE`, `CANCEL`, `AMEND`), and an order is **settled** when it
is closed and all of its trades are booked. Only a settled order is DONE, and only then it shows a terminal status. DONE
orders still accept fills. An order whose create was not answered is not failed: it is looked up until it is proven to
exist, or proven never to have existed (denied in two rounds that started after its request had expired).

```mermaid
{diagram}```

Each cell names the transition; `·` changes nothing, `!` cannot be.

{table}
| transition | what it does |
|---|---|
| T1 | an intent is recorded and committed, then handed over |
| T3 | a refused submit is dead (REJECTED or NOT_SENT) |
| T3c | a refusal of an order that is proven to exist is a contradiction: keep it, look it up, raise an alarm |
| T4 | an ambiguous answer: look it up after 0.5, 1, 2, 4 s, then every 5 s |
| T6 | a denial counts only under the absence proof |
| T7, T10 | a new trade is booked, at any stage; a known one changes nothing; a full order is FILLED |
| T8 | a report raises the cumulative quantity and moves the phase forward, never back |
| T9 | an order that was closed as dead exists: it is live again and gets cancelled |
| T11, T16 | cancel now, or as soon as the order is proven to exist |
| T13 | "unknown order" is not a close: fetch its trades, look again; after 60 s of denials everywhere it is in doubt |
| T14 | a failed cancel is repeated after a lookup, without limit |
| T17 | an amend is decided by the terms that the venue shows |
| T18 | cancel and new in one request: two orders, judged apart |
| T20 | missing trades are fetched after 0.2, 1, 2, 5 s, then every 10 s; after 60 s one provisional fill is inferred |
| T21 | a live order without news for 20 s is looked up |
| T25 | a busted or corrected trade is taken back and booked anew |
| T26 | a person decides that an order in doubt is lost |
| T28 | a denial of an ended order: only its trades are of interest |
| R11 | an order missing from a snapshot is looked up, if its last sign of life is older than the snapshot |
| R12 | a known client id with another venue id is another order: it is cancelled by venue id |
"""


def page() -> str:
    """The whole page."""
    return TEXT.format(diagram=diagram(), table=table())


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print(f"{PAGE.name} is {'current' if current else 'out of date: python scripts/draw_lifecycle.py'}")
        return 0 if current else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
