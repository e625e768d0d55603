"""Position ledgers and transfers as rows of the order log, and back."""

from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from engine.core.position import PositionLedger
from engine.model.event import TransferSeen
from engine.model.money import to_text
from engine.store.rows import Value, plain

TransferKey = tuple[str, str, str, int, str]
SUMS = ("quantity", "cost", "realized", "fees_quote", "funding_quote")
TRANSFER_COLUMNS = TransferSeen.__struct_fields__
LEDGER_COLUMNS = ("instrument_id", "owner", "net", *SUMS, "unpriced_fees")
_sums_of = attrgetter(*SUMS)
_transfer_of = attrgetter(*TRANSFER_COLUMNS)

UPSERT_LEDGER = (
    f"INSERT INTO ledgers ({', '.join(LEDGER_COLUMNS)}) VALUES ({', '.join('?' * len(LEDGER_COLUMNS))}) "
    f"ON CONFLICT (instrument_id, owner, net) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in LEDGER_COLUMNS[3:])
)
SELECT_LEDGERS = f"SELECT {', '.join(LEDGER_COLUMNS)} FROM ledgers ORDER BY instrument_id, owner, net"
INSERT_TRANSFER = (
    f"INSERT INTO transfers ({', '.join(TRANSFER_COLUMNS)}) VALUES ({', '.join('?' * len(TRANSFER_COLUMNS))})"
)
FIND_TRANSFER = """SELECT 1 FROM transfers
    WHERE venue = ? AND kind = ? AND instrument_id = ? AND event_us = ? AND transfer_id = ?"""
SELECT_TRANSFERS = f"SELECT {', '.join(TRANSFER_COLUMNS)} FROM transfers"


class LedgerState(Struct, frozen=True):
    """A PositionLedger as it was. `net`: the position of all owners together, as a derivatives venue sees it."""

    instrument_id: str
    owner: str
    net: bool
    quantity: Decimal
    cost: Decimal
    realized: Decimal
    fees_quote: Decimal
    funding_quote: Decimal
    unpriced_fees: dict[str, Decimal]

    def put_into(self, ledger: PositionLedger) -> None:
        """Make a ledger what it was."""
        for name in (*SUMS, "unpriced_fees"):
            setattr(ledger, name, getattr(self, name))


def ledger_row(ledger: PositionLedger, *, net: bool) -> tuple[Value, ...]:
    """A ledger as LEDGER_COLUMNS."""
    unpriced = msgspec.json.encode({asset: to_text(fee) for asset, fee in ledger.unpriced_fees.items()}).decode()
    return (ledger.instrument.instrument_id, ledger.owner, int(net), *map(plain, _sums_of(ledger)), unpriced)


def ledger_from(row: tuple[Any, ...]) -> LedgerState:
    """A ledger from a row of SELECT_LEDGERS."""
    instrument_id, owner, net, *sums, unpriced = row
    fees = msgspec.json.decode(unpriced, type=dict[str, Decimal])
    values = dict(zip(SUMS, map(Decimal, sums), strict=True))
    return LedgerState(instrument_id=instrument_id, owner=owner, net=bool(net), unpriced_fees=fees, **values)


def transfer_key(transfer: TransferSeen) -> TransferKey:
    """What tells a transfer from every other."""
    return transfer.venue, transfer.kind, transfer.instrument_id, transfer.event_us, transfer.transfer_id


def transfer_row(transfer: TransferSeen) -> tuple[Value, ...]:
    """A transfer as TRANSFER_COLUMNS."""
    return tuple(map(plain, _transfer_of(transfer)))


def transfer_from(row: tuple[Any, ...]) -> TransferSeen:
    """A transfer from a row of SELECT_TRANSFERS."""
    values = dict(zip(TRANSFER_COLUMNS, row, strict=True))
    return TransferSeen(**{**values, "amount": Decimal(values["amount"])})
