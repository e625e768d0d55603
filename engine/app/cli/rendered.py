"""What rich draws, as text for `Output`."""

from shutil import get_terminal_size

from rich.console import Console, RenderableType

from engine.app.cli.output import Output

WIDTH_MIN = 100


def as_text(drawing: RenderableType, output: Output) -> str:
    """With color codes on a terminal that wants them, as wide as it is."""
    console = Console(no_color=output.color is False, width=max(WIDTH_MIN, get_terminal_size().columns))
    with console.capture() as capture:
        console.print(drawing)
    return capture.get().rstrip("\n")
