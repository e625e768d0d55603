"""What an exception of ccxt allows us to conclude. The classes are often misnamed, so few of them prove anything."""

from __future__ import annotations

import asyncio

import aiohttp
import ccxt

from connectors.base.outcomes import (
    DUPLICATE,
    NO_FUNDS,
    RATE_LIMIT,
    TIMESTAMP,
    UNAUTHORIZED,
    WOULD_TAKE,
    Failed,
)
from engine.model.enums import Action, Outcome

LIMIT_TEXTS = ("429", "418")
STALE_STAMP = "REQUEST_EXPIRED"  # Gate's, which ccxt takes for a wrong key
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (ccxt.InsufficientFunds, NO_FUNDS),
    (ccxt.OrderImmediatelyFillable, WOULD_TAKE),
    (ccxt.InvalidNonce, TIMESTAMP),
    (ccxt.AuthenticationError, UNAUTHORIZED),
    (ccxt.DDoSProtection, RATE_LIMIT),
    (ccxt.RateLimitExceeded, RATE_LIMIT),
)
_REFUSED_BEFORE = (ccxt.RateLimitExceeded, ccxt.AuthenticationError, ccxt.InvalidNonce)
_REFUSED = (
    ccxt.InsufficientFunds,
    ccxt.InvalidOrder,
    ccxt.BadSymbol,
    ccxt.NotSupported,
    ccxt.ArgumentsRequired,
)


def judge(error: Exception, action: Action) -> Failed:
    """A timeout, a broken connection and everything unlisted is AMBIGUOUS; so is a duplicate client id."""
    name, text = type(error).__name__, str(error)
    code = TIMESTAMP if STALE_STAMP in text else next((word for kind, word in _WORDS if isinstance(error, kind)), name)
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Failed(Outcome.NOT_SENT, "not_connected", type(cause).__name__, broken=True)
    if isinstance(error, ccxt.RequestTimeout | asyncio.TimeoutError):
        return Failed(Outcome.AMBIGUOUS, "timeout", name)
    if isinstance(cause, aiohttp.ClientError | OSError):
        return Failed(Outcome.AMBIGUOUS, "disconnected", type(cause).__name__, broken=True)
    return Failed(_outcome(error, action, text), DUPLICATE if _is_duplicate(error, text) else code, text)


def _outcome(error: Exception, action: Action, text: str) -> Outcome:
    limited = isinstance(error, ccxt.DDoSProtection) and any(each in text for each in LIMIT_TEXTS)
    if limited or isinstance(error, _REFUSED_BEFORE):
        return Outcome.NOT_SENT
    if isinstance(error, ccxt.OrderNotFound):
        return Outcome.AMBIGUOUS if action is Action.SUBMIT else Outcome.ABSENT
    if isinstance(error, _REFUSED) and not _is_duplicate(error, text):
        return Outcome.REJECTED
    return Outcome.AMBIGUOUS


def _is_duplicate(error: Exception, text: str) -> bool:
    """An id that is in use may be our own first delivery. Some exchanges say it as an invalid order."""
    words = ("duplicate", "repeated", "already")
    return isinstance(error, ccxt.DuplicateOrderId) or (
        isinstance(error, ccxt.InvalidOrder) and any(each in text.lower() for each in words)
    )
