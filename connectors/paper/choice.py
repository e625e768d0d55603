"""Which implementation of the kernel runs: the plain one, or the same files compiled, if they are those of today."""

from hashlib import sha256
from pathlib import Path

from connectors.paper import kernel
from engine.model.errors import TickwrightError

try:
    from connectors.paper.fast import kernel as compiled  # type: ignore[attr-defined, unused-ignore]
except ImportError:
    compiled = None

FOLDER = Path(__file__).parent
SOURCES = ("words", "interface", "ladder", "resting", "arrivals", "kernel")
DIGEST = FOLDER / "fast" / "sources.sha256"


def sources_digest() -> str:
    """Of the files that are compiled."""
    return sha256(b"".join((FOLDER / f"{name}.py").read_bytes() for name in SOURCES)).hexdigest()


def is_built() -> bool:
    """Whether the compiled kernel is there and made from the files as they are now."""
    return compiled is not None and DIGEST.exists() and DIGEST.read_text() == sources_digest()


def kernel_class(choice: str) -> type[kernel.Kernel]:
    """`auto` is the compiled one if it was built, `reference` and `fast` insist. Raises TickwrightError without it."""
    if choice == "reference" or (choice == "auto" and not is_built()):
        return kernel.Kernel
    if not is_built():
        raise TickwrightError("kernel: fast is not built from these sources: run scripts/build_fast.py, or say auto")
    fast: type[kernel.Kernel] = compiled.Kernel
    return fast
