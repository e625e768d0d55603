"""What can go wrong with the history, by who must act."""

from engine.model.errors import TickwrightError


class StoreError(TickwrightError):
    """The history cannot be used: what, where and how to mend it. Bots trade on, their order logs keep the facts."""

    def __init__(self, what: str, where: str, fix: str) -> None:
        super().__init__(f"{where}: {what}\n  fix: {fix}")
        self.what, self.where, self.fix = what, where, fix


class StoreUnreachable(StoreError):
    """Nothing answers there now; it may later."""


class StoreRefused(StoreError):
    """It answers and says no: a wrong password, a missing right, a disk that cannot be written."""


class StoreVersion(StoreError):
    """Its tables are of another version of the program."""
