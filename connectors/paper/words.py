"""Numbers that stand for words in the fill kernels. Prices are ticks, quantities lots, times µs, sides +1 and −1."""

from typing import Final

# kinds of rows
BID: Final = 0  # level := lots, 0 deletes it
ASK: Final = 1
SELL_TRADE: Final = 2  # public trade, by aggressor
BUY_TRADE: Final = 3
BEST_BID: Final = 4  # best price and size only
BEST_ASK: Final = 5
CLEAR: Final = 6  # a snapshot follows in the same µs: both sides are empty
GAP: Final = 7  # data are missing from here to the next CLEAR
MARK: Final = 8  # mark price
FUNDING: Final = 9  # `lots` is the rate in 1e-9, settled at the time of the row
FAR: Final = 16  # added to the kinds above while a row lies outside the kernel's window

BUY: Final = 1
SELL: Final = -1

# flags of an order
POST_ONLY: Final = 1
IOC: Final = 2
FOK: Final = 4
MARKET: Final = 8
STOP: Final = 16  # waits until the last trade reaches its trigger
REDUCE: Final = 32  # must not turn the position; kept by the candle kernel, elsewhere by the venue at arrival

# what is told
OPENED: Final = 0
REJECTED: Final = 1
FILLED: Final = 2
CANCELLED: Final = 3
CANCEL_REJECTED: Final = 4
AMENDED: Final = 5
AMEND_REJECTED: Final = 6
EXPIRED: Final = 7
TRIGGERED: Final = 8
MARKED: Final = 9  # a MARK row went by
FUNDED: Final = 10  # a FUNDING row went by
CLOSED: Final = 11  # a candle closed; the key is its number

MAKER: Final = 0
TAKER: Final = 1

# queue models
RISK_AVERSE: Final = 0
PROBABILISTIC: Final = 1
NONE: Final = 2
THROUGH: Final = 3

# self-trade rules
ALLOW: Final = 0
CANCEL_NEW: Final = 1
CANCEL_OLD: Final = 2

NO_BID: Final = 0
NO_ASK: Final = 1 << 40
NEVER_US: Final = 1 << 62

Outcome = tuple[int, int, int, int, int, int, str]
"""(venue time, what, key of the order, ticks, lots, liquidity, reason)."""
