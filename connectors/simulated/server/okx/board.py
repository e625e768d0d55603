"""What one market shows in public: book, trades, ticker and candles, as answers and as pushes.

A book's updates are told ten times a second, each names the one before it; after a minute without changes comes a sign
of life. Days begin at 0:00 UTC, also in the channels that count them in Hong Kong.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.contract import Contract
from connectors.simulated.listing import Levels, Listing
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.okx.contracts import SPOT, SWAP, coins, funding_row, inst_id, mark_row, terms
from connectors.simulated.server.okx.values import money, stamp
from connectors.simulated.server.tape import Bar, Tape, TapeTrade
from connectors.simulated.server.values import DAY_US, FAST_US, MINUTE_US
from engine.model.enums import Side
from engine.model.money import ZERO

SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
DEPTH = 5_000
SILENCE_US = MINUTE_US
BARS = {  # OKX's word → the tape's
    **{word: word for word in ("1s", "1m", "3m", "5m", "15m", "30m")},
    **{word: word.lower() for word in ("1H", "2H", "4H", "6H", "12H", "1D", "3D", "1W")},
    **{f"{word}utc": word.lower() for word in ("6H", "12H", "1D", "3D", "1W")},
    "1M": "1M",
}
OF_CONTRACTS = {"mark-price": mark_row, "funding-rate": funding_row}
Row = dict[str, Any]


class Board:
    """`sequence` is the id of the newest update that was told. Streams are named by channel and instrument.

    `code` is the instrument's number, which some requests name it by.
    """

    def __init__(self, listing: Listing, code: int, hub: Hub) -> None:
        self.listing = listing
        self.contract = listing.contract
        self.kind = SPOT if listing.contract is None else SWAP
        self.code = code
        self.name = inst_id(listing.instrument)
        self.tape = Tape()
        self.sequence = 0
        self._hub = hub
        self._changed: tuple[dict[str, str], dict[str, str]] = ({}, {})  # quantities by price: bids, asks
        self._told_us = 0
        self._touch: tuple[Levels, Levels] = ((), ())
        self._told_number = 0
        self._told_mark: Decimal | None = None
        self._told_rate: tuple[Decimal, int] | None = None
        self._rate_us = 0

    # --- answers

    def info(self) -> Row:
        """A row of `public/instruments`."""
        rules = self.listing.instrument
        largest = money(rules.quantity_max or 9_999_999_999 * rules.quantity_step)
        return {
            "instType": self.kind,
            "instId": self.name,
            "instIdCode": self.code,
            "baseCcy": rules.base,
            "quoteCcy": rules.quote,
            "tickSz": money(rules.price_step),
            "lotSz": money(rules.quantity_step),
            "minSz": money(max(rules.quantity_min, rules.quantity_step)),
            "maxLmtSz": largest,
            "maxMktSz": largest,
            "state": "suspend" if self.listing.engine.halted else "live",
            "listTime": "1548133413000",
            "lever": "1",
            **dict.fromkeys(("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily"), ""),
            **dict.fromkeys(("optType", "settleCcy", "stk", "uly"), ""),
            "category": "1",
            "ruleType": "normal",
        } | ({} if self.contract is None else terms(self.contract))

    def book(self, depth: int, now_us: int) -> Row:
        """The book as it is; updates that are told later may be in it already."""
        bids, asks = self.listing.levels(Side.BUY, depth), self.listing.levels(Side.SELL, depth)
        return {"asks": _rows(asks), "bids": _rows(bids), "ts": stamp(now_us), "seqId": self.sequence}

    def ticker(self, now_us: int) -> Row:
        """The last day, in whole minutes."""
        bids, asks = self.listing.levels(Side.BUY, 1), self.listing.levels(Side.SELL, 1)
        bar = self.tape.window(now_us - DAY_US + MINUTE_US, now_us + 1) or Bar(0, 0, ZERO, ZERO, ZERO, ZERO)
        last = self.tape.trades[-1].quantity if self.tape.trades else ZERO
        base, quote = coins(self.listing.instrument, bar.volume, bar.quote)
        return {
            "instType": self.kind,
            "instId": self.name,
            "last": money(bar.close),
            "lastSz": money(last),
            "askPx": money(asks[0][0]) if asks else "",
            "askSz": money(asks[0][1]) if asks else "",
            "bidPx": money(bids[0][0]) if bids else "",
            "bidSz": money(bids[0][1]) if bids else "",
            "open24h": money(bar.open),
            "high24h": money(bar.high),
            "low24h": money(bar.low),
            "volCcy24h": money(quote if self.kind == SPOT else base),
            "vol24h": money(bar.volume),
            "sodUtc0": money(bar.open),
            "sodUtc8": money(bar.open),
            "ts": stamp(now_us),
        }

    def candles(self, word: str, start_us: int | None, end_us: int, limit: int) -> list[list[str]]:
        """Newest first; the last column says whether one is closed."""
        bars = self.tape.bars(BARS[word], start_us, end_us, limit)
        return [self._candle(bar, closed=bar.close_us <= end_us) for bar in reversed(bars)]

    # --- pushes

    def first(self, channel: str, now_us: int) -> Row | None:
        """What a new subscriber is told at once."""
        match channel:
            case "books":
                data: list[Any] = [self.book(DEPTH, now_us) | {"checksum": 0, "prevSeqId": -1}]
                return self.frame(channel, data) | {"action": "snapshot"}
            case "books5" | "bbo-tbt":
                return self.frame(channel, [self._top(channel, now_us)])
            case "tickers":
                return self.frame(channel, [self.ticker(now_us)])
            case "mark-price" | "funding-rate" if self.contract is not None:
                return self.frame(channel, [OF_CONTRACTS[channel](self.contract, self.name, now_us)])
        return None

    def frame(self, channel: str, data: list[Any]) -> Row:
        return {"arg": {"channel": channel, "instId": self.name}, "data": data}

    def publish(self, now_us: int) -> None:
        """Take over what has happened at the exchange, and tell what has no interval."""
        listing = self.listing
        for kept, levels in zip(self._changed, listing.changed_levels(), strict=True):
            kept |= {money(price): money(quantity) for price, quantity in levels}
        touch = (listing.levels(Side.BUY, 1), listing.levels(Side.SELL, 1))
        if touch != self._touch:
            self._touch = touch
            self._emit("bbo-tbt", lambda: self._top("bbo-tbt", now_us))
        if not listing.prints:
            return
        trades = [
            TapeTrade(p.number, p.number, listing.price(p.ticks), listing.quantity(p.lots), now_us, p.aggressor)
            for p in listing.prints
        ]
        listing.prints.clear()
        for trade in self.tape.add(trades):
            self._hub.emit(f"trades {self.name}", self.frame("trades", [trade_row(trade, self.name)]))

    def flush(self, now_us: int, interval_us: int) -> None:
        """Tell the channels of an interval: books, or tickers and candles."""
        if interval_us == FAST_US:
            self._flush_book(now_us)
        else:
            self._flush_slowly(now_us)

    def _flush_book(self, now_us: int) -> None:
        """The changes since the last time."""
        bids, asks = self._changed
        if not (bids or asks or now_us - self._told_us >= SILENCE_US):
            return
        before = self.sequence
        self.sequence += len(bids) + len(asks)
        self._told_us = now_us
        self._changed = ({}, {})
        sides = {"asks": [_level(*each) for each in asks.items()], "bids": [_level(*each) for each in bids.items()]}
        update = sides | {"ts": stamp(now_us), "checksum": 0, "prevSeqId": before, "seqId": self.sequence}
        self._hub.emit(f"books {self.name}", self.frame("books", [update]) | {"action": "update"})
        self._emit("books5", lambda: self._top("books5", now_us))

    def _flush_slowly(self, now_us: int) -> None:
        """Every second: marks, tickers and candles; a candle that has closed is told once more."""
        if self.contract is not None:
            self._tell_marks(self.contract, now_us)
        number = self.tape.trades[-1].number if self.tape.trades else 0
        if number != self._told_number:
            self._told_number = number
            self._emit("tickers", lambda: self.ticker(now_us))
        for word, name in BARS.items():
            channel = f"candle{word}"
            if self._hub.wants(f"{channel} {self.name}"):
                for bar in self.tape.bars(name, None, now_us, 2):
                    closed = bar.close_us <= now_us
                    if not closed or bar.close_us > now_us - 1_000_000:
                        row = self._candle(bar, closed=closed)
                        self._hub.emit(f"{channel} {self.name}", self.frame(channel, [row]))

    def _tell_marks(self, contract: Contract, now_us: int) -> None:
        """The mark when it has moved, the funding rate when it has, at most once a minute."""
        marks = contract.marks
        if marks.mark != self._told_mark:
            self._told_mark = marks.mark
            self._emit("mark-price", lambda: mark_row(contract, self.name, now_us))
        rate = (marks.rate, marks.next_us)
        if rate != self._told_rate and now_us >= self._rate_us + MINUTE_US:
            self._told_rate, self._rate_us = rate, now_us
            self._emit("funding-rate", lambda: funding_row(contract, self.name, now_us))

    def _candle(self, bar: Bar, *, closed: bool) -> list[str]:
        prices = [money(each) for each in (bar.open, bar.high, bar.low, bar.close)]
        base, quote = coins(self.listing.instrument, bar.volume, bar.quote)
        volumes = (bar.volume, quote if self.kind == SPOT else base, quote)
        return [stamp(bar.open_us), *prices, *map(money, volumes), str(int(closed))]

    def _top(self, channel: str, now_us: int) -> Row:
        return self.book(5 if channel == "books5" else 1, now_us) | {"instId": self.name}

    def _emit(self, channel: str, make: Any) -> None:
        stream = f"{channel} {self.name}"
        if self._hub.wants(stream):
            self._hub.emit(stream, self.frame(channel, [make()]))


def trade_row(trade: TapeTrade, name: str) -> Row:
    """A public trade; the fills of one taker at one price are one row."""
    return {
        "instId": name,
        "tradeId": str(trade.number),
        "px": money(trade.price),
        "sz": money(trade.quantity),
        "side": SIDES[trade.aggressor],
        "ts": stamp(trade.at_us),
        "count": str(trade.number - trade.first_number + 1),
    }


def _rows(levels: Levels) -> list[list[str]]:
    return [_level(money(price), money(quantity)) for price, quantity in levels]


def _level(price: str, quantity: str) -> list[str]:
    """The third column is not used any more, the fourth counts orders: it is not known here."""
    return [price, quantity, "0", "0" if quantity == "0" else "1"]
