"""Errors named by who must act. A timeout is none of these: it is an AMBIGUOUS outcome."""


class TickwrightError(Exception):
    """Base of every error that is meant for a reader: its text says what, where and how to mend it."""


class Rejected(TickwrightError):
    """The venue said no, with its own code. Repeating the same request is pointless."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Unauthorized(TickwrightError):
    """Key, signature or permission is wrong: stop and ask the operator."""


class BadMessage(TickwrightError):
    """The other side broke the protocol. Counted and dropped; never a reason to stop trading."""
