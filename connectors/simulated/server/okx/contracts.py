"""What a perpetual shows in public beside its book: its terms, mark price, funding and margin tiers.

Sizes are contracts of `ctVal` coins; only one-way positions in cross margin are kept.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.contract import Contract
from connectors.simulated.server.okx.values import money, stamp
from engine.core.position import is_inverse, value_of
from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from engine.model.money import ZERO, floor_to

SPOT, SWAP = "SPOT", "SWAP"
SIXTEEN = Decimal("1e-16")
BAND = Decimal("0.5")  # of the mark, that prices may be worse
HIGHEST = Decimal(10) ** 9  # price, before there is a mark
Row = dict[str, Any]


def inst_id(instrument: Instrument) -> str:
    """OKX's name of an instrument."""
    return instrument.symbol if instrument.kind is InstrumentKind.SPOT else f"{family(instrument)}-{SWAP}"


def inst_type(name: str) -> str:
    """Of an instrument of this name."""
    return SWAP if name.endswith(SWAP) else SPOT


def family(instrument: Instrument) -> str:
    return f"{instrument.base}-{instrument.quote}"


def terms(contract: Contract) -> Row:
    """What `public/instruments` says of perpetuals only."""
    instrument = contract.instrument
    inverse = is_inverse(instrument)
    return {
        "instFamily": family(instrument),
        "uly": family(instrument),
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": contract.settle,
        "ctVal": money(instrument.contract_size),
        "ctMult": "1",
        "ctValCcy": instrument.quote if inverse else instrument.base,
        "ctType": "inverse" if inverse else "linear",
        "lever": str(contract.terms.tiers.tiers[0].leverage_max),
    }


def mark_row(contract: Contract, name: str, now_us: int) -> Row:
    """`public/mark-price` and its channel."""
    mark = contract.marks.mark
    return {"instType": SWAP, "instId": name, "markPx": "" if mark is None else money(mark), "ts": stamp(now_us)}


def funding_row(contract: Contract, name: str, now_us: int) -> Row:
    """`public/funding-rate` and its channel: the rate that will be paid at `fundingTime` if nothing changes."""
    marks, cap = contract.marks, contract.terms.funding_cap
    due_us = marks.next_us
    return {
        "instType": SWAP,
        "instId": name,
        "method": "current_period",
        "formulaType": "noRate",
        "fundingRate": money(marks.rate),
        "fundingTime": stamp(due_us),
        "nextFundingRate": "",
        "nextFundingTime": stamp(due_us + marks.interval_us),
        "minFundingRate": money(-cap),
        "maxFundingRate": money(cap),
        "interestRate": "",
        "impactValue": money(contract.terms.impact_value),
        "premium": "",
        "settState": "settled",
        "settFundingRate": money(marks.paid[-1].rate) if marks.paid else "",
        "ts": stamp(now_us),
    }


def price_limits(contract: Contract) -> tuple[Decimal, Decimal]:
    """The highest price to buy at and the lowest to sell at."""
    mark = contract.marks.mark
    return (HIGHEST, ZERO) if mark is None else (mark * (1 + BAND), mark * (1 - BAND))


def tier_rows(contract: Contract) -> list[Row]:
    """`public/position-tiers`; the tiers' bounds are values, in contracts they move with the mark."""
    instrument, tiers, one = contract.instrument, contract.terms.tiers.tiers, Decimal(1)
    worth = value_of(instrument, one, contract.marks.mark or one)
    rows = []
    for number, tier in enumerate(tiers, 1):
        above = tiers[number].floor if number < len(tiers) else None
        rows.append(
            {
                "tier": str(number),
                "instFamily": family(instrument),
                "uly": family(instrument),
                "instId": "",
                "minSz": money(floor_to(tier.floor / worth, one)),
                "maxSz": "" if above is None else money(floor_to(above / worth, one)),
                "mmr": money(tier.rate),
                "imr": money(round(1 / Decimal(tier.leverage_max), 6)) if tier.leverage_max else "",
                "maxLever": str(tier.leverage_max or ""),
                **dict.fromkeys(("optMgnFactor", "quoteMaxLoan", "baseMaxLoan"), "0"),
            }
        )
    return rows


def coins(instrument: Instrument, contracts: Decimal, value: Decimal) -> tuple[Decimal, Decimal]:
    """A traded volume in coins and in quote. `value` is Σ contracts·price."""
    if instrument.kind is InstrumentKind.SPOT:
        return contracts, value
    if is_inverse(instrument):
        worth = contracts * instrument.contract_size
        return (worth * contracts / value).quantize(SIXTEEN) if value else ZERO, worth
    return contracts * instrument.contract_size, value * instrument.contract_size
