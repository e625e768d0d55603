"""Client order ids: tag(4) + epoch(6) + counter(6) in base 36, made by no other bot and no other run."""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TAG_LENGTH = 4
ID_LENGTH = 16
EPOCH_ZERO_US = 1_577_836_800_000_000  # 2020-01-01 UTC
_LIMIT = 36**6
_PAIRS = tuple(high + low for high in DIGITS for low in DIGITS)


def epoch_of(persisted_epoch: int, start_us: int) -> int:
    """The epoch of a run: from the counter and the clock, so that a log restored from an old backup repeats no id."""
    return max(persisted_epoch + 1, (start_us - EPOCH_ZERO_US) // 1_000_000)


def base36(value: int, length: int) -> str:
    """`value` (≥ 0) in upper-case base 36, zero-padded to `length`."""
    text = ""
    for _ in range(length):
        value, digit = divmod(value, 36)
        text = DIGITS[digit] + text
    return text


class OrderIds:
    """The ids of one run. `tag` is unique per bot and account."""

    def __init__(self, tag: str, epoch: int) -> None:
        if len(tag) != TAG_LENGTH or any(letter not in DIGITS for letter in tag):
            raise ValueError(f"order tag {tag!r} must be {TAG_LENGTH} characters of 0-9 and A-Z, for example MM01")
        if not 0 <= epoch < _LIMIT:
            raise ValueError(f"epoch {epoch} must be within 0 and {_LIMIT - 1}: check the clock and the order log")
        self.tag = tag
        self.epoch = epoch
        self._counter = 0
        self._block = ""

    def new(self) -> str:
        """The next id; counters start at 1."""
        self._counter += 1
        block, pair = divmod(self._counter, 1296)
        if pair == 0 or not self._block:
            assert self._counter < _LIMIT, "2.1 billion ids in one run: start a new epoch"
            self._block = self.tag + base36(self.epoch, 6) + base36(block, 4)
        return self._block + _PAIRS[pair]

    def is_own(self, client_order_id: str) -> bool:
        """Whether an order is ours, from any run with this tag."""
        return len(client_order_id) == ID_LENGTH and client_order_id.startswith(self.tag)
