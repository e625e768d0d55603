"""Small charts as SVG text: lines, areas, marks, bars. No script; colours are classes of the page's style sheet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, isfinite, log10

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1080, 8, 74, 10, 22
POINTS_MAX = 1_400  # of a line: more are thinned to the extremes of each stretch
DAY_US = 86_400_000_000


@dataclass(slots=True)
class Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(slots=True)
class Chart:
    """Add what is to be seen, then take `svg`. x is a time in µs, y a value."""

    height: int
    x: Scale
    y: Scale
    parts: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, height: int, times: Sequence[int], values: Sequence[float], *, zero: bool = False) -> "Chart":
        """With room for all values; `zero` includes 0."""
        known = [value for value in values if isfinite(value)] or [0.0]
        low, high = min(known), max(known)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high - low < 1e-12 * max(1.0, abs(high)):
            low, high = low - max(1e-6, abs(low) * 1e-4), high + max(1e-6, abs(high) * 1e-4)
        span = times[-1] - times[0] or 1
        x = Scale(times[0], times[0] + span, LEFT, WIDTH - RIGHT)
        margin = (high - low) * 0.04
        y = Scale(low if zero and low == 0 else low - margin, high if zero and high == 0 else high + margin, 0, 0)
        y.start, y.end = height - BOTTOM, TOP
        return cls(height, x, y)

    def line(self, times: Sequence[int], values: Sequence[float], style: str) -> None:
        """A line with gaps where values are not known."""
        path, drawing = [], False
        for at_us, value in thin(times, values):
            if isfinite(value):
                path.append(f"{'L' if drawing else 'M'}{self.x.at(at_us):.1f},{self.y.at(value):.1f}")
            drawing = isfinite(value)
        self.parts.append(f'<path class="line {style}" d="{"".join(path)}"/>')

    def steps(self, times: Sequence[int], values: Sequence[float], style: str) -> None:
        """A line that goes up and down only where values change, filled to 0 or to the edge."""
        base = self.y.at(max(self.y.low, min(0.0, self.y.high)))
        path, last = [], base
        points = thin(times, values)
        for at_us, value in points:
            x, y = self.x.at(at_us), self.y.at(value)
            path.append(f"L{x:.1f},{last:.1f}L{x:.1f},{y:.1f}")
            last = y
        begin, end = self.x.at(points[0][0]), self.x.at(points[-1][0])
        self.parts.append(
            f'<path class="area {style}" d="M{begin:.1f},{base:.1f}{"".join(path)}L{end:.1f},{base:.1f}Z"/>'
        )

    def area(self, times: Sequence[int], values: Sequence[float], style: str) -> None:
        """A line that is filled to 0."""
        points = thin(times, values)
        base = self.y.at(0.0)
        path = "".join(f"L{self.x.at(at_us):.1f},{self.y.at(value):.1f}" for at_us, value in points)
        begin, end = self.x.at(points[0][0]), self.x.at(points[-1][0])
        self.parts.append(f'<path class="area {style}" d="M{begin:.1f},{base:.1f}{path}L{end:.1f},{base:.1f}Z"/>')

    def triangles(self, points: Sequence[tuple[int, float]], style: str, *, up: bool) -> None:
        """A triangle at each point, its tip there."""
        size = 5 if up else -5
        path = "".join(
            f"M{self.x.at(at_us):.1f},{self.y.at(value):.1f}l-3.5,{size * 1.6:.1f}h7z" for at_us, value in points
        )
        self.parts.append(f'<path class="mark {style}" d="{path}"/>')

    def svg(self, title: str, unit: str = "") -> str:
        """The picture with its axes; `title` is for those who cannot see it."""
        right = WIDTH - RIGHT
        grid = []
        for value in ticks(self.y.low, self.y.high, max(2, self.height // 46)):
            y = self.y.at(value)
            grid.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            grid.append(f'<text x="{right + 8}" y="{y + 4:.1f}">{escape(number(value))}{unit}</text>')
        for at_us, text in time_ticks(int(self.x.low), int(self.x.high)):
            x = self.x.at(at_us)
            grid.append(f'<text x="{x:.1f}" y="{self.height - 6}" text-anchor="middle">{text}</text>')
        inner = "".join(self.parts)
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(title)}">'
            f'<g class="grid">{"".join(grid)}</g>{inner}</svg>'
        )


def thin(times: Sequence[int], values: Sequence[float]) -> list[tuple[int, float]]:
    """All points, or the lowest and the highest of each stretch."""
    points = list(zip(times, values, strict=True))
    if len(points) <= POINTS_MAX:
        return points
    width = ceil(len(points) / (POINTS_MAX // 2))
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), width):
        part = points[start : start + width]
        kept += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return [*kept, points[-1]] if kept[-1] != points[-1] else kept


def bars(
    labels: Sequence[str], values: Sequence[float], title: str, height: int = 190, every: int = 1, style: str = ""
) -> str:
    """Upright bars from 0; every `every`th label is written. Without a `style` they are coloured by their sign."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = high - low or 1.0
    y = Scale(low - span * 0.06, high + span * 0.06, height - BOTTOM, TOP)
    right = WIDTH - RIGHT
    step = (right - LEFT) / len(values)
    width = min(step * 0.82, 64.0)
    parts = []
    for value in ticks(y.low, y.high, 4):
        at = y.at(value)
        parts.append(f'<g class="grid"><line x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{right + 8}" y="{at + 4:.1f}">{escape(number(value))}</text></g>')
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        centre = LEFT + step * (index + 0.5)
        top, bottom = sorted((y.at(value), y.at(0.0)))
        colour = style or ("up" if value >= 0 else "down")
        parts.append(
            f'<rect class="{colour}" x="{centre - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{max(bottom - top, 0.6):.1f}" rx="1.5"><title>{escape(label)}: {value:,.6g}</title></rect>'
        )
        if index % every == 0:
            place = f'x="{centre:.1f}" y="{height - 6}" text-anchor="middle"'
            parts.append(f'<g class="grid"><text {place}>{escape(label)}</text></g>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def ticks(low: float, high: float, count: int) -> list[float]:
    """At most `count` + 1 round values within [low, high]."""
    raw = (high - low) / count
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = ceil(low / step - 1e-9)
    return [index * step for index in range(first, floor(high / step + 1e-9) + 1)]


def time_ticks(first_us: int, last_us: int) -> list[tuple[int, str]]:
    """Round times with their labels: of the day, of the month."""
    span_us = last_us - first_us
    minute_us = 60_000_000
    steps = [minute_us * n for n in (1, 2, 5, 10, 30, 60, 120, 240, 360, 720)] + [
        DAY_US * n for n in (1, 2, 5, 10, 30, 90)
    ]
    step_us = next((step for step in steps if span_us / step <= 9), steps[-1] * 4)
    form = "%H:%M" if step_us < DAY_US else "%d %b"
    first = -(-first_us // step_us) * step_us
    margin_us = span_us // 40
    times = [
        at_us for at_us in range(first, last_us + 1, step_us) if first_us + margin_us <= at_us <= last_us - margin_us
    ]
    return [(at_us, f"{datetime.fromtimestamp(at_us / 1e6, UTC):{form}}") for at_us in times]


def number(value: float) -> str:
    """As short as it may be: 60,250 · 0.35 · 1.2e-07."""
    size = abs(value)
    if size < 1e-12:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}" if float(value).is_integer() or size >= 10_000 else f"{value:,.1f}"
    return f"{value:.6g}"
