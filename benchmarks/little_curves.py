"""Curves over a number of pictures, as SVG that needs no font and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 70, 130, 20, 50
COLOURS = ("#1b6ca8", "#d1495b", "#3c8d53", "#8a5fbf")  # told apart by people who do not see red or green, too
TICKS = 4


def curves(lines: Mapping[str, Mapping[int, float]], label: str) -> str:
    """An SVG of each line's value by count, the counts on a logarithmic scale; lines without points are left out.

    >>> "<polyline" in curves({"plain": {10: 1.0, 100: 2.0}}, "KID"), "<polyline" in curves({}, "KID")
    (True, False)
    """
    shown = {name: points for name, points in lines.items() if points}
    counts = sorted({count for points in shown.values() for count in points})
    values = [value for points in shown.values() for value in points.values()]
    parts = [text(WIDTH / 2 - 30, HEIGHT - 8, "pictures a domain, for training", "middle"), upright(label)]
    if counts:
        low, high = limits(values)
        parts += axes(counts, low, high)
        for index, (name, points) in enumerate(shown.items()):
            parts += line(name, points, (counts, low, high), COLOURS[index % len(COLOURS)])
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    return "\n".join([f'{head} font-size="13">', '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])


def limits(values: Sequence[float]) -> tuple[float, float]:
    """The range of the vertical axis: that of the values, and a tenth more on both sides."""
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - margin, high + margin


def across(count: int, counts: Sequence[int]) -> float:
    """Where a count stands."""
    if len(counts) < 2:
        return (LEFT + WIDTH - RIGHT) / 2
    share = (log10(count) - log10(counts[0])) / (log10(counts[-1]) - log10(counts[0]))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def up(value: float, low: float, high: float) -> float:
    """Where a value stands."""
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def axes(counts: Sequence[int], low: float, high: float) -> list[str]:
    """Numbers of pictures below, values at the left, and a thin line for each of them."""
    parts = [text(across(count, counts), HEIGHT - BOTTOM + 18, str(count), "middle") for count in counts]
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        y = up(value, low, high)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, y + 4, f"{value:.3g}", "end"))
    return parts


def line(name: str, points: Mapping[int, float], scale: tuple[Sequence[int], float, float], colour: str) -> list[str]:
    """One curve with its points, and its name at its end."""
    counts, low, high = scale
    places = [(across(count, counts), up(points[count], low, high)) for count in sorted(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
    x, y = places[-1]
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        text(x + 10, y + 4, name, "start", colour),
    ]


def text(x: float, y: float, words: str, anchor: str, colour: str = "#333") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def upright(words: str) -> str:
    """The label of the vertical axis."""
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return (
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle" fill="#333">{escape(words)}</text>'
    )
