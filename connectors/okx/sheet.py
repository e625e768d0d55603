"""What OKX v5 promises, as data: addresses, errors, limits, order rules. Read in the documentation in 2026-07."""

from dataclasses import dataclass

from connectors.base.outcomes import DUPLICATE, NO_FUNDS, RATE_LIMIT, TIMESTAMP, UNAUTHORIZED, Row
from connectors.base.rate_limit import Limit
from connectors.okx.book import BOOK_RULES
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, Outcome

DOCS_READ = "2026-07"
DEMO_HEADER = {"x-simulated-trading": "1"}


@dataclass(frozen=True, slots=True)
class Urls:
    """Where OKX is. `socket` is followed by /public or /private; `demo`: its test system, at the same REST address."""

    rest: str
    socket: str
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of market. `td_mode` is how its orders are paid, `account_modes` the levels of accounts where they are."""

    inst_type: str
    td_mode: str
    account_modes: tuple[str, ...]

    @property
    def is_spot(self) -> bool:
        return self.td_mode == "cash"


SPOT = Product("SPOT", "cash", ("1", "2"))  # in the other levels spot orders borrow
SWAP = Product("SWAP", "cross", ("2", "3"))  # futures, and several currencies as margin

LIVE = Urls("https://openapi.okx.com", "wss://ws.okx.com:8443/ws/v5")
DEMO = Urls("https://openapi.okx.com", "wss://wspap.okx.com:8443/ws/v5", demo=True)


def addresses(url: str, testnet: bool = False) -> Urls:
    """OKX itself, its demo trading, or a venue of this machine at `url` (http://host:port)."""
    if url:
        return Urls(url, f"ws{url.removeprefix('http')}/ws/v5")
    return DEMO if testnet else LIVE


EXPIRY_US = 5 * SECOND_US  # placements and amends carry `expTime`; cancels do not expire


def venue_sheet() -> VenueSheet:
    """What OKX promises about orders, of spot markets and of swaps."""
    return VenueSheet(
        request_expiry_us=EXPIRY_US,
        lookup_scope=LookupScope.ALL,
        unfilled_kept_us=7_200 * SECOND_US,
        client_id_in_trades=True,
        cancel_by_client_id=True,
        amend_in_place=True,
        acks_streamed=True,
        dead_man=True,
        books=BOOK_RULES,
    )


# Of all instruments together, or per instrument where the name is followed by one. 2 s, rolling.
LIMITS = {
    "order": Limit(60, 2 * SECOND_US),
    "cancel": Limit(60, 2 * SECOND_US),
    "amend": Limit(60, 2 * SECOND_US),
    "lookup": Limit(60, 2 * SECOND_US),
    "pending": Limit(60, 2 * SECOND_US),
    "fills": Limit(60, 2 * SECOND_US),
    "fills_history": Limit(10, 2 * SECOND_US),
    "batch_cancel": Limit(300, 2 * SECOND_US),
    "balance": Limit(10, 2 * SECOND_US),
    "config": Limit(5, 2 * SECOND_US),
    "fees": Limit(5, 2 * SECOND_US),
    "leverage": Limit(20, 2 * SECOND_US),
    "positions": Limit(10, 2 * SECOND_US),
    "bills": Limit(5, SECOND_US),
    "instruments": Limit(20, 2 * SECOND_US),
    "time": Limit(10, 2 * SECOND_US),
    "dead_man": Limit(1, SECOND_US),
}

AGAINST_RULES = ("51000", "51020", "51120", "51121", "51022", "51155")
_TERMS = (Action.SUBMIT, Action.AMEND)
_CHANGES = (Action.CANCEL, Action.AMEND, Action.LOOKUP)
OUTCOMES = (
    Row(Outcome.NOT_SENT, ("50011", "50061", "60014"), word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, status=429, word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("50102", "50112"), word=TIMESTAMP),
    Row(Outcome.NOT_SENT, ("60011",)),  # this connection is not logged in
    Row(Outcome.NOT_SENT, ("50105", "50110", "50111", "50113", "50119", "50120", "60009"), word=UNAUTHORIZED),
    Row(Outcome.REJECTED, ("51008",), _TERMS, word=NO_FUNDS),
    Row(Outcome.REJECTED, ("51020", "51120", "51121"), _TERMS),  # size
    Row(Outcome.REJECTED, ("51169", "51205"), _TERMS),  # nothing to reduce
    Row(Outcome.REJECTED, ("51006", "51116", "51137", "51138"), _TERMS),  # price
    Row(Outcome.REJECTED, ("51000", "51001", "51002", "51003", "51004", "51155"), _TERMS),
    Row(Outcome.REJECTED, ("60012", "60013"), _TERMS),  # a frame that makes no sense to it
    Row(Outcome.REJECTED, ("51021", "51022"), _TERMS),  # not open for trading
    Row(Outcome.AMBIGUOUS, ("51016", "50071", "51065", "70301"), (Action.SUBMIT,), word=DUPLICATE),
    Row(Outcome.ABSENT, ("51603", "51503", *(str(code) for code in range(51400, 51411))), _CHANGES),
)

PAGE, PAGES_MAX = 100, 100  # rows of a list; pages that are read of one
BATCH = 20  # orders in one request
