"""Coverage marks: which rare branches a run reached. Compiled out with `python -O`."""

from collections import defaultdict

counts: defaultdict[str, int] = defaultdict(int)

if __debug__:

    def mark(name: str) -> None:
        """Count one pass of the branch called `name`."""
        counts[name] += 1

else:

    def mark(name: str) -> None:
        """Marks are off under -O."""
